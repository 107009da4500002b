"""CustomMobileNetV2: torchvision's MobileNetV2 with channel attention after the last block of each stage."""

from __future__ import annotations

import torch
from torch import nn
from torchvision.models import mobilenet_v2  # type: ignore[import-untyped]

from stages.models.attention import ChannelAttention
from stages.models.loss import cross_entropy_loss
from stages.models.masks import average_down

ATTENDED = {3: 24, 6: 32, 10: 64, 13: 96, 16: 160, 18: 1280}
"""Index in torchvision's `features` of each attended block, and its true width."""


class CustomMobileNetV2(nn.Module):
    """MobileNetV2 with channel attention, global average pooling and a classifier with dropout.

    Seed text, section 4.3.3; Sandler et al. 2018, https://arxiv.org/abs/1801.04381. The backbone keeps torchvision's
    names, so that its weights load as they are.
    """

    def __init__(self, classes: int, dropout: float) -> None:
        super().__init__()
        self.features = mobilenet_v2(weights=None).features
        self.attention = nn.ModuleDict({str(index): ChannelAttention(width) for index, width in ATTENDED.items()})
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(ATTENDED[18], classes))

    def early_layers(self) -> list[nn.Module]:
        """Layers that training may freeze at first: the blocks up to 32 channels, not their attention."""
        return list(self.features[:7])

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        """Map normalised masks (N, 3, S, S), S at least 32, to features (N, 1280)."""
        x = average_down(x)
        for index, block in enumerate(self.features):
            x = block(x)
            if index in ATTENDED:
                x = self.attention[str(index)](x)
        return x.mean(dim=(2, 3))

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (N, 1280) to logits (N, classes)."""
        logits: torch.Tensor = self.classifier(features)
        return logits

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map normalised masks (N, 3, S, S), S at least 32, to logits (N, classes)."""
        return self.classify(self.embed(x))

    def training_loss(
        self, masks: torch.Tensor, classes: torch.Tensor, _landmarks: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute the cross-entropy of masks (N, 3, S, S) and classes (N,); return it and the logits (N, C)."""
        return cross_entropy_loss(self(masks), classes)
