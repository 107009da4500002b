"""Words and names spelled by real hands: how many come out exactly, with and without word model and profile.

`make bench-words DATA="one.npz two.npz" SET=development` lets the people of these files spell `common_words.txt` and
`rare_names.txt`, each word one person (`photo_films.py`), and reads the films as the service does. A person's profile
is made of three of their first photographs of each letter; the films show their last half. It also times `POST /words`.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import BaseModel
from tqdm import tqdm

from benchmarks.photo_films import CALM, FAST, Film, Person, film_words, read_people
from benchmarks.service import MODEL, VOCABULARY
from benchmarks.smoothing import signers
from benchmarks.votes import edit_distance
from benchmarks.words_cost import Cost, measure_cost
from benchmarks.words_plot import draw_words
from service.correction import Samples
from service.enrolment import enrol
from service.segments import Segments
from service.smoothing import NOTHING, Smoothing, SmoothingParameters
from service.vocabulary import Vocabulary
from service.words import read_word
from stages.errors import PipelineError, run_door
from stages.evaluation.intervals import interval, resample
from stages.evaluation.networks import load_network, predict_outputs
from stages.files import content_hash, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from benchmarks.photo_films import Pace
    from service.correction import Correction
    from service.segments import Segment
    from service.words import Reading
    from stages.evaluation.networks import Network

    Floats = npt.NDArray[np.float32]

REPORTS: Final = Path("reports/words")
LISTS: Final = {
    "words": Path(__file__).with_name("common_words.txt"),
    "names": Path(__file__).with_name("rare_names.txt"),
}
SPELLED: Final[dict[str, tuple[Pace, float]]] = {
    "15 frames a second": (CALM, 15.0),
    "30 frames a second": (CALM, 30.0),
    "5 letters a second, 15 frames": (FAST, 15.0),
    "5 letters a second, 30 frames": (FAST, 30.0),
}
"""How the words are spelled: the pace, and frames a second."""
FIRST: Final = "15 frames a second"
"""The way of spelling that decides."""
STEPS: Final = {"threshold": (0.4, 0.6), "window": (3, 7), "hold": (0.1, 0.3), "release": (0.2, 0.4)}
"""Other values of each parameter of the smoothing, for comparison."""


class Spelled(BaseModel, frozen=True, use_attribute_docstrings=True):
    """How the words of one list come out."""

    count: int
    exact_as_read: float
    """Share of the words whose committed letters are exactly they."""
    exact: float
    """The same of the text after the word model."""
    interval: tuple[float, float] | None
    """95 % interval of the latter over people."""
    among_three: float
    """Share that is among the first three candidates."""
    errors_as_read: float
    """Character error rate of the committed letters: edits by letters spelled."""
    errors: float
    """The same after the word model."""
    changed: int
    """Words that were exact as read and no longer are."""


class WordsReport(BaseModel, frozen=True, use_attribute_docstrings=True):
    """What `reports/words/SET.json` holds."""

    model_hash: str
    """SHA-256 of the model, hex."""
    vocabulary_hash: str
    people: int
    spelled: dict[str, dict[str, dict[str, Spelled]]]
    """By way of spelling, `alone` or `profile`, and list."""
    settings: dict[str, dict[str, float]]
    """Character error rate of the committed letters, network alone, by way of spelling: with the defaults, and with one
    parameter of the smoothing changed."""
    cost: Cost


@dataclass(frozen=True)
class Read:
    """A film as the service reads it."""

    text: str
    """The committed letters."""
    reading: Reading | None
    """None if there was nothing to read."""

    @property
    def word(self) -> str:
        """The text after the word model."""
        return (self.reading and self.reading.accepted) or self.text


def main() -> None:
    """Write the report and the plot, and print the tables."""
    parser = ArgumentParser(prog="python -m benchmarks.words", description="Words and names spelled by real hands.")
    parser.add_argument("files", type=Path, nargs="+", help=".npz files of landmarks, labels and signers")
    parser.add_argument("--set", choices=("development", "test"), required=True, help="which set these people are")
    parser.add_argument("--model", type=Path, default=MODEL, help="the model (default: the Bento's)")
    parser.add_argument("--vocabulary", type=Path, default=VOCABULARY, help="default: the Bento's")
    options = parser.parse_args()
    for path in (options.model, options.vocabulary):
        if not path.is_file():
            raise PipelineError(f"{path} is missing. Make it, or name another: make repro")
    network, vocabulary = load_network(options.model), Vocabulary.read(options.vocabulary)
    people = read_people(options.files, network.classes)
    corrections = {person.name: learn_hand(person, network) for person in people}
    lists = {name: path.read_text().split() for name, path in LISTS.items()}
    spelled: dict[str, dict[str, dict[str, Spelled]]] = {}
    settings: dict[str, dict[str, float]] = {}
    words: list[Sequence[Segment]] = []
    for way, (pace, rate) in SPELLED.items():
        films = {name: film_words(some, people, pace, rate) for name, some in lists.items()}
        predicted = {name: predict(some, network, corrections, f"{way}, {name}") for name, some in films.items()}
        spelled[way] = {"alone": {}, "profile": {}}
        for name, some in films.items():
            for which, rows in zip(("alone", "profile"), predicted[name], strict=True):
                seen = [spell(film, row, network.classes) for film, row in zip(some, rows, strict=True)]
                words += [segments for segments, _ in seen if segments]
                spelled[way][which][name] = summarise(some, [read(each, vocabulary) for each in tqdm(seen, name)])
        alone = [(film, row) for name in films for film, row in zip(films[name], predicted[name][0], strict=True)]
        settings[way] = compare_settings(alone, network.classes)
    report = WordsReport(
        model_hash=content_hash(options.model),
        vocabulary_hash=content_hash(options.vocabulary),
        people=len(people),
        spelled=spelled,
        settings=settings,
        cost=measure_cost(words, options.model, options.vocabulary),
    )
    write_text(REPORTS / f"{options.set}.json", report.model_dump_json(indent=2) + "\n")
    draw_words(report, REPORTS / f"{options.set}.png", options.set)
    sys.stdout.write(as_text(report))


def learn_hand(person: Person, network: Network) -> Correction:
    """Make a person's profile of the photographs that are kept for it."""
    if network.prototypes is None:
        raise PipelineError("The model is of a release without features. Make a new one: make repro")
    classes = {name: label for label, name in enumerate(network.classes)}
    landmarks = np.concatenate([*person.enrolled.values()])
    labels = np.repeat(
        [classes[letter] for letter in person.enrolled], [len(each) for each in person.enrolled.values()]
    )
    probabilities, features = predict_outputs(network, landmarks, person.name, ["probabilities", "features"])
    return enrol(Samples(features, probabilities, labels), network.prototypes, classes.get(NOTHING)).correction


def predict(
    films: Sequence[Film], network: Network, corrections: Mapping[str, Correction], description: str
) -> tuple[list[Floats], list[Floats]]:
    """Predict every frame of films; returns probabilities (F, C) of each film without and with the person's profile.

    Rows of frames without a hand are NaN.
    """
    landmarks = np.concatenate([film.landmarks for film in films])
    found = ~np.isnan(landmarks[:, 0, 0])
    probabilities, features = predict_outputs(network, landmarks[found], description, ["probabilities", "features"])
    alone, own = (np.full((len(landmarks), len(network.classes)), np.nan, np.float32) for _ in range(2))
    alone[found] = own[found] = probabilities
    person = np.repeat([film.person for film in films], [len(film.times) for film in films])
    for name in {film.person for film in films}:
        rows = person[found] == name
        own[np.flatnonzero(found)[rows]] = corrections[name].apply(probabilities[rows], features[rows])
    ends = np.cumsum([len(film.times) for film in films])[:-1]
    return np.split(alone, ends), np.split(own, ends)


def spell(
    film: Film, rows: Floats, classes: Sequence[str], parameters: SmoothingParameters | None = None
) -> tuple[list[Segment], str]:
    """Smooth a film's predictions as a stream does; returns its segments and the committed letters."""
    parameters = parameters or SmoothingParameters()
    smoothing, segments = Smoothing(parameters), Segments(parameters.release)
    found: list[Segment] = []
    text = ""
    for row, time in zip(rows, film.times.tolist(), strict=True):
        shown = None if np.isnan(row[0]) else row
        label, confidence = (None, 0.0) if shown is None else (classes[int(row.argmax())], float(row.max()))
        committed = smoothing.update(label, confidence, time).committed
        found += segments.update(shown, classes, time, committed)
        text += committed or ""
    return found, text


def read(seen: tuple[list[Segment], str], vocabulary: Vocabulary) -> Read:
    """Read one word as `POST /words` does."""
    segments, text = seen
    return Read(text, read_word(segments, vocabulary) if segments else None)


def summarise(films: Sequence[Film], found: Sequence[Read]) -> Spelled:
    """Compare what was read with what was spelled."""
    pairs = list(zip([film.word for film in films], found, strict=True))
    exact = np.array([word == each.word for word, each in pairs])
    letters = sum(len(word) for word, _ in pairs)
    candidates = [[word for word, _ in each.reading.words[:3]] if each.reading else [] for each in found]
    return Spelled(
        count=len(films),
        exact_as_read=float(np.mean([word == each.text for word, each in pairs])),
        exact=float(exact.mean()),
        interval=interval_over_people([film.person for film in films], exact),
        among_three=float(np.mean([word in some for (word, _), some in zip(pairs, candidates, strict=True)])),
        errors_as_read=sum(edit_distance(each.text, word) for word, each in pairs) / letters,
        errors=sum(edit_distance(each.word, word) for word, each in pairs) / letters,
        changed=sum(word == each.text != each.word for word, each in pairs),
    )


def interval_over_people(people: Sequence[str], exact: npt.NDArray[np.bool_]) -> tuple[float, float] | None:
    """Estimate the 95 % interval of a share of words, people drawn with all of theirs."""
    names, person = np.unique(people, return_inverse=True)
    table = np.stack([np.bincount(person, weights=exact), np.bincount(person)], axis=1)
    return interval(resample([signers(table)])[:, 0], len(names))


def compare_settings(films: Sequence[tuple[Film, Floats]], classes: Sequence[str]) -> dict[str, float]:
    """Give the character error rate of the committed letters with the defaults, and with one parameter changed."""
    default = SmoothingParameters()
    chosen = {"defaults": default}
    for name, values in STEPS.items():
        chosen |= {f"{name} {value:g}": replace(default, **{name: value}) for value in values}
    letters = sum(len(film.word) for film, _ in films)
    return {
        name: sum(edit_distance(spell(film, rows, classes, one)[1], film.word) for film, rows in films) / letters
        for name, one in tqdm(chosen.items(), "settings")
    }


def as_text(report: WordsReport) -> str:
    """Write the report as tables of at most 100 columns."""
    lines = [f"{'':40}{'as read':>9}{'words':>9}{'among 3':>9}{'changed':>9}{'errors as read':>16}{'then':>8}"]
    for way, kinds in report.spelled.items():
        lines.append(way)
        for kind, lists in kinds.items():
            for name, of in lists.items():
                lines.append(
                    f"  {f'{of.count} {name}, {kind}':38}{of.exact_as_read:>9.3f}{of.exact:>9.3f}{of.among_three:>9.3f}"
                    f"{of.changed:>9}{of.errors_as_read:>16.3f}{of.errors:>8.3f}"
                )
    lines += ["", f"{'character error rate as read, alone':36}" + "".join(f"{way[:15]:>16}" for way in report.settings)]
    for name in report.settings[FIRST]:
        lines.append(f"  {name:34}" + "".join(f"{of[name]:>16.3f}" for of in report.settings.values()))
    cost = report.cost
    lines += [
        "",
        f"POST /words on one core, {cost.requests} words: median {cost.median_ms:.1f} ms, p95 {cost.p95_ms:.1f} ms; "
        f"of it the search {cost.search_p95_ms:.1f} ms (p95)",
        f"vocabulary: {cost.memory_mib:.1f} MiB of memory, {cost.file_mib:.2f} MiB in the Bento",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    run_door(main)
