"""The alias `champion`: who has it, how it moves, and how it is given back.

What happened stands in tags of the versions, so that every machine that reaches the store knows it: `previous_champion`
is the version that a champion took the alias from, `rolled_back` marks one that it was taken from again.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import mlflow
from mlflow.exceptions import MlflowException

from stages.errors import PipelineError
from stages.files import content_hash
from stages.registry.store import alone, open_store, store_name
from stages.registry.versions import MODEL_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlflow.entities.model_registry import ModelVersion

CHAMPION: Final = "champion"
"""Alias of the version that is packaged and served."""
PREVIOUS: Final = "previous_champion"
ROLLED_BACK: Final = "rolled_back"
METRICS_FILE: Final = "report/metrics.json"
_NOT_THERE: Final = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""MLflow's error codes for a registered model or an alias that does not exist."""


@dataclass(frozen=True)
class Entry:
    """A version of the registered model as it stands in the registry."""

    number: int
    run_id: str
    architecture: str
    model_hash: str
    """SHA-256 of the model file, hex."""
    tags: Mapping[str, str]


def read_champion(model_name: str) -> Entry | None:
    """Find the version with the alias; None where nobody has it.

    Raises:
        PipelineError: the store cannot be used.
    """
    with open_store() as client:
        return _champion(client, model_name)


def read_entry(model_name: str, number: int) -> Entry:
    """Read one version.

    Raises:
        PipelineError: the store cannot be used, or there is no such version.
    """
    with open_store() as client:
        return _entry(client.get_model_version(model_name, str(number)))


def tag(model_name: str, number: int, tags: Mapping[str, str]) -> None:
    """Write tags on a version.

    Raises:
        PipelineError: the store cannot be used.
    """
    with open_store() as client:
        for name, value in tags.items():
            client.set_model_version_tag(model_name, str(number), name, value)


def move_champion(model_name: str, expected: int | None, number: int) -> None:
    """Give the alias to a version, if it still stands where the decision to do so saw it.

    On a sqlite store this is a compare-and-set: of two processes that saw the same champion, one moves the alias and
    the other is refused. MLflow's servers offer no such thing; there the alias is compared before and read back after
    it is written, so a process that comes in the milliseconds between is told only if it wrote first. Even then the
    alias names one version, that of the last to write.

    Args:
        model_name: the registered model.
        expected: version that had the alias when the decision was made; None where nobody had it.
        number: version that gets it.

    Raises:
        PipelineError: another version has the alias by now, or the store cannot be used.
    """
    with open_store() as client, alone():
        _check(client, model_name, expected, number)
        client.set_model_version_tag(model_name, str(number), PREVIOUS, str(expected or ""))
        if ROLLED_BACK in client.get_model_version(model_name, str(number)).tags:
            client.delete_model_version_tag(model_name, str(number), ROLLED_BACK)
        client.set_registered_model_alias(model_name, CHAMPION, str(number))
        _check(client, model_name, number, number)


def roll_back(model_name: str) -> tuple[Entry, Entry]:
    """Give the alias back to the version before, passing over those that were themselves rolled back.

    Returns:
        The version that had the alias, and the one that has it now.

    Raises:
        PipelineError: there is no champion, none before it, or the store cannot be used.
    """
    with open_store() as client, alone():
        current = _champion(client, model_name)
        if current is None:
            raise _no_champion(model_name)
        previous = _before(client, model_name, current)
        if previous is None:
            raise PipelineError(
                f"{store_name()}: version {current.number} of '{model_name}' is the champion, and there is none before "
                "it that was not rolled back. Train a better one: make repro."
            )
        client.set_model_version_tag(model_name, str(current.number), ROLLED_BACK, "true")
        client.set_registered_model_alias(model_name, CHAMPION, str(previous.number))
        _check(client, model_name, previous.number, previous.number)
        return current, previous


def fetch_model(model_name: str, entry: Entry, destination: Path) -> Path:
    """Fetch a version's ONNX file from the registry.

    Args:
        model_name: the registered model.
        entry: the version.
        destination: the file to write; its folder is made where it is missing.

    Returns:
        `destination`.

    Raises:
        PipelineError: the file is gone or is not the one that was registered.
    """
    uri = f"models:/{model_name}/{entry.number}/{MODEL_FILE}"
    return _fetch(uri, destination, entry.model_hash, f"'{model_name}' version {entry.number}")


def fetch_metrics(entry: Entry, destination: Path) -> Path:
    """Fetch the numbers that a version was registered with.

    Raises:
        PipelineError: they are gone.
    """
    return _fetch(f"runs:/{entry.run_id}/{METRICS_FILE}", destination, None, f"version {entry.number}")


def download_champion(model_name: str, number: int, destination: Path) -> Path:
    """Fetch the champion's ONNX file from the registry.

    Args:
        model_name: the registered model.
        number: version that is expected to be the champion.
        destination: the file to write; its folder is made where it is missing.

    Raises:
        PipelineError: there is no champion or it is another version, its file is gone or is not the one that was
            registered.
    """
    champion = read_champion(model_name)
    if champion is None:
        raise _no_champion(model_name)
    if champion.number != number:
        raise PipelineError(
            f"{store_name()}: the champion of '{model_name}' is version {champion.number}, but this checkout's reports "
            f"say {number}. Bring them up to date: dvc repro --force --single-item register, then make repro."
        )
    return fetch_model(model_name, champion, destination)


def _check(client: mlflow.MlflowClient, model_name: str, expected: int | None, number: int) -> None:
    champion = _champion(client, model_name)
    standing = None if champion is None else champion.number
    if standing != expected:
        raise PipelineError(
            f"{store_name()}: while version {number} of '{model_name}' was examined, version {standing} became "
            f"champion, so it was compared with a champion of the past. Offer it again, to be compared with that one."
        )


def _champion(client: mlflow.MlflowClient, model_name: str) -> Entry | None:
    try:
        return _entry(client.get_model_version_by_alias(model_name, CHAMPION))
    except MlflowException as error:
        if error.error_code in _NOT_THERE:
            return None
        raise


def _before(client: mlflow.MlflowClient, model_name: str, current: Entry) -> Entry | None:
    seen = {current.number}
    number = current.tags.get(PREVIOUS)
    while number and int(number) not in seen:
        seen.add(int(number))
        entry = _entry(client.get_model_version(model_name, number))
        if ROLLED_BACK not in entry.tags:
            return entry
        number = entry.tags.get(PREVIOUS)
    return None


def _entry(version: ModelVersion) -> Entry:
    tags = dict(version.tags)
    return Entry(
        int(version.version), version.run_id or "", tags.get("architecture", ""), tags.get("model_hash", ""), tags
    )


def _fetch(uri: str, destination: Path, expected_hash: str | None, what: str) -> Path:
    """Download beside the place, check, rename."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial = destination.with_name(f".{destination.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        with open_store():
            fetched = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(partial)))
        if expected_hash is not None and content_hash(fetched) != expected_hash:
            raise PipelineError(
                f"{store_name()}: the file of {what} is not the one registered. "
                "Delete that version and register again: dvc repro --force --single-item register."
            )
        fetched.replace(destination)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return destination


def _no_champion(model_name: str) -> PipelineError:
    return PipelineError(
        f"{store_name()}: '{model_name}' has no version '{CHAMPION}'. "
        "Register one: dvc repro --force --single-item register."
    )
