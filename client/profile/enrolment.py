"""Enrolment: asks for letters one after another, and takes samples of each by itself. No camera, no clock, no window.

A hand must change after each letter, then hold still; then samples are taken while it moves a little. The page for
browsers enrols by the same rules and numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from client.mask import crop_square, place_in_mask
from client.profile.samples import LETTERS, Sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Points = npt.NDArray[np.float64]

Phase = Literal["ready", "still", "taking", "done"]
"""Waiting for a change after the letter before, for a still hand, or taking samples; done after the last letter."""

SAMPLES: Final = 5
"""Samples of each letter."""
ABSENT: Final = 0.2
"""Seconds without a hand after which it counts as gone."""
MOVING: Final = 0.3
"""Seconds within which a hand that moves on to another letter moves by `MOVED`, a share of the hand's side."""
MOVED: Final = 0.12
CHANGED: Final = 0.03
"""Mean distance from the letter before at which a shape is another one, as a share of the mask's side."""
STILL: Final = 0.4
"""Seconds for which a hand must be still, which is to move by no more than `STEADY`, a share of the hand's side."""
STEADY: Final = 0.05
SHORTEST_PAUSE: Final = 0.2
"""Seconds between two samples: at least, and `LONGEST_PAUSE` for a hand that does not move at all."""
LONGEST_PAUSE: Final = 0.3
FRESH: Final = 0.01
"""Movement that makes a new sample worth taking, as a share of the side of the mask or of the hand."""
LEFT: Final = 0.1
"""Mean distance from the letter's first sample at which its shape is lost, as a share of the mask's side."""
_ROUNDING: Final = 1e-6
"""Seconds that may be missing from a time: 0.7 - 0.3 is a little less than 0.4."""


@dataclass(frozen=True)
class _Seen:
    """A hand in one frame."""

    time: float
    points: Points
    """(21, 2) in pixels of the picture."""
    placed: Points
    """(21, 2) in the mask, as shares of its side."""
    side: float
    """Of the hand's square, in pixels of the picture."""


class Enrolment:
    """Asks for letters and takes samples of a hand.

    Example:
        ```python
        enrolment = Enrolment()
        for frame in frames:
            enrolment.see(find(frame), frame.time)
        profile = profile.enrolling(enrolment.samples)
        ```
    """

    def __init__(self, letters: Sequence[str] = LETTERS) -> None:
        """Ask for the first of these letters."""
        self.letters = tuple(letters)
        self.phase: Phase = "still"
        self.ring = 0.0
        """Share of the time for which the hand must be still, 0 to 1."""
        self._position = 0
        self._complete: dict[str, list[_Seen]] = {}
        self._taken: list[_Seen] = []
        self._frames: list[_Seen] = []
        """The hand's last frames, without a gap and since the letter's last change."""
        self._before: Points | None = None
        """The shape that the hand must leave before the next letter, in the mask."""
        self._gone_since: float | None = None

    @property
    def letter(self) -> str:
        """The letter that is asked for; "" after the last one."""
        return "".join(self.letters[self._position : self._position + 1])

    @property
    def asked(self) -> int:
        """Letters that were asked for before this one."""
        return self._position

    @property
    def count(self) -> int:
        """Samples of this letter so far."""
        return len(self._taken)

    @property
    def finished(self) -> bool:
        """Whether the last letter has been asked for."""
        return self.phase == "done"

    @property
    def samples(self) -> list[Sample]:
        """The samples of all complete letters."""
        return [
            Sample.from_hand(letter, seen.points.astype(np.float32))
            for letter, taken in self._complete.items()
            for seen in taken
        ]

    def see(self, points: npt.NDArray[np.float32] | None, time: float) -> None:
        """Handle a frame.

        Args:
            points: (21, 3) landmarks in pixels of the picture, or None if there is no hand.
            time: of the frame in seconds, increasing.
        """
        if self.finished:
            return
        if points is None:
            self._see_none(time)
        else:
            _, side = crop_square(points)
            self._see_hand(_Seen(time, points[:, :2].astype(np.float64), place_in_mask(points), float(side)))

    def skip(self) -> None:
        """Leave this letter out and ask for the next one."""
        if not self.finished:
            self._complete.pop(self.letter, None)
            self._ask(self._position + 1, self._shape_now())

    def back(self) -> None:
        """Ask for the letter before again; its samples are dropped."""
        self._ask(max(self._position - 1, 0), self._shape_now())
        self._complete.pop(self.letter, None)

    def _see_none(self, time: float) -> None:
        if self._gone_since is None:
            self._gone_since = time
        self._frames, self.ring = [], 0.0
        if time - self._gone_since >= ABSENT - _ROUNDING:
            self._taken, self.phase = [], "still"

    def _see_hand(self, seen: _Seen) -> None:
        self._gone_since = None
        if self._frames and seen.time - self._frames[-1].time > STILL:
            self._frames = []  # nothing is known of the time between
        self._frames = [each for each in self._frames if seen.time - each.time <= STILL + MOVING] + [seen]
        if self.phase == "ready" and self._has_changed(seen):
            self.phase, self._frames = "still", [seen]
        if self.phase == "still":
            self._wait_for_still(seen)
        elif self.phase == "taking":
            self._take_next(seen)

    def _has_changed(self, seen: _Seen) -> bool:
        moved = any(
            seen.time - each.time <= MOVING + _ROUNDING and _distance(each.points, seen.points) >= MOVED * seen.side
            for each in self._frames
        )
        return moved or (self._before is not None and _distance(self._before, seen.placed) >= CHANGED)

    def _wait_for_still(self, seen: _Seen) -> None:
        since = seen.time
        for each in reversed(self._frames):
            if _distance(each.points, seen.points) > STEADY * seen.side:
                break
            since = each.time
        self.ring = min((seen.time - since + _ROUNDING) / STILL, 1.0)
        if self.ring >= 1.0:
            self.phase = "taking"
            self._take(seen)

    def _take_next(self, seen: _Seen) -> None:
        if _distance(self._taken[0].placed, seen.placed) >= LEFT:
            self._taken, self._frames, self.phase, self.ring = [], [seen], "still", 0.0
            return
        last = self._taken[-1]
        pause = seen.time - last.time + _ROUNDING
        is_fresh = (
            _distance(last.placed, seen.placed) >= FRESH or _distance(last.points, seen.points) >= FRESH * seen.side
        )
        if pause >= LONGEST_PAUSE or (pause >= SHORTEST_PAUSE and is_fresh):
            self._take(seen)

    def _take(self, seen: _Seen) -> None:
        self._taken.append(seen)
        if len(self._taken) == SAMPLES:
            self._complete[self.letter] = self._taken
            self._ask(self._position + 1, np.mean([each.placed for each in self._taken], axis=0))

    def _ask(self, position: int, before: Points | None) -> None:
        """Ask for a letter; `before` is the shape that the hand must leave first, if there is one."""
        self._position, self._before = position, before
        self._taken, self._frames, self.ring = [], self._frames[-1:], 0.0
        self.phase = "done" if not self.letter else "still" if before is None else "ready"

    def _shape_now(self) -> Points | None:
        return self._frames[-1].placed if self._frames else self._before


def _distance(points: Points, others: Points) -> float:
    """Give the mean distance between the landmarks of two hands."""
    return float(np.linalg.norm(points - others, axis=1).mean())
