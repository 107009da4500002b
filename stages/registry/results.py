"""What training, evaluation and registration wrote, read back and checked."""

from __future__ import annotations

import json
import math
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from stages.errors import PipelineError
from stages.evaluation.networks import load_network
from stages.evaluation.report import read_history
from stages.files import content_hash
from stages.params import ARCHITECTURES, PARAMS_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

MODELS: Final = Path("models")
REPORTS: Final = Path("reports")
REGISTERED: Final = REPORTS / "register.json"
CHAMPION_FILES: Final = MODELS / "champion"
"""The champion as the registry has it: `model.onnx`, and `metrics.json`, the numbers that it was registered with."""
PARAMETER_SECTIONS: Final = ("synthesize", "preprocess", "augment", "train", "init", "schedule")
"""Sections of `params.yaml` that a network depends on."""
UNKNOWN: Final = "unknown"


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
    """Folder of numbers and pictures."""
    metrics: dict[str, float]
    history: dict[str, npt.NDArray[np.float64]]
    """Training curves, arrays of (epochs,) by column."""
    parameters: dict[str, str]
    stage: str
    """DVC stage that made the model file; "" where a person offers it."""


@dataclass(frozen=True)
class Registered:
    """What `reports/register.json` says."""

    champion: str
    """Name of the champion: its architecture, with its version where it is none of this checkout's networks."""
    is_own: bool
    """Whether the champion is one of this checkout's networks; else its files lie in `models/champion/` alone."""
    architectures: tuple[str, ...]


@dataclass(frozen=True)
class Revision:
    """State of the source code."""

    commit: str
    """Full hash, or "unknown" outside a git checkout."""
    dirty: str
    """"true" where tracked sources were changed since; "unknown" outside a git checkout."""


def read_result(architecture: str) -> Result:
    """Read `models/<architecture>/` and `reports/<architecture>/`.

    Raises:
        PipelineError: a file is missing or cannot be read.
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
        metrics=read_metrics(report / "metrics.json"),
        history=read_history(MODELS / architecture / "history.csv"),
        parameters=read_parameters(architecture),
        stage=f"train@{architecture}",
    )


def best(results: Sequence[Result]) -> Result:
    """Find the network with the highest macro F1 on the validation samples; the first of equals."""
    return max(results, key=lambda result: result.metrics["f1"])


def read_registered(path: Path = REGISTERED) -> Registered:
    """Read which networks are registered.

    Raises:
        PipelineError: the file is missing or damaged.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        champion, models = report["champion"], report["models"]
        is_own = champion in models and models[champion].get("version") == report.get("version")
        name = champion if is_own else f"{champion} version {report['version']}"
        return Registered(name, is_own, tuple(models))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PipelineError(f"{path}: cannot be read ({error}). Run: dvc repro register.") from None


def read_parameters(architecture: str, path: Path = PARAMS_FILE) -> dict[str, str]:
    """Flatten what a network depends on in `params.yaml`: `{"train.lr": "0.01", "schedule.0.epochs": "8", ...}`.

    Values set for one architecture stand under its name; they are lifted from there, so that runs can be
    compared side by side, and those of the other architectures are left out.
    """
    try:
        sections = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise PipelineError(f"{path}: cannot be read ({error}). Compare it with git's version.") from None
    return {
        name: value
        for section in PARAMETER_SECTIONS
        for name, value in flatten(sections.get(section, {}), section, architecture).items()
    }


def flatten(values: Any, name: str, architecture: str) -> dict[str, str]:  # noqa: ANN401 - a YAML value has any type
    """Flatten nested values and lists to text by dotted name, lifting out `architecture` and leaving out the others."""
    if isinstance(values, list):
        values = dict(enumerate(values))
    if not isinstance(values, dict):
        return {name: str(values)}
    flat: dict[str, str] = {}
    for key, value in values.items():
        if key not in ARCHITECTURES:
            flat |= flatten(value, f"{name}.{key}", architecture)
    return flat | (flatten(values[architecture], name, architecture) if architecture in values else {})


def read_revision() -> Revision:
    """Ask git for the commit and whether sources differ from it; reports and `dvc.lock` are outputs, not sources."""
    commit = _git("rev-parse", "--verify", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!reports", ":!dvc.lock")
    if commit is None or changed is None:
        return Revision(UNKNOWN, UNKNOWN)
    return Revision(commit, "true" if changed else "false")


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def read_metrics(path: Path) -> dict[str, float]:
    """Read the numbers of one network.

    Raises:
        PipelineError: the file is missing, damaged or has no macro F1.
    """
    try:
        metrics = {name: float(value) for name, value in json.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise PipelineError(f"{path}: cannot be read ({error}). Run: dvc repro evaluate.") from None
    if not math.isfinite(metrics.get("f1", math.nan)):
        raise PipelineError(f"{path}: 'f1' is missing or no number. Run: dvc repro evaluate.")
    return metrics
