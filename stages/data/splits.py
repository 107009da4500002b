"""Training and validation: a signer is on one side only; if signers are unknown, a group of near-duplicates is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from stages.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

Method = Literal["by signer", "stratified"]

MAX_CLASSES: Final = 1000
"""More labels than any alphabet has: text was exported instead of letters."""
_SHUFFLES: Final = 16
"""Orders of the signers tried: signers have unequal numbers of samples, so one order may miss the share by far."""


@dataclass(frozen=True)
class Division:
    """Which samples validate, and how they were chosen."""

    validation: npt.NDArray[np.bool_]
    """(N,) True for validation, False for training."""
    method: Method
    groups: int | None
    """Groups of near-duplicates, each divided as if it were one sample; None if signers were divided."""
    undivided: tuple[str, ...]
    """Labels of several samples that all form one group: they are in training only."""


def are_known(signers: npt.NDArray[np.str_]) -> bool:
    """Whether samples can be divided by signer: all signers are known, and there are two or more."""
    return bool((signers != "").all()) and len(np.unique(signers)) >= 2


def divide(
    labels: npt.NDArray[np.str_],
    signers: npt.NDArray[np.str_],
    *,
    groups: npt.NDArray[np.int64] | None = None,
    validation: float,
    seed: int,
    where: str,
) -> Division:
    """Divide samples: by signer if they are known (see `are_known`), else by group within each label.

    Every label is in training. By signer, several shuffled orders are tried, and the one whose validation signers have
    a share of the samples closest to `validation` is used. By group, a label of two or more groups is on both sides,
    with at most `validation` of its samples in validation unless its smallest group is larger than that.

    Args:
        labels: (N,) text.
        signers: (N,) text, "" if unknown.
        groups: (N,) number of the group of near-duplicates that a sample belongs to, within its label; None if
            each sample is its own group.
        validation: share of the signers, or of the samples of each label, 0 to 1.
        seed: the same seed divides the same samples in the same way.
        where: path for the errors.

    Raises:
        InputError: there are fewer than two labels or more than `MAX_CLASSES`, or no division leaves every label
            in training and something to validate with.
    """
    names, classes = np.unique(labels, return_inverse=True)
    if len(names) < 2:
        raise InputError(
            f"{where}: has only the label '{names[0]}'. A classifier needs at least two; add samples of another letter."
        )
    if len(names) > MAX_CLASSES:
        raise InputError(
            f"{where}: has {len(names)} different labels, more than {MAX_CLASSES}. Check what was exported as 'labels'."
        )
    random = np.random.default_rng(seed)
    if are_known(signers):
        held_out = _by_signer(names, classes, signers, share=validation, random=random, where=where)
        return Division(held_out, "by signer", None, ())
    groups = np.arange(len(labels)) if groups is None else groups
    held_out = _stratified(classes, groups, share=validation, random=random, where=where)
    missing = np.bincount(classes[held_out], minlength=len(names)) == 0
    undivided = names[missing & (np.bincount(classes) >= 2)]
    return Division(held_out, "stratified", len(np.unique(groups)), tuple(undivided.tolist()))


def _by_signer(
    names: npt.NDArray[np.str_],
    classes: npt.NDArray[np.int64],
    signers: npt.NDArray[np.str_],
    *,
    share: float,
    random: np.random.Generator,
    where: str,
) -> npt.NDArray[np.bool_]:
    people, owner = np.unique(signers, return_inverse=True)
    sizes = np.bincount(owner)
    rows_of = np.split(np.argsort(owner, kind="stable"), np.cumsum(sizes)[:-1])
    counts_of = [np.unique(classes[rows], return_counts=True) for rows in rows_of]
    wanted = min(max(round(share * len(people)), 1), len(people) - 1)
    tries = [
        _choose(random.permutation(len(people)), counts_of, np.bincount(classes), wanted) for _ in range(_SHUFFLES)
    ]
    if not any(tries):
        holders = np.bincount(np.concatenate([kinds for kinds, _ in counts_of]))
        only = sorted({str(names[kinds[holders[kinds] == 1][0]]) for kinds, _ in counts_of})
        raise InputError(
            f"{where}: no signer can be kept for validation, because each is the only one with some label "
            f"({', '.join(only[:12])}). Add samples of those by other signers, or leave 'signers' out."
        )
    # The number of signers comes first: if a label is rare, some orders find fewer signers for validation.
    best = min(tries, key=lambda chosen: (-len(chosen), abs(sizes[chosen].sum() / len(classes) - share)))
    return np.isin(owner, best)


def _choose(
    order: npt.NDArray[np.int64],
    counts_of: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]],
    totals: npt.NDArray[np.int64],
    wanted: int,
) -> list[int]:
    """Choose signers in order, skipping those whose choice would leave a label without training samples."""
    left = totals.copy()
    chosen: list[int] = []
    for person in order.tolist():
        kinds, counts = counts_of[person]
        if (left[kinds] > counts).all():
            left[kinds] -= counts
            chosen.append(person)
        if len(chosen) == wanted:
            break
    return chosen


def _stratified(
    classes: npt.NDArray[np.int64],
    groups: npt.NDArray[np.int64],
    *,
    share: float,
    random: np.random.Generator,
    where: str,
) -> npt.NDArray[np.bool_]:
    validation = np.zeros(len(classes), dtype=np.bool_)
    for index in range(int(classes.max()) + 1):
        rows = np.flatnonzero(classes == index)
        _, owner, sizes = np.unique(groups[rows], return_inverse=True, return_counts=True)
        order = random.permutation(len(sizes))
        if len(sizes) >= 2:
            wanted = min(max(round(share * len(rows)), 1), len(rows) - 1)
            validation[rows] = np.isin(owner, _fill(order, sizes, wanted))
    if not validation.any():
        raise InputError(
            f"{where}: every label has one sample, or one group of samples that are near-duplicates of each other, so "
            "none can validate. Add samples of each letter that were taken at another time, or name the 'signers'."
        )
    return validation


def _fill(order: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64], wanted: int) -> list[int]:
    """Choose groups in order as long as they fit into a number of samples; the smallest one if none fits."""
    chosen: list[int] = []
    left = wanted
    for group in order.tolist():
        if sizes[group] <= left:
            chosen.append(group)
            left -= int(sizes[group])
        if left == 0:
            break
    return chosen or [min(order.tolist(), key=lambda group: int(sizes[group]))]
