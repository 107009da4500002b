"""A synthetic hand that spells, for those without a camera."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from client.capture.camera import Film, at_even_times
from client.landmarks import Hand
from client.letters import letter_shapes
from client.mask import FINGERS, PALM, WRIST

if TYPE_CHECKING:
    import numpy.typing as npt

    from client.frames import Frame

TEXT: Final = "HELLO WORLD"
SIZE: Final = (640, 480)
"""Width and height of the pictures."""
RATE: Final = 30.0
MOVE, HOLD, AWAY, PAUSE = 0.35, 0.75, 0.6, 1.5
"""Seconds: between two letters, in a letter, out of the picture between equal letters and words, at the end."""
PALM_LENGTH: Final = 130.0
"""In pixels."""
SWAY: Final = 4.0
"""Amplitude of the hand's movement, in pixels."""
SKIN, SHADOW = (224, 172, 140), (176, 122, 96)
WALL: Final = (58, 66, 78)


class DemoSigner:
    """A synthetic hand that spells a text, letters without movement and spaces, over and over."""

    def __init__(self, text: str = TEXT) -> None:
        self._poses, self._length = _plan(text)

    def film(self, *, live: bool, once: bool) -> Film:
        """Film the hand, at its own pace if `live`, to the end of the text if only `once`."""
        indices = range(math.ceil(self._length * RATE)) if once else itertools.count()
        pictures = (draw_frame(self.pose(index / RATE)) for index in indices)
        return Film(at_even_times(pictures, RATE), RATE, live=live)

    def find(self, frame: Frame) -> Hand | None:
        """Give the hand of a frame, as a landmarker does."""
        points = self.pose(frame.time)
        return None if points is None else Hand(points, "Right", 1.0)

    def pose(self, seconds: float) -> npt.NDArray[np.float32] | None:
        """Give the landmarks (21, 3) at a time, in pixels, or None if there is no hand."""
        moment = seconds % self._length
        number = bisect_right(self._poses, moment, key=lambda pose: pose[0]) - 1
        begin, letter = self._poses[number]
        if letter is None:
            return None
        shape, before = letter_shapes()[letter], self._poses[number - 1][1]
        if before is not None:
            share = min(1.0, (moment - begin) / MOVE)
            shape = letter_shapes()[before] + (shape - letter_shapes()[before]) * (3 - 2 * share) * share**2
        sway = SWAY * np.array([np.sin(1.7 * seconds), np.cos(1.3 * seconds), 0.0])
        points = shape * PALM_LENGTH + (SIZE[0] / 2, SIZE[1] / 2, 0.0) + sway
        return np.asarray(points, dtype=np.float32)


def _plan(text: str) -> tuple[list[tuple[float, str | None]], float]:
    """Give the letters and the seconds from which each is shown, None for no hand, and the seconds of it all."""
    poses: list[tuple[float, str | None]] = [(0.0, None)]
    moment, before = AWAY, ""
    for letter in text:
        if letter in (before, " "):
            poses.append((moment, None))
            moment += AWAY
        if letter != " ":
            poses.append((moment, letter))
            moment += MOVE + HOLD
        before = letter
    poses.append((moment, None))
    return poses, moment + PAUSE


def draw_frame(points: npt.NDArray[np.float32] | None) -> npt.NDArray[np.uint8]:
    """Draw a hand, landmarks (21, 3) in pixels or None, in front of a wall: (480, 640, 3) uint8 RGB."""
    picture = np.full((SIZE[1], SIZE[0], 3), WALL, dtype=np.uint8)
    if points is None:
        return picture
    pixels = np.round(points[:, :2]).astype(np.int32)
    wrist = pixels[WRIST]
    cv2.line(picture, wrist.tolist(), [int(wrist[0]), SIZE[1] + 40], SHADOW, 66, cv2.LINE_AA)
    cv2.fillPoly(picture, [pixels[list(PALM)]], SKIN, cv2.LINE_AA)
    cv2.polylines(picture, [pixels[list(PALM)]], True, SKIN, 40, cv2.LINE_AA)
    # The farthest finger first: z grows away from the camera.
    for finger in sorted(FINGERS, key=lambda finger: -float(points[list(finger), 2].mean())):
        cv2.polylines(picture, [pixels[list(finger)]], False, SHADOW, 38, cv2.LINE_AA)
        cv2.polylines(picture, [pixels[list(finger)]], False, SKIN, 32, cv2.LINE_AA)
    return picture
