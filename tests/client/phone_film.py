"""Films, also as phones write them: turned by the container's metadata, or with frames at uneven times.

OpenCV writes neither of those, so what it wrote is edited: an mp4 file is a tree of boxes, each a length, a name and a
content.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts")
_MATRICES = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


def write_video(path, pictures, rate):
    """Write pictures (H, W, 3), RGB, as an mp4 file."""
    height, width = pictures[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate, (width, height))
    for rgb in pictures:
        writer.write(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def turn(path: Path, degrees: int) -> Path:
    """Tell players to turn a film clockwise by 90, 180 or 270 degrees."""
    a, b, c, d = (value * 65536 for value in _MATRICES[degrees])
    matrix = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    return _edit(path, {b"tkhd": lambda content: content[:40] + matrix + content[76:]})


def retime(path: Path, seconds: Sequence[float]) -> Path:
    """Show the frames of a film for so many seconds each."""
    ticks = [round(1000 * duration) for duration in seconds]
    table = struct.pack(">II", 0, len(ticks)) + b"".join(struct.pack(">II", 1, tick) for tick in ticks)
    length = struct.pack(">I", sum(ticks))
    return _edit(
        path,
        {
            b"stts": lambda _: table,
            b"mdhd": lambda content: content[:12] + struct.pack(">I", 1000) + length + content[20:],
            b"mvhd": lambda content: content[:12] + struct.pack(">I", 1000) + length + content[20:],
            b"tkhd": lambda content: content[:20] + length + content[24:],
            b"elst": lambda content: content[:8] + length + content[12:],
        },
    )


def break_off(path: Path, share: float) -> Path:
    """Keep the first part of a film's pictures, as a download that stopped, of a film that begins with its tables."""
    contents = path.read_bytes()
    tables = contents.rindex(b"moov") - 4
    pictures, moved = contents[:tables], len(contents) - tables
    places = {b"stco": lambda content: content[:8] + b"".join(
        struct.pack(">I", place + moved) for (place,) in struct.iter_unpack(">I", content[8:])
    )}  # fmt: skip
    path.write_bytes(_edited(contents[tables:], places) + pictures[: round(share * tables)])
    return path


def mute(path: Path) -> Path:
    """Leave nothing but sound in a film: its only track says that it is one."""
    return _edit(path, {b"hdlr": lambda content: content.replace(b"vide", b"soun")})


def _edit(path: Path, edits: dict[bytes, Callable[[bytes], bytes]]) -> Path:
    # The boxes of the tables follow the pictures, whose places in the file therefore stay the same.
    path.write_bytes(_edited(path.read_bytes(), edits))
    return path


def _edited(boxes: bytes, edits: dict[bytes, Callable[[bytes], bytes]]) -> bytes:
    edited = b""
    while boxes:
        size, name = struct.unpack(">I4s", boxes[:8])
        content, boxes = boxes[8:size], boxes[size:]
        if name in _PARENTS:
            content = _edited(content, edits)
        elif name in edits:
            content = edits[name](content)
        edited += struct.pack(">I4s", len(content) + 8, name) + content
    return edited
