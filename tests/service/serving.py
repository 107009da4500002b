"""A tiny model with the contract of `model.onnx`, masks that it distinguishes, and a server on loopback."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import uvicorn
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from benchmarks.ports import reserved_port
from client.letters import letter_shapes
from client.mask import TRAIL_VERSION, render_mask
from service.batching import Batcher
from service.recogniser import Recogniser
from service.settings import Settings
from service.vocabulary import open_vocabulary
from service.web import build_app, build_middleware

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
DRAWN = ["J", "Z", "nothing"]
TRAIL_METADATA = METADATA | {"classes": json.dumps(DRAWN), "mask_version": TRAIL_VERSION}
TRAIL_COLOURS = dict(zip(DRAWN, COLOURS.values(), strict=True))
WORDS = {"ALL": 2e-3, "A": 2e-2, "BALL": 1e-4, "LAB": 5e-5, "BALLAD": 2e-6, "ALABAMA": 1e-5}
START_SECONDS = 60
STOP_SECONDS = 15


def write_words(path: Path) -> Path:
    """Write a vocabulary of a few words."""
    path.write_text("# some words\n" + "".join(f"{word}\t{frequency}\n" for word, frequency in WORDS.items()))
    return path


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
    return _save(path, nodes, constants, shape, ["N", channels], metadata)


def write_letters_model(path: Path, letters: str) -> Path:
    """Write a model that distinguishes a few letters of real hands by their colours in 7 x 7 squares of the mask."""
    shapes = np.stack([render_mask(letter_shapes()[letter]) for letter in letters])
    squares = shapes.reshape(len(letters), 7, 32, 7, 32, 3).mean(axis=(2, 4)).reshape(len(letters), -1)
    likeness = (squares / np.linalg.norm(squares, axis=1, keepdims=True)).T
    constants = {
        "split": np.array([-1, 7, 32, 7, 32, 3], np.int64),
        "within": np.array([2, 4], np.int64),
        "flat": np.array([0, -1], np.int64),
        "likeness": likeness.astype(np.float32),
        "rows": np.array([1], np.int64),
        "least": np.array(1e-6, np.float32),
        "scale": np.array(30, np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["masks"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["pixels", "split"], ["parts"]),
        helper.make_node("ReduceMean", ["parts", "within"], ["squares"], keepdims=0),
        helper.make_node("Reshape", ["squares", "flat"], ["colours"]),
        helper.make_node("ReduceL2", ["colours", "rows"], ["length"]),
        helper.make_node("Max", ["length", "least"], ["divisor"]),
        helper.make_node("Div", ["colours", "divisor"], ["normalised"]),
        helper.make_node("MatMul", ["normalised", "likeness"], ["similarity"]),
        helper.make_node("Mul", ["similarity", "scale"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    metadata = METADATA | {"classes": json.dumps(list(letters))}
    return _save(path, nodes, constants, ["N", 224, 224, 3], ["N", len(letters)], metadata)


def write_one_row_model(path: Path) -> Path:
    """Write a model that takes the mean over the masks, too: one row of probabilities, however many masks."""
    constants = {"axes": np.array([0, 1, 2], np.int64), "rows": np.array([0], np.int64)}
    nodes = [
        helper.make_node("Cast", ["masks"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "axes"], ["means"], keepdims=0),
        helper.make_node("Softmax", ["means"], ["row"], axis=-1),
        helper.make_node("Unsqueeze", ["row", "rows"], ["probabilities"]),
    ]
    return _save(path, nodes, constants, ["N", 224, 224, 3], [1, 3], METADATA)


def _save(
    path: Path,
    nodes: list[onnx.NodeProto],
    constants: dict[str, np.ndarray],
    masks: list[str | int],
    probabilities: list[str | int],
    metadata: dict[str, str],
) -> Path:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("masks", TensorProto.UINT8, masks)],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, probabilities)],
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


def moving_mask(letter: str, drawn: str) -> bytes:
    """Encode a mask of `letter` with a trail below it, of which the tiny trail model says that it draws `drawn`."""
    both = Image.new("RGB", (224, 448), COLOURS[letter])
    both.paste(TRAIL_COLOURS[drawn], (0, 224, 224, 448))
    buffer = io.BytesIO()
    both.save(buffer, "PNG")
    return buffer.getvalue()


def write_trail_model(path: Path, metadata: dict[str, str] = TRAIL_METADATA) -> Path:
    """Write a trail model: a red trail is J, a green one Z, and a blue one nothing."""
    return write_model(path, metadata)


def serve_command(target: str, port: int) -> list[str]:
    """Build the command of `make serve`."""
    command = [sys.executable, "-m", "bentoml", "serve", target, "--host", "127.0.0.1", "--port", str(port)]
    return [*command, "--timeout-graceful-shutdown", "5"]


def serve_environment(home: Path, **variables: str) -> dict[str, str]:
    quiet = {"BENTOML_DO_NOT_TRACK": "True", "DO_NOT_TRACK": "true", "BENTOML_HOME": str(home)}
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("FINGERSPELL_")}
    return inherited | quiet | variables


@contextlib.contextmanager
def server(target: str, folder: Path, cwd: Path, **variables: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve `target` on a free port of loopback until the block ends; yields 'host:port' and the process."""
    log = folder / "server.log"
    with log.open("wb") as output, reserved_port() as port:
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


@contextlib.contextmanager
def application(
    model: Path, port: int = 0, batcher: Batcher | None = None, trail: Path | None = None, **settings: object
) -> Iterator[str]:
    """Serve the service's application in a thread of this process, without BentoML: yields 'host:port' in no time.

    Args:
        model: the `.onnx` file.
        port: of loopback; 0 is a free one.
        batcher: runs the model, for tests that replace it; closed at the end.
        trail: the trail network's file, if it has one.
        settings: fields of the service's settings.
    """
    chosen = Settings(**{"rate": 0, **settings})
    app = build_app(chosen)
    app.state.batcher = batcher or Batcher(Recogniser(model))
    if trail is not None:
        app.state.trail_batcher = Batcher(Recogniser(trail), "trail")
    app.state.vocabulary = open_vocabulary(chosen)
    layers = build_middleware(chosen)
    guarded = functools.reduce(lambda inner, layer: layer.cls(inner, **layer.kwargs), reversed(layers), app)
    running = uvicorn.Server(uvicorn.Config(guarded, log_config=None, timeout_graceful_shutdown=1))
    with socket.create_server(("127.0.0.1", port)) as listener:  # connections wait until the application has started
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            running.should_exit = True
            thread.join()
            app.state.batcher.close()
            if app.state.trail_batcher is not None:
                app.state.trail_batcher.close()


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
