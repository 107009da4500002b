"""From one reading per frame to letters: a threshold, a vote over the last frames, a hold and a release.

The seed paper's sections 4.5.6 (prediction smoothing) and 4.5.9 (thresholding and filtering). There is no clock in
here: the time comes with the frame, so the same readings at the same times always give the same letters.
`docs/smoothing.md` shows the states and how the defaults were chosen.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Final

NOTHING: Final = "nothing"
"""Label of a hand that shows no letter, where the model's data set has it."""
MAX_WINDOW: Final = 100
"""Frames that may vote, at most."""
MAX_SECONDS: Final = 10.0
"""Longest hold and release."""
_ROUNDING: Final = 1e-6
"""Seconds that may be missing from a hold or a release: 0.7 - 0.3 is a little less than 0.4."""


@dataclass(frozen=True)
class SmoothingParameters:
    """When a reading counts, and when a letter is committed. `make bench-smoothing` chose the defaults."""

    threshold: float = 0.5
    """Least probability of a reading that counts, 0 to 1: half is likelier than all other letters together."""
    window: int = 5
    """Frames that vote, 1 to 100."""
    hold: float = 0.3
    """Seconds, 0 to 10, for which the smoothed letter must have been the same before it is committed."""
    release: float = 0.3
    """Seconds, 0 to 10. Where no hand was there for so long, the window is empty; where no frame read the committed
    letter for so long, it may come again."""

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("threshold", self.threshold, 0.0, 1.0),
            ("window", self.window, 1, MAX_WINDOW),
            ("hold", self.hold, 0.0, MAX_SECONDS),
            ("release", self.release, 0.0, MAX_SECONDS),
        ):
            if not least <= value <= most:
                raise ValueError(f"{name} is {value}, but must be from {least:g} to {most:g}")
        if self.window != int(self.window):
            raise ValueError(f"window is {self.window}, but must be a whole number of frames")


@dataclass(frozen=True)
class Smoothed:
    """What to show after a frame."""

    letter: str | None
    """The frame's own letter, where it is sure enough."""
    smoothed: str | None
    """The letter that more than half of the window's frames show."""
    committed: str | None
    """A letter that is now sure, in the one frame in which it becomes so; the frame shows it, too."""
    progress: float
    """Share of the hold that has passed for the smoothed letter: 0 where there is none, 1 once it is committed."""


class Smoothing:
    """The state of one stream of frames.

    Example:
        >>> smoothing = Smoothing(SmoothingParameters(window=3, hold=0.2, release=0.1))
        >>> [smoothing.update(letter, 0.9, time / 10).committed for time, letter in enumerate("LLLL")]
        [None, None, 'L', None]
    """

    def __init__(self, parameters: SmoothingParameters | None = None) -> None:
        self._parameters = parameters or SmoothingParameters()
        self._window: deque[str | None] = deque(maxlen=int(self._parameters.window))
        self._time = float("-inf")
        self._gone_since: float | None = None
        self._smoothed: str | None = None
        self._smoothed_since = self._time
        self._committed: str | None = None
        self._unread_since: float | None = None

    def update(self, letter: str | None, confidence: float, time: float) -> Smoothed:
        """Take one frame's reading.

        Args:
            letter: the likeliest label, or None where the frame shows no hand.
            confidence: the label's probability; not read where there is no hand.
            time: seconds since any moment, the same for all frames. One before the last frame's counts as that one's.
        """
        self._time = max(self._time, time)
        sure = accept(letter, confidence, self._parameters.threshold)
        self._gone_since = self._since(self._gone_since, ongoing=letter is None)
        if self._has_passed_release(self._gone_since):
            self._window.clear()
        else:
            self._window.append(sure)
        smoothed = self._vote()
        if smoothed != self._smoothed:
            self._smoothed, self._smoothed_since = smoothed, self._time
        # An unsure reading of the committed letter holds it, too, and so do votes that are left in a long window.
        self._unread_since = self._since(self._unread_since, ongoing=letter != self._committed)
        if smoothed != self._committed and self._has_passed_release(self._unread_since):
            self._committed = None
        progress = self._progress()
        # The vote lags behind: a hand that is gone, or on its way, commits nothing.
        committed = sure if progress >= 1.0 and sure == smoothed != self._committed else None
        if committed is not None:
            self._committed, self._unread_since = committed, None
        return Smoothed(letter=sure, smoothed=smoothed, committed=committed, progress=progress)

    def _since(self, begin: float | None, *, ongoing: bool) -> float | None:
        """Say since when something goes on, which began at `begin` if it did before; None where it does not."""
        if not ongoing:
            return None
        return self._time if begin is None else begin

    def _has_passed_release(self, begin: float | None) -> bool:
        return begin is not None and self._time - begin >= self._parameters.release - _ROUNDING

    def _vote(self) -> str | None:
        """Return the letter of more than half of the frames in the window; unsure ones vote for none."""
        if not self._window:
            return None
        letter, votes = Counter(self._window).most_common(1)[0]
        return letter if 2 * votes > len(self._window) else None

    def _progress(self) -> float:
        if self._smoothed is None:
            return 0.0
        held = self._time - self._smoothed_since
        if self._smoothed == self._committed or held >= self._parameters.hold - _ROUNDING:
            return 1.0
        return held / self._parameters.hold


def accept(letter: str | None, confidence: float, threshold: float) -> str | None:
    """Give the letter where it is one and likely enough, else None: a hand at rest or on its way shows no letter."""
    return letter if letter != NOTHING and confidence >= threshold else None
