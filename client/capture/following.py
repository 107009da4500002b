"""Which of two hands in view signs: the raised one, until the other one is raised."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np

from client.frames import hand_box
from client.landmarks import HandLandmarker
from client.mask import crop_square

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy.typing as npt

    from client.frames import Box, Frame
    from client.landmarks import Hand

SEARCH_INTERVAL: Final = 2.0
"""Seconds between two searches for a second hand: each costs as much as two frames. Not in a thread of its own: two
MediaPipe landmarkers that run at the same time sometimes deadlock."""
RAISED: Final = 0.5
"""The other hand takes over if it is this much higher, as a share of its box's side."""


@contextmanager
def follow_hand(bundle: Path | None, *, related: bool) -> Iterator[Callable[[Frame], Hand | None]]:
    """Load the networks, and give what finds the hand that signs in a frame, or None if there is none.

    Args:
        bundle: a hand landmarker's `.task` file; if None, MediaPipe's own networks.
        related: whether frames follow one another; else each is a separate picture, in which one hand is found.

    Raises:
        ClientError: MediaPipe or its networks cannot be used.
    """
    with HandLandmarker("video" if related else "image", bundle) as one:
        if not related:
            yield lambda frame: one.detect(frame.rgb)
            return
        with HandLandmarker("image", bundle, num_hands=2) as two:
            yield HandFollower(one, two).find


class HandFollower:
    """Follows one hand, which takes half as long as following two, and regularly searches for a second one.

    A second hand that rests is painted over for the landmarker, so that it is not followed by mistake.
    """

    def __init__(self, one: HandLandmarker, two: HandLandmarker) -> None:
        """Follow with `one`, which was made for video, and search with `two`, made for two hands in still pictures."""
        self._one, self._two = one, two
        self._resting: Box | None = None
        self._searched = float("-inf")
        self._followed: npt.NDArray[np.float32] | None = None

    def find(self, frame: Frame) -> Hand | None:
        """Find the hand that signs; None if there is none."""
        if frame.time - self._searched >= SEARCH_INTERVAL:
            self._searched = frame.time
            hands = [hand.landmarks for hand in self._two.detect_all(frame.rgb)]
            self._resting = find_resting(hands, self._followed, frame.rgb.shape)
        hand = self._one.detect_in_video(paint_over(frame.rgb, self._resting), round(frame.time * 1000))
        self._followed = None if hand is None else hand.landmarks
        return hand


def find_resting(
    hands: list[npt.NDArray[np.float32]], followed: npt.NDArray[np.float32] | None, shape: tuple[int, ...]
) -> Box | None:
    """Find the hand that does not sign.

    Args:
        hands: (21, 3) landmarks of each hand in view, in pixels.
        followed: those of the hand that was followed so far, or None.
        shape: of the picture, height first.

    Returns:
        The box of the hand that rests; None if there are not two hands, or if their boxes overlap: painting over one
        would hide part of the other.
    """
    if len(hands) != 2:
        return None
    middles = [crop_square(hand)[0] for hand in hands]
    higher = int(middles[1][1] < middles[0][1])
    signing = higher
    if followed is not None:
        middle = crop_square(followed)[0]
        before = int(np.linalg.norm(middles[1] - middle) < np.linalg.norm(middles[0] - middle))
        rise = middles[before][1] - middles[higher][1]
        signing = higher if rise > RAISED * crop_square(hands[higher])[1] else before
    box, other = hand_box(hands[1 - signing], shape), hand_box(hands[signing], shape)
    apart = box[2] <= other[0] or other[2] <= box[0] or box[3] <= other[1] or other[3] <= box[1]
    return box if apart else None


def paint_over(rgb: npt.NDArray[np.uint8], box: Box | None) -> npt.NDArray[np.uint8]:
    """Return a copy of the picture with a box painted black; without a box, the picture itself."""
    if box is None:
        return rgb
    painted = rgb.copy()
    painted[box[1] : box[3], box[0] : box[2]] = 0
    return painted
