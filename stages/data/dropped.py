"""The rows of raw files that were dropped, as a table and as a sheet of pictures."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

MAX_LISTED: Final = 10_000
"""Rows of the table, which is kept in git."""
MAX_DRAWN: Final = 48
_CAPTION: Final = 16
"""Characters of a label and of a signer in a caption."""


@dataclass(frozen=True)
class DroppedRows:
    """Rows of one raw file that cannot be used."""

    path: Path
    rows: npt.NDArray[np.int64]
    """(D,) numbers of the rows in the file."""
    labels: npt.NDArray[np.str_]
    """(D,) text."""
    signers: npt.NDArray[np.str_]
    """(D,) text, "" where unknown."""
    reasons: npt.NDArray[np.str_]
    """(D,) text."""
    pictures: dict[int, npt.NDArray[np.uint8]]
    """(h,w,3) RGB of some of the rows, by number, small."""

    @classmethod
    def of(
        cls,
        path: Path,
        reasons: npt.NDArray[np.str_],
        labels: npt.NDArray[np.str_],
        signers: npt.NDArray[np.str_],
        pictures: dict[int, npt.NDArray[np.uint8]],
    ) -> Self:
        """Take the rows of a file that have a reason, of (N,) reasons, labels and signers."""
        rows = np.flatnonzero(reasons != "")
        return cls(path, rows, labels[rows], signers[rows], reasons[rows], pictures)

    def __len__(self) -> int:
        """Rows dropped."""
        return len(self.rows)

    def counts(self) -> dict[str, int]:
        """Count the rows by reason."""
        reasons, counts = np.unique(self.reasons, return_counts=True)
        return dict(zip(reasons.tolist(), counts.tolist(), strict=True))


def list_dropped(files: Sequence[DroppedRows]) -> str:
    """Write a CSV table of the rows dropped; of more than `MAX_LISTED`, that many spread evenly over all."""
    lines = [
        (file.path.as_posix(), row, label, signer, reason)
        for file in files
        for row, label, signer, reason in zip(
            file.rows.tolist(), file.labels.tolist(), file.signers.tolist(), file.reasons.tolist(), strict=True
        )
    ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "row", "label", "signer", "reason"))
    writer.writerows(lines[index] for index in _spread(len(lines), MAX_LISTED))
    return text.getvalue()


@dataclass(frozen=True)
class DroppedPictures:
    """Up to `MAX_DRAWN` of the pictures that were dropped, to be drawn in a grid."""

    pictures: npt.NDArray[np.uint8]
    """(P,side,side,3) RGB; P may be 0."""
    captions: list[str]
    """P captions: file, row, label and signer, then the reason."""
    title: str


def dropped_pictures(files: Sequence[DroppedRows]) -> DroppedPictures:
    """Take the pictures of the rows dropped, spread evenly over all files."""
    shown = [(file, row) for file in files for row in sorted(file.pictures)]
    shown = [shown[index] for index in _spread(len(shown), MAX_DRAWN)]
    pictures = [file.pictures[row] for file, row in shown]
    side = max((max(picture.shape[:2]) for picture in pictures), default=1)
    squares = [_squared(picture, side) for picture in pictures]
    return DroppedPictures(
        np.stack(squares) if squares else np.zeros((0, side, side, 3), np.uint8),
        [_caption(file, row) for file, row in shown],
        f"{len(shown)} of {sum(len(file) for file in files)} rows dropped",
    )


def _caption(file: DroppedRows, row: int) -> str:
    index = int(np.searchsorted(file.rows, row))
    signer = str(file.signers[index])[:_CAPTION]
    who = f"{str(file.labels[index])[:_CAPTION]}{', ' + signer if signer else ''}"
    # A dollar sign would begin a formula.
    return f"{file.path.stem[:_CAPTION]} {row}: {who}\n{file.reasons[index]}".replace("$", r"\$")


def _squared(picture: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    height, width = picture.shape[:2]
    top, left = (side - height) // 2, (side - width) // 2
    around = ((top, side - height - top), (left, side - width - left), (0, 0))
    return np.pad(picture, around, constant_values=255)


def _spread(count: int, most: int) -> list[int]:
    """Choose up to `most` of `count` indices, evenly."""
    return [int(index) for index in np.linspace(0, count - 1, min(count, most)).round()]
