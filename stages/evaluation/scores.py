"""Scores of a classifier: pure functions of its probabilities (N, C) and the true class indices (N,)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import numpy as np
import pandas as pd
from pydantic import AfterValidator
from sklearn.metrics import precision_recall_fscore_support  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Probabilities = npt.NDArray[np.floating[Any]]
    Classes = npt.NDArray[np.integer[Any]]
    Counts = npt.NDArray[np.integer[Any]] | npt.NDArray[np.floating[Any]]

DECIMALS: Final = 6
Score = Annotated[float, AfterValidator(lambda value: round(value, DECIMALS))]
"""A score in a report."""
Interval = tuple[Score, Score] | None
"""Of 95 % (see `stages.evaluation.intervals`); None if a single signer was seen, who says nothing about others."""
SMALLEST_PROBABILITY: Final = 1e-12
"""A true letter predicted with probability 0 costs as much as this, not infinity."""


@dataclass(frozen=True)
class Scores:
    """The numbers that do not depend on confidence, as shares of 1."""

    accuracy: float
    """Share of the samples whose most probable class is the true one."""
    precision: float
    recall: float
    f1: float
    """Precision, recall and F1 are macro means: each letter counts the same, however often it was photographed."""


@dataclass(frozen=True)
class Reliability:
    """Confidence and accuracy of the samples, in equal-width bins of confidence; arrays of (bins,), some count above 0.

    Bin b of B holds confidences in (b / B, (b + 1) / B].
    """

    confidence: npt.NDArray[np.float64]
    """Mean confidence of the bin's samples; 0 if there are none."""
    accuracy: npt.NDArray[np.float64]
    """Share of the bin's samples classified correctly; 0 if there are none."""
    counts: npt.NDArray[np.int64]

    @property
    def error(self) -> float:
        """Expected calibration error: mean distance of confidence and accuracy over the bins, weighted by samples.

        Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, equation 3
        (https://arxiv.org/abs/1706.04599): sum over the bins of n_b / N * |accuracy_b - confidence_b|.

        >>> round(reliability(np.array([0.8, 0.8, 0.6, 0.6]), np.array([True, True, True, False]), 10).error, 3)
        0.15
        """
        gaps = np.abs(self.accuracy - self.confidence)
        return float((gaps * self.counts).sum() / self.counts.sum())


def score(probabilities: Probabilities, classes: Classes) -> Scores:
    """Compute every score.

    Args:
        probabilities: (N, C), each row summing to 1.
        classes: (N,) true class indices, 0 to C - 1.

    Raises:
        ValueError: there are no samples, the shapes disagree, or a class index is out of range.
    """
    _check(probabilities, classes)
    correct = probabilities.argmax(axis=1) == classes
    precision, recall, f1 = macro_scores(probabilities, classes)
    return Scores(accuracy=float(correct.mean()), precision=precision, recall=recall, f1=f1)


def cross_entropy(probabilities: Probabilities, classes: Classes) -> float:
    """Mean of -log p(true class), in nats."""
    true = probabilities[np.arange(len(classes)), classes].astype(np.float64)
    return float(-np.log(np.maximum(true, SMALLEST_PROBABILITY)).mean())


def macro_scores(probabilities: Probabilities, classes: Classes) -> tuple[float, float, float]:
    """Precision, recall and F1, each the plain mean over the letters shown (see `macro_of_counts`).

    >>> probabilities = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.0, 1.0, 0.0], [0.1, 0.2, 0.7]])
    >>> classes = np.array([0, 0, 1, 1])  # shown: A A B B; predicted: A B B C
    >>> [round(score, 3) for score in macro_scores(probabilities, classes)]
    [0.75, 0.5, 0.583]
    """
    predicted = probabilities.argmax(axis=1)
    correct, of_predicted, of_shown = (
        np.bincount(each, minlength=probabilities.shape[1])
        for each in (classes[predicted == classes], predicted, classes)
    )
    return macro_of_counts(correct, of_predicted, of_shown)


def macro_of_counts(correct: Counts, predicted: Counts, shown: Counts) -> tuple[float, float, float]:
    """Macro precision, recall and F1 from counts of the labels: plain means over the labels that were shown.

    Of one label, precision = correct / predicted (0 if it was never predicted), recall = correct / shown, and
    F1 = 2 * correct / (predicted + shown), their harmonic mean. A label that was not shown has none: predicting
    it lowers the recall of the label that was. (scikit-learn's default takes it into the mean as 0, so that two
    networks on the same samples are averaged over different labels.)

    >>> counts = np.array([[1, 1, 0], [1, 2, 1], [2, 2, 0]])  # shown: A A B B; predicted: A B B C
    >>> [round(score, 3) for score in macro_of_counts(*counts)]
    [0.75, 0.5, 0.583]
    """
    precision = (correct / np.maximum(predicted, 1))[shown > 0].mean()
    recall = (correct / np.where(shown > 0, shown, np.nan))[shown > 0].mean()
    return float(precision), float(recall), float(np.nanmean(f1_of_counts(correct, predicted, shown)))


def f1_of_counts(correct: Counts, predicted: Counts, shown: Counts) -> npt.NDArray[np.float64]:
    """F1 of labels from counts of any one shape: 2 * correct / (predicted + shown); NaN for a label not shown.

    >>> f1_of_counts(np.array([1, 1, 0]), np.array([1, 2, 1]), np.array([2, 2, 0])).round(3).tolist()
    [0.667, 0.5, nan]
    """
    f1: npt.NDArray[np.float64] = 2 * correct / np.where(shown > 0, predicted + shown, np.nan)
    return f1


def letter_scores(probabilities: Probabilities, classes: Classes, labels: Sequence[str]) -> pd.DataFrame:
    """Precision, recall and F1 of each letter, and its support: the samples that show it.

    Args:
        probabilities: (N, C).
        classes: (N,) true class indices.
        labels: C labels in the order of the probabilities.

    Returns:
        C rows indexed by `letter`; columns `precision`, `recall`, `f1` and `support`. A score that divides by 0 is 0.
    """
    _check(probabilities, classes)
    columns = precision_recall_fscore_support(
        classes, probabilities.argmax(axis=1), labels=np.arange(probabilities.shape[1]), zero_division=0.0
    )
    named = dict(zip(("precision", "recall", "f1", "support"), columns, strict=True))
    return pd.DataFrame(named, index=pd.Index(list(labels), name="letter"))


def confusion(
    actual: npt.NDArray[np.str_], predicted: npt.NDArray[np.str_], rows: Sequence[str], columns: Sequence[str]
) -> pd.DataFrame:
    """Count which label was predicted for which.

    Args:
        actual: (N,) true labels.
        predicted: (N,) labels.
        rows: true labels in the order of the rows.
        columns: predicted labels in the order of the columns.
    """
    return pd.crosstab(actual, predicted).reindex(index=list(rows), columns=list(columns), fill_value=0)


def reliability(confidence: Probabilities, correct: npt.NDArray[np.bool_], bins: int) -> Reliability:
    """Sort predictions into bins: (N,) probabilities of the predicted letters, and whether they are correct."""
    confidence = confidence.astype(np.float64)
    inner_edges = np.linspace(0.0, 1.0, bins + 1)[1:-1]
    bin_of = np.digitize(confidence, inner_edges, right=True)
    counts = np.bincount(bin_of, minlength=bins)
    divisor = np.maximum(counts, 1)
    return Reliability(
        confidence=np.bincount(bin_of, weights=confidence, minlength=bins) / divisor,
        accuracy=np.bincount(bin_of, weights=correct.astype(np.float64), minlength=bins) / divisor,
        counts=counts.astype(np.int64),
    )


def worst_mistakes(probabilities: Probabilities, classes: Classes, count: int) -> npt.NDArray[np.int64]:
    """Find up to `count` misclassified samples, those with the highest confidence in the wrong letter first."""
    _check(probabilities, classes)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != classes)
    order = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return wrong[order][:count].astype(np.int64)


def _check(probabilities: Probabilities, classes: Classes) -> None:
    if probabilities.ndim != 2 or classes.shape != probabilities.shape[:1] or not len(classes):
        message = f"probabilities {probabilities.shape} and classes {classes.shape} must be (N, C) and (N,), N above 0"
        raise ValueError(message)
    if classes.min() < 0 or classes.max() >= probabilities.shape[1]:
        message = f"class indices must be 0 to {probabilities.shape[1] - 1}, not {classes.min()} to {classes.max()}"
        raise ValueError(message)
