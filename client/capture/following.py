"""Which hand is read where two are in view: the one that is held up, and stays so until the other one is."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from client.landmarks import HandLandmarker
from client.mask import crop_square
from client.window.drawing import hand_box

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from client.capture.camera import Frame
    from client.landmarks import Hand
    from client.window.drawing import Box

LOOK_ROUND: Final = 2.0
"""Seconds between two looks for a second hand: one costs as much as two frames. Not in a thread of its own: two
landmarkers of MediaPipe at work at the same time now and then wait for each other for ever."""
RAISED: Final = 0.5
"""The other hand takes over where it is this much higher, in lengths of its box."""


class HandFollower:
    """Follows one hand, which takes half as long as following two, and now and then looks for a second one.

    A second hand that rests is painted over for the landmarker, so that it cannot be followed by mistake.
    """

    def __init__(self, bundle: Path | None, *, related: bool) -> None:
        """Load the networks.

        Args:
            bundle: a hand landmarker's `.task` file; MediaPipe's own networks where it is None.
            related: whether frames follow one another; else each is a picture by itself, in which one hand is found.

        Raises:
            ClientError: MediaPipe or its networks cannot be used.
        """
        self._related = related
        self._resting: Box | None = None
        self._looked = float("-inf")
        self._followed: npt.NDArray[np.float32] | None = None
        with ExitStack() as stack:
            self._one = stack.enter_context(HandLandmarker("video" if related else "image", bundle))
            self._two = stack.enter_context(HandLandmarker("image", bundle, num_hands=2)) if related else None
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def find(self, frame: Frame) -> Hand | None:
        """Find the hand that signs; None where there is none."""
        if self._two is None:
            return self._one.detect(frame.rgb)
        if frame.time - self._looked >= LOOK_ROUND:
            self._looked = frame.time
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
        The box of the hand that rests; None where there are not two, or the boxes overlap: they cannot be told apart
        by paint.
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
    """Give the picture with a box of it in black; the picture itself stays as it is."""
    if box is None:
        return rgb
    painted = rgb.copy()
    painted[box[1] : box[3], box[0] : box[2]] = 0
    return painted
