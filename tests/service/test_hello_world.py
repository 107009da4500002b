"""A real hand spells HELLOWORLD, and the service and the client read it: at its own pace, fast, and in the window."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from serving import ROOT, server

from stages.data.loader import draw_masks
from stages.export.onnx import export_model
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import synthesize_hands
from stages.training.weights import start_network


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A service with the network whose weights the project ships, as training begins with it."""
    folder = tmp_path_factory.mktemp("service")
    hands = synthesize_hands(read_handshapes(), signers=1, samples_per_letter=1, seed=0, non_letters=1)
    classes = sorted(set(hands.labels.tolist()))
    network, _ = start_network("custom_cnn", "custom_cnn.safetensors", classes, dropout=0.0)
    export_model(
        network, folder / "model.onnx", examples=draw_masks(hands.landmarks[:4]), classes=classes,
        architecture="custom_cnn", data_hash="0" * 32,
    )  # fmt: skip
    with server("service.service:Fingerspell", folder, ROOT, FINGERSPELL_MODEL=str(folder / "model.onnx")) as (host, _):
        yield f"http://{host}"


@pytest.mark.slow
@pytest.mark.parametrize("pace", [["--fast"], []])
def test_a_real_hand_is_read(service, shared, pace):
    done = subprocess.run(
        [sys.executable, "-m", "client", "--source", str(shared / "data/helloworld.mp4"), "--server", service, "--text",
         *pace],
        cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "HELLOWORLD\n", "")
