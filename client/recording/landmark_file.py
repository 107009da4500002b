"""Recorded landmarks on disk: an `.npz` that the pipeline reads as raw data, and that can be extended."""

from __future__ import annotations

import os
import zipfile
import zlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, Self, TypeVar

import numpy as np

from client.errors import ClientError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from client.recording.recorder import Sample

MAX_MIB: Final = 1024
"""Largest unpacked size of a file to extend, in MiB: two million hands. Larger ones are rejected before decoding."""
MAX_NAME_LENGTH: Final = 64
"""Characters in a signer's name."""
_DAMAGE: Final = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, SyntaxError, ValueError)
"""What zipfile and numpy raise if a file is damaged."""
_HINT: Final = "Record to a new file: several files in one folder form one data set."


@dataclass(frozen=True)
class RecordedFile(ABC):
    """The arrays that every recorded file has: a row for each hand, or for each take of one that moves."""

    labels: npt.NDArray[np.str_]
    """(N,) text, the letters."""
    signers: npt.NDArray[np.str_]
    """(N,) text, who signed."""
    landmarks: npt.NDArray[np.float32]
    """(N,21,3), or of takes (N,T,21,3): x and y in pixels of the frame, z on x's scale."""
    image_size: npt.NDArray[np.int64]
    """(N,2) width and height of the frame in pixels."""
    handedness: npt.NDArray[np.str_]
    """(N,) "Left", "Right" or "", as MediaPipe's Tasks API reports it."""

    def __len__(self) -> int:
        """Rows: hands or takes that were kept."""
        return len(self.labels)

    @abstractmethod
    def joined(self, other: Self) -> Self:
        """Append the rows of another file of the same kind."""

    def check(self, shapes: dict[str, tuple[int, ...]], kinds: dict[str, str]) -> None:
        """Check shapes and types.

        Args:
            shapes: of the arrays that are not (N,).
            kinds: NumPy's letters for the types of the arrays that are not text.

        Raises:
            ValueError: an array has another shape or type.
        """
        rows = len(np.atleast_1d(self.labels))
        for name, array in vars(self).items():
            shape, kind = shapes.get(name, (rows,)), kinds.get(name, "U")
            if array.shape != shape or array.dtype.kind not in kind:
                raise ValueError(f"'{name}' is {array.shape} {array.dtype}, not {shape}")


Recorded = TypeVar("Recorded", bound=RecordedFile)


@dataclass(frozen=True)
class LandmarkFile(RecordedFile):
    """The arrays of a file of single hands, checked against each other."""

    n_photos: npt.NDArray[np.int64]
    """() frames tried, at least N: misses count as errors in an evaluation."""

    def __post_init__(self) -> None:
        """Check shapes and types.

        Raises:
            ValueError: an array has another shape or type, or `n_photos` is too small.
        """
        rows = len(np.atleast_1d(self.labels))
        shapes = {"landmarks": (rows, 21, 3), "image_size": (rows, 2), "n_photos": ()}
        self.check(shapes, {"landmarks": "f", "image_size": "iu", "n_photos": "iu"})
        if int(self.n_photos) < rows:
            raise ValueError(f"'n_photos' is {int(self.n_photos)}, fewer than its {rows} rows")

    def joined(self, other: LandmarkFile) -> LandmarkFile:
        """Append the rows of another file and add up the frames tried."""
        rows = {name: np.concatenate([array, getattr(other, name)]) for name, array in vars(self).items() if array.ndim}
        return LandmarkFile(**rows, n_photos=np.asarray(self.n_photos + other.n_photos))


def from_samples(samples: Sequence[Sample], signer: str, n_tried: int) -> LandmarkFile:
    """Arrange one signer's samples, at least one, as the arrays of a file; `n_tried` frames were tried."""
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
        ClientError: it is empty, longer than `MAX_NAME_LENGTH` characters or not printable.
    """
    name = name.strip()
    if name and len(name) <= MAX_NAME_LENGTH and name.isprintable():
        return name
    raise ClientError(
        f"--signer {name[:MAX_NAME_LENGTH]!a}: a signer's name has 1 to {MAX_NAME_LENGTH} printable characters. Any "
        "name will do, as long as it is the same in all files of this signer."
    )


def check_target(path: Path, kind: type[RecordedFile] = LandmarkFile) -> int:
    """Check, before anyone signs, that a file can be written or extended; create its folder if it is missing.

    Returns:
        Rows that it already has.

    Raises:
        ClientError: the path cannot be written, or holds something other than recorded landmarks.
    """
    if path.suffix != ".npz":
        raise ClientError(f"{path}: recorded landmarks are an .npz file. Call it {path.name}.npz.")
    if path.is_dir():
        raise ClientError(f"{path}: this is a folder. Name a file to write.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ClientError(f"{path.parent}: this folder cannot be created ({error.strerror}). Name another.") from None
    if not os.access(path.parent, os.W_OK):
        raise ClientError(f"{path.parent}: you may not write to this folder. Name another.")
    return len(read_recorded(path, kind)) if path.exists() else 0


def read_landmark_file(path: Path) -> LandmarkFile:
    """Read a file of single hands; see `read_recorded`."""
    return read_recorded(path, LandmarkFile)


def read_recorded(path: Path, kind: type[Recorded]) -> Recorded:
    """Read a file that `append` wrote, or another raw file of landmarks with all of its arrays.

    Raises:
        ClientError: it cannot be read, is too large, or is not such a file.
    """
    names = [field.name for field in fields(kind)]
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
            return kind(**{name: archive[name] for name in names})
    except _DAMAGE as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise ClientError(f"{path}: not a file of recorded landmarks, or a damaged one ({why}). {_HINT}") from error


def append(path: Path, new: RecordedFile) -> int:
    """Add rows to a file, or create it; the new content replaces the old one only once it is complete.

    Returns:
        Rows of the file afterwards.

    Raises:
        ClientError: the existing file cannot be extended, or the new one cannot be written.
    """
    whole = read_recorded(path, type(new)).joined(new) if path.exists() else new
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as stream:
            np.savez_compressed(stream, **vars(whole))
        partial.replace(path)
    except OSError as error:
        raise ClientError(
            f"{path}: cannot be written ({error.strerror}). The file is as it was before; free some space or name "
            "another one, and record again."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return len(whole)
