"""Stage `test`: the predictions of the champion, the other networks and the reference for unseen signers, scored.

Usage: python -m stages.test
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from stages.errors import run_door
from stages.evaluation.signer_report import score_networks, write_signer_report
from stages.evaluation.signer_scores import table
from stages.evaluation.test_sets import TestSets
from stages.params import Test, read_params
from stages.registry.record import ChampionRecord, signer_predictions
from stages.registry.results import TEST_REPORT


def main() -> None:
    """Read predictions and test sets; write `reports/test.json` and a folder of pictures; print the accuracies."""
    ArgumentParser(prog="python -m stages.test", description="Scores on unseen signers.").parse_args()
    params, record, sets = read_params(Test), ChampionRecord.read(), TestSets.read()
    predictions = signer_predictions(record)
    report = score_networks(
        predictions, record.name,
        model_hash=record.model_hash, synthetic=sets.unseen[0].synthetic,
        threshold=params.threshold, bins=params.calibration_bins,
    )  # fmt: skip
    samples = {each.name: each.samples for each in sets.unseen}
    write_signer_report(
        TEST_REPORT, report, predictions, samples, mistakes=params.mistakes, bins=params.calibration_bins
    )
    sys.stdout.write(table(report))


if __name__ == "__main__":
    run_door(main)
