"""Stage `train_trail`: the trail network learns J, Z and neither from trails.

Usage: python -m stages.train_trail
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from client.mask import TRAIL_VERSION
from stages.data.trails import TRAIL_CLASSES, TRAILS, draw_trails, read_trails, trails_hash
from stages.errors import run_door
from stages.evaluation.calibration import fit_temperature
from stages.export.onnx import Typical, export_model
from stages.files import write_text
from stages.params import Trail, read_params
from stages.training.trail import fit_trail, trail_logits
from stages.training.weights import save_weights

FOLDER: Final = Path("models/trail")
TYPICAL: Final = 300
"""Trails that the mean features of each class are taken over."""


def main() -> None:
    """Train on `data/trails/` and write `models/trail/`."""
    params, started = read_params(Trail), time.perf_counter()
    network, history = fit_trail(read_trails(TRAILS / "train.npz"), params)
    seconds = time.perf_counter() - started
    validation = read_trails(TRAILS / "validation.npz")
    temperature = fit_temperature(trail_logits(network, validation, params.batch_size), validation.classes)
    rows = np.arange(min(TYPICAL, len(validation)))
    pictures = draw_trails(validation, rows)
    export_model(
        network, FOLDER / "model.onnx", classes=TRAIL_CLASSES, architecture=params.architecture,
        data_hash=trails_hash(), examples=pictures[:16], temperature=temperature, mask_version=TRAIL_VERSION,
        typical=Typical(pictures, validation.classes[rows]),
    )  # fmt: skip
    save_weights(network.state_dict(), FOLDER / "weights.safetensors", TRAIL_CLASSES)
    write_text(FOLDER / "history.csv", pd.DataFrame(history).to_csv(index=False, lineterminator="\n"))
    write_text(FOLDER / "training.json", json.dumps({"training_seconds": round(seconds, 1)}) + "\n")


if __name__ == "__main__":
    run_door(main)
