"""What keys and buttons do to the text and to what is shown. No camera, no clock, no window."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from client.words.spelling import Spelling
from client.words.text import Text

Action = Literal["", "copy", "speak", "hand", "wrong", "forget", "cleared", "undone", "nothing to undo", "quit"]
"""What the session has to do for a key."""
Key = tuple[int, str, str]
"""A key's code, the label of its button, and what it does."""

ESCAPE: Final = 27
BACKSPACE: Final = 8
ENTER: Final = 13
KEYS: Final[tuple[Key, ...]] = (
    (ord(" "), "Space", "end the word, with a space"),
    (BACKSPACE, "Delete", "delete the last letter; twice at once: the word"),
    (ord("r"), "As read", "bring back the letters of the last word; again: the word"),
    (ord("z"), "Undo", "undo the last change of the text; up to 50 of them"),
    (ord("x"), "Clear", "clear the text; Z brings it back"),
    (ord("w"), "Wrong", "the last letter is wrong: say which it was, and it is learned"),
    (ord("u"), "Forget", "forget what was learned last"),
    (ord("v"), "Words", "make words of letters, or leave them as they are read"),
    (ord("c"), "Copy", "copy the text to the clipboard"),
    (ord("s"), "Speak", "read the text aloud"),
    (ord("m"), "Mirror", "show the picture as in a mirror, or as the camera sees it"),
    (ord("p"), "Pause", "send nothing until you continue"),
    (ord("l"), "Letters", "show how each letter is signed"),
    (ord("y"), "Your hand", "show your own hand, to have your letters recognised better"),
    (ord("h"), "Help", "show or hide this help"),
    (ord("q"), "Quit", "quit; the text is printed in the terminal"),
)
"""Each key, the button that does the same, and what they do, in the order of the buttons."""
CHOICE_KEYS: Final = (ord("1"), ord("2"), ord("3"))
"""Keys that take a candidate, from the first one on."""
ACTIONS: Final[dict[str, Action]] = {
    "Copy": "copy",
    "Speak": "speak",
    "Your hand": "hand",
    "Wrong": "wrong",
    "Forget": "forget",
    "Quit": "quit",
}
PANELS: Final = ("Letters", "Help")
"""Buttons that show or hide a panel over the picture."""
NAMES: Final = {ord(" "): "space", BACKSPACE: "backspace", ENTER: "enter", ESCAPE: "esc"}
"""Keys that are named by a word instead of a letter."""
_LABELS: Final = {key: label for key, label, _ in KEYS} | {127: "Delete", ord("?"): "Help"}


def name_key(code: int) -> str:
    """Give the name of a key as its button shows it."""
    return NAMES.get(code, chr(code).upper())


HELP: Final = (
    (", ".join(map(name_key, CHOICE_KEYS)), "end the word as the candidate with this number"),
    *((name_key(key), words) for key, _, words in KEYS),
)
"""The names of all keys, and what they do."""


@dataclass
class Controls:
    """What the signer has set."""

    spelling: Spelling = field(default_factory=Spelling)
    """What has been spelled so far."""
    mirrored: bool = True
    paused: bool = False
    panel: str = ""
    """The panel shown over the picture: one of `PANELS`, or ""."""

    def press(self, key: int, now: float) -> Action:
        """Do what a key does, and return what is left for the session to do.

        Args:
            key: its code; upper and lower case are the same, unknown keys do nothing.
            now: when it was pressed, in seconds.
        """
        label = _LABELS.get(ord(chr(key).lower()) if key >= 0 else key, "")
        if label in PANELS:
            self.panel = "" if self.panel == label else label
        elif key in CHOICE_KEYS:
            self.spelling.choose(CHOICE_KEYS.index(key) + 1)
        elif label in ("Space", "Delete", "As read", "Words"):
            self._edit(label, now)
        elif label == "Undo":
            return "undone" if self.spelling.undo() else "nothing to undo"
        elif label == "Clear" and str(self.spelling.text):
            self.spelling.replace(Text())
            return "cleared"
        elif label == "Mirror":
            self.mirrored = not self.mirrored
        elif label == "Pause":
            self.paused = not self.paused
        elif key == ESCAPE and self.panel:
            self.panel = ""
        elif key == ESCAPE:
            return "quit"
        return ACTIONS.get(label, "")

    def _edit(self, label: str, now: float) -> None:
        spelling = self.spelling
        if label == "Space":
            spelling.end_word()
        elif label == "Delete":
            spelling.delete(now)
        elif label == "As read":
            spelling.as_read()
        else:
            spelling.switch()
