"""The networks side by side, in Markdown and as the numbers that their runs get in MLflow. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pandas as pd

from stages.evaluation.signer_scores import with_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stages.evaluation.people_sets import PeopleSet
    from stages.evaluation.signer_scores import SignerReport, SignerScores
    from stages.evaluation.speed import Speed
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
    speed: Speed | None
    """None for the reference, which is never served."""
    letters: pd.Series[float]
    """F1 of each letter in validation; empty if it was not measured."""
    scores: SignerScores | None
    """On the pipeline's test signers; None if it could not be evaluated on them."""
    people: Mapping[PeopleSet, SignerScores] = field(default_factory=dict)
    """On the sets of people that somebody evaluated this very file on."""


def run_numbers(network: Compared) -> dict[str, float]:
    """Name the numbers that a network's run gets after the test, as MLflow allows them to be named."""
    numbers: dict[str, float | None] = {f"letter_f1/{letter}": value for letter, value in network.letters.items()}
    if network.speed:
        numbers |= network.speed.model_dump()
    if scores := network.scores:
        low, high = scores.interval or (None, None)
        numbers |= {"test/mean": scores.mean, "test/mean_low": low, "test/mean_high": high, "test/ece": scores.ece}
        numbers |= {"test/precision": scores.precision, "test/recall": scores.recall, "test/f1": scores.f1}
        numbers |= {f"test/{name}": value for name, value in scores.at_threshold.model_dump().items()}
        if scores.non_letters:
            numbers |= {f"test/{name}": value for name, value in scores.non_letters.model_dump().items()}
        numbers |= {f"test/source/{name}": score.accuracy for name, score in scores.sources.items()}
        numbers |= {f"test/letter/{name}": score.accuracy for name, score in scores.letters.items()}
    return {re.sub(r"[^/\w.\- :]", "_", name): float(value) for name, value in numbers.items() if value is not None}


def write_comparison(networks: Sequence[Compared], record: ChampionRecord, tested: SignerReport) -> str:
    """Write the comparison in Markdown.

    Args:
        networks: the champion first.
        record: the champion and the last decision.
        tested: the scores on the pipeline's test signers.
    """
    decision = record.decision
    verdict = "was promoted" if decision.promoted else "was not promoted"
    about = " Synthetic signers say little about people." * tested.synthetic
    pictures = {
        name.replace("_", " "): [f"![]({each.name}/{name}.png)" for each in networks if each.name in record.models]
        for name in PICTURES
    }
    own = [each.name for each in networks if each.name in record.models]
    reasons = "\n".join(f"- {reason}" for reason in decision.reasons)
    folders = {kind.heading: f"people/{kind}" for kind in networks[0].people} | {tested.title: "test"}
    test_pictures = "\n".join(
        f"## {title}\n\n" + "".join(f"![{each}]({folder}/{each}.png)\n" for each in TEST_PICTURES)
        for title, folder in folders.items()
    )
    registered = [each for each in networks if each.run_id]
    runs = {
        "version": [each.version for each in registered],
        "MLflow run": [f"`{each.run_id}`" for each in registered],
        "model file (SHA-256)": [f"`{each.model_hash[:16]}`" for each in registered],
    }
    return f"""# Comparison of the networks

Champion: **{networks[0].name}**, version {record.version} of `{record.model}`. Macro F1 and accuracy are of the
validation split. On people and on test signers, accuracy is the mean of the sources, hands not found count as errors,
and brackets hold 95 % intervals.{about} Time and size were measured on one machine, in one run.

{_table(networks, tested.title).to_markdown(disable_numparse=True)}

![accuracy against time and size](comparison/tradeoff.png)

## The last decision

{decision.candidate}, version {decision.version}, {verdict}:

{reasons}

## F1 of each letter in validation

{letter_table(networks).to_markdown(floatfmt=".3f", missingval="-")}

![F1 of each letter](comparison/letters.png)

## Curves, confusion, calibration, mistakes

{pd.DataFrame(pictures, index=own).to_markdown()}

{test_pictures}
## Where each network comes from

A run carries the tags `git_commit`, `data_hash` and `dvc_stage`, which lead to the code, the data and the stage of
`dvc.yaml` that made it.

{pd.DataFrame(runs, index=[each.name for each in registered]).to_markdown(disable_numparse=True)}
"""


def letter_table(networks: Sequence[Compared]) -> pd.DataFrame:
    """F1 of each letter in validation: a row for each letter, a column for each network that was measured."""
    return pd.DataFrame({network.name: network.letters for network in networks if len(network.letters)})


def _table(networks: Sequence[Compared], tested: str) -> pd.DataFrame:
    rows = {}
    kinds = networks[0].people
    for network in networks:
        metrics, scores, speed = network.metrics, network.scores, network.speed
        non_letters = scores.non_letters if scores else None
        rows[network.name] = {kind.heading: _accuracy(network.people.get(kind)) for kind in kinds} | {
            tested: _accuracy(scores),
            f"{tested}: ECE": _cell(scores.ece if scores else None, ""),
            "macro F1": _cell(metrics.get("f1"), ""),
            "accuracy": _cell(metrics.get("accuracy"), ""),
            "AUROC, letter or none": _cell(non_letters.auroc if non_letters else None, ""),
            "one mask, median": _cell(speed.latency_ms_median if speed else None, " ms", 1),
            "95th percentile": _cell(speed.latency_ms_p95 if speed else None, " ms", 1),
            "size": _cell(speed.size_mib if speed else None, " MiB", 1),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _accuracy(scores: SignerScores | None) -> str:
    return with_interval(scores.mean, scores.interval) if scores else "-"


def _cell(value: float | None, unit: str, decimals: int = 3) -> str:
    return "-" if value is None else f"{value:.{decimals}f}{unit}"
