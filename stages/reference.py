"""Stage `reference`: a small network that sees the landmarks themselves, a yardstick for the networks on masks.

Usage: python -m stages.reference
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Final

from stages.data.people import people_in
from stages.data.processed import data_hash, read_processed
from stages.errors import run_door
from stages.evaluation.calibration import fit_temperature, mean_with_mirror
from stages.evaluation.report import validation_numbers
from stages.export.onnx import Typical, export_model
from stages.files import write_text
from stages.params import REFERENCE, Augment, Reference, read_params
from stages.training.reference import fit_reference, mirrored_logits

FOLDER: Final = Path("models") / REFERENCE
REPORT: Final = Path("reports") / REFERENCE / "metrics.json"


def main() -> None:
    """Train on `data/processed/`, write `models/landmark_mlp/` and `reports/landmark_mlp/metrics.json`."""
    params = read_params(Reference)
    data = read_processed()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    train, validation = data.train.samples, data.validation.samples
    if data.train.kind == "masks":
        write_text(FOLDER / "none.txt", "The data set is of ready-made masks: there are no landmarks to learn from.\n")
        write_text(REPORT, json.dumps({"available": False}) + "\n")
        sys.stdout.write("no reference: the data set is of ready-made masks, which have no landmarks\n")
        return
    network = fit_reference(train, data.train.classes, len(data.class_names), params, read_params(Augment))
    logits = mirrored_logits(network, validation)
    temperature = fit_temperature(logits, data.validation.classes)
    export_model(
        network, FOLDER / "model.onnx", classes=data.class_names, architecture=REFERENCE, data_hash=data_hash(),
        examples=validation[:16], temperature=temperature, trained_on=people_in(data),
        typical=Typical(validation, data.validation.classes),
    )  # fmt: skip
    metrics = validation_numbers(mean_with_mirror(logits, temperature), data.validation.classes, temperature)
    write_text(REPORT, json.dumps({"available": True} | metrics, indent=2) + "\n")
    sys.stdout.write("reference: " + ", ".join(f"{name} {value:g}" for name, value in metrics.items()) + "\n")


if __name__ == "__main__":
    run_door(main)
