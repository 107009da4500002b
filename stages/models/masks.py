"""Masks as network input: uint8 pictures to normalised floats, the same in training and in the exported graph."""

from __future__ import annotations

import torch
from torch.nn import functional

from client.mask import MASK_SIZE

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Channel statistics that torchvision's weights were trained with (seed text, sections 4.4.1 and 4.5.4)."""
WORKING_SIZE = MASK_SIZE // 4
"""Side in pixels to which networks average masks down before anything else."""


def normalise(masks: torch.Tensor) -> torch.Tensor:
    """Turn masks (N, S, S, 3) uint8 RGB into (N, 3, S, S) float32.

    The transposition copies nothing: the result is channels_last in memory, which convolutions prefer.
    """
    mean = torch.tensor(IMAGENET_MEAN, device=masks.device)
    deviation = torch.tensor(IMAGENET_STD, device=masks.device)
    return ((masks.float() / 255.0 - mean) / deviation).permute(0, 3, 1, 2)


def average_down(x: torch.Tensor) -> torch.Tensor:
    """Average pictures (N, 3, S, S) over whole squares of pixels, down to no less than `WORKING_SIZE`.

    Strokes seven pixels wide on black carry the same information at a quarter of the size, for a fraction of the work.
    """
    factor = x.shape[-1] // WORKING_SIZE
    return functional.avg_pool2d(x, factor) if factor > 1 else x
