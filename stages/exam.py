"""Exam: every registered network reads raw data sets of signers that none was trained on.

Usage: python -m stages.exam FILE.npz [FILE.npz ...] [--out reports/exam.json]
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Final

from stages.data.archive import write_text
from stages.data.cleaning import read_samples
from stages.errors import PipelineError, run_door
from stages.inference import load_network, predict
from stages.metrics.exam import Answers, answer, summarise, table
from stages.params import Preprocess, read_params
from stages.tracking.results import read_registered

MODELS: Final = Path("models")


def main() -> None:
    """Read the files and `models/`, write `reports/exam.json` and print the marks."""
    parser = ArgumentParser(prog="python -m stages.exam", description="Accuracy on signers never trained on.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.npz", help="raw data sets, one for each source")
    parser.add_argument("--out", type=Path, default=Path("reports/exam.json"))
    arguments = parser.parse_args()
    if len({path.stem for path in arguments.files}) < len(arguments.files):
        raise PipelineError("Two files have the same name, which names the source. Rename one and run again.")
    limits = read_params(Preprocess)
    registered = read_registered()
    architectures = sorted(registered.architectures, key=lambda name: name != registered.champion)
    networks = [load_network(MODELS / name / "model.onnx") for name in architectures]
    answers: dict[str, dict[str, Answers]] = {name: {} for name in architectures}
    for path in arguments.files:
        samples = read_samples(path, max_samples=limits.max_samples, max_gib=limits.max_gib)
        drawable = samples.masks if samples.landmarks is None else samples.landmarks
        assert drawable is not None  # noqa: S101 - samples are one or the other
        n_photos = samples.n_photos or samples.rows
        probabilities = predict(networks, drawable, f"exam {path.stem}")
        known = set.intersection(*(set(network.classes) for network in networks))
        if unknown := sorted({*samples.labels.tolist(), *samples.labels_lost} - known):
            sys.stderr.write(f"warning: {path}: not every network knows {unknown}; unknown labels count as errors.\n")
        for name, network, read in zip(architectures, networks, probabilities, strict=True):
            answers[name][path.stem] = answer(read, samples.labels, network.classes, n_photos)
    marks = {name: summarise(given) for name, given in answers.items()}
    champion = {"architecture": registered.champion} | marks[registered.champion]
    write_text(arguments.out, json.dumps({"champion": champion} | marks, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.write(table(marks, registered.champion))


if __name__ == "__main__":
    run_door(main)
