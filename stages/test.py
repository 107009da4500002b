"""Stage `test`: the predictions of the champion, the other networks and the reference for unseen signers, scored.

Usage: python -m stages.test
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from stages.errors import run_door
from stages.evaluation.signer_report import score_networks, write_signer_report
from stages.evaluation.signer_scores import table
from stages.params import Test, read_params
from stages.registry.record import ChampionRecord
from stages.registry.results import TEST_REPORT
from stages.registry.unseen import read_unseen


def main() -> None:
    """Read predictions and test sets; write `reports/test.json` and `reports/test/metrics.json`; print scores."""
    ArgumentParser(prog="python -m stages.test", description="Scores on unseen signers.").parse_args()
    record = ChampionRecord.read()
    unseen = read_unseen(record)
    report = score_networks(
        unseen.predictions, record.name, read_params(Test),
        model_hash=record.model_hash, synthetic=unseen.synthetic,
    )  # fmt: skip
    write_signer_report(TEST_REPORT, report)
    if unseen.left_out:
        sys.stdout.write(f"left out: {unseen.left_out} signers of the test set that a network was trained on\n")
    sys.stdout.write(table(report))


if __name__ == "__main__":
    run_door(main)
