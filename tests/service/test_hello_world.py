"""A rendered hand and a real one spell HELLO WORLD, and words, and the client and the service recognise them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from serving import ROOT

from client.capture.demo import FILM
from tests.client.phone_film import retime, turn, write_video

EMPTY = 8
"""Frames of the empty wall before each letter of the film."""


def run_client(source, service, *more):
    done = subprocess.run(
        [sys.executable, "-m", "client", "--source", str(source), "--server", service, "--text", *more],
        cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


PACES = pytest.mark.parametrize(
    "pace", [["--fast"], pytest.param([], marks=pytest.mark.serial)], ids=["fast", "its own"]
)


@pytest.mark.slow
@PACES
def test_a_rendered_hand_is_recognised(words_service, pace):
    assert run_client(FILM, words_service, *pace) == (0, "HELLO WORLD\n", "")


@pytest.mark.slow
def test_the_demonstration_may_ask_the_service(words_service):
    assert run_client("camera", words_service, "--demo", "--fast") == (0, "HELLO WORLD\n", "")


@pytest.mark.slow
@PACES
def test_a_real_hand_is_recognised(words_service, shared, pace):
    assert run_client(shared / "data/helloworld.mp4", words_service, *pace) == (0, "HELLOWORLD\n", "")


@pytest.mark.slow
def test_a_film_of_a_phone_held_upright_whose_camera_slows_down_is_recognised(words_service, shared, tmp_path):
    """H is filmed at 60 frames a second, E and L at 5: by their mean rate they would be too short to count."""
    capture = cv2.VideoCapture(str(shared / "data/helloworld.mp4"))
    frames = [np.rot90(cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB)) for _ in range(99)]
    path = tmp_path / "phone.mp4"
    write_video(path, [frame for frame in frames[:33] for _ in range(4)] + frames[33::3], 30)
    retime(turn(path, 90), [1 / 60] * 33 * 4 + [1 / 5] * 22)
    assert run_client(path, words_service, "--fast", "--no-words") == (0, "HEL\n", "")


@pytest.fixture(scope="module")
def three_words_video(shared, tmp_path_factory):
    """HELLO, REDWOD and OLD, of the letters of HELLOWORLD, with nobody for 1.7 s after each word."""
    capture = cv2.VideoCapture(str(shared / "data/helloworld.mp4"))
    frames = []
    while (got := capture.read())[0]:
        frames.append(cv2.cvtColor(got[1], cv2.COLOR_BGR2RGB))
    held = {each["letter"]: each for each in json.loads((shared / "data/helloworld.json").read_text())}
    shown = []
    for word in ("HELLO", "REDWOD", "OLD"):
        for letter in word:
            first, end = held[letter]["first_frame"], held[letter]["end_frame"]
            shown += frames[max(first - EMPTY, 0) : end] if first else [frames[end + 1]] * EMPTY + frames[:end]
        shown += [frames[held["H"]["end_frame"] + 1]] * 25
    path = tmp_path_factory.mktemp("words") / "three.mp4"
    return write_video(path, shown, 15)


@pytest.mark.slow
def test_three_words_have_spaces_and_a_double_letter_that_was_shown_once(words_service, three_words_video):
    assert run_client(three_words_video, words_service, "--fast") == (0, "HELLO REDWOOD OLD\n", "")
