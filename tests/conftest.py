"""Fixtures for the tests of every room."""

from __future__ import annotations

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # for tests that load ONNX Runtime themselves

import fcntl
import signal
from pathlib import Path

import numpy as np
import pytest

from service.cores import usable_cores

# A shell's background jobs, and their children, start with Ctrl-C ignored: tests of Ctrl-C need the default.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """As many workers for `-n auto` as a container may run, which can be fewer than the machine has cores."""
    return usable_cores()


def pytest_collection_modifyitems(items):
    """Put the files with slow tests first, so that no worker is left alone with one of them at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    """Run a test marked `serial` while no other worker runs a test: it depends on the clock, so load would fail it.

    Waiting for the locks does not count towards the test's timeout.
    """
    locks = item.config.cache.mkdir("serial")
    serial = item.get_closest_marker("serial") is not None
    with (locks / "turn").open("w") as turn, (locks / "running").open("w") as running:
        fcntl.flock(turn, fcntl.LOCK_EX)  # no other test starts while a serial one waits
        fcntl.flock(running, fcntl.LOCK_EX if serial else fcntl.LOCK_SH)
        fcntl.flock(turn, fcntl.LOCK_UN)
        try:
            return (yield)
        finally:
            fcntl.flock(running, fcntl.LOCK_UN)  # a process that the test forked may keep the file open


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real photographs, landmarks and a video; tests that need it skip if it is missing."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("there are no real photographs, landmarks and video next to this checkout (../shared/data)")
    return folder


@pytest.fixture(scope="session")
def shipped_model(tmp_path_factory) -> Path:
    """The network with the weights that the project ships, before any training, exported; beside it the trail network.

    `benchmarks.service.serve` serves both.
    """
    from client.mask import TRAIL_VERSION
    from stages.data.loader import draw_masks
    from stages.data.trails import TRAIL_CLASSES
    from stages.export.onnx import Typical, export_model
    from stages.hand.handshapes import read_handshapes
    from stages.hand.signers import synthesize_hands
    from stages.training.weights import start_network

    path = tmp_path_factory.mktemp("shipped") / "model.onnx"
    hands = synthesize_hands(read_handshapes(), signers=4, samples_per_letter=1, seed=0, non_letters=1)
    classes = sorted(set(hands.labels.tolist()))
    network, _ = start_network("custom_cnn", "custom_cnn.safetensors", classes, dropout=0.0)
    masks = draw_masks(hands.landmarks[:4])
    typical = Typical(hands.landmarks, np.searchsorted(classes, hands.labels))
    export_model(
        network, path, examples=masks, classes=classes, architecture="custom_cnn", data_hash="0" * 32, typical=typical
    )
    network, _ = start_network("custom_cnn", "trail.safetensors", TRAIL_CLASSES, dropout=0.0)
    export_model(
        network, path.with_name("trail.onnx"), examples=masks, classes=TRAIL_CLASSES, architecture="custom_cnn",
        data_hash="0" * 32, mask_version=TRAIL_VERSION,
    )  # fmt: skip
    return path


@pytest.fixture(scope="module")
def words_service(shipped_model, tmp_path_factory):
    """The address of a service with the network that the project ships and the vocabulary that the pipeline makes."""
    from benchmarks.service import serve
    from service.settings import VOCABULARY_VARIABLE
    from stages.export.vocabulary import list_words, write_vocabulary

    vocabulary = tmp_path_factory.mktemp("vocabulary") / "vocabulary.tsv"
    write_vocabulary(vocabulary, list_words("en", 60_000), "en")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VOCABULARY_VARIABLE, str(vocabulary))
        with serve(shipped_model) as (host, _):
            yield f"http://{host}"
