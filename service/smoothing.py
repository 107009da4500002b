"""From one reading per frame to letters: a threshold, a sliding window and its majority vote, and a hold.

The seed text's sections 4.5.6 (prediction smoothing) and 4.5.9 (thresholding and filtering). There is no clock here: a
frame brings its time with it, so the same frames always give the same letters. docs/smoothing.md says how the
defaults were chosen.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Final

NOTHING: Final = "nothing"
"""Label of a hand that shows no letter, where the model's data set has it."""
MAX_WINDOW: Final = 100
MAX_SECONDS: Final = 10.0
_ROUNDING: Final = 1e-6
"""Seconds by which a hold may be short: times of a film are sums of fractions."""


@dataclass(frozen=True)
class SmoothingParameters:
    """When a reading counts, and when a letter is committed."""

    threshold: float = 0.5
    """Least probability of a reading that counts: likelier than all other letters together."""
    window: int = 9
    """Frames that vote."""
    hold: float = 0.4
    """Seconds for which the same letter must win the vote before it is committed."""
    release: float = 0.2
    """Seconds without a hand after which the window is empty and the same letter may come again."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.threshold <= 1.0:
            raise ValueError(f"threshold is {self.threshold}, but must be from 0 to 1")
        if not 1 <= self.window <= MAX_WINDOW:
            raise ValueError(f"window is {self.window}, but must be from 1 to {MAX_WINDOW} frames")
        for name in ("hold", "release"):
            if not 0.0 <= getattr(self, name) <= MAX_SECONDS:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be from 0 to {MAX_SECONDS:g} seconds")


@dataclass(frozen=True)
class Smoothed:
    """What to show after a frame."""

    letter: str | None
    """The frame's own letter, where it is sure enough."""
    smoothed: str | None
    """The letter that more than half of the window's frames show."""
    committed: str | None
    """A letter that is now sure, in the one frame in which it becomes so."""
    progress: float
    """How much of the hold has passed, 0 to 1, for the smoothed letter."""


class Smoothing:
    """The state of one stream of frames.

    Example:
        >>> smoothing = Smoothing(SmoothingParameters(window=3, hold=0.2, release=0.1))
        >>> frames = ["L", "L", "L", "L", None, None, "L", "L", "L"]
        >>> [smoothing.update(letter, 0.9, number / 10).committed for number, letter in enumerate(frames)]
        [None, None, 'L', None, None, None, None, None, 'L']
    """

    def __init__(self, parameters: SmoothingParameters | None = None) -> None:
        self._parameters = parameters or SmoothingParameters()
        self._window: deque[str | None] = deque(maxlen=self._parameters.window)
        self._now = float("-inf")
        self._gone_since: float | None = None
        """When the first frame without a hand came."""
        self._smoothed: str | None = None
        self._since = 0.0
        """When the smoothed letter began to win the vote."""
        self._taken: str | None = None
        """The letter committed last, until it is released."""

    def update(self, letter: str | None, confidence: float, time: float) -> Smoothed:
        """Take one frame's reading.

        Args:
            letter: the likeliest label, or None where the frame shows no hand.
            confidence: the label's probability; not read where there is no hand.
            time: of the frame, in seconds; one that lies before the last frame's counts as that.
        """
        self._now = max(self._now, time)
        sure = accept(letter, confidence, self._parameters.threshold)
        self._watch_hand(letter)
        if not self._released():
            self._window.append(sure)
        smoothed = self._vote()
        if smoothed != self._smoothed:
            self._smoothed, self._since = smoothed, self._now
        progress = self._progress()
        # A frame that shows another letter, or no hand, commits none: a hand that passes by is gone before its letter.
        held = progress >= 1.0 and sure == smoothed != self._taken
        committed = smoothed if held else None
        if committed is not None:
            self._taken = committed
        return Smoothed(sure, smoothed, committed, progress)

    def _watch_hand(self, letter: str | None) -> None:
        """Forget everything where no hand was there for long enough."""
        if letter is not None:
            self._gone_since = None
        elif self._gone_since is None:
            self._gone_since = self._now
        if self._released():
            self._window.clear()
            self._taken = None

    def _released(self) -> bool:
        gone = self._gone_since
        return gone is not None and self._now - gone >= self._parameters.release - _ROUNDING

    def _vote(self) -> str | None:
        """Return the letter of more than half of the frames seen; unsure frames vote for none."""
        if not self._window:
            return None
        letter, votes = Counter(self._window).most_common(1)[0]
        return letter if 2 * votes > len(self._window) else None

    def _progress(self) -> float:
        if self._smoothed is None:
            return 0.0
        if not self._parameters.hold:
            return 1.0
        return min(1.0, (self._now - self._since + _ROUNDING) / self._parameters.hold)


def accept(letter: str | None, confidence: float, threshold: float) -> str | None:
    """Give the letter where it is one and likely enough, else None: a hand at rest or on its way shows no letter."""
    return letter if letter != NOTHING and confidence >= threshold else None
