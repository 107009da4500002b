"""Outages of the camera and the service: reported once in the terminal, and shown on the screen while they last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    Part = Literal["camera", "service"]

FIRST_PAUSE: Final = 0.25
"""Seconds before the first retry."""
LONGEST_PAUSE: Final = 4.0


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

    def _report(self, message: str) -> None:
        self._terminal.write(message + "\n")
        self._terminal.flush()


def retry_pauses() -> Iterator[float]:
    """Give the seconds to wait before each retry, each pause twice as long as the one before."""
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(2.0 * pause, LONGEST_PAUSE)
