"""Runs and versions in MLflow: one run and one version for each content of a model file.

Everything in it comes from files, so it can be deleted and written again.
"""

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
from mlflow.entities import Metric, Param
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

from stages.errors import PipelineError
from stages.registry.results import Result, Revision
from stages.registry.store import SERVERS, alone, open_store, sqlite_file, store_name, store_uri

if TYPE_CHECKING:
    from collections.abc import Mapping

FILES: Final = "MLFLOW_DEFAULT_ARTIFACT_ROOT"
"""Variable, MLflow's own, that names the place of files for a database which is used without a server."""
MODEL_FILE: Final = "model.onnx"
DESCRIPTION_CHARACTERS: Final = 5000
"""Longest description of a version that every store keeps."""
METRICS_A_CALL: Final = 1000
"""More than this in one call MLflow refuses."""


@dataclass(frozen=True)
class Version:
    """A network in the registry."""

    run_id: str
    version: int
    reused: bool
    """The same content stood there already."""


def register(result: Result, experiment: str, model_name: str, revision: Revision) -> Version:
    """Show one network in MLflow as a run and a version of a registered model.

    One content is one version: where the same model file stands there already, its run is given what was measured anew.

    Args:
        result: what training and evaluation wrote.
        experiment: the runs' experiment, made where it is missing.
        model_name: the registered model, made where it is missing.
        revision: state of the source code.

    Raises:
        PipelineError: the store cannot be used.
    """
    with open_store() as client, alone():
        experiment_id = ensure_experiment(client, experiment)
        found = _find(client, model_name, result)
        if found is not None:
            _log_changed(client, found.run_id, result.metrics)
            client.log_artifacts(found.run_id, str(result.report), "report")
            return found
        return _create(client, experiment_id, model_name, result, revision)


def log_numbers(run_id: str, numbers: Mapping[str, float], files: Mapping[Path, str]) -> None:
    """Add numbers and files to a run; a number that stands there already is not written again.

    Args:
        run_id: the run.
        numbers: metrics by name.
        files: the run's folder that each file or folder goes to.

    Raises:
        PipelineError: the store cannot be used.
    """
    with open_store() as client:
        _log_changed(client, run_id, numbers)
        for path, place in files.items():
            (client.log_artifacts if path.is_dir() else client.log_artifact)(run_id, str(path), place)


def describe_version(model_name: str, number: int, text: str) -> None:
    """Write the description that MLflow shows beside a version.

    Raises:
        PipelineError: the store cannot be used.
    """
    with open_store() as client:
        client.update_model_version(model_name, str(number), text[:DESCRIPTION_CHARACTERS])


def ensure_experiment(client: mlflow.MlflowClient, name: str) -> str:
    """Return an experiment's id; make it where it is missing.

    Raises:
        PipelineError: it was deleted, its files lie elsewhere, or it is new and nothing says where files go.
    """
    location = _artifact_location()
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        if location is None and not store_uri().startswith(SERVERS):
            location = os.environ.get(FILES)
            if not location:
                raise PipelineError(
                    f"{store_name()}: nothing says where the files of experiment '{name}' go. Set {FILES}, "
                    "for example to s3://bucket/mlflow, and run again."
                )
        return str(client.create_experiment(name, artifact_location=location))
    if experiment.lifecycle_stage != "active":
        raise PipelineError(
            f"{store_name()}: experiment '{name}' was deleted. Bring it back with "
            f"`mlflow experiments restore --experiment-id {experiment.experiment_id}`, or choose another "
            "register.experiment in params.yaml."
        )
    if location is not None and experiment.artifact_location != location:
        raise PipelineError(
            f"{store_name()}: its files lie in {experiment.artifact_location}, so the checkout was moved. "
            "Delete mlflow.db and run again: everything in it comes back."
        )
    return str(experiment.experiment_id)


def _artifact_location() -> str | None:
    """Folder `mlartifacts` beside a sqlite file; elsewhere the experiment says it, once it is there (None)."""
    file = sqlite_file()
    return None if file is None else (file.parent / "mlartifacts").as_uri()


def _find(client: mlflow.MlflowClient, model_name: str, result: Result) -> Version | None:
    wanted = _identity(result)
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
    """Say whether a version's run and model file are still there."""
    try:
        active = client.get_run(run_id).info.lifecycle_stage == "active"
        files = mlflow.artifacts.list_artifacts(artifact_uri=f"models:/{version.name}/{version.version}")
    except MlflowException as error:
        # A server that does not answer says nothing about the version: a second one would be made of the same content.
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
    # The block marks the run as failed where anything inside raises; the version comes last and makes it count.
    with mlflow.start_run(experiment_id=experiment_id, run_name=result.architecture, tags=tags) as run:
        run_id = run.info.run_id
        client.log_batch(run_id, params=[Param(name, value) for name, value in result.parameters.items()])
        curves = _curves(result)
        for start in range(0, len(curves), METRICS_A_CALL):
            client.log_batch(run_id, metrics=curves[start : start + METRICS_A_CALL])
        client.log_artifacts(run_id, str(result.report), "report")
        model = mlflow.onnx.log_model(
            onnx.load(result.model),
            name=result.architecture,
            signature=_signature(len(result.classes)),
            # Stated, because working them out would load the model in a process of its own.
            pip_requirements=[f"{name}=={installed_version(name)}" for name in ("onnxruntime", "onnx", "numpy")],
            save_as_external_data=False,
        )
        mlflow.log_metrics(result.metrics, model_id=model.model_id)
    _ensure_registered_model(client, model_name)
    version = client.create_model_version(
        model_name, source=model.model_uri, run_id=run_id, tags=tags, model_id=model.model_id
    )
    return Version(run_id, int(version.version), reused=False)


def _log_changed(client: mlflow.MlflowClient, run_id: str, numbers: Mapping[str, float]) -> None:
    now, standing = int(time.time() * 1000), client.get_run(run_id).data.metrics
    changed = [Metric(name, value, now, 0) for name, value in numbers.items() if standing.get(name) != value]
    client.log_batch(run_id, metrics=changed)


def _curves(result: Result) -> list[Metric]:
    """Replay the training curves, the epoch as the step; a model offered by hand has none."""
    if not result.history:
        return []
    now = int(time.time() * 1000)
    epochs = result.history["epoch"].astype(int)
    return [
        Metric(name, float(value), now, int(epoch))
        for name, values in result.history.items()
        if name != "epoch"
        for epoch, value in zip(epochs, values, strict=True)
        if np.isfinite(value)
    ]


def _signature(classes: int) -> ModelSignature:
    masks = TensorSpec(np.dtype(np.uint8), (-1, 224, 224, 3), "masks")
    probabilities = TensorSpec(np.dtype(np.float32), (-1, classes), "probabilities")
    return ModelSignature(inputs=Schema([masks]), outputs=Schema([probabilities]))


def _ensure_registered_model(client: mlflow.MlflowClient, name: str) -> None:
    if not client.search_registered_models(f"name='{name}'"):
        client.create_registered_model(name, description="Reads the mask of a hand as a letter.")
