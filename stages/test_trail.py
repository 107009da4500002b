"""Stage `test_trail`: the trail network on movements of another seed, and on takes of people if there are any.

Usage: python -m stages.test_trail
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from client.mask import TRAIL_VERSION
from stages.data.sequences import read_sequences
from stages.data.trails import TRAILS, read_trails
from stages.errors import run_door
from stages.evaluation.moving import TrailReport, predict_trails, report_takes, report_trails
from stages.evaluation.networks import load_network
from stages.files import write_text
from stages.params import Movements, Preprocess, read_params

MODEL: Final = Path("models/trail/model.onnx")
REPORT: Final = Path("reports/trail/test.json")


def main() -> None:
    """Write `reports/trail/test.json` and print it."""
    network, limits = load_network(MODEL, TRAIL_VERSION), read_params(Preprocess)
    trails, raw = read_trails(TRAILS / "test.npz"), Path(read_params(Movements).test_raw)
    synthetic = report_trails(predict_trails(network, trails), trails)
    takes = {
        path.stem: report_takes(network, read_sequences(path, max_samples=limits.max_samples, max_gib=limits.max_gib))
        for path in ([raw] if raw.is_file() else sorted(raw.glob("*.npz")))
    }
    write_text(REPORT, TrailReport(synthetic=synthetic, takes=takes).model_dump_json(indent=2) + "\n")
    for name, report in {"synthetic movements": synthetic, **takes}.items():
        sys.stdout.write(f"{name}: {report}\n")


if __name__ == "__main__":
    run_door(main)
