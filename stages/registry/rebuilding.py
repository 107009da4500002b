"""A lost registry, rebuilt from the champion record: no network becomes champion that a decision speaks against.

The registry is a file that git ignores (`mlflow.db`), so it may be deleted, or be a new one elsewhere. The record,
which git keeps, says which network was the champion, and what was decided on the others.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from shutil import copy
from typing import TYPE_CHECKING, Final

from stages.errors import InputError, PipelineError
from stages.evaluation.intervals import compare_accuracy
from stages.evaluation.networks import load_network
from stages.files import content_hash
from stages.params import Promote, read_params
from stages.registry.champion import move_champion, read_champion, read_versions
from stages.registry.git import UNKNOWN, Revision
from stages.registry.history import previous_version, restore_tags
from stages.registry.promotion import FIRST, Outcome, gate_terms, promote_first
from stages.registry.record import CHAMPION_FILES, champion_predictions
from stages.registry.results import Result, read_metrics
from stages.registry.versions import register

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stages.params import Register
    from stages.registry.record import ChampionRecord

METRICS: Final = "metrics.json"
MIB: Final = 2**20


def restore_champion(params: Register, last: ChampionRecord | None, results: Sequence[Result]) -> None:
    """Give a registry without a champion the one on record, if its file is here, and its versions their tags.

    Args:
        params: names of the experiment and the registered model.
        last: the record; None if there is none.
        results: this checkout's networks, which are registered.

    Raises:
        ChampionMovedError: there is a champion by now.
        InputError: what was measured of the champion is missing.
        StoreError: the store cannot be used.
    """
    if last is None:
        return
    if read_champion(params.model) is not None:
        restore_tags(params.model, last.history)
        return
    if last.model_hash not in {result.model_hash for result in results}:
        _register_kept(params, last)
    decisions = last.decisions
    restore_tags(params.model, decisions.values())
    numbers = {version.model_hash: version.number for version in read_versions(params.model)}
    if last.model_hash in numbers:
        # The alias comes last: a run that is killed before starts again from the record.
        before = previous_version(decisions[last.model_hash], decisions, numbers)
        move_champion(params.model, None, numbers[last.model_hash], previous=before)


def choose_first(model_name: str, last: ChampionRecord | None, results: Sequence[Result]) -> Outcome:
    """Make the leader in validation (see `choose_leader`) the first champion.

    Args:
        model_name: the registered model, which has no champion.
        last: the record of one whose file is not here or cannot be used; None if there is none.
        results: this checkout's networks, which are registered.

    Raises:
        ChampionMovedError: there is a champion by now.
        InputError: every network was rolled back or refused.
        StoreError: the store cannot be used.
    """
    numbers = {version.model_hash: version.number for version in read_versions(model_name)}
    if last is None:
        return promote_first(model_name, numbers[choose_leader(results).model_hash])
    lost = f"{last.champion} (model {last.model_hash[:12]})"
    terms = gate_terms(last.model_hash, read_params(Promote))
    against = {
        decision.model_hash
        for decision in last.history
        if decision.verdict == "rolled back" or (decision.verdict == "refused" and decision.terms == terms)
    }
    eligible = [result for result in results if result.model_hash not in against]
    if not eligible:
        raise InputError(
            f"'{model_name}' has no champion: the one on record, {lost}, is not on this machine, or this checkout "
            "cannot evaluate it, and every network in models/ was rolled back or refused. Get its file (dvc checkout "
            "models/champion, or dvc pull), or train other networks, and run: make repro. To begin anew with these "
            "networks, rename reports/register.json first."
        )
    reason = (
        f"The champion on record, {lost}, is not on this machine, or this checkout cannot evaluate it, so nothing was "
        "compared with it."
    )
    if len(eligible) < len(results):
        reason += " Networks that were rolled back or refused did not count."
    return promote_first(model_name, numbers[choose_leader(eligible).model_hash], (*FIRST, reason))


def choose_leader(results: Sequence[Result]) -> Result:
    """Choose the leader of this checkout's networks: the smallest of those that are as good as the best in validation.

    As good is whose accuracy is not below that of the network with the best macro F1 by more than the noise
    (`promote.confidence`): on a few hundred samples the largest network is often ahead by a hair.
    """
    best = max(results, key=_f1)
    confidence = read_params(Promote).confidence

    def as_good(result: Result) -> bool:
        both = {"validation": result.validation}, {"validation": best.validation}
        return result is best or not compare_accuracy(*both, confidence=confidence).worse

    return min(filter(as_good, results), key=lambda result: (round(result.model.stat().st_size / MIB, 1), -_f1(result)))


def _register_kept(params: Register, last: ChampionRecord) -> None:
    """Register the champion that `models/champion/` keeps, if that is the one on record and can be used here."""
    model = CHAMPION_FILES / "model.onnx"
    if not model.is_file() or content_hash(model) != last.model_hash:
        return
    try:
        network = load_network(model)
    except PipelineError:
        return  # it was made for other masks than this checkout draws
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder)
        copy(CHAMPION_FILES / METRICS, report)
        result = Result(
            architecture=network.architecture,
            model=model,
            model_hash=last.model_hash,
            classes=network.classes,
            data_hash=network.data_hash,
            report=report,
            metrics=read_metrics(report / METRICS),
            history=None,
            validation=champion_predictions().validation,
            parameters={"init": last.init} if last.init else {},
            stage="",
        )
        register(result, params.experiment, params.model, Revision(last.git_commit, UNKNOWN))


def _f1(result: Result) -> float:
    return result.metrics["f1"]
