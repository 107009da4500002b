"""Training and validation: a named signer is on one side only, and so is a group of near-duplicates without a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from stages.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

Method = Literal["by signer", "by signer, unnamed rows by near-duplicates", "stratified"]

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
    """Groups of unnamed near-duplicates, each divided as if it were one sample; None if all signers are named."""
    undivided: tuple[str, ...]
    """Labels of several samples that all form one group: they are in training only."""


def rows_to_group(labels: npt.NDArray[np.str_], signers: npt.NDArray[np.str_]) -> npt.NDArray[np.bool_]:
    """Say which samples near-duplicates must be known of before they are divided.

    All, if fewer than two signers are named: nobody can be kept out. Else those of the labels that unnamed samples
    have: such a sample may be a near-duplicate of a named signer's.
    """
    unnamed = signers == ""
    if not _are_named(signers):
        return np.ones(len(labels), dtype=np.bool_)
    return np.isin(labels, np.unique(labels[unnamed]))


def divide(
    labels: npt.NDArray[np.str_],
    signers: npt.NDArray[np.str_],
    *,
    groups: npt.NDArray[np.int64] | None = None,
    validation: float,
    seed: int,
    where: str,
) -> Division:
    """Divide samples: named signers as a whole, unnamed samples by group of near-duplicates within each label.

    Every label is in training. Of the named signers, several shuffled orders are tried, and the one whose validation
    signers have a share of the samples closest to `validation` is used. By group, a label of two or more groups is on
    both sides, with at most `validation` of its samples in validation unless its smallest group is larger than that.

    An unnamed sample in a group with samples of a named signer is taken for that person's, so it goes to their side;
    if the group has signers of both sides, to training. With fewer than two named signers nobody can be kept out:
    everything goes by group.

    Args:
        labels: (N,) text.
        signers: (N,) text, "" if unknown.
        groups: (N,) number of the group of near-duplicates that a sample belongs to, within its label; only the
            samples of `rows_to_group` need one. None if each sample is its own group.
        validation: share of the named signers, and of the unnamed samples of each label, 0 to 1.
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
    groups = np.arange(len(labels)) if groups is None else groups
    named = signers != "" if _are_named(signers) else np.zeros(len(labels), dtype=np.bool_)
    loose = ~(named | np.isin(groups, groups[named]))
    held_out = np.zeros(len(labels), dtype=np.bool_)
    held_out[loose] = _stratified(classes[loose], groups[loose], share=validation, random=random)
    if named.any():
        spare = np.bincount(classes[loose & ~held_out], minlength=len(names))
        held_out[named] = _by_signer(
            names, classes[named], signers[named], spare=spare, share=validation, random=random, where=where
        )
        attached = ~(named | loose)
        held_out[attached] = ~np.isin(groups[attached], groups[named & ~held_out])
    if not held_out.any():
        raise InputError(
            f"{where}: every label has one sample, or one group of samples that are near-duplicates of each other, so "
            "none can validate. Add samples of each letter that were taken at another time, or name the 'signers'."
        )
    if named.all():
        return Division(held_out, "by signer", None, ())
    counts = np.bincount(classes[loose], minlength=len(names))
    missing = np.bincount(classes[held_out], minlength=len(names)) == 0
    undivided = names[missing & (counts >= 2) & (counts == np.bincount(classes))]
    method: Method = "by signer, unnamed rows by near-duplicates" if named.any() else "stratified"
    return Division(held_out, method, len(np.unique(groups[loose])), tuple(undivided.tolist()))


def _are_named(signers: npt.NDArray[np.str_]) -> bool:
    """Whether there are two named signers, so that one can be kept out of training."""
    return len(np.unique(signers[signers != ""])) >= 2


def _by_signer(
    names: npt.NDArray[np.str_],
    classes: npt.NDArray[np.int64],
    signers: npt.NDArray[np.str_],
    *,
    spare: npt.NDArray[np.int64],
    share: float,
    random: np.random.Generator,
    where: str,
) -> npt.NDArray[np.bool_]:
    """Choose signers for validation.

    Args:
        names: labels in the order of their numbers.
        classes: (N,) numbers of the samples' labels.
        signers: (N,) text, none of it empty.
        spare: training samples of each label that are nobody's.
        share: of the signers, 0 to 1.
        random: shuffles them.
        where: path for the error.
    """
    people, owner = np.unique(signers, return_inverse=True)
    sizes = np.bincount(owner)
    rows_of = np.split(np.argsort(owner, kind="stable"), np.cumsum(sizes)[:-1])
    counts_of = [np.unique(classes[rows], return_counts=True) for rows in rows_of]
    wanted = min(max(round(share * len(people)), 1), len(people) - 1)
    totals = np.bincount(classes, minlength=len(names)) + spare
    tries = [_choose(random.permutation(len(people)), counts_of, totals, wanted) for _ in range(_SHUFFLES)]
    if not any(tries):
        holders = np.bincount(np.concatenate([kinds for kinds, _ in counts_of]), minlength=len(names)) + (spare > 0)
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
) -> npt.NDArray[np.bool_]:
    """Choose groups for validation within each label that has two or more."""
    validation = np.zeros(len(classes), dtype=np.bool_)
    for index in range(int(classes.max(initial=-1)) + 1):
        rows = np.flatnonzero(classes == index)
        _, owner, sizes = np.unique(groups[rows], return_inverse=True, return_counts=True)
        order = random.permutation(len(sizes))
        if len(sizes) >= 2:
            wanted = min(max(round(share * len(rows)), 1), len(rows) - 1)
            validation[rows] = np.isin(owner, _fill(order, sizes, wanted))
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
