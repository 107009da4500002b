"""What keys and buttons do: the text and how it is shown. No camera, no clock, no window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Action = Literal["", "copy", "speak", "quit"]
"""What only the program can do."""

ESCAPE: Final = 27
BACKSPACE: Final = 8
KEYS: Final = (
    (ord(" "), "Space"),
    (BACKSPACE, "Delete"),
    (ord("x"), "Clear"),
    (ord("c"), "Copy"),
    (ord("s"), "Speak"),
    (ord("m"), "Mirror"),
    (ord("p"), "Pause"),
    (ord("l"), "Letters"),
    (ord("h"), "Help"),
    (ord("q"), "Quit"),
)
"""Each key and the button that does the same, in the order of the buttons."""
ACTIONS: Final[dict[str, Action]] = {"Copy": "copy", "Speak": "speak", "Quit": "quit"}
PANELS: Final = ("Letters", "Help")
"""Buttons that show something over the picture, or hide it."""
NAMES: Final = {ord(" "): "space", BACKSPACE: "backspace"}
"""Keys that have a name instead of a letter."""
EXPLAINED: Final = {
    "Space": "add a space",
    "Delete": "take the last letter back",
    "Clear": "begin anew; once more brings the text back",
    "Copy": "put the text on the clipboard",
    "Speak": "read the text aloud",
    "Mirror": "show the picture as a mirror does, or as the camera does",
    "Pause": "send nothing until you go on",
    "Letters": "show how each letter is signed",
    "Help": "show or hide this",
    "Quit": "end; the text is written to the terminal",
}


_LABELS: Final = dict(KEYS) | {127: "Delete", ord("?"): "Help"}


def name_key(code: int) -> str:
    """Say a key as it is labelled."""
    return NAMES.get(code, chr(code).upper())


@dataclass
class Controls:
    """What the signer has set."""

    text: str = ""
    """What was spelled so far."""
    mirrored: bool = True
    paused: bool = False
    panel: str = ""
    """What is shown over the picture: one of `PANELS`, or ""."""
    cleared: str = ""
    """The text that was cleared, until there is another."""

    def commit(self, label: str | None) -> None:
        """Add a committed label to the text. Data sets with `space`, `del` and `nothing` mean what they say."""
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
        """Do what a key does, and say what is left to do for the program.

        Args:
            key: its code; capitals do what small letters do, other keys nothing.
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
        elif key == ESCAPE:
            return self._escape()
        return ACTIONS.get(label, "")

    def _escape(self) -> Action:
        """Close what lies over the picture, or quit."""
        action: Action = "" if self.panel else "quit"
        self.panel = ""
        return action
