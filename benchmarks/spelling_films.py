"""Films without pictures: the kinematic hand spells words as a person does, and every moment's letter is known.

A signer of `spell` has an anatomy, habits and a pace of their own. The hand moves from letter to letter, relaxes or
leaves for the second of two equal letters, and leaves or shows no letter between words. Its landmarks have the errors
of a landmark detector: they last longer than a frame, and now and then the hand is not found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from stages.hand.handshapes import parse_handshapes
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
from stages.hand.signers import (
    ABDUCTION,
    BONE_VARIATION,
    CAMERA_DISTANCE,
    DIP_FACTOR,
    FLEXION,
    HABIT,
    JITTER,
    OWN_VARIANT,
    SHARED_FLEXION,
    SPREAD_FACTOR,
    THUMB_MCP,
    THUMB_TIP,
    TIP_DRIFT,
)
from stages.labels import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stages.hand.handshapes import Handshapes

Array = npt.NDArray[np.float64]
Range = tuple[float, float]

# Seconds, each drawn evenly from the range.
LETTER: Final[Range] = (0.55, 1.1)
"""How long a signer holds a letter; each letter up to a quarter longer or shorter."""
MOVE: Final[Range] = (0.15, 0.4)
"""The move from one letter to the next."""
RELAXED: Final[Range] = (0.3, 0.6)
"""A hand at rest between two equal letters."""
LIFTED: Final[Range] = (0.4, 0.8)
"""A hand out of the picture between two equal letters."""
PAUSE: Final[Range] = (0.6, 1.5)
"""A hand out of the picture between two words."""
NON_LETTER: Final[Range] = (0.8, 2.0)
"""A hand that shows no letter between two words."""

SHOWN: Final = 0.5
"""How often a signer shows a non-letter after a word, and how often a hand relaxes instead of leaving for the second
of two equal letters."""
SWAY: Final = 1.5
"""Standard deviation of each joint angle while a letter is held, in degrees."""
SLOW: Final = 0.4
"""Seconds in which the sway and a landmark's error change."""
LOSSES: Final = 0.15
"""How often a second the detector loses the hand, for one to three frames; three times as often while it moves."""
PIXELS: Final = 100.0
"""Length of a palm in the picture, in pixels."""

LOOSE: Final = parse_handshapes(
    "loose 1 | 30 33 36 40 | 38 40 42 45 | 22 24 26 28 | 0 0 -2 -6 | .55 1.0 .40 .40 .54 .28 | 10 20 0 20 -8 20",
    "LOOSE",
)
"""A hand that relaxes."""
LOOSENED: Final[Range] = (0.6, 1.0)
"""How far a hand relaxes on its way out, or between two equal letters: 0 is the letter, 1 is loose."""


@dataclass(frozen=True)
class Shown:
    """A letter of the truth, in seconds."""

    letter: str
    begin: float
    end: float


@dataclass(frozen=True)
class SpellingFilm:
    """What a landmark detector reports for a film of F frames.

    Attributes:
        landmarks: (F, 21, 3) float32 pixels; NaN where no hand was found.
        times: (F,) seconds.
        letters: what was spelled.
    """

    landmarks: npt.NDArray[np.float32]
    times: Array
    letters: tuple[Shown, ...]


@dataclass(frozen=True)
class Beat:
    """The hand is gone, moves to a pose and holds it; all in seconds."""

    label: str
    """The letter of the pose, `loose` for the letter before as the hand relaxes, or `nothing`."""
    gone: float
    move: float
    held: float

    @property
    def seconds(self) -> float:
        """How long the beat lasts."""
        return self.gone + self.move + self.held


def spell(table: Handshapes, words: Sequence[str], seed: int, rate: float = 30.0) -> SpellingFilm:
    """Let one signer spell words; the same seed gives the same film.

    Args:
        table: handshapes of the letters.
        words: of letters of the table.
        seed: of everything drawn.
        rate: frames a second.
    """
    rng = np.random.default_rng([seed, 1])
    beats = list(_beats(words, rng))
    ends = np.cumsum([beat.seconds for beat in beats])
    begins = ends - [beat.held for beat in beats]
    times = np.arange(int(ends[-1] * rate)) / rate
    now = np.searchsorted(ends, times, side="right")
    into = times - np.array([0.0, *ends])[now]
    gone, move = (np.array([getattr(beat, name) for beat in beats])[now] for name in ("gone", "move"))
    share = np.clip((into - gone) / move, 0.0, 1.0)
    moving = share < 1.0
    share = share * share * (3.0 - 2.0 * share)  # a hand speeds up and slows down
    seen = _film_hand(_poses(table, beats, rng), now, share, rng, rate)
    lost = (into < gone) | draw_losses(moving, rng, rate)
    seen[lost] = np.nan
    letters = tuple(
        Shown(beat.label, float(begin), float(end))
        for beat, begin, end in zip(beats, begins, ends, strict=True)
        if beat.label not in ("loose", NOTHING)
    )
    return SpellingFilm((seen * PIXELS).astype(np.float32), times, letters)


def _beats(words: Sequence[str], rng: np.random.Generator) -> Iterator[Beat]:
    pace = rng.uniform(*LETTER)
    for word in words:
        gone = rng.uniform(*PAUSE)
        for index, letter in enumerate(word):
            if index and letter == word[index - 1]:
                relaxes = rng.random() < SHOWN
                yield Beat("loose", 0.0, rng.uniform(*MOVE), rng.uniform(*RELAXED) if relaxes else 0.0)
                gone = 0.0 if relaxes else rng.uniform(*LIFTED)
            yield Beat(letter, gone, rng.uniform(*MOVE), pace * rng.uniform(0.8, 1.25))
            gone = 0.0
        if rng.random() < SHOWN:
            yield Beat(NOTHING, 0.0, rng.uniform(*MOVE), rng.uniform(*NON_LETTER))
        else:
            yield Beat("loose", 0.0, rng.uniform(*MOVE), 0.0)


def _poses(table: Handshapes, beats: Sequence[Beat], rng: np.random.Generator) -> Handshapes:
    """Choose the pose of each beat, of letters mostly the signer's own variant, and vary it by habit and the moment."""
    own = {letter: _draw_row(table, letter, rng) for letter in table.alphabet}
    rows = np.arange(len(beats)) + len(table.letters)
    for index, beat in enumerate(beats):
        if beat.label in own:
            rows[index] = own[beat.label] if rng.random() < OWN_VARIANT else _draw_row(table, beat.label, rng)
    poses = table.join(draw_non_letters(table, len(beats), rng)).take(rows)
    for index, beat in enumerate(beats):
        if beat.label == "loose":
            share = rng.uniform(*LOOSENED)
            for name in ("flexion", "abduction", "thumb_tip", "thumb_mcp"):
                values = getattr(poses, name)
                values[index] = (1.0 - share) * values[index - 1] + share * getattr(LOOSE, name)[0]
            poses.orientation[index] = poses.orientation[index - 1]

    def vary(deviation: float | Array, *shape: int) -> Array:
        habit = rng.normal(size=shape) * np.sqrt(HABIT)
        moment = rng.normal(size=(len(beats), *shape)) * np.sqrt(1.0 - HABIT)
        return np.asarray((habit + moment) * deviation)

    poses.flexion[:] += vary(SHARED_FLEXION, 1, 1) + vary(FLEXION, 3, 4) * np.array([1, 1, DIP_FACTOR])[:, None]
    poses.abduction[:] += vary(ABDUCTION, 4)
    poses.thumb_tip[:] += vary(THUMB_TIP, 3)
    poses.thumb_mcp[:] += vary(THUMB_MCP, 3)
    poses.orientation[:] += vary(SPREAD_FACTOR * poses.spread, 3)
    # The wrist turns the shorter way round.
    poses.orientation[:] = np.unwrap(poses.orientation, axis=0, period=360.0)
    return poses


def _draw_row(table: Handshapes, letter: str, rng: np.random.Generator) -> int:
    rows = np.flatnonzero(table.letters == letter)
    return int(rng.choice(rows, p=table.weights[rows] / table.weights[rows].sum()))


def _film_hand(
    poses: Handshapes, now: npt.NDArray[np.int64], share: Array, rng: np.random.Generator, rate: float
) -> Array:
    """Pose one signer's hand in every frame, project it and add noise; returns (F, 21, 3) in palm lengths.

    Args:
        poses: of the beats.
        now: (F,) beat of each frame.
        share: (F,) how far the hand has come from the beat before.
        rng: source of chance.
        rate: frames a second.
    """
    frames = len(now)

    def blend(name: str) -> Array:
        values = getattr(poses, name)
        weight = share.reshape(-1, *([1] * (values.ndim - 1)))
        return np.asarray((1.0 - weight) * values[np.maximum(now - 1, 0)] + weight * values[now])

    bones = np.array([THUMB_BONES, *FINGER_BONES]) * np.exp(BONE_VARIATION * rng.normal(size=(5, 3)))
    palm = np.array([THUMB_CMC, *FINGER_MCPS])
    palm[:, 0] *= np.exp(BONE_VARIATION * rng.normal())
    points = pose_hand(
        blend("flexion") + SWAY * slow_noise((frames, 3, 4), rng, rate),
        blend("abduction") + SWAY * slow_noise((frames, 4), rng, rate),
        blend("thumb_tip"),
        blend("thumb_mcp"),
        np.tile(bones, (frames, 1, 1)),
        np.tile(palm, (frames, 1, 1)),
    )
    yaw, pitch, roll = (blend("orientation") + SWAY * slow_noise((frames, 3), rng, rate)).T
    distance = np.full(frames, np.exp(rng.uniform(*np.log(CAMERA_DISTANCE))))
    seen = _add_noise(project(rotate(points, yaw, pitch, roll), distance), rng, rate)
    if rng.random() < 0.5:
        seen[..., 0] *= -1.0
    return seen


def _add_noise(seen: Array, rng: np.random.Generator, rate: float) -> Array:
    """Add jitter to all points and drift to fingertips, more where they are hidden; half of the jitter is slow."""
    jitter = rng.uniform(*JITTER) * np.sqrt(0.5)
    noisy = seen + jitter * (rng.normal(size=seen.shape) + slow_noise(seen.shape, rng, rate))
    drift = TIP_DRIFT * (1.0 + hidden_fingertips(seen))[..., None] * slow_noise((len(seen), 5, 3), rng, rate)
    for finger, tip in enumerate(FINGERTIPS):
        noisy[:, tip] += drift[:, finger]
        noisy[:, tip - 1] += drift[:, finger] / 2.0
    return noisy


def slow_noise(shape: tuple[int, ...], rng: np.random.Generator, rate: float) -> Array:
    """Draw noise of variance 1 that decorrelates along the first axis, the frames, in `SLOW` seconds."""
    kept = np.exp(-1.0 / (SLOW * rate))
    noise = rng.normal(size=shape)
    for frame in range(1, len(noise)):
        noise[frame] = kept * noise[frame - 1] + np.sqrt(1.0 - kept**2) * noise[frame]
    return noise


def draw_losses(moving: npt.NDArray[np.bool_], rng: np.random.Generator, rate: float) -> npt.NDArray[np.bool_]:
    """Draw the frames in which the detector does not find a hand that is there."""
    begins = np.flatnonzero(rng.random(len(moving)) < np.where(moving, 3.0, 1.0) * LOSSES / rate)
    lost = np.zeros(len(moving), dtype=np.bool_)
    for begin, length in zip(begins, rng.integers(1, 4, size=len(begins)), strict=True):
        lost[begin : begin + length] = True
    return lost
