"""Signers' own samples: which of them are enrolled and which are scored, and what a network predicts with them.

As in use: a signer enrols a few samples of each letter and is then read. The samples come from the first part of what
the signer showed of a letter; the last half of it is scored, so that no scored photograph is next to an enrolled one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from service.correction import Samples
from service.enrolment import enrol
from stages.labels import NOTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from stages.evaluation.networks import Network
    from stages.evaluation.sets import EvaluationSet

    Indices = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float32]

SAMPLES: Final = (0, 1, 3, 5)
"""Samples of each letter that are enrolled; 0 is the network alone."""
FEWEST: Final = 3
"""Photographs of a letter by one signer, at least: one to enrol, one to score, and one between them."""


@dataclass(frozen=True)
class Half:
    """What one signer showed, divided."""

    first: dict[str, Indices]
    """Rows that may be enrolled, by letter, in their order."""
    scored: Indices
    """Rows of the last half of each letter, hands not found included."""


def split_signer(signers: EvaluationSet, signer: str) -> Half:
    """Divide what one signer showed of each letter.

    Args:
        signers: a set of unseen signers.
        signer: one of them.
    """
    first, scored = {}, []
    own = np.flatnonzero(signers.signers == signer)
    for letter in sorted(set(signers.labels[own].tolist()) - {NOTHING}):
        rows = own[signers.labels[own] == letter]
        rows = rows[np.argsort([signers.row(row) for row in rows], kind="stable")]
        if len(rows) < FEWEST:
            continue
        middle = (len(rows) + 1) // 2
        first[letter] = rows[: middle - 1]
        scored.append(rows[middle:])
    return Half(first, np.sort(np.concatenate(scored)) if scored else np.zeros(0, np.int64))


def personalise(
    network: Network,
    probabilities: Floats,
    features: Floats,
    labels: npt.NDArray[np.str_],
    halves: Sequence[Half],
    count: int,
) -> Floats:
    """Correct what a network predicts for each signer with some of that signer's own samples.

    Args:
        network: with prototypes.
        probabilities: (N, C) of the network alone.
        features: (N, F).
        labels: (R,) true labels; the first N rows are those of the probabilities.
        halves: of the signers.
        count: samples of each letter to enrol; fewer if a signer's first part has no more.

    Returns:
        (N, C) probabilities; only the scored rows of the signers have changed.
    """
    corrected = probabilities.copy()
    classes = {name: label for label, name in enumerate(network.classes)}
    for half in halves:
        chosen = [
            choose(rows[rows < len(probabilities)], count) for letter, rows in half.first.items() if letter in classes
        ]
        rows = np.concatenate([*chosen, np.zeros(0, np.int64)])
        if network.prototypes is None or not len(rows):
            continue
        samples = Samples(features[rows], probabilities[rows], np.array([classes[str(each)] for each in labels[rows]]))
        correction = enrol(samples, network.prototypes, classes.get(NOTHING)).correction
        scored = half.scored[half.scored < len(probabilities)]
        corrected[scored] = correction.apply(probabilities[scored], features[scored])
    return corrected


def choose(rows: Indices, count: int) -> Indices:
    """Choose so many rows, evenly spread.

    >>> choose(np.arange(10), 3), choose(np.arange(2), 3)
    (array([1, 5, 8]), array([0, 1]))
    """
    count = min(count, len(rows))
    return rows[((np.arange(count) + 0.5) * len(rows) / max(count, 1)).astype(np.int64)]
