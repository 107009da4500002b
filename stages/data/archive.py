"""`.npz` archives, read with bounds before anything is decoded and written with the same bytes every time."""

from __future__ import annotations

import io
import math
import os
import stat
import struct
import tokenize
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.lib import format as untyped_npy

from stages.errors import InputError
from stages.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import numpy.typing as npt

GIB: Final = 1 << 30
npy: Final[Any] = untyped_npy  # numpy 1.26 has no types for it
_HEADER_READERS: Final = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
MAX_MEMBERS: Final = 100
"""Arrays that an archive may hold; a raw data set has eight at the most."""
MAX_NAME: Final = 255
"""Characters in a member's name."""
MAX_RATIO: Final = 500.0
"""Uncompressed over compressed size: photographs reach 3, masks of thin lines 200, zeros 1030."""
RATIO_FROM: Final = 64 << 20
"""Bytes; the ratio of smaller arrays does not matter: a column of equal labels compresses a thousandfold."""
_MAX_DIRECTORY: Final = 1 << 20
"""Bytes of an archive's directory; each member takes 46 and its name."""
_MAX_HEADER: Final = 12 + (1 << 14)
"""Bytes from the start of a member within which its header must end; numpy itself reads at most 10,000."""
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold: the real time would change the bytes with every run."""
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
    EOFError,
    OSError,
    RuntimeError,
    SyntaxError,
    struct.error,
    TypeError,
    ValueError,
)
"""What zipfile and numpy raise if bytes are damaged (RuntimeError: encrypted or nested too deep)."""


@dataclass(frozen=True)
class Header:
    """What an `.npy` member says about its array before the array is read."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran_order: bool
    data_start: int
    """Bytes of the member before the array's first."""


class Archive:
    """An open `.npz`; use `open_archive`."""

    def __init__(self, path: Path, zipped: zipfile.ZipFile) -> None:
        """Index the members; refuse too many, invalid names and duplicates."""
        self._path = path
        self._zipped = zipped
        self._members: dict[str, zipfile.ZipInfo] = {}
        infos = zipped.infolist()
        if len(infos) > MAX_MEMBERS:
            raise InputError(
                f"{path}: it holds {len(infos)} members, more than {MAX_MEMBERS}. Export it with one array for each "
                "kind of value and a row for each sample."
            )
        for info in infos:
            name = info.filename.removesuffix(".npy")
            if not _is_plain(name):
                raise InputError(
                    f"{path}: a member is called {info.filename[:MAX_NAME]!a}, which is not an array's name. "
                    "Export it again with plain names such as 'labels'."
                )
            if name in self._members:
                raise InputError(f"{path}: '{name}' is in it twice. Export it again with each array once.")
            # zipfile decompresses bzip2 and LZMA without a bound, and a kilobyte of those can hold gigabytes.
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise InputError(
                    f"{path}: '{name}' is compressed in a way that numpy does not write (method {info.compress_type}). "
                    "Save it with np.savez_compressed."
                )
            self._members[name] = info

    @property
    def names(self) -> list[str]:
        """Names of the arrays, in the archive's order."""
        return list(self._members)

    def size(self, names: list[str]) -> int:
        """Uncompressed bytes of some arrays; no more is ever read, even if the archive understates them."""
        return sum(self._members[name].file_size for name in names)

    def ratio(self, names: list[str]) -> float:
        """Uncompressed bytes of some arrays over their bytes in the archive."""
        return self.size(names) / max(sum(self._members[name].compress_size for name in names), 1)

    def header(self, name: str) -> Header:
        """Read dtype and shape of an array without decoding it, and check that the member holds nothing else."""
        info = self._members[name]
        with _readable(self._path, name), self._zipped.open(info.filename) as stream:
            # The four bytes of a header's length may be wrong: limit what is parsed.
            start = io.BytesIO(stream.read(_MAX_HEADER))
            version = npy.read_magic(start)
            if version not in _HEADER_READERS:
                raise ValueError(f"npy version {version[0]}.{version[1]}")
            shape, fortran_order, dtype = _HEADER_READERS[version](start)
        if dtype.hasobject:
            raise InputError(
                f"{self._path}: '{name}' holds Python objects, which are never unpickled. "
                "Save it as a plain array: text with dtype=str, pictures all of one size as uint8."
            )
        if min(shape, default=0) < 0 or start.tell() + math.prod(shape) * dtype.itemsize != info.file_size:
            raise _damaged(self._path, name, f"its header says {dtype} {shape}, its size {info.file_size} bytes")
        return Header(dtype, shape, fortran_order, start.tell())

    def read(self, name: str) -> npt.NDArray[Any]:
        """Decode an array; call `header` and check it first. The member's CRC is checked too."""
        with _readable(self._path, name), self._zipped.open(self._members[name].filename) as stream:
            array: npt.NDArray[Any] = npy.read_array(stream, allow_pickle=False)
            return array

    def chunks(self, name: str, rows: int) -> Iterator[npt.NDArray[Any]]:
        """Decode an array of one dimension or more in parts; call `header` and check it first.

        Only one chunk is in memory, unless the array is in Fortran order: its rows are scattered, so it is decoded
        whole. The member's CRC is checked with the last chunk.

        Args:
            name: of the array.
            rows: length of each chunk but the last.

        Yields:
            (rows, ...) consecutive parts along the first axis, read-only.
        """
        header = self.header(name)
        starts = range(0, header.shape[0], rows)
        if header.fortran_order and len(header.shape) > 1:
            whole = self.read(name)
            yield from (whole[start : start + rows] for start in starts)
            return
        row_bytes = math.prod(header.shape[1:]) * header.dtype.itemsize
        with _readable(self._path, name), self._zipped.open(self._members[name].filename) as stream:
            stream.read(header.data_start)
            for start in starts:
                shape = (min(rows, header.shape[0] - start), *header.shape[1:])
                contents = stream.read(shape[0] * row_bytes)
                if len(contents) < shape[0] * row_bytes:
                    raise EOFError(f"it ends in row {start + len(contents) // row_bytes}")
                yield np.ndarray(shape, header.dtype, contents)


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open an `.npz` for bounded reading.

    Raises:
        InputError: the file is missing, not a zip, truncated or damaged, or has duplicate, invalid or too many
            members.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            raise InputError(f"{path}: this is a pipe or device, not a regular file. Name an .npz file.")
        stream = _DirectoryReader(path)
        zipped = zipfile.ZipFile(stream)
    except FileNotFoundError:
        raise InputError(f"{path}: the file is missing. Check its name, or make it with `dvc repro`.") from None
    except IsADirectoryError:
        raise InputError(f"{path}: this is a folder, not an .npz file. Name the file in it.") from None
    except PermissionError:
        raise InputError(f"{path}: the file may not be read. Change its permissions.") from None
    except _DAMAGE as error:
        raise _not_a_zip(path, error) from None
    stream.is_open = True
    with stream, zipped:
        yield Archive(path, zipped)


class _DirectoryReader(io.FileIO):
    """A file that refuses a read longer than any sensible directory.

    `zipfile` loads the whole directory, however long the archive says it is, and makes an object of each entry.
    """

    is_open = False
    """The directory has been read: what follows are members, in pieces that the caller chooses."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to `size` bytes.

        Raises:
            ValueError: the directory is longer than that of any data set.
        """
        if not self.is_open and size is not None and size > _MAX_DIRECTORY:
            raise ValueError(f"its directory takes {size} bytes, more than {_MAX_DIRECTORY}")
        return super().read(size) or b""


def _is_plain(name: str) -> bool:
    parts = name.split("/")
    return len(name) <= MAX_NAME and name.isprintable() and "\\" not in name and parts[0] != "" and ".." not in parts


def read_arrays(path: Path, names: tuple[str, ...], stage: str) -> list[npt.NDArray[Any]]:
    """Read an archive that a stage wrote, which holds just these arrays.

    Raises:
        InputError: the file is missing, damaged or holds other arrays.
    """
    with open_archive(path) as archive:
        if set(archive.names) != set(names):
            raise InputError(f"{path}: it holds {archive.names} instead of {list(names)}. Run: dvc repro {stage}.")
        return [archive.read(name) for name in names]


def write_archive(path: Path, arrays: Mapping[str, npt.NDArray[Any]], *, compressed: bool = False) -> None:
    """Write an `.npz` atomically; its bytes depend on the arrays alone.

    Args:
        path: the `.npz`; its folder is created if it is missing.
        arrays: the arrays by name; plain dtypes only.
        compressed: deflate the members. If off, the bytes do not depend on the version of zlib either.
    """
    with atomic_write(path) as partial, zipfile.ZipFile(partial, "w") as zipped:
        for name, array in arrays.items():
            with zipped.open(_entry(name, compressed=compressed), "w", force_zip64=True) as stream:
                npy.write_array(stream, np.asarray(array, order="C"), allow_pickle=False)


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


def _damaged(path: Path, name: str, why: str) -> InputError:
    why = " ".join(why.split())[:200]
    return InputError(f"{path}: '{name}' is damaged or not an array ({why}). Copy or export the file again.")


def _not_a_zip(path: Path, error: BaseException) -> InputError:
    with path.open("rb") as stream:
        start = stream.read(4)
    if start == b"PK\x03\x04":
        return InputError(f"{path}: the file is truncated or damaged ({error}). Copy or export it again.")
    if os.path.getsize(path) == 0:  # noqa: PTH202 - one call, no stat object to name
        return InputError(f"{path}: the file is empty. Export it again with np.savez_compressed.")
    return InputError(
        f"{path}: this is not an .npz archive. Save the arrays with np.savez_compressed(path, labels=...)."
    )
