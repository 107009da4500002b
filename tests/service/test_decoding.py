"""Bounded decoding: what is refused, why, and at what cost."""

from __future__ import annotations

import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serving import COLOURS, TRAIL_COLOURS, mask, moving_mask, picture

from fuzz.service import bomb, chunk
from service.decoding import MAX_MASK_BYTES, decode_mask, decode_message
from service.errors import Refusal

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def header(width: int, height: int) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def damaged() -> bytes:
    """A valid header, then pixels that cannot be decompressed, in chunks with valid checksums."""
    return SIGNATURE + header(224, 224) + chunk(b"IDAT", b"\xff" * 500) + chunk(b"IEND", b"")


def too_few_pixels() -> bytes:
    return SIGNATURE + header(224, 224) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def second_header() -> bytes:
    """A valid header, followed by one of another size: decoders use the last."""
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * (12_001 * 3)))
    return SIGNATURE + header(224, 224) + header(12_000, 12_000) + pixels + chunk(b"IEND", b"")


def broken_checksum() -> bytes:
    data = bytearray(mask("A"))
    data[len(SIGNATURE) + 8 + 13] ^= 1
    return bytes(data)


def text_bomb() -> bytes:
    """A valid mask with a comment that decompresses to 64 MB."""
    comment = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * (64 << 20), 9))
    return mask("A")[:33] + comment + mask("A")[33:]


REFUSED = {
    "nothing": (b"", 400, "not a PNG"),
    "text": (b"hello, world\n" * 20, 400, "not a PNG"),
    "jpeg": (picture((1, 2, 3), kind="JPEG"), 400, "not a PNG"),
    "zeros": (b"\0" * 1000, 400, "not a PNG"),
    "signature alone": (SIGNATURE, 400, "before its header"),
    "signature and garbage": (SIGNATURE + b"\xa5" * 400, 400, "before its header"),
    "cut in the header": (mask("A")[:20], 400, "before its header"),
    "cut in the pixels": (mask("A")[:200], 400, "cut off"),
    "cut before the end": (mask("A")[:-12], 400, "cut off"),
    "cut in the end": (mask("A")[:-1], 400, "cut off"),
    "pixels damaged": (damaged(), 400, "damaged"),
    "pixels missing": (too_few_pixels(), 400, "damaged"),
    "header damaged": (broken_checksum(), 400, "header is damaged"),
    "two headers": (second_header(), 400, "two headers"),
    "packed comment": (text_bomb(), 400, "damaged"),
    "too small": (picture((0, 0, 0), (223, 224)), 422, "223 x 224"),
    "too large": (picture((0, 0, 0), (640, 480)), 422, "640 x 480"),
    "grey": (picture((), mode="L"), 422, "grey"),
    "transparent": (picture((), mode="RGBA"), 422, "RGB with alpha"),
    "palette": (picture((), mode="P"), 422, "palette"),
    "one bit": (picture((), mode="1"), 422, "1-bit"),
    "sixteen bits": (picture((), mode="I;16"), 422, "16-bit"),
    "144 megapixels": (bomb(), 422, "12000 x 12000"),
    "too many bytes": (mask("A") + b"\0" * MAX_MASK_BYTES, 413, "too many"),
}


@pytest.mark.parametrize(("data", "status", "says"), REFUSED.values(), ids=REFUSED)
def test_refuses(data, status, says):
    with pytest.raises(Refusal, match=says) as refusal:
        decode_mask(data)
    assert refusal.value.status == status


@pytest.mark.parametrize(("data", "status", "says"), REFUSED.values(), ids=REFUSED)
def test_refuses_the_same_in_a_message(data, status, says):
    with pytest.raises(Refusal, match=says) as refusal:
        decode_message(data)
    assert refusal.value.status == status


def test_a_message_is_a_mask_alone_or_with_its_trail():
    alone, no_trail = decode_message(mask("A"))
    assert (alone.shape, no_trail) == ((224, 224, 3), None)
    above, below = decode_message(moving_mask("B", "Z"))
    assert above.shape == below.shape == (224, 224, 3)
    assert (above == COLOURS["B"]).all()
    assert (below == TRAIL_COLOURS["Z"]).all()


def test_a_trail_is_refused_where_a_mask_is_expected():
    with pytest.raises(Refusal, match=r"only a stream takes\. Send the mask alone") as refusal:
        decode_mask(moving_mask("B", "Z"))
    assert refusal.value.status == 422


@pytest.mark.parametrize("size", [(448, 224), (224, 447), (224, 672), (448, 448), (112, 448)])
def test_a_message_of_another_size_is_refused(size):
    with pytest.raises(Refusal, match=f"{size[0]} x {size[1]}"):
        decode_message(picture((0, 0, 0), size))


def test_decodes_every_pixel():
    import io

    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    assert buffer.tell() <= MAX_MASK_BYTES, "even noise fits the limit"
    decoded = decode_mask(buffer.getvalue())
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, pixels)


@pytest.mark.parametrize("name", ["144 megapixels", "two headers", "packed comment"])
def test_a_bomb_is_refused_without_being_decompressed(name):
    data = REFUSED[name][0]
    tracemalloc.start()
    with pytest.raises(Refusal):
        decode_mask(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20, f"{peak} bytes were allocated for {len(data)} bytes"


@settings(deadline=None)
@given(st.integers(0, len(mask("B")) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_refused_or_decoded_but_nothing_else(position, flip):
    data = bytearray(mask("B"))
    data[position] ^= flip
    try:
        assert decode_mask(bytes(data)).shape == (224, 224, 3)
        assert decode_message(bytes(data))[1] is None
    except Refusal as refusal:
        assert refusal.status in (400, 422)  # noqa: PT017 - both outcomes are correct


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_tail_after_a_valid_header_is_refused(tail):
    with pytest.raises(Refusal):
        decode_mask(SIGNATURE + header(224, 224) + tail)
