"""Channel attention: a learned weight for each channel, computed from the whole picture."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class ChannelAttention(nn.Module):
    """Squeeze-and-excitation over channels.

    Global average pool, 1x1 convolution to C/8, ReLU, 1x1 convolution back to C, sigmoid, multiply (seed text, sections
    2.3.1 and 4.3.1; Hu et al. 2018, https://arxiv.org/abs/1709.01507).
    """

    def __init__(self, channels: int, reduction: int = 8) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.squeeze = nn.Conv2d(channels, hidden, kernel_size=1)
        self.excite = nn.Conv2d(hidden, channels, kernel_size=1)

    def forward(self, x: torch.Tensor, onto: torch.Tensor | None = None) -> torch.Tensor:
        """Weight the channels of feature maps (N, C, H, W) by their own content; the shape stays.

        With `onto`, maps (N, C, H', W') computed from `x`, those are weighted instead.
        """
        # Not `mean`: its gradient is not channels_last, and adding it to the maps' own took a fifth of a training step.
        pooled = functional.avg_pool2d(x, x.shape[-2:])
        weights = torch.sigmoid(self.excite(torch.relu(self.squeeze(pooled))))
        return (x if onto is None else onto) * weights
