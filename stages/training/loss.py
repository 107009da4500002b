"""What training makes small: the error in letters and, for a network that finds landmarks, in those."""

from __future__ import annotations

import torch
from torch.nn import functional

from stages.models.custom_cnn import CustomCNN

LANDMARK_WEIGHT = 100.0
"""Weight of the error in landmarks, beside the cross-entropy of the letters."""
LANDMARK_BETA = 0.05
"""Error from which on it counts in full and no longer by its square, a share of the mask's side."""


def training_loss(
    network: torch.nn.Module, masks: torch.Tensor, classes: torch.Tensor, landmarks: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Let a network read a batch.

    Args:
        network: maps normalised masks to logits.
        masks: (N, 3, S, S) normalised.
        classes: (N,) class indices.
        landmarks: (N, 21, 2) where they lie in the mask, as shares of its side; (N, 0, 2) where that is unknown.

    Returns:
        The loss, and the logits (N, C) float32.
    """
    if not isinstance(network, CustomCNN):
        logits = network(masks).float()
        return functional.cross_entropy(logits, classes), logits
    by_features, by_landmarks, found = (each.float() for each in network.read(masks))
    # Each reading learns for itself: where one is right already, the other still has to be.
    loss = functional.cross_entropy(by_features, classes) + functional.cross_entropy(by_landmarks, classes)
    if landmarks.shape[1]:
        loss = loss + LANDMARK_WEIGHT * functional.smooth_l1_loss(found, landmarks, beta=LANDMARK_BETA)
    return loss, (by_features + by_landmarks) / 2.0
