"""Write an exported network in int8: smaller and, on a processor, faster; for the service to be given by hand.

Usage: python -m stages.commands.quantize models/custom_cnn/model.onnx [--out model.int8.onnx]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when ONNX Runtime is loaded

import numpy as np
from onnxruntime.quantization import (  # type: ignore[import-untyped]
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process  # type: ignore[import-untyped]

from stages.data.loader import draw_masks
from stages.errors import InputError, run_door
from stages.evaluation.networks import load_network
from stages.files import atomic_write
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import synthesize_hands

if TYPE_CHECKING:
    import numpy.typing as npt

SIGNERS: Final = 8
"""Synthetic signers whose hands set the ranges of the activations."""
SEED: Final = 7
BATCH_SIZE: Final = 16
QUANTIZED: Final = ["Conv", "Gemm", "MatMul"]
"""Operators that run in int8; attention's sigmoids and the softmax stay as they are."""


class Masks(CalibrationDataReader):  # type: ignore[misc]
    """Masks of synthetic hands for ONNX Runtime, batch after batch."""

    def __init__(self) -> None:
        hands = synthesize_hands(read_handshapes(), SIGNERS, samples_per_letter=1, seed=SEED, non_letters=0)
        masks = draw_masks(hands.landmarks)
        self._batches = iter(np.array_split(masks, len(masks) // BATCH_SIZE))

    def get_next(self) -> dict[str, npt.NDArray[np.uint8]] | None:
        """The next batch, or None at the end."""
        batch = next(self._batches, None)
        return None if batch is None else {"masks": batch}


def main() -> None:
    """Write the int8 network next to the one it is made from."""
    parser = argparse.ArgumentParser(prog="python -m stages.commands.quantize", description=main.__doc__)
    parser.add_argument("model", type=Path, help="an exported network that takes masks")
    parser.add_argument("--out", type=Path, help="the file to write (default: model.int8.onnx next to model.onnx)")
    arguments = parser.parse_args()
    out = arguments.out or arguments.model.with_suffix(".int8.onnx")
    quantize(arguments.model, out)
    before, after = (path.stat().st_size / 2**20 for path in (arguments.model, out))
    sys.stdout.write(f"{out}: {after:.1f} MiB, was {before:.1f} MiB\n")


def quantize(model: Path, out: Path) -> None:
    """Write a network with convolutions and matrix products in int8; the rest, metadata included, stays as it was.

    Weights are rounded by channel to 7 bits, so that processors without VNNI cannot overflow, and activations by
    tensor to 8; the ranges come from masks of synthetic hands (static quantization, Jacob et al. 2018,
    https://arxiv.org/abs/1712.05877).

    Args:
        model: what `stages.export` wrote.
        out: file to write; it appears whole or not at all.

    Raises:
        InputError: the file is no exported network that takes masks.
    """
    if load_network(model).input_name != "masks":
        raise InputError(f"{model} takes landmarks, but int8 is for networks that take masks. Name one of those.")
    with tempfile.TemporaryDirectory() as folder, atomic_write(out) as partial:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(model), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared), str(partial), Masks(), quant_format=QuantFormat.QDQ, op_types_to_quantize=QUANTIZED,
            per_channel=True, reduce_range=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip


if __name__ == "__main__":
    run_door(main)
