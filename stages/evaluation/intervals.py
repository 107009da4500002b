"""Intervals over people: one hierarchical bootstrap for reports and gate. Pure functions of predictions.

The next user is another person in another room, so a resampling draws sources with replacement, signers within each
source, and letters within each signer. Photographs of one letter by one signer are near-duplicates: they are drawn
together, and singly only if one letter alone is asked about. A single signer says nothing about others, so there is no
interval then. Two networks are resampled with the same draws (a paired bootstrap), so that a signer who is hard for
both does not blur the difference between them.

With few units, the middle 95 % of the resamplings is too narrow an interval. The percentiles are moved outwards as far
as Student's t is wider than the normal distribution: the expanded percentile interval of Hesterberg, "What Teachers
Should Know About the Bootstrap", The American Statistician 69(4), 2015 (https://arxiv.org/abs/1411.5279).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import stats  # type: ignore[import-untyped]

from stages.evaluation.scores import f1_of_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from stages.evaluation.predictions import Predictions

    Floats = npt.NDArray[np.float64]
    Score = Callable[[Floats], Floats]
    """Scores of K networks, (r, K), for r weightings (r, cells) of a source's cells."""

Interval = tuple[float, float]

RESAMPLINGS: Final = 10_000
"""Bootstrap resamplings behind an interval."""
SEED: Final = 0
CONFIDENCE: Final = 0.95
SMALLEST_TAIL: Final = 0.0005
"""Share of the resamplings beyond each end at least: fewer than five of them say nothing reliable."""
_WEIGHTS: Final = 4_000_000
"""Weights held at a time."""


@dataclass(frozen=True)
class Difference:
    """A score of the candidate against the champion's."""

    candidate: float
    champion: float
    low: float | None
    """Lower end of the difference's interval; None if a single signer was seen, who says nothing about others."""
    high: float | None

    @property
    def beats(self) -> bool:
        """Whether the candidate is better by more than the noise."""
        return self.low is not None and self.low > 0.0

    @property
    def worse(self) -> bool:
        """Whether the candidate is worse by more than the noise."""
        return self.high is not None and self.high < 0.0


@dataclass(frozen=True)
class Source:
    """What is resampled within one source."""

    copies: tuple[npt.NDArray[np.int64], ...]
    """For each signer, how many letters (or photographs of one letter) are in each of their cells."""
    score: Score
    """Scores of the source for weights of all cells, in the order of `copies`."""


def resample(sources: Sequence[Source], resamplings: int = RESAMPLINGS) -> Floats:
    """Draw sources, signers in them and what each signer showed, with replacement.

    Returns:
        (resamplings, K) means of the drawn sources' scores. The same sources give the same draws.
    """
    generator = np.random.default_rng(SEED)
    cells = sum(len(copies) for source in sources for copies in source.copies)
    step = max(1, min(resamplings, _WEIGHTS // cells))
    means = []
    for start in range(0, resamplings, step):
        times = _draw(np.full(min(step, resamplings - start), 1), np.ones(len(sources), np.int64), generator)
        total: Floats = np.zeros(())
        for source, drawn in zip(sources, times.T, strict=True):
            signers = _draw(drawn, np.ones(len(source.copies), np.int64), generator)
            weights = [_draw(each, copies, generator) for each, copies in zip(signers.T, source.copies, strict=True)]
            with np.errstate(invalid="ignore"):
                scores = source.score(np.concatenate(weights, axis=1).astype(np.float64))
            total = total + np.where(drawn[:, None] > 0, scores, 0.0) * drawn[:, None]
        means.append(total / len(sources))
    return np.concatenate(means)


def interval(draws: Floats, units: int, confidence: float = CONFIDENCE) -> Interval | None:
    """The expanded percentile interval of bootstrap draws.

    Args:
        draws: (R,) scores of the resamplings.
        units: what was drawn at the outermost level: sources, or signers if there is one source.
        confidence: of the interval.

    Returns:
        Both ends; None for fewer than two units, which say nothing about others.

    >>> draws = np.linspace(0.0, 1.0, 10_001)
    >>> [tuple(round(end, 3) for end in interval(draws, units)) for units in (1000, 24, 5, 2)]
    [(0.025, 0.975), (0.017, 0.983), (0.001, 0.999), (0.001, 1.0)]
    >>> interval(draws, 1) is None
    True
    """
    if units < 2:
        return None
    wide = np.sqrt(units / (units - 1)) * stats.t.ppf((1.0 - confidence) / 2, units - 1)
    tail = max(float(stats.norm.cdf(wide)), SMALLEST_TAIL)
    low, high = np.quantile(draws, (tail, 1.0 - tail))
    return float(low), float(high)


def count_units(sources: Sequence[Source]) -> int:
    """What is drawn at the outermost level: sources, or signers if there is one source."""
    return len(sources) if len(sources) > 1 else len(sources[0].copies)


def share_of_rows(predictions: Predictions) -> float:
    """Share of the photographs tried whose letter is known; the others count as errors of every letter."""
    return len(predictions.labels) / predictions.n_photos


def accuracy_interval(predictions: Sequence[Predictions]) -> Interval | None:
    """Interval of the mean of the sources' accuracies, or of one source's."""
    sources = [accuracy_source(each) for each in predictions]
    return interval(resample(sources)[:, 0], count_units(sources))


def letter_interval(predictions: Sequence[Predictions], letter: str) -> Interval | None:
    """Interval of the accuracy on a letter: the mean over the sources that show it of the mean over their signers."""
    sources = [letter_source(letter, each) for each in predictions if (each.labels == letter).any()]
    return interval(resample(sources)[:, 0], count_units(sources))


def compare_accuracy(
    candidate: Mapping[str, Predictions],
    champion: Mapping[str, Predictions],
    *,
    confidence: float = CONFIDENCE,
    resamplings: int = RESAMPLINGS,
) -> Difference:
    """Compare the mean of the sources' accuracies.

    Args:
        candidate: by source.
        champion: the same rows, in the same order.
        confidence: of the interval.
        resamplings: of the bootstrap.
    """
    sources = [accuracy_source(candidate[name], champion[name]) for name in candidate]
    means = [float(np.mean([each[name].accuracy for name in candidate])) for each in (candidate, champion)]
    return _difference(means[0], means[1], sources, confidence, resamplings)


def compare_f1(
    candidate: Mapping[str, Predictions],
    champion: Mapping[str, Predictions],
    *,
    confidence: float = CONFIDENCE,
    resamplings: int = RESAMPLINGS,
) -> Difference:
    """Compare the mean of the sources' macro F1.

    Args:
        candidate: by source.
        champion: the same rows, in the same order; a label that a network does not know is never predicted correctly.
        confidence: of the interval.
        resamplings: of the bootstrap.
    """
    sources = [f1_source(candidate[name], champion[name]) for name in candidate]
    whole = np.mean([source.score(np.ones((1, sum(map(len, source.copies)))))[0] for source in sources], axis=0)
    return _difference(float(whole[0]), float(whole[1]), sources, confidence, resamplings)


def compare_letters(
    candidate: Mapping[str, Predictions],
    champion: Mapping[str, Predictions],
    *,
    resamplings: int = RESAMPLINGS,
) -> dict[str, Difference]:
    """Compare the accuracy on each letter shown; the intervals of all letters hold together with 95 % confidence.

    Of 24 letters, one in twenty would otherwise seem to rise or fall by chance (Bonferroni's correction).

    Args:
        candidate: by source.
        champion: the same rows, in the same order.
        resamplings: of the bootstrap.
    """
    letters = sorted({str(label) for each in candidate.values() for label in each.labels})
    confidence = 1.0 - (1.0 - CONFIDENCE) / len(letters)
    differences = {}
    for letter in letters:
        shown = [name for name, each in candidate.items() if (each.labels == letter).any()]
        sources = [letter_source(letter, candidate[name], champion[name]) for name in shown]
        means = [
            float(np.mean([letter_accuracy(each[name], letter) for name in shown])) for each in (candidate, champion)
        ]
        differences[letter] = _difference(means[0], means[1], sources, confidence, resamplings)
    return differences


def letter_accuracy(predictions: Predictions, letter: str) -> float:
    """Accuracy on a letter of one source: the mean over its signers."""
    rows = predictions.labels == letter
    ids = np.unique(predictions.signer_ids[rows], return_inverse=True)[1]
    accuracies = np.bincount(ids, weights=predictions.correct[rows]) / np.bincount(ids)
    return float(accuracies.mean()) * share_of_rows(predictions)


def accuracy_source(*networks: Predictions) -> Source:
    """Let letters of signers be drawn from one source, for the accuracy of networks that predicted the same rows."""
    copies, cell_of = _cells(networks[0])
    shown = np.bincount(cell_of)
    correct = np.stack([np.bincount(cell_of, weights=each.correct) for each in networks], axis=1)
    share = share_of_rows(networks[0])
    return Source(copies, lambda weights: weights @ correct / (weights @ shown)[:, None] * share)


def f1_source(*networks: Predictions) -> Source:
    """Let letters of signers be drawn from one source, for the macro F1 of networks that predicted the same rows."""
    copies, cell_of = _cells(networks[0])
    labels, share = np.unique(networks[0].labels), share_of_rows(networks[0])
    shown = _count(networks[0].labels[:, None] == labels, cell_of) / share
    counts = [
        (
            _count((each.predicted[:, None] == labels) & each.correct[:, None], cell_of),
            _count(each.predicted[:, None] == labels, cell_of),
        )
        for each in networks
    ]

    def score(weights: Floats) -> Floats:
        drawn = weights @ shown
        sums = [np.nansum(f1_of_counts(weights @ right, weights @ named, drawn), axis=1) for right, named in counts]
        return np.asarray(np.stack(sums, axis=1) / (drawn > 0).sum(axis=1)[:, None])

    return Source(copies, score)


def letter_source(letter: str, *networks: Predictions) -> Source:
    """Let photographs of one letter be drawn from one source, for the accuracy of networks that predicted them."""
    rows = networks[0].labels == letter
    signers = networks[0].signer_ids[rows]
    correct = np.stack([each.correct[rows] for each in networks], axis=1)
    copies, outcomes, signer_of = [], [], []
    for number, signer in enumerate(np.unique(signers)):
        # Photographs that the networks agree on are alike, so only their number matters.
        outcome, times = np.unique(correct[signers == signer], axis=0, return_counts=True)
        copies.append(times)
        outcomes.append(outcome)
        signer_of += [number] * len(times)
    share, values = share_of_rows(networks[0]), np.concatenate(outcomes).astype(np.float64)
    # Every signer counts the same, however many photographs there are of them.
    per_photo = 1.0 / np.array([times.sum() for times in copies])[signer_of]

    def score(weights: Floats) -> Floats:
        by_signer = weights * per_photo
        accuracies: Floats = by_signer @ values / by_signer.sum(axis=1, keepdims=True) * share
        return accuracies

    return Source(tuple(copies), score)


def _difference(
    candidate: float, champion: float, sources: Sequence[Source], confidence: float, resamplings: int
) -> Difference:
    draws = resample(sources, resamplings)
    ends = interval(draws[:, 0] - draws[:, 1], count_units(sources), confidence)
    return Difference(candidate, champion, *(ends or (None, None)))


def _draw(
    times: npt.NDArray[np.int64], copies: npt.NDArray[np.int64], generator: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Draw from a group with replacement, as many as there are in it, and so often anew as the group was drawn.

    Args:
        times: (r,) how often the group was drawn in each resampling.
        copies: (k,) how many alike there are of each of its members.
        generator: source of the draws.

    Returns:
        (r, k) how often each member was drawn.
    """
    if len(copies) == 1:
        return np.asarray(times[:, None] * copies)
    total = copies.sum()
    return np.asarray(generator.multinomial(times * total, copies / total))


def _cells(predictions: Predictions) -> tuple[tuple[npt.NDArray[np.int64], ...], npt.NDArray[np.int64]]:
    """Put rows of one letter by one signer together.

    Returns:
        For each signer the `copies` of a `Source`, and the (R,) number of each row's cell.
    """
    letters = np.unique(predictions.labels, return_inverse=True)[1]
    kinds, cell_of = np.unique(np.stack([predictions.signer_ids, letters], axis=1), axis=0, return_inverse=True)
    return tuple(np.ones(count, np.int64) for count in np.bincount(kinds[:, 0])), cell_of.reshape(-1)


def _count(rows: npt.NDArray[np.bool_], cell_of: npt.NDArray[np.int64]) -> Floats:
    """(cells, L) number of the rows (R, L) that are True in each cell."""
    counts = np.zeros((cell_of.max() + 1, rows.shape[1]))
    np.add.at(counts, cell_of, rows)
    return counts
