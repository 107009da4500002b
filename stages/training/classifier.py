"""One network in training: loss, optimiser, learning rate and the history of its epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import LightningModule
from torch.nn import functional

from stages.models.masks import normalise
from stages.training.muon import Muon
from stages.training.precision import use_bfloat16

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from stages.models.build import Network
    from stages.params import Phase

Row = dict[str, float]


class Classifier(LightningModule):
    """A network with its loss and Muon, whose learning rate follows a curve (seed text, section 4.4.2).

    Epochs belong to phases, each with its own image size and precision. The early layers may be frozen in the first
    epochs (section 4.4.7); channel attention never is.
    """

    def __init__(
        self,
        network: Network,
        phases: list[Phase],
        *,
        lr: float,
        shares: npt.NDArray[np.float64],
        early_layers: Sequence[torch.nn.Module] = (),
        frozen_epochs: int = 0,
    ) -> None:
        """Wrap a network.

        Args:
            network: maps normalised masks (N, 3, S, S) to logits (N, C).
            phases: the phase of each epoch.
            lr: peak learning rate.
            shares: (steps,) shares of it.
            early_layers: layers that are frozen in the first epochs, their batch norm statistics included.
            frozen_epochs: how many epochs that is.
        """
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)
        self.phases = phases
        self.history: list[Row] = []
        self._lr, self._shares = lr, shares
        self._early_layers, self._frozen_epochs = list(early_layers), frozen_epochs
        self._rng_states: list[torch.Tensor] = []

    @property
    def phase(self) -> Phase:
        """Phase of the current epoch."""
        return self.phases[self.current_epoch]

    @property
    def at_served_size(self) -> bool:
        """Whether the current epoch has the image size in use: only those validation accuracies are comparable."""
        return self.phase.image_size == self.phases[-1].image_size

    def forward(self, masks: torch.Tensor) -> torch.Tensor:
        """Map masks (N, S, S, 3) uint8 to logits (N, C) float32, computed in bfloat16 if that is faster."""
        with self._precision(masks):
            logits: torch.Tensor = self.network(normalise(masks))
        return logits.float()

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor, torch.Tensor], _: int) -> torch.Tensor:
        """Return the loss of a batch."""
        masks, classes, landmarks = batch
        with self._precision(masks):
            loss, logits = self.network.training_loss(normalise(masks), classes, landmarks)
        self._score("train", logits, classes)
        return loss

    def validation_step(self, batch: tuple[torch.Tensor, torch.Tensor], _: int) -> None:
        """Score a batch of the validation split."""
        masks, classes = batch
        self._score("val", self(masks), classes)

    def _precision(self, masks: torch.Tensor) -> torch.autocast:
        device = masks.device.type
        return torch.autocast(device, torch.bfloat16, enabled=use_bfloat16(device, self.phase.precision))

    def _score(self, name: str, logits: torch.Tensor, classes: torch.Tensor) -> None:
        self.log_dict(
            {
                f"{name}_loss": functional.cross_entropy(logits, classes),
                f"{name}_accuracy": (logits.argmax(dim=1) == classes).float().mean(),
            },
            on_step=False,
            on_epoch=True,
            prog_bar=True,
            batch_size=len(classes),
            sync_dist=name == "train",  # every process validates on the whole split
        )

    def on_train_epoch_start(self) -> None:
        """Freeze or unfreeze the early layers; restore the RNG state of a run that was interrupted."""
        if self._rng_states:
            torch.set_rng_state(self._rng_states[0])
            torch.cuda.set_rng_state_all(self._rng_states[1:])
            self._rng_states = []
        free = self.current_epoch >= self._frozen_epochs
        for layer in self._early_layers:
            layer.requires_grad_(free).train(free)

    def on_train_epoch_end(self) -> None:
        """Add the epoch to the history; validation has run by now."""
        scores = self.trainer.callback_metrics
        self.history.append(
            {
                "epoch": self.current_epoch,
                "image_size": self.phase.image_size,
                "lr": self.trainer.optimizers[0].param_groups[0]["lr"],
                **{
                    f"{name}_{score}": float(scores[f"{name}_{score}"]) for name in ("train", "val") for score in SCORES
                },
            }
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save history and RNG states with the weights: a resumed run ends as if it had never stopped."""
        checkpoint["history"] = self.history
        checkpoint["rng_states"] = [torch.get_rng_state(), *torch.cuda.get_rng_state_all()]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore both."""
        self.history = checkpoint["history"]
        self._rng_states = [state.cpu() for state in checkpoint.get("rng_states", [])]

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - Lightning's own union of shapes
        """Muon, with a new learning rate at each step."""
        optimiser = Muon(self.network, self._lr)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, self._share)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _share(self, step: int) -> float:
        return float(self._shares[min(step, len(self._shares) - 1)])


SCORES = ("loss", "accuracy")
