"""A short run of the service's fuzzer: known attacks and some hundred mutations, and that it notices a wrong answer."""

from __future__ import annotations

import asyncio

from serving import mask

from fuzz.service import Tally, attack, corpus, http


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
