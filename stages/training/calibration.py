"""Logits of a trained network on the validation split, before any temperature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from tqdm import tqdm

from client.mask import MASK_SIZE
from stages.data.loader import ValidationBatches
from stages.models.masks import normalise

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from stages.data.processed import Split


def mirrored_logits(network: torch.nn.Module, split: Split, batch_size: int) -> npt.NDArray[np.float32]:
    """Run a network on the masks of a split and on their mirror images, at the size that it is served with.

    Args:
        network: maps normalised masks (N, 3, S, S) to logits (N, C).
        split: N samples.
        batch_size: masks held at a time.

    Returns:
        (2, N, C) logits of the masks and of their mirror images.
    """
    network.eval().cpu()
    batches = ValidationBatches(split, image_size=MASK_SIZE, batch_size=batch_size)
    logits = []
    with torch.inference_mode():
        for number in tqdm(range(len(batches)), desc="calibrate", unit="batch"):
            masks = normalise(torch.from_numpy(batches[number][0]))
            logits.append(torch.stack([network(masks), network(masks.flip(3))]))
    return torch.cat(logits, dim=1).float().numpy()
