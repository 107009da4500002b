"""The recogniser: a batch of masks in, one probability per letter out, over ONNX Runtime.

Scaling, normalisation, the mirror image, temperature, softmax and the mean over the mask and its mirror image are all
inside the graph, so none of them is repeated here.
"""

from __future__ import annotations

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # ONNX Runtime reads it when it is loaded

import hashlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
import numpy.typing as npt
import onnxruntime as ort  # type: ignore[import-untyped]
from pydantic import Field, TypeAdapter, ValidationError

from service.cores import usable_cores
from service.decoding import MASK_SIZE
from service.errors import ServiceError
from service.movement import DRAWN
from service.prototypes import PROTOTYPES, Prototypes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MAX_THREADS: Final = 4
"""Threads of one inference: more gain nothing for a small network at batch size 1."""
INPUT: Final = "masks"
OUTPUT: Final = "probabilities"
FEATURES: Final = "features"
"""The second output: what the network's last layers read, of the mask and of its mirror image side by side."""
METADATA: Final = ("classes", "mask_version", "architecture", "data_hash")
"""Keys that a model's metadata must have."""

_CLASSES: Final = TypeAdapter(Annotated[tuple[str, ...], Field(min_length=1)])
_PROVIDERS: Final = ("CUDAExecutionProvider", "CPUExecutionProvider")
"""Best first."""
_EXPORT_AGAIN: Final = "Export the model again: make repro"

logger = logging.getLogger("fingerspell")


@dataclass(frozen=True)
class Use:
    """What a model is for."""

    needs: tuple[str, ...] = ()
    """Labels that must be among its classes."""
    threads: int = MAX_THREADS
    """Threads of one inference, at most."""


HELD: Final = Use()
"""Letters that are held, in every frame."""
MOVING: Final = Use(needs=DRAWN, threads=1)
"""Letters that are drawn, while the hand moves: beside the other network, so that a second thread would only be in the
way of that and of the client's."""


class Recogniser:
    """An opened and warmed-up model.

    Attributes:
        classes: labels in the order of the probabilities.
        mask_version: version of the renderer that drew the masks the model learned from.
        architecture: name of the network.
        data_hash: MD5 of the processed data that the model learned from, in hexadecimal.
        version: first 12 digits of the SHA-256 of the model's file, in hexadecimal.
        provider: ONNX Runtime's name of what the model runs on.
        prototypes: what a signer's own correction is fitted with; None if the model is of an older release.
    """

    def __init__(self, path: Path, content: bytes | None = None, use: Use = HELD) -> None:
        """Open a model, check its contract and run it once.

        Args:
            path: the `.onnx` file.
            content: the model itself if it comes from elsewhere; `path` is then its name in messages only.
            use: what it is for.

        Raises:
            ServiceError: the file is missing, is not an ONNX model, or violates the contract of `model.onnx`.
        """
        try:
            content = path.read_bytes() if content is None else content
        except OSError as error:
            raise ServiceError(
                f"{path}: there is no model to read ({error.strerror}). Train and package one: make repro"
            ) from None
        self._session = _open_session(content, path, use.threads)
        self.version = hashlib.sha256(content).hexdigest()[:12]
        metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        if missing := [key for key in METADATA if key not in metadata]:
            raise ServiceError(f"{path}: the model's metadata lacks {', '.join(missing)}. {_EXPORT_AGAIN}")
        self.classes = _parse_classes(metadata["classes"], path)
        if missing := [label for label in use.needs if label not in self.classes]:
            raise ServiceError(
                f"{path}: this is no trail network: its classes lack {', '.join(missing)}. Set FINGERSPELL_TRAIL "
                "to one that predicts J and Z."
            )
        self.mask_version = metadata["mask_version"]
        self.architecture = metadata["architecture"]
        self.data_hash = metadata["data_hash"]
        self.provider: str = self._session.get_providers()[0]
        _check_input(self._session, path)
        self.prototypes = _read_prototypes(metadata, self._session, len(self.classes), path)
        self._warm_up(path)
        logger.info("%s: %s, %d classes, on %s", path, self.architecture, len(self.classes), self.provider)

    def predict(self, masks: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Run the model on a batch of masks. Safe to call from several threads.

        Args:
            masks: (N, 224, 224, 3) uint8 RGB, N at least 1.

        Returns:
            (N, C) float32 probabilities, columns in the order of `classes`.

        Raises:
            ServiceError: the masks have another shape or type.
        """
        probabilities: npt.NDArray[np.float32] = self._run(masks, OUTPUT)[0]
        return probabilities

    def predict_with_features(
        self, masks: npt.NDArray[np.uint8]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Run the model as `predict` does, and return the probabilities (N, C) and the features (N, F), too."""
        probabilities, features = self._run(masks, OUTPUT, FEATURES)
        return probabilities, features

    def _run(self, masks: npt.NDArray[np.uint8], *outputs: str) -> list[npt.NDArray[np.float32]]:
        if masks.shape[1:] != (MASK_SIZE, MASK_SIZE, 3) or masks.dtype != np.uint8 or not len(masks):
            raise ServiceError(
                f"masks must be an array (N, {MASK_SIZE}, {MASK_SIZE}, 3) of uint8 with N at least 1, "
                f"not {masks.shape} of {masks.dtype}."
            )
        binding = self._session.io_binding()
        binding.bind_cpu_input(INPUT, masks)
        for output in outputs:
            binding.bind_output(output)
        self._session.run_with_iobinding(binding)
        return list(binding.copy_outputs_to_cpu())

    def _warm_up(self, path: Path) -> None:
        """Allocate memory now, not at the first request, and check that the graph does what its header says.

        Two masks, because a model may run on one alone and fail on a batch.
        """
        blank = np.zeros((2, MASK_SIZE, MASK_SIZE, 3), dtype=np.uint8)
        try:
            probabilities = self.predict(blank)
        except Exception as error:
            raise ServiceError(f"{path}: the model fails on two blank masks ({error}). {_EXPORT_AGAIN}") from error
        if self.prototypes is not None:
            self.predict_with_features(blank)
        if probabilities.shape != (2, len(self.classes)) or probabilities.dtype != np.float32:
            raise ServiceError(
                f"{path}: '{OUTPUT}' of two masks is {probabilities.shape} of {probabilities.dtype}, but the metadata "
                f"names {len(self.classes)} classes: it must be (2, {len(self.classes)}) of float32. {_EXPORT_AGAIN}"
            )


def _open_session(content: bytes, path: Path, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = min(threads, usable_cores())
    options.inter_op_num_threads = 1
    providers = choose_providers(ort.get_available_providers())
    if "CUDAExecutionProvider" in providers:
        ort.preload_dlls()  # CUDA's libraries come in wheels, where the loader does not look
    try:
        return ort.InferenceSession(content, options, providers=providers)
    except Exception as error:  # ONNX Runtime's exceptions share no base class
        raise ServiceError(f"{path}: not an ONNX model that can be run ({error}). {_EXPORT_AGAIN}") from error


def choose_providers(available: Sequence[str]) -> list[str]:
    """Choose, best first, what the model may run on among the providers of this build of ONNX Runtime."""
    return [name for name in _PROVIDERS if name in available]


def _parse_classes(text: str, path: Path) -> tuple[str, ...]:
    try:
        return _CLASSES.validate_json(text)
    except ValidationError:
        raise ServiceError(
            f"{path}: the metadata 'classes' is not a JSON list of labels: {text[:80]!r}. {_EXPORT_AGAIN}"
        ) from None


def _read_prototypes(
    metadata: dict[str, str], session: ort.InferenceSession, classes: int, path: Path
) -> Prototypes | None:
    if PROTOTYPES not in metadata:
        return None
    widths = {output.name: output.shape[-1] for output in session.get_outputs()}
    try:
        return Prototypes.unpack(metadata[PROTOTYPES], classes, int(widths[FEATURES]))
    except (ValueError, TypeError, KeyError):
        raise ServiceError(f"{path}: the metadata '{PROTOTYPES}' does not fit the model. {_EXPORT_AGAIN}") from None


def _check_input(session: ort.InferenceSession, path: Path) -> None:
    inputs = {value.name: (value.type, value.shape) for value in session.get_inputs()}
    outputs = [value.name for value in session.get_outputs()]
    kind, shape = inputs.get(INPUT, ("", []))
    fits = len(inputs) == 1 and kind == "tensor(uint8)" and shape[1:] == [MASK_SIZE, MASK_SIZE, 3]
    if not fits or OUTPUT not in outputs:
        raise ServiceError(
            f"{path}: the model has inputs {inputs} and outputs {outputs}, but must have the input '{INPUT}' uint8 "
            f"[N, {MASK_SIZE}, {MASK_SIZE}, 3] and the output '{OUTPUT}'. {_EXPORT_AGAIN}"
        )
