"""Exam: every registered network, and the reference, read signers that none was trained on.

Usage: python -m stages.exam [FILE.npz ...] [--out reports/exam.json]
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from stages.data.archive import write_text
from stages.data.loader import draw_masks
from stages.data.strangers import make_non_letters, make_strangers, read_strangers
from stages.errors import PipelineError, run_door
from stages.hand.non_letters import NOTHING
from stages.inference import Network, load_network, predict
from stages.metrics.exam import Answers, answer, table
from stages.metrics.exam_report import Mistake, build_exam_report, find_mistakes, marks_json
from stages.metrics.report import write_files
from stages.params import Exam, Preprocess, Synthesize, read_params
from stages.tracking.results import read_registered

if TYPE_CHECKING:
    import numpy.typing as npt

    from stages.data.cleaning import Samples

MODELS: Final = Path("models")
REFERENCE: Final = "landmark_mlp"
STRANGERS: Final = Path("data/exam")
"""Folder whose raw files the pipeline examines on, where there are any."""
REPORT: Final = Path("reports/exam.json")
PIPELINE_REPORT: Final = Path("reports/strangers.json")


def main() -> None:
    """Read raw files and `models/`, write the marks and a folder of pictures beside them, print the marks."""
    arguments = _parse()
    params = read_params(Exam)
    champion, networks = _load_networks()
    files = arguments.files or sorted(STRANGERS.glob("[!.]*.npz"))
    training_seed = read_params(Synthesize).seed
    strangers = read_strangers(files, read_params(Preprocess)) if files else make_strangers(params, training_seed)
    given: dict[str, dict[str, Answers]] = {name: {} for name in networks}
    mistakes: list[Mistake] = []
    for source, samples in strangers:
        for name, answers in _examine(networks, source, samples).items():
            given[name][source] = answers
        mistakes += _draw_mistakes(source, samples, given[champion][source], params.mistakes)
    given = {name: answers for name, answers in given.items() if answers}
    able = {name: network for name, network in networks.items() if name in given and NOTHING in network.classes}
    non_letters = _ask_non_letters(able, make_non_letters(params, training_seed)) if able else {}
    marks = marks_json(
        given, non_letters, champion, synthetic=not files, threshold=params.threshold, bins=params.calibration_bins
    )
    worst = sorted(mistakes, key=lambda mistake: -mistake.confidence)[: params.mistakes]
    report = build_exam_report(given, marks, networks[champion].classes, worst, params.calibration_bins)
    write_files(arguments.out.with_suffix(""), report)
    write_text(arguments.out, json.dumps(marks, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.write(table({name: marks[name] for name in given}, champion))
    if not files:
        sys.stdout.write(
            f"These signers are synthetic. Put raw .npz files of people into {STRANGERS}/ and run again.\n"
        )


def _parse() -> Namespace:
    parser = ArgumentParser(prog="python -m stages.exam", description="Accuracy on signers never trained on.")
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE.npz",
        help=f"raw data sets, one for each source; without any, those in {STRANGERS}/, else synthetic signers",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, help=f"marks; with files {REPORT}, without {PIPELINE_REPORT}")
    arguments = parser.parse_args()
    arguments.out = arguments.out or (REPORT if arguments.files else PIPELINE_REPORT)
    if arguments.out.suffix != ".json":
        raise PipelineError(f"--out {arguments.out}: the marks are JSON. Name a file that ends in .json.")
    return arguments


def _load_networks() -> tuple[str, dict[str, Network]]:
    """Load the registered networks, the champion first, and the reference where there is one."""
    registered = read_registered()
    names = sorted(registered.architectures, key=lambda name: name != registered.champion)
    networks = {name: load_network(MODELS / name / "model.onnx") for name in names}
    reference = MODELS / REFERENCE / "model.onnx"
    if reference.is_file():
        networks[REFERENCE] = load_network(reference)
    return registered.champion, networks


def _examine(networks: dict[str, Network], source: str, samples: Samples) -> dict[str, Answers]:
    """Let every network that can read a source do so."""
    able = {name: each for name, each in networks.items() if each.reads == "masks" or samples.landmarks is not None}
    probabilities = predict(list(able.values()), samples.drawable, f"exam {source}")
    known = set.intersection(*(set(network.classes) for network in able.values()))
    if unknown := sorted({*samples.labels.tolist(), *samples.labels_lost} - known):
        sys.stderr.write(
            f"warning: {samples.path}: not every network knows {unknown}; unknown labels count as errors.\n"
        )
    missed = (samples.dropped.labels, samples.dropped.signers)
    n_photos = samples.n_photos or samples.rows
    return {
        name: answer(read, samples.labels, network.classes, samples.signers, n_photos, missed)
        for (name, network), read in zip(able.items(), probabilities, strict=True)
    }


def _ask_non_letters(networks: dict[str, Network], landmarks: npt.NDArray[np.float32]) -> dict[str, Answers]:
    """Show every network hands without a letter, (N, 21, 3) landmarks in pixels."""
    count = len(landmarks)
    labels, signers = np.full(count, NOTHING), np.full(count, "")
    return {
        name: answer(read, labels, network.classes, signers, count)
        for (name, network), read in zip(
            networks.items(), predict(list(networks.values()), landmarks, "exam non-letters"), strict=True
        )
    }


def _draw_mistakes(source: str, samples: Samples, answers: Answers, count: int) -> list[Mistake]:
    """Draw the masks that were read wrong; photographs are never drawn."""
    rows, captions = find_mistakes(source, answers, count)
    masks = draw_masks(samples.drawable[rows])
    return [
        Mistake(float(answers.confidence[row]), caption, mask)
        for row, caption, mask in zip(rows, captions, masks, strict=True)
    ]


if __name__ == "__main__":
    run_door(main)
