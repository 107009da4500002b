"""What the signer can do to be read better, from what is seen in a frame. No camera, no clock, no window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from client.mask import crop_square

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

NO_HAND: Final = "Show one hand to the camera"
EDGE: Final = "Move your hand into the picture"
FAR: Final = "Come nearer"
DARK: Final = "It is dark: turn on a light"

NEAR_EDGE: Final = 0.01
"""A landmark this near to the picture's edge, as a share of its side, may be cut off."""
SMALL: Final = 0.15
"""A hand smaller than this share of the picture's height has too few pixels."""
DIM: Final = 40.0
"""Mean brightness, 0 to 255, below which hands are missed."""
STEP: Final = 8
"""Every so many pixels are looked at for the brightness."""


def find_hint(rgb: npt.NDArray[np.uint8], points: npt.NDArray[np.float32] | None) -> str:
    """Find the one thing that would help most; "" where all is well.

    Args:
        rgb: (H, W, 3) the frame.
        points: (21, 3) landmarks in its pixels, or None where no hand was found.
    """
    if points is None:
        return DARK if is_dark(rgb) else NO_HAND
    height, width = rgb.shape[:2]
    shares = points[:, :2] / (width, height)
    if shares.min() < NEAR_EDGE or shares.max() > 1.0 - NEAR_EDGE:
        return EDGE
    if crop_square(points)[1] < SMALL * height:
        return FAR
    return DARK if is_dark(rgb) else ""


def is_dark(rgb: npt.NDArray[np.uint8]) -> bool:
    """Whether the frame is so dark that hands are missed."""
    return float(rgb[::STEP, ::STEP].mean()) < DIM
