"""Drawing: mirrored picture, readable writing, nothing out of bounds."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_hand import open_hand

from client.mask import FINGER_COLOURS, render_mask
from client.overlay import STEADY, UNSURE, WAVERING, draw_overlay, draw_recording, hand_box

GREY = np.full((480, 640, 3), 90, np.uint8)


def draw(rgb=GREY, points=None, mask=None, *, letter=None, smoothed=None, confidence=0.0, text=""):
    return draw_overlay(rgb, points, mask, letter=letter, smoothed=smoothed, confidence=confidence, text=text)


def pixels_of(picture, colour):
    return np.argwhere((picture == colour).all(axis=2))


def test_the_picture_is_mirrored_and_the_frame_left_alone():
    rgb = GREY.copy()
    rgb[200:240, :40] = (200, 10, 10)
    before = rgb.copy()
    picture = draw(rgb)
    assert np.array_equal(rgb, before)
    assert (picture[200:240, -40:] == (200, 10, 10)).all()
    assert picture.shape == rgb.shape
    assert picture.dtype == np.uint8


def test_the_hand_is_drawn_where_the_mirror_shows_it():
    points = open_hand()
    points[:, 0] -= 150  # left of the middle, so right of it in the mirror
    for colour in FINGER_COLOURS:
        assert pixels_of(draw(points=points), colour)[:, 1].min() > 320


@pytest.mark.parametrize(
    ("letter", "smoothed", "colour"),
    [("A", "A", STEADY), ("A", "B", WAVERING), ("A", None, WAVERING), (None, "A", UNSURE)],
)
def test_the_colour_says_how_sure(letter, smoothed, colour):
    picture = draw(points=open_hand(), letter=letter, smoothed=smoothed, confidence=0.9)
    for other in (STEADY, WAVERING, UNSURE):
        assert (len(pixels_of(picture, other)) > 100) == (other == colour)


def test_the_box_is_the_square_that_the_mask_shows():
    points = open_hand()
    x0, y0, x1, y1 = hand_box(points, GREY.shape)
    assert abs((x1 - x0) - (y1 - y0)) <= 1
    assert x0 < points[:, 0].min() < points[:, 0].max() < x1
    assert y0 < points[:, 1].min() < points[:, 1].max() < y1
    points[:, 0] -= 200
    assert hand_box(points, GREY.shape)[0] == 0  # cut to the picture


def test_the_mask_stands_in_the_upper_right_corner():
    mask = render_mask(open_hand())
    shown = draw(mask=mask)[12:124, -124:-12]
    assert np.abs(shown[::-1][::-1].astype(int) - mask[::2, ::-2]).mean() < 12
    assert (draw()[12:124, -124:-12] == 90).all()


def test_more_confidence_is_a_longer_bar():
    lengths = [
        len(pixels_of(draw(points=open_hand(), confidence=c)[108:118, 20:120], UNSURE)) for c in (0.0, 0.5, 1.0, 7.0)
    ]
    assert lengths[0] < lengths[1] < lengths[2] == lengths[3]


def test_text_is_written_and_its_end_kept():
    bar = slice(430, 480)
    assert not np.array_equal(draw(text="HELLO")[bar], draw(text="HELP")[bar])
    assert np.array_equal(draw(text="X" * 200 + "E")[bar], draw(text="X" * 300 + "E")[bar])
    assert not np.array_equal(draw(text="X" * 200 + "E")[bar], draw(text="X" * 200 + "A")[bar])


@pytest.mark.parametrize("shape", [(480, 640), (1080, 1920), (120, 160), (640, 48), (16, 16), (1, 1)])
def test_every_size_of_picture(shape):
    picture = draw(
        np.zeros((*shape, 3), np.uint8),
        open_hand(),
        render_mask(open_hand()),
        letter="space",
        smoothed="space",
        confidence=1.0,
        text="a long text " * 9,
    )
    assert picture.shape == (*shape, 3)


def record(rgb=GREY, points=None, mask=None, *, letter="H", taken=0, wanted=20, recording=False):
    return draw_recording(rgb, points, mask, letter=letter, taken=taken, wanted=wanted, recording=recording)


@pytest.mark.parametrize(("recording", "colour", "other"), [(True, STEADY, WAVERING), (False, WAVERING, STEADY)])
def test_the_colour_says_whether_frames_are_taken(recording, colour, other):
    picture = record(points=open_hand(), recording=recording)
    assert len(pixels_of(picture, colour)) > 1000
    assert len(pixels_of(picture, other)) == 0


def test_the_letter_asked_for_stands_there_without_a_hand_and_its_bar_grows():
    empty, half, full = (record(taken=taken) for taken in (0, 10, 20))
    assert not np.array_equal(record(letter="H"), record(letter="E"))
    assert len(pixels_of(empty, WAVERING)) < len(pixels_of(half, WAVERING)) < len(pixels_of(full, WAVERING))


@pytest.mark.parametrize("side", [(32, 32), (48, 64), (240, 320), (1080, 1920), (640, 480)])
def test_a_picture_of_any_size_is_drawn_on(side):
    rgb = np.full((*side, 3), 90, np.uint8)
    points = open_hand() * (side[0] / 480)
    picture = record(rgb, points, render_mask(points), letter="W", taken=3, recording=True)
    assert picture.shape == rgb.shape
    assert (rgb == 90).all()
