"""A signer's own correction: a linear layer on the network's features that is added to its log-probabilities.

Pure NumPy. It is fitted on few samples of one person by multinomial logistic regression with the network's
log-probabilities as offsets, so that it starts from what the network recognises. What was tried: docs/your-hand.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from service.prototypes import Prototypes

    Floats = npt.NDArray[np.float32]
    Indices = npt.NDArray[np.int64]

PENALTY: Final = 0.003
"""Factor on half the squared weights in the loss."""
MARGIN: Final = 3.0
"""Taken from the log-probability of a sample's own letter while fitting, so that a letter is also recognised where
a later hand differs from the enrolled ones."""
OTHER_HAND: Final = 0.3
"""Weight of a sample's mirror image, the signer's other hand, relative to the sample."""
ITERATIONS: Final = 150
LEAST_PROBABILITY: Final = 1e-6
"""Smaller probabilities count as this one: their logarithms would only be noise."""


@dataclass(frozen=True)
class Samples:
    """What the network computes for the hands of one signer."""

    features: Floats
    """(N, F), of the masks and of their mirror images side by side."""
    probabilities: Floats
    """(N, C)."""
    classes: Indices
    """(N,) index of the letter that each of them shows."""

    def __len__(self) -> int:
        return len(self.classes)

    def at(self, rows: npt.NDArray[Any]) -> Self:
        """Choose rows, by indices or as a mask (N,)."""
        return type(self)(self.features[rows], self.probabilities[rows], self.classes[rows])


@dataclass(frozen=True)
class Correction:
    """What is added to the network's log-probabilities for one signer."""

    weights: Floats
    """(F, C)."""
    bias: Floats
    """(C,)."""
    counts: npt.NDArray[np.bool_]
    """(C,) classes for which it speaks: the enrolled letters, what the network recognised in their samples, and
    `nothing`. It counts as much as the network believes that a hand shows one of them, so that other letters stay."""

    def apply(self, probabilities: Floats, features: Floats) -> Floats:
        """Correct what the network predicts.

        Args:
            probabilities: (N, C).
            features: (N, F).

        Returns:
            (N, C) probabilities.
        """
        believed = probabilities[:, self.counts].sum(axis=1, keepdims=True)
        # Not `@`: for a single mask, the threads of BLAS would take the cores from the network's for longer than this.
        added = np.einsum("nf,fc->nc", features, self.weights) + self.bias
        return _softmax(_log(probabilities) + believed * added)

    def scale(self, share: float) -> Correction:
        """Trust it less: 0 leaves the network's probabilities as they are."""
        return Correction(self.weights * np.float32(share), self.bias * np.float32(share), self.counts)


def swap_hands(features: Floats) -> Floats:
    """Turn features (N, F) of hands into those of their mirror images: the second half comes first."""
    half = features.shape[1] // 2
    return np.concatenate([features[:, half:], features[:, :half]], axis=1)


def fit_correction(samples: Samples, prototypes: Prototypes, nothing: int | None = None) -> Correction:
    """Fit a correction to a signer's samples.

    Letters without a sample are represented by their prototypes. Both hands count, whichever was enrolled.

    Args:
        samples: at least one.
        prototypes: of the same network.
        nothing: class of hands that show no letter, if the network has one.
    """
    classes = prototypes.features.shape[0]
    enrolled = np.unique(samples.classes)
    missing = np.setdiff1d(np.arange(classes), enrolled)
    count, per_letter = len(samples), len(samples) / len(enrolled)
    rows = np.concatenate([samples.features, swap_hands(samples.features), prototypes.features[missing]])
    probabilities = np.concatenate([samples.probabilities, samples.probabilities, prototypes.probabilities[missing]])
    own = np.concatenate([samples.classes, samples.classes, missing])
    weight = np.repeat([1.0, OTHER_HAND, per_letter], [count, count, len(missing)]).astype(np.float32)
    weight /= weight.sum()
    margin = np.repeat([MARGIN, MARGIN, 0.0], [count, count, len(missing)]).astype(np.float32)

    centre = weight @ rows
    spread = float(np.sqrt(((rows - centre) ** 2).mean())) or 1.0
    inputs = (rows - centre) / np.float32(spread)
    truth = np.eye(classes, dtype=np.float32)[own]
    dual = _minimise(inputs @ inputs.T + 1.0, _log(probabilities) - margin[:, None] * truth, truth, weight)
    weights = inputs.T @ dual / np.float32(spread)
    counts = np.zeros(classes, dtype=np.bool_)
    counts[enrolled] = counts[samples.probabilities.argmax(axis=1)] = True
    if nothing is not None:
        counts[nothing] = True
    return Correction(weights, dual.sum(axis=0) - centre @ weights, counts)


def _minimise(kernel: Floats, offsets: Floats, truth: Floats, weight: Floats) -> Floats:
    """Minimise the weighted cross-entropy of softmax(offsets + kernel @ dual) with a penalty on the dual's norm.

    Accelerated gradient descent in the space of functions, whose steps need the kernel only: Nesterov 1983; Beck and
    Teboulle 2009, https://doi.org/10.1137/080716542.

    Args:
        kernel: (R, R) products of the rows.
        offsets: (R, C) logits to start from.
        truth: (R, C) one-hot classes.
        weight: (R,) of each row, 1 together.

    Returns:
        (R, C).
    """
    root = np.sqrt(weight)
    steepest = 0.5 * float(np.linalg.eigvalsh(root[:, None] * kernel * root)[-1]) + PENALTY
    dual = ahead = np.zeros_like(offsets)
    momentum = 1.0
    for _ in range(ITERATIONS):
        slope = weight[:, None] * (_softmax(offsets + kernel @ ahead) - truth) + np.float32(PENALTY) * ahead
        before, dual = dual, ahead - slope / np.float32(steepest)
        following = (1.0 + (1.0 + 4.0 * momentum**2) ** 0.5) / 2.0
        ahead = dual + np.float32((momentum - 1.0) / following) * (dual - before)
        momentum = following
    return dual


def _log(probabilities: Floats) -> Floats:
    logarithms: Floats = np.log(np.maximum(probabilities, np.float32(LEAST_PROBABILITY)))
    return logarithms


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares
