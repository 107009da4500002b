"""Training of the trail network: a minute or two on two cores, so a plain loop without checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from tqdm import tqdm

from stages.data.trails import TRAIL_CLASSES, draw_augmented, draw_trails
from stages.models.masks import normalise
from stages.training.precision import use_bfloat16
from stages.training.weights import start_network

if TYPE_CHECKING:
    import numpy.typing as npt

    from stages.data.trails import Trails
    from stages.models.build import Network
    from stages.params import Trail

WEIGHT_DECAY = 0.01
REPORT = 50
"""Steps that a row of the history is the mean of."""


def fit_trail(trails: Trails, params: Trail) -> tuple[Network, list[dict[str, float]]]:
    """Train on trails with new augmentation in every batch; the network also learns where the paths lie.

    Args:
        trails: what to learn from.
        params: architecture, schedule and augmentation.

    Returns:
        The network, ready to predict, and the loss for every `REPORT` steps.
    """
    torch.manual_seed(params.seed)
    rng = np.random.default_rng(params.seed)
    network, _ = start_network(params.architecture, params.init, TRAIL_CLASSES, params.dropout)
    network.train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=params.lr, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=params.lr, total_steps=params.steps)
    losses: list[float] = []
    for _ in tqdm(range(params.steps), desc="trail", unit="step"):
        rows = rng.integers(len(trails), size=params.batch_size)
        pictures, places = draw_augmented(trails, rows, params.image_size, params, rng)
        inputs = normalise(torch.from_numpy(pictures)).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=use_bfloat16("cpu", "bf16")):
            loss, _ = network.training_loss(inputs, torch.from_numpy(trails.classes[rows]), torch.from_numpy(places))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
    history = [
        {"step": float(start + REPORT), "loss": float(np.mean(losses[start : start + REPORT]))}
        for start in range(0, len(losses) - REPORT + 1, REPORT)
    ]
    return network.eval(), history


def trail_logits(network: Network, trails: Trails, batch_size: int) -> npt.NDArray[np.float32]:
    """Run a network on trails and on their mirror images at full size: logits (2, N, 3)."""
    logits = []
    with torch.inference_mode():
        for start in tqdm(range(0, len(trails), batch_size), desc="calibrate", unit="batch"):
            rows = np.arange(start, min(start + batch_size, len(trails)))
            pictures = normalise(torch.from_numpy(draw_trails(trails, rows)))
            logits.append(torch.stack([network(pictures), network(pictures.flip(3))]))
    return torch.cat(logits, dim=1).float().numpy()
