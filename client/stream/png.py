"""Masks and trails as PNG files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

PNG_LEVEL: Final = 1
"""zlib's fastest level: a mask becomes less than 10 kB in less than a millisecond."""


def encode_png(mask: npt.NDArray[np.uint8]) -> bytes:
    """Encode an (H, W, 3) uint8 RGB mask, or a mask above its trail, as a PNG."""
    bgr = cv2.cvtColor(mask, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL])[1].tobytes()
