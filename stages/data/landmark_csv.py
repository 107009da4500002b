"""Tables of hand landmarks, as many projects write them with `csv` or pandas, to the rows of a raw data set."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd
from tqdm import tqdm

from stages.data.cleaning import MIN_MEDIAN_EXTENT
from stages.data.csv_columns import Columns, find_columns
from stages.data.layouts import guess_letters
from stages.errors import InputError
from stages.labels import MAX_LABEL_LENGTH, clean_label

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

Unit = Literal["pixels", "shares of the picture", "places relative to the wrist"]

ASSUMED_SIZE: Final = (480, 480)
"""Width and height in pixels of pictures whose size nobody says. Only their ratio matters, and little: with x wrong by
4:3 or 16:9, the champion recognised at most 3 points less of the letters of seven people."""
MOST_FAULTS: Final = 0.5
"""Share of the rows that may be unusable; if more are, columns were mistaken for others."""
LINES: Final = 20_000
"""Lines in memory as text."""
UNUSED: Final = "."
"""In a list of letters: a number that is none."""
_LOOK: Final = 1000
"""Lines by which columns are distinguished."""
_HEAD: Final = 1 << 16
"""Bytes of the file in which its first line must end."""
_MOST_COLUMNS: Final = 2000
_MOST_SHOWN: Final = 5


@dataclass(frozen=True)
class LandmarkTable:
    """The usable rows of a table, and an account of the others."""

    labels: npt.NDArray[np.str_]
    """(N,) as `clean_label` returns them."""
    signers: npt.NDArray[np.str_]
    """(N,) text, "" if unknown."""
    landmarks: npt.NDArray[np.float32]
    """(N,21,3) pixels; z is 0 if the table has none."""
    missed: int
    """Rows whose numbers are all missing or 0: photographs in which no hand was found."""
    faults: tuple[str, ...]
    """What is wrong with each unusable row, by line."""
    unit: Unit
    """What the table's numbers are."""
    columns: Columns


def read_table(
    path: Path, *, label: str | None = None, letters: Sequence[str] = (), size: tuple[int, int] | None = None
) -> LandmarkTable:
    """Read a table with a label and 42 or 63 numbers in each line, with or without a header.

    Args:
        path: text, its columns separated by commas, semicolons or tabs.
        label: column of the letters, if it cannot be found: its name, "first" or "last".
        letters: which letters 0, 1, 2 ... are, if labels are numbers.
        size: width and height in pixels of the pictures that the numbers are shares of.

    Raises:
        InputError: the file is no such table, most of its rows are unusable, or labels are numbers without `letters`.
    """
    columns: Columns | None = None
    labels: list[str] = []
    signers: list[str] = []
    blocks: list[npt.NDArray[np.float32]] = []
    faults: list[str] = []
    missed = 0
    for chunk in _read_lines(path):
        lines = chunk.dropna(how="all")
        if lines.empty:
            continue
        if columns is None:
            columns = find_columns(path, lines.head(_LOOK), label)
            lines = lines.iloc[int(columns.has_header) :]
        numbers, why = _read_numbers(lines, columns)
        names = lines[columns.label].fillna("").map(clean_label)
        why = why.where(why != "", names.map(_label_fault))
        is_missed = ((np.nan_to_num(numbers) == 0).all(axis=(1, 2))) & (names.map(_label_fault) == "").to_numpy()
        is_good = (why == "").to_numpy() & ~is_missed
        missed += int(is_missed.sum())
        faults += [f"line {line + 1}: {fault}" for line, fault in why[~is_good & ~is_missed].items()]
        labels += names[is_good].tolist()
        signers += _signers(path, lines[is_good], columns)
        blocks.append(numbers[is_good])
    if columns is None or not labels or len(faults) > MOST_FAULTS * (len(labels) + len(faults)):
        shown = f" ({faults[0]})" if faults else ""
        raise InputError(
            f"{path}: of its rows, {len(labels)} can be used, {len(faults)} cannot{shown}, and {missed} show no hand. "
            "If columns are mistaken for others, give it a header: label, x0, y0, z0, x1 ..."
        )
    landmarks, unit = _to_pixels(np.concatenate(blocks), size)
    named = np.array(_name_letters(path, labels, letters))
    return LandmarkTable(named, np.array(signers), landmarks, missed, tuple(faults), unit, columns)


def summarise(table: LandmarkTable) -> str:
    """Write the lines that the command prints: how the table was read, the letters, and what was left out."""
    columns = table.columns
    lines = [
        f"label: {columns.names[columns.label]}; landmarks: {columns.landmarks.shape[1] * 21} numbers from "
        f"{columns.names[columns.landmarks[0, 0]]} to {columns.names[columns.landmarks[-1, -1]]}, {table.unit}"
    ]
    if columns.ignored:
        lines.append(f"not read: {', '.join(columns.ignored[:12])}{' and more' if len(columns.ignored) > 12 else ''}")
    lines += [f"left out: {fault}" for fault in table.faults[:_MOST_SHOWN]]
    if len(table.faults) > _MOST_SHOWN:
        lines.append(f"left out: {len(table.faults) - _MOST_SHOWN} more lines")
    lines += [f"{label}: {count}" for label, count in sorted(Counter(table.labels.tolist()).items())]
    extents = np.ptp(table.landmarks[:, :, :2], axis=1)
    if len(extents) > 1 and np.ptp(extents[:, 0] / np.maximum(extents[:, 1], 1e-6)) < 1e-3:
        lines.append(
            "warning: all hands are as wide as they are high in the same ratio, so each seems to have been stretched, "
            "and its shape is lost. Export landmarks as MediaPipe gives them"
        )
    names = sorted(set(table.signers.tolist()) - {""})
    shown = ", ".join(names[:6]) + (" and more" if len(names) > 6 else "")
    lines.append(f"signers: {shown}" if names else "signers: not named. Name one with --signer NAME.")
    tried = len(table.labels) + table.missed
    lines.append(f"all: hands in {len(table.labels)} of {tried} rows; lines left out: {len(table.faults)}")
    return "\n".join(lines) + "\n"


def _read_lines(path: Path) -> Iterator[pd.DataFrame]:
    """Read a table's lines, some at a time, as text; the index counts lines, and there is room for too many fields."""
    separator, encoding, fields = _look_at(path)
    try:
        chunks = pd.read_csv(
            path, sep=separator, encoding=encoding, header=None, names=range(2 * fields), index_col=False, dtype=str,
            skip_blank_lines=False, skipinitialspace=True, chunksize=LINES,
        )  # fmt: skip
        with chunks, tqdm(desc=str(path), unit=" lines", mininterval=1.0, delay=2.0) as bar:
            while (chunk := _next_chunk(chunks)) is not None:
                # Where a comma is no separator, it is a decimal point.
                yield chunk if separator == "," else chunk.replace(",", ".", regex=True)
                bar.update(len(chunk))
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeError) as error:
        why = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: this is no table ({why}). Export it again, in UTF-8.") from None


def _next_chunk(chunks: Iterator[pd.DataFrame]) -> pd.DataFrame | None:
    with warnings.catch_warnings():
        # Of a line that is far too long, the last fields are lost; what is left is still too long, and is reported.
        warnings.simplefilter("ignore", pd.errors.ParserWarning)
        return next(chunks, None)


def _look_at(path: Path) -> tuple[str, str, int]:
    """Find a text file's separator, encoding and number of columns from its first line."""
    try:
        with path.open("rb") as stream:
            start = stream.read(_HEAD)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}). Name a table of landmarks.") from None
    if start.startswith(b"PK"):
        raise InputError(f"{path}: this is a zip archive or a spreadsheet. Unpack it, or export it as CSV.")
    encoding = "utf-16" if start.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    lines = [line for line in start.decode(encoding, "replace").splitlines() if line.strip()]
    if not lines or "\0" in lines[0]:
        raise InputError(f"{path}: this is {'not text' if lines else 'empty'}. Name a table of landmarks.")
    if lines[0].lstrip().startswith("<"):
        raise InputError(f"{path}: this is a web page. Download the file itself (on GitHub: Raw), and name that.")
    separator = max(",;\t", key=lines[0].count)
    fields = lines[0].count(separator) + 1
    if not 1 < fields <= _MOST_COLUMNS:
        raise InputError(
            f"{path}: its first line has {fields} columns. Separate the label and 42 or 63 numbers by commas, "
            "semicolons or tabs."
        )
    return separator, encoding, fields


def _read_numbers(lines: pd.DataFrame, columns: Columns) -> tuple[npt.NDArray[np.float32], pd.Series]:
    """Read the landmarks (N,21,3) of lines, and say why they cannot be used, "" if they can."""
    text = lines[columns.landmarks.ravel().tolist()]
    values = text.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    why = pd.Series("", index=lines.index, dtype=object)
    bad = ~np.isfinite(values)
    for row in np.flatnonzero(bad.any(axis=1)).tolist():
        column = int(bad[row].argmax())
        name, field = columns.names[text.columns[column]], text.iat[row, column]
        why.iat[row] = f"{name} is empty" if pd.isna(field) else f"{name} is {str(field)[:20]!a}, which is no number"
    too_long = lines.iloc[:, len(columns.names) :].notna().any(axis=1)
    why[too_long] = f"it has more than {len(columns.names)} fields"
    with np.errstate(over="ignore"):
        hands = values.reshape(len(values), 21, -1).astype(np.float32)
    return np.pad(hands, ((0, 0), (0, 0), (0, 3 - hands.shape[2]))), why


def _label_fault(label: str) -> str:
    if not label:
        return "it has no letter"
    if len(label) > MAX_LABEL_LENGTH or not label.isprintable():
        return f"its label {label[:20]!a} is longer than {MAX_LABEL_LENGTH} characters or not printable"
    return ""


def _signers(path: Path, lines: pd.DataFrame, columns: Columns) -> list[str]:
    """Name the signers of lines; numbers get the file's name, since signer 1 of another file is somebody else."""
    if columns.signer is None:
        return [""] * len(lines)
    names = [str(name).strip()[:MAX_LABEL_LENGTH] for name in lines[columns.signer].fillna("")]
    return [f"{path.stem}_{name}"[-MAX_LABEL_LENGTH:] if name.isdigit() else name for name in names]


def _to_pixels(hands: npt.NDArray[np.float32], size: tuple[int, int] | None) -> tuple[npt.NDArray[np.float32], Unit]:
    """Turn what a table has into pixels: x and z are shares of the width, y of the height."""
    if np.median(np.ptp(hands[:, :, :2], axis=1).max(axis=1)) >= MIN_MEDIAN_EXTENT:
        return hands, "pixels"
    width, height = size or ASSUMED_SIZE
    at_wrist = np.median(np.abs(hands[:, 0, :2]).max(axis=1)) == 0
    scaled = hands * np.array([width, height, width], dtype=np.float32)
    return scaled, "places relative to the wrist" if at_wrist else "shares of the picture"


def _name_letters(path: Path, labels: Sequence[str], letters: Sequence[str]) -> Sequence[str]:
    """Turn labels that are all numbers into letters."""
    try:
        numbers = {label: float(label) for label in set(labels)}
    except ValueError:
        return labels
    counted = sorted({int(number) for number in numbers.values() if number.is_integer()})
    if not letters or len(counted) < len(numbers):
        guess = guess_letters(counted)
        advice = (
            f"If {guess.meaning}: --letters {UNUSED * guess.first}{guess.letters}."
            if guess
            else "Write the letter of each row into the table, or list them: --letters ABC (0 is A, 1 is B ...)."
        )
        raise InputError(f"{path}: labels are numbers, {_span(counted)}, and nothing says which letters. {advice}")
    if unknown := [n for n in counted if not 0 <= n < len(letters) or letters[n] == UNUSED]:
        raise InputError(
            f"{path}: --letters has {len(letters)} letters, but there is a label {unknown[0]}. Give the letters of 0, "
            f"1, 2 ... in this order, with a '{UNUSED}' for a number that is none."
        )
    return [clean_label(letters[int(numbers[label])]) for label in labels]


def _span(numbers: Sequence[int]) -> str:
    return f"{numbers[0]} to {numbers[-1]}" if numbers else "none of them whole"
