"""Who networks may be scored and compared on: people that none of them was trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.data.people import rows_of
from stages.errors import InputError
from stages.evaluation.networks import load_network
from stages.evaluation.sets import TestSets, are_synthetic
from stages.registry.record import signer_predictions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from stages.data.people import People
    from stages.evaluation.predictions import Personal, Predictions, SignerPredictions
    from stages.evaluation.sets import EvaluationSet
    from stages.registry.record import ChampionRecord


@dataclass(frozen=True)
class Unseen:
    """The test sets without the people that one of the reported networks was trained on."""

    predictions: dict[str, SignerPredictions]
    """By network, the champion's first."""
    samples: dict[str, npt.NDArray[Any]]
    """What was predicted, by source."""
    synthetic: bool
    """Whether the signers are synthetic."""
    left_out: int
    """Signers of the test set that a network was trained on."""


def read_unseen(record: ChampionRecord) -> Unseen:
    """Read the test sets and what the champion, this checkout's other networks and the reference predict for them.

    Raises:
        InputError: a file is missing or damaged, or the networks were trained on everybody.
    """
    sets = TestSets.read().unseen
    rows = rows_trained_on(sets, [load_network(path).trained_on for path in record.model_files().values()])
    left_out = count_people(sets, rows)
    if all(own.all() for own in rows.values()):
        raise InputError(
            f"Nobody in the test set is unseen: the champion or another network was trained on all {left_out} signers. "
            "Add files of other signers to data/test/ or, if they are synthetic, choose another test.seed."
        )
    return Unseen(
        predictions={
            name: replace(each, unseen=leave_out(each.unseen, rows), personal=_leave_out_signers(each, sets, rows))
            for name, each in signer_predictions(record).items()
        },
        samples={each.name: each.samples[~rows[each.name][: len(each.samples)]] for each in sets},
        synthetic=are_synthetic(sets),
        left_out=left_out,
    )


def rows_trained_on(
    sets: Sequence[EvaluationSet], trained_on: Sequence[People | None]
) -> dict[str, npt.NDArray[np.bool_]]:
    """Find the rows of people that any of several networks was trained on.

    Args:
        sets: of unseen signers.
        trained_on: by each network; None if it does not say.

    Returns:
        (R,) whether a row shows one of them, by source.
    """
    people = frozenset[bytes]().union(*(each for each in trained_on if each is not None))
    return {each.name: rows_of(people, each.samples, each.signers) for each in sets}


def leave_out(unseen: Mapping[str, Predictions], rows: Mapping[str, npt.NDArray[np.bool_]]) -> dict[str, Predictions]:
    """Leave rows out of predictions for unseen signers, and sources of which nothing is left."""
    return {
        source: each.without(rows[source]) if rows[source].any() else each
        for source, each in unseen.items()
        if not rows[source].all()
    }


def _leave_out_signers(
    predictions: SignerPredictions, sets: Sequence[EvaluationSet], rows: Mapping[str, npt.NDArray[np.bool_]]
) -> Personal:
    """Leave signers out of the predictions with their own samples, if rows of them are to be left out."""
    gone = {each.name: set(each.signers[rows[each.name]].tolist()) for each in sets}
    left = {
        count: leave_out(own, {source: np.isin(each.signers, list(gone[source])) for source, each in own.items()})
        for count, own in predictions.personal.items()
    }
    return {count: own for count, own in left.items() if own}


def count_people(sets: Sequence[EvaluationSet], rows: Mapping[str, npt.NDArray[np.bool_]]) -> int:
    """Count the signers that some rows show; those of a source that have no name count as one."""
    return len({signer or f" {each.name}" for each in sets for signer in each.signers[rows[each.name]].tolist()})
