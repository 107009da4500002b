"""The fuzzer of the service in small: known evils and some hundred mutations, and that it notices what is wrong."""

from __future__ import annotations

import asyncio

import pytest
from serving import ROOT, mask, server, write_model

from fuzz.service import Tally, attack, corpus, http


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    model = write_model(folder / "model.onnx")
    with server("service.service:Fingerspell", folder, ROOT, FINGERSPELL_MODEL=str(model), FINGERSPELL_RATE="0") as (
        address,
        _,
    ):
        yield address


def test_nothing_broken_is_answered_with_a_server_error(host):
    tally = asyncio.run(attack(host, mask("A"), count=800, seed=1))
    assert not tally.wrong
    known = len(list(corpus(mask("A"))))
    assert tally.statuses.total() == 800 + known
    assert {"101", "400", "404", "405", "415", "422", "426", "message"} <= set(tally.statuses)


def test_a_server_error_is_noticed():
    tally = Tally()
    tally.add("body", 500, http("POST", "/predict", "image/png", b"x"))
    assert "status 500" in tally.wrong[0]
