"""The rows of raw files that were dropped, as a table and as a sheet of pictures."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

MAX_LISTED: Final = 10_000
"""Rows of the table, which is kept in git."""
MAX_DRAWN: Final = 48
_CAPTION: Final = 16
"""Characters of a label and of a signer in a caption."""


def drop_rows(
    path: Path,
    reasons: npt.NDArray[np.str_],
    labels: npt.NDArray[np.str_],
    signers: npt.NDArray[np.str_],
    pictures: dict[int, npt.NDArray[np.uint8]],
) -> pd.DataFrame:
    """List the rows of a file that have a reason.

    Args:
        path: the raw file.
        reasons: (N,) text, "" for the rows that are kept.
        labels: (N,) text.
        signers: (N,) text, "" if unknown.
        pictures: (h,w,3) RGB of some of the rows, by number, small.

    Returns:
        A line for each row dropped: `file`, `row`, `label`, `signer`, `reason`, and `picture` or None.
    """
    rows = np.flatnonzero(reasons != "")
    columns = {"row": rows, "label": labels[rows], "signer": signers[rows], "reason": reasons[rows]}
    shown = pd.Series([pictures.get(row) for row in rows.tolist()], dtype=object)
    return pd.DataFrame({"file": path.as_posix(), **columns, "picture": shown})


def list_dropped(files: Sequence[pd.DataFrame]) -> str:
    """Write a CSV table of the rows dropped; of more than `MAX_LISTED`, that many spread evenly over all."""
    table = pd.concat(files).drop(columns="picture")
    return table.iloc[_spread(len(table), MAX_LISTED)].to_csv(index=False, lineterminator="\n")


def dropped_pictures(files: Sequence[pd.DataFrame]) -> tuple[list[npt.NDArray[np.uint8]], list[str], str]:
    """Choose up to `MAX_DRAWN` pictures of the rows dropped, spread evenly over all files, to be drawn in a grid.

    Returns:
        Pictures (side,side,3) RGB, perhaps none; the caption of each: file, row, label, signer and reason; and a title.
    """
    table = pd.concat(files)
    shown = table[table["picture"].notna()]
    shown = shown.iloc[_spread(len(shown), MAX_DRAWN)]
    side = max((max(picture.shape[:2]) for picture in shown["picture"]), default=1)
    captions = [_caption(line) for _, line in shown.iterrows()]
    title = f"{len(shown)} of {len(table)} rows dropped"
    return [_squared(picture, side) for picture in shown["picture"]], captions, title


def _caption(line: pd.Series) -> str:
    who = ", ".join(line[name][:_CAPTION] for name in ("label", "signer") if line[name])
    # A dollar sign would begin a formula.
    return f"{PurePosixPath(line['file']).stem[:_CAPTION]} {line['row']}: {who}\n{line['reason']}".replace("$", r"\$")


def _squared(picture: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    height, width = picture.shape[:2]
    top, left = (side - height) // 2, (side - width) // 2
    around = ((top, side - height - top), (left, side - width - left), (0, 0))
    return np.pad(picture, around, constant_values=255)


def _spread(count: int, most: int) -> list[int]:
    """Choose up to `most` of `count` indices, evenly."""
    return [int(index) for index in np.linspace(0, count - 1, min(count, most)).round()]
