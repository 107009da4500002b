"""How long each step from a frame's capture to its letter on the screen takes: over a whole run, and right now."""

from __future__ import annotations

import json
import statistics
import time
from collections import deque
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from client.stream.pipeline import Prediction

STEPS: Final = ("wait for landmarks", "landmarks", "mask", "wait for the network", "service", "drawing")
"""The last one begins when the reply has come, and ends when the letter is drawn or its line written."""
TOTAL: Final = "captured to drawn"
WARM_UP: Final = 10
"""Frames at the start that are not counted."""
RECENT: Final = 300
"""The most frames that the figures on the screen cover."""


class Timings:
    """The times of every frame of a run."""

    def __init__(self) -> None:
        self._moments: list[tuple[float, ...]] = []

    def add(self, prediction: Prediction, drawn: float) -> None:
        """Add a frame whose letter was drawn at the time `drawn`, by `time.perf_counter`."""
        hand, asked, answered = prediction.detection, prediction.asked, prediction.answered
        self._moments.append((hand.frame.captured, hand.begun, hand.found, hand.drawn, asked, answered, drawn))

    def summary(self) -> dict[str, object]:
        """Give frames, frames per second, and the median and 95th percentile of every step in milliseconds.

        `first_drawn` is when the first letter appeared on the screen, in seconds since 1970.
        """
        started = time.time() - time.perf_counter()
        first_drawn = started + self._moments[0][-1] if self._moments else None
        frames: dict[str, object] = {"frames": len(self._moments), "first_drawn": first_drawn}
        if len(self._moments) < WARM_UP + 2:
            return frames
        moments = np.array(self._moments[WARM_UP:])
        columns = dict(zip(STEPS, np.diff(moments).T.tolist(), strict=True))
        columns[TOTAL] = (moments[:, -1] - moments[:, 0]).tolist()
        return frames | {
            "frames_per_second": round((len(moments) - 1) / (moments[-1, -1] - moments[0, -1]), 1),
            "ms": {
                name: {
                    "median": round(1000 * statistics.median(column), 2),
                    "p95": round(1000 * statistics.quantiles(column, n=20)[-1], 2),
                }
                for name, column in columns.items()
            },
        }

    def save(self, path: Path) -> None:
        """Write the summary as JSON."""
        path.write_text(json.dumps(self.summary(), indent=2) + "\n", encoding="utf-8")


class Pace:
    """Frames per second, and the time from a frame's capture to its letter on the screen, of the last frames."""

    def __init__(self) -> None:
        self._frames: deque[tuple[float, float]] = deque(maxlen=RECENT)

    def add(self, captured: float, drawn: float) -> None:
        """Add a frame, with its times in seconds."""
        self._frames.append((captured, drawn))

    @property
    def rate(self) -> float:
        """Frames per second over the last 1.5 seconds; 0.0 if there are too few."""
        recent = [drawn for _, drawn in self._frames if self._frames[-1][1] - drawn <= 1.5]
        return (len(recent) - 1) / (recent[-1] - recent[0]) if len(recent) > 1 else 0.0

    @property
    def latency(self) -> float:
        """Upper median of the seconds from capture to screen over the last 30 frames; 0.0 if there are none."""
        recent = [drawn - captured for captured, drawn in list(self._frames)[-30:]]
        return statistics.median_high(recent) if recent else 0.0
