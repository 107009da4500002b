"""Stage `train`: processed data to a trained network: weights, history, time, ONNX file."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import pandas as pd

from stages.data.loader import draw_masks
from stages.data.processed import data_hash, read_processed
from stages.errors import run_door
from stages.evaluation.calibration import fit_temperature
from stages.export.onnx import Typical, export_model
from stages.files import write_text
from stages.params import ARCHITECTURES, Augment, Train, read_init, read_params, read_schedule
from stages.training.calibration import mirrored_logits
from stages.training.fit import fit, is_first_process
from stages.training.identity import run_hash
from stages.training.reports import TrainingTime
from stages.training.weights import people_trained_on, save_weights, start_network, weights_hash

MODELS = Path("models")


def main() -> None:
    """Train the architecture named on the command line; a run that was killed resumes where it stopped."""
    parser = argparse.ArgumentParser(prog="python -m stages.train", description=main.__doc__)
    parser.add_argument("architecture", choices=ARCHITECTURES)
    architecture: str = parser.parse_args().architecture

    train, augment, schedule = read_params(Train), read_params(Augment), read_schedule(architecture)
    init = read_init(architecture)
    data, hashed = read_processed(), data_hash()
    network, early_layers = start_network(architecture, init, data.class_names, train.dropout)
    trained_on = people_trained_on(init, data)
    # Only a run with the same data, parameters, initial weights, code and libraries resumes from a checkpoint.
    run = run_hash(hashed, train, augment, schedule, weights_hash(init))
    unfinished = MODELS / "unfinished" / f"{architecture}-{run}"
    time = TrainingTime()
    history = fit(network, data, schedule, train, augment, unfinished, early_layers, callbacks=[time])
    if not is_first_process():
        return

    folder = MODELS / architecture
    folder.mkdir(parents=True, exist_ok=True)
    validation = data.validation
    examples = draw_masks(validation.samples[:16])
    logits = mirrored_logits(network, validation, train.batch_size)
    export_model(
        network, folder / "model.onnx", classes=data.class_names, architecture=architecture, data_hash=hashed,
        examples=examples, temperature=fit_temperature(logits, validation.classes), trained_on=trained_on,
        typical=Typical(validation.samples, validation.classes),
    )  # fmt: skip
    save_weights(network.state_dict(), folder / "weights.safetensors", data.class_names, trained_on)
    write_text(folder / "history.csv", pd.DataFrame(history).to_csv(index=False, lineterminator="\n"))
    # A file of its own, since it differs from run to run: the others are the same bytes every time on one machine.
    write_text(folder / "training.json", json.dumps({"training_seconds": round(time.seconds, 1)}) + "\n")
    shutil.rmtree(unfinished)


if __name__ == "__main__":
    run_door(main)
