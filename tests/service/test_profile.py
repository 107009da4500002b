"""Profiles by the real service and the shipped network: made, put in force, refused, outdated; other streams stay."""

from __future__ import annotations

import json

import httpx
import numpy as np
import onnx
import pytest
from websockets.sync.client import connect

from client.mask import render_mask
from client.stream.png import encode_png
from service.batching import Batcher
from service.recogniser import Recogniser
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import synthesize_hands
from tests.service.serving import application, write_model

LETTERS = "ADEKMV"


@pytest.fixture(scope="module")
def hands():
    """Masks of one synthetic signer, by letter, six of each."""
    drawn = synthesize_hands(read_handshapes(), signers=1, samples_per_letter=6, seed=11, non_letters=0)
    return {
        letter: [encode_png(render_mask(each)) for each in drawn.landmarks[drawn.labels == letter]]
        for letter in sorted(set(drawn.labels.tolist()))
    }


@pytest.fixture(scope="module")
def host(shipped_model):
    with application(shipped_model) as host:
        yield host


def form(samples):
    return [(letter, (f"{number}.png", png, "image/png")) for number, (letter, png) in enumerate(samples)]


def make(host, samples):
    return httpx.post(f"http://{host}/profile", files=form(samples), timeout=60)


def swapped(hands, count=4):
    """Samples of somebody who signs K as others sign V, and V as others sign K."""
    signs = {"K": "V", "V": "K"}
    return [(letter, png) for letter in LETTERS for png in hands[signs.get(letter, letter)][:count]]


def ask(socket, message):
    socket.send(message)
    return json.loads(socket.recv(timeout=20))


def test_a_profile_makes_the_service_read_the_signers_own_letters(host, hands):
    reply = make(host, swapped(hands))
    assert reply.status_code == 200
    profile = reply.json()
    assert {each["letter"] for each in profile["letters"]} == set(LETTERS)
    k = next(each for each in profile["letters"] if each["letter"] == "K")
    assert (k["samples"], k["before"]) == (4, 0.0)
    assert k["after"] == 1.0
    assert len(reply.content) < 60_000
    with connect(f"ws://{host}/stream") as socket:
        assert ask(socket, hands["V"][5])["top"][0]["letter"] == "V"
        assert ask(socket, json.dumps({"profile": profile["correction"]}))["profile"] == "in force"
        personal = ask(socket, hands["V"][5])
        assert (personal["top"][0]["letter"], personal["sequence"]) == ("K", 1)
        assert ask(socket, hands["A"][5])["top"][0]["letter"] == "A"
        assert ask(socket, json.dumps({"profile": None}))["profile"] == "none"
        assert ask(socket, hands["V"][5])["top"][0]["letter"] == "V"


def test_a_letter_that_was_not_enrolled_keeps_what_the_network_reads(host, hands):
    correction = make(host, [("M", png) for png in hands["M"][:3]]).json()["correction"]
    others = [letter for letter in hands if letter not in LETTERS]
    with connect(f"ws://{host}/stream") as socket:
        before = [ask(socket, hands[letter][5])["top"][0]["letter"] for letter in others]
        ask(socket, json.dumps({"profile": correction}))
        after = [ask(socket, hands[letter][5])["top"][0]["letter"] for letter in others]
    assert before == after


def test_predict_takes_a_profile_too(host, hands):
    correction = make(host, swapped(hands)).json()["correction"]
    files = {"mask": hands["V"][5], "profile": json.dumps(correction).encode()}
    assert httpx.post(f"http://{host}/predict", files=files, timeout=20).json()["top"][0]["letter"] == "K"
    alone = httpx.post(f"http://{host}/predict", files={"mask": hands["V"][5]}, timeout=20)
    assert (alone.status_code, "two files" in alone.json()["detail"]) == (422, True)


def test_letters_that_are_signed_alike_and_samples_that_do_not_fit_are_named(host, hands):
    samples = [(letter, png) for letter in "ADK" for png in hands[letter][:5]]
    samples += [("M", png) for png in hands["A"][:4]]
    assert ["A", "M"] in make(host, samples).json()["alike"]
    slipped = [(letter, png) for letter in "ADKV" for png in hands[letter][:5]]
    slipped[7] = ("D", hands["A"][5])
    reply = make(host, slipped).json()
    assert reply["dropped"] == [{"sample": 7, "letter": "D", "reads": "A"}]
    assert next(each for each in reply["letters"] if each["letter"] == "D")["used"] == 4


BAD = {
    "unknown letter": ([("J", b"x")], 422, "does not know the letter 'J'"),
    "a hand that shows none": ([("nothing", b"x")], 422, "does not know the letter 'nothing'"),
    "no png": ([("A", b"hello")], 400, "mask 0: The data is not a PNG"),
    "too many of one": ([("A", b"x")] * 21, 422, "21 masks show A: at most 20"),
    "too many": ([("A", b"x")] * 401, 400, "at most 400 files"),
}


@pytest.mark.parametrize(("samples", "status", "says"), BAD.values(), ids=BAD)
def test_samples_that_cannot_be_used_are_refused(host, samples, status, says):
    reply = make(host, samples)
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
    assert says in reply.json()["detail"]


def damage(correction, **changes):
    return json.dumps({"profile": {**correction, **changes}})


def test_a_profile_that_cannot_be_used_is_refused_and_what_was_in_force_stays(host, hands):
    good = make(host, swapped(hands)).json()["correction"]
    bad = [
        "hello", "", "null", "[1]", "{}", "{" * 10_000, '{"profile": 3}', '{"profile": {}}',
        '{"profile": null, "more": 1}',
        damage(good, weights=good["weights"][:-8]), damage(good, weights="not base64!"), damage(good, weights=""),
        damage(good, bias=good["bias"][:-1]), damage(good, bias=[1e300] * len(good["bias"])),
        damage(good, scale=["x"]), damage(good, counts=good["counts"] * 50), damage(good, extra=1),
        json.dumps({"profile": good}).replace(str(good["bias"][0]), "NaN", 1),
    ]  # fmt: skip
    with connect(f"ws://{host}/stream") as socket:
        assert ask(socket, json.dumps({"profile": good}))["profile"] == "in force"
        for message in bad:
            reply = ask(socket, message)
            assert (reply["profile"], len(reply["error"]) > 20) == ("refused", True), message[:60]
            assert ask(socket, hands["V"][5])["top"][0]["letter"] == "K"
        other = ask(socket, damage(good, model="0123456789ab"))
        assert (other["profile"], "for model '0123456789ab'" in other["error"]) == ("outdated", True)
        assert ask(socket, hands["V"][5])["top"][0]["letter"] == "V"


def test_a_stream_is_told_when_its_profile_is_for_an_older_model(shipped_model, hands, tmp_path):
    newer = tmp_path / "newer.onnx"
    graph = onnx.load(shipped_model)
    graph.doc_string = "another file, so another version"
    onnx.save(graph, newer)
    second, batcher = Recogniser(newer), Batcher(Recogniser(shipped_model))
    with application(shipped_model, batcher=batcher) as host:
        correction = make(host, swapped(hands)).json()["correction"]
        with connect(f"ws://{host}/stream") as socket:
            ask(socket, json.dumps({"profile": correction}))
            batcher.replace_model(second)
            news = ask(socket, hands["V"][5])
            assert news == {"profile": "outdated", "model": second.version, "error": None}
            assert json.loads(socket.recv(timeout=20))["top"][0]["letter"] == "V"
            again = make(host, swapped(hands)).json()["correction"]
            assert ask(socket, json.dumps({"profile": again}))["profile"] == "in force"
            assert ask(socket, hands["V"][5])["top"][0]["letter"] == "K"


def test_other_streams_read_what_they_did(host, hands):
    correction = make(host, swapped(hands)).json()["correction"]
    with connect(f"ws://{host}/stream") as one, connect(f"ws://{host}/stream") as other:
        plain = [ask(other, hands[letter][5])["top"] for letter in LETTERS]
        ask(one, json.dumps({"profile": correction}))
        for letter, expected in zip(LETTERS, plain, strict=True):
            ask(one, hands[letter][5])
            assert ask(other, hands[letter][5])["top"] == expected


def test_a_model_of_an_older_release_makes_no_profiles(tmp_path):
    with application(write_model(tmp_path / "old.onnx")) as host:
        reply = make(host, [("A", encode_png(np.zeros((224, 224, 3), np.uint8)))])
    assert (reply.status_code, "release without profiles" in reply.json()["detail"]) == (501, True)
