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
"""The longest that one picture is repeated, in seconds: a pause is not filmed."""


class FilmWriter:
    """Writes pictures taken at uneven times as a film with an even frame rate; the file appears once it is complete."""

    def __init__(self, path: Path, frame_rate: float) -> None:
        """Check that the film can be written there.

        Args:
            path: the .mp4 to write, or to replace.
            frame_rate: of the film, in frames per second.

        Raises:
            ClientError: the path is not an .mp4, or its folder does not exist.
        """
        if path.suffix.lower() != ".mp4":
            raise ClientError(f"--record {path}: the film is an mp4 file. Name one that ends in .mp4.")
        if not path.parent.is_dir():
            raise ClientError(f"--record {path}: there is no folder {path.parent}. Create it, or name another.")
        self._path, self._rate = path, frame_rate
        self._partial = path.with_name(f".{path.stem}.partial.mp4")
        self._writer: cv2.VideoWriter | None = None
        self._written = 0
        self._cut = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Finish the film: what was recorded is kept, however the run ended."""
        if self._writer is not None:
            self._writer.release()
            self._partial.replace(self._path)

    def add(self, rgb: npt.NDArray[np.uint8], seconds: float) -> None:
        """Add a picture (H, W, 3) taken `seconds` after the first one; all must have the same size.

        A picture that comes too soon for the film's frame rate is left out.

        Raises:
            ClientError: the film cannot be written.
        """
        bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        if self._writer is None:
            size = (rgb.shape[1], rgb.shape[0])
            self._writer = cv2.VideoWriter(str(self._partial), cv2.VideoWriter.fourcc(*"mp4v"), self._rate, size)
            if not self._writer.isOpened():
                raise ClientError(
                    f"--record {self._path}: cannot be written. Check that you may write to its folder, and that the "
                    "disk is not full."
                )
        due = round((seconds - self._cut) * self._rate) + 1
        if (excess := due - self._written - round(LONGEST_STILL * self._rate)) > 0:
            self._cut += excess / self._rate
            due -= excess
        while self._written < due:
            self._writer.write(bgr)
            self._written += 1
