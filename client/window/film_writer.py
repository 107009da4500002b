"""The annotated film that `--record` writes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import cv2

from client.errors import ClientError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

LONGEST_STILL: Final = 10.0
"""Seconds for which the last picture is held at most where none came: a pause is not a film."""


class FilmWriter:
    """Writes pictures that come at their own times as a film of even frames; the file is there when it is whole."""

    def __init__(self, path: Path, frame_rate: float) -> None:
        """Begin.

        Args:
            path: the .mp4 to write, or to replace.
            frame_rate: of the film, in frames a second.

        Raises:
            ClientError: no .mp4, or no folder to write to.
        """
        if path.suffix.lower() != ".mp4":
            raise ClientError(f"--record {path}: the film is an mp4. Name a file that ends in .mp4.")
        if not path.parent.is_dir():
            raise ClientError(f"--record {path}: there is no folder {path.parent}. Make it, or name another.")
        self._path, self._rate = path, frame_rate
        self._partial = path.with_name(f".{path.stem}.partial.mp4")
        self._writer: cv2.VideoWriter | None = None
        self._written = 0
        self._size = (0, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Finish the film, however the run ended: what was recorded is kept."""
        if self._writer is not None:
            self._writer.release()
            self._partial.replace(self._path)

    def add(self, rgb: npt.NDArray[np.uint8], seconds: float) -> None:
        """Add a picture (H, W, 3) that was seen at a time, in seconds from the first; all have one size.

        Raises:
            ClientError: the film cannot be written.
        """
        bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        if self._writer is None:
            self._size = (rgb.shape[1], rgb.shape[0])
            self._writer = cv2.VideoWriter(str(self._partial), cv2.VideoWriter.fourcc(*"mp4v"), self._rate, self._size)
            if not self._writer.isOpened():
                raise ClientError(f"--record {self._path}: cannot be written. Is the folder yours, and the disk full?")
        due = max(self._written + 1, round(seconds * self._rate) + 1)
        due = min(due, self._written + round(LONGEST_STILL * self._rate))
        while self._written < due:
            self._writer.write(bgr)
            self._written += 1
