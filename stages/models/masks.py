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
    return _standardise(masks.float().permute(0, 3, 1, 2))


def normalise_small(masks: torch.Tensor) -> torch.Tensor:
    """Turn masks (N, S, S, 3) uint8 RGB into (N, 3, S', S') float32, averaged down as networks do it first of all.

    The same as `average_down(normalise(masks))`, in a third of the time: only the small picture is normalised.
    """
    return _standardise(average_down(masks.float().permute(0, 3, 1, 2)))


def _standardise(pictures: torch.Tensor) -> torch.Tensor:
    """Scale pictures (N, 3, S, S) from 0-255 to the statistics that torchvision's weights were trained with."""
    mean = torch.tensor(IMAGENET_MEAN, device=pictures.device).view(3, 1, 1)
    deviation = torch.tensor(IMAGENET_STD, device=pictures.device).view(3, 1, 1)
    return (pictures / 255.0 - mean) / deviation


def average_down(x: torch.Tensor) -> torch.Tensor:
    """Average pictures (N, 3, S, S) over whole squares of pixels, down to no less than `WORKING_SIZE`.

    Strokes seven pixels wide on black carry the same information at a quarter of the size, for a fraction of the work.
    """
    factor = x.shape[-1] // WORKING_SIZE
    return functional.avg_pool2d(x, factor) if factor > 1 else x
