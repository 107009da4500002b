"""Which frames are kept for which letter. No camera, no clock, no window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from client.landmarks import Hand

STATIC_LETTERS: Final = "ABCDEFGHIKLMNOPQRSTUVWXY"
"""Letters without movement; J and Z are drawn in the air."""
GAP: Final = 0.2
"""Seconds between two frames that are tried, so that the hand moves a little in between."""
_TOLERANCE: Final = 2e-3
"""Seconds by which a frame may be early: many films have times in whole milliseconds."""


@dataclass(frozen=True)
class Sample:
    """One recorded hand."""

    letter: str
    hand: Hand
    image_size: tuple[int, int]
    """Width and height of the frame in pixels."""


class Recorder:
    """Asks for one letter after another and keeps some frames of each.

    It pauses between letters. While it records, a frame is tried every `GAP` seconds: it becomes a sample, or counts
    as missed if no hand was found in it.

    Example:
        ```python
        recorder = Recorder("ABC", per_letter=20)
        recorder.start()
        for frame in frames:
            recorder.see(frame.time, landmarker.detect_in_video(frame.rgb, round(frame.time * 1000)), frame.size)
        ```
    """

    def __init__(self, letters: str, per_letter: int) -> None:
        """Ask for the first letter, paused.

        Args:
            letters: each once, in the order to ask for them.
            per_letter: samples to record of each.
        """
        self.letters = letters
        self.per_letter = per_letter
        self.recording = False
        self._index = 0
        # The last places are those of the end, where no letter is asked for.
        self._taken: list[list[Sample]] = [[] for _ in range(len(letters) + 1)]
        self._missed = [0] * len(self._taken)
        self._last_try = float("-inf")

    @property
    def finished(self) -> bool:
        """Whether the last letter is done."""
        return self._index >= len(self.letters)

    @property
    def letter(self) -> str:
        """The letter asked for; "" at the end."""
        return self.letters[self._index : self._index + 1]

    @property
    def taken(self) -> int:
        """Samples of the letter asked for."""
        return len(self._taken[self._index])

    @property
    def tried(self) -> int:
        """Frames that were tried for the letter asked for, with a hand or without."""
        return self.taken + self._missed[self._index]

    @property
    def n_tried(self) -> int:
        """Frames that were tried for all letters."""
        return len(self.samples) + sum(self._missed)

    @property
    def samples(self) -> list[Sample]:
        """All samples, letter by letter."""
        return [sample for samples in self._taken for sample in samples]

    def count(self, letter: str) -> int:
        """Count the samples of a letter; ValueError if it is not one of the letters."""
        return len(self._taken[self.letters.index(letter)])

    def start(self) -> None:
        """Try the frames that follow."""
        self.recording = not self.finished

    def pause(self) -> None:
        """Ignore the frames that follow."""
        self.recording = False

    def next_letter(self) -> None:
        """Ask for the next letter and pause, however many samples this one has."""
        self._index = min(self._index + 1, len(self.letters))
        self.pause()

    def go_back(self) -> None:
        """Drop the frames of this letter, or of the previous one if none was tried for this one yet, and pause."""
        if self.tried == 0 and self._index > 0:
            self._index -= 1
        self._taken[self._index] = []
        self._missed[self._index] = 0
        self.pause()

    def go_to(self, letter: str) -> None:
        """Ask for a letter out of turn, and start.

        Raises:
            ValueError: it is not one of the letters.
        """
        self._index = self.letters.index(letter)
        self.start()

    def see(self, time: float, hand: Hand | None, image_size: tuple[int, int]) -> bool:
        """Try a frame, if one is due; after a letter's last sample, ask for the next letter.

        Args:
            time: of the frame, in seconds; increasing.
            hand: the hand found in it, if any.
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
