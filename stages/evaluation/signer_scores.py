"""Scores on unseen signers: pure functions of predictions, and the report that they are kept in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from stages.evaluation.intervals import accuracy_interval, letter_accuracy, letter_interval, share_of_rows
from stages.evaluation.people_sets import PeopleSet
from stages.evaluation.personal_scores import PersonalScores, as_lines
from stages.evaluation.predictions import NO_HAND
from stages.evaluation.scores import (
    Interval,
    Reliability,
    Score,
    confusion,
    macro_of_counts,
    reliability,
)
from stages.files import read_model
from stages.labels import NOTHING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from stages.evaluation.predictions import Predictions

UNKNOWN_LETTER: Final = "?"
"""Letter shown in photographs that were counted as tried and are no row of the file."""


class SourceScore(BaseModel, frozen=True):
    """Accuracy on one source, hands not found counted as errors."""

    accuracy: Score
    n_photos: int
    interval: Interval


class LetterScore(BaseModel, frozen=True):
    """Accuracy on one letter."""

    accuracy: Score
    n_photos: int
    interval: Interval


class ThresholdScore(BaseModel, frozen=True):
    """What happens if only predictions of some confidence count."""

    threshold: float
    coverage: Score
    """Share of the photographs tried for which a letter is given."""
    risk: Score | None
    """Share of those letters that are wrong; None if none is given."""


class NonLetterScore(BaseModel, frozen=True):
    """How well letters are distinguished from hands that show none."""

    auroc: Score
    """The chance that a letter looks more like one than a non-letter does."""
    letters_given: Score
    """Share of the non-letters that would be given a letter."""


class SignerScores(BaseModel, frozen=True):
    """Scores of one network on unseen signers."""

    mean: Score
    """Mean of the sources' accuracies; each source counts the same."""
    interval: Interval
    precision: Score
    recall: Score
    f1: Score
    """Means over the sources of the macro means over the letters that a source shows."""
    sources: dict[str, SourceScore]
    letters: dict[str, LetterScore]
    ece: Score
    at_threshold: ThresholdScore
    non_letters: NonLetterScore | None = None
    personal: dict[int, PersonalScores] = {}
    """With so many samples of each letter by the signer; empty if nobody showed a letter often enough."""

    @property
    def weakest_letters(self) -> list[str]:
        """The letters, the one with the lowest accuracy first."""
        return sorted(self.letters, key=lambda letter: self.letters[letter].accuracy)


class Source(BaseModel, frozen=True):
    """What a source is, whichever network predicts it."""

    n_photos: int
    found: int
    """Photographs in which a hand was found."""
    detection_rate: Score
    signers: int
    """Named signers; 0 if they are unknown."""
    letters: int


class SignerReport(BaseModel, frozen=True):
    """What `reports/test.json` and the reports in `reports/people/` hold."""

    champion: str
    model_hash: str
    """SHA-256 of the champion's file."""
    synthetic: bool
    """Whether the signers are synthetic, which says little about people."""
    sources: dict[str, Source]
    networks: dict[str, SignerScores]
    """The champion first; the reference last, if there is one."""
    kind: PeopleSet | None = None
    """The set of people that somebody evaluated; None for the test signers of the pipeline, like the next two."""
    files: dict[str, str] = {}
    """SHA-256 of each raw file, hex, by source."""
    models: dict[str, str] = {}
    """SHA-256 of each network's file, hex."""

    @property
    def title(self) -> str:
        """What the signers are called; synthetic ones are never people."""
        if self.synthetic:
            return "Synthetic test signers"
        return "Test set (people in data/test/)" if self.kind is None else self.kind.heading

    @classmethod
    def read(cls, path: Path, command: str = "dvc repro test") -> Self:
        """Read a report.

        Args:
            path: the file.
            command: what writes it again, for the error.

        Raises:
            InputError: the file is missing or damaged.
        """
        return read_model(cls, path, command)


def score_signers(predictions: Mapping[str, Predictions], threshold: float, bins: int) -> SignerScores:
    """Compute every score of one network but that on non-letters.

    Each source counts the same in the means.

    Args:
        predictions: by source.
        threshold: least probability of a letter that counts in use.
        bins: of the expected calibration error.
    """
    macro = np.mean([macro_of(each) for each in predictions.values()], axis=0)
    return SignerScores(
        mean=float(np.mean([each.accuracy for each in predictions.values()])),
        interval=accuracy_interval(list(predictions.values())),
        precision=float(macro[0]),
        recall=float(macro[1]),
        f1=float(macro[2]),
        sources={
            source: SourceScore(accuracy=each.accuracy, n_photos=each.n_photos, interval=accuracy_interval([each]))
            for source, each in predictions.items()
        },
        letters=score_letters(predictions),
        ece=calibration(predictions, bins).error,
        at_threshold=_at_threshold(select(predictions), threshold),
    )


def macro_of(predictions: Predictions) -> tuple[float, float, float]:
    """Macro precision, recall and F1 on one source; a hand that was not found is a letter that was not predicted.

    Photographs without a hand whose letter nobody knows are spread over the letters in proportion.
    """
    labels = np.unique(predictions.labels)
    shown = predictions.labels[:, None] == labels
    return macro_of_counts(
        (shown & predictions.correct[:, None]).sum(axis=0),
        (predictions.predicted[:, None] == labels).sum(axis=0),
        shown.sum(axis=0) / share_of_rows(predictions),
    )


def score_letters(predictions: Mapping[str, Predictions]) -> dict[str, LetterScore]:
    """Accuracy on each letter: the mean over the sources that show it of the mean over their signers.

    Photographs without a hand whose letter nobody knows are spread over the letters of their source in proportion.
    """
    scores = {}
    for letter in sorted({str(label) for each in predictions.values() for label in each.labels}):
        shown = [each for each in predictions.values() if (each.labels == letter).any()]
        scores[letter] = LetterScore(
            accuracy=float(np.mean([letter_accuracy(each, letter) for each in shown])),
            n_photos=int(sum((each.labels == letter).sum() for each in shown)),
            interval=letter_interval(shown, letter),
        )
    return scores


def calibration(predictions: Mapping[str, Predictions], bins: int) -> Reliability:
    """Confidence against accuracy of all hands found; photographs without a hand state no confidence."""
    confidence = np.concatenate([each.confidence[each.found] for each in predictions.values()])
    correct = np.concatenate([each.correct[each.found] for each in predictions.values()])
    return reliability(confidence, correct, bins)


def select(predictions: Mapping[str, Predictions]) -> pd.DataFrame:
    """Compute what would be given if only predictions of some confidence counted; each source counts the same.

    A photograph without a hand is never covered, so coverage ends at the share of hands found.

    Returns:
        A row for each confidence stated, the highest first. `threshold`: least confidence that counts; `coverage`:
        share of the photographs tried for which a letter is given; `risk`: share of those letters that are wrong.
    """
    hands = pd.concat(
        pd.DataFrame({"threshold": each.confidence, "wrong": ~each.correct, "share": 1.0 / each.n_photos})[each.found]
        for each in predictions.values()
    ).sort_values("threshold", ascending=False, kind="stable")
    hands["coverage"] = hands["share"].cumsum() / len(predictions)
    hands["risk"] = (hands["share"] * hands["wrong"]).cumsum() / len(predictions) / hands["coverage"]
    # Predictions of the same confidence pass a threshold together.
    return hands.drop_duplicates("threshold", keep="last")[["threshold", "coverage", "risk"]]


def score_non_letters(
    predictions: Mapping[str, Predictions], non_letters: Predictions, threshold: float
) -> NonLetterScore:
    """Score how well letters are distinguished from hands that show none.

    Args:
        predictions: letters, by source; photographs without a hand are left out.
        non_letters: hands that show no letter.
        threshold: least probability of a letter that counts in use.
    """
    letters = np.concatenate([each.p_letter[each.found] for each in predictions.values()])
    is_letter = np.concatenate([np.ones(len(letters)), np.zeros(len(non_letters.labels))])
    given = (non_letters.predicted != NOTHING) & (non_letters.confidence >= threshold)
    auroc = roc_auc_score(is_letter, np.concatenate([letters, non_letters.p_letter]))
    return NonLetterScore(auroc=float(auroc), letters_given=float(given.mean()))


def confuse(predictions: Mapping[str, Predictions], classes: Sequence[str]) -> pd.DataFrame:
    """Count which letter was predicted for which, over all sources.

    Args:
        predictions: by source.
        classes: the network's labels.

    Returns:
        A row for each true label, the network's own first; a column for each of the network's labels and `NO_HAND`.
    """
    actual = np.concatenate([each.labels for each in predictions.values()])
    predicted = np.concatenate([each.predicted for each in predictions.values()])
    rows = [*classes, *sorted(set(actual.tolist()) - set(classes))]
    table = confusion(actual, predicted, rows, [*classes, NO_HAND])
    if unknown := sum(each.n_photos - len(each.labels) for each in predictions.values()):
        table.loc[UNKNOWN_LETTER] = 0
        table.loc[UNKNOWN_LETTER, NO_HAND] = unknown
    return table


def worst_rows(predictions: Predictions, count: int) -> npt.NDArray[np.int64]:
    """Find up to `count` misclassified hands, those with the highest confidence in the wrong letter first.

    Photographs of one source are near-duplicates, so each confusion of two letters is found once.
    """
    wrong = np.flatnonzero(predictions.found & ~predictions.correct)
    order = wrong[np.argsort(-predictions.confidence[wrong], kind="stable")]
    kinds = np.stack([predictions.labels[order], predictions.predicted[order]], axis=1)
    firsts = np.sort(np.unique(kinds, axis=0, return_index=True)[1])
    return np.asarray(order[firsts][:count], dtype=np.int64)


def describe(predictions: Predictions) -> Source:
    """Say what a source is: photographs tried, hands found in them, named signers, letters shown."""
    found = int(predictions.found.sum())
    return Source(
        n_photos=predictions.n_photos,
        found=found,
        detection_rate=found / predictions.n_photos,
        signers=len(set(predictions.signers.tolist()) - {""}),
        letters=len(set(predictions.labels.tolist())),
    )


def table(report: SignerReport) -> str:
    """Lay out the accuracies for reading: a row for each source, a column for each network, the champion first.

    A set that a network cannot predict has a dash in its column.
    """
    rows: dict[str, dict[str, object]] = {
        source: {"photographs": str(about.n_photos)} for source, about in report.sources.items()
    }
    rows["mean of sources"] = {"photographs": ""}
    for name, scores in report.networks.items():
        column = f"{name}*" if name == report.champion else name
        for source in report.sources:
            score = scores.sources.get(source)
            rows[source][column] = with_interval(score.accuracy, score.interval) if score else "-"
        rows["mean of sources"][column] = with_interval(scores.mean, scores.interval)
    laid_out = pd.DataFrame.from_dict(rows, orient="index").to_string()
    own = as_lines(report.champion, report.networks[report.champion].personal)
    return f"{laid_out}\n* champion; in brackets the 95 % interval over signers\n{own}"


def with_interval(score: float, ends: tuple[float, float] | None) -> str:
    """Write a score with its interval, if there is one.

    >>> with_interval(0.876, (0.7742, 0.9781)), with_interval(0.9, None)
    ('0.876 (0.774-0.978)', '0.900')
    """
    return f"{score:.3f}" + (f" ({ends[0]:.3f}-{ends[1]:.3f})" if ends else "")


def _at_threshold(selection: pd.DataFrame, threshold: float) -> ThresholdScore:
    """Coverage and risk if predictions from the threshold on count."""
    passing = selection[selection["threshold"] >= threshold]
    if passing.empty:
        return ThresholdScore(threshold=threshold, coverage=0.0, risk=None)
    coverage, risk = passing[["coverage", "risk"]].iloc[-1]
    return ThresholdScore(threshold=threshold, coverage=float(coverage), risk=float(risk))
