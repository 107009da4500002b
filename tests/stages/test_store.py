"""MLflow's store: tables are made whole or not at all, advice fits the error, a server that is away is waited for."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
import tiny_models
from mlflow.exceptions import MlflowException

from benchmarks.ports import reserved_port
from stages.errors import PipelineError, StoreError
from stages.registry import location, store
from stages.registry.store import open_store
from stages.registry.versions import _is_whole


class Refuses(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(401)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def port(monkeypatch):
    with reserved_port() as port:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://user:secret@127.0.0.1:{port}")
        yield port


def test_a_server_that_stays_away_is_reported(port, monkeypatch, capsys):
    monkeypatch.setattr(store, "SERVER_SECONDS", 0.1)
    with (
        pytest.raises(PipelineError, match=r"does not answer \(.*refused\)\. Start it, or name another") as raised,
        open_store(),
    ):
        pytest.fail("it is away")
    waiting = capsys.readouterr().err
    assert waiting.count("waiting up to") == 1
    assert "secret" not in waiting + str(raised.value)


def test_a_server_that_comes_back_is_waited_for(port, capsys):
    servers = []

    def come_back():
        time.sleep(0.5)
        servers.append(HTTPServer(("127.0.0.1", port), Refuses))
        servers[0].serve_forever()

    thread = threading.Thread(target=come_back, daemon=True)
    thread.start()
    with open_store():
        assert "waiting up to 60 s" in capsys.readouterr().err
    servers[0].shutdown()
    thread.join()
    servers[0].server_close()


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """The folders of a checkout and of the copy of it in which DVC runs an experiment, which is the current one."""
    copy = tmp_path / ".dvc/tmp/exps/standalone/tmp1"
    copy.mkdir(parents=True)
    monkeypatch.chdir(copy)
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT", "DVC_EXP_NAME"):
        monkeypatch.delenv(name, raising=False)
    return copy


@pytest.mark.parametrize(
    ("named", "file"),
    [(None, "mlflow.db"), ("sqlite:///elsewhere/runs.db", "elsewhere/runs.db")],
    ids=["the default", "a relative address"],
)
def test_a_copy_of_an_experiment_has_the_checkout_s_registry(tmp_path, copy, monkeypatch, named, file):
    if named:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", named)
    assert location.sqlite_file() == tmp_path / file
    assert location.store_uri() == f"sqlite:///{tmp_path / file}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////absolute/runs.db")
    assert location.sqlite_file() == Path("/absolute/runs.db")


def test_a_copy_on_another_disk_is_told_by_dvc_where_the_checkout_is(tmp_path, copy, monkeypatch):
    elsewhere = tmp_path / "other disk"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    assert location.sqlite_file() == elsewhere / "mlflow.db", "no experiment: a stage that `dvc repro` runs elsewhere"
    monkeypatch.setenv("DVC_EXP_NAME", "tried")
    assert location.sqlite_file() == tmp_path / "mlflow.db"
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "gone"))
    with pytest.raises(StoreError, match=r"is not at .*gone\. Run the experiment in the checkout itself"):
        location.sqlite_file()


@pytest.mark.parametrize(
    ("damage", "advice"),
    [
        pytest.param(False, "Another process is using the store. Wait until it has finished", id="locked"),
        pytest.param(True, "The file is damaged. Restore a copy of it, or rename it", id="damaged"),
    ],
)
def test_advice_fits_what_is_wrong_with_the_database(tmp_path, monkeypatch, empty, damage, advice):
    shutil.copy(empty, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    with open_store() as client:
        client.create_experiment("first", artifact_location=tmp_path.as_uri())
    other = sqlite3.connect(tmp_path / "mlflow.db")
    if damage:
        (tmp_path / "mlflow.db").write_bytes(b"no database" * 100)
    else:
        other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError) as raised, open_store() as client:
        client.create_experiment("second", artifact_location=tmp_path.as_uri())
    other.close()
    assert advice in str(raised.value)
    assert "elete" not in str(raised.value), "a registry is never to be deleted"


def test_a_store_of_another_version_of_mlflow_gets_the_command_to_type(tmp_path, monkeypatch, empty):
    shutil.copy(empty, tmp_path / "other.db")
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("UPDATE alembic_version SET version_num = '0123456789ab'")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'other.db'}")
    with pytest.raises(StoreError) as raised, open_store() as client:
        client.search_experiments()
    assert f"type: mlflow db upgrade sqlite:///{tmp_path / 'other.db'}. If a later one did" in str(raised.value)
    assert "MLFLOW_TRACKING_URI" not in str(raised.value), "the address is right"


def test_a_server_that_goes_away_does_not_make_a_version_look_broken():
    def get_run(_):
        raise MlflowException("API request to http://127.0.0.1/ failed with exception: connection refused")

    with pytest.raises(MlflowException, match="refused"):
        _is_whole(SimpleNamespace(get_run=get_run), SimpleNamespace(name="m", version="1"), "run")


KILLED = """
import os, signal, threading
from contextlib import suppress
from stages.registry.store import open_store

def kill_when_half_made():
    while True:
        for name in ("mlflow.db", "mlflow.db.partial"):
            with suppress(FileNotFoundError):
                if os.path.getsize(name) > 200_000:
                    os.kill(os.getpid(), signal.SIGKILL)

threading.Thread(target=kill_when_half_made, daemon=True).start()
with open_store() as client:
    client.search_experiments()
"""


LISTED = """
from stages.registry.store import open_store
with open_store() as client:
    print(*(experiment.name for experiment in client.search_experiments()))
"""


@pytest.mark.slow
def test_a_process_killed_while_it_makes_the_tables_leaves_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tiny_models.ROOT)},
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert killed.returncode == -9, killed.stderr
    assert not (tmp_path / "mlflow.db").exists()
    # In a process of its own: MLflow keeps stores by their address, and this one's is relative.
    again = subprocess.run(
        [sys.executable, "-c", LISTED], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tiny_models.ROOT)},
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert again.stdout.split() == ["Default"], again.stderr
    assert not list(tmp_path.glob("*.partial*"))
