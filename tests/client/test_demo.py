"""The demonstration: a synthetic hand spells, and the small recogniser recognises it."""

from __future__ import annotations

import numpy as np
import pytest

from client.capture.demo import SIZE, DemoSigner, draw_frame
from client.letters import letter_shapes
from client.stream.demo import DemoRecogniser
from client.stream.pipeline import find_hands
from stages.commands.letter_shapes import LETTERS, as_json
from stages.commands.letter_shapes import letter_shapes as posed


@pytest.mark.parametrize("text", ["HELLO WORLD", "ABCDEFGHIKLMNOPQRSTUVWXY", "AA B"])
def test_what_the_hand_spells_is_recognised(text):
    signer, recogniser = DemoSigner(text), DemoRecogniser()
    detections = find_hands(signer.film(live=False, once=True), signer.find, lambda _: None)
    replies = [recogniser.recognise(detection) for detection in detections]
    assert "".join(reply.committed or "" for reply in replies) == text.replace(" ", "")
    assert {reply.letter for reply in replies} >= {None, *text.replace(" ", "")}
    assert all(0.0 <= reply.confidence <= 1.0 and 0.0 <= reply.progress <= 1.0 for reply in replies)


def test_the_hand_stays_in_the_picture_and_can_be_seen():
    signer = DemoSigner("GLPY")
    for frame in signer.film(live=False, once=True):
        hand = signer.find(frame)
        assert frame.rgb.shape == (SIZE[1], SIZE[0], 3)
        if hand is None:
            assert np.array_equal(frame.rgb, draw_frame(None))
        else:
            assert (hand.landmarks[:, :2] > 0).all()
            assert (hand.landmarks[:, :2] < SIZE).all()
            assert not np.array_equal(frame.rgb, draw_frame(None))


def test_it_plays_at_its_own_pace_and_over_and_over():
    frames = iter(DemoSigner("A").film(live=True, once=False))
    first, *_, last = [next(frames) for _ in range(12)]
    assert last.captured - first.captured >= 11 / 30 - 0.02
    film = DemoSigner("A").film(live=False, once=False)
    assert next(frame.index for frame in film if frame.index > 300) == 301


def test_the_letters_of_the_client_are_those_of_the_kinematic_hand():
    assert LETTERS.read_text(encoding="utf-8") == as_json(posed())
    assert sorted(letter_shapes()) == sorted("ABCDEFGHIKLMNOPQRSTUVWXY")
    assert all(shape.shape == (21, 3) for shape in letter_shapes().values())
