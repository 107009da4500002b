"""CustomCNN: convolutions with channel attention, read in two ways; small enough for a laptop's processor."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from stages.models.attention import ChannelAttention
from stages.models.landmark_maps import LandmarkMaps
from stages.models.landmark_mlp import LandmarkMLP, normalise_landmarks
from stages.models.masks import average_down

WIDTHS = (32, 64, 128, 256)
GRID = 4
"""Side of the last feature map: fixed, so that the first linear layer stays small at any input size."""
FEATURES = 256
"""Width of each fully connected layer before the last."""


class CustomCNN(nn.Module):
    """The mean of two readings, each with four convolutions of its own: by features, and by landmarks found again.

    The two err on other hands, so their mean reads strangers better than either.
    """

    def __init__(self, classes: int, dropout: float) -> None:
        super().__init__()
        self.by_features = FeatureReader(classes, dropout)
        self.by_landmarks = LandmarkReader(classes, dropout)

    def early_layers(self) -> list[nn.Module]:
        """Layers that training may freeze at first: the convolutions of the first two blocks, not their attention."""
        blocks = (*self.by_features.blocks[:2], *self.by_landmarks.blocks[:2])
        return [layer for block in blocks for name, layer in block.named_children() if name != "attention"]

    def read(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Map normalised masks (N, 3, S, S), S at least 56, to what training needs.

        Returns:
            Logits (N, classes) by features and by landmarks, and the landmarks (N, 21, 2), shares of the mask's side.
        """
        x = average_down(x)
        landmarks = self.by_landmarks.find(x)
        return self.by_features(x), self.by_landmarks.read(landmarks), landmarks

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map normalised masks (N, 3, S, S), S at least 56, to logits (N, classes)."""
        by_features, by_landmarks, _ = self.read(x)
        return (by_features + by_landmarks) / 2.0


class FeatureReader(nn.Module):
    """Four times convolution, batch norm, ReLU, channel attention, max-pool; then fully connected layers with dropout.

    Seed text, section 4.3.2.
    """

    def __init__(self, classes: int, dropout: float) -> None:
        super().__init__()
        self.blocks = _blocks()
        self.classifier = nn.Sequential(
            nn.AdaptiveAvgPool2d(GRID),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(WIDTHS[-1] * GRID * GRID, FEATURES),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(FEATURES, classes),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map small masks (N, 3, S, S) to logits (N, classes)."""
        logits: torch.Tensor = self.classifier(self.blocks(x))
        return logits


class LandmarkReader(nn.Module):
    """The same convolutions; then the 21 landmarks are found in all their features, and a small MLP reads those."""

    def __init__(self, classes: int, dropout: float) -> None:
        super().__init__()
        self.blocks = _blocks()
        self.maps = LandmarkMaps(WIDTHS)
        self.classifier = LandmarkMLP(classes, FEATURES, dropout)

    def find(self, x: torch.Tensor) -> torch.Tensor:
        """Map small masks (N, 3, S, S) to landmarks (N, 21, 2), shares of the mask's side."""
        features = [x]
        for block in self.blocks:
            features.append(block(features[-1]))
        landmarks: torch.Tensor = self.maps(features[1:])
        return landmarks

    def read(self, landmarks: torch.Tensor) -> torch.Tensor:
        """Map landmarks (N, 21, 2) to logits (N, classes)."""
        logits: torch.Tensor = self.classifier(normalise_landmarks(functional.pad(landmarks, (0, 1))))
        return logits


def _blocks() -> nn.Sequential:
    return nn.Sequential(*(Block(before, after) for before, after in zip((3, *WIDTHS[:-1]), WIDTHS, strict=True)))


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
