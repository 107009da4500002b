"""Stage `evaluate_trail`: the trail network's numbers on the validation trails.

Usage: python -m stages.evaluate_trail
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import numpy as np

from client.mask import TRAIL_VERSION
from stages.data.trails import TRAILS, read_trails, trails_hash
from stages.errors import InputError, run_door
from stages.evaluation.moving import predict_trails
from stages.evaluation.networks import load_network
from stages.evaluation.plots import plot_confusion
from stages.evaluation.report import build_report, validation_numbers
from stages.evaluation.scores import confusion
from stages.files import write_files

MODEL: Final = Path("models/trail/model.onnx")
REPORT: Final = Path("reports/trail")


def main() -> None:
    """Read the trail network and the validation trails; write `reports/trail/`; print the metrics."""
    network, trails = load_network(MODEL, TRAIL_VERSION), read_trails(TRAILS / "validation.npz")
    if network.data_hash != trails_hash():
        raise InputError(f"{MODEL} was trained on other data than {TRAILS} holds. Run: dvc repro.")
    probabilities = predict_trails(network, trails)
    metrics = validation_numbers(probabilities, trails.classes, network.temperature)
    names = np.array(network.classes)
    counts = confusion(names[trails.classes], names[probabilities.argmax(axis=1)], network.classes, network.classes)
    pictures = {"confusion.png": plot_confusion(counts, "Trail network: validation trails")}
    report = build_report(labels=network.classes, probabilities=probabilities, classes=trails.classes, metrics=metrics)
    write_files(REPORT, report | pictures)
    sys.stdout.write("trail: " + ", ".join(f"{name} {value:g}" for name, value in metrics.items()) + "\n")


if __name__ == "__main__":
    run_door(main)
