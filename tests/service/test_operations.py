"""The service in operation: batches, limits, options, slow and silent clients, another model, shutdown."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import socket
import time
from pathlib import Path

import httpx
import pytest
from serving import CLASSES, METADATA, ROOT, mask, picture, server, write_model
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from benchmarks.service import find_worker
from service.openapi import DESCRIPTION, MEANINGS

TARGET = "service.service:Fingerspell"
WAIT = 20
"""Seconds after which an answer counts as missing."""
MUCH = 80 << 20
"""Bytes of frames, of which no service may keep as many."""
VARYING = (
    "fingerspell_waiting_masks",
    "fingerspell_open_streams",
    "fingerspell_batch_size",
    "fingerspell_stage_seconds",
)
"""Metrics that differ from run to run of the same letters."""
FAILING_SINCE = 'fingerspell_model_check_failing_since_seconds{network="letters"}'
TOKEN = "open sesame"  # noqa: S105 - of these tests


def stream(host: str, query: str = "", **options: object):
    return connect(f"ws://{host}/stream{query}", open_timeout=WAIT, close_timeout=5, **options)


def receive(socket) -> dict:
    return json.loads(socket.recv(timeout=WAIT))


def ask(socket, message: bytes) -> dict:
    socket.send(message)
    return receive(socket)


def problem(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    return answer.json()["detail"]


def read_metrics(host: str, **headers: str) -> dict[str, float]:
    lines = httpx.get(f"http://{host}/metrics", headers=headers, timeout=WAIT).text.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines) if name[0] != "#"}


def post_batch(host: str, masks: list[bytes], query: str = "") -> httpx.Response:
    files = [("masks", (f"{number}.png", content, "image/png")) for number, content in enumerate(masks)]
    return httpx.post(f"http://{host}/predict_batch{query}", files=files, timeout=WAIT)


def test_a_batch_is_answered_in_its_order(host):
    letters = (CLASSES * 11)[:32]
    answer = post_batch(host, [mask(letter) for letter in letters])
    assert answer.status_code == 200
    assert [prediction["letter"] for prediction in answer.json()["predictions"]] == letters


def test_a_batch_with_a_bad_mask_says_which(host):
    assert "mask 2: The data is not a PNG" in problem(post_batch(host, [mask("A"), mask("B"), b"hello"]), 400)
    assert "mask 9: " in problem(post_batch(host, [mask("A")] * 9 + [picture((0, 0, 0), (8, 8))]), 422)


def test_a_batch_has_its_bounds(host):
    assert "at most 32 files" in problem(post_batch(host, [mask("A")] * 33), 400)
    assert "8388608 are read" in problem(post_batch(host, [b"\0" * (9 << 20)]), 413)
    url = f"http://{host}/predict_batch"
    form = {"content-type": "multipart/form-data; boundary=x"}
    problem(httpx.post(url, content=iter([b"--x--"]), headers=form, timeout=WAIT), 411)
    problem(httpx.post(url, content=b"--x--\r\n", headers=form, timeout=WAIT), 422)
    problem(httpx.post(url, content=b"hello", headers={"content-type": "multipart/form-data"}, timeout=WAIT), 400)
    problem(httpx.post(url, content=mask("A"), headers={"content-type": "image/png"}, timeout=WAIT), 415)


def test_options_of_a_request_hold(host):
    def read(query: str) -> httpx.Response:
        grey = picture((140, 90, 90))
        return httpx.post(
            f"http://{host}/predict{query}", content=grey, headers={"content-type": "image/png"}, timeout=WAIT
        )

    assert read("?threshold=0.99").json()["letter"] is None
    assert read("?threshold=0.2").json()["letter"] == "A"
    assert read("?mask_version=finger-colours-3").status_code == 200
    assert "expects masks of version 'finger-colours-3'" in problem(read("?mask_version=grey-0"), 422)
    assert "threshold is 2, but must be 1 or less" in problem(read("?threshold=2"), 422)
    assert "threshold is 'high'" in problem(read("?threshold=high"), 422)
    assert "no option 'treshold'" in problem(read("?treshold=0.5"), 422)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("?mask_version=grey-0", "Update the client"),
        ("?trail_version=trail-0", "expects trails of version"),
        ("?window=0", "window is 0"),
        ("?window=2.5", "must be a whole number"),
        ("?hold=nan", "hold is nan"),
        ("?frame_rate=0", "frame_rate is 0"),
        ("?votes=3", "no option 'votes'"),
    ],
)
def test_a_stream_with_invalid_options_is_refused_with_a_sentence(host, query, says):
    with pytest.raises(InvalidStatus) as refused:
        stream(host, query)
    assert refused.value.response.status_code == 422
    assert says in json.loads(refused.value.response.body)["detail"]


def test_a_stream_has_the_options_it_asked_for(host):
    with stream(host, "?hold=0&window=1&threshold=0.9&mask_version=finger-colours-3") as socket:
        assert ask(socket, mask("L"))["committed"] == "L"
        assert ask(socket, picture((140, 90, 90)))["letter"] is None


def test_a_stream_without_upgrade_is_refused_with_a_sentence(host):
    answer = httpx.get(f"http://{host}/stream", timeout=WAIT)
    assert "WebSocket" in problem(answer, 426)
    assert answer.headers["upgrade"] == "websocket"


def test_the_newest_frame_wins_and_dropped_ones_are_counted(host):
    with stream(host) as socket:
        for number in range(300):
            socket.send(mask(CLASSES[number % 3]))
        replies = [receive(socket)]
        while replies[-1]["sequence"] < 299:
            replies.append(receive(socket))
    sequences = [reply["sequence"] for reply in replies]
    assert sequences == sorted(set(sequences))
    assert all(reply["letter"] == CLASSES[reply["sequence"] % 3] for reply in replies)
    assert replies[-1]["dropped"] == 300 - len(replies)


def test_a_client_that_never_reads_costs_no_memory_and_harms_nobody(host):
    name, port = host.split(":")
    worker = find_worker(int(port))
    before = worker.memory_info().rss
    content = mask("A")
    frames = memoryview((bytes([0x82, 0xFE]) + len(content).to_bytes(2, "big") + bytes(4) + content) * 1000)
    with socket.socket() as deaf, stream(host) as other:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect((name, int(port)))
        head = "GET /stream HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade"
        key = "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
        deaf.sendall("\r\n".join([*head, *key, "", ""]).encode())
        assert deaf.recv(1024).startswith(b"HTTP/1.1 101")
        deaf.setblocking(False)
        sent, until = 0, time.monotonic() + WAIT
        while sent < MUCH and time.monotonic() < until:
            if select.select([], [deaf], [], 1)[1]:
                sent += deaf.send(frames[sent % len(frames) :])
        assert sent >= MUCH, "the service went on taking frames"
        assert ask(other, mask("B"))["letter"] == "B"
        assert worker.memory_info().rss - before < 64 << 20


def test_metrics_show_what_happens(host):
    with stream(host) as socket:
        ask(socket, mask("A"))
        figures = read_metrics(host)
    assert figures["fingerspell_open_streams"] >= 1
    for network in ("letters", "trail"):
        assert figures[f'fingerspell_model_check_failing_since_seconds{{network="{network}"}}'] == 0
        assert (
            sum(
                value
                for name, value in figures.items()
                if f'fingerspell_model{{architecture="custom_cnn",network="{network}"' in name
            )
            == 1
        )
    assert figures['fingerspell_batch_size_count{network="letters"}'] >= 1
    assert figures["fingerspell_dropped_frames_total"] >= 1
    assert figures['fingerspell_refused_total{status="422"}'] >= 1
    for stage in ("decode", "wait", "inference", "answer"):
        assert figures[f'fingerspell_stage_seconds_count{{stage="{stage}"}}'] >= 1


def test_no_metric_tells_which_letter_was_spelled(host):
    def spell(letter: str) -> dict[str, float]:
        """What the service's own metrics rise by."""
        before = read_metrics(host)
        with stream(host, "?frame_rate=15") as socket:
            assert "".join(ask(socket, mask(letter))["committed"] or "" for _ in range(8)) == letter
        post_batch(host, [mask(letter)] * 3)
        after = read_metrics(host)
        own = [name for name in after if name.startswith("fingerspell_") and not name.startswith(VARYING)]
        return {name: after[name] - before.get(name, 0.0) for name in own}

    spell("A")
    assert spell("A") == spell("B") == spell("L")
    named = [line for line in read_metrics(host) if re.search(rf'"({"|".join(CLASSES)})"', line)]
    assert not named


def test_the_description_is_served_and_names_every_refusal(host):
    served = httpx.get(f"http://{host}/openapi.json", timeout=WAIT).json()
    assert served == json.loads(json.dumps(DESCRIPTION))
    described = {status for path in served["paths"].values() for of in path.values() for status in of["responses"]}
    assert described - {"101", "200"} == {str(status) for status in MEANINGS} - {"405"}


def test_token_origin_and_limits(tmp_path):
    model = write_model(tmp_path / "model.onnx")
    settings = {"TOKEN": TOKEN.replace(" ", "-"), "STREAMS": "2", "STREAMS_PER_CLIENT": "2", "RATE": "6"}
    variables = {f"FINGERSPELL_{name}": value for name, value in settings.items()}
    token = {"authorization": f"Bearer {settings['TOKEN']}"}
    with server(TARGET, tmp_path, ROOT, FINGERSPELL_MODEL=str(model), FINGERSPELL_LOG="json", **variables) as (host, _):
        url = f"http://{host}/model"
        problem(httpx.get(url, timeout=WAIT), 401)
        problem(httpx.get(f"http://{host}/metrics", timeout=WAIT), 401)
        problem(httpx.get(f"http://{host}/docs.json", timeout=WAIT), 401)
        assert read_metrics(host, **token)["fingerspell_open_streams"] == 0
        problem(httpx.get(url, headers=token | {"origin": "https://elsewhere.example"}, timeout=WAIT), 403)
        assert httpx.get(url, headers=token, timeout=WAIT).status_code == 200
        assert httpx.get(f"http://{host}/readyz", timeout=WAIT).status_code == 200, "health checks need no token"
        with pytest.raises(InvalidStatus, match="401"):
            stream(host)
        named = {"host": "elsewhere.example"}
        assert "FINGERSPELL_HOSTS" in problem(httpx.get(url, headers=token | named, timeout=WAIT), 421)
        assert httpx.get(f"http://{host}/readyz", headers=named, timeout=WAIT).status_code == 200
        raw = socket.create_connection(host.split(":"))
        with pytest.raises(InvalidStatus, match="421"):
            connect("ws://elsewhere.example/stream", sock=raw, additional_headers=token, proxy=None)
        with stream(host, additional_headers=token) as one, stream(host, subprotocols=[f"bearer.{settings['TOKEN']}"]):
            assert ask(one, mask("A"))["letter"] == "A"
            with pytest.raises(InvalidStatus, match="429"):
                stream(host, additional_headers=token)
        answers = [httpx.get(url, headers=token, timeout=WAIT).status_code for _ in range(100)]
        assert answers[0] == 200
        assert 429 in answers
    log = (tmp_path / "server.log").read_text()
    events = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert {"answered": 1, "dropped": 0}.items() <= next(
        event for event in events if event["message"] == "stream ended" and event["answered"]
    ).items()
    assert settings["TOKEN"] not in log


def await_log(folder: Path, words: str) -> None:
    """Wait until a server has written something into its log, which is a file."""
    until = time.monotonic() + WAIT
    while words not in (log := (folder / "server.log").read_text()):
        assert time.monotonic() < until, log
        time.sleep(0.02)


def test_another_model_takes_over_while_streams_go_on(tmp_path):
    path = write_model(tmp_path / "model.onnx")
    settings = {"FINGERSPELL_MODEL": str(path), "FINGERSPELL_POLL": "0.2", "FINGERSPELL_RATE": "0"}
    with server(TARGET, tmp_path, ROOT, **settings) as (host, _), stream(host) as socket:
        first = ask(socket, mask("A"))
        (tmp_path / "broken").write_bytes(b"no model")
        (tmp_path / "broken").replace(path)
        await_log(tmp_path, "not an ONNX model")
        assert read_metrics(host)[FAILING_SINCE] > 0
        assert ask(socket, mask("A"))["model"] == first["model"], "an unusable model is not used"
        other = write_model(tmp_path / "elsewhere.onnx", METADATA | {"mask_version": "grey-0"})
        shutil.move(other, path)
        await_log(tmp_path, "Restart the service to use it")
        assert ask(socket, mask("A"))["model"] == first["model"], "nor is one that expects other masks"
        shutil.move(write_model(tmp_path / "next.onnx", METADATA | {"classes": '["X", "Y", "Z"]'}), path)
        replies = [ask(socket, mask("A"))]
        until = time.monotonic() + WAIT
        while replies[-1]["model"] == first["model"] and time.monotonic() < until:
            replies.append(ask(socket, mask("A")))
        assert [reply["sequence"] for reply in replies] == list(range(3, 3 + len(replies))), "no frame was lost"
        assert {(reply["model"], reply["letter"]) for reply in replies} == {
            (first["model"], "A"),
            (replies[-1]["model"], "X"),
        }
        await_log(tmp_path, "the checks for another model succeed again")
        assert read_metrics(host)[FAILING_SINCE] == 0
    assert (tmp_path / "server.log").read_text().count("the model in use stays") == 2, "each reason once"


def test_streams_are_closed_with_1012_when_the_service_ends(tmp_path):
    model = write_model(tmp_path / "model.onnx")
    with server(TARGET, tmp_path, ROOT, FINGERSPELL_MODEL=str(model)) as (host, process), stream(host) as socket:
        assert ask(socket, mask("A"))["letter"] == "A"
        os.killpg(process.pid, signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as closed:
            receive(socket)
        assert closed.value.rcvd.code == 1012  # service restart
        assert process.wait(10) == 0
