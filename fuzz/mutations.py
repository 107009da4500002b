"""Raw `.npz` files and mutations of them: of any byte, and of the content, with checksums that match again."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

MAX_BYTES: Final = 1 << 16
_LETTERS: Final = np.array(["A", "B", "ß"])
_PICTURES: Final = np.resize(np.arange(251, dtype=np.uint8), (3, 16, 18, 3))
_HANDS: Final = np.arange(3 * 21 * 3, dtype=np.float32).reshape(3, 21, 3)
_NUMBERS: Final = (0, 1, 2, 127, 128, 255, 256, 32767, 65535, 65536, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)
_WORDS: Final = (
    b"'<U1'", b"'<U0'", b"'|S3'", b"'<U99999999'", b"'|O'", b"'<f4'", b"'<f8'", b"'|u1'", b"'<i8'", b"'<M8[ns]'",
    b"'|V0'", b"[('a', '<f4')]", b"('<f4', (3,))", b"True", b"False", b"(3,)", b"()", b"(0,)", b"(3, 21, 3)", b"(-1,)",
    b"(3, 16, 18, 3)", b"(1, 8192, 8192, 3)", b"(99999999999999999999,)", b"(1e9,)", b"(((((((", b"{}", b"{1: 2}",
    b"'descr'", b"'shape'", b"'fortran_order'", b"\x93NUMPY", b"\x00", b"\n",
)  # fmt: skip
_NAMES: Final = (
    "labels.npy", "signers.npy", "images.npy", "masks.npy", "landmarks.npy", "image_size.npy", "handedness.npy",
    "n_photos.npy", "notes.npy", "labels", "label.npy", "/etc/passwd", "../up.npy", "a\\b.npy", "\x1b[2J.npy",
    "\u202enpy.npy", "", ".npy", "folder/",
)  # fmt: skip
_METHODS: Final = (zipfile.ZIP_STORED,) * 40 + (zipfile.ZIP_DEFLATED,) * 40 + (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_DIRECTORY_FIELDS: Final = (8, 10, 16, 20, 24, 28, 30, 32, 34, 38, 42)
_END_FIELDS: Final = (4, 6, 8, 10, 12, 16, 20)
_DEEP: Final = 20


def seeds() -> list[bytes]:
    """Make whole raw files of each kind, stored and deflated."""
    texts = {"labels": _LETTERS, "signers": np.array(["ann", "", "bo"])}
    hands = {
        "landmarks": _HANDS,
        "image_size": np.full((3, 2), 640),
        "handedness": np.array([b"Left", b"Right", b""]),
        "n_photos": np.array(4),
    }
    files = []
    for arrays in (hands, {"images": _PICTURES}, {"masks": np.asfortranarray(_PICTURES)}):
        for save in (np.savez, np.savez_compressed):
            buffer = io.BytesIO()
            save(buffer, **texts, **arrays)
            files.append(buffer.getvalue())
    return files


def mutate(contents: bytes, rng: random.Random) -> bytes:
    """Change a file in one to three ways; the same RNG state gives the same changes."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        contents = rng.choice((_change_bytes, _change_member, _change_member, _change_member, _change_directory))(
            contents, rng
        )
    return contents[:MAX_BYTES]


def _change_bytes(contents: bytes, rng: random.Random) -> bytes:
    changed = bytearray(contents or b"\0")
    start = rng.randrange(len(changed))
    stop = min(len(changed), start + rng.choice((1, 1, 2, 4, 16, 64)))
    changes: tuple[Callable[[], bytes | bytearray], ...] = (
        lambda: rng.randbytes(stop - start),
        lambda: bytes(byte ^ (1 << rng.randrange(8)) for byte in changed[start:stop]),
        lambda: b"",
        lambda: changed[start:stop] * 2,
        lambda: struct.pack("<Q", rng.choice(_NUMBERS))[: stop - start],
        lambda: rng.choice(_WORDS),
    )
    if rng.random() < 0.05:
        return bytes(changed[:start])
    changed[start:stop] = rng.choice(changes)()
    return bytes(changed)


def _change_member(contents: bytes, rng: random.Random) -> bytes:
    """Change a member, its name or its compression, and write an archive whose checksums match."""
    members = _members(contents)
    if not members:
        return contents
    index = rng.randrange(len(members))
    name, data = members[index]
    changes: tuple[Callable[[], list[tuple[str, bytes]]], ...] = (
        lambda: [(name, _change_header(data, rng))],
        lambda: [(name, _change_header(data, rng))],
        lambda: [(name, _change_bytes(data, rng))],
        lambda: [(rng.choice(_NAMES), data)],
        list,
        lambda: [(name, data)] * 2,
        lambda: [(name, data), (rng.choice(_NAMES), data)],
        lambda: [(name, data + bytes(rng.choice((1, 1000, 100_000))))],
        lambda: [(name, data), *((f"{number}.npy", b"") for number in range(120))],
    )
    members[index : index + 1] = rng.choice(changes)()
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as zipped:
        warnings.simplefilter("ignore")  # zipfile's about duplicate names
        for member in members:
            zipped.writestr(zipfile.ZipInfo(member[0]), member[1], rng.choice(_METHODS))
    return buffer.getvalue()


def _members(contents: bytes) -> list[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(contents)) as zipped:
            infos = [info for info in zipped.infolist() if info.file_size <= 1 << 20][:_DEEP]
            return [(info.filename, zipped.read(info)) for info in infos]
    except Exception:  # noqa: BLE001 - zipfile raises exceptions of any kind; such a file is changed byte by byte
        return []


def _change_header(data: bytes, rng: random.Random) -> bytes:
    """Replace a word of the text that describes an array, and set a length that is right or wrong."""
    end = data.find(b"\n", 0, 1 << 12) + 1
    if end < 11:
        return _change_bytes(data, rng)
    text = data[10:end]
    start = rng.randrange(len(text))
    at = max(text.find(mark, start) for mark in (b"'", b"(", b"T", b"F"))
    at = start if at < 0 else at
    stop = min(len(text), at + rng.choice((0, 1, 4, 5, 12)))
    text = text[:at] + rng.choice(_WORDS) * rng.choice((1, 1, 1, 300)) + text[stop:]
    version = rng.choice((b"\x01\x00", b"\x01\x00", b"\x02\x00", b"\x03\x00", rng.randbytes(2)))
    length = len(text) if rng.random() < 0.8 else rng.choice(_NUMBERS)
    size = struct.pack("<I", length & 0xFFFFFFFF) if version[0] > 1 else struct.pack("<H", length & 0xFFFF)
    return b"\x93NUMPY" + version + size + text + data[end:]


def _change_directory(contents: bytes, rng: random.Random) -> bytes:
    """Overwrite a field of the archive's directory or of its end: sizes, offsets, flags, counts."""
    mark, fields = rng.choice(((b"PK\x01\x02", _DIRECTORY_FIELDS), (b"PK\x05\x06", _END_FIELDS)))
    places = [at for at in range(len(contents) - 48) if contents.startswith(mark, at)] or [len(contents) - 22]
    at = max(0, rng.choice(places)) + rng.choice(fields)
    size = rng.choice((2, 4))
    return contents[:at] + struct.pack("<Q", rng.choice(_NUMBERS))[:size] + contents[at + size :]
