"""Stage `evaluate`: one network's predictions for the validation split, scored; numbers and pictures go to `reports/`.

Usage: python -m stages.evaluate ARCHITECTURE
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from stages.data.loader import draw_masks
from stages.data.processed import PROCESSED, data_hash, read_processed
from stages.errors import InputError, run_door
from stages.evaluation.calibration import mean_with_mirror, read_logits
from stages.evaluation.networks import load_network, measure_latency
from stages.evaluation.predictions import predictions_of
from stages.evaluation.report import build_report, calibration_numbers, read_history, speed_numbers
from stages.evaluation.scores import score, worst_mistakes
from stages.files import write_files
from stages.params import ARCHITECTURES, Evaluate, read_params
from stages.registry.results import MODELS, REPORTS


def main() -> None:
    """Read a network, its predictions and `data/processed/`; write `reports/<architecture>/`; print the numbers."""
    parser = ArgumentParser(prog="python -m stages.evaluate", description="Report on one trained network.")
    parser.add_argument("architecture", choices=ARCHITECTURES)
    architecture = parser.parse_args().architecture
    params = read_params(Evaluate)
    model = MODELS / architecture / "model.onnx"
    network = load_network(model)
    history = read_history(MODELS / architecture / "history.csv")
    processed = read_processed()
    if network.classes != processed.class_names or network.data_hash != data_hash():
        raise InputError(f"{model} was trained on other data than {PROCESSED} holds. Run: dvc repro.")
    validation = processed.validation
    logits = read_logits(MODELS / architecture / "validation_logits.npz", len(validation), len(network.classes))
    probabilities, uncalibrated = predictions_of(model).validation.probabilities, mean_with_mirror(logits, 1.0)
    latencies = measure_latency(network, draw_masks(validation.samples[:1])[0], params.latency_runs)
    after, before = (score(each, validation.classes, params.calibration_bins) for each in (probabilities, uncalibrated))
    metrics = calibration_numbers(after, before, network.temperature, len(validation))
    metrics |= speed_numbers(latencies, model.stat().st_size)
    worst = worst_mistakes(probabilities, validation.classes, params.mistakes)
    report = build_report(
        architecture=architecture,
        labels=network.classes,
        probabilities=probabilities,
        uncalibrated=uncalibrated,
        classes=validation.classes,
        mistakes=worst,
        mistaken_masks=draw_masks(validation.samples[worst]),
        history=history,
        metrics=metrics,
        calibration_bins=params.calibration_bins,
    )
    write_files(REPORTS / architecture, report)
    sys.stdout.write(f"{architecture}: " + ", ".join(f"{name} {value:g}" for name, value in metrics.items()) + "\n")


if __name__ == "__main__":
    run_door(main)
