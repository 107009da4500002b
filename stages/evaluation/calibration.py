"""Calibration: one temperature that makes stated confidence fit the accuracy reached on the validation samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import optimize, special  # type: ignore[import-untyped]

from stages.evaluation.scores import cross_entropy

if TYPE_CHECKING:
    import numpy.typing as npt

    Logits = npt.NDArray[np.floating[Any]]

TEMPERATURES: Final = (0.2, 5.0)
"""Range of the search: on few samples, all classified correctly, the best temperature would be 0."""


def mean_with_mirror(logits: Logits, temperature: float) -> npt.NDArray[np.float64]:
    """Compute what the exported graph does: the mean of softmax(logits / temperature) over a mask and its mirror image.

    Args:
        logits: (V, N, C): of the masks, and of their mirror images.
        temperature: above 0. It never changes the letter that both agree on; if they disagree, it may shift the balance
            between them.

    Returns:
        (N, C) probabilities.
    """
    probabilities = special.softmax(logits.astype(np.float64) / temperature, axis=2)
    return np.asarray(probabilities.mean(axis=0))


def fit_temperature(logits: Logits, classes: npt.NDArray[np.integer[Any]]) -> float:
    """Find the temperature with the least cross-entropy (Guo et al. 2017, https://arxiv.org/abs/1706.04599, section 4).

    Args:
        logits: (V, N, C) of N samples that the network did not learn from, and of their mirror images.
        classes: (N,) true class indices.

    Returns:
        A temperature within `TEMPERATURES`; 1 if none is better.
    """

    def loss(log_temperature: float) -> float:
        return cross_entropy(mean_with_mirror(logits, float(np.exp(log_temperature))), classes)

    found = optimize.minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x)) if found.fun < loss(0.0) else 1.0
