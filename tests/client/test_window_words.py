"""The real window on a virtual display, and a real service: candidates are taken, words replaced and brought back."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from display import click, has_ended, press, quit_and_read, read_screen, start, wait_for

from client.window.drawing import STEADY, TRACK, WAVERING
from client.window.layout import FOOT, SIZE, Layout
from client.window.words_line import place_candidates

LAYOUT = Layout.of(SIZE)
TEXT = slice(SIZE[1] - LAYOUT.px(FOOT), SIZE[1] - LAYOUT.px(FOOT) + 70)
"""Rows of the line of text."""
pytestmark = pytest.mark.serial


@contextmanager
def window(screen, film, service):
    """Start the window and wait until the film has ended."""
    display, pixels = screen
    with start(screen, "--source", film, "--server", service, "--fast") as client:
        wait_for(lambda: has_ended(pixels), client)
        yield client, display, pixels


def has_candidate(pixels, number):
    """Whether the candidate of this number is shown, by the edge of its box, which is not the one to come."""
    left, top, _, bottom = place_candidates(number, LAYOUT)[-1]
    return bool((read_screen(pixels)[top:bottom, left] == TRACK).all())


def underlined(pixels, colour):
    return int((read_screen(pixels)[TEXT] == colour).all(axis=2).sum())


def test_the_window_shows_the_letter_in_blue_and_the_text_is_printed_at_the_end(screen, service, h_video):
    with window(screen, h_video, service) as (client, display, pixels):
        assert (read_screen(pixels) == STEADY).all(axis=2).sum() > 1000
        wait_for(lambda: has_candidate(pixels, 2), client)
        assert quit_and_read(client, display) == "H\n"


@pytest.mark.parametrize("way", ["key", "click"])
def test_a_candidate_is_taken_by_its_number_or_a_click(screen, service, h_video, way):
    with window(screen, h_video, service) as (client, display, pixels):
        wait_for(lambda: has_candidate(pixels, 2), client)
        if way == "key":
            press(display, "2")
        else:
            left, top, right, bottom = place_candidates(2, LAYOUT)[-1]
            click(display, (left + right) // 2, (top + bottom) // 2)
        wait_for(lambda: not has_candidate(pixels, 2), client)
        assert quit_and_read(client, display) == "HE\n", "what was read is H"


def test_words_are_switched_off(screen, service, h_video):
    with window(screen, h_video, service) as (client, display, pixels):
        wait_for(lambda: has_candidate(pixels, 2), client)
        press(display, "v")
        left, top, _, _ = next(box for box, _, label in LAYOUT.buttons if label == "Words")
        wait_for(lambda: tuple(read_screen(pixels)[top + 2, left + 2]) == TRACK, client)
        assert not has_candidate(pixels, 1)
        assert quit_and_read(client, display) == "H\n"


@pytest.mark.parametrize("way", ["key", "click"])
def test_a_replaced_word_is_underlined_and_its_letters_come_back(screen, wishful_service, he_away_video, way):
    with window(screen, he_away_video, wishful_service) as (client, display, pixels):
        wait_for(lambda: underlined(pixels, STEADY) > 100, client)
        if way == "key":
            press(display, "r")
        else:
            rows, columns = (read_screen(pixels)[TEXT] == STEADY).all(axis=2).nonzero()
            click(display, int(columns.mean()), TEXT.start + int(rows.mean()) - 10)
        wait_for(lambda: underlined(pixels, WAVERING) > 100, client)
        assert quit_and_read(client, display) == "HE\n"
