"""Intervals: bootstrap resamplings of signers, of one network or of two on the same samples. Pure functions.

Two networks are resampled with the same draws (a paired bootstrap), so that a signer who is hard for both does not blur
the difference between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from stages.evaluation.predictions import Predictions

RESAMPLINGS: Final = 2000
"""Bootstrap resamplings behind an interval."""
SEED: Final = 0


@dataclass(frozen=True)
class Difference:
    """A score of the candidate against the champion's."""

    candidate: float
    champion: float
    low: float
    """Lower end of the difference's 95 % interval."""
    high: float

    @property
    def beats(self) -> bool:
        """Whether the candidate is better by more than the noise."""
        return self.low > 0.0


def interval(draws: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The range that holds the middle 95 % of the draws."""
    low, high = np.percentile(draws, (2.5, 97.5))
    return float(low), float(high)


def resample_accuracy(predictions: Predictions, generator: np.random.Generator) -> npt.NDArray[np.float64]:
    """Draw signers, or letters if there is only one, with replacement; returns (RESAMPLINGS,) accuracies.

    Generators in the same state draw the same signers or letters of the same rows, whichever network predicted them.
    """
    ids = predictions.signer_ids
    unit_of = ids if ids.any() else np.unique(predictions.labels, return_inverse=True)[1]
    correct = np.bincount(unit_of, weights=predictions.correct)
    rows = np.bincount(unit_of)
    drawn = generator.integers(len(rows), size=(RESAMPLINGS, len(rows)))
    shares: npt.NDArray[np.float64] = correct[drawn].sum(axis=1) / rows[drawn].sum(axis=1) * share_of_rows(predictions)
    return shares


def resample_signers(
    accuracies: Sequence[npt.NDArray[np.float64]], generator: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Draw sources with replacement and signers within each.

    Args:
        accuracies: for each source one array, an accuracy for each signer.
        generator: source of the draws.

    Returns:
        (RESAMPLINGS,) means.
    """
    within = np.stack(
        [each[generator.integers(len(each), size=(RESAMPLINGS, len(each)))].mean(axis=1) for each in accuracies], axis=1
    )
    sources = generator.integers(len(accuracies), size=within.shape)
    means: npt.NDArray[np.float64] = np.take_along_axis(within, sources, axis=1).mean(axis=1)
    return means


def share_of_rows(predictions: Predictions) -> float:
    """Share of the photographs tried whose letter is known; the others count as errors of every letter."""
    return len(predictions.labels) / predictions.n_photos


def compare_accuracy(candidate: Mapping[str, Predictions], champion: Mapping[str, Predictions]) -> Difference:
    """Compare the mean of the sources' accuracies, resampling signers, or letters if a source has one signer.

    Args:
        candidate: by source.
        champion: the same rows, in the same order.
    """
    means, draws = [], []
    for predictions in (candidate, champion):
        generator = np.random.default_rng(SEED)
        means.append(float(np.mean([predictions[source].accuracy for source in candidate])))
        draws.append(np.mean([resample_accuracy(predictions[source], generator) for source in candidate], axis=0))
    return Difference(means[0], means[1], *interval(draws[0] - draws[1]))


def compare_f1(candidate: Predictions, champion: Predictions) -> Difference:
    """Compare macro F1 over the labels shown, resampling signers, or whole labels if there is one signer.

    Args:
        candidate: predictions for the validation split.
        champion: for the same samples; a label that a network does not know is never predicted correctly.
    """
    counts = [_count(each) for each in (candidate, champion)]
    everybody = np.ones((1, counts[0].shape[1]))
    labels = [_f1(each, everybody)[0] for each in counts]
    generator = np.random.default_rng(SEED)
    units = counts[0].shape[1]
    if units > 1:
        drawn = generator.multinomial(units, np.full(units, 1.0 / units), size=RESAMPLINGS).astype(np.float64)
        first, second = (np.nanmean(_f1(each, drawn), axis=1) for each in counts)
        draws = first - second
    else:
        differences = labels[0] - labels[1]
        draws = differences[generator.integers(len(differences), size=(RESAMPLINGS, len(differences)))].mean(axis=1)
    return Difference(float(labels[0].mean()), float(labels[1].mean()), *interval(draws))


def macro_f1(predictions: Predictions) -> float:
    """Mean over the labels shown of their F1."""
    counts = _count(predictions)
    return float(_f1(counts, np.ones((1, counts.shape[1])))[0].mean())


def _count(predictions: Predictions) -> npt.NDArray[np.float64]:
    """(3, S, L) counts for each signer and label shown: predicted correctly, predicted, shown."""
    labels = np.unique(predictions.labels)
    shown, predicted = predictions.labels[:, None] == labels, predictions.predicted[:, None] == labels
    counts = np.zeros((3, predictions.signer_ids.max() + 1, len(labels)))
    for number, each in enumerate((shown & predicted, predicted, shown)):
        np.add.at(counts[number], predictions.signer_ids, each)
    return counts


def _f1(counts: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(R, L) F1 for R weightings (R, S) of the signers; NaN if a label was not shown."""
    correct, predicted, shown = (weights @ each for each in counts)
    with np.errstate(invalid="ignore"):
        f1: npt.NDArray[np.float64] = np.where(shown > 0, 2 * correct / (predicted + shown), np.nan)
    return f1
