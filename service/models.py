"""Where a model comes from, a file or the alias of a registered model, and how a newer one replaces it.

The registry is MLflow's. The service needs two of its REST calls and none of its libraries:
https://mlflow.org/docs/latest/api_reference/rest-api.html
"""

from __future__ import annotations

import hashlib
import http.client
import json
import logging
import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Final

from service.errors import ServiceError
from service.metrics import CHECK_FAILING_SINCE
from service.recogniser import HELD, MOVING, Recogniser, Use
from service.settings import MODEL_VARIABLE, TRAIL_VARIABLE
from service.threads import start_thread

if TYPE_CHECKING:
    from service.batching import Batcher
    from service.settings import Settings

BUNDLED: Final = Path(__file__).absolute().parents[1] / "champion.onnx"
"""The model next to the service package in the Bento, whose files may all be links to DVC's cache."""
BUNDLED_TRAIL: Final = BUNDLED.with_name("trail.onnx")
"""The trail network beside it, which Bentos of older releases lack."""
TIMEOUT: Final = 30
"""Seconds that the registry may take to answer."""
MAX_ANSWER: Final = 256 << 20
"""Bytes of an answer that are read: no network of this project is a quarter as large."""
MODEL_FILE: Final = "model.onnx"
"""The model among the files of a registered version."""
HASH_TAG: Final = "model_hash"
"""Tag of a registered version with the SHA-256 of its model file."""
_ALIAS: Final = re.compile(r"models:/(?P<name>[^/@]+)@(?P<alias>[^/@]+)")

logger = logging.getLogger("fingerspell")


class FileSource:
    """A file that may be replaced; its methods raise ServiceError if there is no model that can be used."""

    def __init__(self, path: Path, use: Use = HELD) -> None:
        """Take the path of a model and what it is for."""
        self._path, self._use = path, use

    def mark(self) -> str:
        """Identify the model by its file's inode, size and time of change: another mark is another model."""
        try:
            status = self._path.stat()
        except OSError:
            raise ServiceError(f"{self._path}: there is no model. Train and package one: make repro") from None
        return f"{status.st_ino} {status.st_size} {status.st_mtime_ns}"

    def open(self) -> Recogniser:
        """Open the file."""
        return Recogniser(self._path, use=self._use)


class RegistrySource:
    """The version of a registered model that has an alias, on an MLflow server; errors are those of a file."""

    def __init__(self, server: str, name: str, alias: str, token: str = "", use: Use = HELD) -> None:
        self._server, self._name, self._alias, self._token = server.rstrip("/"), name, alias, token
        self._use = use

    def mark(self) -> str:
        """Identify the version by its number."""
        return self._version()[0]

    def open(self) -> Recogniser:
        """Fetch the version's model and open it."""
        version, tags = self._version()
        query = {"name": self._name, "version": version, "path": MODEL_FILE}
        content = self._get(f"/model-versions/get-artifact?{urllib.parse.urlencode(query)}")
        if tags.get(HASH_TAG) not in (None, hashlib.sha256(content).hexdigest()):
            raise ServiceError(
                f"{self._server}: the model of '{self._name}' version {version} is damaged: its hash is not "
                f"that of its tag {HASH_TAG}. Register it again: make repro"
            )
        return Recogniser(Path(self._name, version, MODEL_FILE), content, self._use)

    def _version(self) -> tuple[str, dict[str, str]]:
        """Ask for the version with the alias; returns its number and its tags."""
        query = urllib.parse.urlencode({"name": self._name, "alias": self._alias})
        answer = self._get(f"/api/2.0/mlflow/registered-models/alias?{query}")
        try:
            version = json.loads(answer)["model_version"]
            return str(version["version"]), {tag["key"]: tag["value"] for tag in version.get("tags", [])}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ServiceError(f"{self._server} does not answer as MLflow does. Check MLFLOW_TRACKING_URI.") from None

    def _get(self, path: str) -> bytes:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            request = urllib.request.Request(self._server + path, headers=headers)  # noqa: S310 - the operator's http(s)
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
                return bytes(answer.read(MAX_ANSWER))
        except urllib.error.HTTPError as error:
            raise ServiceError(
                f"{self._server} has no version of '{self._name}' with the alias '{self._alias}' "
                f"(HTTP status {error.code}). Look at the registry: make ui"
            ) from None
        except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: half an IPv6 address
            reason = str(error).strip() or type(error).__name__
            raise ServiceError(f"{self._server} cannot be asked for the model ({reason}). Is MLflow running?") from None


def choose_source(settings: Settings) -> FileSource | RegistrySource:
    """Return the source of the letters' network that the settings name.

    Raises:
        ServiceError: they name a registered model but no MLflow server, or neither a path nor an alias.
    """
    return _choose(settings.model or str(BUNDLED), MODEL_VARIABLE, settings)


def choose_trail_source(settings: Settings) -> FileSource | RegistrySource | None:
    """Return the source of the trail network that the settings name; None if they name none and the Bento has none.

    Raises:
        ServiceError: as `choose_source`.
    """
    if not settings.trail and not BUNDLED_TRAIL.is_file():
        return None
    return _choose(settings.trail or str(BUNDLED_TRAIL), TRAIL_VARIABLE, settings, MOVING)


def _choose(named: str, variable: str, settings: Settings, use: Use = HELD) -> FileSource | RegistrySource:
    if not named.startswith("models:"):
        # Workers run in the Bento's folder, where a relative path would not resolve.
        return FileSource(Path(named).absolute(), use)
    registered = _ALIAS.fullmatch(named)
    if registered is None:
        raise ServiceError(f"{variable} is '{named}', but must be a path or models:/NAME@ALIAS.")
    server, token = settings.registry, settings.registry_token.get_secret_value()
    if not server.startswith(("http://", "https://")):
        raise ServiceError(
            f"{variable} is '{named}', but MLFLOW_TRACKING_URI is '{server}'. Set it to the address of "
            "the MLflow server, such as http://127.0.0.1:5000."
        )
    return RegistrySource(server, registered["name"], registered["alias"], token, use)


class Watch:
    """Checks for another model at intervals, and replaces the one in use with it.

    No error ends the checks: it is logged once while it stays the same, and a metric says since when they fail.
    """

    def __init__(self, source: FileSource | RegistrySource, batcher: Batcher, mark: str, seconds: float) -> None:
        self._source, self._batcher, self._mark, self._seconds = source, batcher, mark, seconds
        self._stop = threading.Event()
        self._failing_since = CHECK_FAILING_SINCE.labels(batcher.network)
        self._failing_since.set(0)
        self._thread = start_thread(f"watch of {batcher.network}", self._run)

    def close(self) -> None:
        """Stop checking."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        failure = ""
        while not self._stop.wait(self._seconds):
            try:
                self._replace_if_changed()
            except Exception as error:
                reason = str(error) if isinstance(error, ServiceError) else f"{type(error).__name__}: {error}"
                if not failure:
                    self._failing_since.set_to_current_time()
                if reason != failure:
                    logger.warning("the model in use stays: %s", reason, exc_info=not isinstance(error, ServiceError))
                failure = reason
            else:
                if failure:
                    self._failing_since.set(0)
                    logger.info("the checks for another model succeed again")
                failure = ""

    def _replace_if_changed(self) -> None:
        mark = self._source.mark()
        if mark == self._mark:
            return
        model, current = self._source.open(), self._batcher.model
        if model.mask_version != current.mask_version:
            drawn = "trails" if self._batcher.network == "trail" else "masks"
            raise ServiceError(
                f"the new model expects {drawn} of version {model.mask_version}, but connected clients draw "
                f"{current.mask_version}. Restart the service to use it."
            )
        self._mark = mark
        if model.version != current.version:
            self._batcher.replace_model(model)
            logger.info("model replaced", extra={"before": current.version, "model": model.version})
