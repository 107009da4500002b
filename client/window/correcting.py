"""Correcting the letter that was recognised last, which the profile learns from, and taking that back."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING, Final

from client.letters import MOVING_LETTERS
from client.profile.holds import Hold, HoldMemory
from client.profile.mistakes import Learned, learn, unlearn
from client.window.controls import ESCAPE, Controls, Key

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from client.profile.own_hand import OwnHand
    from client.stream.reply import Reply, Segment

CANCEL: Final[Key] = (ESCAPE, "Cancel", "it was right")
WRONG_KEYS: Final[tuple[Key, ...]] = (
    *((ord(letter), letter, f"it was {letter}") for letter in ascii_uppercase),
    CANCEL,
)


@dataclass(frozen=True)
class Correction:
    """One letter of the text that was corrected."""

    read: Segment
    """The letter as it was recognised."""
    meant: Segment
    """What it was."""
    learned: Learned | None


class Corrector:
    """Remembers how the last letter was signed, and learns from it if it was recognised wrongly."""

    def __init__(self, controls: Controls, own_hand: OwnHand) -> None:
        self.is_asking = False
        """Whether the next key says what the letter was."""
        self._controls, self._own_hand = controls, own_hand
        self._memory = HoldMemory()
        self._hold: Hold | None = None
        self._segment: Segment | None = None
        """That letter in the text."""
        self._done: list[Correction] = []

    @property
    def letter(self) -> str:
        """The letter in question; "" if there is none."""
        return "" if self._hold is None else self._hold.letter

    def see(self, points: npt.NDArray[np.float32] | None, reply: Reply, *, counts: bool) -> None:
        """Handle a frame's hand and its reply, which has joined the text if it `counts`."""
        hold = self._memory.see(points, reply)
        if counts and hold is not None:
            self._hold, self._segment = hold, self._controls.spelling.text.last_letter

    def start(self) -> str:
        """Ask what the last letter was; returns what to tell the signer, or ""."""
        if self._hold is None or self._segment is not self._controls.spelling.text.last_letter:
            return "The text does not end in a letter that was just recognised"
        self.is_asking = True
        return ""

    def press(self, key: int) -> str:
        """Take a key's letter as what it was; returns what to tell the signer, or ""."""
        if key == ESCAPE:
            self.is_asking = False
        letter = chr(key).upper() if key >= 0 else ""
        if not ("A" <= letter <= "Z") or self._hold is None or self._segment is None:
            return ""
        self.is_asking = False
        if letter == self._hold.letter:
            return f"It was recognised as {letter}"
        moving = letter if letter in MOVING_LETTERS else self._hold.letter
        learned = learn(self._own_hand, self._hold, letter)
        self._done.append(Correction(self._segment, self._controls.spelling.correct(self._segment, letter), learned))
        self._hold = None
        if learned is not None:
            return f"That was {letter}: learned"
        return f"That was {letter}: corrected, not learned, because {moving} moves"

    def undo(self) -> str:
        """Take back what was learned last, in the text and in the profile; returns what to tell the signer."""
        if not self._done:
            return "Nothing was learned that could be taken back"
        last = self._done.pop()
        read, meant = last.read.letter, last.meant.letter
        self._controls.spelling.put(last.meant, last.read)
        if last.learned is not None and not unlearn(self._own_hand, last.learned):
            return f"{meant} was learned by somebody else's profile, and stays there"
        return f"{meant} is {read} again"
