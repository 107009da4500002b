"""Films of single letters by one person, read with and without that person's own hand enrolled from their first halves.

`make bench-own-films DATA=folder`, where the folder holds `A.mp4`, `B.mp4` and so on: the hand rests, shows the letter,
rests. The letter is shown while the hand is still for the longest time. Five frames of the first half of that time are
enrolled; the film from its middle on is read with the service's smoothing at its own pace. A letter is recognised if it
is the whole text.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import BaseModel
from tqdm import tqdm

from benchmarks.films import find_films
from benchmarks.service import MODEL
from client.capture.camera import open_source
from client.capture.following import follow_hand
from client.letters import letter_shapes
from client.mask import crop_square, render_mask
from client.profile.enrolment import SAMPLES, STEADY, STILL
from client.status import Status
from service.correction import Correction, Samples
from service.enrolment import enrol
from service.recogniser import Recogniser
from service.smoothing import NOTHING, Smoothing
from stages.errors import InputError, PipelineError, run_door
from stages.files import content_hash, write_text

if TYPE_CHECKING:
    import numpy.typing as npt

REPORT: Final = Path("reports/bench_own_films.json")
APART: Final = 0.1
"""Seconds of the hold's first half, at its end, that are not enrolled: the next frame is read."""


class OwnFilmsReport(BaseModel, frozen=True):
    """What `reports/bench_own_films.json` holds: the texts of the films' second halves, by letter."""

    folder: str
    model_hash: str
    """SHA-256 of the model, hex."""
    alone: dict[str, str]
    """By the network alone."""
    enrolled: dict[str, str]
    """With the person's own hand."""


@dataclass(frozen=True)
class Hands:
    """What the network computes for the frames of one film: F frames, of which N show a hand."""

    times: npt.NDArray[np.float64]
    """(F,) seconds."""
    shown: npt.NDArray[np.bool_]
    """(F,) whether a hand was found."""
    points: npt.NDArray[np.float32]
    """(N, 21, 2) landmarks in pixels."""
    features: npt.NDArray[np.float32]
    """(N, width)."""
    probabilities: npt.NDArray[np.float32]
    """(N, C)."""

    @cached_property
    def hold(self) -> tuple[float, float]:
        """When the hand begins and ceases to be still for the longest time, in seconds."""
        times = self.times[self.shown]
        longest, begin = (0.0, 0.0), None
        for row, time in enumerate(times):
            before = (times <= time) & (times >= time - STILL)
            moved = np.linalg.norm(self.points[before] - self.points[row], axis=2).mean(axis=1)
            if moved.max() > STEADY * crop_square(self.points[row])[1]:
                begin = None
                continue
            begin = float(times[before][0]) if begin is None else begin
            if time - begin > longest[1] - longest[0]:
                longest = (begin, float(time))
        return longest

    @property
    def middle(self) -> float:
        """The time at which the first half of the hold ends."""
        return sum(self.hold) / 2

    def enrolled(self) -> npt.NDArray[np.int64]:
        """Choose the hands to enrol, by their number among the N."""
        times = self.times[self.shown]
        able = np.flatnonzero((times >= self.hold[0]) & (times <= self.middle - APART))
        return able[np.unique(np.linspace(0, len(able) - 1, SAMPLES).round().astype(int))] if len(able) else able

    def read_second_half(self, classes: tuple[str, ...], correction: Correction | None) -> str:
        """Spell what the second half shows."""
        rows = self.probabilities if correction is None else correction.apply(self.probabilities, self.features)
        best = iter(zip(rows.argmax(axis=1), rows.max(axis=1), strict=True))
        smoothing, text = Smoothing(), ""
        for time, shown in zip(self.times, self.shown, strict=True):
            label, confidence = next(best) if shown else (None, 0.0)
            if time >= self.middle:
                letter = None if label is None else classes[label]
                text += smoothing.update(letter, float(confidence), float(time)).committed or ""
        return text


def main() -> None:
    """Print both counts and write `reports/bench_own_films.json`."""
    parser = ArgumentParser(prog="python -m benchmarks.own_films", description="Films with the signer's own hand.")
    parser.add_argument("folder", type=Path, help="folder of films named by the letter that they show: A.mp4, ...")
    parser.add_argument("--model", type=Path, default=MODEL, help="the model (default: the Bento's)")
    options = parser.parse_args()
    if not options.model.is_file():
        raise PipelineError(f"{options.model} is missing. Make it, or name another: make repro")
    model = Recogniser(options.model)
    if model.prototypes is None:
        raise PipelineError(f"{options.model} is of a release without features. Make a new one: make repro")
    films = {film.stem: film for film in find_films(options.folder) if film.stem in letter_shapes()}
    hands = {letter: find_hands(film, model) for letter, film in tqdm(films.items(), unit="film")}
    labels = {name: label for label, name in enumerate(model.classes)}
    chosen = {letter: each.enrolled() for letter, each in hands.items() if letter in labels}
    samples = Samples(
        np.concatenate([hands[letter].features[rows] for letter, rows in chosen.items()]),
        np.concatenate([hands[letter].probabilities[rows] for letter, rows in chosen.items()]),
        np.repeat([labels[letter] for letter in chosen], [len(rows) for rows in chosen.values()]),
    )
    correction = enrol(samples, model.prototypes, labels.get(NOTHING)).correction
    report = OwnFilmsReport(
        folder=options.folder.resolve().name,
        model_hash=content_hash(options.model),
        alone={letter: each.read_second_half(model.classes, None) for letter, each in hands.items()},
        enrolled={letter: each.read_second_half(model.classes, correction) for letter, each in hands.items()},
    )
    write_text(REPORT, report.model_dump_json(indent=2) + "\n")
    sys.stdout.write(as_text(report))


def find_hands(film: Path, model: Recogniser) -> Hands:
    """Find the hand in every frame of a film as the client does, and run the model on its mask."""
    source = open_source(str(film), fast=True, status=Status(sys.stderr), patience=0.0)
    times, shown = [], []
    points: list[npt.NDArray[np.float32]] = []
    features: list[npt.NDArray[np.float32]] = []
    probabilities: list[npt.NDArray[np.float32]] = []
    try:
        with follow_hand(None, related=source.related) as find:
            for frame in source:
                hand = find(frame)
                times.append(frame.time)
                shown.append(hand is not None)
                if hand is not None:
                    points.append(hand.landmarks[:, :2])
                    row, own = model.predict_with_features(render_mask(hand.landmarks)[None])
                    probabilities.append(row)
                    features.append(own)
    finally:
        source.close()
    if not points:
        raise InputError(f"{film}: no hand was found in it. Leave it out.")
    return Hands(
        np.array(times), np.array(shown), np.stack(points), np.concatenate(features), np.concatenate(probabilities)
    )


def as_text(report: OwnFilmsReport) -> str:
    """Write a report as two lines: the letters recognised exactly, and what the others became."""
    lines = []
    for title, texts in (("network alone", report.alone), ("own hand enrolled", report.enrolled)):
        wrong = [f"{letter} as {text or 'nothing'}" for letter, text in texts.items() if text != letter]
        lines.append(f"{title}: {len(texts) - len(wrong)} of {len(texts)} exactly; {', '.join(wrong) or 'no other'}\n")
    return "".join(lines)


if __name__ == "__main__":
    run_door(main)
