"""Raw data sets: one `.npz` of photographs, ready-made masks or hand landmarks, checked before it is decoded."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from stages.data.archive import GIB, MAX_RATIO, RATIO_FROM, Archive, Header, open_archive, write_archive
from stages.errors import PipelineError
from stages.photos.limits import MAX_LABEL_LENGTH, MAX_SIDE, MIN_SIDE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

Kind = Literal["images", "masks", "landmarks"]

KINDS: Final[tuple[Kind, ...]] = ("images", "masks", "landmarks")
CHUNK_BYTES: Final = 32 << 20
"""Photographs or masks that are in memory at a time."""

_TEXTS: Final = ("labels", "signers", "handedness")
_TEXT_ROWS: Final = 65_536
_MAX_TEXT_BYTES: Final = 1024
"""Width of a text array; numpy pads every row to the longest, so one essay would make all of them as long."""

_PER_ROW: Final = ("labels", "signers", *KINDS, "image_size", "handedness")
_KNOWN: Final = (*_PER_ROW, "n_photos")
_LAYOUTS: Final = {
    "labels": "(N,) text",
    "signers": "(N,) text",
    "images": f"(N,H,W,3) uint8, height and width {MIN_SIDE} to {MAX_SIDE}",
    "masks": f"(N,H,W,3) uint8, height and width {MIN_SIDE} to {MAX_SIDE}",
    "landmarks": "(N,21,3) float32",
    "image_size": "(N,2) integers",
    "handedness": "(N,) text",
    "n_photos": "one integer",
}


@dataclass(frozen=True)
class Pictures:
    """Photographs or masks that stay in their file, to be read through in order and a few at a time."""

    path: Path
    kind: Literal["images", "masks"]
    shape: tuple[int, ...]
    """(N,H,W,3)."""

    def __len__(self) -> int:
        """Pictures in the file."""
        return self.shape[0]

    def chunks(self, most: int) -> Iterator[npt.NDArray[np.uint8]]:
        """Read all pictures, as many at a time as `CHUNK_BYTES` hold.

        Args:
            most: pictures in a chunk at the most.

        Yields:
            (n,H,W,3) uint8 RGB, not to be written to.

        Raises:
            PipelineError: the file is damaged farther in, or is no longer the one that was checked.
        """
        rows = max(1, min(most, CHUNK_BYTES // math.prod(self.shape[1:])))
        with open_archive(self.path) as archive:
            if self.kind not in archive.names or archive.header(self.kind).shape != self.shape:
                raise PipelineError(f"{self.path}: the file has changed while it was read. Run the command again.")
            yield from archive.chunks(self.kind, rows)


@dataclass(frozen=True)
class RawData:
    """One raw data set as it stands in its file: nothing dropped yet, landmarks perhaps not finite."""

    path: Path
    kind: Kind
    labels: npt.NDArray[np.str_]
    """(N,) text, trimmed; no label is empty."""
    signers: npt.NDArray[np.str_]
    """(N,) text, trimmed; "" where the signer is unknown."""
    landmarks: npt.NDArray[np.float32] | None
    """(N,21,3) pixels; None where the file has photographs or masks."""
    pictures: Pictures | None
    """Photographs or masks, not read yet; None where the file has landmarks."""
    n_photos: int | None
    """Photographs tried, at least N, so that missed hands can be counted; None where the file does not say."""
    image_size: npt.NDArray[np.int64] | None
    """(N,2) width and height of the photographs in pixels."""
    handedness: npt.NDArray[np.str_] | None
    """(N,) "Left", "Right" or "" as MediaPipe's Tasks API says it."""
    ignored: tuple[str, ...]
    """Arrays in the file that are no part of a raw data set and were not read."""

    def __len__(self) -> int:
        """Rows of the file."""
        return len(self.labels)


def read_raw(path: Path, *, max_samples: int, max_gib: float) -> RawData:
    """Read a raw data set; names, dtypes, shapes and sizes are checked before any array is decoded.

    Photographs and masks stay in the file until they are asked for, because they may be larger than memory.

    Args:
        path: the `.npz`, with `labels` and one of `images`, `masks` and `landmarks`.
        max_samples: rows that the file may have.
        max_gib: uncompressed size that its arrays may have together, in GiB.

    Raises:
        PipelineError: the file is missing, damaged, too large or not laid out as a raw data set.
    """
    with open_archive(path) as archive:
        kind = _find_kind(path, archive.names)
        wanted = [name for name in archive.names if name in _KNOWN]
        _check_size(path, archive, wanted, max_gib)
        headers = {name: archive.header(name) for name in wanted}
        _check_layouts(path, headers)
        _check_rows(path, headers, max_samples)
        texts = {name: _read_text(path, archive, name) for name in _TEXTS if name in wanted}
        numbers = ("landmarks", "image_size", "n_photos")
        arrays = {name: archive.read(name) for name in numbers if name in wanted}
        ignored = tuple(name for name in archive.names if name not in _KNOWN)
    labels = texts["labels"]
    if (empty := np.flatnonzero(labels == "")).size:
        raise PipelineError(f"{path}: the label in row {empty[0]} is empty. Name the letter, or leave the row out.")
    return RawData(
        path=path,
        kind=kind,
        labels=labels,
        signers=texts.get("signers", np.full(len(labels), "", dtype=np.str_)),
        landmarks=arrays.get("landmarks"),
        pictures=None if kind == "landmarks" else Pictures(path, kind, headers[kind].shape),
        n_photos=_n_photos(path, arrays.get("n_photos"), len(labels)),
        image_size=arrays["image_size"].astype(np.int64) if "image_size" in arrays else None,
        handedness=texts.get("handedness"),
        ignored=ignored,
    )


def write_raw(
    path: Path,
    *,
    labels: npt.NDArray[np.str_],
    signers: npt.NDArray[np.str_],
    landmarks: npt.NDArray[np.float32],
    image_size: npt.NDArray[np.int64] | None = None,
    handedness: npt.NDArray[np.str_] | None = None,
    n_photos: int | None = None,
) -> None:
    """Write a raw data set of landmarks whose bytes depend on the arrays alone, so that DVC's hash is stable.

    Args:
        path: the `.npz`, written beside its place and renamed.
        labels: (N,) text.
        signers: (N,) text, "" where unknown.
        landmarks: (N,21,3) float32, pixels.
        image_size: (N,2) width and height, pixels.
        handedness: (N,) text.
        n_photos: photographs tried, at least N.

    Raises:
        ValueError: the arrays do not have N rows each, or the landmarks not their shape.
    """
    rows = len(labels)
    arrays: dict[str, npt.NDArray[Any]] = {
        "labels": np.asarray(labels, dtype=np.str_),
        "signers": np.asarray(signers, dtype=np.str_),
        "landmarks": np.asarray(landmarks, dtype=np.float32),
    }
    if image_size is not None:
        arrays["image_size"] = np.asarray(image_size, dtype=np.int64)
    if handedness is not None:
        arrays["handedness"] = np.asarray(handedness, dtype=np.str_)
    if any(len(array) != rows for array in arrays.values()) or arrays["landmarks"].shape[1:] != (21, 3):
        message = f"the arrays must have {rows} rows each: { {name: array.shape for name, array in arrays.items()} }"
        raise ValueError(message)
    if n_photos is not None:
        arrays["n_photos"] = np.asarray(n_photos, dtype=np.int64)
    write_archive(path, arrays)


def _find_kind(path: Path, names: list[str]) -> Kind:
    for name in names:
        close = difflib.get_close_matches(name, _KNOWN, n=1, cutoff=0.8)
        if name not in _KNOWN and close and close[0] not in names:
            raise PipelineError(f"{path}: it holds '{name}', which no reader knows. Call it '{close[0]}'.")
    held = f"it holds {_listed(names)}" if names else "it holds nothing"
    if "labels" not in names:
        raise PipelineError(f"{path}: 'labels' is missing; {held}. Add the letter of each row as (N,) text.")
    kinds = [kind for kind in KINDS if kind in names]
    if not kinds:
        raise PipelineError(f"{path}: {held}, but no samples. Add one of 'images', 'masks' and 'landmarks'.")
    if len(kinds) > 1:
        raise PipelineError(f"{path}: it holds {_listed(kinds)}, but one file has one kind. Export one of them.")
    return kinds[0]


def _check_size(path: Path, archive: Archive, names: list[str], max_gib: float) -> None:
    size = archive.size(names)
    if size > max_gib * GIB:
        raise PipelineError(
            f"{path}: unpacks to {size / GIB:.2f} GiB, more than the {max_gib:g} GiB allowed. "
            "Split the file, or raise preprocess.max_gib in params.yaml."
        )
    if size > RATIO_FROM and archive.ratio(names) > MAX_RATIO:
        raise PipelineError(
            f"{path}: unpacks to {archive.ratio(names):.0f} times its size, more than the {MAX_RATIO:g} times that "
            "pictures of hands do. If its pictures are not empty, save it with np.savez, which does not compress."
        )


def _check_layouts(path: Path, headers: dict[str, Header]) -> None:
    for name, header in headers.items():
        if not _fits(name, header.dtype, header.shape):
            raise PipelineError(
                f"{path}: '{name}' is {header.shape} {header.dtype}, but must be {_LAYOUTS[name]}. "
                "Convert it and export the file again."
            )


def _fits(name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> bool:
    if name in ("images", "masks"):
        return dtype == np.uint8 and len(shape) == 4 and shape[3] == 3 and _has_sides(shape)
    if name == "landmarks":
        return dtype == np.float32 and len(shape) == 3 and shape[1:] == (21, 3)
    if name == "image_size":
        return dtype.kind in "iu" and len(shape) == 2 and shape[1] == 2
    if name == "n_photos":
        return dtype.kind in "iu" and shape in ((), (1,))
    return dtype.kind in "US" and len(shape) == 1


def _has_sides(shape: tuple[int, ...]) -> bool:
    return min(shape[1:3]) >= MIN_SIDE and max(shape[1:3]) <= MAX_SIDE


def _check_rows(path: Path, headers: dict[str, Header], max_samples: int) -> None:
    rows = headers["labels"].shape[0]
    for name in _PER_ROW:
        if name in headers and headers[name].shape[0] != rows:
            raise PipelineError(
                f"{path}: 'labels' has {rows} rows but '{name}' has {headers[name].shape[0]}. "
                "Export both from the same list of samples."
            )
    if rows == 0:
        raise PipelineError(f"{path}: it has no rows. Add samples, or leave the file out.")
    if rows > max_samples:
        raise PipelineError(
            f"{path}: it has {rows} rows, more than the {max_samples} allowed. "
            "Split the file, or raise preprocess.max_samples in params.yaml."
        )


def _read_text(path: Path, archive: Archive, name: str) -> npt.NDArray[np.str_]:
    """Read (N,) text, trimmed; a part at a time, because numpy pads every row to the width of the longest."""
    width = archive.header(name).dtype.itemsize
    if width > _MAX_TEXT_BYTES:
        raise PipelineError(
            f"{path}: '{name}' takes {width} bytes a row, more than {_MAX_TEXT_BYTES}: one of them is a document. "
            f"Shorten it to {MAX_LABEL_LENGTH} characters."
        )
    words: list[str] = []
    for chunk in archive.chunks(name, _TEXT_ROWS):
        words += _words(path, name, chunk, len(words))
    return np.array(words, dtype=np.str_)


def _words(path: Path, name: str, chunk: npt.NDArray[Any], first_row: int) -> list[str]:
    try:
        words = np.char.decode(chunk, "utf-8").tolist() if chunk.dtype.kind == "S" else chunk.tolist()
    except (ValueError, SystemError) as error:  # SystemError: numpy met a character past the end of Unicode
        raise PipelineError(f"{path}: '{name}' is no readable text ({error}). Save it with dtype=str.") from None
    words = [word.strip() for word in words]
    for word in set(words):
        if len(word) > MAX_LABEL_LENGTH or not word.isprintable():
            raise PipelineError(
                f"{path}: '{name}' has {word[:MAX_LABEL_LENGTH]!a} in row {first_row + words.index(word)}, which is "
                f"longer than {MAX_LABEL_LENGTH} characters or not printable. Shorten or mend it."
            )
    return words


def _n_photos(path: Path, array: npt.NDArray[Any] | None, rows: int) -> int | None:
    if array is None:
        return None
    tried = int(array.item())
    if tried < rows:
        raise PipelineError(
            f"{path}: 'n_photos' is {tried}, fewer than its {rows} rows. Count every photograph that was tried."
        )
    return tried


def _listed(names: list[str] | list[Kind]) -> str:
    return ", ".join(repr(name) for name in names[:12]) + (" and more" if len(names) > 12 else "")
