"""Drawn letters: when J and Z are found, and when once is once."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.movement import AGAIN, AGREE, DRAWN, GAP, MOVING, STILL, SURE, Movement, is_moving

RATES = (8, 15, 30)
"""Frames a second."""


def shares(letter, share):
    return {each: share if each == letter else 0.0 for each in DRAWN}


def play(rows, movement=None):
    """Play (time, shares) and list the letters that were drawn, with their times."""
    movement = movement or Movement()
    found = [(time, movement.update(each, time)) for time, each in rows]
    return [(drawn.letter, time) for time, drawn in found if drawn is not None]


def pulses(letter, starts, rate, length=0.4, until=4.0, lost=()):
    """Probabilities that rise within 0.15 s and fall within 0.15 s, `length` in between."""

    def at(time):
        rises = (min((time - start + 0.15) / 0.15, (start + length + 0.15 - time) / 0.15) for start in starts)
        return 0.95 * min(max([0.0, *rises]), 1.0)

    frames = [frame for frame in range(int(until * rate)) if frame not in lost]
    return [(frame / rate, shares(letter, at(frame / rate))) for frame in frames]


@settings(deadline=None)
@given(
    st.sampled_from(DRAWN),
    st.sampled_from(RATES),
    st.floats(0.3, 1.5),
    st.floats(0.3, 0.9),
    st.floats(0.0, 1.0),
    st.randoms(use_true_random=False),
)
def test_one_pulse_is_one_letter_at_every_rate_with_lost_frames(letter, rate, start, length, phase, random):
    lost = {frame for frame in range(4 * rate) if random.random() < 0.15}
    lost -= {frame for frame in lost if frame - 1 in lost}  # no two in a row
    rows = [(time + phase / rate, each) for time, each in pulses(letter, [start], rate, length, lost=lost)]
    ((found, time),) = play(rows)
    assert found == letter
    assert start - 0.15 <= time <= start + 0.5


@pytest.mark.parametrize("rate", RATES)
def test_two_letters_come_a_second_apart(rate):
    assert [letter for letter, _ in play(pulses("Z", [0.8, 1.85], rate, length=0.2))] == ["Z", "Z"]
    assert [letter for letter, _ in play(pulses("Z", [0.8, 1.5], rate, length=0.2))] == ["Z"], "it is still the first"


def test_one_frame_is_not_enough_unless_frames_are_far_apart():
    close = [(0.0, shares("J", 0.0)), (0.3, None), (0.35, shares("J", 1.0)), (0.4, None)]
    assert play(close) == []
    far = [(0.0, None), (0.2, shares("J", 1.0)), (0.4, None)]
    assert play(far) == [("J", 0.2)]


def test_a_dip_for_one_frame_is_still_the_same_letter():
    values = [0.9] * 6 + [0.05] + [0.9] * 6
    assert len(play([(frame / 30, shares("J", value)) for frame, value in enumerate(values)])) == 1


def test_after_a_pause_without_a_trail_a_letter_may_come_again():
    rows = [(frame / 15, shares("J", 0.9)) for frame in range(6)]
    later = [(time + 5 / 15 + max(STILL, GAP), each) for time, each in rows]
    assert [letter for letter, _ in play(rows + later)] == ["J", "J"]
    soon = [(time + 5 / 15 + STILL / 2, each) for time, each in rows]
    assert [letter for letter, _ in play(rows + soon)] == ["J"]


def test_a_frame_moves_above_a_threshold():
    assert [is_moving(each) for each in (None, shares("J", MOVING), shares("Z", MOVING + 0.01))] == [False, False, True]


streams = st.lists(
    st.tuples(
        st.one_of(st.none(), st.tuples(st.floats(0, 1), st.floats(0, 1))),
        st.one_of(st.sampled_from([1 / 30, 1 / 15, 1 / 8, 0.0]), st.floats(0, 0.5)),
    ),
    max_size=100,
)


def timed(stream):
    time, rows = 0.0, []
    for pair, step in stream:
        time += step
        rows.append((time, None if pair is None else dict(zip(DRAWN, (pair[0], pair[1] * (1 - pair[0])), strict=True))))
    return rows


@settings(deadline=None)
@given(streams)
def test_between_two_drawn_letters_the_first_is_over(stream):
    rows = timed(stream)
    found = play(rows)
    for (first, begin), (_, end) in itertools.pairwise(found):
        between = [(time, each) for time, each in rows if begin <= time <= end and each is not None]
        asked = [time for time, _ in between]
        paused = any(after - before >= STILL - 1e-5 for before, after in itertools.pairwise(asked))
        assert paused or min(each[first] for _, each in between) < AGAIN


@settings(deadline=None)
@given(streams)
def test_a_drawn_letter_has_a_frame_that_is_sure(stream):
    rows = timed(stream)
    for letter, time in play(rows):
        recent = [each for at, each in rows if time - AGREE - 1e-5 <= at <= time and each is not None]
        assert max(each[letter] for each in recent) >= SURE - 1e-9


def test_any_number_of_frames_of_one_time_is_bounded():
    movement = Movement()
    for _ in range(1000):
        movement.update(shares("J", 0.1), 1.0)
    assert len(movement._asked) <= 64
    assert math.isfinite(movement._asked_last)
