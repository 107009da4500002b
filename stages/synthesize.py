"""Stage `synthesize`: the built-in data set, synthetic hands that pose the static letters, as a raw `.npz`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stages.data.raw import write_raw
from stages.errors import run_door
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import IMAGE_SIZE, synthesize_hands
from stages.params import Synthesize, read_params

RAW = Path("data/raw/synthetic.npz")


def main() -> None:
    """Write the landmarks of the synthetic signers that `params.yaml` asks for."""
    params = read_params(Synthesize)
    hands = synthesize_hands(
        read_handshapes(), params.signers, params.samples_per_letter, params.seed, params.non_letters
    )
    write_raw(
        RAW,
        labels=hands.labels,
        signers=hands.signers,
        landmarks=hands.landmarks,
        image_size=np.tile(np.array(IMAGE_SIZE, dtype=np.int32), (len(hands.labels), 1)),
        handedness=hands.handedness,
        n_photos=len(hands.labels),
    )


if __name__ == "__main__":
    run_door(main)
