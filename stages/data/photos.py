"""Photographs to hand landmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from client import landmarks as client_landmarks
from stages.errors import PipelineError

if TYPE_CHECKING:
    import numpy.typing as npt


def find_hands(images: npt.NDArray[np.uint8], where: str) -> npt.NDArray[np.float32]:
    """Find the hand in each photograph with the landmarker that the client runs, showing a progress bar.

    Args:
        images: (N,H,W,3) uint8 RGB.
        where: file that the photographs come from, for the progress bar and the error.

    Returns:
        (N,21,3) float32 landmarks in pixels; a photograph in which no hand was found has NaN in every place.

    Raises:
        PipelineError: MediaPipe or its networks are missing.
    """
    landmarks = np.full((len(images), 21, 3), np.nan, dtype=np.float32)
    try:
        with client_landmarks.HandLandmarker(mode="image") as landmarker:
            for row, rgb in enumerate(tqdm(images, desc=f"{where}: hands", unit="photo", mininterval=1.0)):
                hand = landmarker.detect(rgb)
                if hand is not None:
                    landmarks[row] = hand.landmarks
    except client_landmarks.ClientError as error:  # this room sees no more of the client
        raise PipelineError(f"{where}: photographs cannot be read without MediaPipe. {error}") from error
    return landmarks
