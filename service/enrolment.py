"""An enrolment: from a signer's samples to a correction, how far it is trusted, and what the signer should know.

Samples that were left out of a fit decide: which samples fit none of the others, whether the correction is better than
the network alone, and which letters this person signs alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from service.correction import fit_correction, swap_hands

if TYPE_CHECKING:
    import numpy.typing as npt

    from service.correction import Correction, Floats, Indices, Samples
    from service.prototypes import Prototypes

FOLDS: Final = 5
"""Parts of an enrolment that are left out in turn; a letter's samples are spread over them."""
TRUSTED: Final = (1.0, 0.5, 0.25)
"""Shares of a correction that are tried, the largest first, until it makes no more errors than the network alone."""
ALIKE: Final = 0.3
"""Mean probability of another letter from which on two letters count as signed alike."""
FEWEST: Final = 4
"""Samples of a letter from which on one of them may be dropped: of three that differ, none is the odd one out."""
NEARER: Final = 0.3
"""How much more similar (cosine) than to its own letter's others a sample must be to another letter's to be dropped."""


@dataclass(frozen=True)
class LetterCheck:
    """What an enrolment is worth for one letter."""

    samples: int
    """Samples sent, those dropped included."""
    used: int
    before: float
    """Share of the used ones that the network alone recognises."""
    after: float | None
    """The same with a correction that was fitted without them; None for a letter with one sample."""


@dataclass(frozen=True)
class Enrolment:
    """The outcome of an enrolment."""

    correction: Correction
    letters: dict[int, LetterCheck]
    """By class."""
    dropped: dict[int, int]
    """Class that each dropped sample looks like, by its number."""
    alike: list[tuple[int, int]]
    """Pairs of classes, the smaller first."""


def enrol(samples: Samples, prototypes: Prototypes, nothing: int | None = None) -> Enrolment:
    """Fit a correction to a signer's samples and judge it by samples that were left out.

    Args:
        samples: at least one, in any order.
        prototypes: of the same network.
        nothing: class of hands that show no letter, if the network has one.
    """
    tried = _hold_out(samples, prototypes, nothing)
    misfits = _misfits(samples, tried)
    kept = np.flatnonzero(~misfits)
    used = samples.at(kept)
    held_out = _hold_out(used, prototypes, nothing) if misfits.any() else tried
    correction = fit_correction(used, prototypes, nothing).scale(_trust(used, held_out))
    looks_like = tried.corrected().argmax(axis=1)
    dropped = {int(row): int(looks_like[row]) for row in np.flatnonzero(misfits)}
    return Enrolment(
        correction, _check_letters(samples, used, held_out), dropped, _find_alike(used, held_out, correction)
    )


@dataclass(frozen=True)
class _HeldOut:
    """What corrections say of samples that they were not fitted on."""

    samples: Samples
    parts: list[tuple[Indices, Correction]]
    """Rows that were left out of a fit although others show their letters, and the correction that was fitted."""

    @property
    def rows(self) -> Indices:
        """The samples whose letter has others, in their order."""
        return np.sort(np.concatenate([np.zeros(0, np.int64), *(rows for rows, _ in self.parts)]))

    def corrected(self, share: float = 1.0) -> Floats:
        """Correct every sample of `rows` by a share of its correction; the others stay: probabilities (N, C)."""
        probabilities = self.samples.probabilities.copy()
        for rows, correction in self.parts:
            left_out = self.samples.at(rows)
            probabilities[rows] = correction.scale(share).apply(left_out.probabilities, left_out.features)
        return probabilities

    def recognised(self, share: float) -> npt.NDArray[np.bool_]:
        """Whether each of `rows` is recognised by a share of the correction."""
        recognised: npt.NDArray[np.bool_] = self.corrected(share).argmax(axis=1) == self.samples.classes
        return recognised[self.rows]


def _hold_out(samples: Samples, prototypes: Prototypes, nothing: int | None) -> _HeldOut:
    """Fit corrections without a part of the samples, for each part."""
    turn = np.zeros(len(samples), dtype=np.int64)
    for letter in np.unique(samples.classes):
        own = samples.classes == letter
        turn[own] = np.arange(own.sum()) % FOLDS
    parts = []
    for fold in range(int(turn.max()) + 1):
        rest = samples.at(turn != fold)
        if len(rest):
            left_out = np.flatnonzero((turn == fold) & np.isin(samples.classes, rest.classes))
            parts.append((left_out, fit_correction(rest, prototypes, nothing)))
    return _HeldOut(samples, parts)


def _misfits(samples: Samples, held_out: _HeldOut) -> npt.NDArray[np.bool_]:
    """Find samples that fit none of their letter's others: (N,).

    Neither the network nor the correction recognises them, and another letter's sample is far nearer than their own.
    If half of a letter's samples are such, that is how this person signs it.
    """
    known = np.full(len(samples), True)
    known[held_out.rows] = held_out.recognised(1.0)
    known |= samples.probabilities.argmax(axis=1) == samples.classes
    misfits: npt.NDArray[np.bool_] = ~known & (_nearness_of_others(samples) >= NEARER)
    for letter in np.unique(samples.classes):
        own = samples.classes == letter
        if own.sum() < FEWEST or 2 * misfits[own].sum() >= own.sum():
            misfits[own] = False
    return misfits


def _nearness_of_others(samples: Samples) -> Floats:
    """Find how much nearer than its own letter's others another letter's sample is to each, whichever hand: (N,)."""
    centred = samples.features - samples.features.mean(axis=0)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), np.float32(1e-6))
    similarity = np.maximum(centred @ centred.T, centred @ swap_hands(centred).T)
    np.fill_diagonal(similarity, -1.0)
    same = samples.classes[:, None] == samples.classes
    nearness: Floats = np.where(same, -1.0, similarity).max(axis=1) - np.where(same, similarity, -1.0).max(axis=1)
    return nearness


def _trust(samples: Samples, held_out: _HeldOut) -> float:
    """Choose the largest share of the correction that makes no more errors than the network alone."""
    if not len(held_out.rows):
        return TRUSTED[0]
    alone = int((samples.probabilities.argmax(axis=1) == samples.classes)[held_out.rows].sum())
    return next((share for share in TRUSTED if held_out.recognised(share).sum() >= alone), 0.0)


def _check_letters(samples: Samples, used: Samples, held_out: _HeldOut) -> dict[int, LetterCheck]:
    recognised = used.probabilities.argmax(axis=1) == used.classes
    rows, after = held_out.rows, held_out.recognised(1.0)
    checks = {}
    for letter in np.unique(samples.classes).tolist():
        own = used.classes == letter
        left_out = used.classes[rows] == letter
        checks[letter] = LetterCheck(
            samples=int((samples.classes == letter).sum()),
            used=int(own.sum()),
            before=float(recognised[own].mean()),
            after=float(after[left_out].mean()) if left_out.any() else None,
        )
    return checks


def _find_alike(samples: Samples, held_out: _HeldOut, correction: Correction) -> list[tuple[int, int]]:
    """Find pairs of enrolled letters of which one is often taken for the other."""
    fitted = correction.apply(samples.probabilities, samples.features)
    fitted[held_out.rows] = held_out.corrected()[held_out.rows]
    letters = np.unique(samples.classes).tolist()
    taken_for = np.stack([fitted[samples.classes == letter].mean(axis=0) for letter in letters])
    return [
        (one, other)
        for place, one in enumerate(letters)
        for later, other in enumerate(letters[place + 1 :], place + 1)
        if max(taken_for[place, other], taken_for[later, one]) >= ALIKE
    ]
