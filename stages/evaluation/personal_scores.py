"""What a signer's own samples are worth: scores with 0, 1, 3 and 5 of each letter, and for whom they make it worse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import BaseModel

from stages.evaluation.intervals import RESAMPLINGS, SEED, interval, share_of_rows
from stages.evaluation.scores import Interval, Score

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stages.evaluation.predictions import Personal, Predictions

WORSE: Final = 0.01
"""Fall of a signer's accuracy from which on the samples have made it worse."""


class PersonalScores(BaseModel, frozen=True):
    """Scores with some samples of each letter by the signer, on the last half of what each signer showed."""

    mean: Score
    """Mean of the signers' accuracies; hands not found count as errors."""
    interval: Interval
    """Over signers."""
    hands: Score
    """Mean of their accuracies on the hands that were found."""
    worse: list[str]
    """Signers whose accuracy is lower than without samples, by more than one point."""
    letters_worse: list[str]
    """Letters whose accuracy is lower than without samples, by more than one point."""
    signers: dict[str, Score]
    letters: dict[str, Score]


def score_personal(personal: Personal) -> dict[int, PersonalScores]:
    """Score predictions with signers' own samples, by the number of samples of each letter; 0 is the network alone."""
    scores: dict[int, PersonalScores] = {}
    for count, sources in sorted(personal.items()):
        signers, hands, letters = _by_signer(sources), _by_signer(sources, found=True), _by_letter(sources)
        alone = scores.get(0)
        scores[count] = PersonalScores(
            mean=float(np.mean(list(signers.values()))),
            interval=_over_signers(list(signers.values())),
            hands=float(np.mean(list(hands.values()))),
            worse=_worse(signers, alone.signers if alone else {}),
            letters_worse=_worse(letters, alone.letters if alone else {}),
            signers=signers,
            letters=letters,
        )
    return scores


def as_lines(name: str, scores: Mapping[int, PersonalScores]) -> str:
    """Lay out the scores of one network for reading.

    Returns:
        A line for each number of samples; "" if there are no scores.
    """
    lines = []
    for count, each in scores.items():
        ends = f" ({each.interval[0]:.3f}-{each.interval[1]:.3f})" if each.interval else ""
        worse = f", worse for {len(each.worse)} of {len(each.signers)} signers" if count else ""
        accuracy = f"{each.mean:.3f}{ends}, of hands found {each.hands:.3f}"
        lines.append(f"{name}, {count} samples a letter: {accuracy}{worse}\n")
    return "".join(lines)


def _by_signer(sources: Mapping[str, Predictions], *, found: bool = False) -> dict[str, float]:
    """Accuracy of each signer, of all photographs tried or of the hands that were found."""
    accuracies = {}
    for predictions in sources.values():
        for signer in sorted(set(predictions.signers.tolist())):
            own = predictions.signers == signer
            if found:
                own &= predictions.found
            share = 1.0 if found else share_of_rows(predictions)
            accuracies[signer] = float(predictions.correct[own].mean()) * share if own.any() else 0.0
    return accuracies


def _by_letter(sources: Mapping[str, Predictions]) -> dict[str, float]:
    """Accuracy on each letter: the mean over the signers who show it, hands not found counted as errors."""
    shown: dict[str, list[float]] = {}
    for predictions in sources.values():
        for letter in set(predictions.labels.tolist()):
            for signer in set(predictions.signers[predictions.labels == letter].tolist()):
                own = (predictions.labels == letter) & (predictions.signers == signer)
                shown.setdefault(letter, []).append(float(predictions.correct[own].mean()))
    return {letter: float(np.mean(shown[letter])) for letter in sorted(shown)}


def _worse(now: Mapping[str, float], before: Mapping[str, float]) -> list[str]:
    return [name for name, accuracy in now.items() if accuracy < before.get(name, 0.0) - WORSE]


def _over_signers(accuracies: list[float]) -> tuple[float, float] | None:
    """The interval of a mean over signers, each of whom is drawn whole."""
    drawn = np.random.default_rng(SEED).integers(0, len(accuracies), (RESAMPLINGS, len(accuracies)))
    return interval(np.array(accuracies)[drawn].mean(axis=1), len(accuracies))
