"""Stage `compare`: the networks side by side, and the champion's model card, for readers and in MLflow.

Usage: python -m stages.compare
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import TYPE_CHECKING, Final

import pandas as pd

from stages.data.preprocess_report import PreprocessReport
from stages.errors import run_door
from stages.evaluation.comparison_plots import plot_letter_table, plot_tradeoff
from stages.evaluation.moving import TrailReport
from stages.evaluation.people_sets import PeopleSet
from stages.evaluation.report import read_letters
from stages.evaluation.signer_scores import SignerReport
from stages.evaluation.speed import SpeedReport
from stages.files import content_hash, write_files, write_text
from stages.params import REFERENCE
from stages.registry.comparison import Compared, letter_table, run_numbers, write_comparison
from stages.registry.model_card import write_card
from stages.registry.record import CHAMPION_FILES, ChampionRecord
from stages.registry.results import REPORTS, SPEED_REPORT, TEST_REPORT, read_metrics
from stages.registry.trail import TrailRecord
from stages.registry.versions import REPORT_FOLDER, describe_version, log_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

COMPARISON: Final = REPORTS / "comparison.md"
CARD: Final = REPORTS / "model_card.md"


def main() -> None:
    """Read `reports/` and `models/champion/`; write the comparison, the card and what belongs to each run of MLflow."""
    ArgumentParser(
        prog="python -m stages.compare", description="Compare the networks; write the model card."
    ).parse_args()
    record, tested = ChampionRecord.read(), SignerReport.read(TEST_REPORT)
    people = _read_people(record)
    networks = _read_networks(record, tested, people, SpeedReport.read(SPEED_REPORT))
    champion = networks[0]
    write_files(COMPARISON.with_suffix(""), _pictures(networks, tested.title))
    write_text(COMPARISON, write_comparison(networks, record, tested))
    reports = {report.title: report for report in (*people.values(), tested)}
    moving = TrailRecord.read(), TrailReport.read()
    write_text(CARD, write_card(champion, record, PreprocessReport.read(), reports, moving))
    for network in networks:
        if network.run_id:
            own = {REPORTS / network.name: REPORT_FOLDER} if network.name in record.models else {}
            log_numbers(network.run_id, run_numbers(network), {COMPARISON: "comparison"} | own)
    files = {CARD: "model_card", TEST_REPORT: "test", TEST_REPORT.with_suffix(""): "test"}
    log_numbers(champion.run_id, {}, files)
    describe_version(record.model, record.version, CARD.read_text(encoding="utf-8"))
    sys.stdout.write(f"{COMPARISON}: {', '.join(network.name for network in networks)}\n{CARD}: {champion.name}\n")


def _read_people(record: ChampionRecord) -> dict[PeopleSet, SignerReport]:
    """The evaluations on people that were of this very champion, the test set first."""
    reports = {kind: SignerReport.read(kind.report, kind.command) for kind in PeopleSet if kind.report.is_file()}
    return {kind: report for kind, report in reports.items() if report.model_hash == record.model_hash}


def _read_networks(
    record: ChampionRecord, tested: SignerReport, people: Mapping[PeopleSet, SignerReport], timed: SpeedReport
) -> list[Compared]:
    """The champion first, then this checkout's other networks, then the reference."""
    nothing = pd.Series(dtype=float)
    networks = []
    for name, path in record.model_files().items():
        scores, speed, digest = tested.networks.get(name), timed.networks.get(name), content_hash(path)
        on_people = {
            kind: report.networks[name]
            for kind, report in people.items()
            if report.models.get(name) == digest and name in report.networks
        }
        if name in record.models:
            own = record.models[name]
            letters = read_letters(REPORTS / name / "per_letter.csv")["f1"]
            metrics = read_metrics(REPORTS / name / "metrics.json")
            network = Compared(
                name, own.run_id, own.version, own.model_hash, metrics, speed, letters, scores, on_people
            )
        elif name == REFERENCE:
            metrics = read_metrics(REPORTS / REFERENCE / "metrics.json")
            network = Compared(f"{REFERENCE} (reference)", "", None, "", metrics, speed, nothing, scores, on_people)
        else:
            metrics = read_metrics(CHAMPION_FILES / "metrics.json")
            network = Compared(
                name, record.run_id, record.version, record.model_hash, metrics, speed, nothing, scores, on_people
            )
        networks.append(network)
    return networks


def _pictures(networks: list[Compared], title: str) -> dict[str, bytes]:
    drawn = {each.name: (each.scores, each.speed) for each in networks if each.scores and each.speed}
    return {
        "tradeoff.png": plot_tradeoff(
            {name: scores for name, (scores, _) in drawn.items()},
            {name: speed.latency_ms_median for name, (_, speed) in drawn.items()},
            {name: speed.size_mib for name, (_, speed) in drawn.items()},
            title,
        ),
        "letters.png": plot_letter_table(letter_table(networks)),
    }


if __name__ == "__main__":
    run_door(main)
