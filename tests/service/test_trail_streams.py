"""J and Z on a real stream: masks with trails below them, two networks, and services with and without the second."""

from __future__ import annotations

import json
import struct

import httpx
import pytest
from serving import DRAWN, TRAIL_METADATA, application, mask, moving_mask, write_model, write_trail_model, write_words
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from client.mask import TRAIL_VERSION
from service.errors import ServiceError
from service.models import choose_trail_source
from service.settings import Settings

WAIT = 20
LETTERS = json.dumps(["D", "B", "I"])
"""What the tiny letters' network takes red, green and blue for in these tests."""


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """'host:port' of a service with a trail network; `mask("L")` is an I, `mask("A")` a D."""
    folder = tmp_path_factory.mktemp("drawn")
    model = write_model(
        folder / "model.onnx", TRAIL_METADATA | {"classes": LETTERS, "mask_version": "finger-colours-3"}
    )
    words = str(write_words(folder / "vocabulary.tsv"))
    with application(model, trail=write_trail_model(folder / "trail.onnx"), vocabulary=words) as address:
        yield address


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The same without a trail network."""
    folder = tmp_path_factory.mktemp("plain")
    with application(write_model(folder / "model.onnx", TRAIL_METADATA | {"classes": LETTERS})) as address:
        yield address


def spell(host, messages, query="", rate=15.0):
    """Send timed messages and return the replies, and the segments and the text by a client's rule."""
    told, text = [], ""
    with connect(f"ws://{host}/stream?timed=true{query}", open_timeout=WAIT, compression=None) as socket:
        replies = []
        for number, message in enumerate(messages):
            socket.send(struct.pack(">d", number / rate) + message)
            replies.append(json.loads(socket.recv(timeout=WAIT)))
    for reply in replies:
        for each in reversed(reply["replaced"]):
            assert told.pop() == each
            text = text[:-1] if each["committed"] else text
        told += reply["segments"]
        text += reply["committed"] or ""
    return replies, told, text


DRAW_J = [mask("L")] * 8 + [moving_mask("L", "nothing")] * 3 + [moving_mask("B", "J")] * 5 + [b""] * 6


@pytest.mark.parametrize("query", ["", f"&trail_version={TRAIL_VERSION}"])
def test_an_i_in_the_text_becomes_a_j(host, query):
    replies, told, text = spell(host, DRAW_J + [mask("B")] * 8, query)
    assert [reply["committed"] for reply in replies if reply["committed"]] == ["I", "J", "B"]
    assert text == "JB"
    (drawn,) = [reply for reply in replies if reply["committed"] == "J"]
    assert [each["alternatives"][0]["letter"] for each in drawn["replaced"]] == ["I"]
    assert [each["letter"] for each in drawn["segments"][-1]["alternatives"]] == ["J", "I"]
    answer = httpx.post(f"http://{host}/words", json={"segments": told, "own": ["JB"]}, timeout=WAIT)
    assert (answer.status_code, answer.json()["as_read"]["word"]) == (200, "JB")


def test_two_z_in_a_row(host):
    draw = [mask("A")] * 4 + [moving_mask("A", "Z")] * 5 + [moving_mask("A", "nothing")] * 8
    assert spell(host, draw * 2)[2] == "ZZ"


def test_without_a_trail_network_trails_are_ignored(plain):
    replies, _, text = spell(plain, DRAW_J, "&trail_version=any")
    assert text == "I"
    assert not any(reply["replaced"] for reply in replies)


def test_trails_of_another_version_are_refused(host):
    with pytest.raises(InvalidStatus) as refused:
        spell(host, [], "&trail_version=trail-0")
    assert refused.value.response.status_code == 422
    assert f"expects trails of version '{TRAIL_VERSION}'" in json.loads(refused.value.response.body)["detail"]


def test_a_damaged_trail_is_an_error_and_the_stream_goes_on(host):
    with connect(f"ws://{host}/stream", open_timeout=WAIT, compression=None) as socket:
        for message, status in ((moving_mask("L", "J")[:-20], 400), (moving_mask("L", "J"), None)):
            socket.send(message)
            assert json.loads(socket.recv(timeout=WAIT)).get("status") == status


def test_a_request_takes_no_trail(host):
    answer = httpx.post(
        f"http://{host}/predict", content=moving_mask("L", "J"), headers={"content-type": "image/png"}, timeout=WAIT
    )
    assert (answer.status_code, "only a stream takes" in answer.json()["detail"]) == (422, True)


def test_the_trail_network_is_described(host, plain):
    trail = httpx.get(f"http://{host}/model", timeout=WAIT).json()["trail"]
    assert trail == {
        "version": trail["version"],
        "classes": DRAWN,
        "trail_version": TRAIL_VERSION,
        "architecture": "custom_cnn",
        "provider": "CPUExecutionProvider",
    }
    assert httpx.get(f"http://{plain}/model", timeout=WAIT).json()["trail"] is None


def test_a_model_of_letters_is_no_trail_network(tmp_path):
    path = write_model(tmp_path / "model.onnx")
    source = choose_trail_source(Settings(trail=str(path)))
    with pytest.raises(ServiceError, match=r"no trail network: its classes lack J, Z\. Set FINGERSPELL_TRAIL"):
        source.open()


def test_the_trail_networks_source_is_checked_like_the_other():
    assert choose_trail_source(Settings()) is None
    with pytest.raises(
        ServiceError, match="FINGERSPELL_TRAIL is 'models:/x', but must be a path or models:/NAME@ALIAS"
    ):
        choose_trail_source(Settings(trail="models:/x"))
    with pytest.raises(ServiceError, match="there is no model to read"):
        choose_trail_source(Settings(trail="nowhere.onnx")).open()
