"""Training keeps the best epoch at the size in use, however accurate the network was on smaller masks before."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import tiny_models
import torch
from torch import nn

from stages.data.processed import Processed, Split
from stages.models.loss import cross_entropy_loss
from stages.params import Augment, Phase, Train
from stages.training.fit import Masks, WholeCheckpoints, fit
from stages.training.reports import EpochReports, TrainingTime

AUGMENT = Augment(mirror=0.0, roll=0.0, tilt=0.0, scale=0.0, shift=0.0, stretch=0.0, jitter=0.0)


class KnowsSmallMasksOnly(nn.Module):
    """Recognises small masks by colour, calls large ones A, and remembers the last size that it was trained on."""

    def __init__(self):
        super().__init__()
        self.sharpness = nn.Parameter(torch.ones(1))
        self.register_buffer("size", torch.zeros(1))
        self.register_buffer("steps", torch.zeros(1))

    def forward(self, x):
        if self.training:
            self.size.fill_(x.shape[-1])
            self.steps += 1
        colours = x.mean((2, 3)) * self.sharpness
        return colours if x.shape[-1] < 224 else colours * 0 + torch.tensor([1.0, 0.0, 0.0])

    def training_loss(self, masks, classes, _landmarks):
        return cross_entropy_loss(self(masks), classes)


def phase(epochs, image_size, samples):
    return Phase(epochs=epochs, image_size=image_size, samples=samples, precision="fp32")


@pytest.mark.parametrize(
    ("large_epochs", "patience", "steps"),
    [
        pytest.param(1, 4, 3, id="one epoch at the size in use"),
        pytest.param(4, 1, 3, id="stopped by epochs at the size in use, the first of which stays the best"),
    ],
)
def test_the_weights_kept_are_of_the_size_in_use(tmp_path, large_epochs, patience, steps):
    masks = tiny_models.masks_of("ABCABC")
    split = Split(masks, np.array([0, 1, 2, 0, 1, 2]), np.array([""] * 6))
    schedule = [phase(2, 56, 6), phase(large_epochs, 224, 6)]
    train = Train(
        seed=0, batch_size=6, lr=0.001, warmup=0.1, dropout=0.0, patience=patience, frozen_epochs=1, fine_tuning=0.3
    )
    network = KnowsSmallMasksOnly()
    history = fit(network, Processed(split, split, ("A", "B", "C")), schedule, train, AUGMENT, tmp_path / "scratch")
    assert history[0]["val_accuracy"] > history[-1]["val_accuracy"], "small masks are recognised better"
    assert network.size.item() == 224
    assert network.steps.item() == steps
    assert len(history) == 2 + min(large_epochs, patience + 1)

    again = KnowsSmallMasksOnly()
    data = Processed(split, split, ("A", "B", "C"))
    assert fit(again, data, schedule, train, AUGMENT, tmp_path / "scratch") == history, "killed before it was exported"
    assert again.state_dict() == network.state_dict()


def test_a_resumed_run_ends_like_an_undisturbed_one(tmp_path):
    class DropsFeatures(KnowsSmallMasksOnly):
        def forward(self, x):
            return super().forward(nn.functional.dropout(x, 0.5, self.training))

    def stop(epoch, accuracy):
        if epoch == 2:
            raise KeyError("killed")

    split = Split(tiny_models.masks_of("ABC"), np.array([0, 1, 2]), np.array([""] * 3))
    train = Train(seed=0, batch_size=3, lr=0.1, warmup=0.1, dropout=0.5, patience=4, frozen_epochs=0, fine_tuning=1.0)
    data, schedule = Processed(split, split, ("A", "B", "C")), [phase(4, 56, 6)]

    def run(folder, callbacks=()):
        network = DropsFeatures()
        return fit(network, data, schedule, train, AUGMENT, tmp_path / folder, callbacks=callbacks), network

    with pytest.raises(KeyError, match="killed"):
        run("stopped", [EpochReports(stop)])
    history, network = run("stopped")
    undisturbed, expected = run("undisturbed")
    assert history == undisturbed
    assert network.state_dict() == expected.state_dict()


def test_the_time_of_a_resumed_run_includes_that_before_it_was_killed(tmp_path):
    def stop(epoch, accuracy):
        if epoch == 1:
            raise KeyError("killed")

    split = Split(tiny_models.masks_of("ABC"), np.array([0, 1, 2]), np.array([""] * 3))
    train = Train(seed=0, batch_size=3, lr=0.1, warmup=0.1, dropout=0.5, patience=4, frozen_epochs=0, fine_tuning=1.0)
    inputs = Processed(split, split, ("A", "B", "C")), [phase(2, 56, 3)], train, AUGMENT, tmp_path
    with pytest.raises(KeyError, match="killed"):
        fit(KnowsSmallMasksOnly(), *inputs, callbacks=[TrainingTime(), EpochReports(stop)])
    checkpoint = torch.load(tmp_path / "last.ckpt", weights_only=True)
    (kept,) = [state["time_elapsed"] for state in checkpoint["callbacks"].values() if "time_elapsed" in state]
    assert kept["train"] > 0
    kept["train"] += 1000
    torch.save(checkpoint, tmp_path / "last.ckpt")
    time = TrainingTime()
    fit(KnowsSmallMasksOnly(), *inputs, callbacks=[time])
    assert 1000 < time.seconds < 1000 + 60


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    def full(path, contents):
        path.touch()
        raise OSError(28, "No space left on device")

    last = tmp_path / "run" / "last.ckpt"
    WholeCheckpoints().save_checkpoint({"epoch": 1}, last)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space left"):
            WholeCheckpoints().save_checkpoint({"epoch": 2}, last)
    assert torch.load(last, weights_only=True) == {"epoch": 1}
    assert list(last.parent.iterdir()) == [last]


def test_each_epoch_is_reported_and_an_exception_from_the_report_ends_the_training(tmp_path, capsys):
    reported = []

    def report(epoch, accuracy):
        reported.append((epoch, accuracy))
        if epoch == 1:
            raise ValueError("enough")

    split = Split(tiny_models.masks_of("ABC"), np.array([0, 1, 2]), np.array([""] * 3))
    train = Train(seed=0, batch_size=3, lr=0.001, warmup=0.1, dropout=0.0, patience=4, frozen_epochs=0, fine_tuning=1.0)
    schedule = [phase(4, 56, 3)]
    network, data = KnowsSmallMasksOnly(), Processed(split, split, ("A", "B", "C"))
    with pytest.raises(ValueError, match="enough"):
        fit(network, data, schedule, train, AUGMENT, tmp_path / "scratch", callbacks=[EpochReports(report)])
    assert reported == [(0, 1.0), (1, 1.0)]
    assert capsys.readouterr().out.endswith("\n"), "the progress bar is closed"


@pytest.mark.filterwarnings("ignore:This DataLoader")  # that it is more processes than there are cores here
def test_many_cores_draw_the_batches_of_few_in_processes_of_their_own(monkeypatch):
    split = Split(tiny_models.masks_of("ABCABC"), np.array([0, 1, 2, 0, 1, 2]), np.array([""] * 6))
    augment = AUGMENT.model_copy(update={"roll": 10.0})
    masks = Masks(Processed(split, split, tuple("ABC")), augment, [phase(1, 56, 12)], batch_size=2, seed=1)
    drawn = {}
    for cores in (2, 8):
        monkeypatch.setattr("stages.training.fit.usable_cores", lambda cores=cores: cores)
        batches = iter(masks.train_dataloader())
        first = next(batches)
        processes = [child.pid for child in multiprocessing.active_children()]
        drawn[cores] = [first, *batches]
        assert len(processes) == (0 if cores == 2 else 6), "one for each batch at most"
    assert len(drawn[2]) == len(drawn[8]) == 6
    for few, many in zip(drawn[2], drawn[8], strict=True):
        for array, expected in zip(many, few, strict=True):
            assert isinstance(array, np.ndarray)
            np.testing.assert_array_equal(array, expected)
    assert not multiprocessing.active_children()
