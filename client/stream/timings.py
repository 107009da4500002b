"""How long each step from a frame's capture to its letter on the screen took, of a whole run and at the moment."""

from __future__ import annotations

import json
import statistics
import time
from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from client.stream.pipeline import Reading

STEPS: Final = ("wait for landmarks", "landmarks", "mask", "wait for the network", "service", "drawing")
"""The last one begins when the answer is there, and ends when the letter is drawn or its line written."""
TOTAL: Final = "captured to drawn"
WARM_UP: Final = 10
"""Frames at the beginning that are not counted."""
RECENT: Final = 300
"""Frames over which a rate on the screen is taken."""


class Timings:
    """The times of every frame of a run."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, ...]] = []
        self._ends: list[float] = []
        self._first_drawn: float | None = None

    def add(self, reading: Reading, drawn: float) -> None:
        """Add a frame whose letter was drawn at a time by `time.perf_counter`."""
        if self._first_drawn is None:
            self._first_drawn = time.time() - (time.perf_counter() - drawn)
        seen = reading.seen
        moments = (seen.frame.captured, seen.begun, seen.found, seen.drawn, reading.asked, reading.answered, drawn)
        self._rows.append(tuple(after - before for before, after in pairwise(moments)))
        self._ends.append(drawn)

    def summary(self) -> dict[str, object]:
        """Give frames, frames a second, and the median and 95th percentile of every step in milliseconds.

        `first_drawn` is when the first letter was on the screen, in seconds since 1970.
        """
        rows, ends = self._rows[WARM_UP:], self._ends[WARM_UP:]
        if len(rows) < 2:
            return {"frames": len(self._rows), "first_drawn": self._first_drawn}
        columns = {name: [row[place] for row in rows] for place, name in enumerate(STEPS)}
        columns[TOTAL] = [sum(row) for row in rows]
        return {
            "frames": len(self._rows),
            "first_drawn": self._first_drawn,
            "frames_per_second": round((len(ends) - 1) / (ends[-1] - ends[0]), 1),
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
    """Frames a second and the time from a frame's capture to its letter on the screen, of the last frames."""

    def __init__(self) -> None:
        self._drawn: deque[float] = deque(maxlen=RECENT)
        self._latencies: deque[float] = deque(maxlen=RECENT)

    def add(self, captured: float, drawn: float) -> None:
        """Add a frame, with its times in seconds."""
        self._drawn.append(drawn)
        self._latencies.append(drawn - captured)

    @property
    def rate(self) -> float:
        """Frames a second over the last second or so; 0.0 while nobody knows."""
        recent = [time for time in self._drawn if self._drawn[-1] - time <= 1.5]
        return (len(recent) - 1) / (recent[-1] - recent[0]) if len(recent) > 1 else 0.0

    @property
    def latency(self) -> float:
        """Median of the seconds from capture to screen over the last frames; 0.0 while nobody knows."""
        recent = sorted(list(self._latencies)[-30:])
        return recent[len(recent) // 2] if recent else 0.0
