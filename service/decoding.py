"""Bounded decoding of one mask: what a stranger sends is looked at before a single pixel of it is unpacked.

A PNG of a few kilobytes can claim 144 megapixels; a general decoder would unpack them all. A mask has one size and
one kind, so the file's header is compared with it first. Chunks: https://www.w3.org/TR/png-3/#5DataRep
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from service.errors import Refusal

MASK_SIZE: Final = 224
"""Side of a mask, in pixels."""
MAX_MASK_BYTES: Final = 512 * 1024
"""Largest PNG accepted, in bytes: three times a mask without any compression."""

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_IHDR_LENGTH: Final = 13
_BIT_DEPTH: Final = 8
_COLOUR_TYPE_RGB: Final = 2
_COLOUR_TYPES: Final = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}


def decode_mask(data: bytes) -> npt.NDArray[np.uint8]:
    """Decode a PNG of one mask.

    Args:
        data: a PNG file, 224 x 224 pixels, 8 bits a channel, RGB.

    Returns:
        (224, 224, 3) uint8 RGB.

    Raises:
        Refusal: 413 too large, 400 no PNG or a damaged one, 422 a picture of another size or kind.
    """
    if len(data) > MAX_MASK_BYTES:
        raise too_large(len(data))
    if not data.startswith(_SIGNATURE):
        raise Refusal(400, "The data is not a PNG. Send one mask, encoded as PNG.")
    _check_header(_header(data))
    _check_chunks(data)
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            image.load()
            pixels = np.asarray(image)
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise Refusal(400, f"The PNG is damaged ({error}). Encode the mask again.") from None
    return pixels


def too_large(size: int) -> Refusal:
    """Say that `size` bytes, or more, are too many for a mask."""
    return Refusal(
        413, f"{size} bytes are too many for a mask: at most {MAX_MASK_BYTES} are read. Send a PNG of one mask."
    )


def _header(data: bytes) -> bytes:
    """Return the 13 bytes that say a picture's size and kind."""
    start = len(_SIGNATURE)
    end = start + 8 + _IHDR_LENGTH
    if len(data) < end + 4 or data[start : start + 8] != struct.pack(">I4s", _IHDR_LENGTH, b"IHDR"):
        raise Refusal(400, "The PNG ends before its header or has none. Encode the mask again.")
    if zlib.crc32(data[start + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
        raise Refusal(400, "The PNG's header is damaged. Encode the mask again.")
    return data[start + 8 : end]


def _check_header(header: bytes) -> None:
    width, height, depth, colour = struct.unpack(">IIBB", header[:10])
    if (width, height, depth, colour) != (MASK_SIZE, MASK_SIZE, _BIT_DEPTH, _COLOUR_TYPE_RGB):
        kind = _COLOUR_TYPES.get(colour, f"colour type {colour}")
        raise Refusal(
            422,
            f"A mask has {MASK_SIZE} x {MASK_SIZE} pixels in {_BIT_DEPTH}-bit RGB; "
            f"this picture has {width} x {height} in {depth}-bit {kind}. Draw it again in that size and kind.",
        )


def _check_chunks(data: bytes) -> None:
    """Walk the chunks to the end: a decoder forgives a cut file and lets a second header change the size."""
    position, chunk = len(_SIGNATURE) + 8 + _IHDR_LENGTH + 4, b"IHDR"
    while chunk != b"IEND":
        if position + 12 > len(data):
            raise Refusal(400, "The PNG is cut off before its end. Send the whole file.")
        length, chunk = struct.unpack(">I4s", data[position : position + 8])
        if chunk == b"IHDR":
            raise Refusal(400, "The PNG has two headers. Encode the mask again.")
        position += 12 + length
    if position > len(data):
        raise Refusal(400, "The PNG is cut off before its end. Send the whole file.")
