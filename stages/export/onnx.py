"""The model artifact: one ONNX file with everything between a mask's pixels and its letters' probabilities.

The reference, which takes landmarks, is exported in the same way.
"""

from __future__ import annotations

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when ONNX Runtime is loaded

import json
import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime  # type: ignore[import-untyped]
import torch
from torch import nn

from client.mask import MASK_VERSION
from service.prototypes import PROTOTYPES, Prototypes
from stages.data.loader import draw_masks
from stages.data.people import TRAINED_ON, pack_people
from stages.errors import PipelineError
from stages.files import atomic_write
from stages.models.landmark_mlp import mirror, normalise_landmarks
from stages.models.masks import normalise_small

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stages.data.people import People

TOLERANCE = 1e-4
"""Largest difference of a probability between torch and the exported graph; of a feature, relative to the largest."""
OUTPUTS = ("probabilities", "features")
PROTOTYPE_BATCH = 64


class Typical(NamedTuple):
    """Hands of many people, to take the means of."""

    samples: npt.NDArray[Any]
    """(N, 21, 3) float32 landmarks in pixels, or (N, 224, 224, 3) uint8 masks."""
    classes: npt.NDArray[np.int64]
    """(N,) indices."""


class EmbeddingNetwork(Protocol):
    """A network whose forward pass has two parts."""

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        """Map N inputs to features (N, F): what the last linear layers read."""

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Map features (N, F) to logits (N, C)."""


class MirrorAverage(nn.Module):
    """The mean of a network's probabilities for a hand and for its mirror image (seed text, 4.5.3 and 4.5.5).

    And the features of both, side by side, which a signer's own correction reads.
    """

    def __init__(
        self, network: EmbeddingNetwork, temperature: float, prepare: Callable[[torch.Tensor], torch.Tensor]
    ) -> None:
        """Wrap a network whose inputs `prepare` makes: (N, ...) samples to (2N, ...), the mirror images last."""
        super().__init__()
        self.network, self.temperature, self.prepare = network, temperature, prepare

    def forward(self, samples: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Map masks (N, 224, 224, 3) uint8 RGB, or landmarks (N, 21, 3) float32.

        Returns:
            Probabilities (N, C) and features (N, 2F), of the hand and of its mirror image, both float32.
        """
        features = self.network.embed(self.prepare(samples))
        probabilities = torch.softmax(self.network.classify(features) / self.temperature, dim=1)
        mean = torch.stack(torch.tensor_split(probabilities, 2)).mean(dim=0)
        return mean, torch.cat(torch.tensor_split(features, 2), dim=1)


def _mirror_masks(masks: torch.Tensor) -> torch.Tensor:
    # Small before they are mirrored: networks average them down anyway, and this is a third of a mask's time.
    pictures = normalise_small(masks)
    return torch.cat([pictures, pictures.flip(3)])


def _mirror_landmarks(landmarks: torch.Tensor) -> torch.Tensor:
    hands = normalise_landmarks(landmarks)
    return torch.cat([hands, mirror(hands)])


def export_model(
    network: EmbeddingNetwork,
    path: Path,
    *,
    classes: Sequence[str],
    architecture: str,
    data_hash: str,
    examples: npt.NDArray[Any],
    temperature: float = 1.0,
    trained_on: People | None = None,
    typical: Typical | None = None,
    mask_version: str = MASK_VERSION,
) -> float:
    """Write `model.onnx` with its metadata and check it against torch.

    Args:
        network: embeds and classifies normalised masks, or normalised landmarks.
        path: file to write; it appears whole or not at all.
        classes: labels in the order of the logits.
        architecture: name of the network.
        data_hash: hash of the processed data that it was trained on.
        examples: (N, 224, 224, 3) uint8 masks, or (N, 21, 3) float32 landmarks, at least two, to check with; the
            graph takes the same.
        temperature: divides the logits (Guo et al. 2017, https://arxiv.org/abs/1706.04599).
        trained_on: hashes of everybody that it, or the weights it started from, was trained on; None if not known.
        typical: hands that the prototypes are the means of; None leaves them out, and the service cannot enrol signers.
        mask_version: version of the renderer that draws the masks, or trails, that the graph takes.

    Returns:
        The largest difference of a probability between torch and ONNX Runtime.

    Raises:
        PipelineError: a probability or a feature of the exported graph differs from torch's by more than `TOLERANCE`.
    """
    input_name, prepare = ("masks", _mirror_masks) if examples.ndim == 4 else ("landmarks", _mirror_landmarks)
    model = MirrorAverage(network, temperature, prepare).eval().cpu()
    samples = torch.from_numpy(examples)
    with torch.inference_mode():
        expected, expected_features = (output.numpy() for output in model(samples))
    with atomic_write(path) as partial:
        _write_graph(model, samples[:3], partial, input_name)
        graph, prototypes = onnx.load(partial), None if typical is None else _prototypes(partial, typical, len(classes))
        onnx.helper.set_model_props(
            graph,
            {
                "classes": json.dumps(list(classes)),
                **({"mask_version": mask_version} if input_name == "masks" else {}),
                "architecture": architecture,
                "data_hash": data_hash,
                "temperature": repr(temperature),
                "features": str(expected_features.shape[1]),
                **({} if prototypes is None else {PROTOTYPES: prototypes.pack()}),
                **({} if trained_on is None else {TRAINED_ON: pack_people(trained_on)}),
            },
        )
        for node in graph.graph.node:
            del node.metadata_props[:]  # the exporter's stack traces, which name the folders of this machine
        onnx.checker.check_model(graph)
        onnx.save(graph, partial)
        session = onnxruntime.InferenceSession(str(partial), providers=["CPUExecutionProvider"])
        probabilities, features = session.run(OUTPUTS, {input_name: examples})
        difference = float(np.abs(probabilities - expected).max())
        of_features = float(np.abs(features - expected_features).max() / np.abs(expected_features).max())
        # NaN, the difference of a broken network, is never within the tolerance.
        if not (difference <= TOLERANCE and of_features <= TOLERANCE):
            raise PipelineError(
                f"{path}: the exported graph differs from torch by {difference:.2g} in its probabilities and "
                f"{of_features:.2g} in its features, more than {TOLERANCE:g}. "
                "Check that torch, onnx and onnxruntime are the pinned versions: make test."
            )
    return difference


def _prototypes(path: Path, typical: Typical, classes: int) -> Prototypes:
    """Average what the graph computes for each class; a class that no hand shows has the mean of all hands."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name, computed = session.get_inputs()[0].name, []
    for start in range(0, len(typical.samples), PROTOTYPE_BATCH):
        batch = typical.samples[start : start + PROTOTYPE_BATCH]
        inputs = draw_masks(batch) if name == "masks" else batch
        computed.append(session.run(["features", "probabilities"], {name: inputs}))
    tables = [np.concatenate(table) for table in zip(*computed, strict=True)]
    shown = [own if (own := typical.classes == label).any() else own | True for label in range(classes)]
    return Prototypes(*(np.stack([table[rows].mean(axis=0) for rows in shown]) for table in tables))


def _write_graph(model: nn.Module, example: torch.Tensor, path: Path, input_name: str) -> None:
    """Trace the model into an ONNX file with a free number of samples."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (example,),
            path,
            input_names=[input_name],
            output_names=OUTPUTS,
            dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
