"""Test sets are refused if they share signers or samples with training, or samples with each other."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from stages.data.duplicates import describe_samples, find_nearest, mirror_features
from stages.data.loader import draw_masks
from stages.data.people import rows_of
from stages.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from stages.data.people import People
    from stages.data.processed import Processed, Split
    from stages.evaluation.sets import EvaluationSet

COPY: Final = 1 / 15
"""Share of the tolerance of near-duplicates within which one hand is a copy of another: of 18 people, the nearest two
photographs of the same one are at 0.09 of it (masks) and 0.14 (landmarks), of different ones at 0.48 and 0.75.
"""
NEAR_SHARE: Final = {"landmarks": 0.03, "masks": 0.06}
"""Share of a signer's samples that are near-duplicates of one signer's in training above which both are one person.

Of 153 pairs of people, it is 0.012 (landmarks) and 0.038 (masks) at most, and 0 against 100,000 synthetic hands. Of
the two halves of one person's frames it is 0.04 to 0.37 and 0.09 to 0.63. Photographs of one person that differ in
place and angle have no near-duplicates: only a name identifies such a person.
"""
_EXAMPLES: Final = 2
_DRAWN: Final = 512
"""Landmarks drawn as masks at a time."""


def check_unseen(sets: Sequence[EvaluationSet], data: Processed | None, trained: Mapping[str, People | None]) -> None:
    """Refuse sets that show somebody on whom networks are trained, and two sets that share samples.

    Signers are compared by name, and samples by content, mirrored or not, whatever their labels: landmarks with
    landmarks, masks with masks, and if one has landmarks and the other masks, the landmarks are drawn first.

    Args:
        sets: what networks are to be evaluated on.
        data: what they learn from; None if there is none in this checkout.
        trained: on whom networks, or the weights that they start from, were trained, by name; None if it is not known.

    Raises:
        InputError: a set shows somebody of training or validation, or two share samples.
    """
    for each in sets:
        seen = find_known(each, trained) | (find_shared(each, data) if data else {})
        if seen and each.origin is None:
            raise InputError(
                f"{each.where}: {len(seen)} of its {len(each.labels)} rows show whom the networks learn from: "
                f"{_examples(seen)}. Choose another test.seed in params.yaml and run again."
            )
        if seen:
            raise InputError(
                f"{each.where}: {len(seen)} of its {len(each.labels)} rows show whom the networks learn from: "
                f"{_examples(seen)}. Take them out of this file, or out of the raw data (preprocess.raw) and train "
                "again. Two people of one name need two names."
            )
    for first, second in combinations(sets, 2):
        if copies := find_copies(first, second):
            raise InputError(
                f"{second.where}: {len(copies)} of its {len(second.labels)} rows are copies of rows in {first.where}: "
                f"{_examples(copies)}. Take one of them away and run again."
            )


def find_known(tested: EvaluationSet, trained: Mapping[str, People | None]) -> dict[int, str]:
    """Say for each row of a set that shows one of these people who knows them."""
    return {
        row: f"row {tested.row(row)}{_of(tested.signers[row])} shows somebody on whom {name} was trained"
        for name, people in trained.items()
        for row in np.flatnonzero(rows_of(people or frozenset(), tested.samples, tested.signers)).tolist()
    }


def find_shared(tested: EvaluationSet, data: Processed) -> dict[int, str]:
    """Say for each row of a set that shows somebody of training or validation where they are in the data."""
    splits = {"validation": data.validation, "training": data.train}  # the latter is named if it is both
    found: dict[int, str] = {}
    for side, split in splits.items():
        rows = _shared_rows(tested, split)
        found |= {
            row: f"row {tested.row(row)}{_of(tested.signers[row])} is a {what} of {side}'s row {other}"
            f"{_of(split.signers[other])}"
            for row, (other, what) in rows.items()
        }
    for side, split in splits.items():
        known = set(split.signers.tolist()) - {""}
        found |= {
            row: f"row {tested.row(row)} is of '{name}', who is in {side}"
            for row, name in enumerate(tested.signers.tolist())
            if name in known
        }
    return found


def find_copies(first: EvaluationSet, second: EvaluationSet) -> dict[int, str]:
    """Say for each row of the second set that is a copy of one in the first which one it is."""
    distances, nearest = _nearest(second.samples, first.samples)
    return {
        row: f"row {second.row(row)}{_of(second.signers[row])} of row {first.row(int(nearest[row]))}"
        for row in np.flatnonzero(distances <= COPY).tolist()
    }


def _shared_rows(tested: EvaluationSet, split: Split) -> dict[int, tuple[int, str]]:
    """Rows that are copies of training samples, and near-duplicates if a signer has too many to be somebody else."""
    distances, nearest = _nearest(tested.samples, split.samples)
    signers = tested.signers[: len(distances)]
    kind = "masks" if 4 in (tested.samples.ndim, split.samples.ndim) else "landmarks"
    near = np.flatnonzero(np.isfinite(distances))
    pairs = np.stack([signers[near], split.signers[nearest[near]]], axis=1)
    _, pair, counts = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    names, owner, sizes = np.unique(signers, return_inverse=True, return_counts=True)
    shares = counts[pair.ravel()] / sizes[owner[near]] if len(names) else counts
    several = (counts[pair.ravel()] > 1) & (shares > NEAR_SHARE[kind])
    copies = distances[near] <= COPY
    return {
        int(row): (int(nearest[row]), "copy" if copied else "near-duplicate")
        for row, copied, counts_too in zip(near, copies, several, strict=True)
        if copied or counts_too
    }


def _nearest(
    samples: npt.NDArray[Any], others: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Find the nearest other of each, mirrored or not: distances in tolerances, infinite above 1, and indices."""
    as_masks = 4 in (samples.ndim, others.ndim)
    (features, radius), (theirs, _) = (_describe(each, as_masks=as_masks) for each in (samples, others))
    straight, mirrored = (find_nearest(each, theirs, radius) for each in (features, mirror_features(features)))
    closer = mirrored[0] < straight[0]
    return np.minimum(straight[0], mirrored[0]) / radius, np.where(closer, mirrored[1], straight[1])


def _describe(samples: npt.NDArray[Any], *, as_masks: bool) -> tuple[npt.NDArray[np.float32], float]:
    if samples.ndim == 4 or not as_masks:
        return describe_samples(samples)
    chunks = [samples[start : start + _DRAWN] for start in range(0, len(samples), _DRAWN)] or [samples]
    described = [describe_samples(draw_masks(chunk)) for chunk in chunks]
    return np.concatenate([features for features, _ in described]), described[0][1]


def _examples(seen: Mapping[int, str]) -> str:
    rows = sorted(seen)[:_EXAMPLES]
    return "; ".join(seen[row] for row in rows)


def _of(signer: str) -> str:
    return f" (signer '{signer}')" if signer else ""
