"""From one prediction per frame to letters: a threshold, a vote over the last frames, a hold and a release.

The seed paper's sections 4.5.6 (prediction smoothing) and 4.5.9 (thresholding and filtering). There is no clock here:
the time comes with the frame, so the same predictions at the same times always give the same letters.
`docs/smoothing.md` shows the states and how the defaults were chosen.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, deque
from typing import Annotated, Final

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

NOTHING: Final = "nothing"
"""Label of a hand that shows no letter, if the model's data set has it."""
MAX_WINDOW: Final = 100
"""Frames that may vote, at most."""
MAX_SECONDS: Final = 10.0
"""Longest hold and release."""
_ROUNDING: Final = 1e-6
"""Seconds that may be missing from a hold or a release: 0.7 - 0.3 is a little less than 0.4."""


@dataclass(frozen=True, config=ConfigDict(use_attribute_docstrings=True))
class SmoothingParameters:
    """When a prediction counts, and when a letter is committed. docs/smoothing.md says how the defaults were chosen."""

    threshold: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Least probability of a prediction that counts: above half, a letter is likelier than all others together."""
    window: Annotated[int, Field(ge=1, le=MAX_WINDOW)] = 5
    """Frames that vote."""
    hold: Annotated[float, Field(ge=0, le=MAX_SECONDS)] = 0.2
    """Seconds for which the smoothed letter must have been the same before it is committed."""
    release: Annotated[float, Field(ge=0, le=MAX_SECONDS)] = 0.3
    """Seconds after which the window is empty if no hand was there, and after which the committed letter may come again
    if no frame shows it."""


@dataclasses.dataclass(frozen=True)
class Smoothed:
    """What to show after a frame."""

    letter: str | None
    """The frame's own letter, if it is likely enough."""
    smoothed: str | None
    """The letter that more than half of the window's frames show."""
    committed: str | None
    """A letter that joins the text, in the one frame in which it does; that frame shows it, too."""
    progress: float
    """Share of the hold that has passed for the smoothed letter: 0 if there is none, 1 once it is committed."""


class Smoothing:
    """The state of one stream of frames.

    Example:
        >>> smoothing = Smoothing(SmoothingParameters(window=3, hold=0.2, release=0.1))
        >>> [smoothing.update(letter, 0.9, time / 10).committed for time, letter in enumerate("LLLL")]
        [None, None, 'L', None]
    """

    def __init__(self, parameters: SmoothingParameters | None = None) -> None:
        self._parameters = parameters or SmoothingParameters()
        self._window: deque[str | None] = deque(maxlen=self._parameters.window)
        self._time = float("-inf")
        self._gone_since: float | None = None
        self._smoothed: str | None = None
        self._smoothed_since = self._time
        self._committed: str | None = None
        self._unseen_since: float | None = None

    def update(self, letter: str | None, confidence: float, time: float, *, withhold: bool = False) -> Smoothed:
        """Take one frame's prediction.

        Args:
            letter: the likeliest label, or None if the frame shows no hand.
            confidence: the label's probability; ignored without a hand.
            time: seconds since any moment, the same for all frames. One before the last frame's counts as that one's.
            withhold: whether this frame commits no letter; a later one may.
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
        # A prediction of the committed letter below the threshold keeps it, too, and so do votes left in a long window.
        self._unseen_since = self._since(self._unseen_since, ongoing=letter != self._committed)
        if smoothed != self._committed and self._has_passed_release(self._unseen_since):
            self._committed = None
        progress = self._progress()
        # The vote lags behind: a hand that is gone, or on its way, commits nothing.
        may_commit = progress >= 1.0 and not withhold
        committed = sure if may_commit and sure == smoothed != self._committed else None
        if committed is not None:
            self._committed, self._unseen_since = committed, None
        return Smoothed(letter=sure, smoothed=smoothed, committed=committed, progress=progress)

    def take(self, letter: str) -> None:
        """Take a letter that was drawn for the committed one."""
        self._committed, self._unseen_since = letter, None

    def _since(self, begin: float | None, *, ongoing: bool) -> float | None:
        """Return when something began that is ongoing, `begin` if it was ongoing before; None if it is not ongoing."""
        if not ongoing:
            return None
        return self._time if begin is None else begin

    def _has_passed_release(self, begin: float | None) -> bool:
        return begin is not None and self._time - begin >= self._parameters.release - _ROUNDING

    def _vote(self) -> str | None:
        """Return the letter of more than half of the frames in the window; those below the threshold vote for none."""
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
    """Return the letter if it is one and likely enough, else None: a hand at rest or moving shows no letter."""
    return letter if letter != NOTHING and confidence >= threshold else None
