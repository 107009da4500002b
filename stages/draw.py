"""Stage `draw`: the pictures of every report, from predictions, training curves and scores.

Usage: python -m stages.draw
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from stages.data.processed import read_processed
from stages.errors import run_door
from stages.evaluation.pictures import draw_network, draw_signers
from stages.evaluation.predictions import predictions_of
from stages.evaluation.report import read_history
from stages.evaluation.signer_scores import SignerReport
from stages.files import write_files
from stages.params import Evaluate, Test, read_params
from stages.registry.record import ChampionRecord
from stages.registry.results import MODELS, REPORTS, TEST_REPORT
from stages.registry.unseen import read_unseen


def main() -> None:
    """Read predictions, samples, `history.csv` and `reports/test.json`; write the pictures in `reports/*/`."""
    ArgumentParser(prog="python -m stages.draw", description="Draw the pictures of the reports.").parse_args()
    mistakes, test = read_params(Evaluate).mistakes, read_params(Test)
    record, validation, report = ChampionRecord.read(), read_processed().validation, SignerReport.read(TEST_REPORT)
    for name in record.models:
        predictions = predictions_of(MODELS / name / "model.onnx")
        history = read_history(MODELS / name / "history.csv")
        pictures = draw_network(
            name, predictions, validation, history, report.title, mistakes=mistakes, bins=test.calibration_bins
        )
        write_files(REPORTS / name, pictures)
    unseen = read_unseen(record)
    write_files(TEST_REPORT.with_suffix(""), draw_signers(report, unseen.predictions, unseen.samples, test))
    sys.stdout.write(f"{REPORTS}/: pictures of {', '.join(record.models)} and of the test\n")


if __name__ == "__main__":
    run_door(main)
