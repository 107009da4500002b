"""A tiny model with the contract of `model.onnx`, masks that it distinguishes, and a server on loopback."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
CLASSES = ["A", "B", "L"]
COLOURS = {"A": (255, 0, 0), "B": (0, 255, 0), "L": (0, 0, 255)}
METADATA = {
    "classes": json.dumps(CLASSES),
    "mask_version": "finger-colours-3",
    "architecture": "custom_cnn",
    "data_hash": "0123456789abcdef0123456789abcdef",
    "temperature": "1.0",
}
START_SECONDS = 60
STOP_SECONDS = 15


def write_model(path: Path, metadata: dict[str, str] = METADATA, size: int = 224, channels: int = 3) -> Path:
    """Write a model that classifies a mask by its mean colour: red is A, green B, blue L, and grey none of them."""
    shape = ["N", size, size, channels]
    constants = {"axes": np.array([1, 2], np.int64), "scale": np.array(8 / 255, np.float32)}
    nodes = [
        helper.make_node("Cast", ["masks"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "axes"], ["means"], keepdims=0),
        helper.make_node("Mul", ["means", "scale"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    graph = helper.make_graph(
        nodes,
        "mean colour",
        [helper.make_tensor_value_info("masks", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", channels])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def picture(colour: tuple[int, ...], size: tuple[int, int] = (224, 224), mode: str = "RGB", kind: str = "PNG") -> bytes:
    """Encode a picture of one colour."""
    buffer = io.BytesIO()
    Image.new(mode, size, colour if mode == "RGB" else 0).save(buffer, kind)
    return buffer.getvalue()


def mask(letter: str) -> bytes:
    """Encode a mask that the tiny model recognises as `letter`."""
    return picture(COLOURS[letter])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve_command(target: str, port: int) -> list[str]:
    """Build the command of `make serve`."""
    command = [sys.executable, "-m", "bentoml", "serve", target, "--host", "127.0.0.1", "--port", str(port)]
    return [*command, "--timeout-graceful-shutdown", "5"]


def serve_environment(home: Path, **variables: str) -> dict[str, str]:
    quiet = {"BENTOML_DO_NOT_TRACK": "True", "DO_NOT_TRACK": "true", "BENTOML_HOME": str(home)}
    inherited = {key: value for key, value in os.environ.items() if key != "FINGERSPELL_MODEL"}
    return inherited | quiet | variables


@contextlib.contextmanager
def server(target: str, folder: Path, cwd: Path, **variables: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve `target` on a free port of loopback until the block ends; yields 'host:port' and the process."""
    port = free_port()
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            serve_command(target, port),
            cwd=cwd,
            env=serve_environment(folder / "home", **variables),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}/readyz", process, log)
        yield f"127.0.0.1:{port}", process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server and its workers, which share its process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_SECONDS)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"the server is not ready: {log.read_text()[-3000:]}")
