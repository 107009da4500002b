"""The learning rate over phases of different image sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stages.params import Phase


def steps_of(schedule: Sequence[Phase], batch_size: int, epochs: int) -> int:
    """Count the steps of the first epochs of a schedule."""
    batches = [phase.batches(batch_size) for phase in schedule for _ in range(phase.epochs)]
    return sum(batches[:epochs])


def lr_shares(schedule: Sequence[Phase], batch_size: int, warmup: float) -> npt.NDArray[np.float64]:
    """Share of the highest learning rate at each step: a linear rise, then half a cosine down to 0.

    The curve runs over the pixels seen and not over the steps: a phase of few but large masks would otherwise begin
    when the learning rate is all but 0, too late for a network to get used to the new size.

    Args:
        schedule: phases of training.
        batch_size: samples in a step.
        warmup: share of all pixels in which the learning rate rises.

    Returns:
        (steps,) in (0, 1].
    """
    pixels = np.concatenate(
        [np.full(phase.epochs * phase.batches(batch_size), float(phase.image_size) ** 2) for phase in schedule]
    )
    done = (np.cumsum(pixels) - pixels / 2.0) / pixels.sum()
    falling = 0.5 + 0.5 * np.cos(np.pi * np.clip((done - warmup) / (1.0 - warmup), 0.0, 1.0))
    return np.where(done < warmup, done / max(warmup, 1e-9), falling)
