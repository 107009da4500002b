"""What training, evaluation and registration wrote, read back and checked."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from stages.errors import InputError
from stages.evaluation.networks import load_network
from stages.evaluation.predictions import predictions_of
from stages.evaluation.report import read_history
from stages.files import content_hash, read_model
from stages.params import ARCHITECTURES, PARAMS_FILE, read_values

if TYPE_CHECKING:
    import pandas as pd

    from stages.evaluation.predictions import Predictions

MODELS: Final = Path("models")
REPORTS: Final = Path("reports")
TEST_REPORT: Final = REPORTS / "test.json"
SPEED_REPORT: Final = REPORTS / "speed.json"
PARAMETER_SECTIONS: Final = ("synthesize", "preprocess", "augment", "train", "init", "schedule")
"""Sections of `params.yaml` that a network depends on."""


@dataclass(frozen=True)
class Result:
    """One trained and evaluated network."""

    architecture: str
    model: Path
    model_hash: str
    """SHA-256 of the model file, hex."""
    classes: tuple[str, ...]
    data_hash: str
    report: Path
    """Folder of numbers."""
    metrics: dict[str, float]
    """In validation, and the time of training, if this checkout trained it."""
    history: pd.DataFrame | None
    """Training curves, a row for each epoch; None if a person proposes the model."""
    validation: Predictions
    """What it predicts for the validation split."""
    parameters: dict[str, str]
    stage: str
    """DVC stage that made the model file; "" if a person proposes it."""


class _Training(BaseModel):
    """What `training.json` holds."""

    training_seconds: float


def read_result(architecture: str) -> Result:
    """Read `models/<architecture>/` and `reports/<architecture>/`.

    Raises:
        InputError: a file is missing or cannot be read.
    """
    model = MODELS / architecture / "model.onnx"
    network = load_network(model)
    report = REPORTS / architecture
    return Result(
        architecture=architecture,
        model=model,
        model_hash=content_hash(model),
        classes=network.classes,
        data_hash=network.data_hash,
        report=report,
        metrics=read_metrics(report / "metrics.json") | read_training(MODELS / architecture / "training.json"),
        history=read_history(MODELS / architecture / "history.csv"),
        validation=predictions_of(model).validation,
        parameters=read_parameters(architecture),
        stage=f"train@{architecture}",
    )


def read_parameters(architecture: str, path: Path = PARAMS_FILE) -> dict[str, str]:
    """Flatten what a network depends on in `params.yaml`: `{"train.lr": "0.01", "schedule.0.epochs": "8", ...}`.

    Values set for one architecture are listed under its name; they are moved up from there, so that runs can be
    compared side by side, and those of the other architectures are left out.
    """
    return {
        name: value
        for section in PARAMETER_SECTIONS
        for name, value in flatten(read_values(path, section), section, architecture).items()
    }


def flatten(values: Any, name: str, architecture: str) -> dict[str, str]:  # noqa: ANN401 - a YAML value has any type
    """Flatten nested values to text by dotted name; those of `architecture` move up, the others are left out."""
    if isinstance(values, list):
        values = dict(enumerate(values))
    if not isinstance(values, dict):
        return {name: str(values)}
    flat: dict[str, str] = {}
    for key, value in values.items():
        if key not in ARCHITECTURES:
            flat |= flatten(value, f"{name}.{key}", architecture)
    return flat | (flatten(values[architecture], name, architecture) if architecture in values else {})


def read_training(path: Path) -> dict[str, float]:
    """Read what the training of one network took: `training_seconds`.

    Raises:
        InputError: the file is missing or damaged.
    """
    return read_model(_Training, path, "dvc repro train").model_dump()


def read_metrics(path: Path) -> dict[str, float]:
    """Read the metrics of one network.

    Raises:
        InputError: the file is missing, damaged or has no macro F1.
    """
    try:
        metrics = {name: float(value) for name, value in json.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise InputError(f"{path}: cannot be read ({error}). Run: dvc repro evaluate.") from None
    if not math.isfinite(metrics.get("f1", math.nan)):
        raise InputError(f"{path}: 'f1' is missing or no number. Run: dvc repro evaluate.")
    return metrics
