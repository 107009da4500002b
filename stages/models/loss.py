"""The loss that networks without landmarks are trained with."""

from __future__ import annotations

import torch
from torch.nn import functional


def cross_entropy_loss(logits: torch.Tensor, classes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the mean cross-entropy of logits (N, C) and classes (N,), and the logits as float32."""
    logits = logits.float()
    return functional.cross_entropy(logits, classes), logits
