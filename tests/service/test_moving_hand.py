"""J and Z, from landmarks to letters: the client's connection, a real service and the networks that are shipped."""

from __future__ import annotations

import numpy as np
import pytest
from test_hello_world import run_client

from client.mask import render_mask
from client.stream.connection import Connection
from client.trail import Trail
from client.words.text import Text
from stages.hand.handshapes import read_handshapes
from stages.hand.movements import synthesize_movements

COUNT = 15
"""Movements of each kind."""


@pytest.fixture(scope="module")
def texts(words_service):
    """What is recognised of synthetic hands that have just drawn a letter, or do something else, by kind."""
    moved = synthesize_movements(read_handshapes(), 400, 11)
    kinds = np.where(np.isin(moved.labels, ["J", "Z"]), moved.labels, moved.kinds)
    found = {}
    for kind in ("J", "Z", "still", "spelling", "coming"):
        rows = np.flatnonzero(kinds == kind)[:COUNT]
        found[kind] = [send(words_service, moved.landmarks[row] * 100, moved.times[row]) for row in rows]
        assert len(rows) == COUNT
    return found


def send(service, landmarks, times):
    """Send one movement as a client does, then half a second without a hand; returns the text by a client's rule."""
    connection, trail, text, rest = Connection(service, timed=True), Trail(), Text(), times[-1] + np.arange(1, 9) / 15
    assert connection.has_trails
    hands = [hand if np.isfinite(hand).all() else None for hand in landmarks] + [None] * len(rest)
    for hand, time in zip(hands, [*times, *rest], strict=True):
        if not np.isfinite(time):
            continue
        trail.add(time, hand)
        drawn = None if hand is None else trail.draw()
        reply = connection.ask(None if hand is None else render_mask(hand), float(time), drawn)
        text = text.take_back(reply.replaced)
        for segment in reply.spelled:
            text = text.add(segment)
    connection.close()
    return str(text)


@pytest.mark.slow
@pytest.mark.parametrize("letter", ["J", "Z"])
def test_drawn_letters_are_recognised(texts, letter):
    assert sum(letter in text for text in texts[letter]) >= COUNT // 2, texts[letter]


@pytest.mark.slow
def test_hands_that_draw_nothing_are_not_taken_for_j_or_z(texts):
    others = [text for kind in ("still", "spelling", "coming") for text in texts[kind]]
    assert sum("J" in text or "Z" in text for text in others) <= 1, others


@pytest.mark.slow
@pytest.mark.parametrize("letter", ["J", "Z"])
def test_a_person_s_film_is_exact(words_service, shared, letter):
    film = shared / f"data/films/aw09/{letter}.mp4"
    assert run_client(film, words_service, "--fast", "--no-words") == (0, f"{letter}\n", "")
