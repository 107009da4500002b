"""The model artifact: one ONNX file with everything between a mask's pixels and its letters' probabilities."""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
import torch
from torch import nn

from client.mask import MASK_VERSION
from stages.errors import PipelineError
from stages.models.masks import normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

TOLERANCE = 1e-4
"""Largest difference of a probability between torch and the exported graph."""


class TwoViews(nn.Module):
    """The mean of what a network says to a mask and to its mirror image (seed text, sections 4.5.3 and 4.5.5)."""

    def __init__(self, network: nn.Module, temperature: float) -> None:
        super().__init__()
        self.network, self.temperature = network, temperature

    def forward(self, masks: torch.Tensor) -> torch.Tensor:
        """Map masks (N, 224, 224, 3) uint8 RGB to probabilities (N, C) float32."""
        pictures = normalise(masks)
        views = torch.cat([pictures, pictures.flip(3)])
        probabilities = torch.softmax(self.network(views) / self.temperature, dim=1)
        return torch.stack(torch.tensor_split(probabilities, 2)).mean(dim=0)


def export_model(
    network: nn.Module,
    path: Path,
    *,
    classes: Sequence[str],
    architecture: str,
    data_hash: str,
    examples: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    temperature: float = 1.0,
) -> float:
    """Write `model.onnx` with its metadata and check it against torch.

    Args:
        network: maps normalised masks to logits (N, C).
        path: file to write; it appears whole or not at all.
        classes: labels in the order of the logits.
        architecture: name of the network.
        data_hash: hash of the processed data that it was trained on.
        examples: (N, 224, 224, 3) uint8 masks, at least two, to check with.
        temperature: divides the logits (Guo et al. 2017, https://arxiv.org/abs/1706.04599).

    Returns:
        The largest difference of a probability between torch and ONNX Runtime.

    Raises:
        PipelineError: the exported graph disagrees with torch by more than `TOLERANCE`.
    """
    model = TwoViews(network, temperature).eval().cpu()
    masks = torch.from_numpy(examples)
    beside = path.with_name(path.name + ".partial")
    beside.parent.mkdir(parents=True, exist_ok=True)
    _write_graph(model, masks[:3], beside)
    graph = onnx.load(beside)
    onnx.helper.set_model_props(
        graph,
        {
            "classes": json.dumps(list(classes)),
            "mask_version": MASK_VERSION,
            "architecture": architecture,
            "data_hash": data_hash,
            "temperature": repr(temperature),
        },
    )
    onnx.checker.check_model(graph)
    onnx.save(graph, beside)
    session = onnxruntime.InferenceSession(str(beside), providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected = model(masks).numpy()
    difference = float(np.abs(session.run(["probabilities"], {"masks": examples})[0] - expected).max())
    if not difference <= TOLERANCE:  # NaN, the difference of a broken network, is never within it
        beside.unlink()
        raise PipelineError(
            f"{path}: the exported graph differs from torch by {difference:.2g}, more than {TOLERANCE:g}. "
            "Check that torch, onnx and onnxruntime are the pinned versions: make test."
        )
    beside.rename(path)
    return difference


def _write_graph(model: nn.Module, example: torch.Tensor, path: Path) -> None:
    """Trace the model into an ONNX file with a free number of masks."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (example,),
            path,
            input_names=["masks"],
            output_names=["probabilities"],
            dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
