"""The connection, against a small real server that speaks the protocol."""

from __future__ import annotations

import functools
import http.server
import io
import socket
import threading
import time
from contextlib import closing

import numpy as np
import pytest
from spelling_service import COMMIT_AFTER, SpellingService, running

from client.errors import ClientError
from client.frames import Frame
from client.mask import MASK_SIZE, MASK_VERSION
from client.status import Status
from client.stream import connection as connection_module
from client.stream.connection import Connection
from client.stream.pipeline import Detection
from client.stream.png import encode_png
from client.stream.reply import Reply, parse_reply
from client.stream.retry import RetryingConnection

RED = np.zeros((MASK_SIZE, MASK_SIZE, 3), np.uint8)
RED[:100, :50] = (255, 64, 64)
HAND = Detection(Frame(RED, 0, 0.0), None, RED, 0.0, 0.0, 0.0)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_replies(service):
    spelling, address = service
    with closing(Connection(address + "/")) as connection:
        replies = [connection.ask(RED) for _ in range(COMMIT_AFTER)] + [connection.ask(None)]
    assert replies[0] == Reply(sequence=0, letter="A", confidence=0.75, smoothed="A", committed=None)
    assert [reply.committed for reply in replies] == [None] * (COMMIT_AFTER - 1) + ["H", None]
    assert replies[-1] == Reply(sequence=COMMIT_AFTER, letter=None, confidence=0.0, smoothed=None, committed=None)
    assert len(spelling.masks) == COMMIT_AFTER
    assert np.array_equal(spelling.masks[0], RED)  # colours in the right order, nothing lost


@pytest.mark.parametrize(("timed", "sent", "times"), [(False, {}, []), (True, {"timed": "true"}, [0.5])])
def test_the_service_is_told_what_is_drawn_and_when(service, timed, sent, times):
    spelling, address = service
    with closing(Connection(address, timed=timed)) as connection:
        connection.ask(None, 0.5)
    assert spelling.options == {"mask_version": MASK_VERSION, "threshold": "0.5", **sent}
    assert spelling.times == times


@pytest.mark.parametrize(
    ("body", "message"),
    [('{"detail": "Too many streams are open."}', "503.*Too many streams are open"), ("<html>", "503.*Try again")],
)
def test_a_refused_stream_is_reported_in_the_words_of_the_service(body, message):
    with running(SpellingService(refusal=body)) as address, pytest.raises(ClientError, match=message):
        Connection(address)


def test_png_is_a_png_in_rgb():
    png = encode_png(RED)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert png[16:26] == MASK_SIZE.to_bytes(4) * 2 + b"\x08\x02"  # width, height, 8 bits, RGB


def test_without_a_service_the_error_explains_how_to_start_one():
    address = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ClientError) as caught:
        Connection(address)
    assert str(caught.value) == f"No service at {address}. Start it with `make serve`, or name another with --server."


def test_a_model_for_another_mask_version_is_rejected():
    with (
        running(SpellingService(mask_version="grey-0")) as address,
        pytest.raises(ClientError, match=f"'grey-0'.*{MASK_VERSION}.*Update"),
    ):
        Connection(address)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:3000", "ws://127.0.0.1:3000", "http://", "camera", "http://[::1", "http://localhost:http"]
)
def test_something_other_than_an_address_is_rejected(address):
    with pytest.raises(ClientError, match="not an address"):
        Connection(address)


def test_a_web_server_that_is_not_the_service_is_rejected(tmp_path):
    (tmp_path / "model").write_text("<html>")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            with pytest.raises(ClientError, match="not the fingerspelling service"):
                Connection(address)
            with pytest.raises(ClientError, match="HTTP status 404"):
                Connection(address + "/elsewhere")
        finally:
            server.shutdown()
            thread.join()


def test_a_service_that_goes_away_is_reported_with_its_reason():
    with (
        running(SpellingService(hang_up_after=2)) as address,
        closing(Connection(address)) as connection,
    ):
        connection.ask(RED)
        connection.ask(None)
        with pytest.raises(ClientError, match=r"closed the connection \(out of memory\).*make serve"):
            connection.ask(RED)


def test_a_silent_service_is_reported(monkeypatch):
    monkeypatch.setattr(connection_module, "TIMEOUT", 0.3)
    with (
        running(SpellingService(silent=True)) as address,
        closing(Connection(address)) as connection,
        pytest.raises(ClientError, match="has not answered"),
    ):
        connection.ask(RED)


def test_a_rejected_mask_is_reported():
    with (
        running(SpellingService(error="The picture is 3x3.")) as address,
        closing(Connection(address)) as connection,
        pytest.raises(ClientError, match=r"rejects a mask: The picture is 3x3\..*same release"),
    ):
        connection.ask(RED)


@pytest.mark.parametrize(
    "message",
    [
        "hello",
        b"\xff\xfe",
        "[]",
        "7",
        '{"sequence": 0}',
        '{"sequence": 0, "letter": null, "confidence": null, "smoothed": null, "committed": null}',
    ],
)
def test_something_other_than_a_reply_is_reported(message):
    with pytest.raises(ClientError, match="something other than a reply"):
        parse_reply(message, "http://127.0.0.1:3000")


def test_a_late_reply_to_an_earlier_mask_is_skipped():
    with running(SpellingService(late=True)) as address, closing(Connection(address)) as connection:
        assert [connection.ask(RED).sequence for _ in range(6)] == list(range(6))


@pytest.fixture
def terminal():
    return io.StringIO()


def test_a_connection_resumes_when_the_service_comes_back(terminal):
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    connection = RetryingConnection(
        lambda: Connection(address), Status(terminal), float("inf"), lossless=False, strict=False
    )
    with closing(connection):
        assert connection.recognise(HAND) is None, "without a service, nothing waits"
        for _ in range(2):
            with running(SpellingService(), port):
                until = time.monotonic() + 10
                while (reply := connection.recognise(HAND)) is None and time.monotonic() < until:
                    time.sleep(0.02)
                assert reply is not None
                assert reply.sequence == 0
                assert connection.recognise(HAND).sequence == 1
            assert connection.recognise(HAND) is None
    assert terminal.getvalue().count("The service is back.") == 2
    assert "No service at" in terminal.getvalue()


def test_if_every_mask_counts_the_connection_waits_for_the_end_of_an_outage(terminal):
    port = free_port()
    connection = RetryingConnection(
        lambda: Connection(f"http://127.0.0.1:{port}"), Status(terminal), 20.0, lossless=True, strict=False
    )
    replies = []
    thread = threading.Thread(target=lambda: replies.append(connection.recognise(HAND)))
    with closing(connection):
        thread.start()
        time.sleep(0.5)
        assert replies == []
        with running(SpellingService(), port):
            thread.join(10)
            assert [reply.letter for reply in replies] == ["A"]


def test_retries_end_after_the_time_limit(terminal):
    connection = RetryingConnection(
        lambda: Connection(f"http://127.0.0.1:{free_port()}"), Status(terminal), 0.5, lossless=True, strict=False
    )
    with pytest.raises(ClientError, match="No service at"):
        connection.recognise(HAND)
    with pytest.raises(ClientError, match="No service at"):
        RetryingConnection(
            lambda: Connection(f"http://127.0.0.1:{free_port()}"), Status(terminal), 9.0, lossless=True, strict=True
        )
