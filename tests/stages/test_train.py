"""The stage `train`: an unfinished run goes on only if nothing that it depends on has changed."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
import tiny_models
import yaml

from stages import train
from stages.data.processed import Processed, Split, write_processed
from stages.training import identity


class StartedError(Exception):
    """Training would begin now."""


@pytest.fixture
def folder_of_run(tmp_path, monkeypatch):
    """Start the stage and say where it looks for an unfinished run."""
    phases = [{"epochs": 1, "image_size": 224, "samples": 8, "precision": "fp32"}]
    weights = {"seed": 0, "lr": 0.001, "warmup": 0.1, "dropout": 0.0, "patience": 1, "frozen_epochs": 0}
    params = tiny_models.PARAMS | {
        "train": {"batch_size": 8, "fine_tuning": 1.0} | weights,
        "schedule": {"custom_cnn": phases},
    }
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    split = Split(tiny_models.masks_of("ABC"), np.arange(3), np.array(["x", "y", "z"]))
    write_processed(tmp_path / "data/processed", Processed(split, split, tiny_models.CLASSES))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["train", "custom_cnn"])

    def start():
        def fit(network, data, schedule, train, augment, scratch, early_layers, callbacks):
            raise StartedError(scratch)

        monkeypatch.setattr(train, "fit", fit)
        with pytest.raises(StartedError) as started:
            train.main()
        return started.value.args[0]

    return start


def test_the_same_run_goes_on(folder_of_run):
    assert folder_of_run() == folder_of_run()


def test_a_run_whose_code_has_changed_begins_anew(folder_of_run, tmp_path, monkeypatch):
    source = tmp_path / "augmentation.py"
    module = ModuleType("stages.data.another")
    module.__file__ = str(source)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    source.write_text("SHARE = 0.5\n")
    before = folder_of_run()
    source.write_text("SHARE = 0.6\n")
    assert folder_of_run() != before


@pytest.mark.parametrize("library", ["torch", "lightning"])
def test_a_run_with_another_version_of_a_library_begins_anew(folder_of_run, monkeypatch, library):
    before = folder_of_run()
    installed = identity.version
    monkeypatch.setattr(identity, "version", lambda name: "9.9" if name == library else installed(name))
    assert folder_of_run() != before


def test_a_run_with_other_parameters_begins_anew(folder_of_run, tmp_path):
    before = folder_of_run()
    text = (tmp_path / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(text.replace("lr: 0.001", "lr: 0.002"))
    assert folder_of_run() != before
