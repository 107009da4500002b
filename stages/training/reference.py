"""Training of the reference network: half a minute on one core, so a plain loop without checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional
from tqdm import tqdm

from stages.data.augmentation import augment_landmarks
from stages.models.landmark_mlp import LandmarkMLP, mirror, normalise_landmarks

if TYPE_CHECKING:
    import numpy.typing as npt

    from stages.params import Augment, Reference


def fit_reference(
    landmarks: npt.NDArray[np.float32],
    classes: npt.NDArray[np.int64],
    labels: int,
    params: Reference,
    augment: Augment,
) -> LandmarkMLP:
    """Train on hands with new augmentation in every batch.

    Args:
        landmarks: (N, 21, 3) pixels.
        classes: (N,) class indices.
        labels: number of classes, the width of the logits.
        params: width and schedule.
        augment: random changes to each sample.
    """
    torch.manual_seed(params.seed)
    rng = np.random.default_rng(params.seed)
    network = LandmarkMLP(labels, params.width, params.dropout).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=params.lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=params.lr, total_steps=params.steps)
    for _ in tqdm(range(params.steps), desc="reference", unit="step"):
        rows = rng.integers(len(landmarks), size=params.batch_size)
        hands = normalise_landmarks(torch.from_numpy(augment_landmarks(landmarks[rows], augment, rng)))
        loss = functional.cross_entropy(network(hands), torch.from_numpy(classes[rows]))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return network.eval()


def mirrored_logits(network: LandmarkMLP, landmarks: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Run the reference network on hands (N, 21, 3) and on their mirror images: logits (2, N, C)."""
    hands = normalise_landmarks(torch.from_numpy(landmarks))
    with torch.inference_mode():
        return torch.stack([network(hands), network(mirror(hands))]).numpy()
