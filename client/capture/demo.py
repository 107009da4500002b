"""A synthetic hand that spells, for those without a camera, and a small reader for those without a service."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from client.capture.camera import Frame
from client.landmarks import Hand
from client.letters import letter_shapes
from client.mask import FINGERS, PALM
from client.stream.connection import THRESHOLD, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    import numpy.typing as npt

    from client.stream.pipeline import Seen

TEXT: Final = "HELLO WORLD"
SIZE: Final = (640, 480)
"""Width and height of the pictures."""
RATE: Final = 30.0
MOVE, HOLD, AWAY, PAUSE = 0.35, 0.75, 0.6, 1.5
"""Seconds: from one letter to the next, in a letter, out of the picture between equal letters and words, at the end."""
PALM_LENGTH: Final = 130.0
"""In pixels."""
SWAY: Final = 4.0
"""Pixels by which the hand sways."""
SKIN, SHADOW = (224, 172, 140), (176, 122, 96)
WALL: Final = (58, 66, 78)

SHARPNESS: Final = 300.0
"""How fast the reader's doubt grows with the distance of a hand from a letter's shape."""
SECONDS_HELD: Final = 0.3
RELEASE: Final = 0.3
"""Seconds without a hand after which the same letter may come again."""


@dataclass(frozen=True)
class Pose:
    """Which letter is shown from when on; None: no hand."""

    begin: float
    letter: str | None


class DemoFilm:
    """A synthetic hand before a wall that spells a text over and over: a source, and the landmarks of its frames."""

    related = True
    frame_rate = RATE

    def __init__(self, text: str = TEXT, *, live: bool = True, once: bool = False) -> None:
        """Lay out the film.

        Args:
            text: letters that are held still, and spaces.
            live: whether it plays at its own pace.
            once: whether it ends with the text.
        """
        self.live, self._once = live, once
        self._poses, self._length = _lay_out(text)

    def __iter__(self) -> Iterator[Frame]:
        started, index = time.perf_counter(), 0
        while not self._once or index / RATE < self._length:
            due = index / RATE
            if self.live:
                time.sleep(max(0.0, started + due - time.perf_counter()))
            yield Frame(draw_frame(self.pose(due)), index, due, time.perf_counter())
            index += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def find(self, frame: Frame) -> Hand | None:
        """Give the hand of a frame, as a landmarker would."""
        points = self.pose(frame.time)
        return None if points is None else Hand(points, "Right", 1.0)

    def pose(self, seconds: float) -> npt.NDArray[np.float32] | None:
        """Give the landmarks (21, 3) of a moment in pixels, or None where there is no hand."""
        moment = seconds % self._length
        number = max(index for index, pose in enumerate(self._poses) if pose.begin <= moment)
        pose = self._poses[number]
        if pose.letter is None:
            return None
        shape = letter_shapes()[pose.letter]
        before = self._poses[number - 1].letter if number else None
        if before is not None:
            share = min(1.0, (moment - pose.begin) / MOVE)
            shape = letter_shapes()[before] + (shape - letter_shapes()[before]) * (3 - 2 * share) * share**2
        sway = SWAY * np.array([np.sin(1.7 * seconds), np.cos(1.3 * seconds), 0.0])
        points = shape * PALM_LENGTH + (SIZE[0] / 2, SIZE[1] / 2, 0.0) + sway
        return np.asarray(points, dtype=np.float32)


def _lay_out(text: str) -> tuple[list[Pose], float]:
    poses, moment, before = [Pose(0.0, None)], AWAY, ""
    for letter in text:
        if letter in (before, " "):
            poses.append(Pose(moment, None))
            moment += AWAY
        if letter != " ":
            poses.append(Pose(moment, letter))
            moment += MOVE + HOLD
        before = letter
    poses.append(Pose(moment, None))
    return poses, moment + PAUSE


def draw_frame(points: npt.NDArray[np.float32] | None) -> npt.NDArray[np.uint8]:
    """Draw a hand, landmarks (21, 3) in pixels or None, before a wall: (480, 640, 3) uint8 RGB."""
    picture = np.full((SIZE[1], SIZE[0], 3), WALL, dtype=np.uint8)
    if points is None:
        return picture
    pixels = np.round(points[:, :2]).astype(np.int32)
    wrist = pixels[0]
    cv2.line(picture, wrist.tolist(), [int(wrist[0]), SIZE[1] + 40], SHADOW, 66, cv2.LINE_AA)
    cv2.fillPoly(picture, [pixels[list(PALM)]], SKIN, cv2.LINE_AA)
    cv2.polylines(picture, [pixels[list(PALM)]], True, SKIN, 40, cv2.LINE_AA)
    # The farthest finger first: z grows away from the camera.
    for finger in sorted(FINGERS, key=lambda finger: -float(points[list(finger), 2].mean())):
        cv2.polylines(picture, [pixels[list(finger)]], False, SHADOW, 38, cv2.LINE_AA)
        cv2.polylines(picture, [pixels[list(finger)]], False, SKIN, 32, cv2.LINE_AA)
    return picture


class DemoReader:
    """Compares hands with the shapes of the letters: enough for the synthetic hand, not for people."""

    def __init__(self) -> None:
        self._letters = list(letter_shapes())
        self._shapes = np.stack([_normalise(shape) for shape in letter_shapes().values()])
        self._letter: str | None = None
        self._since = self._gone_since = 0.0
        self._committed: str | None = None

    def read(self, seen: Seen) -> Reply:
        """Read a hand, and commit its letter when it has been held."""
        now, index = seen.frame.time, seen.frame.index
        if seen.hand is None:
            if self._letter is not None:
                self._letter, self._gone_since = None, now
            if now - self._gone_since >= RELEASE:
                self._committed = None
            return Reply(index, None, 0.0, None, None)
        distances = np.square(self._shapes - _normalise(seen.hand.landmarks)).sum(axis=(1, 2))
        odds = np.exp(-SHARPNESS * (distances - distances.min()))
        confidence = float(odds.max() / odds.sum())
        letter = self._letters[int(odds.argmax())] if confidence >= THRESHOLD else None
        if letter != self._letter:
            self._letter, self._since = letter, now
        progress = 0.0 if letter is None else min(1.0, (now - self._since) / SECONDS_HELD)
        committed = letter if progress >= 1.0 and letter != self._committed else None
        self._committed = committed or self._committed
        return Reply(index, letter, confidence, letter, committed, progress)


def _normalise(points: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Place a hand (21, 3) at 0 and give it the size 1; returns (21, 2)."""
    flat = points[:, :2] - points[:, :2].mean(axis=0)
    return np.asarray(flat / np.sqrt(np.square(flat).sum()), dtype=np.float32)
