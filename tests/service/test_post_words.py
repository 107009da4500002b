"""`POST /words` and the segments of a stream, on a served model."""

from __future__ import annotations

import json

import httpx
import pytest
from serving import mask
from websockets.sync.client import connect

SPELLED = [
    {"alternatives": [{"letter": letter, "confidence": 0.98}], "seconds": 0.4, "committed": committed}
    for letter, committed in (("B", True), ("A", False), ("L", True), ("L", True))
]


def test_words_are_found_for_letters(host):
    reply = httpx.post(f"http://{host}/words", json={"segments": SPELLED}).raise_for_status().json()
    assert reply["accepted"] == "BALL"
    assert reply["words"][0]["word"] == "BALL"
    assert reply["as_read"]["word"] == "BLL"


def test_a_words_reply_takes_the_signers_own_words(host):
    own = httpx.post(f"http://{host}/words", json={"segments": SPELLED[:3], "own": ["BALO"]})
    assert "BALO" in {each["word"] for each in own.raise_for_status().json()["words"]}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"segments": []}, 422),
        ({"segments": SPELLED * 17}, 422),
        ({"segments": [SPELLED[0] | {"alternatives": []}]}, 422),
        ({"segments": [SPELLED[0] | {"alternatives": [{"letter": "Ä", "confidence": 1}]}]}, 422),
        ({"segments": [SPELLED[0] | {"alternatives": [{"letter": "A", "confidence": 2}]}]}, 422),
        ({"segments": [SPELLED[0] | {"seconds": -1}]}, 422),
        ({"own": ["A"] * 501}, 422),
        ({"own": ["lower"]}, 422),
        ({"more": 1}, 422),
        ({"own": ["A" * 100_000, "A" * 100_000]}, 413),
    ],
)
def test_what_is_no_request_for_words_is_refused(host, change, status):
    reply = httpx.post(f"http://{host}/words", json={"segments": SPELLED} | change)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["detail"].endswith((".", "/openapi.json"))


def test_words_must_be_json(host):
    assert httpx.post(f"http://{host}/words", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
    empty = httpx.post(f"http://{host}/words", content=b"", headers={"Content-Type": "application/json"})
    assert empty.status_code == 422


def test_a_stream_gives_committed_letters_with_alternatives(host):
    with connect(f"ws://{host}/stream?frame_rate=15&hold=0.2") as stream:
        found = []
        for _ in range(12):
            stream.send(mask("A"))
            reply = json.loads(stream.recv())
            assert bool(reply["segments"]) == bool(reply["committed"])
            found += reply["segments"]
    (segment,) = found
    assert segment["committed"]
    assert segment["alternatives"][0]["letter"] == "A"
