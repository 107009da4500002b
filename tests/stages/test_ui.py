"""Servers and their ports: who has it, which port is none, and MLflow's pages on a free one."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest
import tiny_models

from stages.commands import ui
from stages.commands.check_port import check_port
from stages.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120
"""Longest wait for MLflow's server, which takes ten seconds to start on two free cores."""


@pytest.fixture
def used_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_used_port_is_refused_with_its_user_and_the_next_step(used_port):
    with pytest.raises(
        InputError, match=rf"port {used_port} is in use by process {os.getpid()} \(.*make serve PORT={used_port + 1}$"
    ):
        check_port(str(used_port), "make serve PORT")


def test_a_port_whose_connections_were_closed_a_moment_ago_is_free():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()  # first, so that the system keeps this end for a minute
    assert check_port(str(port), "make serve PORT") == port


@pytest.mark.parametrize("text", ["", "0", "65536", "-1", "http", "3000.0", "\u0663"])
def test_what_is_no_port_is_refused(text):
    with pytest.raises(InputError, match=rf"'{text}' is no port\. Name one from 1 to 65535: make serve PORT="):
        check_port(text, "make serve PORT")


def test_serve_asks_for_its_port_before_bentoml_does():
    commands = subprocess.run(
        ["make", "-n", "serve", "PORT=3456"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert commands.index('check_port "3456" "make serve PORT"') < commands.index("bentoml serve")


def test_the_pages_of_no_registry_name_the_next_step(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    monkeypatch.setattr(sys, "argv", ["ui", "--no-browser"])
    with pytest.raises(InputError, match=r"there are no runs in mlflow\.db\. Type: make repro"):
        ui.main()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.integration
def test_the_pages_answer_at_the_link_and_end_with_the_command(tmp_path, used_port):
    import mlflow

    store = f"sqlite:///{tmp_path}/mlflow.db"
    tiny_models.write_params(tmp_path)
    number = mlflow.MlflowClient(store).create_experiment("tiny", artifact_location=tmp_path.as_uri())
    environment = os.environ | {"MLFLOW_TRACKING_URI": store, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "stages.commands.ui", "--no-browser", "--port"]
    refused = subprocess.run(
        [*command, str(used_port)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1), refused.stderr
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen(
        [*command, str(port)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as pages:
        try:
            late = threading.Timer(SECONDS, pages.kill)
            late.start()
            link = next((line for line in pages.stdout if line.startswith("The runs: ")), "").strip()
            late.cancel()
            assert link == (
                f"The runs: http://127.0.0.1:{port}/#/experiments/{number}/runs?workflowType=machine_learning"
            )
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
                assert re.search("<title>.*MLflow", answer.read().decode())
            server = environment | {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}"}
            remote = subprocess.run(command[:-1], cwd=tmp_path, env=server, capture_output=True, text=True, check=True)
            assert remote.stdout.strip() == link, "of a registry that is a server, only the link is shown"
        finally:
            pages.terminate()
        pages.stdout.read()
        assert pages.wait(30) == 0
    assert check_port(str(port), "") == port, "the server ended, too"
