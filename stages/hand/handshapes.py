"""The table of handshapes: which joint angles, thumb position and view of the hand make which letter."""

from __future__ import annotations

from dataclasses import dataclass, fields
from importlib import resources
from typing import Final

import numpy as np
import numpy.typing as npt

from stages.errors import InputError

TABLE: Final = "handshapes.txt"
_COLUMNS: Final = (4, 4, 4, 4, 6, 6)
"""Numbers in each field after letter and weight: MCP, PIP, DIP, abduction, thumb, orientation."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Handshapes:
    """The rows of the table as arrays, R rows; angles in degrees, lengths in palm lengths.

    Attributes:
        letters: (R,) text.
        weights: (R,) how often signers use the row, relative to the letter's other rows.
        flexion: (R, 3, 4) at MCP, PIP and DIP of index, middle, ring and little finger.
        abduction: (R, 4), positive toward the thumb.
        thumb_tip: (R, 3) and thumb_mcp: (R, 3), x toward the thumb side, y along the fingers, z out of the palm.
        orientation: (R, 3) yaw, pitch, roll, and spread: (R, 3) their standard deviations.
    """

    letters: npt.NDArray[np.str_]
    weights: Array
    flexion: Array
    abduction: Array
    thumb_tip: Array
    thumb_mcp: Array
    orientation: Array
    spread: Array

    @property
    def alphabet(self) -> list[str]:
        """The letters that have a handshape, sorted."""
        return sorted(set(self.letters.tolist()))

    def take(self, rows: npt.NDArray[np.int64]) -> Handshapes:
        """Select rows by their indices (N,), in that order."""
        return Handshapes(*(getattr(self, field.name)[rows] for field in fields(self)))

    def join(self, other: Handshapes) -> Handshapes:
        """Append the rows of another table."""
        return Handshapes(
            *(np.concatenate([getattr(self, field.name), getattr(other, field.name)]) for field in fields(self))
        )


def parse_handshapes(text: str, where: str = TABLE) -> Handshapes:
    """Read the table: one row a line, fields separated by `|`, `#` begins a comment.

    Raises:
        InputError: a row lacks a field or has a word instead of a number.
    """
    rows = [
        _parse_row(line, f"{where}, line {number}")
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.startswith("#")
    ]
    if not rows:
        raise InputError(f"{where} has no row. Restore the table from git.")
    letters, numbers = zip(*rows, strict=True)
    table = np.array(numbers)
    return Handshapes(
        letters=np.array(letters),
        weights=table[:, 0],
        flexion=table[:, 1:13].reshape(-1, 3, 4),
        abduction=table[:, 13:17],
        thumb_tip=table[:, 17:20],
        thumb_mcp=table[:, 20:23],
        orientation=table[:, 23:29:2],
        spread=table[:, 24:29:2],
    )


def read_handshapes() -> Handshapes:
    """Read the table that comes with the project."""
    return parse_handshapes(resources.files(__package__).joinpath(TABLE).read_text(encoding="utf-8"))


def _parse_row(line: str, where: str) -> tuple[str, Array]:
    """Read the letter, and the weight followed by the numbers of all fields."""
    head, *fields = line.split("|")
    try:
        letter, weight = head.split()
        numbers = [np.array(field.split(), dtype=np.float64) for field in (weight, *fields)]
    except ValueError as error:
        raise InputError(f"{where}: {error}. A row is 'letter weight | MCP | PIP | DIP | ...'.") from None
    row, counts = np.concatenate(numbers), tuple(len(field) for field in numbers[1:])
    if not np.isfinite(row).all():
        raise InputError(f"{where}: a number is not finite. Restore the table from git, or correct the row.")
    if counts != _COLUMNS or row[0] <= 0:
        raise InputError(f"{where}: the fields hold {counts} numbers, not {_COLUMNS}, or the weight is not above 0.")
    return letter, row
