"""The model from a real registry: the champion at the start, and the next one while a stream is open."""

from __future__ import annotations

import http.server
import json
import os
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from serving import COLOURS, ROOT, picture, server, write_model
from websockets.sync.client import connect

sys.path.insert(0, str(Path(__file__).parents[1] / "stages"))
import tiny_models

from faults.processes import Server
from service.errors import ServiceError
from service.models import FileSource, RegistrySource, choose_source
from service.settings import Settings

CHAMPION = "models:/tiny-model@champion"
WAIT = 30


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """An MLflow server with a champion that takes B for C, and a better network to promote."""
    folder = tmp_path_factory.mktemp("registry")
    checkout = folder / "checkout"
    checkout.mkdir()
    tiny_models.write_checkout(checkout, tiny_models.SWAPPED)
    tiny_models.write_people(checkout)
    tiny_models.write_network(checkout / "proposed/custom_cnn/better.onnx")
    mlflow = Server(folder / "mlflow", os.environ)
    mlflow.start()
    try:
        registered = tiny_models.run_stage(checkout, "stages.register", MLFLOW_TRACKING_URI=mlflow.uri)
        assert registered.returncode == 0, registered.stderr
        yield mlflow.uri, checkout
    finally:
        mlflow.kill()


def test_the_champion_is_served_and_the_next_one_takes_over(registry, tmp_path):
    uri, checkout = registry
    settings = {"FINGERSPELL_MODEL": CHAMPION, "MLFLOW_TRACKING_URI": uri, "FINGERSPELL_POLL": "0.2"}
    green = picture(COLOURS["B"])
    with (
        server("service.service:Fingerspell", tmp_path, ROOT, **settings) as (host, _),
        connect(f"ws://{host}/stream", open_timeout=WAIT) as stream,
    ):

        def ask() -> dict:
            stream.send(green)
            return json.loads(stream.recv(timeout=WAIT))

        first = ask()
        assert first["letter"] == "C"
        promoted = tiny_models.run_stage(
            checkout, "stages.commands.promote", "proposed/custom_cnn/better.onnx", MLFLOW_TRACKING_URI=uri
        )
        assert promoted.returncode == 0, promoted.stderr
        replies, until = [ask()], time.monotonic() + WAIT
        while replies[-1]["model"] == first["model"] and time.monotonic() < until:
            replies.append(ask())
        assert replies[-1]["letter"] == "B"
        assert [reply["sequence"] for reply in replies] == list(range(1, len(replies) + 1))


@pytest.mark.parametrize(
    ("model", "uri", "says"),
    [
        ("models:/tiny-model@nobody", None, "has no version of 'tiny-model' with the alias 'nobody'"),
        ("models:/nothing@champion", None, "has no version of 'nothing'"),
        (CHAMPION, "http://127.0.0.1:9", "cannot be asked for the model.*Is MLflow running"),
        (CHAMPION, "", "MLFLOW_TRACKING_URI is ''.*Set it to the address"),
        (CHAMPION, "sqlite:///mlflow.db", "MLFLOW_TRACKING_URI is 'sqlite"),
        ("models:/tiny-model/3", None, "must be a path or models:/NAME@ALIAS"),
    ],
)
def test_a_model_that_cannot_be_found_is_an_error_that_says_why(registry, model, uri, says):
    with pytest.raises(ServiceError, match=says):
        choose_source(Settings(model=model, registry=registry[0] if uri is None else uri)).open()


@contextmanager
def fake_registry(answers: dict[str, bytes]):
    """Answer each path that begins like a key."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            content = next(content for path, content in answers.items() if self.path.startswith(path))
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_model_that_is_not_the_one_registered_is_refused(tmp_path):
    content = write_model(tmp_path / "model.onnx").read_bytes()
    version = {"version": "3", "tags": [{"key": "model_hash", "value": "0" * 64}]}
    answers = {"/api/": json.dumps({"model_version": version}).encode(), "/model-versions/": content}
    with fake_registry(answers) as uri, pytest.raises(ServiceError, match="version 3 is damaged"):
        RegistrySource(uri, "tiny-model", "champion").open()


def test_a_server_that_is_not_a_registry_is_reported():
    with fake_registry({"/": b"<html>"}) as uri, pytest.raises(ServiceError, match="does not answer as MLflow"):
        RegistrySource(uri, "tiny-model", "champion").mark()


def test_a_file_that_is_replaced_is_another_model(tmp_path):
    path = write_model(tmp_path / "model.onnx")
    source = FileSource(path)
    first = source.mark()
    assert source.mark() == first
    write_model(tmp_path / "next.onnx").replace(path)
    assert source.mark() != first
    path.unlink()
    with pytest.raises(ServiceError, match="there is no model"):
        source.mark()
