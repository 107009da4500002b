"""CustomCNN: four convolutions with channel attention, small enough for a laptop's processor."""

from __future__ import annotations

import torch
from torch import nn

from stages.models.attention import ChannelAttention
from stages.models.masks import average_down

WIDTHS = (32, 64, 128, 256)
GRID = 4
"""Side of the last feature map: fixed, so that the first linear layer stays small at any input size."""


class CustomCNN(nn.Module):
    """Four times convolution, batch norm, ReLU, channel attention, max-pool; then fully connected layers with dropout.

    Seed text, section 4.3.2.
    """

    def __init__(self, classes: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(Block(before, after) for before, after in zip((3, *WIDTHS[:-1]), WIDTHS, strict=True))
        )
        self.grid = nn.AdaptiveAvgPool2d(GRID)
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(WIDTHS[-1] * GRID * GRID, 256),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(256, classes),
        )

    def early_layers(self) -> list[nn.Module]:
        """Layers that training may freeze at first: the convolutions of the first two blocks, not their attention."""
        return [layer for block in self.blocks[:2] for name, layer in block.named_children() if name != "attention"]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map normalised masks (N, 3, S, S), S at least 56, to logits (N, classes)."""
        features: torch.Tensor = self.blocks(average_down(x))
        logits: torch.Tensor = self.classifier(self.grid(features))
        return logits


class Block(nn.Module):
    """Convolution, batch norm, ReLU, channel attention, max-pool: (N, before, S, S) to (N, after, S/2, S/2)."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(before, after, kernel_size=3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(after)
        self.attention = ChannelAttention(after)
        self.pool = nn.MaxPool2d(2, ceil_mode=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the next feature maps."""
        x = torch.relu(self.norm(self.convolution(x)))
        # The weights are positive, so pooling first gives the same maps for a quarter of the multiplications.
        weighed: torch.Tensor = self.attention(x, onto=self.pool(x))
        return weighed
