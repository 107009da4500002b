"""What a training tells about itself: the validation accuracy of each epoch while it still runs, and its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightning.pytorch.callbacks import Callback, Timer, TQDMProgressBar

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightning.pytorch import LightningModule, Trainer


class EpochReports(Callback):
    """Calls `report(epoch, accuracy)` after each validation; an exception from it ends the training."""

    def __init__(self, report: Callable[[int, float], None]) -> None:
        self._report = report

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report the epoch's accuracy."""
        self._report(pl_module.current_epoch, float(trainer.callback_metrics["val_accuracy"]))

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:  # noqa: ARG002
        """Close the progress bar, which Lightning leaves open, so that the next output starts on its own line."""
        if isinstance(trainer.progress_bar_callback, TQDMProgressBar):
            trainer.progress_bar_callback.train_progress_bar.close()


class TrainingTime(Timer):
    """Measures the time of training and validation; a resumed run goes on from the time that its checkpoint kept."""

    @property
    def seconds(self) -> float:
        """Time so far, without what was lost between the last checkpoint and an interruption."""
        return float(self.time_elapsed())
