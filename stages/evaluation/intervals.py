"""Two networks on the same samples: how far they lie apart, and how much of that may be chance. Pure functions.

Both are resampled with the same draws (a paired bootstrap), so that a signer who is hard for both does not blur the
difference between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stages.evaluation.test_scores import RESAMPLINGS, SEED, Answers, resample

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt


@dataclass(frozen=True)
class Difference:
    """A mark of the candidate against the champion's."""

    candidate: float
    champion: float
    low: float
    """Lower end of the difference's 95 % interval."""
    high: float

    @property
    def beats(self) -> bool:
        """Whether the candidate is better by more than the noise."""
        return self.low > 0.0


def compare_accuracy(candidate: Mapping[str, Answers], champion: Mapping[str, Answers]) -> Difference:
    """Compare the mean of the sources' accuracies, resampling signers, or letters where a source has one signer.

    Args:
        candidate: by the name of the source.
        champion: the same rows, in the same order.
    """
    means, draws = [], []
    for given in (candidate, champion):
        generator = np.random.default_rng(SEED)
        means.append(float(np.mean([given[name].accuracy for name in candidate])))
        draws.append(np.mean([resample(given[name], generator) for name in candidate], axis=0))
    return _difference(means[0], means[1], draws[0] - draws[1])


def compare_f1(candidate: Answers, champion: Answers) -> Difference:
    """Compare macro F1 over the labels shown, resampling signers, or whole labels where there is one signer.

    Args:
        candidate: readings of the validation samples.
        champion: of the same samples; a label that a network does not know is never read right.
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
        apart = labels[0] - labels[1]
        draws = apart[generator.integers(len(apart), size=(RESAMPLINGS, len(apart)))].mean(axis=1)
    return _difference(float(labels[0].mean()), float(labels[1].mean()), draws)


def macro_f1(given: Answers) -> float:
    """Mean over the labels shown of their F1."""
    counts = _count(given)
    return float(_f1(counts, np.ones((1, counts.shape[1])))[0].mean())


def _count(given: Answers) -> npt.NDArray[np.float64]:
    """(3, S, L) counts for each signer and label shown: read right, read, shown."""
    labels = np.unique(given.labels)
    hits = [given.labels[:, None] == labels, given.read[:, None] == labels]
    counts = np.zeros((3, given.hands.max() + 1, len(labels)))
    for number, each in enumerate((hits[0] & hits[1], hits[1], hits[0])):
        np.add.at(counts[number], given.hands, each)
    return counts


def _f1(counts: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(R, L) F1 for R weightings (R, S) of the signers; NaN where a label was not shown."""
    right, read, shown = (weights @ each for each in counts)
    with np.errstate(invalid="ignore"):
        f1: npt.NDArray[np.float64] = np.where(shown > 0, 2 * right / (read + shown), np.nan)
    return f1


def _difference(candidate: float, champion: float, draws: npt.NDArray[np.float64]) -> Difference:
    low, high = np.percentile(draws, (2.5, 97.5))
    return Difference(candidate, champion, float(low), float(high))
