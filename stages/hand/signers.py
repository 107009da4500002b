"""Synthetic signers, each with its own anatomy, habits and camera, and with the noise of a landmark detector."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from stages.hand.kinematics import (
    FINGER_BONES,
    FINGER_MCPS,
    FINGERTIPS,
    THUMB_BONES,
    THUMB_CMC,
    hidden_fingertips,
    pose_hand,
    project,
    rotate,
)
from stages.hand.non_letters import draw_non_letters

if TYPE_CHECKING:
    from stages.hand.handshapes import Handshapes

Array = npt.NDArray[np.float64]

IMAGE_SIZE: Final = (640, 480)
"""Width and height in pixels of the pictures in which the synthetic hands are placed."""

# Standard deviations that trained well: degrees for angles, palm lengths for positions.
SHARED_FLEXION: Final = 6.0
FLEXION: Final = 5.0
DIP_FACTOR: Final = 1.2
ABDUCTION: Final = 3.5
THUMB_TIP: Final = 0.09
THUMB_MCP: Final = 0.05
BONE_VARIATION: Final = 0.06
SPREAD_FACTOR: Final = 0.85
CAMERA_DISTANCE: Final = (3.5, 14.0)
JITTER: Final = (0.008, 0.03)
TIP_DRIFT: Final = 0.05
HABIT: Final = 0.5
"""Share of a variation's variance that belongs to the signer and not to the single photograph."""
_NAME: Final = re.compile(r"(synthetic|rendered)(_\d+)+")
"""Names of synthetic signers, with their seed, or without it in files of earlier versions, and of rendered ones."""
OWN_VARIANT: Final = 0.7
"""How often a signer uses their preferred handshape of a letter."""


@dataclass(frozen=True)
class SyntheticHands:
    """Hands of the synthetic signers: N photographs as MediaPipe would report them.

    Attributes:
        landmarks: (N, 21, 3) float32 pixels.
        labels, signers, handedness: (N,) text.
    """

    landmarks: npt.NDArray[np.float32]
    labels: npt.NDArray[np.str_]
    signers: npt.NDArray[np.str_]
    handedness: npt.NDArray[np.str_]


def synthesize_hands(
    table: Handshapes, signers: int, samples_per_letter: int, seed: int, non_letters: int = 0
) -> SyntheticHands:
    """Pose the hands of synthetic signers; the same seed gives the same hands.

    A name is of one hand in all files: signers of another seed are other people, so it holds the seed.

    Args:
        table: handshapes of the letters.
        signers: how many people.
        samples_per_letter: photographs of each letter by each signer.
        seed: of all random numbers.
        non_letters: photographs by each signer in which the hand shows no letter; their label is `nothing`.
    """
    shown = [
        _sign(
            table,
            f"synthetic_{seed}_{number:04d}",
            samples_per_letter,
            non_letters,
            np.random.default_rng([seed, number]),
        )
        for number in range(signers)
    ]
    return SyntheticHands(
        *(np.concatenate([getattr(one, each.name) for one in shown]) for each in fields(SyntheticHands))
    )


def is_synthetic(signers: npt.NDArray[np.str_]) -> npt.NDArray[np.bool_]:
    """Tell synthetic signers, (N,) names, from people by their names."""
    names, owner = np.unique(signers, return_inverse=True)
    return np.array([_NAME.fullmatch(name) is not None for name in names.tolist()], dtype=np.bool_)[owner]


def _sign(table: Handshapes, name: str, samples: int, non_letters: int, rng: np.random.Generator) -> SyntheticHands:
    """Photograph one signer: their anatomy and habits, every letter `samples` times, and the non-letters."""
    poses = table.take(choose_rows(table, samples, rng))
    if non_letters:
        poses = poses.join(draw_non_letters(table, non_letters, rng))
    count = len(poses.letters)

    def vary(deviation: float | Array, *shape: int) -> Array:
        """Draw a habit that all photographs of the signer share, and the rest for each photograph."""
        habit = rng.normal(size=shape) * np.sqrt(HABIT)
        moment = rng.normal(size=(count, *shape)) * np.sqrt(1.0 - HABIT)
        return np.asarray((habit + moment) * deviation)

    flexion = poses.flexion + vary(SHARED_FLEXION, 1, 1) + vary(FLEXION, 3, 4) * np.array([1, 1, DIP_FACTOR])[:, None]
    points = pose_hand(
        flexion,
        poses.abduction + vary(ABDUCTION, 4),
        poses.thumb_tip + vary(THUMB_TIP, 3),
        poses.thumb_mcp + vary(THUMB_MCP, 3),
        *draw_anatomy(count, rng),
    )
    yaw, pitch, roll = (poses.orientation + vary(SPREAD_FACTOR * poses.spread, 3)).T
    distance = np.exp(rng.uniform(*np.log(CAMERA_DISTANCE)) + rng.normal(size=count) * 0.1)
    seen = _add_noise(project(rotate(points, yaw, pitch, roll), distance), rng)
    handedness = "Right" if rng.random() < 0.5 else "Left"
    if handedness == "Left":
        seen[..., 0] *= -1.0
    return SyntheticHands(
        landmarks=_place(seen, rng),
        labels=poses.letters,
        signers=np.full(count, name),
        handedness=np.full(count, handedness),
    )


def choose_rows(table: Handshapes, samples: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Choose a row of the table for each photograph: mostly the signer's preferred variant of the letter."""
    chosen = []
    for letter in table.alphabet:
        rows = np.flatnonzero(table.letters == letter)
        shares = table.weights[rows] / table.weights[rows].sum()
        own = rng.choice(rows, p=shares)
        other = rng.choice(rows, size=samples, p=shares)
        chosen.append(np.where(rng.random(samples) < OWN_VARIANT, own, other))
    return np.concatenate(chosen)


def draw_anatomy(count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw one signer's bone lengths (N, 5, 3) and palm (N, 5, 3), the same in all N photographs."""
    bones = np.array([THUMB_BONES, *FINGER_BONES]) * np.exp(BONE_VARIATION * rng.normal(size=(5, 3)))
    bones *= np.exp(BONE_VARIATION * rng.normal())
    palm = np.array([THUMB_CMC, *FINGER_MCPS])
    palm[:, 0] *= np.exp(BONE_VARIATION * rng.normal())
    return np.tile(bones, (count, 1, 1)), np.tile(palm, (count, 1, 1))


def _add_noise(seen: Array, rng: np.random.Generator) -> Array:
    """Add a landmark detector's noise: jitter on all points, drift of fingertips, more if they are hidden."""
    count = len(seen)
    jitter = rng.uniform(*JITTER, size=(count, 1, 1))
    noisy = seen + rng.normal(size=seen.shape) * jitter
    drift = TIP_DRIFT * (1.0 + hidden_fingertips(seen))[..., None] * rng.normal(size=(count, 5, 3))
    for finger, tip in enumerate(FINGERTIPS):
        noisy[:, tip] += drift[:, finger]
        noisy[:, tip - 1] += drift[:, finger] / 2.0
    return noisy


def _place(seen: Array, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Place hands, in palm lengths around 0, somewhere in the picture; returns pixels."""
    count = len(seen)
    extent = np.ptp(seen[..., :2], axis=1).max(axis=1)
    side = rng.uniform(0.35, 0.85, size=count) * IMAGE_SIZE[1]
    size = np.asarray(IMAGE_SIZE, dtype=np.float64)
    middle = size / 2.0 + rng.uniform(-0.5, 0.5, size=(count, 2)) * (size - side[:, None])
    pixels = seen * (side / extent)[:, None, None]
    pixels[..., :2] += middle[:, None]
    return np.asarray(pixels, dtype=np.float32)
