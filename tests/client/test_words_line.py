"""The line of text and the candidates: what is underlined, and what is under the pointer."""

from __future__ import annotations

import io

import numpy as np
import pytest

from client.status import Status
from client.stream.words_request import Candidates
from client.window.controls import Controls
from client.window.drawing import STEADY, WAVERING, measure
from client.window.layout import LABEL, SIZE, Layout
from client.window.screen import View, draw_screen
from client.window.words_line import find_word_key, place_candidates, place_line
from client.words.completion import Completion
from client.words.spelling import Spelling
from client.words.text import Text, Word, read_text, spell

SIZES = [SIZE, (640, 480), (1920, 1080), (480, 900), (10, 10)]
LAYOUT = Layout.of(SIZE)
ROWS = slice(LAYOUT.picture[3], LAYOUT.picture[3] + 76)
"""The line of text."""


def spelling(text="HELLO WORKD", words=("WORLD", "WORKED", "WORD"), accepted="WORLD"):
    completion = Completion(lambda _: Candidates(words, accepted), Status(io.StringIO()), background=False)
    spelled = Spelling(read_text(text), completion)
    spelled.update()
    return spelled


def draw(spelled, size=SIZE, **view):
    return draw_screen(View(rgb=np.full((480, 640, 3), 90, np.uint8), **view), Controls(spelled), size)


def columns_of(picture, colour):
    return np.unique(np.argwhere((picture == colour).all(axis=2))[:, 1])


def test_the_accepted_word_is_underlined_in_blue_and_its_letters_in_orange():
    spelled = spelling()
    assert len(columns_of(draw(spelled)[ROWS], STEADY)) == 0
    spelled.end_word()
    left, right = place_line(spelled.text, LAYOUT).underline
    assert columns_of(draw(spelled)[ROWS], STEADY).tolist() == list(range(left, right))
    spelled.as_read()
    left, right = place_line(spelled.text, LAYOUT).underline
    assert columns_of(draw(spelled)[ROWS], WAVERING).tolist() == list(range(left, right))
    assert len(columns_of(draw(spelled)[ROWS], STEADY)) == 0


@pytest.mark.parametrize(("word", "is_underlined"), [(Word(spell("AB"), "AC"), True), (Word(spell("AB")), False)])
def test_only_the_last_word_is_underlined_and_only_if_it_replaced_letters(word, is_underlined):
    last = Text((Word(spell("AB"), "AC"), word), spell("X"))
    assert (place_line(last, LAYOUT).underline is not None) == is_underlined


def test_a_word_whose_beginning_does_not_fit_is_underlined_as_far_as_it_is_shown():
    for length in (3, 40, 90):
        line = place_line(Text((Word(spell("A" * 50), "B" * 50),), spell("C" * length)), LAYOUT)
        if length == 3:
            assert line.underline[0] == line.left
            assert line.underline[1] < LAYOUT.width
        elif length == 90:
            assert line.underline is None


@pytest.mark.parametrize("size", SIZES)
def test_a_tap_finds_the_candidates_and_the_underlined_word(size):
    spelled, layout = spelling(), Layout.of(size)
    for number, (left, top, right, bottom) in enumerate(place_candidates(3, layout)):
        assert find_word_key((left + right) // 2, (top + bottom) // 2, size, spelled) == ord("1") + number
        assert find_word_key(left - 1, (top + bottom) // 2, size, spelled) is None
        assert layout.picture[0] <= left < right <= layout.picture[2]
        assert layout.picture[1] <= top < bottom <= layout.picture[3]
    spelled.end_word()
    line = place_line(spelled.text, layout)
    left, right = line.underline
    assert find_word_key((left + right) // 2, line.baseline - 2, size, spelled) == ord("r")
    assert find_word_key(left - 1, line.baseline - 2, size, spelled) is None
    assert find_word_key(right, line.baseline - 2, size, spelled) is None


def test_each_candidate_is_drawn_and_the_one_to_come_has_a_blue_edge():
    shown = draw(spelling())
    for (left, top, right, bottom), is_next in zip(place_candidates(3, LAYOUT), (True, False, False), strict=True):
        assert (shown[top:bottom, left:right].min(axis=2) > 200).sum() > 200, "the word"
        assert (shown[top:bottom, left + 1] == STEADY).all() == is_next
    plain = draw(spelling(accepted=""))
    left, top, _, bottom = place_candidates(1, LAYOUT)[0]
    assert not (plain[top:bottom, left + 1] == STEADY).all()


def test_a_note_is_above_the_candidates():
    spelled = spelling()
    quiet, noted = draw(spelled), draw(spelled, note="Copied")
    top = place_candidates(1, LAYOUT)[0][1]
    assert not np.array_equal(quiet[:top], noted[:top])
    assert np.array_equal(quiet[top:], noted[top:])


@pytest.mark.parametrize("panel", ["Help", "Letters"])
def test_a_panel_covers_the_candidates(panel):
    view = View(rgb=np.full((480, 640, 3), 90, np.uint8))
    with_words, without = (
        draw_screen(view, Controls(spelled, panel=panel))
        for spelled in (spelling(), Spelling(read_text("HELLO WORKD")))
    )
    assert np.array_equal(with_words, without)


@pytest.mark.parametrize("size", [*SIZES, (3000, 400)])
def test_words_of_any_length_in_a_window_of_any_size(size):
    picture = draw(spelling("A " * 40 + "B" * 60, ("W" * 32, "I", "M" * 32), "I"), size, hint="Move closer")
    assert picture.shape == (max(size[1], 180), max(size[0], 320), 3)


def test_every_button_is_wide_enough_for_its_word():
    for (left, _, right, _), _, label in LAYOUT.buttons:
        assert right - left - LAYOUT.px(8) >= measure(label, LABEL)
