"""Fixtures that every room's tests share."""

from __future__ import annotations

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # for tests that load ONNX Runtime by themselves

import fcntl
import signal
from pathlib import Path

import pytest

# A shell's background jobs begin with Ctrl-C ignored, and what they start does, too: tests of Ctrl-C need it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    """Run a test marked `serial` while no other worker runs one: it depends on the clock, not on the machine's load.

    What is waited for here is outside the test's timeout.
    """
    locks = item.config.cache.mkdir("serial")
    serial = item.get_closest_marker("serial") is not None
    with (locks / "turn").open("w") as turn, (locks / "running").open("w") as running:
        fcntl.flock(turn, fcntl.LOCK_EX)  # no other test begins while a serial one waits
        fcntl.flock(running, fcntl.LOCK_EX if serial else fcntl.LOCK_SH)
        fcntl.flock(turn, fcntl.LOCK_UN)
        try:
            return (yield)
        finally:
            fcntl.flock(running, fcntl.LOCK_UN)  # a process that the test has forked may hold the file open


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real photographs, landmarks and a video; tests that need it skip where it is missing."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("no real photographs, landmarks and video beside this checkout (../shared/data)")
    return folder


@pytest.fixture(scope="session")
def shipped_model(tmp_path_factory) -> Path:
    """The network whose weights the project ships, as training begins with it, exported."""
    from stages.data.loader import draw_masks
    from stages.export.onnx import export_model
    from stages.hand.handshapes import read_handshapes
    from stages.hand.signers import synthesize_hands
    from stages.training.weights import start_network

    path = tmp_path_factory.mktemp("shipped") / "model.onnx"
    hands = synthesize_hands(read_handshapes(), signers=1, samples_per_letter=1, seed=0, non_letters=1)
    classes = sorted(set(hands.labels.tolist()))
    network, _ = start_network("custom_cnn", "custom_cnn.safetensors", classes, dropout=0.0)
    masks = draw_masks(hands.landmarks[:4])
    export_model(network, path, examples=masks, classes=classes, architecture="custom_cnn", data_hash="0" * 32)
    return path
