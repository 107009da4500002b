"""Why hands were not found in photographs, tried on a few of those in which none was found.

Turned photographs need no try: hands were found in as many frames of 13 films upside down or on their side (73 to 76 of
117) as upright (76), and in 46 to 48 of 48 photographs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from client import landmarks as client_landmarks
from stages.photos.limits import SMALL_SIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

MOST_TRIED: Final = 12
"""Photographs tried: two seconds of work."""
CLEAR_SHARE: Final = 1 / 3
"""Share of the photographs tried in which a change must show a hand before it is taken for the cause."""
LOOK: Final = "Look at them: one hand, whole, in light, and not smaller than a fifth of the picture."


@dataclass(frozen=True)
class Hint:
    """What may be wrong with the photographs."""

    cause: Literal["swapped", "small", ""]
    """Red and blue are swapped, there are too few pixels, or something else."""
    sentence: str
    """What was tried and seen; "" if it is something else."""


def explain_misses(missed: Sequence[npt.NDArray[np.uint8]], height: int, width: int) -> Hint:
    """Try a few photographs in which no hand was found, as they are and with their channels swapped.

    Args:
        missed: (h,w,3) RGB, perhaps smaller than they were.
        height: of most photographs, pixels.
        width: of most photographs, pixels.

    Raises:
        ClientError: MediaPipe or its networks are missing.
    """
    tried = missed[:: -(-len(missed) // MOST_TRIED)] if missed else missed
    with client_landmarks.HandLandmarker("image") as landmarker:
        before = _count(landmarker, tried)
        swapped = _count(landmarker, [np.ascontiguousarray(each[..., ::-1]) for each in tried])
    if swapped > max(2 * before, CLEAR_SHARE * len(tried)):
        return Hint("swapped", f"with red and blue swapped, {swapped} of {len(tried)} tried show a hand")
    if min(height, width) < SMALL_SIDE:
        return Hint(
            "small", f"they are {width}x{height} pixels, and below {SMALL_SIDE} on a side MediaPipe misses hands"
        )
    return Hint("", "")


def _count(landmarker: client_landmarks.HandLandmarker, pictures: Sequence[npt.NDArray[np.uint8]]) -> int:
    return sum(landmarker.detect(picture) is not None for picture in pictures)
