"""Landmarks found by an interrupted run: kept in small files until a run finishes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from stages.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

Found = tuple["npt.NDArray[np.float32]", bool]
"""(n,21,3) landmarks of a chunk, and whether an earlier run had found them."""


def load_or_find(
    images: npt.NDArray[np.uint8],
    find: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]],
    folder: Path | None,
    version: bytes,
) -> Found:
    """Load the landmarks of photographs, whichever file these came from; find and keep them if they are not there.

    Args:
        images: (n,H,W,3) photographs.
        find: finds their (n,21,3) landmarks.
        folder: place of the files; None keeps nothing.
        version: identifies what finds the landmarks; files of other versions are not used.
    """
    if folder is None:
        return find(images), False
    digest = hashlib.blake2b(version, digest_size=20)
    digest.update(repr(images.shape).encode())
    digest.update(np.ascontiguousarray(images).data)
    path = folder / f"{digest.hexdigest()}.npy"
    try:
        landmarks: npt.NDArray[np.float32] = np.load(path, allow_pickle=False)
        if landmarks.shape == (len(images), 21, 3) and landmarks.dtype == np.float32:
            return landmarks, True
    except (OSError, ValueError, EOFError):
        pass  # missing or damaged
    landmarks = find(images)
    with atomic_write(path) as partial, partial.open("wb") as stream:
        np.save(stream, landmarks)
    return landmarks, False
