"""The hand model as the page loads it: its 16-bit weights in an order that compresses well."""

from __future__ import annotations

import numpy as np


def pack_weights(data: bytes) -> bytes:
    """Put the high bytes of all 16-bit numbers first, then the low ones, sorted by the high ones.

    The high byte of a float16 is its sign, its exponent and two bits of its mantissa: few values are frequent. Low bytes
    are noise, except those of zeros and other numbers with few bits, which lie side by side once they are sorted.
    client/web/src/packing.ts undoes this; an odd last byte stays where it is.
    """
    words = np.frombuffer(data, "<u2", len(data) // 2)
    high, low = (words >> 8).astype(np.uint8), words.astype(np.uint8)
    return high.tobytes() + low[np.argsort(high, kind="stable")].tobytes() + data[2 * len(words) :]
