"""The letters of a stream with their alternatives: those that were committed, and those that were stable but not sure.

A segment is a stretch of frames with the same likeliest letter, however unsure. One that ends without having been
committed is a weak letter: a word model may know better. It reads beside `service/smoothing.py`, which decides what is
committed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

ALTERNATIVES: Final = 5
"""Letters of a segment that are kept."""
STABLE: Final = 0.06
"""Seconds from the first to the last frame of a segment, at least: two frames at 15 a second, three at 30."""
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

    def update(
        self,
        probabilities: npt.NDArray[np.float32] | None,
        labels: Sequence[str],
        time: float,
        committed: str | None,
    ) -> list[Segment]:
        """Take one frame; returns the segments that are complete with it, mostly none.

        Args:
            probabilities: (C,) of the labels; None without a hand.
            labels: the C labels. Those of more than one character are no letters.
            time: as `Smoothing.update` takes it.
            committed: what `Smoothing.update` said of the same frame.
        """
        self._time = max(self._time, time)
        ended: list[Segment] = []
        if probabilities is not None and len(label := labels[int(probabilities.argmax())]) == 1:
            ended += self._add(label, probabilities, labels)
        else:
            self._next = None
        if self._current is not None and self._time - self._current.last >= self._release - _ROUNDING:
            ended += self._end()
        if committed is not None and len(committed) == 1:
            ended += self._commit(committed)
        return ended

    def _add(self, letter: str, probabilities: npt.NDArray[np.float32], labels: Sequence[str]) -> list[Segment]:
        """Add a frame to the segment of its letter; another one's begins as soon as it is stable."""
        current = self._current
        if current is not None and current.is_of(letter, labels):
            current.add(probabilities, self._time)
            self._next = None
            return []
        if self._next is None or not self._next.is_of(letter, labels):
            self._next = _Stretch(letter, labels, self._time)
        self._next.add(probabilities, self._time)
        if not self._next.is_stable:
            return []
        ended = self._end()
        self._current, self._next = self._next, None
        return ended

    def _end(self) -> list[Segment]:
        current, self._current = self._current, None
        return [current.describe()] if current is not None and not current.committed else []

    def _commit(self, letter: str) -> list[Segment]:
        ended = []
        if self._current is None or self._current.letter != letter:  # a hold shorter than two frames
            ended = self._end()
            self._current, self._next = self._next, None
        if self._current is None or self._current.letter != letter:
            return [*ended, Segment(((letter, 1.0),), 0.0, committed=True)]
        self._current.committed = True
        return [*ended, self._current.describe()]


class _Stretch:
    """Frames with the same likeliest letter."""

    def __init__(self, letter: str, labels: Sequence[str], begin: float) -> None:
        self.letter, self.labels, self.committed = letter, labels, False
        self.first = self.last = begin
        self._frames = 0
        self._sum: npt.NDArray[np.float64] = np.zeros(len(labels))

    def is_of(self, letter: str, labels: Sequence[str]) -> bool:
        """Whether a frame belongs to it; none of another model does."""
        return letter == self.letter and labels is self.labels

    def add(self, probabilities: npt.NDArray[np.float32], time: float) -> None:
        self._sum += probabilities
        self._frames += 1
        self.last = time

    @property
    def is_stable(self) -> bool:
        return self.last - self.first >= STABLE - _ROUNDING

    def describe(self) -> Segment:
        letters = [index for index in np.argsort(-self._sum, kind="stable") if len(self.labels[index]) == 1]
        alternatives = tuple(
            (self.labels[index], float(self._sum[index] / self._frames)) for index in letters[:ALTERNATIVES]
        )
        return Segment(alternatives, self.last - self.first, self.committed)
