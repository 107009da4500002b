"""Hands that show no letter: on the way from one letter to the next, at rest, counting.

A network trained on nothing but letters sees a letter in every hand. These hands teach it the label `nothing`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from stages.hand.handshapes import Handshapes, parse_handshapes
from stages.labels import NOTHING

Array = npt.NDArray[np.float64]
Draw = Callable[[Handshapes, int, np.random.Generator], Handshapes]
"""Draws hands of one kind, from the letters, a count and a source of randomness."""

TRANSITION: Final = 0.5
REST: Final = 0.3
"""Shares of the non-letters that are transitions between letters and hands at rest; the others count."""
HALFWAY: Final = (0.3, 0.7)
"""Range of the progress of a transition."""
TRIES: Final = 60
"""Rounds in which hands too similar to a letter are drawn again: with a very full table, some always are."""
LEAST_DISTANCE: Final = 0.8
"""Least distance of a non-letter from every letter; people, too, may take a nearer hand for that letter."""
FLEXION_UNIT: Final = 25.0
THUMB_UNIT: Final = 0.3
ORIENTATION_UNIT: Final = 45.0
"""Degrees, palm lengths and degrees that make a distance of 1."""

# Three; seven and eight; 'I love you'. Four and five are too similar to B and an open C.
COUNTING: Final = parse_handshapes(
    """
nothing 3 | 2 4 60 58 | -3 10 85 70 | 28 0 32 64 | 12 -6 -18 0 | .95 1.00 .22 .48 .54 .24 | 10 25 0 22 -5 22
nothing 2 | 6 8 56 4 | 2 8 60 8 | 16 4 20 8 | 10 2 -4 -18 | .00 1.05 .55 .32 .52 .34 | 10 25 0 22 -5 22
nothing 2 | 6 56 8 4 | 2 55 8 8 | 16 12 4 8 | 10 0 -6 -18 | .15 1.10 .58 .34 .52 .34 | 10 25 0 22 -5 22
nothing 2 | 0 60 62 -3 | -3 92 85 8 | 25 70 60 5 | 4 -8 -4 -16 | .88 1.10 .20 .50 .56 .20 | 10 25 0 22 -5 22
""",
    "COUNTING",
)


def draw_non_letters(table: Handshapes, count: int, rng: np.random.Generator) -> Handshapes:
    """Draw hands that differ from every letter of a table, all with the label `nothing`.

    Args:
        table: the letters.
        count: how many, N.
        rng: source of randomness.

    Returns:
        N rows.
    """
    kinds = rng.choice(3, size=count, p=(TRANSITION, REST, 1.0 - TRANSITION - REST))
    moving, resting, counting = (
        _unlike_letters(draw, int((kinds == kind).sum()), table, rng)
        for kind, draw in enumerate((_transitions, _rests, _counts))
    )
    return moving.join(resting).join(counting).take(rng.permutation(count))


def _unlike_letters(draw: Draw, count: int, table: Handshapes, rng: np.random.Generator) -> Handshapes:
    """Draw hands of one kind; draw those again that are too similar to a letter."""
    drawn = draw(table, count, rng)
    for _ in range(TRIES):
        near = distance(drawn, table) < LEAST_DISTANCE
        if not near.any():
            break
        drawn = drawn.take(np.flatnonzero(~near)).join(draw(table, int(near.sum()), rng))
    return drawn


def distance(hands: Handshapes, table: Handshapes) -> Array:
    """Distance of each of N hands from the nearest letter of the table, (N,)."""

    def gaps(one: Array, other: Array, unit: float) -> Array:
        return np.asarray((_flat(one)[:, None] - _flat(other)[None]) / unit)

    turns = gaps(hands.orientation, table.orientation, 1.0)
    turns = (turns + 180.0) % 360.0 - 180.0
    parts = (
        gaps(hands.flexion[:, :2], table.flexion[:, :2], FLEXION_UNIT),
        gaps(hands.thumb_tip, table.thumb_tip, THUMB_UNIT),
        turns / ORIENTATION_UNIT,
    )
    # The largest part counts: a single finger or the thumb can make another letter.
    worst = np.max([np.sqrt((part**2).mean(axis=2)) for part in parts], axis=0)
    return np.asarray(worst.min(axis=1))


def _flat(values: Array) -> Array:
    """(N, ...) to (N, M), even if N is 0."""
    return values.reshape(len(values), int(np.prod(values.shape[1:])))


def _transitions(table: Handshapes, count: int, rng: np.random.Generator) -> Handshapes:
    """Hands on their way between two rows of the table."""
    before, after = (table.take(rng.integers(len(table.letters), size=count)) for _ in range(2))
    share = rng.uniform(*HALFWAY, size=count)

    def blend(name: str) -> Array:
        one, other = getattr(before, name), getattr(after, name)
        weight = share.reshape(-1, *([1] * (one.ndim - 1)))
        return np.asarray((1.0 - weight) * one + weight * other)

    names = ("flexion", "abduction", "thumb_tip", "thumb_mcp", "orientation", "spread")
    return Handshapes(np.full(count, NOTHING), np.ones(count), *(blend(name) for name in names))


def _rests(_: Handshapes, count: int, rng: np.random.Generator) -> Handshapes:
    """Loose hands in any direction: fingers half bent, more toward the little one."""
    bend = rng.uniform(10.0, 60.0, size=(count, 1, 1)) + rng.uniform(0.0, 10.0, size=(count, 1, 1)) * np.arange(4)
    flexion = bend * np.array([0.8, 1.0, 0.6])[:, None] + rng.normal(scale=8.0, size=(count, 3, 4))
    thumb_mcp = np.array((0.40, 0.54, 0.28)) + rng.normal(scale=0.06, size=(count, 3))
    return Handshapes(
        letters=np.full(count, NOTHING),
        weights=np.ones(count),
        flexion=flexion,
        abduction=rng.normal(scale=6.0, size=(count, 1)) * np.array([1.0, 0.3, -0.3, -1.0]) - 4.0,
        thumb_tip=np.array((0.55, 1.0, 0.40)) + rng.normal(scale=0.2, size=(count, 3)),
        thumb_mcp=thumb_mcp,
        orientation=rng.uniform(-180.0, 180.0, size=(count, 3)) * np.array([1.0, 0.3, 1.0]),
        spread=np.full((count, 3), 10.0),
    )


def _counts(_: Handshapes, count: int, rng: np.random.Generator) -> Handshapes:
    """Hands that count."""
    return COUNTING.take(rng.choice(len(COUNTING.weights), size=count, p=COUNTING.weights / COUNTING.weights.sum()))
