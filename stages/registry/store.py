"""MLflow's store: its errors as sentences, and one process at a time."""

from __future__ import annotations

import http.client
import logging
import os
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
# Wait half a minute for a server that stops answering: MLflow's default is four minutes, in silence.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "4")

import mlflow
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from stages.errors import StoreError
from stages.registry.location import SERVERS, SQLITE, sqlite_file, store_name, store_uri

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVER_SECONDS: Final = 60.0
"""Longest wait for a server that does not answer."""
LOCK_SECONDS: Final = 120.0
"""Longest wait for another process that is writing to a sqlite store."""

# Whoever runs a stage need not know that tables are created or that pip is missing from a virtual environment.
logging.getLogger("mlflow").setLevel(logging.WARNING)
logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)
logging.getLogger("alembic").setLevel(logging.WARNING)


@contextmanager
def open_store() -> Iterator[mlflow.MlflowClient]:
    """Open a client of the store; what goes wrong is raised as a `StoreError`."""
    uri = store_uri()
    if uri.startswith(SERVERS):
        _wait_for_server(store_name())
    os.environ.pop("MLFLOW_RUN_ID", None)  # set inside `mlflow run`: a network would be added to that run
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    try:
        file = sqlite_file()
        if file is not None and not file.exists():
            _make_tables(file)
        yield mlflow.MlflowClient()
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].partition(" Take a backup")[0]
        raise StoreError(f"MLflow at {store_name()}: {reason} {_advice(str(error))}") from error


def _advice(reason: str) -> str:
    """The next step that fits an error; only a damaged file is to be replaced."""
    if "locked" in reason:
        return "Another process is using the store. Wait until it has finished, and run again."
    if any(words in reason for words in ("not a database", "malformed")):
        return (
            "The file is damaged. Restore a copy of it, or rename it and register the networks anew: "
            "dvc repro --force --single-item register."
        )
    if "database schema" in reason:
        return (
            "Another version of MLflow wrote it. If an earlier one did, make a copy of the database and type: "
            f"mlflow db upgrade {store_name()}. If a later one did, bring this checkout and its .venv up to date."
        )
    if any(words in reason for words in ("Failed to download artifacts", "failures occurred while downloading")):
        return (
            "Unless their place cannot be reached, files of the registry are gone. Restore them (in a checkout, the "
            "folder mlartifacts/). Without a copy of them, rename mlflow.db, and make repro begins a new registry with "
            "the same champion."
        )
    return "Check MLFLOW_TRACKING_URI and that the store can be reached, and run again."


def _make_tables(file: Path) -> None:
    """Create a new sqlite store under another name, then rename it: MLflow cannot use tables that are half made."""
    with store_lock():
        if file.exists():
            return
        partial = file.with_name(f"{file.name}.partial")
        for stale in file.parent.glob(f"{partial.name}*"):  # sqlite's journal of it, too
            stale.unlink()
        mlflow.MlflowClient(f"{SQLITE}{partial}").search_experiments()
        partial.replace(file)


def _wait_for_server(address: str) -> None:
    """Wait until a server answers, whatever it says: without its user and password it may well refuse.

    Raises:
        StoreError: it does not within `SERVER_SECONDS`.
    """
    end = time.monotonic() + SERVER_SECONDS
    announced = False
    while (reason := _connection_error(address)) is not None:
        if time.monotonic() > end:
            raise StoreError(
                f"MLflow at {address} does not answer ({reason}). Start it, or name another store in "
                "MLFLOW_TRACKING_URI, and run again."
            )
        if not announced:
            sys.stderr.write(f"MLflow at {address} does not answer; waiting up to {SERVER_SECONDS:.0f} s for it\n")
        announced = True
        time.sleep(1.0)


def _connection_error(address: str) -> str | None:
    """Why a server cannot be reached; None if it answers, if only with an error."""
    try:
        urllib.request.urlopen(address, timeout=10).close()  # noqa: S310 - the user's own http(s) address
    except urllib.error.HTTPError:
        return None
    except (OSError, http.client.HTTPException) as error:
        return str(getattr(error, "reason", error)) or type(error).__name__
    return None


@contextmanager
def store_lock() -> Iterator[None]:
    """Keep other processes of this project from writing to a sqlite store; a server is not locked.

    The lock is the operating system's, on the file `mlflow.db.lock`: it ends with the process that holds it.

    Raises:
        StoreError: another process holds it for longer than `LOCK_SECONDS`.
    """
    file = sqlite_file()
    if file is None:
        yield
        return
    try:
        lock = FileLock(f"{file}.lock", timeout=LOCK_SECONDS)
        lock.acquire()
    except Timeout:
        raise StoreError(
            f"{store_name()}: another process has been writing to it for {LOCK_SECONDS:.0f} s. Wait until it has "
            "finished, or end it, and run again."
        ) from None
    try:
        yield
    finally:
        lock.release()
