"""Stage `trails`: hands that draw J and Z, or move in other ways, become trails to learn from and to test with.

Usage: python -m stages.trails
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stages.data.sequences import read_sequences
from stages.data.takes import trails_of_takes
from stages.data.trails import TRAIL_CLASSES, TRAILS, Trails, write_trails
from stages.errors import run_door
from stages.files import atomic_folder
from stages.hand.handshapes import read_handshapes
from stages.hand.movements import synthesize_movements
from stages.params import Movements, Preprocess, read_params

if TYPE_CHECKING:
    from stages.hand.handshapes import Handshapes


def main() -> None:
    """Write `data/trails/`: training, validation and test trails."""
    params, limits = read_params(Movements), read_params(Preprocess)
    table = read_handshapes()
    counts = {"train": params.train, "validation": params.validation, "test": params.test}
    sets = {name: _synthesize(table, count, params.seed, part) for part, (name, count) in enumerate(counts.items())}
    raw = Path(params.raw)
    for path in [raw] if raw.is_file() else sorted(raw.glob("*.npz")):
        takes = read_sequences(path, max_samples=limits.max_samples, max_gib=limits.max_gib)
        sets["train"] = sets["train"].join(trails_of_takes(takes, np.random.default_rng(params.seed)))
        sys.stdout.write(f"{path}: {len(takes)} takes to learn from\n")
    with atomic_folder(TRAILS) as folder:
        for name, trails in sets.items():
            write_trails(folder / f"{name}.npz", trails)
            shown = np.bincount(trails.classes, minlength=len(TRAIL_CLASSES))
            listed = ", ".join(f"{count} {label}" for label, count in zip(TRAIL_CLASSES, shown, strict=True))
            sys.stdout.write(f"{TRAILS / name}.npz: {listed}\n")


def _synthesize(table: Handshapes, count: int, seed: int, part: int) -> Trails:
    moved = synthesize_movements(table, count, seed, part)
    return Trails.of_hands(moved.landmarks, moved.times, moved.labels, moved.kinds)


if __name__ == "__main__":
    run_door(main)
