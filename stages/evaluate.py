"""Stage `evaluate`: one network's predictions for the validation split, scored; the numbers go to `reports/`.

Usage: python -m stages.evaluate ARCHITECTURE
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from stages.data.processed import PROCESSED, data_hash, read_processed
from stages.errors import InputError, run_door
from stages.evaluation.networks import load_network
from stages.evaluation.predictions import predictions_of
from stages.evaluation.report import build_report, validation_numbers
from stages.files import write_files
from stages.params import ARCHITECTURES
from stages.registry.results import MODELS, REPORTS


def main() -> None:
    """Read a network and its predictions; write the numbers of `reports/<architecture>/`; print the metrics."""
    parser = ArgumentParser(prog="python -m stages.evaluate", description="Report on one trained network.")
    parser.add_argument("architecture", choices=ARCHITECTURES)
    architecture = parser.parse_args().architecture
    model = MODELS / architecture / "model.onnx"
    network = load_network(model)
    processed = read_processed()
    if network.classes != processed.class_names or network.data_hash != data_hash():
        raise InputError(f"{model} was trained on other data than {PROCESSED} holds. Run: dvc repro.")
    classes, probabilities = processed.validation.classes, predictions_of(model).validation.probabilities
    metrics = validation_numbers(probabilities, classes, network.temperature)
    report = build_report(labels=network.classes, probabilities=probabilities, classes=classes, metrics=metrics)
    write_files(REPORTS / architecture, report)
    sys.stdout.write(f"{architecture}: " + ", ".join(f"{name} {value:g}" for name, value in metrics.items()) + "\n")


if __name__ == "__main__":
    run_door(main)
