"""The networks side by side, in Markdown and as the numbers that their runs are given in MLflow. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PICTURES: Final = ("curves", "confusion", "per_letter", "calibration", "mistakes")
"""Pictures of every network's own report."""
EXAM_PICTURES: Final = ("sources", "letters", "confusion", "calibration", "selection", "detection", "mistakes")


@dataclass(frozen=True)
class Compared:
    """One network and all that was measured of it."""

    name: str
    run_id: str
    """MLflow's run; "" for the reference, which is not registered."""
    version: int | None
    model_hash: str
    metrics: Mapping[str, float]
    """On the validation samples; numbers that nobody measured are missing."""
    letters: Mapping[str, float]
    """F1 of each letter in validation; empty where it was not measured."""
    exam: Mapping[str, Any]
    """Marks on strangers, as in `exam.json`; empty where it could not be examined."""


def run_numbers(network: Compared) -> dict[str, float]:
    """Name the numbers that a network's run is given after the exam, as MLflow allows them to be named."""
    exam = network.exam
    numbers: dict[str, float | None] = {f"letter_f1/{letter}": value for letter, value in network.letters.items()}
    if exam:
        numbers |= {f"exam/{name}": exam[name] for name in ("mean", "ece")}
        numbers |= dict(zip(("exam/mean_low", "exam/mean_high"), exam["interval"], strict=True))
        numbers |= {f"exam/{name}": value for name, value in exam["at_threshold"].items()}
        numbers |= {f"exam/{name}": value for name, value in exam.get("non_letters", {}).items()}
        numbers |= {f"exam/source/{name}": marks["accuracy"] for name, marks in exam["sources"].items()}
        numbers |= {f"exam/letter/{name}": marks["accuracy"] for name, marks in exam["letters"].items()}
    return {re.sub(r"[^/\w.\- :]", "_", name): float(value) for name, value in numbers.items() if value is not None}


def write_comparison(networks: Sequence[Compared], registered: Mapping[str, Any], *, synthetic: bool) -> str:
    """Write the comparison in Markdown.

    Args:
        networks: the champion first.
        registered: what `register.json` says.
        synthetic: whether the strangers are synthetic.
    """
    decision = registered["decision"]
    verdict = "was promoted" if decision["promoted"] else "was not promoted"
    who = "synthetic signers of another seed" if synthetic else "people that no network was trained on"
    own = [network.name for network in networks if network.name in registered["models"]]
    return "\n".join(
        [
            "# Comparison of the networks",
            "",
            f"Champion: **{networks[0].name}**, version {registered['version']} of `{registered['model']}`. Strangers "
            f"are {who}; hands not found count as errors; in brackets 95 % intervals.",
            "",
            *_table(networks),
            "",
            "![accuracy on strangers against time and size](comparison/tradeoff.png)",
            "",
            "## The last decision",
            "",
            f"{decision['candidate']}, version {decision['version']}, {verdict}:",
            "",
            *(f"- {reason}" for reason in decision["reasons"]),
            "",
            "## F1 of each letter in validation",
            "",
            *_letter_table([network for network in networks if network.letters]),
            "",
            "![F1 of each letter](comparison/letters.png)",
            "",
            "## Curves, confusion, calibration, mistakes",
            "",
            "| | " + " | ".join(name.replace("_", " ") for name in PICTURES) + " |",
            "| --- " * (len(PICTURES) + 1) + "|",
            *(f"| {name} | {' | '.join(f'![]({name}/{each}.png)' for each in PICTURES)} |" for name in own),
            "",
            "## Strangers",
            "",
            *(f"![{each}](strangers/{each}.png)" for each in EXAM_PICTURES),
            "",
            "## The way back",
            "",
            "A run carries the tags `git_commit`, `data_hash` and `dvc_stage`, which lead to the code, the data and",
            "the stage of `dvc.yaml` that made it.",
            "",
            "| | version | MLflow run | model file (SHA-256) |",
            "| --- | --- | --- | --- |",
            *(
                f"| {each.name} | {each.version} | `{each.run_id}` | `{each.model_hash[:16]}` |"
                for each in networks
                if each.run_id
            ),
            "",
        ]
    )


def _table(networks: Sequence[Compared]) -> list[str]:
    header = (
        "",
        *("macro F1", "accuracy", "ECE"),
        *("strangers", "ECE, strangers", "AUROC, letter or none"),
        *("one mask, median", "95th percentile", "size"),
    )
    return [
        f"| {' | '.join(header)} |",
        "| --- " * len(header) + "|",
        *(f"| {' | '.join(_row(n))} |" for n in networks),
    ]


def _row(network: Compared) -> list[str]:
    metrics, exam = network.metrics, network.exam
    strangers = f"{exam['mean']:.3f} ({exam['interval'][0]:.3f}-{exam['interval'][1]:.3f})" if exam else "-"
    return [
        network.name,
        *(_cell(metrics.get(name), "") for name in ("f1", "accuracy", "ece")),
        strangers,
        _cell(exam.get("ece"), ""),
        _cell(exam.get("non_letters", {}).get("auroc"), ""),
        *(_cell(metrics.get(name), " ms", 1) for name in ("latency_ms_median", "latency_ms_p95")),
        _cell(metrics.get("size_mib"), " MiB", 1),
    ]


def _letter_table(networks: Sequence[Compared]) -> list[str]:
    letters = list(dict.fromkeys(letter for network in networks for letter in network.letters))
    header = ("", *(network.name for network in networks))
    return [
        f"| {' | '.join(header)} |",
        "| --- " * len(header) + "|",
        *(
            f"| {letter} | {' | '.join(_cell(each.letters.get(letter), '') for each in networks)} |"
            for letter in letters
        ),
    ]


def _cell(value: float | None, unit: str, decimals: int = 3) -> str:
    return "-" if value is None else f"{value:.{decimals}f}{unit}"
