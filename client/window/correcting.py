"""Correcting the letter that was recognised last, which the profile learns from, and taking that back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from client.profile.holds import Hold, HoldMemory
from client.profile.mistakes import Learned, learn, unlearn
from client.profile.samples import LETTERS
from client.window.controls import ESCAPE, Controls, Key

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from client.profile.own_hand import OwnHand
    from client.stream.reply import Reply

CANCEL: Final[Key] = (ESCAPE, "Cancel", "it was right")
WRONG_KEYS: Final[tuple[Key, ...]] = (*((ord(letter), letter, f"it was {letter}") for letter in LETTERS), CANCEL)


@dataclass(frozen=True)
class Correction:
    """One letter of the text that was corrected."""

    text: str
    """The text up to the letter, as it was recognised."""
    letter: str
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
        self._text = ""
        """The text when that letter had joined it."""
        self._done: list[Correction] = []

    @property
    def letter(self) -> str:
        """The letter in question; "" if there is none."""
        return "" if self._hold is None else self._hold.letter

    def see(self, points: npt.NDArray[np.float32] | None, reply: Reply, *, counts: bool) -> None:
        """Handle a frame's hand and its reply, and add the committed letter to the text if it `counts`."""
        hold = self._memory.see(points, reply)
        if counts:
            self._controls.commit(reply.committed)
            if hold is not None:
                self._hold, self._text = hold, self._controls.text

    def start(self) -> str:
        """Ask what the last letter was; returns what to tell the signer, or ""."""
        if self._hold is None or self._controls.text.rstrip(" ") != self._text or not self._text.endswith(self.letter):
            return "The text does not end in a letter that was just recognised"
        self.is_asking = True
        return ""

    def press(self, key: int) -> str:
        """Take a key's letter as what it was; returns what to tell the signer, or ""."""
        if key == ESCAPE:
            self.is_asking = False
        letter = chr(key).upper() if key >= 0 else ""
        if not ("A" <= letter <= "Z") or self._hold is None:
            return ""
        self.is_asking = False
        if letter == self._hold.letter:
            return f"It was recognised as {letter}"
        learned = learn(self._own_hand, self._hold, letter)
        self._done.append(Correction(self._text, letter, learned))
        self._replace(self._text, self._text[:-1] + letter)
        self._hold = None
        return f"That was {letter}: learned" if learned else f"That was {letter}, which moves: corrected, not learned"

    def undo(self) -> str:
        """Take back what was learned last, in the text and in the profile; returns what to tell the signer."""
        if not self._done:
            return "Nothing was learned that could be taken back"
        last = self._done.pop()
        self._replace(last.text[:-1] + last.letter, last.text)
        if last.learned is not None and not unlearn(self._own_hand, last.learned):
            return f"{last.letter} was learned by somebody else's profile, and stays there"
        return f"{last.letter} is {last.text[-1]} again"

    def _replace(self, before: str, after: str) -> None:
        """Replace the beginning of the text, if it is still there."""
        if self._controls.text.startswith(before):
            self._controls.text = after + self._controls.text[len(before) :]
