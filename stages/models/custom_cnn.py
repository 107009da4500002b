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
FEATURE_SHARE = 0.3
"""Share of the head by features in the logits and in the loss; the one by landmarks is better on unseen signers."""
LANDMARK_WEIGHT = 100.0
"""Weight of the landmark error in the loss, relative to the cross-entropy of the letters."""
LANDMARK_BETA = 0.05
"""Landmark error above which the loss is linear and no longer quadratic, as a share of the mask's side."""
LANDMARK_SCALE = 18.0
"""Factor on the landmarks among the features, so that they vary twice as much as the others: a signer's own correction
is better for it (docs/your-hand.md)."""


class CustomCNN(nn.Module):
    """Convolutions with channel attention, read in two ways: their features, and the landmarks that they locate.

    The two heads fail on different hands, so their weighted mean recognises unseen signers better than either.
    """

    def __init__(self, classes: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            Block(before, after) for before, after in zip((3, *WIDTHS[:-1]), WIDTHS, strict=True)
        )
        self.maps = LandmarkMaps(WIDTHS)
        self.by_features = FeatureHead(classes, dropout)
        self.by_landmarks = LandmarkMLP(classes, FEATURES, dropout)

    def early_layers(self) -> list[nn.Module]:
        """Layers that training may freeze at first: the convolutions of the first two blocks, not their attention."""
        return [layer for block in self.blocks[:2] for name, layer in block.named_children() if name != "attention"]

    def see(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Map normalised masks (N, 3, S, S), S at least 56, to what the two heads read.

        Returns:
            The last feature maps (N, 256, 4, 4), and the landmarks (N, 21, 2) as shares of the mask's side.
        """
        x = average_down(x)
        maps = []
        for block in self.blocks:
            x = block(x)
            maps.append(x)
        landmarks: torch.Tensor = self.maps(maps)
        return x, landmarks

    def run_heads(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Map normalised masks (N, 3, S, S), S at least 56, to what the loss needs.

        Returns:
            Logits (N, classes) of the two heads, and the landmarks (N, 21, 2) as shares of the mask's side.
        """
        maps, landmarks = self.see(x)
        return self.by_features(maps), self.by_landmarks(_normalise(landmarks)), landmarks

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        """Map normalised masks (N, 3, S, S), S at least 56, to features (N, 554).

        256 of each head and, for a signer's own correction, the 21 landmarks that the network located.
        """
        maps, landmarks = self.see(x)
        hands = _normalise(landmarks)
        features = [self.by_features.embed(maps), self.by_landmarks.embed(hands)]
        return torch.cat([*features, LANDMARK_SCALE * hands[:, :, :2].flatten(1)], dim=1)

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (N, 554) to logits (N, classes)."""
        by_features, by_landmarks = features[:, :FEATURES], features[:, FEATURES : 2 * FEATURES]
        return _mean(self.by_features.classify(by_features), self.by_landmarks.classify(by_landmarks))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map normalised masks (N, 3, S, S), S at least 56, to logits (N, classes)."""
        return self.classify(self.embed(x))

    def training_loss(
        self, masks: torch.Tensor, classes: torch.Tensor, landmarks: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute the cross-entropy of both heads and the error of the landmarks.

        Args:
            masks: (N, 3, S, S) normalised.
            classes: (N,) class indices.
            landmarks: (N, 21, 2) as shares of the mask's side; (N, 0, 2) if they are unknown.

        Returns:
            The loss, and the logits (N, C) float32.
        """
        by_features, by_landmarks, located = (each.float() for each in self.run_heads(masks))
        # Each head has its own term: it must learn even from samples that the other one classifies correctly.
        losses = functional.cross_entropy(by_features, classes), functional.cross_entropy(by_landmarks, classes)
        loss = 2.0 * _mean(*losses)
        if landmarks.shape[1]:
            loss = loss + LANDMARK_WEIGHT * functional.smooth_l1_loss(located, landmarks, beta=LANDMARK_BETA)
        return loss, _mean(by_features, by_landmarks)


class FeatureHead(nn.Module):
    """Fully connected layers with dropout on the last feature maps (seed text, section 4.3.2)."""

    def __init__(self, classes: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.AdaptiveAvgPool2d(GRID),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(WIDTHS[-1] * GRID * GRID, FEATURES),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(FEATURES, classes),
        )

    def embed(self, maps: torch.Tensor) -> torch.Tensor:
        """Map feature maps (N, 256, S, S) to features (N, 256)."""
        features: torch.Tensor = self.layers[:-1](maps)
        return features

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (N, 256) to logits (N, classes)."""
        logits: torch.Tensor = self.layers[-1](features)
        return logits

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Map feature maps (N, 256, S, S) to logits (N, classes)."""
        return self.classify(self.embed(maps))


def _mean(by_features: torch.Tensor, by_landmarks: torch.Tensor) -> torch.Tensor:
    """Weigh the logits, or the losses, of the two heads."""
    return FEATURE_SHARE * by_features + (1.0 - FEATURE_SHARE) * by_landmarks


def _normalise(landmarks: torch.Tensor) -> torch.Tensor:
    """Give landmarks (N, 21, 2) a depth of 0 and the extent that `normalise_landmarks` gives hands (N, 21, 3)."""
    return normalise_landmarks(functional.pad(landmarks, (0, 1)))


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
