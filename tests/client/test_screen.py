"""The screens for signing and recording: mirrored picture, readable text, nothing out of bounds."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from drawn_hand import open_hand

from client.frames import hand_box
from client.mask import FINGER_COLOURS, MASK_SIZE, render_mask
from client.stream.reply import Reply
from client.window.controls import KEYS, Controls
from client.window.drawing import STEADY, TRACK, UNSURE, WAVERING, fit, measure, write
from client.window.layout import SIZE, Layout, find_button
from client.window.recording_screen import draw_recording
from client.window.screen import View, draw_screen
from client.words.spelling import Spelling
from client.words.text import read_text

GREY = np.full((480, 640, 3), 90, np.uint8)
PICTURE = Layout(*SIZE).picture
SIDE = slice(PICTURE[2], None)


def reply(letter=None, smoothed=None, confidence=0.9, progress=0.5):
    return Reply(0, letter, confidence, smoothed, None, progress)


def draw(view, size=SIZE, *, text="", **controls):
    return draw_screen(view, Controls(Spelling(read_text(text)), **controls), size)


def pixels_of(picture, colour):
    return np.argwhere((picture == colour).all(axis=2))


def test_the_picture_is_mirrored_by_default_and_the_frame_unchanged():
    rgb = GREY.copy()
    rgb[:, :100] = (200, 10, 10)
    before = rgb.copy()
    red = [pixels_of(draw(View(rgb=rgb), mirrored=mirrored), (200, 10, 10))[:, 1].mean() for mirrored in (True, False)]
    assert np.array_equal(rgb, before)
    middle = (PICTURE[0] + PICTURE[2]) / 2
    assert red[0] > middle > red[1]


def test_the_hand_is_drawn_where_the_mirror_shows_it():
    points = open_hand()
    points[:, 0] -= 150  # left of the middle, so right of it in the mirror
    for colour in FINGER_COLOURS:
        shown = draw(View(rgb=GREY, points=points))[:, : PICTURE[2]]
        assert pixels_of(shown, colour)[:, 1].min() > (PICTURE[0] + PICTURE[2]) / 2


@pytest.mark.parametrize(
    ("letter", "smoothed", "colour"),
    [("A", "A", STEADY), (None, "A", STEADY), ("A", "B", WAVERING), ("A", None, WAVERING), (None, None, UNSURE)],
)
def test_the_colour_of_the_box_shows_how_sure(letter, smoothed, colour):
    picture = draw(View(rgb=GREY, points=open_hand(), reply=reply(letter, smoothed)))[: PICTURE[3], : PICTURE[2]]
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


def test_the_mask_is_shown_while_it_is_sent_and_not_during_a_pause():
    view = View(rgb=GREY, mask=render_mask(open_hand()))
    assert all(len(pixels_of(draw(view)[:, SIDE], colour)) > 5 for colour in FINGER_COLOURS[1:3])
    assert all(len(pixels_of(draw(view, paused=True)[:, SIDE], colour)) == 0 for colour in FINGER_COLOURS[1:3])


def test_a_trail_has_a_place_beside_the_mask_where_it_is_sent():
    mask, trail = render_mask(open_hand()), np.full((MASK_SIZE, MASK_SIZE, 3), FINGER_COLOURS[0], np.uint8)
    sent = draw(View(rgb=GREY, mask=mask, trail=trail, has_trails=True))[:, SIDE]
    still = draw(View(rgb=GREY, mask=mask, has_trails=True))[:, SIDE]
    red, other = pixels_of(sent, FINGER_COLOURS[0]), pixels_of(sent, FINGER_COLOURS[1])
    assert len(red) > 10_000
    assert other[:, 1].max() < np.median(red[:, 1])
    assert len(pixels_of(still, FINGER_COLOURS[0])) < 1000
    unsent = draw(View(rgb=GREY, mask=mask, trail=trail))[:, SIDE]
    assert np.array_equal(unsent, draw(View(rgb=GREY, mask=mask))[:, SIDE]), "to a service without a trail network"
    paused = draw(View(rgb=GREY, mask=mask, trail=trail, has_trails=True), paused=True)[:, SIDE]
    assert len(pixels_of(paused, FINGER_COLOURS[0])) == 0


def test_more_confidence_and_more_progress_are_longer_bars():
    def full(confidence, progress):
        shown = draw(View(rgb=GREY, reply=reply("A", "A", confidence, progress)))
        return [len(pixels_of(shown[rows, SIDE], STEADY)) for rows in (slice(358, 370), slice(318, 330))]

    shown = [full(*shares) for shares in ((0.2, 0.0), (0.5, 0.4), (1.0, 1.0), (7.0, 7.0))]
    for before, after in pairwise(shown[:3]):
        assert before[0] < after[0]
        assert before[1] < after[1]
    assert shown[2] == shown[3]


def test_the_threshold_is_marked_on_the_bar():
    lines = [draw(View(rgb=GREY, threshold=threshold))[355:357, SIDE] for threshold in (0.3, 0.8)]
    columns = [int(np.argwhere(line.min(axis=(0, 2)) > 200).mean()) for line in lines]
    assert columns[1] - columns[0] == pytest.approx(0.5 * (320 - 48), abs=2)


def test_the_end_of_a_long_text_is_shown():
    bar = slice(PICTURE[3], PICTURE[3] + 76)

    def line(text):
        return draw(View(), text=text)[bar]

    assert not np.array_equal(line("HELLO"), line("HELP"))
    assert np.array_equal(line("X" * 200 + "E"), line("X" * 300 + "E"))
    assert not np.array_equal(line("X" * 200 + "E"), line("X" * 200 + "A"))


@pytest.mark.parametrize("what", ["hint", "problem", "note", "state"])
def test_every_message_is_shown(what):
    assert not np.array_equal(draw(View(rgb=GREY)), draw(View(rgb=GREY, **{what: "Move closer"})))


def test_good_and_bad_states_differ_in_shape_not_only_in_colour():
    rows = slice(20, 37)
    discs = [draw(View(is_ok=is_ok))[rows, SIDE][:, 20:44].max(axis=2) > 120 for is_ok in (True, False)]
    assert discs[0][8, 10]
    assert not discs[1][8, 10]


@pytest.mark.parametrize("panel", ["Help", "Letters"])
def test_panels_cover_the_picture(panel):
    red = np.full((480, 640, 3), (200, 10, 10), np.uint8)
    assert len(pixels_of(draw(View(rgb=red)), (200, 10, 10))) > 100_000
    assert len(pixels_of(draw(View(rgb=red), panel=panel), (200, 10, 10))) == 0


def test_every_button_is_found_under_the_pointer_and_nothing_in_between():
    for size in (SIZE, (640, 480), (1920, 1080)):
        for (left, top, right, bottom), key, _ in Layout(*size).buttons:
            assert find_button((left + right) // 2, (top + bottom) // 2, size) == key
            assert find_button(left - 1, top, size) != key
        assert find_button(10, 10, size) is None
    assert len(Layout(*SIZE).buttons) == len(KEYS)


def test_a_button_that_is_on_looks_so():
    (left, top, _, _), *_ = next(button for button in Layout(*SIZE).buttons if button[2] == "Pause")
    assert tuple(draw(View())[top + 2, left + 2]) == TRACK
    assert tuple(draw(View(), paused=True)[top + 2, left + 2]) == STEADY


@pytest.mark.parametrize("size", [(1280, 720), (640, 480), (1920, 1080), (480, 900), (3000, 400), (10, 10)])
@pytest.mark.parametrize("shape", [(480, 640), (1080, 1920), (640, 48), (1, 1)])
def test_every_size_of_window_and_picture(size, shape):
    view = View(
        rgb=np.zeros((*shape, 3), np.uint8),
        points=open_hand(),
        mask=render_mask(open_hand()),
        reply=reply("space", "space", 1.0, 1.0),
        hint="Show one hand to the camera",
        problem="No service at http://127.0.0.1:3000. " * 4,
        rate=30.0,
        latency=0.02,
    )
    for panel in ("", "Help", "Letters"):
        picture = draw(view, size, text="a long text " * 9, panel=panel)
        assert picture.shape == (max(size[1], 180), max(size[0], 320), 3)


def test_text_is_clipped_at_the_edges_and_scales():
    canvas = np.zeros((40, 60, 3), np.uint8)
    for place in ((-30, 20), (50, 20), (20, -5), (20, 60), (-500, -500)):
        write(canvas, "Ñandú ÜBER", place, 24, (255, 255, 255))
    assert measure("WWWW", 40) > 1.8 * measure("WWWW", 20)
    assert measure("HELLO", fit("HELLO", 100, 50)) <= 51
    assert fit("A", 20, 1000) == 20


def record(rgb=GREY, points=None, *, letter="H", taken=0, wanted=20, recording=False, size=(960, 720), **take):
    return draw_recording(
        rgb, points, letter=letter, taken=taken, wanted=wanted, recording=recording, size=size, **take
    )


def test_the_bar_of_a_take_grows():
    begun, ending = (
        record(points=open_hand(), letter="J", moves=True, recording=True, progress=share) for share in (0.1, 0.9)
    )
    assert len(pixels_of(ending, STEADY)) > len(pixels_of(begun, STEADY)) + 5000


def test_before_a_take_the_screen_says_how_to_record_it_and_afterwards_that_no_hand_moved():
    foot = [record(letter="J", **take)[640:] for take in ({}, {"moves": True}, {"moves": True, "missed": True})]
    assert not any(np.array_equal(one, other) for one, other in pairwise(foot))


@pytest.mark.parametrize(("recording", "colour", "other"), [(True, STEADY, WAVERING), (False, WAVERING, STEADY)])
def test_the_colour_shows_whether_frames_are_recorded(recording, colour, other):
    picture = record(points=open_hand(), recording=recording)
    assert len(pixels_of(picture, colour)) > 1000
    assert len(pixels_of(picture, other)) == 0


def test_the_letter_asked_for_is_shown_without_a_hand_and_its_bar_grows():
    empty, half, full = (record(taken=taken) for taken in (0, 10, 20))
    assert not np.array_equal(record(letter="H"), record(letter="E"))
    assert len(pixels_of(empty, WAVERING)) < len(pixels_of(half, WAVERING)) < len(pixels_of(full, WAVERING))


@pytest.mark.parametrize("side", [(32, 32), (48, 64), (240, 320), (1080, 1920), (640, 480)])
def test_a_picture_of_any_size_is_drawn_in_a_window_of_any_size(side):
    rgb = np.full((*side, 3), 90, np.uint8)
    points = open_hand() * (side[0] / 480)
    for size in ((960, 720), (300, 900), (64, 64)):
        picture = record(rgb, points, letter="W", taken=3, recording=True, size=size)
        assert picture.shape == (size[1], size[0], 3)
    assert (rgb == 90).all()
