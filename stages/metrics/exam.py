"""Marks of an exam on signers never trained on: pure functions of what was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

RESAMPLINGS: Final = 2000
"""Bootstrap resamplings behind an interval."""
SEED: Final = 0


@dataclass(frozen=True)
class Answers:
    """What one network read on one source."""

    labels: npt.NDArray[np.str_]
    """(N,) true labels of the photographs in which a hand was found."""
    correct: npt.NDArray[np.bool_]
    """(N,) whether they were read right."""
    n_photos: int
    """Photographs tried, at least N: one without a hand found is one not read."""

    @property
    def accuracy(self) -> float:
        """Share of the photographs tried that were read right."""
        return float(self.correct.sum() / self.n_photos)


def answer(
    probabilities: npt.NDArray[np.floating[Any]], labels: npt.NDArray[np.str_], classes: Sequence[str], n_photos: int
) -> Answers:
    """Compare what a network read with the truth; a label that it does not know is never read right.

    Args:
        probabilities: (N, C).
        labels: (N,) true labels.
        classes: C labels in the order of the probabilities.
        n_photos: photographs tried, at least N.
    """
    read = np.asarray(classes, dtype=np.str_)[probabilities.argmax(axis=1)]
    return Answers(labels, read == labels, n_photos)


def summarise(answers: Mapping[str, Answers]) -> dict[str, Any]:
    """Put one network's marks into the layout of `exam.json`.

    The mean counts every source the same. Intervals hold 95 % of the bootstrap resamplings of whole letters within
    each source: photographs of one letter by one signer are near-duplicates, so they are no independent samples.

    Args:
        answers: by the name of the source.

    Returns:
        `{"mean", "interval": [low, high], "sources": {name: {"accuracy", "n_photos", "interval"}}}`.
    """
    generator = np.random.default_rng(SEED)
    resampled = {name: _resample(given, generator) for name, given in answers.items()}
    sources = {
        name: {
            "accuracy": round(given.accuracy, 6),
            "n_photos": given.n_photos,
            "interval": _interval(resampled[name]),
        }
        for name, given in answers.items()
    }
    return {
        "mean": round(float(np.mean([given.accuracy for given in answers.values()])), 6),
        "interval": _interval(np.mean(list(resampled.values()), axis=0)),
        "sources": sources,
    }


def table(exam: Mapping[str, Mapping[str, Any]], champion: str) -> str:
    """Lay out the marks for reading: a row for each source, a column for each network, the champion first.

    Args:
        exam: what `summarise` gave, by architecture.
        champion: the architecture marked with a star.
    """
    architectures = sorted(exam, key=lambda name: name != champion)
    sources = exam[champion]["sources"]
    width = max(len(name) for name in (*sources, "photographs of"))
    header = [f"{'photographs of':<{width}}  tried", *(name + "*" * (name == champion) for name in architectures)]
    lines = ["".join([f"{header[0]:<{width + 8}}", *(f"{name:>24}" for name in header[1:])])]
    for name, source in sources.items():
        marks = [_mark(exam[other]["sources"][name], "accuracy") for other in architectures]
        lines.append(f"{name:<{width}} {source['n_photos']:>6} " + "".join(f"{mark:>24}" for mark in marks))
    marks = [_mark(exam[other], "mean") for other in architectures]
    lines.append(f"{'mean of sources':<{width + 8}}" + "".join(f"{mark:>24}" for mark in marks))
    return "\n".join(lines) + "\n* champion; in brackets the 95 % interval\n"


def _mark(marks: Mapping[str, Any], key: str) -> str:
    low, high = marks["interval"]
    return f"{marks[key]:.3f} ({low:.3f}-{high:.3f})"


def _resample(given: Answers, generator: np.random.Generator) -> npt.NDArray[np.float64]:
    """Draw letters with replacement; returns (RESAMPLINGS,) accuracies."""
    _, letter_of = np.unique(given.labels, return_inverse=True)
    correct = np.bincount(letter_of, weights=given.correct)
    rows = np.bincount(letter_of)
    drawn = generator.integers(len(rows), size=(RESAMPLINGS, len(rows)))
    found = len(given.labels) / given.n_photos
    shares: npt.NDArray[np.float64] = correct[drawn].sum(axis=1) / rows[drawn].sum(axis=1) * found
    return shares


def _interval(values: npt.NDArray[np.float64]) -> list[float]:
    return [round(float(value), 6) for value in np.percentile(values, (2.5, 97.5))]
