"""The frames in which a letter was held until it was committed: what a mistake is learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from client.letters import MOVING_LETTERS

if TYPE_CHECKING:
    import numpy.typing as npt

    from client.stream.reply import Reply

KEPT: Final = 3
"""Frames of a hold that join a profile."""
MOST: Final = 300
"""Frames of a hold that are remembered: ten seconds."""


@dataclass(frozen=True)
class Hold:
    """A letter that was committed, and how it was signed."""

    letter: str
    hands: tuple[npt.NDArray[np.float32], ...]
    """Up to `KEPT` hands, (21, 3) in pixels of their pictures, spread over the hold; none of a letter that moves."""


class HoldMemory:
    """Remembers the frames since the smoothed letter became what it is."""

    def __init__(self) -> None:
        self._letter: str | None = None
        self._hands: list[npt.NDArray[np.float32]] = []

    def see(self, points: npt.NDArray[np.float32] | None, reply: Reply) -> Hold | None:
        """Handle a frame's hand, if there is one, and its reply; returns the hold that it completes."""
        if reply.smoothed != self._letter:
            self._letter, self._hands = reply.smoothed, []
        if points is not None and self._letter is not None and len(self._hands) < MOST:
            self._hands.append(points)
        if reply.committed in MOVING_LETTERS:
            return Hold(reply.committed, ())
        if reply.committed is None or reply.committed != self._letter or not self._hands:
            return None
        places = np.unique(np.linspace(0, len(self._hands) - 1, KEPT).round().astype(int))
        return Hold(self._letter, tuple(self._hands[place] for place in places))
