"""The mask, 21 hand landmarks drawn on black, and the trail, the paths of three of them: all that leaves the machine.

This is the only code that draws them in Python: training, evaluation, tests and the client all call it, so what the
networks learn from and what they see in use cannot drift apart. `MASK_VERSION` and `TRAIL_VERSION` travel with every
model.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

MASK_VERSION: Final = "finger-colours-3"
MASK_SIZE: Final = 224
"""Side of the mask that models are served with, in pixels."""
MARGIN: Final = 0.1
"""Free border on each side, as a share of the mask's side."""
THICKNESS: Final = 7
"""Width of a drawn bone, in pixels of the mask."""

WRIST: Final = 0
PALM: Final = (0, 1, 5, 9, 13, 17)
FINGERS: Final = ((5, 6, 7, 8), (9, 10, 11, 12), (13, 14, 15, 16), (17, 18, 19, 20), (1, 2, 3, 4))
"""Index, middle, ring and little finger and thumb in the order of drawing: the thumb's place distinguishes A, E, M, N,
S and T, so no finger may hide it."""
PALM_COLOUR: Final = (128, 128, 128)
FINGER_COLOURS: Final = ((255, 64, 64), (64, 255, 64), (80, 80, 255), (255, 255, 0), (255, 255, 255))
"""RGB, one colour per finger: which finger is where is half of the manual alphabet."""
SHADES: Final = (0.45, 0.7, 1.0)
"""Brightness of a finger's bones from the palm to the tip: how far a finger folds over itself separates S and E."""

TRAIL_VERSION: Final = "trail-1"
TRAIL_SECONDS: Final = 1.5
"""How far a trail goes back: people draw J in 0.3 to 1.2 seconds, and Z a little slower."""
TRAIL_POINTS: Final = (0, 20, 8)
"""Wrist and the tips of little and index finger, in the order of drawing."""
TRAIL_COLOURS: Final = (PALM_COLOUR, FINGER_COLOURS[3], FINGER_COLOURS[0])
TRAIL_SIDE: Final = 4.5
"""Palm lengths that a trail's side is at least, so that a hand held still gives three dots."""
TRAIL_FADED: Final = 0.25
"""Brightness of a path at its oldest."""

_BONES: Final = [
    (list(bone), tuple(int(shade * channel) for channel in colour))
    for finger, colour in zip(FINGERS, FINGER_COLOURS, strict=True)
    for bone, shade in zip(pairwise(finger), SHADES, strict=True)
]
"""Both ends of each bone and its colour, in the order of drawing."""
_SUBPIXEL_BITS: Final = 4
_MCPS: Final = (5, 9, 17)


def crop_square(points: npt.NDArray[np.floating[Any]]) -> tuple[npt.NDArray[np.float32], float]:
    """Find the square around a hand that its mask shows.

    Args:
        points: (21, 2) or (21, 3) landmarks in pixels; only x and y are used.

    Returns:
        The middle (2,) and the side of the square, in pixels of the photograph.
    """
    xy = np.asarray(points, dtype=np.float32)[:, :2]
    low, high = xy.min(axis=0), xy.max(axis=0)
    side = max(float((high - low).max()), 1e-6) / (1.0 - 2.0 * MARGIN)
    return (low + high) / 2.0, side


def place_in_mask(
    points: npt.NDArray[np.floating[Any]], *, zoom: float = 1.0, shift: Sequence[float] = (0, 0)
) -> npt.NDArray[np.float64]:
    """Find where in its mask a hand's landmarks lie.

    Args:
        points: (21, 2) or (21, 3) landmarks in pixels of the photograph, in MediaPipe's order; finite.
        zoom: size of the hand relative to the mask's, for augmentation.
        shift: x and y by which the hand is off the mask's middle, as shares of its side, for augmentation.

    Returns:
        (21, 2) x and y, as shares of the mask's side from its left and upper edge.

    Raises:
        ValueError: the landmarks are not 21 finite points.
    """
    points = np.asarray(points, dtype=np.float32)
    if points.ndim != 2 or points.shape[0] != 21 or points.shape[1] not in (2, 3) or not np.isfinite(points).all():
        raise ValueError(f"landmarks must be 21 finite points of x and y (and z), not an array of shape {points.shape}")
    centre, side = crop_square(points)
    placed: npt.NDArray[np.float64] = (points[:, :2] - centre) * (zoom / side) + (0.5 + shift[0], 0.5 + shift[1])
    return placed


def render_mask(
    points: npt.NDArray[np.floating[Any]], size: int = MASK_SIZE, *, zoom: float = 1.0, shift: Sequence[float] = (0, 0)
) -> npt.NDArray[np.uint8]:
    """Draw a hand's landmarks on black, cropped to the hand, one colour per finger, brighter to its tip, a grey palm.

    Args:
        points: (21, 2) or (21, 3) landmarks, as `place_in_mask` takes them.
        size: side of the mask in pixels, at most `MASK_SIZE`.
        zoom: as `place_in_mask` takes it.
        shift: as `place_in_mask` takes it.

    Returns:
        (size, size, 3) uint8 RGB.

    Raises:
        ValueError: the landmarks are not 21 finite points.
    """
    return draw_mask(place_in_mask(points, zoom=zoom, shift=shift), size)


def draw_mask(placed: npt.NDArray[np.float64], size: int = MASK_SIZE) -> npt.NDArray[np.uint8]:
    """Draw landmarks where they lie in the mask, (21, 2) as `place_in_mask` returns them; see `render_mask`."""
    pixels = np.round((placed * MASK_SIZE - 0.5) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    mask = np.zeros((MASK_SIZE, MASK_SIZE, 3), dtype=np.uint8)
    cv2.polylines(mask, [pixels[list(PALM)]], True, PALM_COLOUR, THICKNESS, cv2.LINE_8, _SUBPIXEL_BITS)
    for bone, colour in _BONES:
        cv2.polylines(mask, [pixels[bone]], False, colour, THICKNESS, cv2.LINE_8, _SUBPIXEL_BITS)
    if size == MASK_SIZE:
        return mask
    # A smaller mask is the mask in use, averaged: lines drawn thin at a small size would be other lines.
    return np.asarray(cv2.resize(mask, (size, size), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def palm_length(points: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    """Measure hands (..., 21, 2 or 3) in pixels: the longest of the ways from the wrist to three MCPs, (...)."""
    xy = np.asarray(points, dtype=np.float32)[..., :2]
    ways = xy[..., _MCPS, :] - xy[..., :1, :]
    return np.asarray(np.sqrt((ways**2).sum(axis=-1)).max(axis=-1))


def place_in_trail(paths: npt.NDArray[np.floating[Any]], palm: float) -> npt.NDArray[np.float64]:
    """Find where in their trail paths lie.

    Args:
        paths: (T, 3, 2) where `TRAIL_POINTS` were, in pixels of the photographs, oldest first; finite.
        palm: the hand's palm length in pixels, the median over these T frames.

    Returns:
        (T, 3, 2) x and y, as shares of the trail's side from its left and upper edge.
    """
    paths = np.asarray(paths, dtype=np.float32)
    low, high = paths.min(axis=(0, 1)), paths.max(axis=(0, 1))
    side = max(float((high - low).max()) / (1.0 - 2.0 * MARGIN), TRAIL_SIDE * palm, 1e-6)
    return np.asarray((paths - (low + high) / np.float32(2.0)) * (1.0 / side) + 0.5)


def draw_trail(placed: npt.NDArray[np.float64], times: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Draw paths on black, one colour for each point, brighter towards now.

    Args:
        placed: (T, 3, 2) as `place_in_trail` returns them, T at least 1.
        times: (T,) seconds of the frames, ascending; the last one is now.

    Returns:
        (`MASK_SIZE`, `MASK_SIZE`, 3) uint8 RGB.
    """
    pixels = np.round((placed * MASK_SIZE - 0.5) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    brightness = 1.0 - (1.0 - TRAIL_FADED) * np.minimum((times[-1] - times) / TRAIL_SECONDS, 1.0)
    trail = np.zeros((MASK_SIZE, MASK_SIZE, 3), dtype=np.uint8)
    for point, colour in enumerate(TRAIL_COLOURS):
        for frame, shade in enumerate(brightness.tolist()):
            stretch = np.ascontiguousarray(pixels[max(frame - 1, 0) : frame + 1, point])
            shaded = [int(shade * each) for each in colour]
            cv2.polylines(trail, [stretch], False, shaded, THICKNESS, cv2.LINE_8, _SUBPIXEL_BITS)
    return trail
