"""What keys do to the text and to what is shown."""

from __future__ import annotations

import pytest

from client.window.controls import KEYS, Controls


@pytest.mark.parametrize(
    ("text", "committed", "after"),
    [
        ("HE", None, "HE"),
        ("HE", "L", "HEL"),
        ("HE", "space", "HE "),
        ("HE", "del", "H"),
        ("", "del", ""),
        ("H", "nothing", "H"),
    ],
)
def test_committed_labels_join_the_text(text, committed, after):
    controls = Controls(text)
    controls.commit(committed)
    assert controls.text == after


@pytest.mark.parametrize(
    ("key", "after"),
    [(8, "H"), (127, "H"), (ord(" "), "HI "), (ord("x"), ""), (ord("z"), "HI"), (-1, "HI"), (255, "HI")],
)
def test_keys_edit_the_text(key, after):
    controls = Controls("HI")
    assert controls.press(key) == ""
    assert controls.text == after


def test_what_was_cleared_comes_back():
    controls = Controls("HELLO")
    controls.press(ord("x"))
    assert controls.text == ""
    controls.press(ord("X"))
    assert controls.text == "HELLO"


@pytest.mark.parametrize(("key", "action"), [("c", "copy"), ("s", "speak"), ("q", "quit"), ("Q", "quit")])
def test_what_the_session_has_to_do_is_returned(key, action):
    assert Controls("HI").press(ord(key)) == action


def test_mirror_and_pause_go_on_and_off():
    controls = Controls()
    for _ in range(2):
        before = controls.mirrored, controls.paused
        controls.press(ord("m"))
        controls.press(ord("p"))
        assert (controls.mirrored, controls.paused) == (not before[0], not before[1])


def test_one_panel_at_a_time_covers_the_picture_and_escape_closes_it_first():
    controls = Controls()
    controls.press(ord("h"))
    assert controls.panel == "Help"
    controls.press(ord("l"))
    assert controls.panel == "Letters"
    assert controls.press(27) == ""
    assert controls.panel == ""
    assert controls.press(27) == "quit"


def test_every_key_is_explained():
    assert all(explanation for _, _, explanation in KEYS)
