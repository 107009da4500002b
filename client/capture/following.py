"""Which of two hands in view signs: the larger and raised one, until the other one leads clearly."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from client.frames import hand_box
from client.landmarks import HandLandmarker
from client.mask import PALM, crop_square

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy.typing as npt

    from client.frames import Box, Frame
    from client.landmarks import Hand

SEARCH_INTERVAL: Final = 1.0
"""Seconds between two searches for a second hand: each costs as much as two frames. Not in a thread of its own: two
MediaPipe landmarkers that run at the same time sometimes deadlock."""
FORGET: Final = 3.0
"""Seconds for which the signer's hand may be gone, or a resting one unseen, until any hand may sign."""
TAKES_OVER: Final = 1.0
"""Lead at which another hand takes over: raised by a hand's length, or twice as large. One hand's palm is 1.4 times as
large in one letter as in another."""
HIGHEST: Final = 2.0
"""Hands' lengths of which more do not add to a lead."""
UNLIKE: Final = 1.4
"""How unlike the signer's a hand may be that appears after that was gone: 1 for half the size, and up to 1 for being
two palms away."""
AVERAGED: Final = 0.05
"""Weight of a frame in the mean of the signer's size: it covers a second or so."""


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


@dataclass(frozen=True)
class Signer:
    """The hand that signs, as it was last seen."""

    points: npt.NDArray[np.float32]
    """(21, 3) landmarks in pixels."""
    size: float
    """Mean size of its palm over the last frames, in pixels."""
    seen: float
    """Time of the frame in seconds."""


class HandFollower:
    """Follows one hand, which takes half as long as following two, and searches for a second one when it may be there.

    A hand that does not sign is painted over for the landmarker, so that it is not followed by mistake.
    """

    def __init__(self, one: HandLandmarker, two: HandLandmarker) -> None:
        """Follow with `one`, which was made for video, and search with `two`, made for two hands in still pictures."""
        self._one, self._two = one, two
        self._resting: Box | None = None
        self._resting_seen = 0.0
        self._searched = float("-inf")
        self._signer: Signer | None = None
        self._following = False

    def find(self, frame: Frame) -> Hand | None:
        """Find the hand that signs; None if there is none."""
        if self._signer is not None and frame.time - self._signer.seen > FORGET:
            self._signer = self._resting = None
        if frame.time - self._resting_seen > FORGET:
            self._resting = None
        if self._following and frame.time - self._searched >= SEARCH_INTERVAL:
            self._search(frame)
        hand = self._one.detect_in_video(paint_over(frame.rgb, self._resting), round(frame.time * 1000))
        if hand is not None and not (self._following and self._is_near(hand.landmarks)):
            hand = self._search(frame)
        self._following = hand is not None
        if hand is not None:
            self._remember(hand.landmarks, frame.time)
            if self._resting is not None and _overlap(hand_box(hand.landmarks, frame.rgb.shape), self._resting):
                self._resting = None  # painting over it would hide part of the hand that signs
        return hand

    def _search(self, frame: Frame) -> Hand | None:
        """Search for two hands, and give the one that signs."""
        self._searched = frame.time
        hands = self._two.detect_all(frame.rgb)
        points = [hand.landmarks for hand in hands]
        if self._following and self._signer is not None and not any(map(self._is_near, points)):
            points = [self._signer.points, *points[:1]]
        signing = find_signing(points, self._signer, self._resting, frame.rgb.shape, following=self._following)
        for index, each in enumerate(points):
            if index != signing:
                self._resting, self._resting_seen = hand_box(each, frame.rgb.shape), frame.time
        hand = next((hand for hand in hands if signing is not None and hand.landmarks is points[signing]), None)
        if hand is not None and not self._is_near(hand.landmarks):
            self._signer = Signer(hand.landmarks, palm_size(hand.landmarks), frame.time)
        return hand

    def _is_near(self, points: npt.NDArray[np.float32]) -> bool:
        return self._signer is not None and _distance(points, self._signer.points) < 1.0

    def _remember(self, points: npt.NDArray[np.float32], time: float) -> None:
        size = palm_size(points)
        if self._signer is not None:
            size = self._signer.size + (size - self._signer.size) * AVERAGED
        self._signer = Signer(points, size, time)


def find_signing(
    hands: list[npt.NDArray[np.float32]],
    signer: Signer | None,
    resting: Box | None,
    shape: tuple[int, ...],
    *,
    following: bool,
) -> int | None:
    """Find which hand signs.

    Args:
        hands: (21, 3) landmarks of each hand in view, in pixels, at most two.
        signer: the hand that signed so far, if it is known.
        resting: box of the hand that did not.
        shape: of the picture, height first.
        following: whether the signer's hand was there in the frame before.

    Returns:
        The number of the hand; None if none of them is the signer's.
    """
    if signer is not None and following and len(hands) == 2:
        own = int(_distance(hands[1], signer.points) < _distance(hands[0], signer.points))
        before, other = (hands[own], signer.size), (hands[1 - own], palm_size(hands[1 - own]))
        return 1 - own if _lead(other, before, shape) > TAKES_OVER else own
    candidates = [
        number
        for number, hand in enumerate(hands)
        if signer is None or following or not (_is_inside(hand, resting) or _is_bystander(hand, signer))
    ]
    if len(candidates) == 2:
        one, other = ((hand, palm_size(hand)) for hand in hands)
        return int(_lead(other, one, shape) > 0.0)
    return candidates[0] if candidates else None


def palm_size(points: npt.NDArray[np.float32]) -> float:
    """Measure how large and near a hand is, whatever its fingers do: the diameter of its palm, in pixels."""
    palm = points[list(PALM), :2]
    return float(np.linalg.norm(palm[:, None] - palm, axis=2).max())


def _lead(
    one: tuple[npt.NDArray[np.float32], float], other: tuple[npt.NDArray[np.float32], float], shape: tuple[int, ...]
) -> float:
    """Say how much likelier a hand signs than the other: it is larger, raised higher, or nearer to the middle.

    To be twice as large counts as much as to be higher by a hand's length, or nearer to the middle by half the width
    of the picture.
    """
    (points, size), (other_points, other_size) = one, other
    (middle, side), (other_middle, other_side) = crop_square(points), crop_square(other_points)
    rise = 2.0 * float(other_middle[1] - middle[1]) / (side + other_side)
    aside = abs(float(other_middle[0]) - shape[1] / 2) - abs(float(middle[0]) - shape[1] / 2)
    larger = math.log2(max(size, 1.0) / max(other_size, 1.0))
    return larger + min(max(rise, -HIGHEST), HIGHEST) + 2.0 * aside / shape[1]


def _is_bystander(points: npt.NDArray[np.float32], signer: Signer) -> bool:
    """Whether a hand is too small, or small and in another place, to be the signer's that was gone for a moment."""
    away = float(np.linalg.norm(crop_square(points)[0] - crop_square(signer.points)[0])) / (2.0 * signer.size)
    return bool(math.log2(signer.size / max(palm_size(points), 1.0)) + min(away, 1.0) > UNLIKE)


def _is_inside(points: npt.NDArray[np.float32], box: Box | None) -> bool:
    x, y = crop_square(points)[0]
    return box is not None and bool(box[0] <= x < box[2] and box[1] <= y < box[3])


def _distance(points: npt.NDArray[np.float32], others: npt.NDArray[np.float32]) -> float:
    """Measure how far a hand is from another, in sides of the other one's mask."""
    middle, side = crop_square(others)
    return float(np.linalg.norm(crop_square(points)[0] - middle)) / side


def _overlap(box: Box, other: Box) -> bool:
    return box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]


def paint_over(rgb: npt.NDArray[np.uint8], box: Box | None) -> npt.NDArray[np.uint8]:
    """Return a copy of the picture with a box painted black; without a box, the picture itself."""
    if box is None:
        return rgb
    painted = rgb.copy()
    painted[box[1] : box[3], box[0] : box[2]] = 0
    return painted
