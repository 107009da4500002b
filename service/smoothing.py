"""From one reading per frame to letters: a threshold, a sliding window and its majority vote.

The seed paper's sections 4.5.6 (prediction smoothing) and 4.5.9 (thresholding and filtering). Time is counted in
frames, so the same readings always give the same letters.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Final

NOTHING: Final = "nothing"
"""Label of a hand that shows no letter, where the model's data set has it."""


@dataclass(frozen=True)
class SmoothingParameters:
    """When a reading counts, and when a letter is committed.

    The defaults fit 15 frames a second: a letter is committed after about half a second, a hand on its way from one
    letter to the next is not, and half a second without a hand separates two equal letters.
    """

    threshold: float = 0.5
    """Least probability of a reading that counts: likelier than all other letters together."""
    window: int = 12
    """Frames that vote."""
    votes: int = 8
    """Frames of the window that must agree before their letter is committed: more than half, more than a flicker."""
    release: int = 4
    """Frames without a hand, in a row, after which the window is empty and the same letter may come again."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.threshold <= 1.0:
            raise ValueError(f"threshold is {self.threshold}, but must be from 0 to 1")
        if not self.window // 2 < self.votes <= self.window:
            raise ValueError(
                f"votes is {self.votes}, but must be more than half of the window of {self.window} and no more than it"
            )
        if self.release < 1:
            raise ValueError(f"release is {self.release}, but must be at least 1")


@dataclass(frozen=True)
class Smoothed:
    """What to show after a frame."""

    letter: str | None
    """The frame's own letter, where it is sure enough."""
    smoothed: str | None
    """The letter that more than half of the window's frames show."""
    committed: str | None
    """A letter that is now sure, in the one frame in which it becomes so."""


class Smoothing:
    """The state of one stream of frames.

    Example:
        >>> smoothing = Smoothing(SmoothingParameters(window=3, votes=2, release=1))
        >>> [smoothing.update(letter, 0.9).committed for letter in ("L", "L", "L", None, "L", "L")]
        [None, 'L', None, None, None, 'L']
    """

    def __init__(self, parameters: SmoothingParameters | None = None) -> None:
        self._parameters = parameters or SmoothingParameters()
        self._window: deque[str | None] = deque(maxlen=self._parameters.window)
        self._frames_without_hand = 0
        self._held: str | None = None

    def update(self, letter: str | None, confidence: float) -> Smoothed:
        """Take one frame's reading.

        Args:
            letter: the likeliest label, or None where the frame shows no hand.
            confidence: the label's probability; not read where there is no hand.
        """
        self._count_hand(letter)
        sure = accept(letter, confidence, self._parameters.threshold)
        if self._frames_without_hand < self._parameters.release:
            self._window.append(sure)
        smoothed, votes = self._vote()
        return Smoothed(letter=sure, smoothed=smoothed, committed=self._commit(smoothed, votes))

    def _count_hand(self, letter: str | None) -> None:
        self._frames_without_hand = self._frames_without_hand + 1 if letter is None else 0
        if self._frames_without_hand >= self._parameters.release:
            self._window.clear()
            self._held = None

    def _vote(self) -> tuple[str | None, int]:
        """Return the letter of more than half of the frames seen and its votes; unsure frames vote for none."""
        if not self._window:
            return None, 0
        letter, votes = Counter(self._window).most_common(1)[0]
        return (letter, votes) if 2 * votes > len(self._window) else (None, 0)

    def _commit(self, smoothed: str | None, votes: int) -> str | None:
        if smoothed is None or smoothed == self._held or votes < self._parameters.votes:
            return None
        self._held = smoothed
        return smoothed


def accept(letter: str | None, confidence: float, threshold: float) -> str | None:
    """Give the letter where it is one and likely enough, else None: a hand at rest or on its way shows no letter."""
    return letter if letter != NOTHING and confidence >= threshold else None
