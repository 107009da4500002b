"""Which frames of which letter are kept: the pure part of recording. No camera, no clock, no window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from client.landmarks import Hand

STATIC_LETTERS: Final = "ABCDEFGHIKLMNOPQRSTUVWXY"
"""Letters that are held still; J and Z are drawn in the air."""
GAP: Final = 0.2
"""Seconds between two frames that are tried, so that a hand moves a little from one to the next."""
_TOLERANCE: Final = 1e-6
"""Seconds by which a frame may come early: times of a film are sums of fractions."""


@dataclass(frozen=True)
class Sample:
    """One hand that is kept."""

    letter: str
    hand: Hand
    image_size: tuple[int, int]
    """Width and height of the frame in pixels."""


class Recorder:
    """Asks for letter after letter and keeps some frames of each.

    Between letters it pauses. Where it does not, a frame is tried every `GAP` seconds: it gives a sample, or counts
    as tried in vain where no hand was found.

    Example:
        ```python
        recorder = Recorder("ABC", per_letter=20)
        recorder.begin()
        for frame in frames:
            recorder.see(frame.time, landmarker.detect_in_video(frame.rgb, round(frame.time * 1000)), (640, 480))
        ```
    """

    def __init__(self, letters: str, per_letter: int) -> None:
        """Ask for the first letter, and pause.

        Args:
            letters: each once, in the order in which they are asked for.
            per_letter: samples to take of each.
        """
        self.letters = letters
        self.per_letter = per_letter
        self.recording = False
        self._index = 0
        self._taken: list[list[Sample]] = [[] for _ in letters]
        self._missed = [0] * len(letters)
        self._last_try = float("-inf")

    @property
    def finished(self) -> bool:
        """Whether the last letter has been left behind."""
        return self._index >= len(self.letters)

    @property
    def letter(self) -> str:
        """The letter asked for; "" at the end."""
        return self.letters[self._index : self._index + 1]

    @property
    def taken(self) -> int:
        """Samples of the letter asked for."""
        return 0 if self.finished else len(self._taken[self._index])

    @property
    def tried(self) -> int:
        """Frames of the letter asked for that were tried, with a hand or without."""
        return 0 if self.finished else self.taken + self._missed[self._index]

    @property
    def n_tried(self) -> int:
        """Frames of all letters that were tried."""
        return len(self.samples) + sum(self._missed)

    @property
    def samples(self) -> list[Sample]:
        """All samples, letter by letter."""
        return [sample for samples in self._taken for sample in samples]

    def count(self, letter: str) -> int:
        """Count the samples of a letter; ValueError where it is none of the letters."""
        return len(self._taken[self.letters.index(letter)])

    def begin(self) -> None:
        """Try the frames that follow."""
        self.recording = not self.finished

    def pause(self) -> None:
        """Look on."""
        self.recording = False

    def next_letter(self) -> None:
        """Ask for the next letter and pause, whatever there is of this one."""
        self._index = min(self._index + 1, len(self.letters))
        self.pause()

    def go_back(self) -> None:
        """Drop what there is of this letter, or of the one before where there is nothing yet, and pause."""
        if self.tried == 0 and self._index > 0:
            self._index -= 1
        self._taken[self._index] = []
        self._missed[self._index] = 0
        self.pause()

    def go_to(self, letter: str) -> None:
        """Ask for a letter out of turn, and begin.

        Raises:
            ValueError: it is none of the letters.
        """
        self._index = self.letters.index(letter)
        self.begin()

    def see(self, time: float, hand: Hand | None, image_size: tuple[int, int]) -> bool:
        """Look at a frame; with the last sample of a letter the next one is asked for.

        Args:
            time: of the frame, in seconds; rising.
            hand: what was found in it.
            image_size: its width and height in pixels.

        Returns:
            Whether a sample was taken.
        """
        if not self.recording or self.taken >= self.per_letter or time - self._last_try < GAP - _TOLERANCE:
            return False
        self._last_try = time
        if hand is None:
            self._missed[self._index] += 1
            return False
        self._taken[self._index].append(Sample(self.letter, hand, image_size))
        if self.taken == self.per_letter:
            self.next_letter()
        return True
