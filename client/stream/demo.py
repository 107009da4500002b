"""A small recogniser for the demonstration, which needs no service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from client.letters import letter_shapes
from client.stream.reply import Reply

if TYPE_CHECKING:
    import numpy.typing as npt

    from client.stream.pipeline import Detection

THRESHOLD: Final = 0.5
"""Lowest probability at which a letter counts."""
SHARPNESS: Final = 300.0
"""How fast confidence falls with the distance between a hand and a letter's shape."""
HOLD: Final = 0.3
"""Seconds for which a letter is held before it is committed."""


class DemoRecogniser:
    """Compares hands with the shapes of the letters: enough for the synthetic hand, not for people."""

    def __init__(self) -> None:
        self._letters = list(letter_shapes())
        self._shapes = np.stack([_normalise(shape) for shape in letter_shapes().values()])
        self._letter: str | None = None
        self._since, self._is_committed = 0.0, False

    def recognise(self, detection: Detection) -> Reply:
        """Recognise a hand's letter, and commit it once it has been held."""
        now, index = detection.frame.time, detection.frame.index
        if detection.hand is None:
            self._letter = None
            return Reply(index, None, 0.0, None, None)
        distances = np.square(self._shapes - _normalise(detection.hand.landmarks)).sum(axis=(1, 2))
        odds = np.exp(-SHARPNESS * (distances - distances.min()))
        confidence = float(odds.max() / odds.sum())
        letter = self._letters[int(odds.argmax())] if confidence >= THRESHOLD else None
        if letter != self._letter:
            self._letter, self._since, self._is_committed = letter, now, False
        progress = 0.0 if letter is None else min(1.0, (now - self._since) / HOLD)
        committed = letter if progress >= 1.0 and not self._is_committed else None
        self._is_committed = progress >= 1.0
        return Reply(index, letter, confidence, letter, committed, progress)


def _normalise(points: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Move a hand (21, 3) to 0 and scale it to size 1; returns (21, 2)."""
    flat = points[:, :2] - points[:, :2].mean(axis=0)
    return np.asarray(flat / np.sqrt(np.square(flat).sum()), dtype=np.float32)
