"""Which frames are kept for which letter. No camera, no clock, no window."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from client.letters import MOVING_LETTERS
from client.recording.takes import MOST_TAKES, OpenTake, Take

if TYPE_CHECKING:
    from client.landmarks import Hand

LETTERS: Final = string.ascii_uppercase
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
    """Asks for one letter after another and keeps some frames of each, or takes of a letter that moves.

    It pauses between letters. While it records, a frame is tried every `GAP` seconds: it becomes a sample, or counts
    as missed if no hand was found in it. Of a letter that moves it records one take and pauses; a take in which no hand
    moved counts as missed.

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
            per_letter: samples to record of each; of a letter that moves, as many takes, but at most `MOST_TAKES`.
        """
        self.letters = letters
        self.per_letter = per_letter
        self.recording = False
        self.missed_take = False
        """Whether no hand moved in the last take."""
        self._take: OpenTake | None = None
        self._index = 0
        # The last places are those of the end, where no letter is asked for.
        self._taken: list[list[Sample | Take]] = [[] for _ in range(len(letters) + 1)]
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
    def moves(self) -> bool:
        """Whether that letter is drawn in the air."""
        return self.letter in MOVING_LETTERS

    @property
    def wanted(self) -> int:
        """Samples or takes to record of it."""
        return min(self.per_letter, MOST_TAKES) if self.moves else self.per_letter

    @property
    def progress(self) -> float:
        """How much of a take's time has passed, 0 to 1."""
        return 0.0 if self._take is None else self._take.progress

    @property
    def taken(self) -> int:
        """Samples or takes of the letter asked for."""
        return len(self._taken[self._index])

    @property
    def tried(self) -> int:
        """Frames or takes that were tried for the letter asked for, with a hand or without."""
        return self.taken + self._missed[self._index]

    @property
    def n_tried(self) -> int:
        """Frames that were tried for the letters that do not move."""
        missed = sum(n for letter, n in zip(self.letters, self._missed, strict=False) if letter not in MOVING_LETTERS)
        return len(self.samples) + missed

    @property
    def n_takes_tried(self) -> int:
        """Takes that were tried for the letters that move."""
        missed = sum(n for letter, n in zip(self.letters, self._missed, strict=False) if letter in MOVING_LETTERS)
        return len(self.takes) + missed

    @property
    def samples(self) -> list[Sample]:
        """All samples, letter by letter."""
        return [sample for samples in self._taken for sample in samples if isinstance(sample, Sample)]

    @property
    def takes(self) -> list[Take]:
        """All takes, letter by letter."""
        return [take for takes in self._taken for take in takes if isinstance(take, Take)]

    def count(self, letter: str) -> int:
        """Count the samples or takes of a letter; ValueError if it is not one of the letters."""
        return len(self._taken[self.letters.index(letter)])

    def start(self) -> None:
        """Try the frames that follow."""
        self.recording, self.missed_take = not self.finished, False

    def pause(self) -> None:
        """Ignore the frames that follow, and drop a take that is being recorded."""
        self.recording, self._take = False, None

    def next_letter(self) -> None:
        """Ask for the next letter and pause, however many samples or takes this one has."""
        self.missed_take = False
        self._index = min(self._index + 1, len(self.letters))
        self.pause()

    def go_back(self) -> None:
        """Drop the frames of this letter, or of the previous one if none was tried for this one yet, and pause.

        Of a letter that moves, drop the last take alone.
        """
        if self.tried == 0 and self._index > 0:
            self._index -= 1
        self._taken[self._index] = self._taken[self._index][:-1] if self.moves else []
        self._missed[self._index], self.missed_take = 0, False
        self.pause()

    def go_to(self, letter: str) -> None:
        """Ask for a letter out of turn, and start.

        Raises:
            ValueError: it is not one of the letters.
        """
        self._index = self.letters.index(letter)
        self.start()

    def see(self, time: float, hand: Hand | None, image_size: tuple[int, int]) -> bool:
        """Try a frame, if one is due; after a letter's last sample or take, ask for the next letter.

        Args:
            time: of the frame, in seconds; increasing.
            hand: the hand found in it, if any.
            image_size: its width and height in pixels.

        Returns:
            Whether a sample or a take was taken.
        """
        if not self.recording or self.taken >= self.wanted:
            return False
        if self.moves:
            if self._take is None:
                self._take = OpenTake(self.letter, image_size)
            return self._take.see(time, hand) and self.end_take()
        if time - self._last_try < GAP - _TOLERANCE:
            return False
        self._last_try = time
        if hand is None:
            self._missed[self._index] += 1
            return False
        self._taken[self._index].append(Sample(self.letter, hand, image_size))
        if self.taken == self.per_letter:
            self.next_letter()
        return True

    def end_take(self) -> bool:
        """End the take that is being recorded, if there is one, and pause; returns whether it was taken."""
        if self._take is None:
            return False
        take = self._take.close()
        self.pause()
        if take is None:
            self._missed[self._index] += 1
            self.missed_take = True
            return False
        self._taken[self._index].append(take)
        if self.taken == self.wanted:
            self.next_letter()
        return True
