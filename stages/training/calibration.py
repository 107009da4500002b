"""What a trained network says to the validation split before any temperature."""

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


def view_logits(network: torch.nn.Module, split: Split, batch_size: int) -> npt.NDArray[np.float32]:
    """Let a network read the masks of a split and their mirror images, at the size that it is served with.

    Args:
        network: maps normalised masks (N, 3, S, S) to logits (N, C).
        split: N samples.
        batch_size: masks held at a time.

    Returns:
        (2, N, C) logits: of the masks, and of their mirror images.
    """
    network.eval().cpu()
    batches = ValidationBatches(split, image_size=MASK_SIZE, batch_size=batch_size)
    views = []
    with torch.inference_mode():
        for number in tqdm(range(len(batches)), desc="calibrate", unit="batch"):
            pictures = normalise(torch.from_numpy(batches[number][0]))
            views.append(torch.stack([network(pictures), network(pictures.flip(3))]))
    return torch.cat(views, dim=1).float().numpy()
