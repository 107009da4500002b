"""LandmarkMLP: the reference network, whose input is landmarks instead of a picture of them."""

from __future__ import annotations

import torch
from torch import nn

COORDINATES = 21 * 3
DEPTH = 0.0
"""Weight of z: synthetic depth differs from the detector's estimate, and cost five points on unseen signers."""


class LandmarkMLP(nn.Module):
    """Three times linear, batch norm, ReLU, dropout; then a linear layer to the logits."""

    def __init__(self, classes: int, width: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        for before in (COORDINATES, width, width):
            layers += [nn.Linear(before, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(width, classes))

    def embed(self, hands: torch.Tensor) -> torch.Tensor:
        """Map normalised landmarks (N, 21, 3) to features (N, width)."""
        features: torch.Tensor = self.layers[:-1](hands)
        return features

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (N, width) to logits (N, classes)."""
        logits: torch.Tensor = self.layers[-1](features)
        return logits

    def forward(self, hands: torch.Tensor) -> torch.Tensor:
        """Map normalised landmarks (N, 21, 3) to logits (N, classes)."""
        return self.classify(self.embed(hands))


def normalise_landmarks(landmarks: torch.Tensor) -> torch.Tensor:
    """Centre hands (N, 21, 3) on 0, give them an extent of 1 (the larger of width and height), and flatten them."""
    low, high = landmarks.amin(dim=1, keepdim=True), landmarks.amax(dim=1, keepdim=True)
    extent = (high - low)[..., :2].amax(dim=2, keepdim=True).clamp(min=1e-6)
    weights = torch.tensor([1.0, 1.0, DEPTH], device=landmarks.device)
    return (landmarks - (low + high) / 2) / extent * weights


def mirror(hands: torch.Tensor) -> torch.Tensor:
    """Turn right hands (N, 21, 3) into left ones, and left ones into right ones."""
    return hands * torch.tensor([-1.0, 1.0, 1.0], device=hands.device)
