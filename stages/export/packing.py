"""The hand model as the page loads it: fewer bits where they matter least, in an order that compresses well."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

ROUNDED_MEMBER: Final = "hand_landmarks_detector.tflite"
"""The network that places the landmarks. The one that finds the palm stays as it is: what it finds decides which part
of the picture the other one sees, so that a small change of it moves every landmark."""
DROPPED_BITS: Final = {100_000: 5, 30_000: 4}
"""Of the ten bits of a float16's mantissa, those rounded away, by the least number of weights of a tensor: with
them go 0.9 of 5.1 MB. Smaller tensors, among them biases and first layers, matter more and stay."""
FLOAT16: Final = 1
"""https://github.com/tensorflow/tensorflow/blob/v2.18.0/tensorflow/compiler/mlir/lite/schema/schema.fbs"""
_EXPONENT: Final = 0x7C00
# Numbers of fields in that schema.
_SUBGRAPHS, _BUFFERS, _TENSORS, _TYPE, _BUFFER, _DATA = 2, 4, 0, 1, 2, 0


def round_weights(bundle: bytes) -> bytes:
    """Round the large tensors of the network that places the landmarks.

    Args:
        bundle: a hand landmarker's `.task` bundle.

    Returns:
        Another one of the same size.
    """
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(bundle)) as given,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as rounded,  # MediaPipe maps the members as they lie there
    ):
        for member in given.infolist():
            network = bytearray(given.read(member))
            if member.filename == ROUNDED_MEMBER:
                _round_network(network)
            rounded.writestr(zipfile.ZipInfo(member.filename), network)
    return buffer.getvalue()


def pack_weights(data: bytes) -> bytes:
    """Put the high bytes of all 16-bit numbers first, then the low ones, sorted by the high ones.

    The high byte of a float16 is its sign, its exponent and two bits of its mantissa: few values are frequent. Low
    bytes are noise, except those of zeros and other numbers with few bits, which lie side by side once they are sorted.
    client/web/src/packing.ts undoes this; an odd last byte stays where it is.
    """
    words = np.frombuffer(data, "<u2", len(data) // 2)
    high, low = (words >> 8).astype(np.uint8), words.astype(np.uint8)
    return high.tobytes() + low[np.argsort(high, kind="stable")].tobytes() + data[2 * len(words) :]


def _round_network(network: bytearray) -> None:
    for start, count in _float16_tensors(bytes(network)):
        bits = next((bits for least, bits in DROPPED_BITS.items() if count >= least), 0)
        if bits:
            weights = np.frombuffer(network, "<u2", count, start)
            weights[:] = _round(weights, bits)


def _round(weights: npt.NDArray[np.uint16], bits: int) -> npt.NDArray[np.uint16]:
    """Round float16 numbers, as integers, to the nearest with that many zero bits at the end, to even ones on ties."""
    wide = weights.astype(np.uint32)
    rounded = wide + (1 << (bits - 1)) - 1 + ((wide >> bits) & 1)
    rounded &= ~np.uint32((1 << bits) - 1)
    is_finite = (rounded & _EXPONENT) != _EXPONENT
    return np.where(is_finite, rounded, wide).astype(np.uint16)


def _float16_tensors(network: bytes) -> Iterator[tuple[int, int]]:
    """Find where the constant float16 tensors of a TensorFlow Lite network begin, and how many numbers they have."""
    model = _number(network, 0, "I")
    buffers = _tables(network, model, _BUFFERS)
    for graph in _tables(network, model, _SUBGRAPHS):
        for tensor in _tables(network, graph, _TENSORS):
            kind, buffer = _field(network, tensor, _TYPE), _field(network, tensor, _BUFFER)
            data = _field(network, buffers[_number(network, buffer, "I")], _DATA) if buffer else 0
            if kind and data and _number(network, kind, "b") == FLOAT16:
                vector = data + _number(network, data, "I")
                yield vector + 4, _number(network, vector, "I") // 2


def _tables(network: bytes, table: int, number: int) -> list[int]:
    """Find the tables that a FlatBuffer's field lists (https://flatbuffers.dev/internals/)."""
    field = _field(network, table, number)
    vector = field + _number(network, field, "I")
    entries = [vector + 4 + 4 * index for index in range(_number(network, vector, "I"))]
    return [entry + _number(network, entry, "I") for entry in entries]


def _field(network: bytes, table: int, number: int) -> int:
    """Find a field of a FlatBuffer's table; 0 if it has its default."""
    layout = table - _number(network, table, "i")
    slot = 4 + 2 * number
    offset = _number(network, layout + slot, "H") if slot < _number(network, layout, "H") else 0
    return table + offset if offset else 0


def _number(network: bytes, at: int, kind: str) -> int:
    (number,) = struct.unpack_from(f"<{kind}", network, at)
    return int(number)
