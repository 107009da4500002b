"""Which letter is signed in which frames of a film: a small, hand-written JSON file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from client.errors import ClientError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

EXAMPLE: Final = '[{"letter": "H", "first_frame": 0, "end_frame": 25}]'
MAX_BYTES: Final = 1 << 20
"""Size limit of such a file: tens of thousands of letters."""


@dataclass(frozen=True)
class Span:
    """Frames in which one letter is signed."""

    letter: str
    """One character."""
    first_frame: int
    """Counts from 0."""
    end_frame: int
    """The first frame after the letter."""

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: the letter is not one letter, or the frames are not a range.
        """
        if not isinstance(self.letter, str) or len(self.letter) != 1 or not self.letter.isalnum():
            raise ValueError(f"letter {self.letter!r} is not one letter")
        frames = (self.first_frame, self.end_frame)
        if any(type(frame) is not int for frame in frames) or not 0 <= self.first_frame < self.end_frame:
            raise ValueError(f"frames {self.first_frame!r} to {self.end_frame!r} are not a range of whole numbers")


def read_spans(path: Path) -> list[Span]:
    """Read the letters of a film.

    Raises:
        ClientError: the file cannot be read, or is not a list of spans.
    """
    try:
        with path.open("rb") as stream:
            text = stream.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise ClientError(f"{path}: larger than {MAX_BYTES} bytes. Write something like {EXAMPLE}.")
        return _spans(json.loads(text))
    except OSError as error:
        raise ClientError(f"{path}: cannot be read ({error.strerror}). Name a file with {EXAMPLE}.") from error
    except (ValueError, TypeError, RecursionError) as error:
        why = " ".join(str(error).split())[:200]
        raise ClientError(
            f"{path}: not a list of letters and their frames ({why}). Write it like {EXAMPLE}."
        ) from error


def letter_at(spans: Sequence[Span], frame: int) -> str | None:
    """Return the letter that is signed in a frame, or None."""
    return next((span.letter for span in spans if span.first_frame <= frame < span.end_frame), None)


def _spans(entries: Any) -> list[Span]:  # noqa: ANN401 - JSON has any type
    if not isinstance(entries, list) or not entries:
        raise TypeError("it is not a list with one entry or more")
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or set(entry) != {"letter", "first_frame", "end_frame"}:
            raise ValueError(f"entry {number} must have letter, first_frame and end_frame")
    spans = sorted((Span(**entry) for entry in entries), key=lambda span: span.first_frame)
    for before, after in pairwise(spans):
        if after.first_frame < before.end_frame:
            raise ValueError(f"frame {after.first_frame} is both {before.letter} and {after.letter}")
    return spans
