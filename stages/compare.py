"""Stage `compare`: the networks side by side, and the champion's model card, for readers and in MLflow.

Usage: python -m stages.compare
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Final

import pandas as pd

from stages.data.preprocess_report import PreprocessReport
from stages.errors import run_door
from stages.evaluation.comparison_plots import plot_letter_table, plot_tradeoff
from stages.evaluation.report import read_letters
from stages.evaluation.signer_scores import SignerReport
from stages.files import write_files, write_text
from stages.params import REFERENCE, read_init
from stages.registry.comparison import Compared, letter_table, run_numbers, write_comparison
from stages.registry.model_card import write_card
from stages.registry.record import CHAMPION_FILES, ChampionRecord
from stages.registry.results import EVALUATION_REPORT, REPORTS, TEST_REPORT, read_metrics
from stages.registry.versions import describe_version, log_numbers

COMPARISON: Final = REPORTS / "comparison.md"
CARD: Final = REPORTS / "model_card.md"


def main() -> None:
    """Read `reports/` and `models/champion/`; write the comparison, the card and what belongs to each run of MLflow."""
    ArgumentParser(
        prog="python -m stages.compare", description="Compare the networks; write the model card."
    ).parse_args()
    record, tested = ChampionRecord.read(), SignerReport.read(TEST_REPORT)
    networks = _read_networks(record, tested)
    champion = networks[0]
    write_files(COMPARISON.with_suffix(""), _pictures(networks))
    write_text(COMPARISON, write_comparison(networks, record, synthetic=tested.synthetic))
    data = PreprocessReport.read() if record.is_own else None
    init = read_init(record.champion) if record.is_own else ""
    write_text(CARD, write_card(champion, record, data, init, _read_reports(tested, champion)))
    for network in networks:
        if network.run_id:
            log_numbers(network.run_id, run_numbers(network), {COMPARISON: "comparison"})
    files = {CARD: "model_card", TEST_REPORT: "test", TEST_REPORT.with_suffix(""): "test"}
    log_numbers(champion.run_id, {}, files)
    describe_version(record.model, record.version, CARD.read_text(encoding="utf-8"))
    sys.stdout.write(f"{COMPARISON}: {', '.join(network.name for network in networks)}\n{CARD}: {champion.name}\n")


def _read_networks(record: ChampionRecord, tested: SignerReport) -> list[Compared]:
    """The champion first, then this checkout's other networks, then the reference."""
    nothing = pd.Series(dtype=float)
    networks = []
    for name in record.model_files():
        scores = tested.networks.get(name)
        if name in record.models:
            own = record.models[name]
            letters = read_letters(REPORTS / name / "per_letter.csv")["f1"]
            metrics = read_metrics(REPORTS / name / "metrics.json")
            network = Compared(name, own.run_id, own.version, own.model_hash, metrics, letters, scores)
        elif name == REFERENCE:
            metrics = read_metrics(REPORTS / REFERENCE / "metrics.json")
            network = Compared(f"{REFERENCE} (reference)", "", None, "", metrics, nothing, scores)
        else:
            metrics = read_metrics(CHAMPION_FILES / "metrics.json")
            network = Compared(name, record.run_id, record.version, record.model_hash, metrics, nothing, scores)
        networks.append(network)
    return networks


def _pictures(networks: list[Compared]) -> dict[str, bytes]:
    timed = [each for each in networks if each.scores and {"latency_ms_median", "size_mib"} <= set(each.metrics)]
    return {
        "tradeoff.png": plot_tradeoff(
            {each.name: (each.scores.mean, *each.scores.interval) for each in timed if each.scores},
            {each.name: each.metrics["latency_ms_median"] for each in timed},
            {each.name: each.metrics["size_mib"] for each in timed},
        ),
        "letters.png": plot_letter_table(letter_table(networks)),
    }


def _read_reports(tested: SignerReport, champion: Compared) -> dict[str, SignerReport]:
    """The test, and the evaluation that a person ran, if it was on this very champion."""
    reports = {"Test set": tested}
    if EVALUATION_REPORT.is_file():
        evaluation = SignerReport.read(EVALUATION_REPORT)
        if evaluation.model_hash == champion.model_hash:
            reports["Development set"] = evaluation
    return reports


if __name__ == "__main__":
    run_door(main)
