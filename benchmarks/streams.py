"""A network's predictions for films of spelling hands, frame by frame: synthetic, unseen signers, a real film."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.spelling_films import Shown, SpellingFilm, spell
from client.capture.camera import open_source
from client.landmarks import ClientError, HandLandmarker
from stages.errors import PipelineError
from stages.evaluation.networks import Network, predict
from stages.evaluation.test_sets import read_sets
from stages.hand.handshapes import read_handshapes
from stages.params import Preprocess, read_params

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

WORDS: Final = (
    *("HELLO", "COFFEE", "WAX", "BALLOON", "QUICK", "GRAPH", "TUNNEL", "VIDEO", "SUMMER", "BOOK", "FIXED", "PATIO"),
    *("KITTEN", "GLASS", "DWARF", "APPLE", "MUSIC", "VOWEL", "THREE", "UNHAPPY", "CLOCK", "BUTTER", "FIGHT", "MOVIE"),
    *("RABBIT", "QUEEN", "SPHINX", "WOOD", "GUMMY", "LAKE"),
)
WORDS_EACH: Final = 4
"""Words that each synthetic signer spells."""
FIRST_SEED: Final = 100
"""Seed of the first synthetic signer; networks are trained on signers of other seeds."""
RATE: Final = 30
"""Frames a second of a synthetic film."""
THINNED: Final = {
    "30 a second": (1, 1),
    "15 a second": (2, 2),
    "10 a second": (3, 3),
    "uneven": (1, 4),
    "5 a second": (6, 6),
}
"""Fewest and most frames of such a film from one that is kept to the next."""
HELD_ON: Final = 5
"""Factor by which a letter is held longer, to see whether it comes twice."""
PHOTOGRAPH_RATE: Final = 15
LETTER_SECONDS: Final = 0.9
PAUSE_SECONDS: Final = 0.5
"""In a stream of photographs: how long a letter is held, and how long the hand is gone before every other letter."""


@dataclass(frozen=True)
class Stream:
    """A network's output for the F frames of one film.

    Attributes:
        kind: what kind of film it is.
        signer: errors in films of one signer are correlated.
        classes: C labels.
        times: (F,) seconds.
        probabilities: (F, C) float32; NaN where there is no hand.
        letters: what was spelled.
    """

    kind: str
    signer: str
    classes: tuple[str, ...]
    times: npt.NDArray[np.float64]
    probabilities: npt.NDArray[np.float32]
    letters: tuple[Shown, ...]

    @property
    def seconds(self) -> float:
        """Length of the film."""
        return float(self.times[-1] - self.times[0])

    @cached_property
    def predictions(self) -> list[tuple[str | None, float, float]]:
        """Each frame's likeliest label, its probability and the time, as `Smoothing.update` takes them."""
        hand = ~np.isnan(self.probabilities[:, 0])
        best = np.where(hand, self.probabilities.argmax(axis=1), 0)
        sure = self.probabilities[np.arange(len(best)), best]
        return [
            (self.classes[label], confidence, time) if there else (None, 0.0, time)
            for there, label, confidence, time in zip(
                hand.tolist(), best.tolist(), sure.tolist(), self.times.tolist(), strict=True
            )
        ]

    def take(self, frames: npt.NDArray[np.int64], kind: str) -> Stream:
        """Keep some frames, as a slower camera would."""
        return replace(self, kind=kind, times=self.times[frames], probabilities=self.probabilities[frames])


def record(network: Network, films: Mapping[tuple[str, str], SpellingFilm]) -> list[Stream]:
    """Run a network on films, which are named by their kind and signer."""
    landmarks = np.concatenate([film.landmarks for film in films.values()])
    hand = ~np.isnan(landmarks[:, 0, 0])
    probabilities = np.full((len(landmarks), len(network.classes)), np.nan, dtype=np.float32)
    probabilities[hand] = predict(network, landmarks[hand], "predict")
    ends = np.cumsum([len(film.landmarks) for film in films.values()])
    parts = np.split(probabilities, ends[:-1])
    return [
        Stream(kind, signer, network.classes, film.times, part, film.letters)
        for ((kind, signer), film), part in zip(films.items(), parts, strict=True)
    ]


def synthetic_films(signers: int) -> dict[tuple[str, str], SpellingFilm]:
    """Let signers that no network was trained on spell some of the words each."""
    table = read_handshapes()
    return {
        ("synthetic", f"synthetic {number}"): spell(
            table,
            [WORDS[(number * WORDS_EACH + index) % len(WORDS)] for index in range(WORDS_EACH)],
            FIRST_SEED + number,
            RATE,
        )
        for number in range(signers)
    }


def thin(streams: Iterable[Stream]) -> list[Stream]:
    """Take from every stream the frames that slower cameras and an uneven one would have captured."""
    thinned = []
    for number, stream in enumerate(streams):
        rng = np.random.default_rng([FIRST_SEED, number])
        for name, (least, most) in THINNED.items():
            frames = np.cumsum(rng.integers(least, most + 1, size=len(stream.times))) - least
            thinned.append(stream.take(frames[frames < len(stream.times)], f"{stream.kind}, {name}"))
    return thinned


def hold_on(stream: Stream) -> list[Stream]:
    """Hold each letter of a stream `HELD_ON` times as long: play its frames back and forth."""
    held = []
    for shown in stream.letters:
        frames = np.flatnonzero((shown.begin <= stream.times) & (stream.times < shown.end))
        if len(frames) > 1:
            again = np.concatenate([frames[:: (-1) ** turn] for turn in range(HELD_ON)])
            times = np.arange(len(again)) * float(stream.times[frames[1]] - stream.times[frames[0]])
            letters = (Shown(shown.letter, 0.0, float(times[-1])),)
            held.append(replace(stream.take(again, "held on"), times=times, letters=letters))
    return held


def unseen_signer_films(paths: Sequence[Path]) -> dict[tuple[str, str], SpellingFilm]:
    """Put photographs of unseen signers one after the other, each letter once: every frame is of another moment.

    Raises:
        PipelineError: see `read_sets`; or a source has masks.
    """
    films = {}
    for source in read_sets(paths, read_params(Preprocess)):
        if source.samples.ndim != 3:
            raise PipelineError(f"{source.name}: it holds masks. Name raw files of photographs or landmarks.")
        signers = source.signers[: len(source.samples)]
        for number, signer in enumerate(sorted(set(signers.tolist()))):
            rows = np.flatnonzero(signers == signer)
            films["unseen signers", f"{source.name} {number}"] = _show(
                source.samples[rows], source.labels[rows], len(films)
            )
    return films


def _show(landmarks: npt.NDArray[np.float32], labels: npt.NDArray[np.str_], seed: int) -> SpellingFilm:
    """Show each letter of one signer for a while, every other one after a pause."""
    rng = np.random.default_rng([FIRST_SEED, seed, 2])
    held, pause = round(LETTER_SECONDS * PHOTOGRAPH_RATE), round(PAUSE_SECONDS * PHOTOGRAPH_RATE)
    frames, letters = [], []
    for number, letter in enumerate(rng.permutation(sorted(set(labels.tolist()))).tolist()):
        if number % 2 == 0:
            frames += [np.full((21, 3), np.nan, dtype=np.float32)] * pause
        letters.append(Shown(letter, len(frames) / PHOTOGRAPH_RATE, (len(frames) + held) / PHOTOGRAPH_RATE))
        frames += list(landmarks[np.resize(rng.permutation(np.flatnonzero(labels == letter)), held)])
    return SpellingFilm(np.array(frames), np.arange(len(frames)) / PHOTOGRAPH_RATE, tuple(letters))


def real_film(path: Path) -> dict[tuple[str, str], SpellingFilm]:
    """Find the hand in a video; a `.json` next to it says which frames show which letter.

    Raises:
        PipelineError: one of the two cannot be read.
    """
    truth = path.with_suffix(".json")
    try:
        letters = json.loads(truth.read_text())
        with closing(open_source(str(path), fast=True)) as film, HandLandmarker("video") as landmarker:
            found = [(frame.time, landmarker.detect_in_video(frame.rgb, round(frame.time * 1000))) for frame in film]
        times = [time for time, _ in found]
        ends = [*times, times[-1] + 1.0 / film.frame_rate]  # when each frame begins, and the last one ends
        shown = tuple(Shown(one["letter"], ends[one["first_frame"]], ends[one["end_frame"]]) for one in letters)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise PipelineError(
            f"{truth}: no list of letters with 'letter', 'first_frame' and 'end_frame' ({error}). Write one next to "
            "the film, or leave FILM out."
        ) from error
    except ClientError as error:
        raise PipelineError(str(error)) from error
    nowhere = np.full((21, 3), np.nan, dtype=np.float32)
    landmarks = np.array([nowhere if hand is None else hand.landmarks for _, hand in found])
    return {("real film", path.stem): SpellingFilm(landmarks, np.array(times), shown)}
