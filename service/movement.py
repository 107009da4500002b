"""J and Z, which are drawn in the air: from one prediction of the trail network per frame to a letter that was drawn.

Like the smoothing it has no clock: the time comes with the frame. `docs/smoothing.md` says the same in plain words.
`service/letters.py` decides what a drawn letter takes the place of.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DRAWN: Final = ("J", "Z")
"""Letters that are drawn in the air."""
BEGINS: Final = {"J": "IY", "Z": "DXGLZ"}
"""What each of them is taken for while its drawing begins, by a network that sees single frames."""
REPEATED: Final = {"J": "IY", "Z": "DXG"}
"""Those of them that go with the drawing even if several follow one another; an L before a Z may be one."""
ENDS: Final = {"J": "IYGQ", "Z": "DXGLZ"}
"""What each of them is taken for while the hand stays where its drawing ends."""
NEAREST: Final = {"J": "I", "Z": "D"}
"""The letter that each is nearest to, its alternative for the word model."""
AGREE: Final = 0.15
"""Seconds whose frames must agree that a letter was drawn."""
FEWEST: Final = 2
"""Frames that must agree, at least; one if it comes more than `APART` after the frame before."""
APART: Final = 0.12
SURE: Final = 0.5
"""Least mean probability of a letter that was drawn."""
GAP: Final = 0.9
"""Seconds after a drawn letter in which no other is drawn: nobody draws two in less."""
AGAIN: Final = 0.3
"""Mean probability below which the drawn letter must fall before another one can be drawn."""
STILL: Final = 0.3
"""Seconds without a trail after which another letter can be drawn, too."""
MOVING: Final = 0.3
"""Probability of J or Z above which a frame commits no letter of the first network."""
_MOST: Final = 64
"""Frames that are kept: a client may send any number with the same time."""
_ROUNDING: Final = 1e-6


@dataclass(frozen=True)
class Drawn:
    """A letter that was just drawn."""

    letter: str
    share: float
    """Its mean probability."""
    seconds: float
    """From the first to the last of the frames that agree."""


class Movement:
    """What the trails of one stream draw.

    Example:
        >>> movement = Movement()
        >>> shares = [0.1, 0.8, 0.9, 0.9, 0.9, 0.1]
        >>> found = [movement.update({"J": share, "Z": 0.0}, frame / 10) for frame, share in enumerate(shares)]
        >>> [drawn.letter if drawn else "" for drawn in found]
        ['', '', 'J', '', '', '']
    """

    def __init__(self) -> None:
        self._asked: deque[tuple[float, Mapping[str, float]]] = deque(maxlen=_MOST)
        self._time: float | None = None
        self._asked_last = float("-inf")
        self._drawn: str | None = None
        self._drawn_at = float("-inf")

    def update(self, shares: Mapping[str, float] | None, time: float) -> Drawn | None:
        """Take one frame; returns the letter that was drawn, in one frame only.

        Args:
            shares: probabilities of `DRAWN` by the frame's trail; None if it has none.
            time: seconds since any moment, the same for all frames. One before the last frame's counts as that one's.
        """
        before = time if self._time is None else self._time
        self._time = now = max(before, time)
        if now - self._asked_last >= STILL - _ROUNDING:
            self._drawn = None
        if shares is None:
            return None
        self._asked_last = now
        self._asked.append((now, shares))
        while now - self._asked[0][0] > AGREE + _ROUNDING:
            self._asked.popleft()
        means = {letter: sum(each[letter] for _, each in self._asked) / len(self._asked) for letter in DRAWN}
        if self._drawn is not None and means[self._drawn] < AGAIN:
            self._drawn = None
        letter = max(DRAWN, key=means.__getitem__)
        enough = len(self._asked) >= FEWEST or now - before > APART
        if self._drawn is not None or not enough or means[letter] < SURE:
            return None
        self._drawn = letter
        if now - self._drawn_at < GAP - _ROUNDING:  # the same movement still
            return None
        self._drawn_at = now
        return Drawn(letter, means[letter], now - self._asked[0][0])


def is_moving(shares: Mapping[str, float] | None) -> bool:
    """Whether a frame's trail rather draws a letter."""
    return shares is not None and max(shares.values()) > MOVING
