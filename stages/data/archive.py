"""`.npz` archives, read with bounds before anything is decoded and written with the same bytes every time."""

from __future__ import annotations

import lzma
import math
import os
import tokenize
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.lib import format as untyped_npy

from stages.errors import PipelineError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import numpy.typing as npt

GIB: Final = 1 << 30
npy: Final[Any] = untyped_npy  # numpy 1.26 has no types for it
_HEADER_READERS: Final = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold: a member's real time would change the bytes with every run."""
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    tokenize.TokenError,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    UnicodeError,
    ValueError,
)
"""What zipfile and numpy raise at bytes that are not what they should be (RuntimeError: encrypted or too deep)."""


@dataclass(frozen=True)
class Header:
    """What an `.npy` member says about its array before the array is read."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]


class Archive:
    """An open `.npz`; use `open_archive`."""

    def __init__(self, path: Path, zipped: zipfile.ZipFile) -> None:
        """Index the members, refusing two of one name."""
        self._path = path
        self._zipped = zipped
        self._members: dict[str, zipfile.ZipInfo] = {}
        for info in zipped.infolist():
            name = info.filename.removesuffix(".npy")
            if name in self._members:
                raise PipelineError(f"{path}: '{name}' is in it twice. Export it again with each array once.")
            self._members[name] = info

    @property
    def names(self) -> list[str]:
        """Names of the arrays, in the archive's order."""
        return list(self._members)

    def size(self, names: list[str]) -> int:
        """Uncompressed bytes of some arrays; reading never goes past them, even where the archive lies."""
        return sum(self._members[name].file_size for name in names)

    def header(self, name: str) -> Header:
        """Read dtype and shape of an array without decoding it, and see that the member holds just that array."""
        info = self._members[name]
        with _readable(self._path, name), self._zipped.open(info.filename) as stream:
            version = npy.read_magic(stream)
            if version not in _HEADER_READERS:
                message = f"npy version {version[0]}.{version[1]}"
                raise ValueError(message)
            shape, _, dtype = _HEADER_READERS[version](stream)
            data_start = stream.tell()
        if dtype.hasobject:
            raise PipelineError(
                f"{self._path}: '{name}' holds Python objects, which are never unpickled. "
                "Save it as a plain array: text with dtype=str, pictures all of one size as uint8."
            )
        if min(shape, default=0) < 0 or data_start + math.prod(shape) * dtype.itemsize != info.file_size:
            raise _damaged(self._path, name, f"its header says {dtype} {shape}, its size {info.file_size} bytes")
        return Header(dtype, shape)

    def read(self, name: str) -> npt.NDArray[Any]:
        """Decode an array; call `header` and check it first. The member's CRC is checked too."""
        with _readable(self._path, name), self._zipped.open(self._members[name].filename) as stream:
            array: npt.NDArray[Any] = npy.read_array(stream, allow_pickle=False)
            return array


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open an `.npz` for bounded reading.

    Raises:
        PipelineError: the file is missing, no zip, truncated or damaged, or names an array twice.
    """
    try:
        zipped = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise PipelineError(f"{path}: the file is missing. Check its name, or make it with `dvc repro`.") from None
    except IsADirectoryError:
        raise PipelineError(f"{path}: this is a folder, not an .npz file. Name the file in it.") from None
    except PermissionError:
        raise PipelineError(f"{path}: the file may not be read. Change its permissions.") from None
    except _DAMAGE as error:
        raise _not_a_zip(path, error) from None
    with zipped:
        yield Archive(path, zipped)


def write_archive(path: Path, arrays: Mapping[str, npt.NDArray[Any]], *, compressed: bool = False) -> None:
    """Write an `.npz` whose bytes depend on the arrays alone: beside the target first, then renamed.

    Args:
        path: the `.npz`; its folder is made where it is missing.
        arrays: the arrays by name; plain dtypes only.
        compressed: deflate the members. Off, the bytes are the same under every version of zlib too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with zipfile.ZipFile(partial, "w") as zipped:
            for name, array in arrays.items():
                with zipped.open(_entry(name, compressed=compressed), "w", force_zip64=True) as stream:
                    npy.write_array(stream, np.asarray(array, order="C"), allow_pickle=False)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a small text file beside its place, then rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _entry(name: str, *, compressed: bool) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
    info.create_system = 3  # Unix on every platform, or the bytes would differ on Windows
    info.external_attr = 0o644 << 16
    info.compress_type = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    return info


@contextmanager
def _readable(path: Path, name: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise _damaged(path, name, str(error) or type(error).__name__) from None


def _damaged(path: Path, name: str, why: str) -> PipelineError:
    why = " ".join(why.split())[:200]
    return PipelineError(f"{path}: '{name}' is damaged or no array ({why}). Copy or export the file again.")


def _not_a_zip(path: Path, error: BaseException) -> PipelineError:
    with path.open("rb") as stream:
        start = stream.read(4)
    if start == b"PK\x03\x04":
        return PipelineError(f"{path}: the file is truncated or damaged ({error}). Copy or export it again.")
    if os.path.getsize(path) == 0:  # noqa: PTH202 - one call, no stat object to name
        return PipelineError(f"{path}: the file is empty. Export it again with np.savez_compressed.")
    return PipelineError(
        f"{path}: this is no .npz archive. Save the arrays with np.savez_compressed(path, labels=...)."
    )
