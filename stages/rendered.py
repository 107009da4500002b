"""Stage `rendered`: what is kept of the rendered hands becomes raw data sets, landmarks and photographs.

The photographs go the whole road that anybody's photographs go: MediaPipe finds the hands in them when they are
preprocessed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from stages.data.archive import write_archive
from stages.data.raw import write_raw
from stages.errors import run_door
from stages.rendering.kept import read_landmarks, read_photographs, signer_name

LANDMARKS: Final = Path("data/raw/rendered.npz")
PHOTOGRAPHS: Final = Path("data/raw/rendered_photographs.npz")
SIZE: Final = 288
"""Side of the photographs in pixels."""
EXTENT: Final = 160.0
"""Of a hand in pixels: its own was lost when it was rounded."""


def main() -> None:
    """Write both from `pretrained/`."""
    order, found = read_landmarks()
    hands = found.hands
    write_raw(
        LANDMARKS,
        labels=found.labels[hands],
        signers=np.array([signer_name(order.seed, number) for number in found.signers[hands].tolist()]),
        landmarks=found.landmarks[hands].astype(np.float32) * EXTENT + np.array([SIZE / 2, SIZE / 2, 0]),
        image_size=np.full((int(hands.sum()), 2), SIZE),
        handedness=np.where(found.handedness[hands] == "L", "Left", "Right"),
        n_photos=len(found.labels),
    )
    photographs = list(read_photographs())
    write_archive(
        PHOTOGRAPHS,
        {
            "labels": np.array([each.label for each in photographs]),
            "signers": np.array([each.signer for each in photographs]),
            "images": np.stack([each.picture for each in photographs]),
        },
    )


if __name__ == "__main__":
    run_door(main)
