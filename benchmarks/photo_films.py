"""Films without pictures, of real hands: one person's photographs of letters, held, moved between and put away.

Each letter of a word is a photograph of the person's, held with drift and jitter; between two letters the landmarks
move from one to the next; before the second of two equal letters, and after the word, the hand is away.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from benchmarks.spelling_films import draw_losses, slow_noise
from client.mask import crop_square
from stages.errors import InputError
from stages.evaluation.personal import choose, split_signer
from stages.evaluation.sets import EvaluationSet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Array = npt.NDArray[np.float64]
Landmarks = npt.NDArray[np.float32]
Range = tuple[float, float]

SAMPLES: Final = 3
"""Photographs of each letter in a person's profile."""
AFTER: Final = 1.3
"""Seconds without a hand at the end of a word."""
BEFORE: Final = 0.2
"""Seconds without a hand before it."""
JITTER: Final = 0.01
"""Standard deviation of a landmark's error, as a share of the hand's extent; half of its variance is slow."""
ROLL: Final = 3.0
"""Standard deviation of the slow rotation of a hand that is held, in degrees."""


@dataclass(frozen=True)
class Pace:
    """How fast a person spells. Ranges in seconds, each time is drawn evenly from its own."""

    held: Range
    """A letter."""
    move: Range
    """From one letter to the next."""
    away: Range
    """Before the second of two equal letters."""


CALM: Final = Pace(held=(0.25, 0.9), move=(0.12, 0.3), away=(0.4, 0.8))
FAST: Final = Pace(held=(0.1, 0.14), move=(0.06, 0.1), away=(0.2, 0.35))
"""Five letters a second."""


@dataclass(frozen=True)
class Person:
    """A person's photographs of each letter, as (N, 21, 3) landmarks in pixels."""

    name: str
    enrolled: dict[str, Landmarks]
    """Those of the profile, from the first half of what they showed."""
    shown: dict[str, Landmarks]
    """Those of the films, the last half."""


@dataclass(frozen=True)
class Film:
    """A word that a person spells: F frames."""

    word: str
    person: str
    landmarks: Landmarks
    """(F, 21, 3), NaN where no hand is found."""
    times: Array
    """(F,) seconds."""


def read_people(files: Sequence[Path], letters: Sequence[str]) -> list[Person]:
    """Read the people of raw files, and divide what each of them showed of a letter.

    Args:
        files: `.npz` with landmarks, labels and signers.
        letters: that the network knows; others are left out.

    Raises:
        InputError: a file has no such arrays.
    """
    people = []
    for path in files:
        with np.load(path) as archive:
            if missing := [name for name in ("landmarks", "labels", "signers") if name not in archive]:
                raise InputError(f"{path}: '{missing[0]}' is missing. Name files of landmarks whose signers are named.")
            landmarks, labels, signers = (archive[name] for name in ("landmarks", "labels", "signers"))
        source = EvaluationSet(path.stem, landmarks.astype(np.float32), labels, signers, len(labels))
        for signer in np.unique(signers).tolist():
            half = split_signer(source, signer)
            known = [letter for letter in half.first if len(letter) == 1 and letter in letters]
            people.append(
                Person(
                    signer,
                    {letter: source.samples[choose(half.first[letter], SAMPLES)] for letter in known},
                    {letter: source.samples[half.scored[labels[half.scored] == letter]] for letter in known},
                )
            )
    return people


def film_words(words: Sequence[str], people: Sequence[Person], pace: Pace, rate: float) -> list[Film]:
    """Let each word be spelled by the person who has spelled the fewest so far, of those who have all of its letters.

    The same arguments give the same films.

    Raises:
        InputError: nobody has all letters of a word.
    """
    films: list[Film] = []
    count = dict.fromkeys((person.name for person in people), 0)
    for number, word in enumerate(words):
        able = [person for person in people if set(word) <= person.shown.keys()]
        if not able:
            raise InputError(f"Nobody has photographs of all letters of {word}. Name files of more people.")
        person = min(able, key=lambda each: count[each.name])
        count[person.name] += 1
        rng = np.random.default_rng([number, int(rate), int(1000 * pace.held[1])])
        landmarks, times = film_word(word, person.shown, pace, rate, rng)
        films.append(Film(word, person.name, landmarks, times))
    return films


def film_word(
    word: str, photographs: Mapping[str, Landmarks], pace: Pace, rate: float, rng: np.random.Generator
) -> tuple[Landmarks, Array]:
    """Let a person spell a word.

    Args:
        word: of letters of which there are photographs.
        photographs: of each letter (N, 21, 3) landmarks in pixels.
        pace: how fast.
        rate: frames a second.
        rng: source of chance.

    Returns:
        (F, 21, 3) landmarks, NaN where no hand is found, and the times of the F frames in seconds.
    """
    poses = np.array([_place(rng.choice(photographs[letter])) for letter in word], dtype=np.float64)
    away = np.array([BEFORE, *(rng.uniform(*pace.away) if a == b else 0.0 for a, b in pairwise(word))])
    move = np.array([rng.uniform(*pace.move) for _ in word])
    move[away > 0] = 0.01  # it comes back as the next letter
    held = np.array([rng.uniform(*pace.held) for _ in word])
    ends = np.cumsum(away + move + held)
    times = np.arange(int((ends[-1] + AFTER) * rate)) / rate
    now = np.minimum(np.searchsorted(ends, times, side="right"), len(word) - 1)
    into = times - np.array([0.0, *ends])[now]
    share = np.clip((into - away[now]) / move[now], 0.0, 1.0)
    smooth = (share * share * (3.0 - 2.0 * share))[:, None, None]
    points = (1.0 - smooth) * poses[np.maximum(now - 1, 0)] + smooth * poses[now]
    points = turn(points, ROLL * slow_noise((len(times),), rng, rate))
    noise = rng.normal(size=points.shape) + slow_noise(points.shape, rng, rate)
    points += JITTER * np.sqrt(0.5) * noise
    points[(into < away[now]) | (times > ends[-1]) | draw_losses(share < 1.0, rng, rate)] = np.nan
    return points.astype(np.float32), times


def _place(points: Landmarks) -> Array:
    """Move a hand's crop to a square of side 1 around 0: letters were photographed in different places."""
    centre, side = crop_square(points)
    return np.asarray((points - [*centre, 0.0]) / side, dtype=np.float64)


def turn(points: Array, degrees: Array) -> Array:
    """Rotate hands (F, 21, 3) in the plane, each by its own angle (F,)."""
    cos, sin = np.cos(np.radians(degrees))[:, None], np.sin(np.radians(degrees))[:, None]
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([cos * x - sin * y, sin * x + cos * y, z], axis=-1)
