"""The networks side by side, in Markdown and as the numbers that their runs get in MLflow. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd

from stages.evaluation.signer_scores import with_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stages.evaluation.signer_scores import SignerScores
    from stages.registry.record import ChampionRecord

PICTURES: Final = ("curves", "confusion", "per_letter", "calibration", "mistakes")
"""Pictures of every network's own report."""
TEST_PICTURES: Final = ("sources", "letters", "confusion", "calibration", "selection", "detection", "mistakes")


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
    letters: pd.Series[float]
    """F1 of each letter in validation; empty if it was not measured."""
    scores: SignerScores | None
    """On unseen signers; None if it could not be evaluated on them."""


def run_numbers(network: Compared) -> dict[str, float]:
    """Name the numbers that a network's run gets after the test, as MLflow allows them to be named."""
    numbers: dict[str, float | None] = {f"letter_f1/{letter}": value for letter, value in network.letters.items()}
    if scores := network.scores:
        low, high = scores.interval
        numbers |= {"test/mean": scores.mean, "test/mean_low": low, "test/mean_high": high, "test/ece": scores.ece}
        numbers |= {f"test/{name}": value for name, value in scores.at_threshold.model_dump().items()}
        if scores.non_letters:
            numbers |= {f"test/{name}": value for name, value in scores.non_letters.model_dump().items()}
        numbers |= {f"test/source/{name}": score.accuracy for name, score in scores.sources.items()}
        numbers |= {f"test/letter/{name}": score.accuracy for name, score in scores.letters.items()}
    return {re.sub(r"[^/\w.\- :]", "_", name): float(value) for name, value in numbers.items() if value is not None}


def write_comparison(networks: Sequence[Compared], record: ChampionRecord, *, synthetic: bool) -> str:
    """Write the comparison in Markdown.

    Args:
        networks: the champion first.
        record: the champion and the last decision.
        synthetic: whether the unseen signers are synthetic.
    """
    decision = record.decision
    verdict = "was promoted" if decision.promoted else "was not promoted"
    who = "synthetic signers of another seed" if synthetic else "people that no network was trained on"
    pictures = {
        name.replace("_", " "): [f"![]({each.name}/{name}.png)" for each in networks if each.name in record.models]
        for name in PICTURES
    }
    own = [each.name for each in networks if each.name in record.models]
    reasons = "\n".join(f"- {reason}" for reason in decision.reasons)
    test_pictures = "\n".join(f"![{each}](test/{each}.png)" for each in TEST_PICTURES)
    registered = [each for each in networks if each.run_id]
    runs = {
        "version": [each.version for each in registered],
        "MLflow run": [f"`{each.run_id}`" for each in registered],
        "model file (SHA-256)": [f"`{each.model_hash[:16]}`" for each in registered],
    }
    return f"""# Comparison of the networks

Champion: **{networks[0].name}**, version {record.version} of `{record.model}`. Unseen signers are {who}; hands not
found count as errors; in brackets 95 % intervals.

{_table(networks).to_markdown(disable_numparse=True)}

![accuracy on unseen signers against time and size](comparison/tradeoff.png)

## The last decision

{decision.candidate}, version {decision.version}, {verdict}:

{reasons}

## F1 of each letter in validation

{letter_table(networks).to_markdown(floatfmt=".3f", missingval="-")}

![F1 of each letter](comparison/letters.png)

## Curves, confusion, calibration, mistakes

{pd.DataFrame(pictures, index=own).to_markdown()}

## Unseen signers

{test_pictures}

## Where each network comes from

A run carries the tags `git_commit`, `data_hash` and `dvc_stage`, which lead to the code, the data and the stage of
`dvc.yaml` that made it.

{pd.DataFrame(runs, index=[each.name for each in registered]).to_markdown(disable_numparse=True)}
"""


def letter_table(networks: Sequence[Compared]) -> pd.DataFrame:
    """F1 of each letter in validation: a row for each letter, a column for each network that was measured."""
    return pd.DataFrame({network.name: network.letters for network in networks if len(network.letters)})


def _table(networks: Sequence[Compared]) -> pd.DataFrame:
    rows = {}
    for network in networks:
        metrics, scores = network.metrics, network.scores
        non_letters = scores.non_letters if scores else None
        rows[network.name] = {
            "macro F1": _cell(metrics.get("f1"), ""),
            "accuracy": _cell(metrics.get("accuracy"), ""),
            "ECE": _cell(metrics.get("ece"), ""),
            "unseen signers": with_interval(scores.mean, scores.interval) if scores else "-",
            "ECE, unseen signers": _cell(scores.ece if scores else None, ""),
            "AUROC, letter or none": _cell(non_letters.auroc if non_letters else None, ""),
            "one mask, median": _cell(metrics.get("latency_ms_median"), " ms", 1),
            "95th percentile": _cell(metrics.get("latency_ms_p95"), " ms", 1),
            "size": _cell(metrics.get("size_mib"), " MiB", 1),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _cell(value: float | None, unit: str, decimals: int = 3) -> str:
    return "-" if value is None else f"{value:.{decimals}f}{unit}"
