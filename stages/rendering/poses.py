"""Poses: how a signer of the mesh shows the letters, with no finger through another."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from importlib import resources
from typing import Final

import numpy as np
import numpy.typing as npt

from stages.hand.handshapes import TABLE, Handshapes, parse_handshapes, read_handshapes
from stages.hand.kinematics import pose_hand
from stages.hand.non_letters import draw_non_letters
from stages.hand.signers import (
    ABDUCTION,
    DIP_FACTOR,
    FLEXION,
    HABIT,
    SHARED_FLEXION,
    SPREAD_FACTOR,
    choose_rows,
)
from stages.rendering.anatomy import Anatomy, unit

Array = npt.NDArray[np.float64]

DRAWS: Final = 12
"""Hands drawn for each photograph; the one whose fingers are least inside one another is taken."""
THUMB_TIP: Final = 0.05
HIDDEN_THUMB_TIP: Final = 0.035
THUMB_MCP: Final = 0.04
"""Standard deviations in palm lengths; the hidden thumbs of M, N and T have less room."""
HIDDEN_THUMBS: Final = ("M", "N", "T")
STRAIGHT_PAIRS: Final = ("R", "H", "U")
PAIR_ABDUCTION: Final = 0.6
"""Letters with two fingers close together, and the share of the spread's variation that they have."""
TOUCHING: Final = {"O": (8, 12), "D": (12,), "F": (8,)}
"""Landmarks of the fingertips that the thumb of a letter touches."""
TOUCHED: Final = 0.7
"""Share of photographs in which it does."""
FINGER_WIDTH: Final = 0.145
THUMB_WIDTH: Final = 0.175
"""Distance in palm lengths between the middle lines of two fingers, or thumb and finger, that just touch."""


@dataclass(frozen=True)
class PosedHands:
    """N hands of one signer in the palm's frame.

    Attributes:
        labels: (N,) text.
        rows: (N,) row of the table, -1 for hands that show no letter.
        joints: (N, 21, 3).
        flexion: (N, 3, 4) and abduction: (N, 4) degrees.
        orientation: (N, 3) yaw, pitch and roll in degrees.
        depth: (N,) how deep fingers are inside one another, summed over sample points, in palm lengths.
    """

    labels: npt.NDArray[np.str_]
    rows: npt.NDArray[np.int64]
    joints: Array
    flexion: Array
    abduction: Array
    orientation: Array
    depth: Array


def mesh_handshapes() -> Handshapes:
    """Read the one table of handshapes, with the rows that a hand with skin and flesh needs in the place of its own."""
    lines = resources.files("stages.rendering").joinpath(TABLE).read_text(encoding="utf-8")
    own = parse_handshapes(lines, f"stages/rendering/{TABLE}")
    shared = read_handshapes()
    return shared.take(np.flatnonzero(~np.isin(shared.letters, own.letters))).join(own)


def pose_signer(
    table: Handshapes, anatomy: Anatomy, samples_per_letter: int, non_letters: int, rng: np.random.Generator
) -> PosedHands:
    """Pose one signer's hand as every letter, as often as asked for, and as no letter; shuffled."""
    rows = choose_rows(table, samples_per_letter, rng)
    shapes = table.take(rows)
    if non_letters:
        shapes = shapes.join(draw_non_letters(table, non_letters, rng))
    rows = np.concatenate([rows, np.full(non_letters, -1)])
    count = len(rows)
    drawn = shapes.take(np.repeat(np.arange(count), DRAWS))
    flexion, abduction, tip, mcp, orientation = _vary(drawn, rng)
    anatomies = [np.tile(each, (len(flexion), 1, 1)) for each in (anatomy.bones, anatomy.palm)]
    joints = pose_hand(flexion, abduction, tip, mcp, *anatomies)
    tip = _touch(drawn.letters, joints, tip, np.repeat(rng.random(count) < TOUCHED, DRAWS), rng)
    joints = pose_hand(flexion, abduction, tip, mcp, *anatomies)
    depth = penetration(joints)
    # The noise keeps variety among hands that are free of contact.
    choice = (depth + 0.02 * rng.random(len(depth))).reshape(count, DRAWS).argmin(axis=1) + np.arange(count) * DRAWS
    choice = choice[rng.permutation(count)]
    return PosedHands(
        labels=drawn.letters[choice],
        rows=rows[choice // DRAWS],
        joints=joints[choice],
        flexion=flexion[choice],
        abduction=abduction[choice],
        orientation=orientation[choice],
        depth=depth[choice],
    )


def _vary(drawn: Handshapes, rng: np.random.Generator) -> tuple[Array, Array, Array, Array, Array]:
    """Vary N handshapes as one signer does: flexion, abduction, thumb tip, thumb MCP and orientation."""
    count = len(drawn.letters)

    def vary(*shape: int) -> Array:
        habit = rng.normal(size=shape) * np.sqrt(HABIT)
        return np.asarray(habit + rng.normal(size=(count, *shape)) * np.sqrt(1.0 - HABIT))

    flexion = drawn.flexion + SHARED_FLEXION * vary(1, 1)
    flexion = flexion + FLEXION * vary(3, 4) * np.array([1, 1, DIP_FACTOR])[:, None]
    spread = ABDUCTION * np.where(np.isin(drawn.letters, STRAIGHT_PAIRS), PAIR_ABDUCTION, 1.0)
    hidden = np.where(np.isin(drawn.letters, HIDDEN_THUMBS), HIDDEN_THUMB_TIP, THUMB_TIP)
    return (
        np.clip(flexion, -15.0, 115.0),
        drawn.abduction + spread[:, None] * vary(4),
        drawn.thumb_tip + hidden[:, None] * vary(3),
        drawn.thumb_mcp + THUMB_MCP * vary(3),
        drawn.orientation + SPREAD_FACTOR * drawn.spread * vary(3),
    )


def _touch(
    letters: npt.NDArray[np.str_], joints: Array, tip: Array, touched: npt.NDArray[np.bool_], rng: np.random.Generator
) -> Array:
    """Move the targets of thumb tips (N, 3) to the fingertips that the letters touch, less a fingertip's thickness."""
    tip = tip.copy()
    for letter, fingertips in TOUCHING.items():
        rows = np.flatnonzero((letters == letter) & touched)
        goal = joints[rows][:, fingertips].mean(axis=1)
        back = unit(joints[rows, 2] - goal) * rng.uniform(0.08, 0.16, size=(len(rows), 1))
        tip[rows] = goal + back + rng.normal(scale=0.02, size=(len(rows), 3))
    return tip


def penetration(joints: Array) -> Array:
    """Sum, for hands (N, 21, 3), how deep thumb and fingers are inside one another: (N,) palm lengths."""
    thumb = np.concatenate([_along(joints, 2, 3, 4), _along(joints, 3, 4, 5)], axis=1)
    fingers = [
        np.concatenate([_along(joints, first + each, first + each + 1, 4) for each in range(3)], axis=1)
        for first in (5, 9, 13, 17)
    ]
    depth = 1.5 * _overlap(thumb, np.concatenate(fingers, axis=1), THUMB_WIDTH)
    for one, other in itertools.pairwise(fingers):
        depth += _overlap(one, other, FINGER_WIDTH)
    return depth


def _along(joints: Array, start: int, end: int, count: int) -> Array:
    """Points between two joints of hands (N, 21, 3): (N, count, 3)."""
    share = np.linspace(0.0, 1.0, count)[None, :, None]
    return np.asarray(joints[:, start, None] * (1.0 - share) + joints[:, end, None] * share)


def _overlap(one: Array, other: Array, width: float) -> Array:
    """Sum over the points of one line (N, P, 3) how much nearer than a width the other (N, Q, 3) is."""
    squares = ((one[:, :, None] - other[:, None]) ** 2).sum(axis=3).min(axis=2)
    return np.asarray(np.clip(width - np.sqrt(squares), 0.0, None).sum(axis=1))
