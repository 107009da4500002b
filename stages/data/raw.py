"""Raw data sets: one `.npz` of photographs, ready-made masks or hand landmarks, checked before it is decoded."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from stages.data.archive import GIB, Header, open_archive, write_archive
from stages.errors import PipelineError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

Kind = Literal["images", "masks", "landmarks"]

KINDS: Final[tuple[Kind, ...]] = ("images", "masks", "landmarks")
MAX_LABEL_LENGTH: Final = 64
"""Characters in a label or in a signer's name: a letter, a word, not a document."""
MIN_SIDE: Final = 16
"""Pixels; a picture smaller than this shows no hand."""

_PER_ROW: Final = ("labels", "signers", *KINDS, "image_size", "handedness")
_KNOWN: Final = (*_PER_ROW, "n_photos")
_LAYOUTS: Final = {
    "labels": "(N,) text",
    "signers": "(N,) text",
    "images": f"(N,H,W,3) uint8, height and width at least {MIN_SIDE}",
    "masks": f"(N,H,W,3) uint8, height and width at least {MIN_SIDE}",
    "landmarks": "(N,21,3) float32",
    "image_size": "(N,2) integers",
    "handedness": "(N,) text",
    "n_photos": "one integer",
}


@dataclass(frozen=True)
class RawData:
    """One raw data set as it stands in its file: nothing dropped yet, landmarks perhaps not finite."""

    path: Path
    kind: Kind
    labels: npt.NDArray[np.str_]
    """(N,) text, trimmed; no label is empty."""
    signers: npt.NDArray[np.str_]
    """(N,) text, trimmed; "" where the signer is unknown."""
    samples: npt.NDArray[Any]
    """(N,H,W,3) uint8 RGB photographs or masks, or (N,21,3) float32 landmarks in pixels."""
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
        size = archive.size(wanted)
        if size > max_gib * GIB:
            raise PipelineError(
                f"{path}: unpacks to {size / GIB:.2f} GiB, more than the {max_gib:g} GiB allowed. "
                "Split the file, or raise preprocess.max_gib in params.yaml."
            )
        headers = {name: archive.header(name) for name in wanted}
        _check_layouts(path, headers)
        _check_rows(path, headers, max_samples)
        arrays = {name: archive.read(name) for name in wanted}
        ignored = tuple(name for name in archive.names if name not in _KNOWN)
    texts = {name: _text(path, name, arrays[name]) for name in ("labels", "signers", "handedness") if name in arrays}
    labels = texts["labels"]
    if (empty := np.flatnonzero(labels == "")).size:
        raise PipelineError(f"{path}: the label in row {empty[0]} is empty. Name the letter, or leave the row out.")
    return RawData(
        path=path,
        kind=kind,
        labels=labels,
        signers=texts.get("signers", np.full(len(labels), "", dtype=np.str_)),
        samples=arrays[kind],
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


def _check_layouts(path: Path, headers: dict[str, Header]) -> None:
    for name, header in headers.items():
        if not _fits(name, header.dtype, header.shape):
            raise PipelineError(
                f"{path}: '{name}' is {header.shape} {header.dtype}, but must be {_LAYOUTS[name]}. "
                "Convert it and export the file again."
            )


def _fits(name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> bool:
    if name in ("images", "masks"):
        return dtype == np.uint8 and len(shape) == 4 and shape[3] == 3 and min(shape[1:3]) >= MIN_SIDE
    if name == "landmarks":
        return dtype == np.float32 and len(shape) == 3 and shape[1:] == (21, 3)
    if name == "image_size":
        return dtype.kind in "iu" and len(shape) == 2 and shape[1] == 2
    if name == "n_photos":
        return dtype.kind in "iu" and shape in ((), (1,))
    return dtype.kind in "US" and len(shape) == 1


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


def _text(path: Path, name: str, array: npt.NDArray[Any]) -> npt.NDArray[np.str_]:
    try:
        words = np.char.decode(array, "utf-8").tolist() if array.dtype.kind == "S" else array.tolist()
    except (ValueError, SystemError) as error:  # SystemError: numpy met a character past the end of Unicode
        raise PipelineError(f"{path}: '{name}' is no readable text ({error}). Save it with dtype=str.") from None
    words = [word.strip() for word in words]
    for word in set(words):
        if len(word) > MAX_LABEL_LENGTH or not word.isprintable():
            raise PipelineError(
                f"{path}: '{name}' has {word[:MAX_LABEL_LENGTH]!a} in row {words.index(word)}, which is longer than "
                f"{MAX_LABEL_LENGTH} characters or not printable. Shorten or mend it."
            )
    return np.array(words, dtype=np.str_)


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
