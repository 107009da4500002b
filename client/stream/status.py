"""What is wrong at the moment: told once on the terminal, and shown on the screen while it lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from typing import Literal

    Part = Literal["camera", "service"]

FIRST_PAUSE: Final = 0.25
"""Seconds until something that was lost is tried again; twice as long each time."""
LONGEST_PAUSE: Final = 4.0


class Status:
    """The troubles of camera and service. Safe to use from several threads."""

    def __init__(self, terminal: TextIO) -> None:
        """Begin without any.

        Args:
            terminal: where changes are told.
        """
        self._terminal = terminal
        self._troubles: dict[Part, str] = {}

    def lost(self, part: Part, sentence: str) -> None:
        """Say why a part gives nothing."""
        if self._troubles.get(part) != sentence:
            self._troubles[part] = sentence
            self._tell(f"{sentence} Trying again.")

    def found(self, part: Part) -> None:
        """Say that a part works."""
        if self._troubles.pop(part, None) is not None:
            self._tell(f"The {part} is back.")

    def trouble(self) -> str:
        """Say what is wrong, the camera first; "" where nothing is."""
        troubles = dict(self._troubles)
        return troubles.get("camera") or troubles.get("service") or ""

    def is_lost(self, part: Part) -> bool:
        """Whether a part gives nothing."""
        return part in self._troubles

    def _tell(self, sentence: str) -> None:
        self._terminal.write(sentence + "\n")
        self._terminal.flush()


class BackOff:
    """Pauses between tries, each twice as long as the one before, until something works again."""

    def __init__(self) -> None:
        self._pause = FIRST_PAUSE

    def next(self) -> float:
        """Give the seconds to wait before the next try."""
        pause, self._pause = self._pause, min(2.0 * self._pause, LONGEST_PAUSE)
        return pause

    def reset(self) -> None:
        """Begin with short pauses again."""
        self._pause = FIRST_PAUSE
