"""J and Z by people's real movements: takes of single letters, and words that hold J and Z.

`make bench-moving DATA=takes.npz`: a file of takes (docs/own-data.md). Takes whose frame rate is not known are read at
several. Nothing may be trained on these people.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import BaseModel
from tqdm import tqdm

from benchmarks.photo_films import AFTER, BEFORE, CALM, JITTER, ROLL, turn
from benchmarks.service import MODEL, TRAIL, VOCABULARY
from benchmarks.spelling_films import draw_losses, slow_noise
from benchmarks.votes import edit_distance
from benchmarks.words import interval_over_people, read
from client.mask import TRAIL_VERSION, crop_square, render_mask
from client.trail import Trail
from service.letters import Letters
from service.smoothing import SmoothingParameters
from service.vocabulary import Vocabulary
from stages.data.sequences import RawSequences, read_sequences
from stages.data.trails import MOVING_LETTERS
from stages.errors import InputError, run_door
from stages.evaluation.networks import BATCH_SIZE, load_network, run
from stages.files import content_hash, write_text
from stages.params import Preprocess, read_params

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from service.segments import Segment
    from stages.evaluation.networks import Network

    Landmarks = npt.NDArray[np.float32]
    Times = npt.NDArray[np.float64]

REPORT: Final = Path("reports/bench_moving.json")
LISTS: Final = {"with J or Z": Path(__file__).with_name("moving_words.txt"),
                "without": Path(__file__).with_name("common_words.txt")}  # fmt: skip
MOST_WORDS: Final = 60
"""Words of each list."""
RATE: Final = 15.0
"""Frames a second of the words."""
COLUMNS: Final = ("J found", "once", "alone", "Z found", "once", "alone", "false", "others", "no trail")
AGAIN: Final = (0.3, 0.6)
"""Seconds from the end of one drawn letter to the beginning of the same again."""


class TakesFound(BaseModel, frozen=True, use_attribute_docstrings=True):
    """What the service reads in takes, at one frame rate."""

    found: dict[str, float]
    """Of J and of Z: the share of the takes in whose text the letter is."""
    once: dict[str, float]
    """The same of the takes in whose text it is once."""
    alone: dict[str, float]
    """The same of the takes whose text is the letter and nothing else."""
    false: float
    """Share of the other takes in whose text J or Z is."""
    false_by_letter: dict[str, int]
    others_exact: float
    """Share of the takes of still letters whose text is exactly the letter."""
    others_exact_without: float
    """The same if no trail is sent."""


class WordsFound(BaseModel, frozen=True, use_attribute_docstrings=True):
    """How the words of one list come out."""

    count: int
    exact_as_read: float
    exact: float
    interval: tuple[float, float] | None
    """95 % interval of the latter over people."""
    errors_as_read: float
    """Character error rate of the committed letters."""


class MovingReport(BaseModel, frozen=True, use_attribute_docstrings=True):
    """What `reports/bench_moving.json` holds."""

    model_hash: str
    trail_hash: str
    takes: dict[str, int]
    """Of J, Z and the others."""
    signers: int
    by_rate: dict[str, TakesFound]
    words: dict[str, WordsFound]


@dataclass(frozen=True)
class Scene:
    """What a landmark detector reports: F frames."""

    landmarks: Landmarks
    """(F, 21, 3) pixels, NaN where no hand is found."""
    times: Times


def main() -> None:
    """Print the tables and write `reports/bench_moving.json`."""
    parser = ArgumentParser(prog="python -m benchmarks.moving", description="J and Z of people's takes.")
    parser.add_argument("data", type=Path, help="a file of takes")
    parser.add_argument("--rates", type=float, nargs="+", default=[8.0, 12.0, 20.0], help="frames a second assumed")
    parser.add_argument("--rate", type=float, default=12.0, help="frames a second assumed for the words")
    parser.add_argument("--skip", type=int, default=1, help="frames at the beginning of each take to leave out")
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--trail", type=Path, default=TRAIL)
    options = parser.parse_args()
    limits = read_params(Preprocess)
    takes = read_sequences(options.data, max_samples=limits.max_samples, max_gib=limits.max_gib)
    letters, trail = load_network(options.model), load_network(options.trail, TRAIL_VERSION)
    scenes = [each[options.skip :] for each in takes.landmarks]
    held = predict_hands(letters, np.concatenate(scenes))
    by_rate = {f"{rate:g}": find_in_takes(takes, scenes, held, rate, letters, trail) for rate in options.rates}
    vocabulary = Vocabulary.read(VOCABULARY)
    words = {
        name: find_words(path.read_text().split(), takes, scenes, options.rate, letters, trail, vocabulary)
        for name, path in LISTS.items()
    }
    labels = takes.labels.tolist()
    counts = {letter: labels.count(letter) for letter in MOVING_LETTERS}
    report = MovingReport(
        model_hash=content_hash(options.model), trail_hash=content_hash(options.trail),
        takes=counts | {"others": len(labels) - sum(counts.values())}, signers=len(set(takes.signers.tolist())),
        by_rate=by_rate, words=words,
    )  # fmt: skip
    write_text(REPORT, report.model_dump_json(indent=2) + "\n")
    sys.stdout.write(as_text(report))


def predict_hands(network: Network, landmarks: Landmarks) -> npt.NDArray[np.float32]:
    """Predict the letters of hands (N, 21, 3): (N, C), NaN where there is no hand."""
    there = np.flatnonzero(np.isfinite(landmarks).all(axis=(1, 2)))
    rows = np.full((len(landmarks), len(network.classes)), np.nan, dtype=np.float32)
    for start in tqdm(range(0, len(there), BATCH_SIZE), desc="masks", unit="batch"):
        some = there[start : start + BATCH_SIZE]
        rows[some] = run(network, np.stack([render_mask(landmarks[row]) for row in some]))
    return rows


def predict_movement(network: Network, scenes: Sequence[Scene]) -> list[list[dict[str, float] | None]]:
    """Predict the trail of each frame of each scene; None where none is sent."""
    asked: list[list[dict[str, float] | None]] = [[None] * len(scene.times) for scene in scenes]
    pictures, places = [], []

    def flush() -> None:
        if pictures:
            for (scene, frame), row in zip(places, run(network, np.stack(pictures)), strict=True):
                asked[scene][frame] = dict(zip(network.classes, row.tolist(), strict=True))
        pictures.clear()
        places.clear()

    for number, scene in enumerate(tqdm(scenes, desc="trails", unit="scene")):
        trail = Trail()
        for frame, (hand, time) in enumerate(zip(scene.landmarks, scene.times.tolist(), strict=True)):
            found = bool(np.isfinite(hand).all())
            trail.add(time, hand if found else None)
            if found and (picture := trail.draw()) is not None:
                pictures.append(picture)
                places.append((number, frame))
            if len(pictures) == BATCH_SIZE:
                flush()
    flush()
    return asked


def read_scene(
    rows: npt.NDArray[np.float32], times: Times, classes: Sequence[str], asked: Sequence[Mapping[str, float] | None]
) -> tuple[list[Segment], str]:
    """Read one scene as a stream does, and keep its text as a client does: segments, and the committed letters."""
    letters = Letters(SmoothingParameters())
    told: list[Segment] = []
    for row, time, trail in zip(rows, times.tolist(), asked, strict=True):
        seen = letters.update(None if np.isnan(row[0]) else row, classes, time, trail)
        for segment in reversed(seen.replaced):
            if told and told[-1] == segment:
                told.pop()
        told += seen.segments
    return told, "".join(segment.alternatives[0][0] for segment in told if segment.committed)


def find_in_takes(
    takes: RawSequences, scenes: Sequence[Landmarks], held: npt.NDArray[np.float32], rate: float, letters: Network,
    trail: Network,
) -> TakesFound:  # fmt: skip
    """Read every take at an assumed frame rate, then two seconds without a hand."""
    rest = round(2 * rate)
    filmed = [
        Scene(np.concatenate([scene, np.full((rest, 21, 3), np.nan, np.float32)]), np.arange(len(scene) + rest) / rate)
        for scene in scenes
    ]
    asked = predict_movement(trail, filmed)
    gone = np.full((rest, held.shape[1]), np.nan, np.float32)
    rows = [np.concatenate([own, gone]) for own in np.split(held, np.cumsum([len(each) for each in scenes])[:-1])]
    texts, without = (
        np.array([
            read_scene(own, scene.times, letters.classes, moving if sent else [None] * len(moving))[1]
            for own, scene, moving in zip(rows, filmed, asked, strict=True)
        ])
        for sent in (True, False)
    )  # fmt: skip
    labels = takes.labels
    moving_letters = {letter: labels == letter for letter in MOVING_LETTERS}
    other = ~np.isin(labels, MOVING_LETTERS)
    still = other & np.isin(labels, letters.classes)
    wrong = np.array([any(letter in text for letter in MOVING_LETTERS) for text in texts.tolist()])
    return TakesFound(
        found={
            letter: float(np.mean([letter in text for text in texts[own].tolist()]))
            for letter, own in moving_letters.items()
        },
        once={
            letter: float(np.mean([text.count(letter) == 1 for text in texts[own].tolist()]))
            for letter, own in moving_letters.items()
        },
        alone={letter: float((texts[own] == letter).mean()) for letter, own in moving_letters.items()},
        false=float(wrong[other].mean()),
        false_by_letter={
            label: int(wrong[labels == label].sum()) for label in np.unique(labels[other & wrong]).tolist()
        },
        others_exact=float((texts == labels)[still].mean()),
        others_exact_without=float((without == labels)[still].mean()),
    )


def find_words(
    words: Sequence[str], takes: RawSequences, scenes: Sequence[Landmarks], rate: float, letters: Network,
    trail: Network, vocabulary: Vocabulary,
) -> WordsFound:  # fmt: skip
    """Let the people who drew J and Z spell words of their takes, and read them."""
    people = sorted(set(takes.signers[takes.labels == "J"].tolist()) & set(takes.signers[takes.labels == "Z"].tolist()))
    own = {
        person: {
            label: np.flatnonzero((takes.signers == person) & (takes.labels == label))
            for label in np.unique(takes.labels[takes.signers == person]).tolist() if len(label) == 1
        }
        for person in people
    }  # fmt: skip
    able = [(word, [each for each in people if set(word) <= own[each].keys()]) for word in words]
    chosen = [(word, who[number % len(who)]) for number, (word, who) in enumerate(able) if who][:MOST_WORDS]
    if not chosen:
        raise InputError("Nobody in these takes has all letters of a word. Name a file with more letters.")
    filmed = [
        film_word(word, own[person], scenes, rate, np.random.default_rng(number))
        for number, (word, person) in enumerate(chosen)
    ]
    held = predict_hands(letters, np.concatenate([scene.landmarks for scene in filmed]))
    rows = np.split(held, np.cumsum([len(scene.times) for scene in filmed])[:-1])
    asked = predict_movement(trail, filmed)
    found = [
        read(read_scene(own_rows, scene.times, letters.classes, moving), vocabulary)
        for own_rows, scene, moving in zip(rows, filmed, asked, strict=True)
    ]
    spelled = [word for word, _ in chosen]
    exact = np.array([word == each.word for word, each in zip(spelled, found, strict=True)])
    return WordsFound(
        count=len(chosen),
        exact_as_read=float(np.mean([word == each.text for word, each in zip(spelled, found, strict=True)])),
        exact=float(exact.mean()),
        interval=interval_over_people([person for _, person in chosen], exact),
        errors_as_read=sum(edit_distance(each.text, word) for word, each in zip(spelled, found, strict=True))
        / sum(len(word) for word in spelled),
    )


def film_word(
    word: str, own: Mapping[str, npt.NDArray[np.int64]], scenes: Sequence[Landmarks], rate: float,
    rng: np.random.Generator,
) -> Scene:  # fmt: skip
    """Let a person spell a word: still letters are one hand of a take, held; J and Z are takes as they were made."""
    knots: list[tuple[float, npt.NDArray[np.float64]]] = []
    gone: list[tuple[float, float]] = [(0.0, BEFORE)]
    clock = BEFORE
    for number, letter in enumerate(word):
        take = _whole_hands(scenes[int(rng.choice(own[letter]))])
        again = number > 0 and word[number - 1] == letter
        moves = letter in MOVING_LETTERS
        if again and not moves:
            away = rng.uniform(*CALM.away)
            gone.append((clock, clock + away))
            clock += away
        elif number:
            clock += rng.uniform(*(AGAIN if again else CALM.move))
        poses = _place(take if moves else take[[rng.integers(len(take) // 2, len(take))]])
        seconds = np.arange(len(poses)) / rate if moves else np.array([0.0])
        knots += [(clock + second, pose) for second, pose in zip(seconds.tolist(), poses, strict=True)]
        clock = knots[-1][0]
        if not moves:
            clock += rng.uniform(*CALM.held)
            knots.append((clock, poses[-1]))
    times = np.arange(int((clock + AFTER) * RATE)) / RATE
    places, moments = np.stack([pose for _, pose in knots]), np.array([time for time, _ in knots])
    flat = places.reshape(len(places), -1)
    points = np.stack([np.interp(times, moments, column) for column in flat.T], axis=1).reshape(-1, 21, 3)
    points = turn(points, ROLL * slow_noise((len(times),), rng, RATE))
    points += JITTER * np.sqrt(0.5) * (rng.normal(size=points.shape) + slow_noise(points.shape, rng, RATE))
    lost = draw_losses(np.ones(len(times), dtype=np.bool_), rng, RATE) | (times > clock)
    for begin, end in gone:
        lost |= (times >= begin) & (times < end)
    points[lost] = np.nan
    return Scene(points.astype(np.float32), times)


def _whole_hands(take: Landmarks) -> Landmarks:
    """The frames of a take with a hand; those without are passed over at the same pace."""
    there = np.flatnonzero(np.isfinite(take).all(axis=(1, 2)))
    frames = np.arange(there[0], there[-1] + 1)
    flat = take[there].reshape(len(there), -1)
    filled = np.stack([np.interp(frames, there, column) for column in flat.T], axis=1)
    return filled.reshape(-1, 21, 3).astype(np.float32)


def _place(take: Landmarks) -> npt.NDArray[np.float64]:
    """Move the crop of a take's first hand to a square of side 1 around 0, and the others with it."""
    centre, side = crop_square(take[0])
    return np.asarray((take - [*centre, 0.0]) / side, dtype=np.float64)


def as_text(report: MovingReport) -> str:
    """Write the report as tables of at most 100 columns."""
    counts = ", ".join(f"{count} of {name}" for name, count in report.takes.items())
    lines = [
        f"takes of {report.signers} signers: {counts}",
        f"{'frames/s':10}" + "".join(f"{name:>9}" for name in COLUMNS),
    ]
    for rate, of in report.by_rate.items():
        shares = [getattr(of, name)[letter] for letter in MOVING_LETTERS for name in ("found", "once", "alone")]
        shares += [of.false, of.others_exact, of.others_exact_without]
        lines.append(f"  {rate:8}" + "".join(f"{share:>9.4f}" for share in shares) + f"  {of.false_by_letter or ''}")
    lines += ["", f"{'words':22}{'count':>7}{'as read':>9}{'words':>9}{'errors as read':>16}"]
    for name, words in report.words.items():
        lines.append(
            f"  {name:20}{words.count:>7}{words.exact_as_read:>9.3f}{words.exact:>9.3f}{words.errors_as_read:>16.3f}"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    run_door(main)
