"""A signer enrolled on one day and read on another: accuracy with and without their own samples.

`make bench-days DATA=file.npz`, where the file has `landmarks`, `labels`, `signers` and `days`. Every signer with two
days or more is enrolled on the first one, with samples spread over it, and read on the others.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import BaseModel

from benchmarks.service import MODEL
from service.correction import Samples
from service.enrolment import enrol
from stages.errors import InputError, PipelineError, run_door
from stages.evaluation.networks import load_network, predict_outputs
from stages.evaluation.personal import SAMPLES, choose
from stages.files import content_hash, write_text
from stages.labels import NOTHING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from stages.evaluation.networks import Network

REPORT: Final = Path("reports/bench_days.json")
ARRAYS: Final = ("landmarks", "labels", "signers", "days")


class DaysReport(BaseModel, frozen=True):
    """What `reports/bench_days.json` holds: accuracy on the later days, by signer and samples of each letter."""

    file: str
    model_hash: str
    """SHA-256 of the model, hex."""
    photographs: dict[str, int]
    """Hands on the later days, by signer."""
    accuracy: dict[str, dict[int, float]]


def main() -> None:
    """Print the accuracies and write `reports/bench_days.json`."""
    parser = ArgumentParser(prog="python -m benchmarks.days", description="Enrolled on one day, read on another.")
    parser.add_argument("file", type=Path, help="an .npz with landmarks (N, 21, 3), labels, signers and days")
    parser.add_argument("--model", type=Path, default=MODEL, help="the model (default: the Bento's)")
    options = parser.parse_args()
    network = load_network(options.model)
    if network.prototypes is None:
        raise PipelineError(f"{options.model} is of a release without features. Make a new one: make repro")
    with np.load(options.file) as archive:
        if missing := [name for name in ARRAYS if name not in archive]:
            raise InputError(
                f"{options.file}: '{missing[0]}' is missing. Name a file that says on which day each row was taken."
            )
        arrays = {name: archive[name] for name in ARRAYS}
    known = np.isin(arrays["labels"], network.classes)
    arrays = {name: values[known] for name, values in arrays.items()}
    outputs = predict_outputs(network, arrays["landmarks"], network.architecture, ["probabilities", "features"])
    photographs, accuracy = {}, {}
    for signer in np.unique(arrays["signers"]).tolist():
        own = arrays["signers"] == signer
        first = np.sort(arrays["days"][own])[0]
        enrolled, later = (np.flatnonzero(own & rows) for rows in (arrays["days"] == first, arrays["days"] != first))
        if len(later):
            photographs[signer] = len(later)
            accuracy[signer] = read_later(network, arrays["labels"], outputs, enrolled, later)
    report = DaysReport(
        file=options.file.name, model_hash=content_hash(options.model), photographs=photographs, accuracy=accuracy
    )
    write_text(REPORT, report.model_dump_json(indent=2) + "\n")
    for signer, scores in accuracy.items():
        row = ", ".join(f"{count} samples {score:.3f}" for count, score in scores.items())
        sys.stdout.write(f"{signer}, {photographs[signer]} hands of later days: {row}\n")


def read_later(
    network: Network,
    labels: npt.NDArray[np.str_],
    outputs: list[npt.NDArray[np.float32]],
    enrolled: npt.NDArray[np.int64],
    later: npt.NDArray[np.int64],
) -> Mapping[int, float]:
    """Score one signer's later days with samples of the first one; 0 samples is the network alone.

    Args:
        network: with prototypes.
        labels: (N,) true letters.
        outputs: probabilities (N, C) and features (N, F).
        enrolled: rows of the first day.
        later: rows of the others.
    """
    probabilities, features = outputs
    classes = {name: label for label, name in enumerate(network.classes)}
    truth = np.array([classes[letter] for letter in labels[later].tolist()])
    scores = {}
    for count in SAMPLES:
        corrected = probabilities[later]
        if count and network.prototypes is not None:
            letters = np.unique(labels[enrolled])
            rows = np.concatenate([choose(enrolled[labels[enrolled] == letter], count) for letter in letters])
            shown = np.array([classes[letter] for letter in labels[rows].tolist()])
            samples = Samples(features[rows], probabilities[rows], shown)
            correction = enrol(samples, network.prototypes, classes.get(NOTHING)).correction
            corrected = correction.apply(corrected, features[later])
        scores[count] = float((corrected.argmax(axis=1) == truth).mean())
    return scores


if __name__ == "__main__":
    run_door(main)
