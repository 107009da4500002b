"""The validation accuracy of each epoch, told to whoever asked while a network still trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightning.pytorch.callbacks import Callback

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightning.pytorch import LightningModule, Trainer


class EpochReports(Callback):
    """Calls `report(epoch, accuracy)` after each validation; what it raises ends the training."""

    def __init__(self, report: Callable[[int, float], None]) -> None:
        self._report = report

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Tell the epoch's accuracy."""
        self._report(pl_module.current_epoch, float(trainer.callback_metrics["val_accuracy"]))
