"""The table of handshapes: which joint angles, thumb position and view of the hand make which letter."""

from __future__ import annotations

from dataclasses import dataclass, fields
from importlib import resources
from typing import Final

import numpy as np
import numpy.typing as npt

from stages.errors import PipelineError

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
        """Choose rows by their indices (N,), in that order."""
        return Handshapes(*(getattr(self, field.name)[rows] for field in fields(self)))

    def join(self, other: Handshapes) -> Handshapes:
        """Put the rows of another table below this one's."""
        return Handshapes(
            *(np.concatenate([getattr(self, field.name), getattr(other, field.name)]) for field in fields(self))
        )


def parse_handshapes(text: str, where: str = TABLE) -> Handshapes:
    """Read the table: one row a line, fields separated by `|`, `#` begins a comment.

    Raises:
        PipelineError: a row has a field missing or a word where a number belongs.
    """
    rows = [
        _parse_row(line, f"{where}, line {number}")
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.startswith("#")
    ]
    if not rows:
        raise PipelineError(f"{where} has no row. Restore the table from git.")
    letters, weights, numbers = zip(*rows, strict=True)
    table = np.array(numbers)
    return Handshapes(
        letters=np.array(letters),
        weights=np.array(weights),
        flexion=table[:, :12].reshape(-1, 3, 4),
        abduction=table[:, 12:16],
        thumb_tip=table[:, 16:19],
        thumb_mcp=table[:, 19:22],
        orientation=table[:, 22:28:2],
        spread=table[:, 23:28:2],
    )


def read_handshapes() -> Handshapes:
    """Read the table that the project ships."""
    return parse_handshapes(resources.files(__package__).joinpath(TABLE).read_text(encoding="utf-8"))


def _parse_row(line: str, where: str) -> tuple[str, float, list[float]]:
    head, *fields = line.split("|")
    try:
        letter, weight = head.split()
        numbers = [[float(word) for word in field.split()] for field in fields]
        value = float(weight)
    except ValueError as error:
        raise PipelineError(f"{where}: {error}. A row reads 'letter weight | MCP | PIP | DIP | ...'.") from None
    counts = tuple(len(field) for field in numbers)
    if not (np.isfinite(value) and all(np.isfinite(numbers_of).all() for numbers_of in numbers)):
        raise PipelineError(f"{where}: a number is not finite. Restore the table from git, or mend the row.")
    if counts != _COLUMNS or value <= 0:
        raise PipelineError(f"{where}: the fields hold {counts} numbers, not {_COLUMNS}, or the weight is not above 0.")
    return letter, value, [number for field in numbers for number in field]
