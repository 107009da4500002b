"""A frame of a source, and where in a frame the hand is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from client.mask import crop_square

if TYPE_CHECKING:
    import numpy.typing as npt

    Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Frame:
    """One picture of a source."""

    rgb: npt.NDArray[np.uint8]
    """(H, W, 3), as the camera sees it: not mirrored."""
    index: int
    """Counts from 0."""
    time: float
    """Seconds since the first frame: as a film says, by the clock for a camera or a network address."""
    captured: float = 0.0
    """When it was captured, by `time.perf_counter`."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.rgb.shape[1], self.rgb.shape[0]


def hand_box(points: npt.NDArray[np.float32], shape: tuple[int, ...]) -> Box:
    """Find the square that the mask shows, in whole pixels and clipped to the frame.

    Args:
        points: (21, 3) or (21, 2) landmarks in pixels.
        shape: the frame's shape, height first.

    Returns:
        x0, y0, x1, y1, with x1 and y1 exclusive.
    """
    middle, side = crop_square(points)
    corners = np.floor(middle - side / 2), np.ceil(middle + side / 2)
    x0, y0, x1, y1 = np.clip(corners, 0, (shape[1], shape[0])).astype(int).ravel().tolist()
    return x0, y0, x1, y1
