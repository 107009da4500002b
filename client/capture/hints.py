"""What the signer can do to be recognised better, judged from one frame. No camera, no clock, no window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from client.mask import crop_square

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

NO_HAND: Final = "Show one hand to the camera"
EDGE: Final = "Move your hand into the picture"
FAR: Final = "Move closer"
DARK: Final = "Too dark: turn on a light"

NEAR_EDGE: Final = 0.01
"""A landmark this close to the picture's edge, as a share of its side, may be cut off."""
SMALL: Final = 0.15
"""A hand smaller than this share of the picture's height has too few pixels."""
DIM: Final = 40.0
"""Mean brightness, 0 to 255, below which hands are missed."""
STEP: Final = 8
"""Brightness is measured at every eighth pixel."""


def find_hint(rgb: npt.NDArray[np.uint8], points: npt.NDArray[np.float32] | None) -> str:
    """Find the one thing that would help most; "" if all is well.

    Args:
        rgb: (H, W, 3) the frame.
        points: (21, 3) landmarks in its pixels, or None if no hand was found.
    """
    dark = DARK if float(rgb[::STEP, ::STEP].mean()) < DIM else ""
    if points is None:
        return dark or NO_HAND
    height, width = rgb.shape[:2]
    shares = points[:, :2] / (width, height)
    if shares.min() < NEAR_EDGE or shares.max() > 1.0 - NEAR_EDGE:
        return EDGE
    return FAR if crop_square(points)[1] < SMALL * height else dark
