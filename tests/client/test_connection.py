"""The connection, against a small real server that speaks the protocol."""

from __future__ import annotations

import functools
import http.server
import io
import socket
import threading
import time

import numpy as np
import pytest
from spelling_service import COMMIT_AFTER, SpellingService, running

from client.errors import ClientError
from client.mask import MASK_VERSION
from client.stream import connection as connection_module
from client.stream.connection import Connection, PatientConnection, Reply, encode_png, parse_reply
from client.stream.status import Status

RED_MASK = np.zeros((224, 224, 3), np.uint8)
RED_MASK[:100, :50] = (255, 64, 64)
RED = encode_png(RED_MASK)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_model_and_replies(service):
    spelling, address = service
    with Connection(address + "/") as connection:
        assert connection.model.mask_version == MASK_VERSION
        assert connection.model.classes == ("D", "E", "H", "L", "O", "R", "W")
        replies = [connection.ask(RED) for _ in range(COMMIT_AFTER)] + [connection.ask(b"")]
    assert replies[0] == Reply(sequence=0, letter="A", confidence=0.75, smoothed="A", committed=None)
    assert [reply.committed for reply in replies] == [None] * (COMMIT_AFTER - 1) + ["H", None]
    assert replies[-1] == Reply(sequence=COMMIT_AFTER, letter=None, confidence=0.0, smoothed=None, committed=None)
    assert len(spelling.masks) == COMMIT_AFTER
    assert np.array_equal(spelling.masks[0], RED_MASK)  # colours in the right order, nothing lost


@pytest.mark.parametrize(("frame_rate", "sent"), [(None, {}), (15.0, {"frame_rate": "15.0"})])
def test_says_what_it_draws_and_at_what_rate(service, frame_rate, sent):
    spelling, address = service
    with Connection(address, frame_rate) as connection:
        connection.ask(b"")
    assert spelling.options == {"mask_version": MASK_VERSION, "threshold": "0.5", **sent}


@pytest.mark.parametrize(
    ("body", "says"),
    [('{"detail": "Too many streams are open."}', "503.*Too many streams are open"), ("<html>", "503.*Try again")],
)
def test_a_refused_stream_is_told_in_the_words_of_the_service(body, says):
    with running(SpellingService(refusal=body)) as address, pytest.raises(ClientError, match=says):
        Connection(address)


def test_png_is_a_png_in_rgb():
    png = encode_png(RED_MASK)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert png[16:26] == (224).to_bytes(4) * 2 + b"\x08\x02"  # width, height, 8 bits, RGB


def test_no_service_says_how_to_start_one():
    address = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ClientError) as caught:
        Connection(address)
    assert str(caught.value) == f"No service at {address}. Start it with `make serve`, or name another with --server."


def test_a_model_of_another_mask_version_is_refused():
    with (
        running(SpellingService(mask_version="grey-0")) as address,
        pytest.raises(ClientError, match=f"'grey-0'.*{MASK_VERSION}.*Update"),
    ):
        Connection(address)


@pytest.mark.parametrize("address", ["127.0.0.1:3000", "ws://127.0.0.1:3000", "http://", "camera"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(ClientError, match="not an address"):
        Connection(address)


def test_a_web_server_that_is_not_the_service_is_refused(tmp_path):
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


def test_a_service_that_goes_away_is_told_with_its_reason():
    with (
        running(SpellingService(hang_up_after=2)) as address,
        Connection(address) as connection,
    ):
        connection.ask(RED)
        connection.ask(b"")
        with pytest.raises(ClientError, match=r"closed the connection \(out of memory\).*make serve"):
            connection.ask(RED)


def test_a_service_that_says_nothing_is_told(monkeypatch):
    monkeypatch.setattr(connection_module, "TIMEOUT", 0.3)
    with (
        running(SpellingService(silent=True)) as address,
        Connection(address) as connection,
        pytest.raises(ClientError, match="has not answered"),
    ):
        connection.ask(RED)


def test_a_refused_mask_is_told():
    with (
        running(SpellingService(error="The picture is 3x3.")) as address,
        Connection(address) as connection,
        pytest.raises(ClientError, match=r"refuses a mask: The picture is 3x3\..*one release"),
    ):
        connection.ask(RED)


@pytest.mark.parametrize(
    "answer",
    [
        "hello",
        b"\xff\xfe",
        "[]",
        "7",
        '{"sequence": 0}',
        '{"sequence": 0, "letter": null, "confidence": null, "smoothed": null, "committed": null}',
    ],
)
def test_an_answer_that_is_none_of_ours_is_told(answer):
    with pytest.raises(ClientError, match="something else than a letter"):
        parse_reply(answer, "http://127.0.0.1:3000")


def test_an_answer_that_was_overtaken_on_its_way_is_passed_over():
    with running(SpellingService(late=True)) as address, Connection(address) as connection:
        assert [connection.ask(RED).sequence for _ in range(6)] == list(range(6))


@pytest.fixture
def told():
    return io.StringIO()


def test_a_patient_connection_goes_on_with_a_service_that_comes_back(told):
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    connection = PatientConnection(
        lambda: Connection(address), Status(told), float("inf"), lossless=False, strict=False
    )
    with connection:
        assert connection.ask(RED) is None, "nobody is there, and nobody waits"
        for _ in range(2):
            with running(SpellingService(), port):
                until = time.monotonic() + 10
                while (reply := connection.ask(RED)) is None and time.monotonic() < until:
                    time.sleep(0.02)
                assert reply is not None
                assert reply.sequence == 0
                assert connection.ask(RED).sequence == 1
            assert connection.ask(RED) is None
    assert told.getvalue().count("The service is back.") == 2
    assert "No service at" in told.getvalue()


def test_where_every_mask_counts_an_outage_is_waited_for(told):
    port = free_port()
    connection = PatientConnection(
        lambda: Connection(f"http://127.0.0.1:{port}"), Status(told), 20.0, lossless=True, strict=False
    )
    replies = []
    thread = threading.Thread(target=lambda: replies.append(connection.ask(RED)))
    with connection:
        thread.start()
        time.sleep(0.5)
        assert replies == []
        with running(SpellingService(), port):
            thread.join(10)
            assert [reply.letter for reply in replies] == ["A"]


def test_patience_ends(told):
    connection = PatientConnection(
        lambda: Connection(f"http://127.0.0.1:{free_port()}"), Status(told), 0.5, lossless=True, strict=False
    )
    with pytest.raises(ClientError, match="No service at"):
        connection.ask(RED)
    with pytest.raises(ClientError, match="No service at"):
        PatientConnection(
            lambda: Connection(f"http://127.0.0.1:{free_port()}"), Status(told), 9.0, lossless=True, strict=True
        )
