"""Recorded landmarks on disk: an `.npz` that the pipeline reads as raw data, and that can be added to."""

from __future__ import annotations

import os
import zipfile
import zlib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from client.errors import ClientError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from client.recording.recorder import Sample

MAX_MIB: Final = 1024
"""Unpacked size of a file that is added to, in MiB: two million hands; more is refused before it is decoded."""
MAX_NAME_LENGTH: Final = 64
"""Characters in a signer's name."""
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    ValueError,
)
"""What zipfile and numpy raise at bytes that are not what they should be."""
_HINT: Final = "Record into a new file: several files in one folder form one data set."


@dataclass(frozen=True)
class LandmarkFile:
    """The arrays of one file, checked against each other."""

    labels: npt.NDArray[np.str_]
    """(N,) text, the letters."""
    signers: npt.NDArray[np.str_]
    """(N,) text, who signed."""
    landmarks: npt.NDArray[np.float32]
    """(N,21,3): x and y in pixels of the frame, z on x's scale."""
    image_size: npt.NDArray[np.int64]
    """(N,2) width and height of the frame in pixels."""
    handedness: npt.NDArray[np.str_]
    """(N,) "Left", "Right" or "" as MediaPipe's Tasks API says it."""
    n_photos: npt.NDArray[np.int64]
    """() frames tried, at least N: misses count as errors in an exam."""

    def __post_init__(self) -> None:
        """Check shapes and types.

        Raises:
            ValueError: an array is not as described here.
        """
        rows = len(np.atleast_1d(self.labels))
        shapes = {"landmarks": (rows, 21, 3), "image_size": (rows, 2), "n_photos": ()}
        kinds = {"landmarks": "f", "image_size": "iu", "n_photos": "iu"}
        for field in fields(self):
            array = getattr(self, field.name)
            shape, kind = shapes.get(field.name, (rows,)), kinds.get(field.name, "U")
            if array.shape != shape or array.dtype.kind not in kind:
                message = f"'{field.name}' is {array.shape} {array.dtype}, not {shape}"
                raise ValueError(message)
        if int(self.n_photos) < rows:
            message = f"'n_photos' is {int(self.n_photos)}, fewer than its {rows} rows"
            raise ValueError(message)

    def __len__(self) -> int:
        """Rows: hands that were kept."""
        return len(self.labels)

    def joined(self, other: LandmarkFile) -> LandmarkFile:
        """Append the rows of another file and add up the frames that were tried."""
        names = [field.name for field in fields(self) if field.name != "n_photos"]
        rows = {name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in names}
        return LandmarkFile(**rows, n_photos=np.asarray(self.n_photos + other.n_photos))


def from_samples(samples: Sequence[Sample], signer: str, n_tried: int) -> LandmarkFile:
    """Arrange one signer's samples, one or more, as the arrays of a file; `n_tried` frames were looked at."""
    return LandmarkFile(
        labels=np.array([sample.letter for sample in samples]),
        signers=np.full(len(samples), signer),
        landmarks=np.stack([sample.hand.landmarks for sample in samples]).astype(np.float32),
        image_size=np.array([sample.image_size for sample in samples], dtype=np.int64),
        handedness=np.array([sample.hand.handedness for sample in samples]),
        n_photos=np.array(n_tried, dtype=np.int64),
    )


def check_signer(name: str) -> str:
    """Trim a signer's name.

    Raises:
        ClientError: it is empty, longer than 64 characters or not printable.
    """
    name = name.strip()
    if name and len(name) <= MAX_NAME_LENGTH and name.isprintable():
        return name
    raise ClientError(
        f"--signer {name[:MAX_NAME_LENGTH]!a}: a signer's name has 1 to {MAX_NAME_LENGTH} printable characters. Any "
        "name does, as long as it is the same in all files of this signer."
    )


def check_target(path: Path) -> int:
    """See, before anyone signs, that a file can be written or added to; its folder is made where it is missing.

    Returns:
        Rows that are there already.

    Raises:
        ClientError: the path cannot be written, or holds something else than recorded landmarks.
    """
    if path.suffix != ".npz":
        raise ClientError(f"{path}: recorded landmarks are an .npz file. Call it {path.name}.npz.")
    if path.is_dir():
        raise ClientError(f"{path}: this is a folder. Name a file to write.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ClientError(f"{path.parent}: no folder can be made here ({error.strerror}). Name another.") from None
    if not os.access(path.parent, os.W_OK):
        raise ClientError(f"{path.parent}: nothing may be written here. Name another folder.")
    return len(read_landmark_file(path)) if path.exists() else 0


def read_landmark_file(path: Path) -> LandmarkFile:
    """Read a file that `append` wrote, or another raw file of landmarks with all of its arrays.

    Raises:
        ClientError: it cannot be read, is too large, or is no such file.
    """
    names = [field.name for field in fields(LandmarkFile)]
    try:
        with zipfile.ZipFile(path) as zipped:
            size = sum(member.file_size for member in zipped.infolist())
        if size > MAX_MIB << 20:
            raise ClientError(f"{path}: it unpacks to {size >> 20} MiB, more than {MAX_MIB}. {_HINT}")
        with np.load(path, allow_pickle=False) as archive:
            if set(archive.files) != set(names):
                raise ClientError(
                    f"{path}: it holds {sorted(archive.files)[:12]}, not {sorted(names)}, so nothing can be added to "
                    f"it. {_HINT}"
                )
            return LandmarkFile(**{name: archive[name] for name in names})
    except _DAMAGE as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise ClientError(f"{path}: no file of recorded landmarks, or a damaged one ({why}). {_HINT}") from error


def append(path: Path, new: LandmarkFile) -> int:
    """Add rows to a file, or begin it: written beside its place, then renamed.

    Returns:
        Rows of the file afterwards.

    Raises:
        ClientError: what is there cannot be added to, or the disk does not take it.
    """
    whole = read_landmark_file(path).joined(new) if path.exists() else new
    try:
        _write(path, {field.name: getattr(whole, field.name) for field in fields(whole)})
    except OSError as error:
        raise ClientError(
            f"{path}: cannot be written ({error.strerror}). What was there before is there still; free some space or "
            "name another file, and record again."
        ) from error
    return len(whole)


def _write(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as stream:
            np.savez_compressed(stream, **arrays)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
