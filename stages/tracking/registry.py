"""MLflow: the only module that imports it. Everything in it can be deleted and comes back from files.

The store is `MLFLOW_TRACKING_URI`, else `mlflow.db` in the checkout with its files in `mlartifacts/` beside it.
A server keeps files where it was told to; with a database such as PostgreSQL `MLFLOW_DEFAULT_ARTIFACT_ROOT` says where.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import onnx

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow
import mlflow.onnx
from mlflow.entities import Metric, Param
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec
from sqlalchemy.exc import SQLAlchemyError

from stages.errors import PipelineError
from stages.tracking.results import Result, Revision, content_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_STORE: Final = "sqlite:///mlflow.db"
SQLITE: Final = "sqlite:///"
SERVERS: Final = ("http://", "https://")
FILES: Final = "MLFLOW_DEFAULT_ARTIFACT_ROOT"
"""Variable, MLflow's own, that names the place of files for a database which is used without a server."""
CHAMPION: Final = "champion"
"""Alias of the version that is packaged and served."""
MODEL_FILE: Final = "model.onnx"
METRICS_A_CALL: Final = 1000
"""More than this in one call MLflow refuses."""

# Creating tables and not finding pip in a virtual environment are no news to whoever runs the stage.
logging.getLogger("mlflow").setLevel(logging.WARNING)
logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)
logging.getLogger("alembic").setLevel(logging.WARNING)


@dataclass(frozen=True)
class Version:
    """A network in the registry."""

    run_id: str
    version: int
    reused: bool
    """It stood there already, with the same model and the same numbers."""


def store_uri() -> str:
    """Where runs and versions are kept: `MLFLOW_TRACKING_URI`, else `mlflow.db` in the current folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_STORE


def store_name() -> str:
    """Name the store for people: its URI without a user and password."""
    return re.sub(r"//[^/@]*@", "//", store_uri())


def register(result: Result, experiment: str, model_name: str, revision: Revision) -> Version:
    """Show one network in MLflow as a run and a version of a registered model.

    A version with the same model file and the same numbers is reused; only its pictures are written again.

    Args:
        result: what training and evaluation wrote.
        experiment: the runs' experiment, made where it is missing.
        model_name: the registered model, made where it is missing.
        revision: state of the source code.

    Raises:
        PipelineError: the store cannot be used.
    """
    with open_store() as client:
        experiment_id = ensure_experiment(client, experiment)
        found = _find(client, model_name, result)
        if found is not None:
            client.log_artifacts(found.run_id, str(result.report), "report")
            return found
        return _create(client, experiment_id, model_name, result, revision)


def set_champion(model_name: str, version: int) -> None:
    """Give the alias `champion` to a version.

    Raises:
        PipelineError: the store cannot be used.
    """
    with open_store() as client:
        client.set_registered_model_alias(model_name, CHAMPION, str(version))


def download_champion(model_name: str, destination: Path) -> Path:
    """Fetch the champion's ONNX file from the registry.

    Args:
        model_name: the registered model.
        destination: the file to write; its folder is made where it is missing.

    Returns:
        `destination`.

    Raises:
        PipelineError: there is no champion, its file is gone or is not the one that was registered.
    """
    with open_store() as client:
        try:
            version = client.get_model_version_by_alias(model_name, CHAMPION)
        except MlflowException as error:
            raise PipelineError(
                f"{store_name()}: '{model_name}' has no version '{CHAMPION}' ({error.message}). "
                "Register one: dvc repro --force --single-item register."
            ) from None
        destination.parent.mkdir(parents=True, exist_ok=True)
        partial = destination.with_name(f".{destination.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        try:
            uri = f"models:/{model_name}/{version.version}/{MODEL_FILE}"
            fetched = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(partial)))
            if content_hash(fetched) != version.tags.get("model_hash"):
                raise PipelineError(
                    f"{store_name()}: the file of '{model_name}' version {version.version} is not the one registered. "
                    "Delete that version and register again: dvc repro --force --single-item register."
                )
            fetched.replace(destination)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return destination


@contextmanager
def open_store() -> Iterator[mlflow.MlflowClient]:
    """Speak with the store.

    Raises:
        PipelineError: the store cannot be used.
    """
    uri = store_uri()
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    try:
        yield mlflow.MlflowClient()
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise PipelineError(
            f"MLflow at {store_name()}: {reason} Check MLFLOW_TRACKING_URI; a local mlflow.db may be deleted, "
            "dvc repro --force --single-item register brings everything back."
        ) from error


def ensure_experiment(client: mlflow.MlflowClient, name: str) -> str:
    """Return an experiment's id; make it where it is missing.

    Raises:
        PipelineError: it was deleted, its files lie elsewhere, or it is new and nothing says where files go.
    """
    location = _artifact_location(store_uri())
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


def _artifact_location(uri: str) -> str | None:
    """Folder `mlartifacts` beside a sqlite file; elsewhere the experiment says it, once it is there (None)."""
    if not uri.startswith(SQLITE):
        return None
    return (Path(uri.removeprefix(SQLITE)).resolve().parent / "mlartifacts").as_uri()


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
        "metrics_hash": result.metrics_hash,
    }


def _is_whole(client: mlflow.MlflowClient, version: ModelVersion, run_id: str) -> bool:
    """Say whether a version's run and model file are still there."""
    try:
        active = client.get_run(run_id).info.lifecycle_stage == "active"
        files = mlflow.artifacts.list_artifacts(artifact_uri=f"models:/{version.name}/{version.version}")
    except (MlflowException, OSError):
        return False
    return active and any(Path(file.path).name == MODEL_FILE for file in files)


def _create(
    client: mlflow.MlflowClient, experiment_id: str, model_name: str, result: Result, revision: Revision
) -> Version:
    tags = _identity(result) | {
        "data_hash": result.data_hash,
        "git_commit": revision.commit,
        "git_dirty": revision.dirty,
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


def _curves(result: Result) -> list[Metric]:
    """Replay the training curves, the epoch as the step."""
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
