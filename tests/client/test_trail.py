"""The trail: the same for any frame rate, place and size, nothing while the hand is still, and it begins anew."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_hand import DRAWN_SECONDS, drawing_hand, open_hand

from client.mask import MASK_SIZE, TRAIL_SECONDS
from client.trail import AWAY, LEAST_FRAMES, Trail

STEP = 1 / 15


def add_frames(trail, begin, end, rate, *, lost=lambda _: False, changed=lambda points: points):
    """Add frames of a drawing hand from a time on, up to another one, both included."""
    for number in range(round((end - begin) * rate) + 1):
        time = begin + number / rate
        trail.add(time, None if lost(number) else changed(drawing_hand(time)))


def drawn(rate=15, **options):
    """The trail at the end of a letter that was drawn after a moment of rest."""
    trail = Trail()
    add_frames(trail, -0.4, DRAWN_SECONDS, rate, **options)
    return trail.draw()


def unlike(first, second):
    """Share of the pixels drawn in either picture that differ by more than a fifth of full brightness."""
    differ = np.abs(first.astype(int) - second.astype(int)).max(axis=2) > 51
    return differ.sum() / (first.any(axis=2) | second.any(axis=2)).sum()


# Fewer frames cut corners, and a stretch has one brightness.
@pytest.mark.parametrize(("rate", "most"), [(10, 0.06), (20, 0.04), (30, 0.04), (60, 0.04)])
def test_the_frame_rate_does_not_show(rate, most):
    assert unlike(drawn(rate), drawn(15)) < most
    assert unlike(drawn(15), np.zeros((MASK_SIZE, MASK_SIZE, 3))) > 0.5, "it would show something else"


def test_frames_in_which_the_hand_was_lost_are_bridged():
    assert unlike(drawn(lost=lambda number: number in (4, 9, 10)), drawn()) < 0.08


@pytest.mark.parametrize(("factor", "shift"), [(1.0, (57.3, -211.9)), (0.25, (0, 0)), (3.0, (-900, 40))])
def test_place_and_size_of_the_hand_do_not_show(factor, shift):
    def changed(points):
        return points * np.float32(factor) + np.float32([*shift, 0])

    assert unlike(drawn(changed=changed), drawn()) < 0.01


def test_a_mirrored_movement_gives_the_mirrored_trail():
    def mirrored(points):
        return points * np.float32([-1, 1, 1]) + np.float32([639, 0, 0])

    assert unlike(drawn(changed=mirrored), drawn()[:, ::-1]) < 0.06
    assert unlike(drawn(changed=mirrored), drawn()) > 0.2


def test_depth_does_not_show():
    assert np.array_equal(drawn(changed=lambda points: points[:, :2]), drawn())


def test_a_hand_that_is_still_has_no_trail():
    trail = Trail()
    assert trail.draw() is None
    for number in range(30):
        trail.add(number * STEP, open_hand() + np.float32([number % 3, 0, 0]))  # it trembles
        assert trail.draw() is None


def test_a_hand_has_a_trail_while_it_moves_and_for_a_moment_after():
    trail, has_trail = Trail(), {}
    for number in range(-15, 40):
        trail.add(number * STEP, drawing_hand(number * STEP))
        has_trail[number] = trail.draw() is not None
    shown = [number for number, has in has_trail.items() if has]
    first, ends = min(shown), max(shown)
    assert 0 < first * STEP < DRAWN_SECONDS / 2
    assert DRAWN_SECONDS < ends * STEP < DRAWN_SECONDS + 0.5
    assert all(has_trail[number] for number in range(first, ends))


def test_it_goes_back_so_far_and_no_farther():
    long, short = Trail(), Trail()
    add_frames(long, -5.0, DRAWN_SECONDS, 30)
    add_frames(short, DRAWN_SECONDS - TRAIL_SECONDS, DRAWN_SECONDS, 30)
    assert unlike(long.draw(), short.draw()) == 0


def test_a_hand_that_was_away_begins_another_one():
    trail, other = Trail(), Trail()
    add_frames(trail, -0.4, 0.4, 15)
    begin = 0.4 + AWAY + 0.05
    for number in range(LEAST_FRAMES + 3):
        for each in (trail, other):
            each.add(begin + number * STEP, drawing_hand(number * 2 * STEP))
        first, second = trail.draw(), other.draw()
        assert (first is None) == (second is None)
        assert first is None or np.array_equal(first, second)
    assert trail.draw() is not None


def test_a_hand_that_was_away_for_less_goes_on():
    trail = Trail()
    add_frames(trail, -0.4, 0.2, 15)
    for number in range(5):
        trail.add(0.2 + number * STEP, None)
    trail.add(0.19 + AWAY, drawing_hand(0.19 + AWAY))
    assert trail.draw() is not None


@pytest.mark.parametrize("time", [0.2, -3.0, -0.4 + 18 / 15])
def test_a_frame_that_is_not_later_is_left_out(time):
    trail = Trail()
    add_frames(trail, -0.4, DRAWN_SECONDS, 15)
    before = trail.draw()
    trail.add(time, open_hand() + np.float32([300, 0, 0]))
    assert np.array_equal(trail.draw(), before)
