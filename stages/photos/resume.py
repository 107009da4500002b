"""Landmarks found by a run that was stopped: kept in small files until a run gets to its end."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt


class FoundChunks:
    """Landmarks by the content of the photographs that they were found in, whichever file those came from."""

    def __init__(self, folder: Path | None, version: bytes) -> None:
        """Name the store.

        Args:
            folder: where the files are; None keeps nothing.
            version: whatever finds the landmarks; another version finds none of this one's files.
        """
        self._folder = folder
        self._version = version

    def key(self, images: npt.NDArray[np.uint8]) -> str:
        """Compute the digest of (n,H,W,3) photographs and the version."""
        digest = hashlib.blake2b(self._version, digest_size=20)
        digest.update(repr(images.shape).encode())
        digest.update(np.ascontiguousarray(images).data)
        return digest.hexdigest()

    def load(self, key: str, count: int) -> npt.NDArray[np.float32] | None:
        """Read the (count,21,3) landmarks of a chunk; None where they are missing or damaged."""
        if self._folder is None:
            return None
        try:
            landmarks: npt.NDArray[np.float32] = np.load(self._folder / f"{key}.npy", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        return landmarks if landmarks.shape == (count, 21, 3) and landmarks.dtype == np.float32 else None

    def save(self, key: str, landmarks: npt.NDArray[np.float32]) -> None:
        """Write the landmarks of a chunk beside their place, then rename them."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = self._folder / f".{key}.partial"
        with partial.open("wb") as stream:
            np.save(stream, landmarks)
        partial.replace(self._folder / f"{key}.npy")
