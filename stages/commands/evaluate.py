"""Evaluate the registered networks and the reference on raw data sets.

Usage: python -m stages.commands.evaluate FILE.npz ... [--out reports/evaluation.json]
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from stages.errors import InputError, run_door
from stages.evaluation.networks import load_network
from stages.evaluation.predictions import predict_sets
from stages.evaluation.signer_report import score_networks, write_signer_report
from stages.evaluation.signer_scores import table
from stages.evaluation.test_sets import make_non_letters, read_sets
from stages.params import Preprocess, Test, read_params
from stages.registry.record import ChampionRecord
from stages.registry.results import EVALUATION_REPORT


def main() -> None:
    """Read raw files and `models/`; write the scores and a folder of pictures; print the accuracies."""
    arguments = _parse()
    params, record = read_params(Test), ChampionRecord.read()
    networks = {name: load_network(path) for name, path in record.model_files().items()}
    sets = list(read_sets(arguments.files, read_params(Preprocess)))
    non_letters = make_non_letters(params)
    predictions = {name: predict_sets(network, sets, non_letters) for name, network in networks.items()}
    report = score_networks(
        predictions, record.name,
        model_hash=record.model_hash, synthetic=False, threshold=params.threshold, bins=params.calibration_bins,
    )  # fmt: skip
    samples = {each.name: each.samples for each in sets}
    write_signer_report(
        arguments.out, report, predictions, samples, mistakes=params.mistakes, bins=params.calibration_bins
    )
    sys.stdout.write(table(report))


def _parse() -> Namespace:
    parser = ArgumentParser(prog="python -m stages.commands.evaluate", description="Accuracy on raw data sets.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.npz", help="raw data sets, one for each source")
    parser.add_argument("--out", type=Path, default=EVALUATION_REPORT, help=f"the scores ({EVALUATION_REPORT})")
    arguments = parser.parse_args()
    if arguments.out.suffix != ".json":
        raise InputError(f"--out {arguments.out}: the scores are JSON. Name a file that ends in .json.")
    return arguments


if __name__ == "__main__":
    run_door(main)
