"""The letters of a stream with their alternatives: those that were committed, and those that were stable but not sure.

A segment is a stretch of frames with the same likeliest letter, however unsure. One that ends without having been
committed is a weak letter: a word model may know better. It reads beside `service/smoothing.py`, which decides what is
committed.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    import numpy.typing as npt

ALTERNATIVES: Final = 5
"""Letters of a segment that are kept."""
STABLE: Final = 0.06
"""Seconds from the first to the last frame of a segment, at least: two frames at 15 a second, three at 30."""
MOST_REPLACED: Final = 32
"""Segments that a drawn letter takes the place of, at most."""
LOOK_BACK: Final = 1.6
"""Seconds for which a segment may have ended and still be the beginning of a drawn letter."""
WEAK_BEGAN: Final = 0.8
"""Seconds since a weak letter began that is taken for a part of a drawing whose beginning was not seen."""
COMMITTED_BEGAN: Final = 0.5
"""The same of a committed letter."""
_ROUNDING: Final = 1e-6


@dataclass(frozen=True)
class Segment:
    """One letter as it was seen."""

    alternatives: tuple[tuple[str, float], ...]
    """The likeliest letters and their mean probabilities, best first."""
    seconds: float
    """From its first to its last frame so far."""
    committed: bool
    """Whether it joined the text; otherwise it is a weak letter."""


class Segments:
    """The segments of one stream of frames. Like the smoothing it has no clock."""

    def __init__(self, release: float) -> None:
        """Start without a segment.

        Args:
            release: seconds without its letter after which a segment ends.
        """
        self._release = release
        self._current: _Stretch | None = None
        self._next: _Stretch | None = None
        self._time = float("-inf")
        self._told: deque[_Told] = deque(maxlen=MOST_REPLACED)

    def update(
        self,
        probabilities: npt.NDArray[np.float32] | None,
        labels: Sequence[str],
        time: float,
        committed: str | None,
        silent: Container[str] = (),
    ) -> list[Segment]:
        """Take one frame; returns the segments that are complete with it, mostly none.

        Args:
            probabilities: (C,) of the labels; None without a hand.
            labels: the C labels. Those of more than one character are no letters.
            time: as `Smoothing.update` takes it.
            committed: what `Smoothing.update` said of the same frame.
            silent: letters that are not told as weak ones if this frame shows them.
        """
        self._time = max(self._time, time)
        ended: list[_Told] = []
        if probabilities is not None and len(label := labels[int(probabilities.argmax())]) == 1:
            ended += self._add(label, probabilities, labels, silent=label in silent)
        else:
            self._next = None
        if self._current is not None and self._time - self._current.last >= self._release - _ROUNDING:
            ended += self._end()
        if committed is not None and len(committed) == 1:
            ended += self._commit(committed)
        self._told += ended
        if self._told and self._current is not None and self._current.committed:
            self._told[-1].last = self._current.last  # it goes on after it was told
        return [each.segment for each in ended]

    def take_back(self, drawn: Segment, beginnings: str, repeated: str, time: float) -> list[Segment]:
        """Take a frame in which a letter was drawn: nothing that is unfinished will be told.

        Args:
            drawn: the letter's own segment, which is told after those that it takes the place of.
            beginnings: letters that its drawing begins with.
            repeated: those of them that all go if several follow one another.
            time: as `update` takes it.

        Returns:
            The last of the segments told so far that it takes the place of, in their order.
        """
        self._time = max(self._time, time)
        current, self._current, self._next = self._current, None, None
        count = 0
        if current is None or current.committed or not self._is_beginning(current.letter, current.last, beginnings):
            count = self._count_replaced(beginnings)
        told = list(reversed(self._told))
        while (
            count < len(told)
            and not told[count].drawn
            and self._is_beginning(told[count].segment.alternatives[0][0], told[count].last, repeated)
        ):
            count += 1
        replaced = [self._told.pop().segment for _ in range(count)][::-1]
        self._told.append(_Told(drawn, self._time, self._time, drawn=True))
        return replaced

    def _is_beginning(self, letter: str, last: float, beginnings: str) -> bool:
        return letter in beginnings and self._time - last <= LOOK_BACK + _ROUNDING

    def _count_replaced(self, beginnings: str) -> int:
        """Count the last segments that are parts of a drawing; none of them is another drawn letter or before one."""
        since = 0
        for number, each in enumerate(reversed(self._told), 1):
            if each.drawn:
                break
            if self._is_beginning(each.segment.alternatives[0][0], each.last, beginnings):
                return number
            began = self._time - each.first
            if since == number - 1 and began <= (COMMITTED_BEGAN if each.segment.committed else WEAK_BEGAN) + _ROUNDING:
                since = number
        return since

    def _add(
        self, letter: str, probabilities: npt.NDArray[np.float32], labels: Sequence[str], *, silent: bool
    ) -> list[_Told]:
        """Add a frame to the segment of its letter; another one's begins as soon as it is stable."""
        current = self._current
        if current is not None and current.is_of(letter, labels):
            current.add(probabilities, self._time, silent=silent)
            self._next = None
            return []
        if self._next is None or not self._next.is_of(letter, labels):
            self._next = _Stretch(letter, labels, self._time)
        self._next.add(probabilities, self._time, silent=silent)
        if not self._next.is_stable:
            return []
        ended = self._end()
        self._current, self._next = self._next, None
        return ended

    def _end(self) -> list[_Told]:
        current, self._current = self._current, None
        return [] if current is None or current.committed or current.silent else [current.tell()]

    def _commit(self, letter: str) -> list[_Told]:
        ended = []
        if self._current is None or self._current.letter != letter:  # a hold shorter than two frames
            ended = self._end()
            self._current, self._next = self._next, None
        if self._current is None or self._current.letter != letter:
            return [*ended, _Told(Segment(((letter, 1.0),), 0.0, committed=True), self._time, self._time)]
        self._current.committed = True
        return [*ended, self._current.tell()]


@dataclass
class _Told:
    """A segment that was told, and when its frames were."""

    segment: Segment
    first: float
    last: float
    drawn: bool = False
    """Whether it is a letter that was drawn in the air."""


class _Stretch:
    """Frames with the same likeliest letter."""

    def __init__(self, letter: str, labels: Sequence[str], begin: float) -> None:
        self.letter, self.labels, self.committed = letter, labels, False
        self.silent = False
        self.first = self.last = begin
        self._frames = 0
        self._sum: npt.NDArray[np.float64] = np.zeros(len(labels))

    def is_of(self, letter: str, labels: Sequence[str]) -> bool:
        """Whether a frame belongs to it; none of another model does."""
        return letter == self.letter and labels is self.labels

    def add(self, probabilities: npt.NDArray[np.float32], time: float, *, silent: bool) -> None:
        self.silent = self.silent or silent
        self._sum += probabilities
        self._frames += 1
        self.last = time

    @property
    def is_stable(self) -> bool:
        return self.last - self.first >= STABLE - _ROUNDING

    def tell(self) -> _Told:
        letters = [index for index in np.argsort(-self._sum, kind="stable") if len(self.labels[index]) == 1]
        alternatives = tuple(
            (self.labels[index], float(self._sum[index] / self._frames)) for index in letters[:ALTERNATIVES]
        )
        return _Told(Segment(alternatives, self.last - self.first, self.committed), self.first, self.last)
