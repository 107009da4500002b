"""The whole service on loopback: BentoML, the application and a tiny model."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import signal
import socket
import struct
import subprocess
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import httpx
import pytest
from serving import (
    CLASSES,
    METADATA,
    ROOT,
    mask,
    picture,
    serve_command,
    serve_environment,
    server,
    write_model,
)
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from benchmarks.ports import reserved_port
from fuzz.service import bomb
from service.decoding import MAX_MASK_BYTES
from service.guard import MessageLimits
from service.protocol import parse_options
from service.stream import serve_stream

PNG = {"content-type": "image/png"}
TARGET = "service.service:Fingerspell"
REPLY = {
    "sequence", "dropped", "time", "letter", "confidence", "top", "smoothed", "progress", "committed", "segments",
    "replaced", "model",
}  # fmt: skip
WAIT = 20
"""Seconds after which an answer counts as missing."""


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    model = write_model(folder / "model.onnx")
    with server(TARGET, folder, ROOT, FINGERSPELL_MODEL=str(model)) as (address, _):
        yield address


def post(host: str, content: bytes, headers: dict[str, str] = PNG) -> httpx.Response:
    return httpx.post(f"http://{host}/predict", content=content, headers=headers, timeout=WAIT)


def stream(host: str, compression: str | None = None, **options: object):
    url = f"ws://{host}/stream?{urlencode(options)}"
    return connect(url, open_timeout=WAIT, close_timeout=5, compression=compression)


def ask(socket, message: bytes | str) -> dict:
    socket.send(message)
    return json.loads(socket.recv(timeout=WAIT))


@pytest.mark.parametrize("letter", CLASSES)
def test_predicts(host, letter):
    answer = post(host, mask(letter))
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"letter", "confidence", "top", "model"}
    assert body["letter"] == letter
    assert sorted(first["letter"] for first in body["top"]) == CLASSES
    assert body["top"][0] == {"letter": letter, "confidence": body["confidence"]}
    assert body["confidence"] > 0.9


def test_predicts_no_letter_below_the_threshold(host):
    body = post(host, picture((90, 90, 90))).json()
    assert body["letter"] is None
    assert body["confidence"] == pytest.approx(1 / 3, abs=0.01)


def test_takes_parameters_of_the_content_type(host):
    assert post(host, mask("A"), {"content-type": "Image/PNG; charset=binary"}).status_code == 200


BAD = {
    "text": (b"hello", PNG, 400),
    "nothing": (b"", PNG, 400),
    "truncated": (mask("A")[:-20], PNG, 400),
    "jpeg": (picture((0, 0, 0), kind="JPEG"), PNG, 400),
    "text file": (b"hello", {"content-type": "text/plain"}, 415),
    "no content type": (mask("A"), {}, 415),
    "form": (b"--x\r\n\r\n--x--", {"content-type": "multipart/form-data; boundary=x"}, 400),
    "too large": (mask("A") + b"\0" * 600_000, PNG, 413),
    "far too large": (b"\0" * (7 << 20), PNG, 413),
    "wrong size": (picture((0, 0, 0), (64, 64)), PNG, 422),
    "with alpha": (picture((), mode="RGBA"), PNG, 422),
    "bomb": (bomb(), PNG, 422),
}


@pytest.mark.parametrize(("content", "headers", "status"), BAD.values(), ids=BAD)
def test_refuses_with_problem_details(host, content, headers, status):
    answer = post(host, content, headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail"}
    assert problem["status"] == status
    assert problem["detail"].endswith(".")
    assert post(host, mask("B")).json()["letter"] == "B", "the next request is answered"


def test_bounds_a_body_of_unknown_length(host):
    """No Content-Length to look at: the body is counted while it is read."""
    answer = httpx.post(
        f"http://{host}/predict", content=(b"\0" * 65_536 for _ in range(64)), headers=PNG, timeout=WAIT
    )
    assert answer.status_code == 413


def test_an_endless_body_is_cut_off(host):
    name, port = host.split(":")
    with socket.create_connection((name, int(port)), timeout=WAIT) as raw:
        lines = (
            "POST /predict HTTP/1.1",
            f"Host: {host}",
            "Content-Type: image/png",
            "Content-Length: 99999999999",
            "",
            "",
        )
        raw.sendall("\r\n".join(lines).encode())
        sent = 0
        try:
            while sent < 64 << 20:
                sent += raw.send(b"\0" * 65_536)
        except OSError:
            pass
    assert sent < 64 << 20, "the server kept reading"
    assert post(host, mask("B")).status_code == 200


def test_other_methods_are_problems_too(host):
    answer = httpx.get(f"http://{host}/predict", timeout=WAIT)
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["allow"] == "POST"


def test_describes_the_model(host):
    about = httpx.get(f"http://{host}/model", timeout=WAIT).json()
    known = {key: METADATA[key] for key in ("mask_version", "architecture", "data_hash")}
    smoothing = {"threshold": 0.5, "window": 5, "hold": 0.2, "release": 0.3}
    rest = {"classes": CLASSES, "version": about["version"], "provider": "CPUExecutionProvider", "smoothing": smoothing}
    rest["trail"] = None
    assert about == rest | known
    assert post(host, mask("A")).json()["model"] == about["version"]


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/metrics"])
def test_answers(host, path):
    assert httpx.get(f"http://{host}{path}", timeout=WAIT).status_code == 200


def test_streams_a_word(host):
    gap = [b""] * 8
    frames = [frame for letter in "BALL" for frame in [mask(letter)] * 25 + gap]
    with stream(host, frame_rate=15) as socket:
        replies = [ask(socket, frame) for frame in frames]
    assert [reply["sequence"] for reply in replies] == list(range(len(frames)))
    assert "".join(reply["committed"] or "" for reply in replies) == "BALL"
    assert all(set(reply) == REPLY for reply in replies)
    assert (replies[24]["letter"], replies[24]["smoothed"]) == ("B", "B")
    assert (replies[32]["letter"], replies[32]["confidence"], replies[32]["smoothed"]) == (None, 0.0, None)


def test_letters_are_held_by_the_times_of_a_timed_stream(host):
    times = [0.0, 0.1, 0.2, 0.9, 1.0]
    with stream(host, timed=True, hold=0.5) as socket:
        replies = [ask(socket, struct.pack(">d", time) + mask("A")) for time in times]
        gone = ask(socket, struct.pack(">d", 1.1))
        bad = [ask(socket, message) for message in (b"", struct.pack(">d", math.nan) + mask("A"))]
    assert [reply["committed"] for reply in replies] == [None, None, None, "A", None]
    assert (gone["letter"], gone["confidence"]) == (None, 0.0)
    assert [(reply["status"], "begin with a time" in reply["error"]) for reply in bad] == [(400, True)] * 2


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (b"hello", "not a PNG"),
        (mask("A")[:-20], "cut off"),
        (picture((0, 0, 0), (64, 64)), "64 x 64"),
        (b"\0" * (512 << 10), "not a PNG"),
    ],
)
def test_a_bad_message_gets_an_error_and_the_stream_goes_on(host, message, says):
    with stream(host) as socket:
        assert ask(socket, mask("A"))["letter"] == "A"
        bad = ask(socket, message)
        assert set(bad) == {"sequence", "dropped", "time", "error", "status"}
        assert bad["sequence"] == 1
        assert says in bad["error"]
        good = ask(socket, mask("B"))
        assert (good["sequence"], good["letter"], good["committed"]) == (2, "B", None)


def is_too_big(closed: ConnectionClosed) -> bool:
    """Whether a stream was closed with 1009, or reset: what is still on its way may overtake the code."""
    return closed.rcvd is None or closed.rcvd.code == 1009


def test_a_huge_message_closes_its_own_stream_only(host):
    with stream(host) as one, stream(host) as other:
        assert "too many bytes" not in ask(one, b"\0" * MAX_MASK_BYTES)["error"]
        with pytest.raises(ConnectionClosed) as closed:
            ask(one, b"\0" * (MAX_MASK_BYTES + 1))
        assert is_too_big(closed.value)
        assert ask(other, mask("A"))["letter"] == "A"


def test_a_huge_message_in_pieces_closes_its_stream(host):
    with stream(host) as socket, pytest.raises(ConnectionClosed) as closed:
        ask(socket, (b"\0" * 65_536 for _ in range(16)))
    assert is_too_big(closed.value)


def test_no_message_is_compressed(host):
    """A few bytes that decompress to many would pass any limit on what is sent."""
    with stream(host, compression="deflate") as socket:
        assert "Sec-WebSocket-Extensions" in socket.request.headers
        assert "Sec-WebSocket-Extensions" not in socket.response.headers


def test_on_a_server_without_these_limits_the_service_does_not_start():
    started = []

    async def application(scope, receive, send):
        started.append(scope)

    async def receive():
        return {"type": "lifespan.startup"}

    with pytest.raises(AttributeError):
        asyncio.run(MessageLimits(application)({"type": "lifespan"}, receive, None))
    assert not started


def test_an_error_while_messages_are_received_is_not_taken_for_a_client_that_left():
    async def receive():
        raise KeyError("no such message")

    websocket = WebSocket({"type": "websocket"}, receive, None)
    with pytest.raises(KeyError, match="no such message"):
        asyncio.run(serve_stream(websocket, parse_options({}), None))


def test_a_client_that_disconnects_abruptly_harms_nobody(host):
    with stream(host) as socket:
        for _ in range(20):
            socket.send(mask("A"))
        socket.socket.close()
    assert post(host, mask("A")).status_code == 200


def test_each_stream_has_its_own_state(host):
    def spell(letter: str) -> str:
        with stream(host, frame_rate=15) as socket:
            replies = [ask(socket, mask(letter)) for _ in range(25)]
        return "".join(reply["committed"] or "" for reply in replies)

    letters = CLASSES * 4
    with ThreadPoolExecutor(len(letters)) as pool:
        assert list(pool.map(spell, letters)) == letters


def test_open_streams_leave_room_for_requests(host):
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(stream(host)) for _ in range(40)]
        assert post(host, mask("A")).status_code == 200
        assert ask(sockets[-1], mask("L"))["letter"] == "L"


def test_ends_on_control_c_with_a_stream_open(tmp_path):
    write_model(tmp_path / "model.onnx")
    # A relative path is the user's, whatever folder BentoML's workers run in.
    relative = os.path.relpath(tmp_path / "model.onnx", ROOT)
    with server(TARGET, tmp_path, ROOT, FINGERSPELL_MODEL=relative) as (host, process), stream(host) as socket:
        assert ask(socket, mask("A"))["letter"] == "A"
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(10) == 0
    log = (tmp_path / "server.log").read_text()
    assert "Service instance cleanup finalized" in log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is no model to read (No such file or directory). Train and package one: make repro"),
        (b"x", "not an ONNX model"),
    ],
)
def test_without_a_usable_model_it_ends_with_a_message(tmp_path, content, says):
    model = tmp_path / "model.onnx"
    if content is not None:
        model.write_bytes(content)
    with reserved_port() as port:
        result = subprocess.run(
            serve_command(TARGET, port),
            cwd=ROOT,
            env=serve_environment(tmp_path, FINGERSPELL_MODEL=str(model)),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert result.returncode != 0
    assert says in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
