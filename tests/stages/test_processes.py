"""Two processes train one network as one process does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from stages.data.processed import Processed, Split, write_processed
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import synthesize_hands
from stages.registry.results import read_training

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 0.08
"""Of losses and accuracies: batch norm sees half a batch in each process, and sums are added in another order."""
SHIPPED = "custom_cnn.safetensors"


def split_of(signers, seed):
    hands = synthesize_hands(read_handshapes(), signers, samples_per_letter=1, seed=seed)
    return Split(hands.landmarks, np.unique(hands.labels, return_inverse=True)[1], hands.signers)


@pytest.fixture(scope="module")
def checkouts(tmp_path_factory):
    """Two folders with the same data, parameters and weights to start from."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["train"] |= {"batch_size": 80, "frozen_epochs": 1}
    params["init"]["custom_cnn"] = SHIPPED
    phases = [{"epochs": 2, "image_size": 56, "samples": 480}, {"epochs": 1, "image_size": 224, "samples": 80}]
    params["schedule"]["custom_cnn"] = [phase | {"precision": "fp32"} for phase in phases]
    data = Processed(split_of(20, seed=0), split_of(10, seed=1), read_handshapes().alphabet)
    folders = [tmp_path_factory.mktemp(name) for name in ("one", "two")]
    for folder in folders:
        (folder / "params.yaml").write_text(yaml.safe_dump(params))
        (folder / "pretrained").symlink_to(ROOT / "pretrained")
        write_processed(folder / "data" / "processed", data)
    return folders


def train(folder, *launcher):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", *launcher, "stages.train", "custom_cnn"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return pd.read_csv(folder / "models/custom_cnn/history.csv").to_dict("records")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_processes_give_the_metrics_of_one(checkouts):
    one = train(checkouts[0])
    two = train(checkouts[1], "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m")
    assert len(one) == len(two) == 3
    for single, together in zip(one, two, strict=True):
        assert single["val_accuracy"] > 0.8
        for name in ("lr", "train_loss", "train_accuracy", "val_loss", "val_accuracy"):
            assert single[name] == pytest.approx(together[name], abs=TOLERANCE), name
    for folder in checkouts:
        assert 0 < read_training(folder / "models/custom_cnn/training.json")["training_seconds"] < 300
    assert {path.name for path in (checkouts[1] / "models").rglob("*") if path.is_file()} == {
        "model.onnx", "weights.safetensors", "history.csv", "training.json",
    }  # fmt: skip
