"""What was decided on each network, kept outside the registry too, so that a lost registry is rebuilt from it.

The registry's tags say it; the champion record, which git keeps, has a copy that is made anew whenever the record is
written. One entry for each content of a model file holds all that later decisions depend on: which networks were
champions and which one came before each, which were rolled back, which were refused and on which terms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict

from stages.registry.champion import (
    PREVIOUS,
    PROMOTED,
    REASONS,
    REFUSED,
    ROLLED_BACK,
    TERMS,
    VERDICT,
    read_champion,
    read_versions,
    tag,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stages.registry.champion import RegisteredVersion

REFUSALS_KEPT: Final = 20
"""Refusals in the history, the newest: every training leads to one. Champions are few, and all of them are kept."""


class PastDecision(BaseModel):
    """The last decision on one network."""

    model_config = ConfigDict(frozen=True)

    architecture: str
    version: int
    """In the registry of that time: a rebuilt one may number it differently."""
    model_hash: str
    """SHA-256 of the model file, hex."""
    verdict: Literal["promoted", "refused", "rolled back"]
    reasons: tuple[str, ...]
    """Full sentences of the gate."""
    terms: str = ""
    """Hash of what the gate's decision depended on; "" if the gate was not asked."""
    previous: str = ""
    """Hash of the network that it became champion after; "" if there was none or it was never champion."""


def read_history(model_name: str, known: Iterable[PastDecision]) -> tuple[PastDecision, ...]:
    """Read the last decision on every network from the registry's tags, by version; those it does not know come first.

    Args:
        model_name: the registered model.
        known: an earlier history, which may have networks that the registry does not.

    Raises:
        StoreError: the store cannot be used.
    """
    versions = read_versions(model_name)
    hashes = {str(version.number): version.model_hash for version in versions}
    decided = {version.model_hash: _decision(version, hashes) for version in versions if _is_decided(version)}
    history = [decision for decision in known if decision.model_hash not in decided]
    history += decided.values()
    refusals = [decision for decision in history if decision.verdict == "refused" and not decision.previous]
    forgotten = {decision.model_hash for decision in refusals[:-REFUSALS_KEPT]}
    return tuple(decision for decision in history if decision.model_hash not in forgotten)


def restore_tags(model_name: str, history: Iterable[PastDecision]) -> None:
    """Give the versions on which this registry knows no decision the tags of the one in the history.

    Raises:
        StoreError: the store cannot be used.
    """
    decisions = {decision.model_hash: decision for decision in history}
    versions, champion = read_versions(model_name), read_champion(model_name)
    numbers = {version.model_hash: version.number for version in versions}
    for version in versions:
        is_champion = champion is not None and champion.number == version.number
        decision = decisions.get(version.model_hash)
        if decision is not None and VERDICT not in version.tags and not is_champion:
            tag(model_name, version.number, _tags(decision, decisions, numbers))


def previous_version(
    decision: PastDecision, decisions: Mapping[str, PastDecision], numbers: Mapping[str, int]
) -> int | None:
    """Version of the nearest champion before a network that is in the registry; None if none is.

    Args:
        decision: the last one on the network.
        decisions: the history, by hash.
        numbers: the registry's versions, by hash.
    """
    seen: set[str] = set()
    before = decision.previous
    while before and before not in seen:
        if before in numbers:
            return numbers[before]
        seen.add(before)
        before = decisions[before].previous if before in decisions else ""
    return None


def _is_decided(version: RegisteredVersion) -> bool:
    return bool(version.model_hash) and bool({VERDICT, ROLLED_BACK, PREVIOUS} & version.tags.keys())


def _decision(version: RegisteredVersion, hashes: Mapping[str, str]) -> PastDecision:
    tags = version.tags
    verdict: Literal["refused", "promoted"] = "refused" if tags.get(VERDICT) == REFUSED else "promoted"
    return PastDecision(
        architecture=version.architecture,
        version=version.number,
        model_hash=version.model_hash,
        verdict="rolled back" if ROLLED_BACK in tags else verdict,
        reasons=tuple(tags[REASONS].split("\n")) if REASONS in tags else (),
        terms=tags.get(TERMS, ""),
        previous=hashes.get(tags.get(PREVIOUS, ""), ""),
    )


def _tags(decision: PastDecision, decisions: Mapping[str, PastDecision], numbers: Mapping[str, int]) -> dict[str, str]:
    """The tags of a decision, the verdict last: a version that has it has the others."""
    previous = previous_version(decision, decisions, numbers)
    tags = {ROLLED_BACK: "true"} if decision.verdict == "rolled back" else {}
    tags |= {} if previous is None else {PREVIOUS: str(previous)}
    tags |= {REASONS: "\n".join(decision.reasons), TERMS: decision.terms}
    return tags | {VERDICT: REFUSED if decision.verdict == "refused" else PROMOTED}
