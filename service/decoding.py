"""Bounded decoding of a mask, alone or with its trail: what cannot be trusted is checked before it is decompressed.

A PNG of a few kilobytes can hold 144 megapixels, and a general decoder would decompress them all. A mask has one size
and one kind, and a trail below it the same, so the file's header is checked first. Chunks: https://www.w3.org/TR/png-3/#5DataRep
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
"""Side of a mask and of a trail, in pixels."""
MAX_MASK_BYTES: Final = 512 * 1024
"""Largest PNG accepted, in bytes: more than an uncompressed mask and its trail."""

_WITH_TRAIL: Final = (MASK_SIZE, 2 * MASK_SIZE)
"""Width and height of a mask with its trail below it."""
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEADER_END: Final = 33
"""Bytes of the signature and of the header's chunk: 4 of its length, 4 of its name, 13 of data, 4 of its checksum."""
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
        Refusal: 413 too large, 400 not a PNG or a damaged one, 422 a picture of another size or kind.
    """
    return _decode(data, with_trail=False)


def decode_message(data: bytes) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8] | None]:
    """Decode what a stream's message shows: a mask, and below it, in the same PNG, its trail if the hand moves.

    Args:
        data: a PNG file, 224 pixels wide and 224 or 448 high, 8 bits a channel, RGB.

    Returns:
        (224, 224, 3) uint8 RGB, and the same of the trail, None without one.

    Raises:
        Refusal: as `decode_mask`.
    """
    pixels = _decode(data, with_trail=True)
    return pixels[:MASK_SIZE], pixels[MASK_SIZE:] if len(pixels) > MASK_SIZE else None


def _decode(data: bytes, *, with_trail: bool) -> npt.NDArray[np.uint8]:
    if len(data) > MAX_MASK_BYTES:
        raise too_large(len(data))
    if not data.startswith(_SIGNATURE):
        raise Refusal(400, "The data is not a PNG. Send one mask as a PNG.")
    _check_header(data, with_trail=with_trail)
    _check_chunks(data)
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            image.load()
            pixels = np.asarray(image)
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise Refusal(400, f"The PNG is damaged ({error}). Encode the mask again.") from None
    return pixels


def too_large(size: int) -> Refusal:
    """Build the refusal of `size` bytes, which are too many for a mask."""
    return Refusal(
        413, f"{size} bytes are too many for a mask, which has at most {MAX_MASK_BYTES}. Send a PNG of one mask."
    )


def _check_header(data: bytes, *, with_trail: bool) -> None:
    """Check a picture's size and kind in its header, which is the first chunk."""
    if len(data) < _HEADER_END or data[8:16] != b"\x00\x00\x00\x0dIHDR":
        raise Refusal(400, "The PNG ends before its header or has no header. Encode the mask again.")
    if zlib.crc32(data[12:29]) != int.from_bytes(data[29:_HEADER_END], "big"):
        raise Refusal(400, "The PNG's header is damaged. Encode the mask again.")
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    is_rgb, has_trail = (depth, colour) == (_BIT_DEPTH, _COLOUR_TYPE_RGB), (width, height) == _WITH_TRAIL
    if is_rgb and has_trail and not with_trail:
        raise Refusal(422, "This is a mask with its trail below it, which only a stream takes. Send the mask alone.")
    if not is_rgb or not ((width, height) == (MASK_SIZE, MASK_SIZE) or has_trail):
        kind = _COLOUR_TYPES.get(colour, f"colour type {colour}")
        raise Refusal(
            422,
            f"A mask has {MASK_SIZE} x {MASK_SIZE} pixels in {_BIT_DEPTH}-bit RGB; "
            f"this picture has {width} x {height} in {depth}-bit {kind}. Draw it again in that size and kind.",
        )


def _check_chunks(data: bytes) -> None:
    """Walk the chunks to the end: a decoder accepts a truncated file, and a second header that changes the size."""
    position, chunk = _HEADER_END, b"IHDR"
    while chunk != b"IEND" and position + 12 <= len(data):
        length, chunk = struct.unpack(">I4s", data[position : position + 8])
        if chunk == b"IHDR":
            raise Refusal(400, "The PNG has two headers. Encode the mask again.")
        position += 12 + length
    if chunk != b"IEND" or position > len(data):
        raise Refusal(400, "The PNG is cut off before its end. Send the whole file.")
