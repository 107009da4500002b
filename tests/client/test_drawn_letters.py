"""Letters that are drawn in the air, from a film to the text: what is sent while a hand moves, what it replaces."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from trail_service import TrailService

from client.__main__ import main
from client.mask import MASK_SIZE, TRAIL_VERSION


def item(letter, *, committed=True):
    return {"alternatives": [{"letter": letter, "confidence": 0.9}], "seconds": 0.4, "committed": committed}


def height(png):
    return len(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR))


def test_a_trail_is_sent_while_the_hand_moves_and_the_drawn_letter_replaces_what_it_looked_like(moving_video, capsys):
    replies = [{} for _ in range(60)]
    replies[12] = {"committed": "I", "segments": [item("I")]}
    replies[30] = {"segments": [item("X", committed=False)]}
    replaced = [item("I"), item("X", committed=False)]
    replies[45] = {"committed": "J", "segments": [item("J")], "replaced": replaced}
    service = TrailService(*replies)
    with service.running() as address:
        arguments = ["--source", str(moving_video), "--server", address, "--headless", "--fast", "--no-words"]
        assert main(arguments) == 0
    heights = [height(message[8:]) for message in service.received]
    assert set(heights[:24]) == {MASK_SIZE}
    assert set(heights[28:34]) == set(heights[40:46]) == {2 * MASK_SIZE}
    assert heights[-1] == MASK_SIZE, "the hand has been still for a moment"
    assert f"trail_version={TRAIL_VERSION}" in service.paths[-1]
    *frames, end = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["committed"], line["replaced"]) for line in frames if line["committed"]] == [("I", []), ("J", ["I"])]
    assert end == {"text": "J"}


@pytest.mark.parametrize("replaced", [[], [item("Y")]])
def test_what_is_not_the_end_of_the_word_stays(moving_video, capsys, replaced):
    replies = [{} for _ in range(60)]
    replies[12] = {"committed": "I", "segments": [item("I")]}
    replies[45] = {"committed": "J", "segments": [item("J")], "replaced": replaced}
    with TrailService(*replies).running() as address:
        assert main(["--source", str(moving_video), "--server", address, "--text", "--fast", "--no-words"]) == 0
    assert capsys.readouterr().out == "IJ\n"
