"""Runs and versions in MLflow: one run and one version for each content of a model file."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import mlflow
import mlflow.onnx
import numpy as np
import onnx
import pandas as pd
from mlflow.data.meta_dataset import MetaDataset
from mlflow.data.pandas_dataset import from_pandas
from mlflow.data.sources import LocalArtifactDatasetSource  # type: ignore[attr-defined] # made when it is imported
from mlflow.entities import Metric, Param
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

from client.mask import MASK_SIZE
from stages.data.loader import draw_masks
from stages.data.processed import read_processed
from stages.errors import StoreError
from stages.evaluation.report import NUMBERS
from stages.registry.location import SERVERS, sqlite_file, store_name, store_uri
from stages.registry.runs_page import keep_view
from stages.registry.store import open_store, store_lock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlflow.data.pandas_dataset import PandasDataset

    from stages.registry.git import Revision
    from stages.registry.results import Result

FILES: Final = "MLFLOW_DEFAULT_ARTIFACT_ROOT"
"""Variable, MLflow's own, that names the place of files for a database which is used without a server."""
MODEL_FILE: Final = "model.onnx"
REPORT_FOLDER: Final = "report"
"""Folder of a run with the network's own report: its numbers from registration on, its pictures once they are drawn."""
DESCRIPTION_CHARACTERS: Final = 5000
"""Longest description of a version that every store keeps."""
EXAMPLE: Final = "input_example.png"
"""Picture in a run of a mask as the network takes it."""
RAW: Final = "preprocess.raw"
"""Parameter that names the raw data."""
METRICS_A_CALL: Final = 1000
"""Most metrics that MLflow takes in one call."""


@dataclass(frozen=True)
class Version:
    """A network in the registry."""

    run_id: str
    version: int
    reused: bool
    """The same content was registered already."""


def register(result: Result, experiment: str, model_name: str, revision: Revision) -> Version:
    """Register one network in MLflow as a run and a version of a registered model.

    One content is one version: if the same model file is registered already, its run gets what was measured since.

    Args:
        result: what training and evaluation wrote.
        experiment: the runs' experiment, created if it is missing.
        model_name: the registered model, created if it is missing.
        revision: state of the source code.

    Raises:
        StoreError: the store cannot be used.
    """
    with open_store() as client, store_lock():
        experiment_id = ensure_experiment(client, experiment)
        keep_view(client, experiment_id)
        found = find_version(client, model_name, _identity(result))
        if found is not None:
            _log_changed(client, found.run_id, result.metrics)
            _log_report(client, found.run_id, result)
            return found
        return _create(client, experiment_id, model_name, result, revision)


def log_numbers(run_id: str, numbers: Mapping[str, float], files: Mapping[Path, str]) -> None:
    """Add numbers and files to a run; a number that the run has already is not written again.

    Args:
        run_id: the run.
        numbers: metrics by name.
        files: the run's folder that each file or folder goes to.

    Raises:
        StoreError: the store cannot be used.
    """
    with open_store() as client:
        _log_changed(client, run_id, numbers)
        for path, place in files.items():
            (client.log_artifacts if path.is_dir() else client.log_artifact)(run_id, str(path), place)


def describe_version(model_name: str, number: int, text: str) -> None:
    """Write the description of a version.

    Raises:
        StoreError: the store cannot be used.
    """
    with open_store() as client:
        client.update_model_version(model_name, str(number), text[:DESCRIPTION_CHARACTERS])


def ensure_experiment(client: mlflow.MlflowClient, name: str) -> str:
    """Return an experiment's id; create it if it is missing.

    Raises:
        StoreError: it was deleted, its files are elsewhere, or it is new and nothing says where files go.
    """
    location = _artifact_location()
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        if location is None and not store_uri().startswith(SERVERS):
            location = os.environ.get(FILES)
            if not location:
                raise StoreError(
                    f"{store_name()}: nothing says where the files of experiment '{name}' go. Set {FILES}, "
                    "for example to s3://bucket/mlflow, and run again."
                )
        return str(client.create_experiment(name, artifact_location=location))
    if experiment.lifecycle_stage != "active":
        raise StoreError(
            f"{store_name()}: experiment '{name}' was deleted. Bring it back with "
            f"`mlflow experiments restore --experiment-id {experiment.experiment_id}`, or choose another "
            "register.experiment in params.yaml."
        )
    if location is not None and experiment.artifact_location != location:
        raise StoreError(
            f"{store_name()}: its files are in {experiment.artifact_location}, so the checkout was moved. Move it "
            "back, or rename mlflow.db to begin a new registry: the networks are registered again, but the history of "
            "champions stays in the old one."
        )
    return str(experiment.experiment_id)


def _artifact_location() -> str | None:
    """Folder `mlartifacts` next to a sqlite file; None for a server, which knows it."""
    file = sqlite_file()
    return None if file is None else (file.parent / "mlartifacts").as_uri()


def find_version(client: mlflow.MlflowClient, model_name: str, wanted: Mapping[str, str]) -> Version | None:
    """Find the newest version with these tags whose run and file are still there."""
    versions = client.search_model_versions(f"name='{model_name}'")
    for version in sorted(versions, key=lambda version: -int(version.version)):
        same = all(version.tags.get(key) == value for key, value in wanted.items())
        if same and version.run_id and _is_whole(client, version, version.run_id):
            return Version(version.run_id, int(version.version), reused=True)
    return None


def _identity(result: Result) -> dict[str, str]:
    return {
        "architecture": result.architecture,
        "model_hash": result.model_hash,
    }


def _is_whole(client: mlflow.MlflowClient, version: ModelVersion, run_id: str) -> bool:
    """Whether a version's run and model file are still there."""
    try:
        active = client.get_run(run_id).info.lifecycle_stage == "active"
        files = mlflow.artifacts.list_artifacts(artifact_uri=f"models:/{version.name}/{version.version}")
    except MlflowException as error:
        # A server that does not answer says nothing about the version, and must not lead to a second one.
        if error.error_code == "INTERNAL_ERROR":
            raise
        return False
    except OSError:
        return False
    return active and any(Path(file.path).name == MODEL_FILE for file in files)


def _create(
    client: mlflow.MlflowClient, experiment_id: str, model_name: str, result: Result, revision: Revision
) -> Version:
    tags = _identity(result) | {
        "data_hash": result.data_hash,
        "git_commit": revision.commit,
        "git_dirty": revision.dirty,
        "dvc_stage": result.stage,
    }
    # The block marks the run as failed if anything inside raises; the version comes last and makes it count.
    description = describe(result)
    with mlflow.start_run(
        experiment_id=experiment_id, run_name=result.architecture, tags=tags, description=description
    ) as run:
        run_id = run.info.run_id
        client.log_batch(run_id, params=[Param(name, value) for name, value in result.parameters.items()])
        curves = _curves(result)
        for start in range(0, len(curves), METRICS_A_CALL):
            client.log_batch(run_id, metrics=curves[start : start + METRICS_A_CALL])
        _log_report(client, run_id, result)
        if data := _training_data(result):
            mlflow.log_input(data, context="training")
        mlflow.log_input(_validation_data(result), context="validation")
        # As a picture: MLflow's own kind of example is the mask in 4 MB of JSON, and takes a second to write and check.
        client.log_image(run_id, draw_masks(read_processed().validation.samples[:1])[0], EXAMPLE)
        model = mlflow.onnx.log_model(
            onnx.load(result.model),
            name=result.architecture,
            signature=signature(len(result.classes)),
            # Stated, because working them out would load the model in a process of its own.
            pip_requirements=[f"{name}=={installed_version(name)}" for name in ("onnxruntime", "onnx", "numpy")],
            save_as_external_data=False,
        )
        mlflow.log_metrics(result.metrics, model_id=model.model_id)
    ensure_registered_model(client, model_name, "Classifies the mask of a hand as a letter.")
    version = client.create_model_version(
        model_name, source=model.model_uri, run_id=run_id, tags=tags, model_id=model.model_id, description=description
    )
    return Version(run_id, int(version.version), reused=False)


def _log_report(client: mlflow.MlflowClient, run_id: str, result: Result) -> None:
    """Log the numbers that were measured before registration; pictures in the folder are of an earlier run."""
    for path in (result.report / name for name in NUMBERS):
        if path.is_file():
            client.log_artifact(run_id, str(path), REPORT_FOLDER)


def _log_changed(client: mlflow.MlflowClient, run_id: str, numbers: Mapping[str, float]) -> None:
    now, known = int(time.time() * 1000), client.get_run(run_id).data.metrics
    changed = [Metric(name, value, now, 0) for name, value in numbers.items() if known.get(name) != value]
    client.log_batch(run_id, metrics=changed)


def describe(result: Result) -> str:
    """Describe a network for the pages of its run and its version."""
    raw, init, seconds = (
        result.parameters.get(RAW),
        result.parameters.get("init"),
        result.metrics.get("training_seconds"),
    )
    made = f"trained on {raw}" if raw else "trained elsewhere"
    if init:
        made += " from random weights" if init == "random" else f" from the weights {init}"
    made += f" in {seconds:.0f} s" if seconds else ""
    return (
        f"{result.architecture}, {made}. Macro F1 in validation: {result.metrics['f1']:.3f}. It takes masks of "
        f"{MASK_SIZE} x {MASK_SIZE} pixels and returns probabilities of {', '.join(result.classes)}."
    )


def _training_data(result: Result) -> MetaDataset | None:
    """What it was trained on, named by its hash; None if that was elsewhere."""
    raw = result.parameters.get(RAW)
    if not raw:
        return None
    source = LocalArtifactDatasetSource(raw)
    return MetaDataset(source, name="training", digest=result.data_hash)  # type: ignore[abstract] # it is not, in fact


def _validation_data(result: Result) -> PandasDataset:
    """The validation split with what was predicted for it."""
    validation = result.validation
    table = pd.DataFrame(
        {
            "label": validation.labels,
            "predicted": validation.predicted,
            "confidence": validation.confidence,
            "signer": validation.signers,
        }
    )
    return from_pandas(table, name="validation", targets="label", predictions="predicted")


def _curves(result: Result) -> list[Metric]:
    """The training curves as metrics, the epoch as the step; a model proposed by hand has none."""
    if result.history is None:
        return []
    now = int(time.time() * 1000)
    long = result.history.melt("epoch").dropna()
    return [
        Metric(name, value, now, int(epoch))
        for epoch, name, value in zip(long["epoch"], long["variable"], long["value"], strict=True)
    ]


def signature(classes: int) -> ModelSignature:
    """Describe what a network with so many classes takes and gives."""
    masks = TensorSpec(np.dtype(np.uint8), (-1, MASK_SIZE, MASK_SIZE, 3), "masks")
    probabilities = TensorSpec(np.dtype(np.float32), (-1, classes), "probabilities")
    return ModelSignature(inputs=Schema([masks]), outputs=Schema([probabilities]))


def ensure_registered_model(client: mlflow.MlflowClient, name: str, description: str) -> None:
    """Create a registered model if it is missing."""
    if not client.search_registered_models(f"name='{name}'"):
        client.create_registered_model(name, description=description)
