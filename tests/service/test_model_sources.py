"""The model from a real registry: the champion at the start, and the next one while a stream is open."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from network import answer, door
from prometheus_client import REGISTRY
from serving import COLOURS, METADATA, ROOT, TRAIL_METADATA, picture, server, write_model, write_trail_model
from websockets.sync.client import connect

sys.path.insert(0, str(Path(__file__).parents[1] / "stages"))
import tiny_models

from faults.processes import Server
from service.batching import Batcher
from service.errors import ServiceError
from service.models import FileSource, RegistrySource, Watch, choose_source
from service.recogniser import MOVING, Recogniser
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


@pytest.mark.slow
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


def version(number: str, **more: object) -> bytes:
    """What MLflow answers about an alias."""
    return answer(json.dumps({"model_version": {"version": number, **more}}).encode())


def test_a_model_that_is_not_the_one_registered_is_refused(tmp_path):
    content = write_model(tmp_path / "model.onnx").read_bytes()
    told = version("3", tags=[{"key": "model_hash", "value": "0" * 64}])
    with door(told, answer(content)) as host, pytest.raises(ServiceError, match="version 3 is damaged"):
        RegistrySource(f"http://{host}", "tiny-model", "champion").open()


CUT = answer(b"{}" * 99)[:-9]
ANSWERS = {
    "a web page": (answer(b"<html>"), "does not answer as MLflow does"),
    "a list": (answer(b"[]"), "does not answer as MLflow does"),
    "no version": (answer(b'{"model_version": {}}'), "does not answer as MLflow does"),
    "tags of another kind": (version("3", tags=["a"]), "does not answer as MLflow does"),
    "an answer that is cut off": (CUT, "does not answer as MLflow does"),
    "SMTP": (b"220 mail.example ESMTP\r\n", r"cannot be asked for the model \(220 mail.example ESMTP\)"),
    "TLS": (b"\x15\x03\x03\x00\x02\x02\x0a", "cannot be asked for the model"),
    "broken chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "cannot be asked for the model"),
    "a closed connection": (b"", "cannot be asked for the model .*closed connection.*Is MLflow running"),
}


@pytest.mark.parametrize(("sent", "message"), ANSWERS.values(), ids=ANSWERS)
def test_a_server_that_is_not_a_registry_is_reported(sent, message):
    with door(sent) as host, pytest.raises(ServiceError, match=message):
        RegistrySource(f"http://{host}", "tiny-model", "champion").mark()


@pytest.mark.parametrize("server", ["http://[::1", "http://127.0.0.1:http"])
def test_an_address_that_is_none_is_reported(server):
    with pytest.raises(ServiceError, match="cannot be asked for the model"):
        RegistrySource(server, "tiny-model", "champion").mark()


class Log(logging.Handler):
    """The service's log, which one can wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self._changed = threading.Condition()

    def emit(self, record: logging.LogRecord) -> None:
        with self._changed:
            self.records.append(record)
            self._changed.notify_all()

    def shows(self, words: str) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: any(words in line.getMessage() for line in self.records), WAIT)


@pytest.fixture
def log():
    handler, logger = Log(), logging.getLogger("fingerspell")
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    yield handler
    logger.setLevel(level)
    logger.removeHandler(handler)


@contextmanager
def watching(source, path):
    batcher = Batcher(Recogniser(path))
    watch = Watch(source, batcher, "1", 0.01)
    try:
        yield batcher
    finally:
        watch.close()
        batcher.close()


def failing_since() -> float:
    return REGISTRY.get_sample_value("fingerspell_model_check_failing_since_seconds", {"network": "letters"})


def test_no_answer_ends_the_checks_and_each_reason_is_logged_once(tmp_path, log):
    path = write_model(tmp_path / "model.onnx")
    ssh, chunks = b"SSH-2.0-OpenSSH_9.6\r\n", ANSWERS["broken chunks"][0]
    answers = [version("1"), ssh, ssh, ssh, CUT, CUT, chunks, version("1")]
    begun = time.time()
    with door(*answers) as host, watching(RegistrySource(f"http://{host}", "tiny-model", "champion"), path):
        assert log.shows("the model in use stays")
        assert begun <= failing_since() <= time.time()
        assert log.shows("the checks for another model succeed again")
        assert failing_since() == 0
    reasons = [line.getMessage() for line in log.records if line.levelno == logging.WARNING]
    assert [any(word in reason for word in ("SSH", "as MLflow", "IncompleteRead")) for reason in reasons] == [True] * 3


def test_an_error_that_nobody_thought_of_does_not_end_the_checks_either(tmp_path, log):
    """A name with a null byte: Python raises a ValueError for it, of all errors."""
    path = write_model(tmp_path / "model.onnx")
    source = FileSource(tmp_path / "nothing\0.onnx")
    with watching(source, path) as batcher:
        assert log.shows("the model in use stays: ValueError: embedded null byte")
        first = batcher.model.version
        source._path = write_model(tmp_path / "next.onnx", METADATA | {"temperature": "2.0"})
        assert log.shows("model replaced")
        assert batcher.model.version != first
    assert [line.exc_info is not None for line in log.records if line.levelno == logging.WARNING] == [True]


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


def test_another_trail_network_takes_over_if_it_expects_the_same_trails(tmp_path, log):
    path = write_trail_model(tmp_path / "trail.onnx")
    source = FileSource(path, MOVING)
    batcher = Batcher(source.open(), "trail")
    watch = Watch(source, batcher, source.mark(), 0.01)
    first = batcher.model.version
    try:
        write_trail_model(tmp_path / "a.onnx", TRAIL_METADATA | {"mask_version": "trail-0"}).replace(path)
        assert log.shows("the new model expects trails of version trail-0")
        write_model(tmp_path / "b.onnx").replace(path)
        assert log.shows("this is no trail network")
        assert batcher.model.version == first
        write_trail_model(tmp_path / "c.onnx", TRAIL_METADATA | {"temperature": "2.0"}).replace(path)
        assert log.shows("model replaced")
        assert batcher.model.version != first
    finally:
        watch.close()
        batcher.close()
