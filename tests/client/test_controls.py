"""What keys do to the text and to what is shown."""

from __future__ import annotations

import pytest

from client.stream.reply import Reply, Segment
from client.window.controls import HELP, KEYS, Controls
from client.words.spelling import Spelling
from client.words.text import read_text


def spelled(text):
    return Controls(Spelling(read_text(text)))


@pytest.mark.parametrize(
    ("key", "after"),
    [
        (8, "H"),
        (127, "H"),
        (ord(" "), "HI "),
        (ord("x"), ""),
        (ord("1"), "HI"),
        (ord("r"), "HI"),
        (-1, "HI"),
        (255, "HI"),
    ],
)
def test_keys_edit_the_text(key, after):
    controls = spelled("HI")
    controls.press(key, 0.0)
    assert str(controls.spelling.text) == after


def test_a_text_that_was_cleared_comes_back_though_another_was_signed_and_cleared_since():
    controls = spelled("HELLO")
    assert controls.press(ord("x"), 0.0) == "cleared"
    assert controls.press(ord("X"), 1.0) == "", "there is nothing to clear"
    letter = Segment.certain("A")
    controls.spelling.see(Reply(0, "A", 1.0, "A", "A", 1.0, (letter,)), 2.0, has_hand=True)
    assert controls.press(ord("x"), 3.0) == "cleared"
    texts = []
    while controls.press(ord("z"), 4.0) == "undone":
        texts.append(str(controls.spelling.text))
    assert texts == ["A", "", "HELLO"]


def test_fifty_changes_are_undone_and_then_there_is_nothing_to_undo():
    controls = spelled("A" * 60)
    controls.press(ord("v"), 0.0)  # which switches words off, and changes no text
    for _ in range(55):
        controls.press(127, 0.0)
    actions = [controls.press(ord("z"), 0.0) for _ in range(51)]
    assert actions == ["undone"] * 50 + ["nothing to undo"]
    assert str(controls.spelling.text) == "A" * 55


@pytest.mark.parametrize(("pause", "after"), [(0.3, "HELLO "), (0.5, "HELLO WOR")])
def test_delete_twice_at_once_takes_back_the_word(pause, after):
    controls = spelled("HELLO WORLD")
    controls.press(8, 7.0)
    controls.press(8, 7.0 + pause)
    assert str(controls.spelling.text) == after


def test_words_go_off_and_on():
    controls = Controls()
    for is_on in (False, True):
        controls.press(ord("v"), 0.0)
        assert controls.spelling.is_on == is_on


@pytest.mark.parametrize(("key", "action"), [("c", "copy"), ("s", "speak"), ("q", "quit"), ("Q", "quit")])
def test_what_the_session_has_to_do_is_returned(key, action):
    assert spelled("HI").press(ord(key), 0.0) == action


def test_mirror_and_pause_go_on_and_off():
    controls = Controls()
    for _ in range(2):
        before = controls.mirrored, controls.paused
        controls.press(ord("m"), 0.0)
        controls.press(ord("p"), 0.0)
        assert (controls.mirrored, controls.paused) == (not before[0], not before[1])


def test_one_panel_at_a_time_covers_the_picture_and_escape_closes_it_first():
    controls = Controls()
    controls.press(ord("h"), 0.0)
    assert controls.panel == "Help"
    controls.press(ord("l"), 0.0)
    assert controls.panel == "Letters"
    assert controls.press(27, 0.0) == ""
    assert controls.panel == ""
    assert controls.press(27, 0.0) == "quit"


def test_every_key_is_explained():
    assert all(explanation for _, explanation in HELP)
    assert len(HELP) == len(KEYS) + 1, "the numbers have no buttons in the row"
