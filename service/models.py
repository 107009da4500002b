"""Where the model comes from, and whether another one has come: a file, or the alias of a registered model.

The registry is MLflow's, asked over its REST interface: the service needs three of its answers and none of its
libraries. https://mlflow.org/docs/latest/api_reference/rest-api.html
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from service.errors import ServiceError
from service.recogniser import Recogniser

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.batching import Batcher
    from service.settings import Settings

BUNDLED: Final = Path(__file__).resolve().parents[1] / "champion.onnx"
"""The model beside the service package in the Bento."""
TIMEOUT: Final = 30
"""Seconds that the registry may take for an answer."""
MAX_ANSWER: Final = 256 << 20
"""Bytes of an answer that are read: no network of ours is a quarter as large."""
MODEL_FILE: Final = "model.onnx"
"""The model among the files of a registered version."""
HASH_TAG: Final = "model_hash"
"""Tag of a registered version with the SHA-256 of its model file."""
_ALIAS: Final = re.compile(r"models:/(?P<name>[^/@]+)@(?P<alias>[^/@]+)")

logger = logging.getLogger("fingerspell")


class Source(Protocol):
    """A place that has one model at a time."""

    def mark(self) -> str:
        """Say which model is there: another mark is another model. Raises ServiceError."""

    def open(self) -> Recogniser:
        """Open the model that is there. Raises ServiceError."""


class FileSource:
    """A file that may be replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def mark(self) -> str:
        """Tell the file by its number, size and time."""
        try:
            status = self._path.stat()
        except OSError:
            raise ServiceError(f"{self._path}: there is no model. Train and package one: run `make repro`.") from None
        return f"{status.st_ino} {status.st_size} {status.st_mtime_ns}"

    def open(self) -> Recogniser:
        """Open the file."""
        return Recogniser(self._path)


class RegistrySource:
    """The version of a registered model that has an alias, on a server of MLflow's."""

    def __init__(self, server: str, name: str, alias: str, token: str = "") -> None:
        self._server, self._name, self._alias, self._token = server.rstrip("/"), name, alias, token

    def mark(self) -> str:
        """Tell the version by its number."""
        return str(self._version()["version"])

    def open(self) -> Recogniser:
        """Fetch the version's model and open it."""
        version = self._version()
        query = {"name": self._name, "version": version["version"], "path": MODEL_FILE}
        content = self._get(f"/model-versions/get-artifact?{urllib.parse.urlencode(query)}")
        tags = {tag["key"]: tag["value"] for tag in version.get("tags", [])}
        if tags.get(HASH_TAG) not in (None, hashlib.sha256(content).hexdigest()):
            raise ServiceError(
                f"{self._server}: the model of '{self._name}' version {version['version']} is damaged: its content is "
                f"not what its tag {HASH_TAG} says. Register it again."
            )
        with tempfile.TemporaryDirectory(prefix="fingerspell-") as folder:
            path = Path(folder) / MODEL_FILE
            path.write_bytes(content)
            return Recogniser(path)

    def _version(self) -> dict[str, Any]:
        query = urllib.parse.urlencode({"name": self._name, "alias": self._alias})
        try:
            version: dict[str, Any] = json.loads(self._get(f"/api/2.0/mlflow/registered-models/alias?{query}"))[
                "model_version"
            ]
        except (ValueError, KeyError, TypeError):
            raise ServiceError(f"{self._server} does not answer as MLflow does. Look at MLFLOW_TRACKING_URI.") from None
        return version

    def _get(self, path: str) -> bytes:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        request = urllib.request.Request(self._server + path, headers=headers)  # noqa: S310 - the operator's http(s)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
                content: bytes = answer.read(MAX_ANSWER)
        except urllib.error.HTTPError as error:
            raise ServiceError(
                f"{self._server} has no version of '{self._name}' with the alias '{self._alias}' to give "
                f"(HTTP status {error.code}). Look at the registry: make ui"
            ) from None
        except OSError as error:
            raise ServiceError(f"{self._server} cannot be asked for the model ({error}). Is MLflow running?") from None
        return content


def choose_source(settings: Settings, environment: Mapping[str, str]) -> Source:
    """Find the source that the settings name.

    Raises:
        ServiceError: a registry is named, but no server of MLflow's.
    """
    if not settings.model.startswith("models:"):
        # Workers run in the Bento's folder, where a relative path would lead nowhere.
        return FileSource(Path(settings.model or BUNDLED).absolute())
    named = _ALIAS.fullmatch(settings.model)
    if named is None:
        raise ServiceError(f"FINGERSPELL_MODEL is '{settings.model}', but must be a path or models:/NAME@ALIAS.")
    server = environment.get("MLFLOW_TRACKING_URI", "")
    if not server.startswith(("http://", "https://")):
        raise ServiceError(
            f"FINGERSPELL_MODEL is '{settings.model}', but MLFLOW_TRACKING_URI is '{server}'. Set it to the address of "
            "MLflow's server, such as http://127.0.0.1:5000."
        )
    return RegistrySource(server, named["name"], named["alias"], environment.get("MLFLOW_TRACKING_TOKEN", ""))


class Watch:
    """Looks for another model now and then, and puts it in the place of the one in use."""

    def __init__(self, source: Source, batcher: Batcher, mark: str, seconds: float) -> None:
        self._source, self._batcher, self._mark, self._seconds = source, batcher, mark, seconds
        self._stop = threading.Event()
        self._told = ""
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                self._look()
            except ServiceError as error:
                self._tell(f"the model in use stays: {error}")

    def _look(self) -> None:
        mark = self._source.mark()
        if mark == self._mark:
            return
        model, current = self._source.open(), self._batcher.model
        if model.mask_version != current.mask_version:
            raise ServiceError(
                f"the new one reads masks of version {model.mask_version}, and those who are connected draw "
                f"{current.mask_version}. Start the service again for it."
            )
        self._mark, self._told = mark, ""
        if model.version != current.version:
            self._batcher.model = model
            logger.info("model exchanged", extra={"before": current.version, "model": model.version})

    def _tell(self, message: str) -> None:
        """Log a message once."""
        if message != self._told:
            logger.warning(message)
            self._told = message
