"""The letters of one stream: those that a hand holds, by smoothing and segments, and J and Z, which it draws.

A drawn letter takes the place of what its drawing was taken for: an I that becomes a J may be in the text already.
Without trails nothing but smoothing and segments is left, and no clock either way.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from service.movement import BEGINS, DRAWN, ENDS, NEAREST, REPEATED, Movement, is_moving
from service.segments import LOOK_BACK, Segment, Segments
from service.smoothing import Smoothed, Smoothing, SmoothingParameters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

BEGUN: Final = 0.4
"""Probability of a drawn letter's beginnings that a frame within `LOOK_BACK` must reach."""
SHAPED: Final = 0.6
"""Seconds in which the hand must be shaped like a letter that it draws: before, it may have shown another one."""
UNLIKE: Final = 0.5
"""Mean probability in these of letters that are neither its beginnings nor its ends, at most."""
TRUST: Final = 0.95
"""Probability of a drawn letter among its alternatives: hardly any other movement is taken for one."""
SHOWN: Final = 0.6
"""Seconds for which a drawn letter is shown, unless the hand holds another one."""
AFTER: Final = 0.6
"""Seconds after a drawn letter in which no frame shows a letter that it begins with, before such a letter counts."""
_MOST: Final = 256
"""Frames that are kept: a client may send any number with the same time."""
_ROUNDING: Final = 1e-6


@dataclass(frozen=True)
class Seen:
    """What to tell about a frame."""

    smoothed: Smoothed
    committed: str | None
    """A letter that joins the text, held or drawn."""
    segments: list[Segment]
    """Those that are complete with this frame, for the word model."""
    replaced: list[Segment]
    """The last of those told before, which a drawn letter takes the place of."""


class Letters:
    """The state of one stream of frames."""

    def __init__(self, parameters: SmoothingParameters) -> None:
        self._smoothing, self._segments = Smoothing(parameters), Segments(parameters.release)
        self._movement, self._beginnings = Movement(), _Beginnings(parameters.release)
        self._handshapes = _Handshapes()
        self._drawn, self._drawn_at = "", float("-inf")

    def update(
        self,
        probabilities: npt.NDArray[np.float32] | None,
        labels: Sequence[str],
        time: float,
        trail: Mapping[str, float] | None = None,
    ) -> Seen:
        """Take one frame.

        Args:
            probabilities: (C,) of the labels; None without a hand.
            labels: the C labels of the letters' network.
            time: seconds since any moment, the same for all frames. One before the last frame's counts as that one's.
            trail: probabilities of J and Z by the trail network; None without a trail.
        """
        best, confidence = None, 0.0
        if probabilities is not None:
            index = int(probabilities.argmax())
            best, confidence = labels[index], float(probabilities[index])
        self._handshapes.update(probabilities, labels, time)
        if trail is not None:
            trail = {letter: trail[letter] if self._handshapes.fit(letter) else 0.0 for letter in DRAWN}
        drawn = self._movement.update(trail, time)
        silent = self._beginnings.update(best, time)
        withhold = drawn is not None or is_moving(trail) or (best is not None and best in silent)
        smoothed = self._smoothing.update(best, confidence, time, withhold=withhold)
        if drawn is not None:
            self._drawn, self._drawn_at = drawn.letter, time
        if time - self._drawn_at < SHOWN and (smoothed.smoothed is None or smoothed.smoothed in ENDS[self._drawn]):
            smoothed = replace(smoothed, smoothed=self._drawn, progress=1.0)
        if drawn is None:
            segments = self._segments.update(probabilities, labels, time, smoothed.committed, silent)
            if smoothed.committed is not None:
                self._beginnings.end()
            return Seen(smoothed, smoothed.committed, segments, [])
        self._smoothing.take(drawn.letter)
        self._beginnings.begin(ENDS[drawn.letter])
        alternatives = (drawn.letter, TRUST), (NEAREST[drawn.letter], 1.0 - TRUST)
        segment = Segment(alternatives, drawn.seconds, committed=True)
        replaced = self._segments.take_back(segment, BEGINS[drawn.letter], REPEATED[drawn.letter], time)
        return Seen(smoothed, drawn.letter, [segment], replaced)


class _Handshapes:
    """What the letters' network saw of the hand lately: a moving hand draws a letter only if it is shaped like it."""

    def __init__(self) -> None:
        self._frames: deque[tuple[float, dict[str, tuple[float, float]]]] = deque(maxlen=_MOST)

    def update(self, probabilities: npt.NDArray[np.float32] | None, labels: Sequence[str], time: float) -> None:
        """Take one frame, as `Letters.update` does."""
        if probabilities is not None:
            shares = [(label, share) for label, share in zip(labels, probabilities.tolist(), strict=True)]
            self._frames.append((time, {letter: _weigh(letter, shares) for letter in DRAWN}))
        while self._frames and time - self._frames[0][0] > LOOK_BACK + _ROUNDING:
            self._frames.popleft()

    def fit(self, letter: str) -> bool:
        """Whether the hand was shaped like the beginning of a letter, and mostly not like a letter of another shape."""
        if not self._frames:
            return False
        since = self._frames[-1][0] - SHAPED - _ROUNDING
        unlike = [shares[letter][1] for time, shares in self._frames if time >= since]
        begun = max(shares[letter][0] for _, shares in self._frames)
        return begun >= BEGUN and sum(unlike) <= UNLIKE * len(unlike)


def _weigh(letter: str, shares: list[tuple[str, float]]) -> tuple[float, float]:
    """Add up how much of a frame's probability is on the beginnings of a drawn letter, and on letters unlike it."""
    begun = sum(share for label, share in shares if label in BEGINS[letter])
    like = BEGINS[letter] + ENDS[letter] + letter
    return begun, sum(share for label, share in shares if len(label) == 1 and label not in like)


class _Beginnings:
    """The letters that a drawn letter begins with: they do not count while the hand comes out of its movement."""

    def __init__(self, release: float) -> None:
        self._release = release
        self._letters: frozenset[str] = frozenset()
        self._time = self._shown = float("-inf")
        self._gone_since: float | None = None

    def begin(self, letters: str) -> None:
        """Take these for parts of a drawing that was completed with the last frame."""
        self._letters, self._shown, self._gone_since = frozenset(letters), self._time, None

    def end(self) -> None:
        """Take every letter as it is again."""
        self._letters = frozenset()

    def update(self, letter: str | None, time: float) -> frozenset[str]:
        """Take a frame's likeliest label, None without a hand; returns the letters that do not count in it."""
        self._time = max(self._time, time)
        if letter is not None:
            self._gone_since = None
        elif self._gone_since is None:
            self._gone_since = self._time
        gone = 0.0 if self._gone_since is None else self._time - self._gone_since
        if letter is None and gone >= self._release - _ROUNDING:
            self.end()
        if self._time - self._shown >= AFTER - _ROUNDING:
            self.end()
        if letter in self._letters:
            self._shown = self._time
        return self._letters
