"""The demonstration: the film of a rendered hand, and the small recogniser that reads it."""

from __future__ import annotations

import itertools
import string
from importlib import resources

import numpy as np

from client.capture.demo import FILM, open_demo
from client.frames import Frame
from client.landmarks import Hand, HandLandmarker
from client.letters import chart_pictures, letter_pictures, letter_shapes
from client.stream.demo import DemoRecogniser
from client.stream.pipeline import Detection


def test_the_film_ends_if_it_is_fast():
    film = open_demo(fast=True)
    frames = list(film)
    assert (film.live, film.frame_rate) == (False, 30.0)
    assert 300 < len(frames) < 600
    assert {frame.rgb.shape for frame in frames} == {(480, 640, 3)}


def test_the_film_plays_at_its_own_pace_over_and_over(monkeypatch):
    film = open_demo(fast=False)
    first, *_, last = itertools.islice(film, 12)
    assert film.live
    assert last.captured - first.captured >= 11 / 30 - 0.02
    monkeypatch.setattr("client.capture.camera.time.sleep", lambda _: None)
    times = [frame.time for frame in itertools.islice(open_demo(fast=False), 700)]
    assert np.allclose(np.diff(times), 1 / 30, atol=0.002)


def test_the_film_is_small_enough_for_a_package():
    with open(FILM, "rb") as film:  # noqa: PTH123 - a file of the package is named by a text
        assert len(film.read()) <= 700_000


def test_there_is_a_small_picture_of_each_letter_with_a_hand_in_it():
    assert len(resources.files("client").joinpath("letters.webp").read_bytes()) <= 120_000
    assert list(letter_pictures()) == list(letter_shapes())
    with HandLandmarker("image") as landmarker:
        for letter, picture in letter_pictures().items():
            assert picture.shape == (220, 220, 3)
            hand = landmarker.detect(picture)
            assert hand is not None, letter
            extents = [np.ptp(points[:, :2], axis=0) for points in (hand.landmarks, letter_shapes()[letter])]
            np.testing.assert_allclose(extents[0] / extents[0].max(), extents[1] / extents[1].max(), atol=0.1)


def test_the_chart_has_all_letters_and_the_paths_of_those_that_move():
    chart = chart_pictures()
    assert "".join(chart) == string.ascii_uppercase
    for letter, shape, finger in (("J", "I", 20), ("Z", "D", 8)):
        changed = np.argwhere((chart[letter] != letter_pictures()[shape]).any(axis=2))[:, ::-1]
        with HandLandmarker("image") as landmarker:
            tip = landmarker.detect(letter_pictures()[shape]).landmarks[finger, :2]
        assert np.abs(changed - tip).sum(axis=1).min() < 40, "the path begins at the fingertip"
        assert np.ptp(changed, axis=0).max() > 100
    assert all(chart[letter] is picture for letter, picture in letter_pictures().items())


def test_each_letter_that_is_held_is_committed_once():
    recogniser, replies = DemoRecogniser(), []
    shapes = letter_shapes()
    assert "".join(shapes) == "ABCDEFGHIKLMNOPQRSTUVWXY"
    for number, frame in enumerate(np.arange(len(shapes) * 12) / 30):
        shape = list(shapes.values())[number // 12]
        assert shape.shape == (21, 3)
        hand = Hand(shape * 120 + np.float32([320, 240, 0]), "Right", 1.0)
        grey = np.zeros((480, 640, 3), np.uint8)
        replies.append(recogniser.recognise(Detection(Frame(grey, number, frame), hand, None, 0.0, 0.0, 0.0)))
    assert "".join(reply.committed or "" for reply in replies) == "".join(shapes)
    assert all(0.0 <= reply.confidence <= 1.0 and 0.0 <= reply.progress <= 1.0 for reply in replies)
