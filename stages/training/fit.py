"""Fit a network to processed data: the trainer, its checkpoints, and how an interrupted run resumes."""

from __future__ import annotations

import io
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from lightning.pytorch import LightningDataModule, Trainer, seed_everything
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch.utils.data import DataLoader

from service.cores import usable_cores
from stages.data.loader import DrawnAhead, TrainingBatches, ValidationBatches
from stages.files import atomic_write
from stages.training.classifier import Classifier, Row
from stages.training.memory import keep_freed_memory
from stages.training.schedule import lr_shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightning.pytorch import Callback, LightningModule

    from stages.data.loader import Batch, TrainingBatch
    from stages.data.processed import Processed
    from stages.models.build import Network
    from stages.params import Augment, Phase, Train

LAST = "last.ckpt"
FEW_CORES: Final = 4
"""Up to this many, threads draw: they cost nothing to start, and two or three keep a network busy that computes on the
same cores. More of them wait for each other's turn to run Python: on 16 cores beside a GPU, eight drew fewer masks a
second than one."""
BATCHES_AHEAD: Final = 4
"""Batches that each drawing process may be ahead."""


class Masks(LightningDataModule):
    """The batches of each epoch, drawn while the network computes."""

    def __init__(self, data: Processed, augment: Augment, phases: list[Phase], *, batch_size: int, seed: int) -> None:
        super().__init__()
        self._data, self._augment, self._phases = data, augment, phases
        self._batch_size, self._seed = batch_size, seed
        self._drawn: dict[type, DrawnAhead] = {}

    def train_dataloader(self) -> DrawnAhead | DataLoader[TrainingBatch]:
        """Batches of the next epoch, drawn by threads or, on many cores, by processes; the masks are the same."""
        phase = self._phases[self._epoch]
        batches = TrainingBatches(
            self._data.train,
            self._augment,
            image_size=phase.image_size,
            batches=phase.batches(self._batch_size),
            batch_size=self._batch_size,
            seed=self._seed,
            epoch=self._epoch,
            part=(self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1),
        )
        if self._cores <= FEW_CORES or sys.platform != "linux":  # elsewhere forked processes are not safe
            return self._ahead(batches)
        return DataLoader(
            batches,  # type: ignore[arg-type]  # what has a length and numbered items is a data set
            batch_size=None,  # an item is a whole batch
            collate_fn=as_drawn,
            num_workers=min(self._cores - 1, len(batches)),
            prefetch_factor=BATCHES_AHEAD,
            # Processes that draw never use the GPU, so they can be forked, with the samples in shared pages.
            multiprocessing_context="fork",
        )

    def val_dataloader(self) -> DrawnAhead:
        """The validation split at the image size of the next epoch."""
        size = self._phases[self._epoch].image_size
        return self._ahead(ValidationBatches(self._data.validation, image_size=size, batch_size=self._batch_size))

    def on_before_batch_transfer(self, batch: Batch | TrainingBatch, dataloader_idx: int) -> tuple[torch.Tensor, ...]:  # noqa: ARG002
        """Wrap a drawn batch in tensors, without a copy."""
        return tuple(torch.from_numpy(array) for array in batch)

    def close(self) -> None:
        """End the threads that draw, if training was interrupted."""
        for drawn in self._drawn.values():
            drawn.close()

    @property
    def _cores(self) -> int:
        """The cores of this process's share: several on one machine divide them."""
        return usable_cores() // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))

    def _ahead(self, batches: TrainingBatches | ValidationBatches) -> DrawnAhead:
        # A mask of any size costs about 0.2 ms to draw, so one core of two does so in a twentieth of its time.
        drawn = DrawnAhead(batches, threads=max(1, min(FEW_CORES, self._cores) - 1))
        self._drawn[type(batches)] = drawn
        return drawn

    @property
    def _epoch(self) -> int:
        return min(self.trainer.current_epoch, len(self._phases) - 1) if self.trainer else 0


def as_drawn(batch: Any) -> Any:  # noqa: ANN401 - DataLoader's own signature
    """Pass a batch on as the arrays it is: tensors would go through /dev/shm, which containers keep small."""
    return batch


class BestCheckpoint(ModelCheckpoint):
    """The best epoch among those at the image size in use: accuracies at smaller sizes say nothing about it."""

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Compare the epoch with the best so far."""
        if isinstance(pl_module, Classifier) and pl_module.at_served_size:
            super().on_validation_end(trainer, pl_module)


class LateStopping(EarlyStopping):
    """Early stopping (seed text, section 4.4.6) among the epochs at the image size in use."""

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop if validation accuracy no longer rises."""
        if isinstance(pl_module, Classifier) and pl_module.at_served_size:
            super().on_validation_end(trainer, pl_module)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Stay stopped if the resumed run had been stopped."""
        trainer.should_stop = self.wait_count >= self.patience


class WholeCheckpoints(TorchCheckpointIO):
    """Checkpoints that replace the previous one only when they are complete.

    Lightning writes them to the system's temporary folder and moves them. Between two file systems that is a copy: a
    full disk or a kill would leave half a checkpoint in place of a good one.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: object = None) -> None:  # noqa: ARG002
        """Write a checkpoint atomically."""
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        with atomic_write(Path(path)) as partial:
            partial.write_bytes(buffer.getbuffer())


def fit(
    network: Network,
    data: Processed,
    schedule: list[Phase],
    train: Train,
    augment: Augment,
    scratch: Path,
    early_layers: Sequence[torch.nn.Module] = (),
    callbacks: Sequence[Callback] = (),
) -> list[Row]:
    """Train a network in place and leave it with its best weights.

    Several processes, started by torchrun or one for each GPU, can train one network: each draws its part of every
    batch, and all apply the same mean gradient.

    Args:
        network: maps normalised masks (N, 3, S, S) to logits (N, C).
        data: processed data.
        schedule: phases of training.
        train: parameters that all networks share.
        augment: random changes to each sample.
        scratch: folder for the checkpoints of this run; if it holds one, training resumes from there. The caller
            removes it when the network has been saved elsewhere.
        early_layers: layers of a pretrained network that are frozen in the first epochs; after those, the whole
            network is trained with a lower learning rate. Empty if the network has random weights.
        callbacks: further Lightning callbacks.

    Returns:
        One row for each epoch: image size, learning rate, losses and accuracies.
    """
    _quieten()
    keep_freed_memory()
    torch.set_num_threads(min(torch.get_num_threads(), usable_cores()))
    seed_everything(train.seed, verbose=False)
    phases = [phase for phase in schedule for _ in range(phase.epochs)]
    masks = Masks(data, augment, phases, batch_size=train.batch_size, seed=train.seed)
    frozen_epochs = train.frozen_epochs if early_layers else 0
    shares = lr_shares(phases, train.batch_size, train.warmup)
    if early_layers:
        shares[sum(phase.batches(train.batch_size) for phase in phases[:frozen_epochs]) :] *= train.fine_tuning
    classifier = Classifier(
        network, phases, lr=train.lr, shares=shares, early_layers=early_layers, frozen_epochs=frozen_epochs
    )
    # Both act when validation ends: by default they act when the epoch ends, at any image size.
    best = BestCheckpoint(
        scratch, filename="best", monitor="val_accuracy", mode="max", save_weights_only=True,
        save_on_train_epoch_end=False,
    )  # fmt: skip
    stopping = LateStopping("val_accuracy", mode="max", patience=train.patience, check_on_train_epoch_end=False)
    trainer = Trainer(
        **_devices(),
        max_epochs=len(phases),
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,  # each process draws its own part of every batch
        logger=False,
        plugins=[WholeCheckpoints()],
        enable_model_summary=False,
        callbacks=[
            best,
            ModelCheckpoint(scratch, filename=LAST.removesuffix(".ckpt"), enable_version_counter=False),
            stopping,
            TQDMProgressBar(refresh_rate=10),
            *callbacks,
        ],
    )
    unfinished = scratch / LAST
    try:
        trainer.fit(classifier, masks, ckpt_path=str(unfinished) if unfinished.is_file() else None, weights_only=True)
    finally:
        masks.close()
    if trainer.interrupted:
        raise KeyboardInterrupt
    classifier.load_state_dict(torch.load(best.best_model_path, map_location="cpu", weights_only=True)["state_dict"])
    trainer.strategy.barrier()
    return classifier.history


def is_first_process() -> bool:
    """Whether this is the process that saves what several have trained."""
    several = torch.distributed.is_available() and torch.distributed.is_initialized()
    return not several or torch.distributed.get_rank() == 0


def _devices() -> dict[str, Any]:
    # torchrun sets how many processes it started here and on how many machines.
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", torch.cuda.device_count() or 1))
    machines = int(os.environ.get("GROUP_WORLD_SIZE", "1"))
    # Frozen layers have no gradients in the first epochs.
    strategy = "ddp_find_unused_parameters_true" if processes * machines > 1 else "auto"
    return {"accelerator": "auto", "devices": processes, "num_nodes": machines, "strategy": strategy}


def _quieten() -> None:
    """Hide advertisements and advice that does not apply: batches are drawn whole, each epoch has its own loader."""
    logging.getLogger("lightning.pytorch.utilities.rank_zero").setLevel(logging.WARNING)
    for text in (
        ".*does not have many workers.*",
        ".*Checkpoint directory.*exists.*",
        ".*max_epochs.*",
        ".*LeafSpec.*",
    ):
        warnings.filterwarnings("ignore", text)
