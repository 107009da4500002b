"""Evaluate the registered networks and the reference on people, as development set or as test set.

Usage: python -m stages.commands.evaluate FILE.npz ... --set development|test
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from stages.data.processed import FILES, PROCESSED, read_processed
from stages.errors import InputError, run_door
from stages.evaluation.networks import load_network
from stages.evaluation.overlaps import check_unseen
from stages.evaluation.people_sets import PeopleSet
from stages.evaluation.pictures import draw_signers
from stages.evaluation.predictions import predict_sets
from stages.evaluation.sets import are_synthetic
from stages.evaluation.signer_report import score_networks, write_signer_report
from stages.evaluation.signer_scores import table
from stages.evaluation.test_sets import hash_sources, make_non_letters, read_sets
from stages.files import content_hash, write_files
from stages.params import Preprocess, Test, read_params
from stages.registry.record import ChampionRecord


def main() -> None:
    """Read raw files and `models/`; write the set's scores and a folder of pictures; print the accuracies."""
    arguments = _parse()
    kind = PeopleSet(arguments.set)
    params, record = read_params(Test), ChampionRecord.read()
    hashes = hash_sources(arguments.files, kind)
    models = record.model_files()
    networks = {name: load_network(path) for name, path in models.items()}
    sets = list(read_sets(arguments.files, read_params(Preprocess)))
    if are_synthetic(sets):
        raise InputError(
            f"{sets[0].where} has synthetic signers, and both sets are of people. Put it into data/test/ and "
            "run: make repro."
        )
    data = read_processed() if (PROCESSED / FILES[0]).is_file() else None
    check_unseen(sets, data, {name: network.trained_on for name, network in networks.items()})
    non_letters = make_non_letters(params)
    predictions = {name: predict_sets(network, sets, non_letters) for name, network in networks.items()}
    report = score_networks(predictions, record.name, params, model_hash=record.model_hash, synthetic=False)
    digests = {name: content_hash(path) for name, path in models.items()}
    report = report.model_copy(update={"kind": kind, "files": hashes, "models": digests})
    samples = {each.name: each.samples for each in sets}
    write_files(kind.report.with_suffix(""), draw_signers(report, predictions, samples, params))
    write_signer_report(kind.report, report)
    sys.stdout.write(f"{table(report)}{kind.report}: {report.title}\n")


def _parse() -> Namespace:
    parser = ArgumentParser(prog="python -m stages.commands.evaluate", description="Accuracy on people.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.npz", help="raw data sets, one for each source")
    parser.add_argument(
        "--set",
        required=True,
        choices=[str(kind) for kind in PeopleSet],
        help="development: you may choose by the scores; test: you only report them",
    )
    return parser.parse_args()


if __name__ == "__main__":
    run_door(main)
