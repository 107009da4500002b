"""Recorded takes on disk: an `.npz` of sequences of landmarks, beside the file of single hands."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from client.recording.landmark_file import RecordedFile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from client.recording.takes import Take


@dataclass(frozen=True)
class SequenceFile(RecordedFile):
    """The arrays of a file of takes, checked against each other.

    T is the number of frames of the longest take. Landmarks are NaN in a frame without a hand, and landmarks and times
    after the last frame of a shorter take.
    """

    times: npt.NDArray[np.float64]
    """(N,T) seconds since the first frame of the take."""

    def __post_init__(self) -> None:
        """Check shapes and types.

        Raises:
            ValueError: an array has another shape or type.
        """
        rows, frames = len(np.atleast_1d(self.labels)), self.times.shape[-1] if self.times.ndim else 0
        shapes = {"landmarks": (rows, frames, 21, 3), "times": (rows, frames), "image_size": (rows, 2)}
        self.check(shapes, {"landmarks": "f", "times": "f", "image_size": "iu"})

    def joined(self, other: SequenceFile) -> SequenceFile:
        """Append the takes of another file."""
        frames = max(self.times.shape[1], other.times.shape[1])
        rows = {}
        for name, array in vars(self).items():
            both = [array, getattr(other, name)]
            if name in ("landmarks", "times"):
                both = [_lengthen(each, frames) for each in both]
            rows[name] = np.concatenate(both)
        return SequenceFile(**rows)


def moving_path(path: Path) -> Path:
    """Give the file of takes that belongs to a file of single hands: `anna_moving.npz` beside `anna.npz`."""
    return path.with_name(f"{path.stem}_moving{path.suffix}")


def from_takes(takes: Sequence[Take], signer: str) -> SequenceFile:
    """Arrange one signer's takes, at least one, as the arrays of a file."""
    longest = max(len(take.frames) for take in takes)
    landmarks = np.full((len(takes), longest, 21, 3), np.nan, dtype=np.float32)
    times = np.full((len(takes), longest), np.nan)
    handedness = []
    for row, take in enumerate(takes):
        seen = Counter[str]()
        for frame, (time, hand) in enumerate(take.frames):
            times[row, frame] = time
            if hand is not None:
                landmarks[row, frame] = hand.landmarks
                seen[hand.handedness] += 1
        handedness.append(seen.most_common(1)[0][0])
    return SequenceFile(
        labels=np.array([take.letter for take in takes]),
        signers=np.full(len(takes), signer),
        landmarks=landmarks,
        image_size=np.array([take.image_size for take in takes], dtype=np.int64),
        handedness=np.array(handedness),
        times=times,
    )


def _lengthen(array: npt.NDArray[np.floating[Any]], frames: int) -> npt.NDArray[np.floating[Any]]:
    """Add NaN after the last frame of (N,T,...), up to so many frames."""
    missing = frames - array.shape[1]
    return np.pad(array, [(0, 0), (0, missing)] + [(0, 0)] * (array.ndim - 2), constant_values=np.nan)
