"""The trail of a hand: where three of its points were over the last 1.5 seconds, drawn only while the hand moves."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from client.mask import TRAIL_POINTS, TRAIL_SECONDS, draw_trail, palm_length, place_in_trail

if TYPE_CHECKING:
    import numpy.typing as npt

AWAY: Final = 0.4
"""Seconds without a hand after which another trail begins; shorter gaps are frames in which it was lost."""
LEAST_FRAMES: Final = 3
"""Frames of a trail, at least."""
FAR: Final = 0.5
"""Palm lengths that the tip of index or little finger must have moved within the trail."""
RECENT: Final = 0.4
"""Seconds within which a hand that moves must have moved, by `STIRRED`."""
STIRRED: Final = 0.15
_ROUNDING: Final = 1e-6


class _Seen(NamedTuple):
    time: float
    points: npt.NDArray[np.float32]
    """(3, 2) of `TRAIL_POINTS`, in pixels."""
    palm: float


class Trail:
    """The trail of one stream of frames. It has no clock: time is the frames' own, however many there are a second."""

    def __init__(self) -> None:
        self._seen: deque[_Seen] = deque()

    def add(self, time: float, landmarks: npt.NDArray[np.floating[Any]] | None) -> None:
        """Add a frame.

        Args:
            time: of the frame, seconds since any moment; a frame that is not later than the one before is left out.
            landmarks: (21, 2) or (21, 3) in pixels; None if no hand was found.
        """
        seen = self._seen
        if seen and time - seen[-1].time > AWAY:
            seen.clear()
        if landmarks is None or (seen and time <= seen[-1].time):
            return
        points = np.asarray(landmarks, dtype=np.float32)[list(TRAIL_POINTS), :2]
        seen.append(_Seen(time, points, float(palm_length(landmarks))))
        while time - seen[0].time > TRAIL_SECONDS + _ROUNDING:
            seen.popleft()

    def draw(self) -> npt.NDArray[np.uint8] | None:
        """Draw the trail as `draw_trail` does; None while the hand is still, or has just come."""
        if len(self._seen) < LEAST_FRAMES:
            return None
        times = np.array([each.time for each in self._seen])
        paths = np.stack([each.points for each in self._seen])
        palm = float(np.median([each.palm for each in self._seen]))
        tips, recent = paths[:, 1:], times >= times[-1] - RECENT - _ROUNDING
        if np.ptp(tips, axis=0).max() < FAR * palm or np.ptp(tips[recent], axis=0).max() < STIRRED * palm:
            return None
        return draw_trail(place_in_trail(paths, palm), times)
