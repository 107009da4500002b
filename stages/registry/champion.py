"""The alias `champion`: which version has it, how it moves, and how it is rolled back.

Its history is kept in tags of the versions, so that every machine that reaches the store knows it: `gate` is the
verdict on a version, with its reasons and the terms that it depended on, `previous_champion` is the version that a
champion took the alias from, `rolled_back` marks one that it was taken from again.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import mlflow
from mlflow.exceptions import MlflowException

from stages.errors import ChampionMovedError, StoreError
from stages.files import content_hash
from stages.registry.location import store_name
from stages.registry.store import open_store, store_lock
from stages.registry.versions import MODEL_FILE, REPORT_FOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlflow.entities.model_registry import ModelVersion

CHAMPION: Final = "champion"
"""Alias of the version that is packaged and served."""
PREVIOUS: Final = "previous_champion"
ROLLED_BACK: Final = "rolled_back"
VERDICT: Final = "gate"
PROMOTED: Final = "promoted"
REFUSED: Final = "refused"
REASONS: Final = "gate_reasons"
TERMS: Final = "gate_terms"
METRICS_FILE: Final = f"{REPORT_FOLDER}/metrics.json"
_NOT_THERE: Final = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""MLflow's error codes for a registered model or an alias that does not exist."""


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of the registered model."""

    number: int
    run_id: str
    architecture: str
    model_hash: str
    """SHA-256 of the model file, hex."""
    tags: Mapping[str, str]

    def __str__(self) -> str:
        """Name it for people: architecture, version and the beginning of its hash."""
        return f"{self.architecture} version {self.number} (model {self.model_hash[:12]})"


def read_champion(model_name: str) -> RegisteredVersion | None:
    """Find the version with the alias; None if none has it.

    Raises:
        StoreError: the store cannot be used.
    """
    with open_store() as client:
        return _champion(client, model_name)


def read_version(model_name: str, number: int) -> RegisteredVersion:
    """Read one version.

    Raises:
        StoreError: the store cannot be used, or there is no such version.
    """
    with open_store() as client:
        return _version(client.get_model_version(model_name, str(number)))


def read_versions(model_name: str) -> list[RegisteredVersion]:
    """Read all versions, by number.

    Raises:
        StoreError: the store cannot be used.
    """
    with open_store() as client:
        versions = [_version(version) for version in client.search_model_versions(f"name='{model_name}'")]
        return sorted(versions, key=lambda version: version.number)


def read_initial_weights(version: RegisteredVersion) -> str:
    """Read which weights the training of a version started from; "" if its run does not say.

    Raises:
        StoreError: the store cannot be used.
    """
    with open_store() as client:
        return str(client.get_run(version.run_id).data.params.get("init", ""))


def tag(model_name: str, number: int, tags: Mapping[str, str]) -> None:
    """Write tags on a version.

    Raises:
        StoreError: the store cannot be used.
    """
    with open_store() as client:
        for name, value in tags.items():
            client.set_model_version_tag(model_name, str(number), name, value)


def move_champion(model_name: str, expected: int | None, number: int, *, previous: int | None = None) -> None:
    """Give the alias to a version, unless it has moved since the decision to do so was made.

    On a sqlite store this is a compare-and-set: of two processes that saw the same champion, one moves the alias and
    the other is refused. MLflow's servers have no such operation; there the alias is compared before and read back
    after it is written, so of two processes within the same milliseconds only the first to write is refused. Even then
    the alias names one version, that of the last to write.

    Args:
        model_name: the registered model.
        expected: version that had the alias when the decision was made; None if none had it.
        number: version that gets it.
        previous: version that a rollback gives it back to, if that is not the expected one.

    Raises:
        ChampionMovedError: another version has the alias by now.
        StoreError: the store cannot be used.
    """
    with open_store() as client, store_lock():
        _check(client, model_name, expected, number)
        client.set_model_version_tag(model_name, str(number), PREVIOUS, str(previous or expected or ""))
        if ROLLED_BACK in client.get_model_version(model_name, str(number)).tags:
            client.delete_model_version_tag(model_name, str(number), ROLLED_BACK)
        client.set_registered_model_alias(model_name, CHAMPION, str(number))
        _check(client, model_name, number, number)


def roll_back(model_name: str) -> tuple[RegisteredVersion, RegisteredVersion]:
    """Give the alias back to the version before, skipping those that were themselves rolled back.

    Returns:
        The version that had the alias, and the one that has it now.

    Raises:
        StoreError: there is no champion, none before it, or the store cannot be used.
    """
    with open_store() as client, store_lock():
        current = _champion(client, model_name)
        if current is None:
            raise _no_champion(model_name)
        previous = _before(client, model_name, current)
        if previous is None:
            raise StoreError(
                f"{store_name()}: version {current.number} of '{model_name}' is the champion, and there is none before "
                "it that was not rolled back. Train a better one: make repro."
            )
        client.set_model_version_tag(model_name, str(current.number), ROLLED_BACK, "true")
        client.set_registered_model_alias(model_name, CHAMPION, str(previous.number))
        _check(client, model_name, previous.number, previous.number)
        return current, previous


def fetch_model(model_name: str, version: RegisteredVersion, destination: Path) -> Path:
    """Fetch a version's ONNX file from the registry.

    Args:
        model_name: the registered model.
        version: the version.
        destination: the file to write; its folder is created if it is missing.

    Returns:
        `destination`.

    Raises:
        StoreError: the file is gone or is not the one that was registered.
    """
    uri = f"models:/{model_name}/{version.number}/{MODEL_FILE}"
    return _fetch(uri, destination, version.model_hash, f"'{model_name}' version {version.number}")


def fetch_metrics(version: RegisteredVersion, destination: Path) -> Path:
    """Fetch the metrics that a version was registered with.

    Raises:
        StoreError: they are gone.
    """
    return _fetch(f"runs:/{version.run_id}/{METRICS_FILE}", destination, None, f"version {version.number}")


def download_champion(model_name: str, model_hash: str, destination: Path) -> Path:
    """Fetch the champion's ONNX file from the registry.

    Args:
        model_name: the registered model.
        model_hash: content that is expected to be the champion: version numbers say nothing, since another registry
            has the same ones.
        destination: the file to write; its folder is created if it is missing.

    Raises:
        StoreError: there is no champion or it is another one, its file is gone or is not the one that was
            registered.
    """
    champion = read_champion(model_name)
    if champion is None:
        raise _no_champion(model_name)
    if champion.model_hash != model_hash:
        raise StoreError(
            f"{store_name()}: the champion of '{model_name}' is {champion}, but this checkout's reports say that it is "
            f"model {model_hash[:12]}. Bring them up to date: dvc repro --force --single-item register, then "
            "make repro."
        )
    return fetch_model(model_name, champion, destination)


def _check(client: mlflow.MlflowClient, model_name: str, expected: int | None, number: int) -> None:
    champion = _champion(client, model_name)
    current = None if champion is None else champion.number
    if current != expected:
        raise ChampionMovedError(
            f"{store_name()}: while version {number} of '{model_name}' was being evaluated, version {current} became "
            "champion, so it was compared with a former champion. Propose it again, for a comparison with this one."
        )


def _champion(client: mlflow.MlflowClient, model_name: str) -> RegisteredVersion | None:
    try:
        return _version(client.get_model_version_by_alias(model_name, CHAMPION))
    except MlflowException as error:
        if error.error_code in _NOT_THERE:
            return None
        raise


def _before(client: mlflow.MlflowClient, model_name: str, current: RegisteredVersion) -> RegisteredVersion | None:
    seen = {current.number}
    number = current.tags.get(PREVIOUS)
    while number and int(number) not in seen:
        seen.add(int(number))
        earlier = _version(client.get_model_version(model_name, number))
        if ROLLED_BACK not in earlier.tags:
            return earlier
        number = earlier.tags.get(PREVIOUS)
    return None


def _version(version: ModelVersion) -> RegisteredVersion:
    tags = dict(version.tags)
    return RegisteredVersion(
        int(version.version), version.run_id or "", tags.get("architecture", ""), tags.get("model_hash", ""), tags
    )


def _fetch(uri: str, destination: Path, expected_hash: str | None, what: str) -> Path:
    """Download into a temporary folder, check, rename."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".fetch-") as folder:
        with open_store():
            fetched = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=folder))
        if expected_hash is not None and content_hash(fetched) != expected_hash:
            raise StoreError(
                f"{store_name()}: the file of {what} is not the one registered. Run again, in case it was damaged on "
                f"the way. If it is damaged in the store, put a copy with the SHA-256 {expected_hash} in its place: "
                "models/ or models/champion/ may have one."
            )
        fetched.replace(destination)
    return destination


def _no_champion(model_name: str) -> StoreError:
    return StoreError(
        f"{store_name()}: '{model_name}' has no version '{CHAMPION}'. "
        "Register one: dvc repro --force --single-item register."
    )
