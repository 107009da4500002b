"""Takes: two seconds of a hand that draws a letter in the air. No camera, no clock, no window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from client.trail import Trail

if TYPE_CHECKING:
    from client.landmarks import Hand

TAKE_SECONDS: Final = 2.0
"""From a take's first frame to its last: time to begin, and to draw the letter without haste."""
MOST_TAKES: Final = 10
"""Takes of one letter, at most."""
_TOLERANCE: Final = 2e-3
"""Seconds by which a frame may be early: many films have times in whole milliseconds."""


@dataclass(frozen=True)
class Take:
    """One movement."""

    letter: str
    frames: tuple[tuple[float, Hand | None], ...]
    """Seconds since the first frame, and the hand that was found in it, if any; the first frame has one."""
    image_size: tuple[int, int]
    """Width and height of the frames in pixels."""


class OpenTake:
    """A take that is being recorded: it begins with the first frame that has a hand."""

    def __init__(self, letter: str, image_size: tuple[int, int]) -> None:
        self._letter, self._image_size = letter, image_size
        self._frames: list[tuple[float, Hand | None]] = []
        self._trail = Trail()
        self._asked: float | None = None
        self._seconds = 0.0
        self._has_moved = False

    @property
    def progress(self) -> float:
        """How much of its time has passed, 0 to 1."""
        return min(self._seconds / TAKE_SECONDS, 1.0) if self._frames else 0.0

    def see(self, time: float, hand: Hand | None) -> bool:
        """Add a frame; returns whether the time is over, with or without a hand."""
        if self._asked is None:
            self._asked = time
        if hand is not None or self._frames:
            self._frames.append((time, hand))
            self._trail.add(time, None if hand is None else hand.landmarks)
            self._has_moved = self._has_moved or self._trail.draw() is not None
        self._seconds = time - (self._frames[0][0] if self._frames else self._asked)
        return self._seconds >= TAKE_SECONDS - _TOLERANCE

    def close(self) -> Take | None:
        """Give the take; None if no hand moved in it."""
        if not self._has_moved:
            return None
        begun = self._frames[0][0]
        frames = tuple((time - begun, hand) for time, hand in self._frames)
        return Take(self._letter, frames, self._image_size)
