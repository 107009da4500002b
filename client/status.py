"""What is wrong with a run: outages, reported once and shown while they last, and that no hand was found in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    Part = Literal["camera", "service"]

FIRST_PAUSE: Final = 0.25
"""Seconds before the first retry."""
LONGEST_PAUSE: Final = 4.0
BRIEF: Final = 1.0
"""Seconds of a source after which somebody who quits is told that no hand was found."""


class Status:
    """What is wrong with the camera and the service. Safe to use from several threads."""

    def __init__(self, terminal: TextIO) -> None:
        """Start with nothing wrong; changes are reported in the terminal."""
        self._terminal = terminal
        self._problems: dict[Part, str] = {}

    def lost(self, part: Part, message: str) -> None:
        """Report why a part does not work."""
        if self._problems.get(part) != message:
            self._problems[part] = message
            self._report(f"{message} Trying again.")

    def found(self, part: Part) -> None:
        """Report that a part works again, if it did not before."""
        if self._problems.pop(part, None) is not None:
            self._report(f"The {part} is back.")

    def problem(self) -> str:
        """Say what is wrong, the camera first; "" if nothing is."""
        problems = dict(self._problems)
        return problems.get("camera") or problems.get("service") or ""

    def is_lost(self, part: Part) -> bool:
        """Whether a part does not work."""
        return part in self._problems

    def warn(self, message: str) -> None:
        """Report something that is not an outage, unless it is ""."""
        if message:
            self._report(f"warning: {message}")

    def _report(self, message: str) -> None:
        self._terminal.write(message + "\n")
        self._terminal.flush()


@dataclass
class Search:
    """In how many frames of a run a hand was looked for, and in how many one was found."""

    frames: int = 0
    hands: int = 0
    seconds: float = 0.0
    """Time of the last frame."""

    def add(self, seconds: float, *, found: bool) -> None:
        """Count a frame of this time."""
        self.frames, self.hands, self.seconds = self.frames + 1, self.hands + found, seconds

    def conclude(self, *, ended: bool) -> str:
        """Say at the end of a run that no hand was found in it; "" if one was, or if the run was too short to tell.

        Args:
            ended: whether the source ended, instead of the user's patience.
        """
        if self.hands or not self.frames or (not ended and self.seconds < BRIEF):
            return ""
        where = f"any of {self.frames} frames" if self.frames > 1 else "the only frame"
        return (
            f"no hand was found in {where}. Check that one whole hand is in the picture, upright, well lit and at "
            "least a fifth as tall as the picture."
        )


def retry_pauses() -> Iterator[float]:
    """Give the seconds to wait before each retry, each pause twice as long as the one before."""
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(2.0 * pause, LONGEST_PAUSE)
