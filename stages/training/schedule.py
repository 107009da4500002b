"""The learning rate over phases of different image sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stages.params import Phase


def lr_shares(phases: Sequence[Phase], batch_size: int, warmup: float) -> npt.NDArray[np.float64]:
    """Share of the peak learning rate at each step: a linear rise, then half a cosine down to 0.

    The curve runs over pixels instead of steps: otherwise a phase of few but large masks would begin when the learning
    rate is almost 0, too late for a network to adapt to the new size.

    Args:
        phases: the phase of each epoch.
        batch_size: samples in a step.
        warmup: share of all pixels in which the learning rate rises.

    Returns:
        (steps,) in (0, 1].
    """
    pixels = np.concatenate([np.full(phase.batches(batch_size), float(phase.image_size) ** 2) for phase in phases])
    done = (np.cumsum(pixels) - pixels / 2.0) / pixels.sum()
    falling = 0.5 + 0.5 * np.cos(np.pi * np.clip((done - warmup) / (1.0 - warmup), 0.0, 1.0))
    return np.where(done < warmup, done / max(warmup, 1e-9), falling)
