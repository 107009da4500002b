"""Stage `compare`: the networks side by side, and the champion's model card, for readers and in MLflow.

Usage: python -m stages.compare
"""

from __future__ import annotations

import csv
import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from stages.errors import PipelineError, run_door
from stages.evaluation.comparison_plots import plot_letter_table, plot_tradeoff
from stages.files import write_files, write_text
from stages.params import read_init
from stages.registry.comparison import Compared, run_numbers, write_comparison
from stages.registry.model_card import write_card
from stages.registry.results import CHAMPION_FILES, REGISTERED, REPORTS, read_metrics, read_registered
from stages.registry.versions import describe_version, log_numbers

STRANGERS: Final = REPORTS / "strangers.json"
EXAM: Final = REPORTS / "test.json"
"""Marks of an exam that a person asked for; in the card where it was this champion that took it."""
COMPARISON: Final = REPORTS / "comparison.md"
CARD: Final = REPORTS / "model_card.md"
REFERENCE: Final = "landmark_mlp"


def main() -> None:
    """Read `reports/` and `models/champion/`, write the comparison, the card and what belongs to each run of MLflow."""
    ArgumentParser(
        prog="python -m stages.compare", description="Compare the networks; write the model card."
    ).parse_args()
    registered, strangers = _read_json(REGISTERED, "register"), _read_json(STRANGERS, "exam")
    networks = _read_networks(registered, strangers)
    champion = networks[0]
    write_files(COMPARISON.with_suffix(""), _pictures(networks))
    write_text(COMPARISON, write_comparison(networks, registered, synthetic=strangers["about"]["synthetic"]))
    write_text(
        CARD, write_card(champion, registered, _read_data(champion, registered), _read_exams(strangers, champion))
    )
    for network in networks:
        if network.run_id:
            log_numbers(network.run_id, run_numbers(network), {COMPARISON: "comparison"})
    pictures = {CARD: "model_card", STRANGERS: "exam", STRANGERS.with_suffix(""): "exam"}
    log_numbers(champion.run_id, {}, pictures)
    describe_version(registered["model"], registered["version"], CARD.read_text(encoding="utf-8"))
    sys.stdout.write(f"{COMPARISON}: {', '.join(network.name for network in networks)}\n{CARD}: {champion.name}\n")


def _read_networks(registered: dict[str, Any], strangers: dict[str, Any]) -> list[Compared]:
    """The champion first, then this checkout's other networks, then the reference."""
    who = read_registered()
    networks = []
    if not who.is_own:
        facts = (registered["run_id"], registered["version"], registered["model_hash"])
        metrics = read_metrics(CHAMPION_FILES / "metrics.json")
        networks.append(Compared(who.champion, *facts, metrics, {}, strangers.get(who.champion, {})))
    for name in sorted(registered["models"], key=lambda name: name != who.champion):
        facts = tuple(registered["models"][name][key] for key in ("run_id", "version", "model_hash"))
        metrics, letters = (
            read_metrics(REPORTS / name / "metrics.json"),
            _read_letters(REPORTS / name / "per_letter.csv"),
        )
        networks.append(Compared(name, *facts, metrics, letters, strangers.get(name, {})))
    if (REPORTS / REFERENCE / "metrics.json").is_file():
        metrics = read_metrics(REPORTS / REFERENCE / "metrics.json")
        networks.append(Compared(f"{REFERENCE} (reference)", "", None, "", metrics, {}, strangers.get(REFERENCE, {})))
    return networks


def _pictures(networks: list[Compared]) -> dict[str, bytes]:
    timed = [each for each in networks if each.exam and {"latency_ms_median", "size_mib"} <= set(each.metrics)]
    letters = {each.name: each.letters for each in networks if each.letters}
    columns = list(dict.fromkeys(letter for row in letters.values() for letter in row))
    return {
        "tradeoff.png": plot_tradeoff(
            {each.name: (each.exam["mean"], *each.exam["interval"]) for each in timed},
            {each.name: each.metrics["latency_ms_median"] for each in timed},
            {each.name: each.metrics["size_mib"] for each in timed},
        ),
        "letters.png": plot_letter_table(columns, letters),
    }


def _read_data(champion: Compared, registered: dict[str, Any]) -> dict[str, Any]:
    """The account of the data, where the champion is one of the networks trained on it."""
    if champion.name not in registered["models"]:
        return {}
    return _read_json(REPORTS / "preprocess.json", "preprocess") | {"init": read_init(champion.name)}


def _read_exams(strangers: dict[str, Any], champion: Compared) -> dict[str, dict[str, Any]]:
    exams = {"The pipeline's exam": strangers}
    if EXAM.is_file():
        exam = _read_json(EXAM, "exam")
        if exam["about"].get("model_hash") == champion.model_hash:
            exams["Exam on people"] = exam
    return exams


def _read_letters(path: Path) -> dict[str, float]:
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            return {row["letter"]: float(row["f1"]) for row in csv.DictReader(stream)}
    except (OSError, ValueError, KeyError) as error:
        raise PipelineError(f"{path}: cannot be read ({error}). Run: dvc repro evaluate.") from None


def _read_json(path: Path, stage: str) -> dict[str, Any]:
    try:
        contents: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PipelineError(f"{path}: cannot be read ({error}). Run: dvc repro {stage}.") from None
    return contents


if __name__ == "__main__":
    run_door(main)
