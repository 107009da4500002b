"""CustomResNet18: torchvision's ResNet18 with channel attention after its residual layers."""

from __future__ import annotations

import torch
from torch import nn
from torchvision.models import resnet18  # type: ignore[import-untyped]

from stages.models.attention import ChannelAttention
from stages.models.loss import cross_entropy_loss
from stages.models.masks import average_down

ATTENDED = {"layer2": 128, "layer3": 256, "layer4": 512}
"""Residual layers with attention and their widths; on layer1's large maps it costs more than it gains."""


class CustomResNet18(nn.Module):
    """ResNet18 with channel attention after residual layers, average pooling and a classifier of its own.

    Seed text, section 4.3.4; He et al. 2015, https://arxiv.org/abs/1512.03385. The backbone keeps torchvision's names,
    so that its weights load as they are.
    """

    def __init__(self, classes: int, dropout: float) -> None:
        super().__init__()
        backbone = resnet18(weights=None)
        self.conv1, self.bn1, self.relu, self.maxpool = backbone.conv1, backbone.bn1, backbone.relu, backbone.maxpool
        self.layer1, self.layer2 = backbone.layer1, backbone.layer2
        self.layer3, self.layer4 = backbone.layer3, backbone.layer4
        self.attention = nn.ModuleDict({name: ChannelAttention(width) for name, width in ATTENDED.items()})
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(ATTENDED["layer4"], classes))

    def early_layers(self) -> list[nn.Module]:
        """Layers that training may freeze at first: all before the second residual layer."""
        return [self.conv1, self.bn1, self.layer1]

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        """Map normalised masks (N, 3, S, S), S at least 32, to features (N, 512)."""
        x = average_down(x)
        x = self.layer1(self.maxpool(self.relu(self.bn1(self.conv1(x)))))
        x = self.attention["layer2"](self.layer2(x))
        x = self.attention["layer3"](self.layer3(x))
        x = self.attention["layer4"](self.layer4(x))
        return x.mean(dim=(2, 3))

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (N, 512) to logits (N, classes)."""
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
