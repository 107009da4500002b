"""LandmarkMaps: the network's own prediction of where the 21 landmarks of a hand lie in its mask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

LANDMARKS = 21


class LandmarkMaps(nn.Module):
    """A heat map for each landmark, summed over feature maps of every resolution, and its centre of mass.

    Integral pose regression, Sun et al. 2018, https://arxiv.org/abs/1711.08229.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        """Take feature maps with so many channels each."""
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(width, LANDMARKS, kernel_size=1, bias=False) for width in widths)

    def forward(self, features: Sequence[torch.Tensor]) -> torch.Tensor:
        """Map features (N, C, S, S), the finest first, to (N, 21, 2): x and y as shares of the mask's side."""
        side = features[0].shape[-1]
        finest, *coarser = (layer(each).float() for layer, each in zip(self.layers, features, strict=True))
        heat = finest
        for each in coarser:
            heat = heat + functional.interpolate(each, size=(side, side), mode="bilinear", align_corners=False)
        shares = torch.softmax(heat.flatten(2), dim=2).view_as(heat)
        middles = (torch.arange(side, device=heat.device) + 0.5) / side
        return torch.stack([(shares.sum(dim=axis) * middles).sum(dim=2) for axis in (2, 3)], dim=2)
