"""Which column of a table of hand landmarks is what: by the names in its header, else by its values."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from stages.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

LABEL_NAMES: Final = (
    "label", "labels", "letter", "class", "class_name", "target", "gesture", "sign", "char", "character", "y",
)  # fmt: skip
"""Names of the column that says which letter a row is, the best first; of several, one with text is used."""
SIGNER_NAMES: Final = (
    "signer", "signers", "signer_id", "user", "user_id", "subject", "subject_id", "person", "participant",
)  # fmt: skip
LANDMARKS: Final = 21
AXES: Final = ("x", "y", "z")
VALUES: Final = (2 * LANDMARKS, 3 * LANDMARKS)

_FINGERS: Final = {"thumb": 1, "index": 5, "middle": 9, "ring": 13, "pinky": 17, "little": 17}
"""First landmark of each finger."""
_JOINTS: Final = {"cmc": 0, "mcp": 0, "pip": 1, "dip": 2, "ip": 2, "tip": 3}
"""Landmarks from a finger's first; the thumb's are cmc, mcp, ip and tip."""
_ROW_NAMES: Final = ("", "index", "id", "unnamed: 0")
_MNIST: Final = 28 * 28


@dataclass(frozen=True)
class Columns:
    """The columns of a table, by number."""

    label: int
    signer: int | None
    landmarks: npt.NDArray[np.int64]
    """(21,2) or (21,3) columns of x, y and perhaps z."""
    names: tuple[str, ...]
    """What a message calls each column."""
    has_header: bool

    @property
    def ignored(self) -> list[str]:
        """Columns that are not read."""
        used = {self.label, self.signer, *self.landmarks.ravel().tolist()}
        return [name for number, name in enumerate(self.names) if number not in used and name]


def find_columns(path: Path, table: pd.DataFrame, label: str | None = None) -> Columns:
    """Find the columns of a table from its first lines.

    Args:
        path: the table's file, for the errors.
        table: (lines, columns) text, NaN where a field is empty; the header, if there is one, is the first line.
        label: column of the letters, if it is known: its name, "first" or "last".

    Raises:
        InputError: there is no column of letters, or there are not 21 landmarks; the message says what there is.
    """
    has_header = _is_header(table.iloc[0])
    table = table.iloc[:, : _fields(table.iloc[:1] if has_header else table)]
    rows = table.iloc[1:] if has_header else table
    if rows.empty:
        raise InputError(f"{path}: it has no rows but its header. Export it again.")
    names = tuple(
        str(name).strip() if has_header else f"column {number + 1}"
        for number, name in enumerate(table.iloc[0].fillna(""))
    )
    lower = [name.lower() for name in names]
    if {"x", "y"} <= set(lower):
        raise InputError(
            f"{path}: it seems to have one landmark in each line. Put the 21 landmarks of a hand and its letter into "
            "one line, and run again."
        )
    signer = next((lower.index(name) for name in SIGNER_NAMES if name in lower), None)
    landmarks = _named_landmarks(path, lower)
    taken = {signer} if landmarks is None else {signer, *landmarks.ravel().tolist()}
    rest = [number for number in range(len(names)) if number not in taken and rows.iloc[:, number].notna().any()]
    numbers = {number: pd.to_numeric(rows.iloc[:, number], errors="coerce") for number in rest}
    # A column is one of numbers if most of its fields are: a few of them may be damaged.
    text = [number for number in rest if numbers[number].notna().sum() * 2 <= rows.iloc[:, number].notna().sum()]
    column = _wanted_column(path, names, label) if label else _label_column(lower, rest, text, numbers)
    if column is None:
        shown = [names[number] for number in text or rest]
        raise InputError(
            f"{path}: which column says the letter? It may be one of {_listed(shown)}. Name it with --label, or say "
            "--label first or --label last."
        )
    if landmarks is None:
        values = [number for number in rest if number != column and number not in text]
        landmarks = _landmarks_in_order(path, lower, values, numbers)
    return Columns(column, signer, landmarks, names, has_header)


def _fields(lines: pd.DataFrame) -> int:
    """Count the fields of most lines, without empty ones at the end."""
    filled = lines.notna().to_numpy()
    return int(np.bincount(filled.shape[1] - filled[:, ::-1].argmax(axis=1)).argmax())


def _is_header(line: pd.Series) -> bool:
    """Whether a line holds names: words, or the numbers 0, 1, 2 ... that pandas gives columns without a name."""
    numbers = pd.to_numeric(line, errors="coerce").dropna().to_numpy()
    return len(numbers) < min(VALUES) or bool((np.diff(numbers) == 1).all())


def _named_landmarks(path: Path, names: Sequence[str]) -> npt.NDArray[np.int64] | None:
    """Find landmarks by names such as `x0`, `0_x`, `landmark_0_x` or `index_finger_tip_x`; None if they say nothing."""
    hands: defaultdict[tuple[str, ...], dict[tuple[int, str], int]] = defaultdict(dict)
    for number, name in enumerate(names):
        if (parsed := _parse(name)) is not None:
            hand, point, axis = parsed
            hands[hand][point, axis] = number
    complete = {hand: (found, first) for hand, found in hands.items() if (first := _first_point(found)) is not None}
    if len(complete) > 1:
        raise InputError(
            f"{path}: it has {len(complete)} sets of 21 landmarks ({_listed(['_'.join(hand) for hand in complete])}), "
            "perhaps of two hands. Keep the columns of one, and the letter's, and run again."
        )
    for found, first in complete.values():
        points = range(first, first + LANDMARKS)
        axes = AXES if all((point, "z") in found for point in points) else AXES[:2]
        return np.array([[found[point, axis] for axis in axes] for point in points], dtype=np.int64)
    return None


def _parse(name: str) -> tuple[tuple[str, ...], int, str] | None:
    """Split a name into what all names of one hand have in common, the number of the landmark, and the axis."""
    words = re.findall(r"[a-z]+|\d+", name)
    if len(axes := [word for word in words if word in AXES]) != 1:
        return None
    words.remove(axes[0])
    if digits := [place for place, word in enumerate(words) if word.isdigit()]:
        return tuple(words[: digits[-1]] + words[digits[-1] + 1 :]), int(words[digits[-1]]), axes[0]
    hand = tuple(word for word in words if word not in {"finger", "wrist", *_FINGERS, *_JOINTS})
    finger = next((word for word in words if word in _FINGERS), "")
    joint = next((word for word in words if word in _JOINTS), "")
    if not finger or not joint:
        return (hand, 0, axes[0]) if "wrist" in words else None
    return hand, _FINGERS[finger] + _JOINTS[joint] + (finger == "thumb" and joint == "mcp"), axes[0]


def _first_point(found: dict[tuple[int, str], int]) -> int | None:
    """Say whether the landmarks are numbered from 0 or from 1; None if they are not 21."""
    points = {point for point, axis in found if axis == "x" and (point, "y") in found}
    return next((first for first in (0, 1) if points == set(range(first, first + LANDMARKS))), None)


def _wanted_column(path: Path, names: Sequence[str], wanted: str) -> int:
    places = {name.lower(): number for number, name in enumerate(names)} | {"first": 0, "last": len(names) - 1}
    if wanted.lower() not in places:
        raise InputError(f"{path}: --label {wanted}: there is no such column. It has {_listed(names)}.")
    return places[wanted.lower()]


def _label_column(
    names: Sequence[str], rest: Sequence[int], text: Sequence[int], numbers: dict[int, pd.Series]
) -> int | None:
    """Find the column of the letters: by its name; the only one of text; the only integers at either end."""
    named = [names.index(name) for name in LABEL_NAMES if name in names and names.index(name) in rest]
    if named:
        return next((number for number in named if number in text), named[0])
    if text:
        return text[0] if len(text) == 1 else None
    ends = [
        number for number in (0, len(names) - 1) if number in rest and not _are_rows(names[number], numbers[number])
    ]
    counted = [number for number in ends if (numbers[number].dropna() % 1 == 0).all()]
    return counted[0] if len(counted) == 1 else None


def _are_rows(name: str, column: pd.Series) -> bool:
    """Whether a column only numbers the rows."""
    return bool((np.diff(column.dropna()) == 1).all()) and (name in _ROW_NAMES or len(column) > 1)


def _landmarks_in_order(
    path: Path, names: Sequence[str], values: list[int], numbers: dict[int, pd.Series]
) -> npt.NDArray[np.int64]:
    """Take the columns of numbers for x, y (and z) of one landmark after the other."""
    rows = [number for number in values if _are_rows(names[number], numbers[number])]
    if len(values) - 1 in VALUES and len(rows) == 1:
        values = [number for number in values if number not in rows]
    if len(values) in VALUES:
        return np.array(values, dtype=np.int64).reshape(LANDMARKS, -1)
    why = ""
    if len(values) in [2 * count for count in VALUES]:
        why = " They may be two hands: keep one."
    if len(values) == _MNIST:
        why = " They look like pictures of 28 x 28 pixels, which are too small for MediaPipe to find hands in."
    raise InputError(
        f"{path}: it has {len(values)} columns of numbers besides the letter's, but 21 landmarks are 42 (x and y) or "
        f"63 (x, y and z).{why} If others are among them, name the columns x0, y0, z0, x1 ... in a header."
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:6]) + (" and more" if len(names) > 6 else "")
