"""Marks of an exam on signers never trained on: pure functions of what was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from stages.evaluation.scores import Reliability, bin_readings
from stages.hand.non_letters import NOTHING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

RESAMPLINGS: Final = 2000
"""Bootstrap resamplings behind an interval."""
SEED: Final = 0
NO_HAND: Final = ""
"""What is read where no hand was found; no label is empty."""
UNKNOWN_LETTER: Final = "?"
"""Letter shown in photographs that were counted as tried and are no row of the file."""
DECIMALS: Final = 6


@dataclass(frozen=True)
class Answers:
    """What one network read on one source: R rows, of which those with a hand come first."""

    labels: npt.NDArray[np.str_]
    """(R,) true labels."""
    read: npt.NDArray[np.str_]
    """(R,) labels read; `NO_HAND` where none was found."""
    confidence: npt.NDArray[np.float64]
    """(R,) probabilities of the labels read; 0 where no hand was found."""
    signers: npt.NDArray[np.str_]
    """(R,) who signed; "" where unknown."""
    n_photos: int
    """Photographs tried, at least R: those beyond R had no hand in them, and nobody knows which letters they showed."""
    letterness: npt.NDArray[np.float64]
    """(R,) probability that the hand shows any letter, all that is not of `nothing`; 0 where no hand was found."""

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """(R,) whether the rows were read right."""
        return np.asarray(self.read == self.labels)

    @property
    def found(self) -> npt.NDArray[np.bool_]:
        """(R,) whether a hand was found."""
        return np.asarray(self.read != NO_HAND)

    @property
    def accuracy(self) -> float:
        """Share of the photographs tried that were read right."""
        return float(self.correct.sum() / self.n_photos)

    @property
    def hands(self) -> npt.NDArray[np.int64]:
        """(R,) number of the signer; 0 throughout where signers are not told apart."""
        numbers: npt.NDArray[np.int64] = np.unique(self.signers, return_inverse=True)[1].astype(np.int64)
        return numbers


@dataclass(frozen=True)
class Selection:
    """What would be read if only readings of some confidence counted, from the most to the least sure; (K,) arrays."""

    thresholds: npt.NDArray[np.float64]
    """Least confidence that counts."""
    coverage: npt.NDArray[np.float64]
    """Share of the photographs tried that are read at all."""
    risk: npt.NDArray[np.float64]
    """Share of those that are read wrong."""


@dataclass(frozen=True)
class Confusion:
    """What was read as what, in counts of photographs."""

    matrix: npt.NDArray[np.int64]
    """A row for each label of `shown`, a column for each of `read`."""
    shown: tuple[str, ...]
    read: tuple[str, ...]
    """The network's labels and `NO_HAND`."""


def answer(
    probabilities: npt.NDArray[np.floating[Any]],
    labels: npt.NDArray[np.str_],
    classes: Sequence[str],
    signers: npt.NDArray[np.str_],
    n_photos: int,
    missed: tuple[npt.NDArray[np.str_], npt.NDArray[np.str_]] | None = None,
) -> Answers:
    """Compare what a network read with the truth; a label that it does not know is never read right.

    Args:
        probabilities: (N, C).
        labels: (N,) true labels.
        classes: C labels in the order of the probabilities.
        signers: (N,) text, "" where unknown.
        n_photos: photographs tried, at least N + M.
        missed: labels (M,) and signers (M,) of the rows in which no hand was found.
    """
    lost_labels, lost_signers = missed or (np.array([], dtype=np.str_), np.array([], dtype=np.str_))
    no_hand, unsure = np.full(len(lost_labels), NO_HAND), np.zeros(len(lost_labels))
    known = np.asarray(classes, dtype=np.str_)
    confidence = probabilities.max(axis=1).astype(np.float64)
    letterness = 1.0 - probabilities[:, known == NOTHING].sum(axis=1, dtype=np.float64)
    return Answers(
        labels=np.concatenate([labels, lost_labels]),
        read=np.concatenate([known[probabilities.argmax(axis=1)], no_hand]),
        confidence=np.concatenate([confidence, unsure]),
        signers=np.concatenate([signers, lost_signers]),
        n_photos=n_photos,
        letterness=np.concatenate([letterness, unsure]),
    )


def summarise(answers: Mapping[str, Answers], threshold: float, bins: int) -> dict[str, Any]:
    """Put one network's marks into the layout of `exam.json`.

    The mean counts every source the same. Intervals hold 95 % of the bootstrap resamplings of a source's signers, or
    of whole letters where it has but one: photographs of one letter by one signer are near-duplicates, so they are no
    independent samples.

    Args:
        answers: by the name of the source.
        threshold: least probability of a reading that counts in use.
        bins: of the expected calibration error.

    Returns:
        `{"mean", "interval": [low, high], "sources": {name: {"accuracy", "n_photos", "interval"}}, "letters":
        {label: {"accuracy", "n_photos", "interval"}}, "ece", "at_threshold": {"threshold", "coverage", "risk"}}`.
    """
    generator = np.random.default_rng(SEED)
    resampled = {name: resample(given, generator) for name, given in answers.items()}
    sources = {
        name: {
            "accuracy": round(given.accuracy, DECIMALS),
            "n_photos": given.n_photos,
            "interval": _interval(resampled[name]),
        }
        for name, given in answers.items()
    }
    return {
        "mean": round(float(np.mean([given.accuracy for given in answers.values()])), DECIMALS),
        "interval": _interval(np.mean(list(resampled.values()), axis=0)),
        "sources": sources,
        "letters": letter_marks(answers),
        "ece": round(calibration(answers, bins).error, DECIMALS),
        "at_threshold": _at_threshold(select(answers), threshold),
    }


def letter_marks(answers: Mapping[str, Answers]) -> dict[str, dict[str, Any]]:
    """Accuracy on each letter: the mean over the sources that show it of the mean over their signers.

    Intervals hold 95 % of the bootstrap resamplings of sources and of signers within them; there is none (None) where
    a single signer showed the letter, who says nothing about others. Photographs without a hand whose letter nobody
    knows are spread over the letters of their source in proportion.
    """
    generator = np.random.default_rng(SEED)
    marks = {}
    for letter in sorted({str(label) for given in answers.values() for label in given.labels}):
        shown = [given for given in answers.values() if (given.labels == letter).any()]
        hands = [_accuracy_by_hand(given, letter) for given in shown]
        several = len(hands) > 1 or len(hands[0]) > 1
        marks[letter] = {
            "accuracy": round(float(np.mean([each.mean() for each in hands])), DECIMALS),
            "n_photos": int(sum((given.labels == letter).sum() for given in shown)),
            "interval": _interval(_resample_hands(hands, generator)) if several else None,
        }
    return marks


def letter_accuracies(answers: Mapping[str, Answers]) -> dict[str, float]:
    """Accuracy on each letter, as in `letter_marks`, without intervals."""
    return {letter: marks["accuracy"] for letter, marks in letter_marks(answers).items()}


def calibration(answers: Mapping[str, Answers], bins: int) -> Reliability:
    """Confidence against accuracy of all readings; photographs without a hand state no confidence and are left out."""
    confidence = np.concatenate([given.confidence[given.found] for given in answers.values()])
    correct = np.concatenate([given.correct[given.found] for given in answers.values()])
    return bin_readings(confidence, correct, bins)


def select(answers: Mapping[str, Answers]) -> Selection:
    """Move the threshold over every confidence stated; each source counts the same, as in the mean.

    A photograph without a hand is never covered, so coverage ends at the share of hands found.
    """
    confidence = np.concatenate([given.confidence[given.found] for given in answers.values()])
    wrong = np.concatenate([~given.correct[given.found] for given in answers.values()])
    shares = np.concatenate(
        [np.full(given.found.sum(), 1.0 / (given.n_photos * len(answers))) for given in answers.values()]
    )
    order = np.argsort(-confidence, kind="stable")
    coverage, mistaken = np.cumsum(shares[order]), np.cumsum((shares * wrong)[order])
    # Readings of the same confidence pass a threshold together.
    last = np.append(np.diff(confidence[order]) != 0, True)
    return Selection(confidence[order][last], coverage[last], mistaken[last] / coverage[last])


def tell_apart(answers: Mapping[str, Answers], non_letters: Answers, threshold: float) -> dict[str, float]:
    """Say how well letters are told from hands that show none.

    Args:
        answers: letters, by the name of the source; photographs without a hand are left out.
        non_letters: hands that show no letter.
        threshold: least probability of a reading that counts in use.

    Returns:
        `auroc`, the chance that a letter looks more like one than a non-letter does, and `letters_given`, the share of
        the non-letters that a letter would be given to.
    """
    shown = np.concatenate([given.letterness[given.found] for given in answers.values()])
    is_letter = np.concatenate([np.ones(len(shown)), np.zeros(len(non_letters.read))])
    auroc = roc_auc_score(is_letter, np.concatenate([shown, non_letters.letterness]))
    given = (non_letters.read != NOTHING) & (non_letters.confidence >= threshold)
    return {"auroc": round(float(auroc), DECIMALS), "letters_given": round(float(given.mean()), DECIMALS)}


def confuse(answers: Mapping[str, Answers], classes: Sequence[str]) -> Confusion:
    """Count what was read as what over all sources.

    Args:
        answers: by the name of the source.
        classes: the network's labels.
    """
    labels = np.concatenate([given.labels for given in answers.values()])
    read = np.concatenate([given.read for given in answers.values()])
    unseen = sum(given.n_photos - len(given.labels) for given in answers.values())
    shown = (*classes, *sorted(set(labels.tolist()) - set(classes)))
    columns = (*classes, NO_HAND)
    matrix = np.zeros((len(shown) + (unseen > 0), len(columns)), dtype=np.int64)
    row_of, column_of = ({name: number for number, name in enumerate(names)} for names in (shown, columns))
    np.add.at(matrix, ([row_of[label] for label in labels], [column_of[letter] for letter in read]), 1)
    if unseen:
        matrix[-1, -1] = unseen
        shown = (*shown, UNKNOWN_LETTER)
    return Confusion(matrix, shown, columns)


def worst_rows(given: Answers, count: int) -> npt.NDArray[np.int64]:
    """Find up to `count` hands read wrong, those with the highest confidence in the wrong letter first.

    Photographs of one source are near-duplicates, so one letter misread as another is found once.
    """
    wrong = np.flatnonzero(given.found & ~given.correct)
    order = wrong[np.argsort(-given.confidence[wrong], kind="stable")]
    kinds = np.stack([given.labels[order], given.read[order]], axis=1)
    firsts = np.sort(np.unique(kinds, axis=0, return_index=True)[1])
    return np.asarray(order[firsts][:count], dtype=np.int64)


def describe(given: Answers) -> dict[str, Any]:
    """What a source is, whoever reads it: photographs tried, hands found in them, signers told apart, letters shown."""
    found = int(given.found.sum())
    return {
        "n_photos": given.n_photos,
        "found": found,
        "detection_rate": round(found / given.n_photos, DECIMALS),
        "signers": len(set(given.signers.tolist()) - {""}),
        "letters": len(set(given.labels.tolist())),
    }


def table(exam: Mapping[str, Mapping[str, Any]], champion: str) -> str:
    """Lay out the marks for reading: a row for each source, a column for each network, the champion first.

    Args:
        exam: what `summarise` gave, by architecture; a source that a network cannot read is missing from its marks.
        champion: the architecture marked with a star.
    """
    architectures = sorted(exam, key=lambda name: name != champion)
    sources = exam[champion]["sources"]
    width = max(len(name) for name in (*sources, "photographs of"))
    header = [f"{'photographs of':<{width}}  tried", *(name + "*" * (name == champion) for name in architectures)]
    lines = ["".join([f"{header[0]:<{width + 8}}", *(f"{name:>24}" for name in header[1:])])]
    for name, source in sources.items():
        marks = [_mark(exam[other]["sources"].get(name), "accuracy") for other in architectures]
        lines.append(f"{name:<{width}} {source['n_photos']:>6} " + "".join(f"{mark:>24}" for mark in marks))
    marks = [_mark(exam[other], "mean") for other in architectures]
    lines.append(f"{'mean of sources':<{width + 8}}" + "".join(f"{mark:>24}" for mark in marks))
    return "\n".join(lines) + "\n* champion; in brackets the 95 % interval\n"


def _mark(marks: Mapping[str, Any] | None, key: str) -> str:
    if marks is None:
        return "-"
    low, high = marks["interval"]
    return f"{marks[key]:.3f} ({low:.3f}-{high:.3f})"


def resample(given: Answers, generator: np.random.Generator) -> npt.NDArray[np.float64]:
    """Draw signers, or letters where there is but one, with replacement; returns (RESAMPLINGS,) accuracies.

    Generators in the same state draw the same signers or letters of the same rows, whoever read them.
    """
    unit_of = given.hands if given.hands.any() else np.unique(given.labels, return_inverse=True)[1]
    correct = np.bincount(unit_of, weights=given.correct)
    rows = np.bincount(unit_of)
    drawn = generator.integers(len(rows), size=(RESAMPLINGS, len(rows)))
    shares: npt.NDArray[np.float64] = correct[drawn].sum(axis=1) / rows[drawn].sum(axis=1) * _share_of_rows(given)
    return shares


def _accuracy_by_hand(given: Answers, letter: str) -> npt.NDArray[np.float64]:
    """Accuracy of each signer who showed the letter."""
    rows = given.labels == letter
    hands = np.unique(given.hands[rows], return_inverse=True)[1]
    accuracies: npt.NDArray[np.float64] = np.bincount(hands, weights=given.correct[rows]) / np.bincount(hands)
    return accuracies * _share_of_rows(given)


def _resample_hands(
    hands: Sequence[npt.NDArray[np.float64]], generator: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Draw sources with replacement and signers in each; returns (RESAMPLINGS,) means."""
    within = np.stack(
        [each[generator.integers(len(each), size=(RESAMPLINGS, len(each)))].mean(axis=1) for each in hands], axis=1
    )
    sources = generator.integers(len(hands), size=within.shape)
    means: npt.NDArray[np.float64] = np.take_along_axis(within, sources, axis=1).mean(axis=1)
    return means


def _share_of_rows(given: Answers) -> float:
    return len(given.labels) / given.n_photos


def _at_threshold(selection: Selection, threshold: float) -> dict[str, float | None]:
    """Coverage and risk where readings from the threshold on count; no risk (None) where none does."""
    passing = np.flatnonzero(selection.thresholds >= threshold)
    coverage, risk = (selection.coverage[passing[-1]], selection.risk[passing[-1]]) if len(passing) else (0.0, None)
    return {
        "threshold": threshold,
        "coverage": round(float(coverage), DECIMALS),
        "risk": None if risk is None else round(float(risk), DECIMALS),
    }


def _interval(values: npt.NDArray[np.float64]) -> list[float]:
    return [round(float(value), DECIMALS) for value in np.percentile(values, (2.5, 97.5))]
