"""The connection, against the service's own application with a tiny model, and against what is no service."""

from __future__ import annotations

import io
import json
import ssl
import struct
import subprocess
import threading
from contextlib import closing, contextmanager

import cv2
import numpy as np
import pytest
from network import Proxy, answer, door
from serving import METADATA, application, write_model
from trail_service import TrailService

from benchmarks.ports import reserved_port
from client.errors import ClientError
from client.frames import Frame
from client.mask import MASK_SIZE, MASK_VERSION, TRAIL_VERSION
from client.status import Status
from client.stream import http_request
from client.stream.connection import Connection
from client.stream.pipeline import Detection
from client.stream.png import encode_png
from client.stream.reply import parse_reply
from client.stream.retry import RetryingConnection

WAIT = 20
RED = np.full((MASK_SIZE, MASK_SIZE, 3), (255, 0, 0), np.uint8)
"""What the tiny model takes for an A; in BGR it would be an L."""
HAND = Detection(Frame(RED, 0, 0.0), None, RED, 0.0, 0.0, 0.0)
TOKEN = "sesame"  # noqa: S105 - of these tests
ABOUT = json.dumps({"mask_version": MASK_VERSION}).encode()
NOT_THE_SERVICE = "is not the fingerspelling service.*Check the port.*--server"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "model.onnx")


@pytest.fixture(scope="module")
def address(model):
    """A service that recognises a mask by its colour."""
    with application(model) as host:
        yield f"http://{host}"


@contextmanager
def connected(*arguments, **options):
    with closing(Connection(*arguments, **options)) as connection:
        yield connection


def decode(png):
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB)


def test_replies(address):
    with connected(address + "/", timed=True) as connection:
        replies = [connection.ask(RED, number / 15.0) for number in range(8)] + [connection.ask(None, 8 / 15.0)]
    assert [reply.sequence for reply in replies] == list(range(9))
    assert [reply.letter for reply in replies] == ["A"] * 8 + [None]  # colours in the right order, nothing lost
    assert [reply.committed for reply in replies].count("A") == 1
    assert replies[0].confidence > 0.9
    assert replies[0].progress < replies[1].progress < 1.0
    assert replies[-1].confidence == 0.0


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, ""),
        ({"timed": True}, "&timed=true"),
        ({"threshold": 0.7, "hold": 0.6}, "&threshold=0.7&hold=0.6"),
        ({"threshold": 0.0}, "&threshold=0.0"),
    ],
)
def test_the_service_is_told_what_is_drawn_and_only_the_options_that_were_asked_for(address, options, sent):
    with Proxy(address) as proxy, connected(proxy.address, **options) as connection:
        connection.ask(None)
        assert f"GET /stream?mask_version={MASK_VERSION}{sent} HTTP/1.1\r\n".encode() in proxy.sent
        assert connection.threshold == options.get("threshold", 0.5), "or the service's own"


def test_a_token_is_sent_with_each_request_and_in_no_address(model):
    with application(model, token=TOKEN) as host, Proxy(host) as proxy:
        with connected(proxy.address, token=TOKEN) as connection:
            assert connection.ask(RED).letter == "A"
        assert proxy.sent.count(f"Authorization: Bearer {TOKEN}\r\n".encode()) == proxy.sent.count(b"HTTP/1.1\r\n") == 2


@pytest.mark.parametrize("token", ["", "wrong"])
def test_without_the_right_token_the_error_names_the_next_step(model, token):
    with (
        application(model, token=TOKEN) as host,
        pytest.raises(ClientError, match=r"requires a token.*401.*FINGERSPELL_TOKEN to the service's token") as raised,
    ):
        Connection(f"http://{host}", token=token)
    assert token not in str(raised.value) or not token


@pytest.mark.parametrize("token", ["two words", "two\nlines", "sésame"])
def test_a_token_that_no_header_can_carry_is_refused(address, token):
    with pytest.raises(ClientError, match="FINGERSPELL_TOKEN has a character that no token has") as raised:
        Connection(address, token=token)
    assert token not in str(raised.value)


def test_a_token_does_not_follow_a_redirection_to_another_server(model):
    with application(model) as host, Proxy(host) as elsewhere:
        to = f"Location: {elsewhere.address}/model"
        with door(answer(b"", f"302 Found\r\n{to}")) as here, pytest.raises(ClientError, match=NOT_THE_SERVICE):
            Connection(f"http://{here}", token=TOKEN)
        assert b"GET /model" in elsewhere.sent
        assert TOKEN.encode() not in elsewhere.sent


def test_a_refused_stream_is_reported_in_the_words_of_the_service(model):
    with (
        application(model, streams=1) as host,
        connected(f"http://{host}"),
        pytest.raises(ClientError, match=r"refuses the client \(HTTP status 503\)\. Too many streams are open"),
    ):
        Connection(f"http://{host}")


def test_png_is_a_png_in_rgb():
    png = encode_png(RED)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert png[16:26] == MASK_SIZE.to_bytes(4) * 2 + b"\x08\x02"  # width, height, 8 bits, RGB


def test_without_a_service_the_error_explains_how_to_start_one():
    with reserved_port() as port, pytest.raises(ClientError) as caught:
        Connection(f"http://127.0.0.1:{port}")
    message = f"No service at http://127.0.0.1:{port}. Start it with `make serve`, or name another with --server."
    assert str(caught.value) == message


def test_a_model_for_another_mask_version_is_rejected(tmp_path):
    other = write_model(tmp_path / "other.onnx", METADATA | {"mask_version": "grey-0"})
    with application(other) as host, pytest.raises(ClientError, match=f"'grey-0'.*{MASK_VERSION}.*Update"):
        Connection(f"http://{host}")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:3000", "ws://127.0.0.1:3000", "http://", "camera", "http://[::1", "http://localhost:http",
        "http://127.0.0.1:3000/a b", "http://127.0.0.1:3000\r\nX: y",
    ],
)  # fmt: skip
def test_something_other_than_an_address_is_rejected(address):
    with pytest.raises(ClientError, match="not an address"):
        Connection(address)


NOBODY = "No service at"
ANSWERS = {
    "a web page": (answer(b"<html>"), NOT_THE_SERVICE, "HTTP status 200"),
    "another JSON": (answer(b"[]"), NOT_THE_SERVICE, "HTTP status 200"),
    "no such page": (answer(b"<html>", "404 Not Found"), "HTTP status 404. Is it the fingerspelling service", None),
    "a cut refusal": (answer(b"{}", "503 Busy")[:-1], "HTTP status 503. Is it the fingerspelling service", NOBODY),
    "SMTP": (b"220 mail.example ESMTP\r\n", NOT_THE_SERVICE, None),
    "a TLS alert": (b"\x15\x03\x03\x00\x02\x02\x0a", NOT_THE_SERVICE, NOBODY),
    "an answer that is cut off": (answer(ABOUT)[:-9], NOT_THE_SERVICE, NOBODY),
    "broken chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", NOT_THE_SERVICE, None),
    "an endless header": (b"HTTP/1.1 200 OK\r\n" + b"a" * 70_000 + b"\r\n\r\n", NOT_THE_SERVICE, None),
    "a closed connection": (b"", NOBODY, None),
    "silence": (None, "accepts connections but has not answered for 0 s", None),
}
"""What answers, the error if it does so at once, and if it does so when the stream is opened, where that differs."""


@pytest.mark.parametrize(("sent", "message"), [row[:2] for row in ANSWERS.values()], ids=ANSWERS)
def test_a_port_that_speaks_something_else_is_one_sentence(sent, message, monkeypatch):
    monkeypatch.setattr(http_request, "TIMEOUT", 0.3)
    with door(sent) as host, pytest.raises(ClientError, match=message):
        Connection(f"http://{host}")


@pytest.mark.parametrize(("sent", "at_once", "then"), ANSWERS.values(), ids=ANSWERS)
def test_so_is_one_that_does_so_when_the_stream_is_opened(sent, at_once, then, monkeypatch):
    monkeypatch.setattr(http_request, "TIMEOUT", 0.3)
    with door(answer(ABOUT), sent) as host, pytest.raises(ClientError, match=then or at_once):
        Connection(f"http://{host}")


def test_ssh_is_one_sentence_too():
    with door(b"SSH-2.0-OpenSSH_9.6\r\n", greets=True) as host, pytest.raises(ClientError, match=NOT_THE_SERVICE):
        Connection(f"http://{host}")


def test_https_to_a_port_without_it_is_one_sentence(address):
    message = "cannot be reached over https.*Check its certificate, or whether its address begins with http://"
    with pytest.raises(ClientError, match=message):
        Connection(address.replace("http", "https"))


def test_a_certificate_that_nobody_vouches_for_is_one_sentence(tmp_path):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "certificate.pem"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    with (
        door(answer(ABOUT), tls=tls) as host,
        pytest.raises(ClientError, match=r"over https .CERTIFICATE_VERIFY_FAILED.*Check its certificate"),
    ):
        Connection(f"https://{host}")


def test_a_connection_that_the_service_closes_is_reported_with_its_reason(address):
    noise = np.random.default_rng(0).integers(0, 256, (600, 600, 3), np.uint8)
    with (
        connected(address) as connection,
        pytest.raises(ClientError, match=r"closed the connection \(.*524288.*\)\. Check whether.*make serve"),
    ):
        connection.ask(noise)


def test_a_service_that_ends_is_reported(model):
    with application(model) as host:
        connection = Connection(f"http://{host}")
        connection.ask(RED)
    with closing(connection), pytest.raises(ClientError, match=r"closed the connection.*make serve"):
        connection.ask(RED)


def test_a_silent_service_is_reported_and_its_late_reply_is_skipped(address, monkeypatch):
    with Proxy(address) as proxy, connected(proxy.address) as connection:
        assert connection.ask(RED).sequence == 0
        proxy.hang()
        monkeypatch.setattr(http_request, "TIMEOUT", 0.3)
        with pytest.raises(ClientError, match="has not answered"):
            connection.ask(RED)
        monkeypatch.undo()
        proxy.flow()
        reply = connection.ask(None)
        assert (reply.sequence, reply.letter) == (2, None)


def test_a_rejected_mask_is_reported(address):
    with connected(address) as connection:
        with pytest.raises(ClientError, match=r"rejects a mask: .*has 3 x 3 .*same release"):
            connection.ask(RED[:3, :3])
        assert connection.ask(RED).letter == "A", "the stream goes on"


def test_a_trail_is_sent_below_its_mask_in_one_png():
    trail = np.full((MASK_SIZE, MASK_SIZE, 3), (0, 0, 255), np.uint8)
    service = TrailService()
    with service.running() as address, connected(address, timed=True) as connection:
        connection.ask(RED, 0.5, trail)
        connection.ask(RED, 0.6)
        connection.ask(None, 0.7)
        assert connection.has_trails
    assert f"mask_version={MASK_VERSION}&trail_version={TRAIL_VERSION}&timed=true" in service.paths[-1]
    moving, still, nobody = service.received
    assert struct.unpack(">d", moving[:8]) == (0.5,)
    assert np.array_equal(decode(moving[8:]), np.concatenate([RED, trail]))
    assert np.array_equal(decode(still[8:]), RED)
    assert nobody[8:] == b""


def test_a_service_without_a_trail_network_is_sent_masks_alone(address):
    trail = np.zeros_like(RED)
    with Proxy(address) as proxy, connected(proxy.address) as connection:
        assert connection.ask(RED, 0.0, trail).letter == "A"
        assert not connection.has_trails
        assert b"trail_version" not in proxy.sent
    service = TrailService(trail_version="")
    with service.running() as without, connected(without) as connection:
        connection.ask(RED, 0.0, trail)
    assert np.array_equal(decode(service.received[0]), RED), "a service of the same release tells that it has none"


def test_a_trail_network_for_another_trail_version_is_rejected():
    message = f"trails of version 'dots-0', this client draws '{TRAIL_VERSION}'. Update the client or the service"
    with TrailService(trail_version="dots-0").running() as address, pytest.raises(ClientError, match=message):
        Connection(address)


def test_the_letters_that_a_drawn_one_replaces_are_told():
    items = [
        {"alternatives": [{"letter": "I", "confidence": 0.9}], "seconds": 0.4, "committed": True},
        {"alternatives": [{"letter": "X", "confidence": 0.4}], "seconds": 0.1, "committed": False},
    ]
    drawn = {"alternatives": [{"letter": "J", "confidence": 0.8}, {"letter": "I", "confidence": 0.2}], "seconds": 1.0}
    reply = {"committed": "J", "replaced": items, "segments": [drawn | {"committed": True}]}
    with TrailService({"segments": items}, reply).running() as address, connected(address) as connection:
        first, second = connection.ask(RED), connection.ask(RED)
    assert (first.replaced, second.replaced) == ((), first.segments)
    assert [segment.letter for segment in second.spelled] == ["J"]


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


class Terminal(io.StringIO):
    """A terminal that one can wait for."""

    def __init__(self):
        super().__init__()
        self._changed = threading.Condition()

    def write(self, text):
        with self._changed:
            super().write(text)
            self._changed.notify_all()
            return len(text)

    def shows(self, words, times=1):
        with self._changed:
            return self._changed.wait_for(lambda: self.getvalue().count(words) >= times, WAIT)


@pytest.fixture
def terminal():
    return Terminal()


def test_a_connection_resumes_when_the_service_comes_back(terminal, model):
    with reserved_port() as port:
        connection = RetryingConnection(
            lambda: Connection(f"http://127.0.0.1:{port}"), Status(terminal), WAIT, lossless=False, strict=False
        )
        with closing(connection):
            assert connection.recognise(HAND) is None, "without a service, nothing waits"
            assert connection.threshold is None
            for _ in range(2):
                with application(model, port):
                    reply = next(reply for reply in iter(lambda: connection.recognise(HAND), 0) if reply is not None)
                    assert (reply.sequence, connection.threshold) == (0, 0.5)
                    assert connection.recognise(HAND).sequence == 1
                assert connection.recognise(HAND) is None
    assert terminal.getvalue().count("The service is back.") == 2
    assert "No service at" in terminal.getvalue()


def test_if_every_mask_counts_the_connection_waits_for_the_end_of_an_outage(terminal, model):
    replies = []
    with reserved_port() as port:
        connection = RetryingConnection(
            lambda: Connection(f"http://127.0.0.1:{port}"), Status(terminal), WAIT, lossless=True, strict=False
        )
        thread = threading.Thread(target=lambda: replies.append(connection.recognise(HAND)))
        with closing(connection):
            thread.start()
            assert terminal.shows("Trying again.")
            assert replies == []
            with application(model, port):
                thread.join(WAIT)
                assert [reply.letter for reply in replies] == ["A"]


def test_retries_end_after_the_time_limit(terminal):
    with reserved_port() as port:

        def connect():
            return Connection(f"http://127.0.0.1:{port}")

        connection = RetryingConnection(connect, Status(terminal), 0.5, lossless=True, strict=False)
        with pytest.raises(ClientError, match="No service at"):
            connection.recognise(HAND)
        with pytest.raises(ClientError, match="No service at"):
            RetryingConnection(connect, Status(terminal), 9.0, lossless=True, strict=True)
