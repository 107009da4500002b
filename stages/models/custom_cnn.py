"""CustomCNN: convolutions with channel attention in two branches; small enough for a laptop's processor."""

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
LANDMARK_WEIGHT = 100.0
"""Weight of the landmark error in the loss, relative to the cross-entropy of the letters."""
LANDMARK_BETA = 0.05
"""Landmark error above which the loss is linear and no longer quadratic, as a share of the mask's side."""
LANDMARK_SCALE = 18.0
"""Factor on the landmarks among the features, so that they vary twice as much as the others: a signer's own correction
is better for it (docs/your-hand.md)."""


class CustomCNN(nn.Module):
    """The mean of two branches, each with its own four convolutions: one on features, one on predicted landmarks.

    The two fail on different hands, so their mean recognises unseen signers better than either.
    """

    def __init__(self, classes: int, dropout: float) -> None:
        super().__init__()
        self.by_features = FeatureBranch(classes, dropout)
        self.by_landmarks = LandmarkBranch(classes, dropout)

    def early_layers(self) -> list[nn.Module]:
        """Layers that training may freeze at first: the convolutions of the first two blocks, not their attention."""
        blocks = (*self.by_features.blocks[:2], *self.by_landmarks.blocks[:2])
        return [layer for block in blocks for name, layer in block.named_children() if name != "attention"]

    def run_branches(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Map normalised masks (N, 3, S, S), S at least 56, to what the loss needs.

        Returns:
            Logits (N, classes) of the two branches, and the landmarks (N, 21, 2) as shares of the mask's side.
        """
        x = average_down(x)
        landmarks = self.by_landmarks.locate(x)
        return self.by_features(x), self.by_landmarks.classify(landmarks), landmarks

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        """Map normalised masks (N, 3, S, S), S at least 56, to features (N, 554).

        256 of each branch and, for a signer's own correction, the 21 landmarks that the network located.
        """
        x = average_down(x)
        hands = _normalise(self.by_landmarks.locate(x))
        features = [self.by_features.embed(x), self.by_landmarks.classifier.embed(hands)]
        return torch.cat([*features, LANDMARK_SCALE * hands[:, :, :2].flatten(1)], dim=1)

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (N, 554) to logits (N, classes)."""
        by_features, by_landmarks = features[:, :FEATURES], features[:, FEATURES : 2 * FEATURES]
        return (self.by_features.classify(by_features) + self.by_landmarks.classifier.classify(by_landmarks)) / 2.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map normalised masks (N, 3, S, S), S at least 56, to logits (N, classes)."""
        return self.classify(self.embed(x))

    def training_loss(
        self, masks: torch.Tensor, classes: torch.Tensor, landmarks: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute the cross-entropy of both branches and the error of the landmarks.

        Args:
            masks: (N, 3, S, S) normalised.
            classes: (N,) class indices.
            landmarks: (N, 21, 2) as shares of the mask's side; (N, 0, 2) if they are unknown.

        Returns:
            The loss, and the logits (N, C) float32.
        """
        by_features, by_landmarks, located = (each.float() for each in self.run_branches(masks))
        # Each branch has its own term: it must learn even from samples that the other one classifies correctly.
        loss = functional.cross_entropy(by_features, classes) + functional.cross_entropy(by_landmarks, classes)
        if landmarks.shape[1]:
            loss = loss + LANDMARK_WEIGHT * functional.smooth_l1_loss(located, landmarks, beta=LANDMARK_BETA)
        return loss, (by_features + by_landmarks) / 2.0


class FeatureBranch(nn.Module):
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

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        """Map small masks (N, 3, S, S) to features (N, 256)."""
        features: torch.Tensor = self.classifier[:-1](self.blocks(x))
        return features

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (N, 256) to logits (N, classes)."""
        logits: torch.Tensor = self.classifier[-1](features)
        return logits

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map small masks (N, 3, S, S) to logits (N, classes)."""
        return self.classify(self.embed(x))


class LandmarkBranch(nn.Module):
    """The same convolutions; the 21 landmarks are located in all their features, and a small MLP classifies them."""

    def __init__(self, classes: int, dropout: float) -> None:
        super().__init__()
        self.blocks = _blocks()
        self.maps = LandmarkMaps(WIDTHS)
        self.classifier = LandmarkMLP(classes, FEATURES, dropout)

    def locate(self, x: torch.Tensor) -> torch.Tensor:
        """Map small masks (N, 3, S, S) to landmarks (N, 21, 2), shares of the mask's side."""
        features = [x]
        for block in self.blocks:
            features.append(block(features[-1]))
        landmarks: torch.Tensor = self.maps(features[1:])
        return landmarks

    def classify(self, landmarks: torch.Tensor) -> torch.Tensor:
        """Map landmarks (N, 21, 2) to logits (N, classes)."""
        logits: torch.Tensor = self.classifier(_normalise(landmarks))
        return logits


def _normalise(landmarks: torch.Tensor) -> torch.Tensor:
    """Give landmarks (N, 21, 2) a depth of 0 and the extent that `normalise_landmarks` gives hands (N, 21, 3)."""
    return normalise_landmarks(functional.pad(landmarks, (0, 1)))


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
        weighted: torch.Tensor = self.attention(x, onto=self.pool(x))
        return weighted
