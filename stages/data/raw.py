"""Raw data sets: one `.npz` of photographs, ready-made masks or hand landmarks, checked before it is decoded."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np

from stages.data.archive import GIB, MAX_RATIO, RATIO_FROM, Archive, Header, open_archive, write_archive
from stages.data.layouts import LAYOUTS, Kind, check_layout, find_kind, refuse_other_files
from stages.errors import InputError
from stages.labels import MAX_LABEL_LENGTH, clean_label

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

Channels = Literal["rgb", "bgr"]

CHANNELS: Final[tuple[Channels, ...]] = get_args(Channels)
"""Order of red, green and blue in pictures: as here, or as OpenCV has them."""
CHUNK_BYTES: Final = 32 << 20
"""Bytes of photographs or masks in memory at a time."""

_TEXT_ROWS: Final = 65_536
_MAX_TEXT_BYTES: Final = 1024
"""Width of a text array; numpy pads every row to the longest, so a single essay would make all rows as long."""


@dataclass(frozen=True)
class Pictures:
    """Photographs or masks that stay in their file and are read in order, a few at a time."""

    path: Path
    kind: Literal["images", "masks"]
    shape: tuple[int, ...]
    """(N,H,W,3)."""
    channels: Channels = "rgb"
    """Their order in the file."""

    def __len__(self) -> int:
        """Pictures in the file."""
        return self.shape[0]

    def chunks(self, most: int) -> Iterator[npt.NDArray[np.uint8]]:
        """Read all pictures, as many at a time as `CHUNK_BYTES` hold.

        Args:
            most: most pictures in a chunk.

        Yields:
            (n,H,W,3) uint8 RGB, read-only.

        Raises:
            InputError: the file is damaged, or has changed since it was checked.
        """
        rows = max(1, min(most, CHUNK_BYTES // math.prod(self.shape[1:])))
        with open_archive(self.path) as archive:
            if self.kind not in archive.names or archive.header(self.kind).shape != self.shape:
                raise InputError(f"{self.path}: the file has changed while it was read. Run the command again.")
            for chunk in archive.chunks(self.kind, rows):
                yield chunk if self.channels == "rgb" else np.ascontiguousarray(chunk[..., ::-1])


@dataclass(frozen=True)
class RawData:
    """One raw data set as it is in its file: nothing dropped yet, landmarks perhaps not finite."""

    path: Path
    kind: Kind
    labels: npt.NDArray[np.str_]
    """(N,) text as `clean_label` returns it; no label is empty."""
    signers: npt.NDArray[np.str_]
    """(N,) text, trimmed; "" if the signer is unknown."""
    landmarks: npt.NDArray[np.float32] | None
    """(N,21,3) pixels; None if the file has photographs or masks."""
    pictures: Pictures | None
    """Photographs or masks, not read yet; None if the file has landmarks."""
    n_photos: int | None
    """Photographs tried, at least N, so that missed hands can be counted; None if the file does not say."""
    ignored: tuple[str, ...]
    """Arrays in the file that are not part of a raw data set."""

    def __len__(self) -> int:
        """Rows of the file."""
        return len(self.labels)


def read_raw(path: Path, *, max_samples: int, max_gib: float) -> RawData:
    """Read a raw data set; names, dtypes, shapes and sizes are checked before any array is decoded.

    Photographs and masks stay in the file, because they may be larger than memory. Of `image_size` and `handedness`,
    which nothing here needs, only the layout is checked.

    Args:
        path: the `.npz`, with `labels` and one of `images`, `masks` and `landmarks`.
        max_samples: rows that the file may have.
        max_gib: uncompressed size that its arrays may have together, in GiB.

    Raises:
        InputError: the file is missing, damaged, too large or not laid out as a raw data set.
    """
    refuse_other_files(path)
    with open_archive(path) as archive:
        kind = find_kind(path, archive)
        wanted = [name for name in archive.names if name in LAYOUTS]
        _check_size(path, archive, wanted, max_gib)
        headers = {name: archive.header(name) for name in wanted}
        for name, header in headers.items():
            check_layout(path, archive, name, header)
        _check_rows(path, headers, max_samples)
        channels = _read_channels(path, archive, kind) if "channels" in wanted else "rgb"
        texts = {name: _read_text(path, archive, name) for name in ("labels", "signers") if name in wanted}
        arrays = {name: archive.read(name) for name in ("landmarks", "n_photos") if name in wanted}
        ignored = tuple(name for name in archive.names if name not in LAYOUTS)
    cleaned = {label: clean_label(label) for label in set(texts["labels"].tolist())}
    labels = np.array([cleaned[label] for label in texts["labels"].tolist()], dtype=np.str_)
    if (empty := np.flatnonzero(labels == "")).size:
        raise InputError(f"{path}: the label in row {empty[0]} is empty. Name the letter, or leave the row out.")
    n_photos = int(arrays["n_photos"].item()) if "n_photos" in arrays else None
    if n_photos is not None and n_photos < len(labels):
        raise InputError(
            f"{path}: 'n_photos' is {n_photos}, fewer than its {len(labels)} rows. Count every photograph "
            "that was tried."
        )
    return RawData(
        path=path,
        kind=kind,
        labels=labels,
        signers=texts.get("signers", np.full(len(labels), "", dtype=np.str_)),
        landmarks=arrays.get("landmarks"),
        pictures=None if kind == "landmarks" else Pictures(path, kind, headers[kind].shape, channels),
        n_photos=n_photos,
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
        path: the `.npz`.
        labels: (N,) text.
        signers: (N,) text, "" if unknown.
        landmarks: (N,21,3) float32, pixels.
        image_size: (N,2) width and height, pixels.
        handedness: (N,) text.
        n_photos: photographs tried, at least N.

    Raises:
        ValueError: the arrays do not have N rows each, or the landmarks not their shape.
    """
    given: dict[str, tuple[Any, type]] = {
        "labels": (labels, np.str_),
        "signers": (signers, np.str_),
        "landmarks": (landmarks, np.float32),
        "image_size": (image_size, np.int64),
        "handedness": (handedness, np.str_),
        "n_photos": (n_photos, np.int64),
    }
    arrays: dict[str, npt.NDArray[Any]] = {
        name: np.asarray(value, dtype) for name, (value, dtype) in given.items() if value is not None
    }
    shapes = {name: array.shape for name, array in arrays.items() if name != "n_photos"}
    if any(shape[0] != len(labels) for shape in shapes.values()) or shapes["landmarks"][1:] != (21, 3):
        raise ValueError(f"the arrays must have {len(labels)} rows each: {shapes}")
    write_archive(path, arrays)


def check_target(out: Path, *, overwrite: bool) -> None:
    """Check that a raw data set can be written, before the long part of making it starts; create its folder.

    Raises:
        InputError: the name is no `.npz`, a file is there already, or the folder cannot be written to.
    """
    if out.suffix != ".npz":
        raise InputError(f"{out}: a raw data set is an .npz file. Call it {out.name}.npz.")
    if out.is_dir():
        raise InputError(f"{out}: this is a folder. Name a file to write.")
    if out.exists() and not overwrite:
        raise InputError(f"{out}: the file exists already. Name another, or replace it with --overwrite.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out.parent}: the folder cannot be created ({error.strerror}). Name another.") from None
    if not os.access(out.parent, os.W_OK):
        raise InputError(f"{out.parent}: the folder is not writable. Name another.")


def _check_size(path: Path, archive: Archive, names: list[str], max_gib: float) -> None:
    size = archive.size(names)
    if size > max_gib * GIB:
        raise InputError(
            f"{path}: unpacks to {size / GIB:.2f} GiB, more than the {max_gib:g} GiB allowed. "
            "Split the file, or raise preprocess.max_gib in params.yaml."
        )
    if size > RATIO_FROM and archive.ratio(names) > MAX_RATIO:
        raise InputError(
            f"{path}: unpacks to {archive.ratio(names):.0f} times its size, more than the {MAX_RATIO:g} times that "
            "pictures of hands do. If its pictures are not empty, save it with np.savez, which does not compress."
        )


def _check_rows(path: Path, headers: dict[str, Header], max_samples: int) -> None:
    rows = headers["labels"].shape[0]
    for name, header in headers.items():
        if name not in ("n_photos", "channels") and header.shape[0] != rows:
            raise InputError(
                f"{path}: 'labels' has {rows} rows but '{name}' has {header.shape[0]}. "
                "Export both from the same list of samples."
            )
    if rows == 0:
        raise InputError(f"{path}: it has no rows. Add samples, or leave the file out.")
    if rows > max_samples:
        raise InputError(
            f"{path}: it has {rows} rows, more than the {max_samples} allowed. "
            "Split the file, or raise preprocess.max_samples in params.yaml."
        )


def _read_channels(path: Path, archive: Archive, kind: Kind) -> Channels:
    if kind == "landmarks":
        raise InputError(f"{path}: it has landmarks, but 'channels' is about pictures. Leave 'channels' out.")
    given = archive.read("channels").ravel()[0]
    name = str(given, "utf-8", "replace") if isinstance(given, bytes) else str(given)
    for channels in CHANNELS:
        if channels == name.strip().lower():
            return channels
    raise InputError(
        f"{path}: 'channels' is {name!a}, but must be 'rgb', or 'bgr' for pictures as OpenCV reads them. Correct it "
        "and export the file again."
    )


def _read_text(path: Path, archive: Archive, name: str) -> npt.NDArray[np.str_]:
    """Read (N,) text, trimmed; in parts, because numpy pads every row to the width of the longest."""
    width = archive.header(name).dtype.itemsize
    if width > _MAX_TEXT_BYTES:
        raise InputError(
            f"{path}: '{name}' takes {width} bytes a row, more than {_MAX_TEXT_BYTES}: one of them is a document. "
            f"Shorten it to {MAX_LABEL_LENGTH} characters."
        )
    words: list[str] = []
    for chunk in archive.chunks(name, _TEXT_ROWS):
        try:
            decoded = np.char.decode(chunk, "utf-8").tolist() if chunk.dtype.kind == "S" else chunk.tolist()
        except (ValueError, SystemError) as error:  # SystemError: numpy met a character beyond Unicode
            raise InputError(f"{path}: '{name}' is not readable text ({error}). Save it with dtype=str.") from None
        decoded = [word.strip() for word in decoded]
        words += decoded
        for word in set(decoded):
            if len(word) > MAX_LABEL_LENGTH or not word.isprintable():
                raise InputError(
                    f"{path}: '{name}' has {word[:MAX_LABEL_LENGTH]!a} in row {words.index(word)}, which is longer "
                    f"than {MAX_LABEL_LENGTH} characters or not printable. Shorten or correct it."
                )
    return np.array(words, dtype=np.str_)
