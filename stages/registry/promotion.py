"""Promotion: a version of the registered model is compared with the champion, and gets the alias or is refused.

A network is identified by the content of its file, so each content is judged once:

- the champion's own content stays champion, for the reasons that made it so;
- content that was refused is refused again with the same sentences, as long as the terms are the same: the champion,
  the unseen signers, the validation data and the budgets; on other terms it is evaluated again;
- content that was rolled back stays so, whatever the terms, until a person proposes it again with `--again`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from client.mask import MASK_VERSION
from stages.data.loader import draw_masks
from stages.data.processed import read_processed
from stages.errors import InputError, PipelineError
from stages.evaluation.networks import load_network, measure_latency
from stages.evaluation.predictions import predictions_of, set_hashes
from stages.evaluation.sets import TestSets
from stages.evaluation.signer_scores import calibration
from stages.params import Evaluate, Promote, Test, read_params
from stages.registry.champion import (
    PROMOTED,
    REASONS,
    REFUSED,
    ROLLED_BACK,
    TERMS,
    VERDICT,
    RegisteredVersion,
    move_champion,
    read_champion,
    read_version,
    tag,
)
from stages.registry.gate import Decision, Finding, Measured, decide
from stages.registry.record import CHAMPION_FILES, GateDecision, fetch_champion
from stages.registry.unseen import count_people, leave_out, rows_trained_on

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from stages.evaluation.predictions import Predictions

FIRST: Final = (
    "There was no champion, so the smallest of the networks that are as good as the best in validation became it "
    "without a comparison.",
)


@dataclass(frozen=True)
class Outcome:
    """What became of a proposal."""

    candidate: RegisteredVersion
    champion: RegisteredVersion
    """The version that has the alias now."""
    promoted: bool
    """Whether that is the candidate."""
    reasons: tuple[str, ...]
    """Full sentences."""

    @property
    def decision(self) -> GateDecision:
        """The outcome as the champion record keeps it."""
        return GateDecision(
            candidate=self.candidate.architecture,
            version=self.candidate.number,
            model_hash=self.candidate.model_hash,
            promoted=self.promoted,
            reasons=self.reasons,
        )

    def report(self, model_name: str) -> str:
        """Lines for people."""
        what = f"{self.candidate.architecture}, version {self.candidate.number} of {model_name}"
        champion = f"{self.champion.architecture}, version {self.champion.number}"
        verdict = "is the champion" if self.promoted else f"is not promoted; the champion is still {champion}"
        return "\n  ".join([f"{what}, {verdict}:", *self.reasons]) + "\n"


def promote_first(model_name: str, number: int, reasons: tuple[str, ...] = FIRST) -> Outcome:
    """Make a version the first champion.

    Args:
        model_name: the registered model, which has no champion.
        number: the version.
        reasons: why it is this one, in full sentences.

    Raises:
        ChampionMovedError: there is a champion by now.
        StoreError: the store cannot be used.
    """
    move_champion(model_name, None, number)
    tag(model_name, number, {VERDICT: PROMOTED, REASONS: "\n".join(reasons)})
    version = read_version(model_name, number)
    return Outcome(version, version, promoted=True, reasons=reasons)


def propose(
    model_name: str, number: int, model: Path, *, again: bool = False, measured: Measured | None = None
) -> Outcome:
    """Compare a version with the champion, and promote it if the gate lets it.

    Args:
        model_name: the registered model, which has a champion.
        number: the version.
        model: its file.
        again: even though it was rolled back, and evaluate it again even though it was refused on these terms.
        measured: what was measured of it already; None if nothing was.

    Raises:
        ChampionMovedError: the champion changed in the meantime.
        InputError: there is no champion, or something that the gate needs cannot be read.
    """
    candidate, champion = read_version(model_name, number), read_champion(model_name)
    if champion is None:
        raise InputError(f"'{model_name}' has no champion to compare with. Make one: make repro")
    if candidate.model_hash == champion.model_hash:
        reasons = tuple(champion.tags.get(REASONS, "It is the champion already.").split("\n"))
        return Outcome(champion, champion, promoted=True, reasons=reasons)
    if ROLLED_BACK in candidate.tags and not again:
        reason = "It was rolled back, so only a person can propose it again: make promote MODEL=FILE ARGS=--again"
        return Outcome(candidate, champion, promoted=False, reasons=(reason,))
    budgets = read_params(Promote)
    terms = gate_terms(champion.model_hash, budgets)
    if candidate.tags.get(VERDICT) == REFUSED and candidate.tags.get(TERMS) == terms and not again:
        return Outcome(candidate, champion, promoted=False, reasons=tuple(candidate.tags[REASONS].split("\n")))
    decision = _judge(model_name, champion, measured or measure(model), budgets)
    if decision.promoted:
        move_champion(model_name, champion.number, number)
    verdict = PROMOTED if decision.promoted else REFUSED
    tag(model_name, number, {VERDICT: verdict, REASONS: "\n".join(decision.reasons), TERMS: terms})
    return Outcome(
        candidate,
        read_version(model_name, number) if decision.promoted else champion,
        promoted=decision.promoted,
        reasons=decision.reasons,
    )


def measure(model: Path, folder: Path | None = None) -> Measured:
    """Collect a network's predictions for unseen signers, and time it.

    Args:
        model: an exported network.
        folder: where its predictions may be besides `data/predictions/`.

    Raises:
        InputError: the network, the test sets or the processed data cannot be read.
    """
    evaluate = read_params(Evaluate)
    network, predictions = load_network(model), predictions_of(model, folder)
    mask = draw_masks(read_processed().validation.samples[:1])[0]
    return Measured(
        unseen=predictions.signers.unseen,
        ece=_calibration_error(predictions.signers.unseen),
        trained_on=network.trained_on,
        latency_ms=float(measure_latency(network, mask, evaluate.latency_runs).min()),
    )


def _judge(model_name: str, champion: RegisteredVersion, candidate: Measured, budgets: Promote) -> Decision:
    """Measure the champion on this machine, as the candidate was, and ask the gate."""
    fetched = fetch_champion(model_name, champion)
    try:
        load_network(fetched)
    except PipelineError as error:
        # The file is the one registered, so it is this checkout that cannot use it: it draws other masks.
        unusable = Finding(True, f"The champion, version {champion.number}, cannot be evaluated: {error}")
        decision = compare(candidate, None, budgets)
        return replace(decision, findings=(unusable, *decision.findings))
    return compare(candidate, measure(fetched, CHAMPION_FILES / "predictions"), budgets)


def compare(candidate: Measured, champion: Measured | None, budgets: Promote) -> Decision:
    """Ask the gate about the unseen signers that neither network was trained on; refuse if there are none.

    Args:
        candidate: what was measured of it on the test sets.
        champion: the same of the champion; None if this checkout cannot evaluate it.
        budgets: see `decide`.

    Raises:
        InputError: the test sets cannot be read.
    """
    sets, networks = TestSets.read().unseen, [each for each in (candidate, champion) if each]
    rows = rows_trained_on(sets, [each.trained_on for each in networks])
    known, everybody = (count_people(sets, each) for each in (rows, {name: own | True for name, own in rows.items()}))
    notes = [
        f"The file of the {name} does not say on whom it was trained, so its own training signers may be among those "
        "that it was evaluated on."
        for name, each in (("candidate", candidate), ("champion", champion))
        if each and each.trained_on is None
    ]
    if all(own.all() for own in rows.values()):
        nobody = (
            f"Nothing can be compared: the candidate or the champion was trained on all {everybody} signers of the "
            "test set. Add files of other signers to data/test/ or, if they are synthetic, choose another test.seed."
        )
        return Decision((Finding(False, nobody),), tuple(notes))
    if known:
        notes.append(
            f"{known} of {everybody} signers of the test set were left out, because the candidate or the champion was "
            "trained on them."
        )
    measured = [_leave_out(each, rows) for each in networks]
    return replace(decide(measured[0], measured[1] if champion else None, budgets), notes=tuple(notes))


def _leave_out(measured: Measured, rows: Mapping[str, npt.NDArray[np.bool_]]) -> Measured:
    unseen = leave_out(measured.unseen, rows)
    return replace(measured, unseen=unseen, ece=_calibration_error(unseen))


def _calibration_error(unseen: Mapping[str, Predictions]) -> float:
    return calibration(unseen, read_params(Test).calibration_bins).error


def gate_terms(champion_hash: str, budgets: Promote) -> str:
    """Hash of everything but the candidate that a decision depends on."""
    terms = {
        "champion": champion_hash,
        "budgets": budgets.model_dump(),
        "sets": set_hashes(),
        "masks": MASK_VERSION,
    }
    return hashlib.sha256(json.dumps(terms, sort_keys=True).encode()).hexdigest()
