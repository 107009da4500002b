"""The recogniser: a batch of masks in, one probability per letter out, over ONNX Runtime.

Scaling, normalisation, the mirror image, temperature, softmax and the mean of the two views are all inside the
graph, so nothing of them is repeated here.
"""

from __future__ import annotations

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when ONNX Runtime is loaded

import hashlib
import json
import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import onnxruntime as ort  # type: ignore[import-untyped]

from service.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Sequence

MASK_SIZE: Final = 224
"""Side of the mask that a model reads, in pixels."""
MAX_THREADS: Final = 4
"""Threads of one inference: a small network at batch size 1 gains nothing from more."""
INPUT: Final = "masks"
OUTPUT: Final = "probabilities"
METADATA: Final = ("classes", "mask_version", "architecture", "data_hash")
"""Keys that a model's metadata must have."""

_PROVIDERS: Final = ("CUDAExecutionProvider", "CPUExecutionProvider")
"""Best first."""
_EXPORT_AGAIN: Final = "Export the model again: run `make repro`."

logger = logging.getLogger("fingerspell")


class RecogniserError(ServiceError):
    """The model cannot be used."""


class Recogniser:
    """An opened and warmed-up model.

    Attributes:
        classes: labels in the order of the probabilities.
        mask_version: version of the renderer that drew the masks the model learned from.
        architecture: name of the network.
        data_hash: MD5 of the processed data that the model learned from, in hexadecimal.
        version: first 12 digits of the SHA-256 of the model's file, in hexadecimal.
        provider: ONNX Runtime's name of what the model runs on.
    """

    def __init__(self, path: Path) -> None:
        """Open a model, check its contract and run it once.

        Args:
            path: the `.onnx` file.

        Raises:
            RecogniserError: the file is missing, is not an ONNX model, or does not keep the contract of `model.onnx`.
        """
        content = _read_model(path)
        self._session = _open_session(content, path)
        self.version = hashlib.sha256(content).hexdigest()[:12]
        metadata = _read_metadata(self._session, path)
        self.classes = _parse_classes(metadata["classes"], path)
        self.mask_version = metadata["mask_version"]
        self.architecture = metadata["architecture"]
        self.data_hash = metadata["data_hash"]
        self.provider: str = self._session.get_providers()[0]
        _check_input(self._session, path)
        self._warm_up(path)
        logger.info("%s: %s, %d classes, on %s", path, self.architecture, len(self.classes), self.provider)

    def predict(self, masks: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Read a batch of masks. Safe to call from several threads.

        Args:
            masks: (N, 224, 224, 3) uint8 RGB, N at least 1.

        Returns:
            (N, C) float32 probabilities, columns in the order of `classes`.

        Raises:
            RecogniserError: the masks have another shape or type.
        """
        if masks.shape[1:] != (MASK_SIZE, MASK_SIZE, 3) or masks.dtype != np.uint8 or not len(masks):
            raise RecogniserError(
                f"masks must be an array (N, {MASK_SIZE}, {MASK_SIZE}, 3) of uint8 with N at least 1, "
                f"not {masks.shape} of {masks.dtype}."
            )
        binding = self._session.io_binding()
        binding.bind_cpu_input(INPUT, masks)
        binding.bind_output(OUTPUT)
        self._session.run_with_iobinding(binding)
        probabilities: npt.NDArray[np.float32] = binding.copy_outputs_to_cpu()[0]
        return probabilities

    def _warm_up(self, path: Path) -> None:
        """Pay for the first run's allocations now, and see that the graph does what its header says."""
        blank = np.zeros((1, MASK_SIZE, MASK_SIZE, 3), dtype=np.uint8)
        try:
            probabilities = self.predict(blank)
        except Exception as error:
            raise RecogniserError(f"{path}: the model fails on a blank mask ({error}). {_EXPORT_AGAIN}") from error
        if probabilities.shape != (1, len(self.classes)) or probabilities.dtype != np.float32:
            raise RecogniserError(
                f"{path}: '{OUTPUT}' of one mask is {probabilities.shape} of {probabilities.dtype}, but the metadata "
                f"names {len(self.classes)} classes: it must be (1, {len(self.classes)}) of float32. {_EXPORT_AGAIN}"
            )


def _read_model(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecogniserError(
            f"{path}: there is no model to read ({error.strerror}). Train and package one: run `make repro`."
        ) from None


def _open_session(content: bytes, path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = min(MAX_THREADS, usable_cores())
    options.inter_op_num_threads = 1
    providers = choose_providers(ort.get_available_providers())
    if "CUDAExecutionProvider" in providers:
        ort.preload_dlls()  # CUDA's libraries come in wheels, where the loader does not look
    try:
        return ort.InferenceSession(content, options, providers=providers)
    except Exception as error:  # ONNX Runtime's exceptions share no base class
        raise RecogniserError(f"{path}: not an ONNX model that can be run ({error}). {_EXPORT_AGAIN}") from error


def choose_providers(offered: Sequence[str]) -> list[str]:
    """Choose, best first, what the model may run on of what this build of ONNX Runtime offers."""
    return [name for name in _PROVIDERS if name in offered]


def usable_cores(cpu_max: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Count the cores this process may use: `taskset` and a container's limit make them fewer than the machine has.

    Args:
        cpu_max: where Linux says how many microseconds of each period a container may compute, or "max"; more
            threads than that only wait for each other. https://docs.kernel.org/admin-guide/cgroup-v2.html
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = cpu_max.read_text().split()
        return min(cores, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):
        return cores


def _read_metadata(session: ort.InferenceSession, path: Path) -> dict[str, str]:
    metadata: dict[str, str] = session.get_modelmeta().custom_metadata_map
    missing = [key for key in METADATA if key not in metadata]
    if missing:
        raise RecogniserError(f"{path}: the model's metadata lacks {', '.join(missing)}. {_EXPORT_AGAIN}")
    return metadata


def _parse_classes(text: str, path: Path) -> tuple[str, ...]:
    try:
        classes = json.loads(text)
    except json.JSONDecodeError:
        classes = None
    if not isinstance(classes, list) or not classes or not all(isinstance(label, str) for label in classes):
        raise RecogniserError(
            f"{path}: the metadata 'classes' is no JSON list of labels: {text[:80]!r}. {_EXPORT_AGAIN}"
        )
    return tuple(classes)


def _check_input(session: ort.InferenceSession, path: Path) -> None:
    inputs = {value.name: (value.type, value.shape) for value in session.get_inputs()}
    outputs = [value.name for value in session.get_outputs()]
    kind, shape = inputs.get(INPUT, ("", []))
    fits = len(inputs) == 1 and kind == "tensor(uint8)" and shape[1:] == [MASK_SIZE, MASK_SIZE, 3]
    if not fits or OUTPUT not in outputs:
        raise RecogniserError(
            f"{path}: the model reads {inputs} and gives {outputs}, but must read '{INPUT}' uint8 "
            f"[N, {MASK_SIZE}, {MASK_SIZE}, 3] and give '{OUTPUT}'. {_EXPORT_AGAIN}"
        )
