"""What keys and buttons do to the text and to what is shown. No camera, no clock, no window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Action = Literal["", "copy", "speak", "hand", "wrong", "undo", "quit"]
"""What the session has to do for a key."""
Key = tuple[int, str, str]
"""A key's code, the label of its button, and what it does."""

ESCAPE: Final = 27
BACKSPACE: Final = 8
ENTER: Final = 13
KEYS: Final[tuple[Key, ...]] = (
    (ord(" "), "Space", "add a space"),
    (BACKSPACE, "Delete", "delete the last letter"),
    (ord("x"), "Clear", "clear the text; again: bring it back"),
    (ord("w"), "Wrong", "the last letter is wrong: say which it was, and it is learned"),
    (ord("u"), "Undo", "take back what was learned last"),
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
ACTIONS: Final[dict[str, Action]] = {
    "Copy": "copy",
    "Speak": "speak",
    "Your hand": "hand",
    "Wrong": "wrong",
    "Undo": "undo",
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


@dataclass
class Controls:
    """What the signer has set."""

    text: str = ""
    """What has been spelled so far."""
    mirrored: bool = True
    paused: bool = False
    panel: str = ""
    """The panel shown over the picture: one of `PANELS`, or ""."""
    cleared: str = ""
    """The text that was last cleared, which can be brought back."""

    def commit(self, label: str | None) -> None:
        """Add a committed label to the text. The labels `space`, `del` and `nothing` of some data sets are heeded."""
        match label:
            case None | "nothing":
                return
            case "space":
                self.text += " "
            case "del":
                self.text = self.text[:-1]
            case letter:
                self.text += letter

    def press(self, key: int) -> Action:
        """Do what a key does, and return what is left for the session to do.

        Args:
            key: its code; upper and lower case are the same, unknown keys do nothing.
        """
        label = _LABELS.get(ord(chr(key).lower()) if key >= 0 else key, "")
        if label in PANELS:
            self.panel = "" if self.panel == label else label
        elif label == "Space":
            self.text += " "
        elif label == "Delete":
            self.text = self.text[:-1]
        elif label == "Clear":
            self.text, self.cleared = ("", self.text) if self.text else (self.cleared, "")
        elif label == "Mirror":
            self.mirrored = not self.mirrored
        elif label == "Pause":
            self.paused = not self.paused
        elif key == ESCAPE and self.panel:
            self.panel = ""
        elif key == ESCAPE:
            return "quit"
        return ACTIONS.get(label, "")
