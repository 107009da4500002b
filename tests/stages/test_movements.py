"""Synthetic movement: the same for a seed, as a detector reports it, and labelled by what has just been drawn."""

from __future__ import annotations

import numpy as np
import pytest

from client.mask import TRAIL_SECONDS
from stages.hand.handshapes import read_handshapes
from stages.hand.movements import FRAMES, synthesize_movements

COUNT = 600


@pytest.fixture(scope="module")
def moved():
    return synthesize_movements(read_handshapes(), COUNT, 3)


def test_the_same_seed_gives_the_same_movements_and_another_part_others(moved):
    again, other = (synthesize_movements(read_handshapes(), COUNT, 3, part) for part in (0, 1))
    assert np.array_equal(again.landmarks, moved.landmarks, equal_nan=True)
    assert not np.array_equal(other.landmarks, moved.landmarks, equal_nan=True)


def test_frames_end_now_and_go_back_as_far_as_a_trail(moved):
    assert moved.landmarks.shape == (COUNT, FRAMES, 21, 3)
    there = np.isfinite(moved.times)
    assert there[:, -1].all()
    assert np.isfinite(moved.landmarks[:, -1]).all(), "a trail is only drawn in a frame with a hand"
    steps = np.diff(moved.times, axis=1)
    assert (steps[np.isfinite(steps)] > 0).all()
    longest = moved.times[:, -1] - np.nanmin(moved.times, axis=1)
    assert longest.max() <= TRAIL_SECONDS
    frames = there.sum(axis=1)
    assert frames.min() < 12, "six frames a second"
    assert frames.max() > 36, "thirty frames a second"


def test_no_frame_has_half_a_hand(moved):
    finite = np.isfinite(moved.landmarks).reshape(COUNT, FRAMES, -1)
    assert (finite.all(axis=2) == finite.any(axis=2)).all()
    assert not finite[~np.isfinite(moved.times)].any()
    assert 0 < (~finite.all(axis=2))[np.isfinite(moved.times)].mean() < 0.15, "some frames are lost"


def test_a_letter_is_labelled_only_where_it_is_drawn(moved):
    assert set(moved.labels[moved.kinds == "J"].tolist()) == {"J", "nothing"}
    assert set(moved.labels[moved.kinds == "Z"].tolist()) == {"Z", "nothing"}
    assert set(moved.labels[~np.isin(moved.kinds, ["J", "Z"])].tolist()) == {"nothing"}
    assert set(moved.kinds.tolist()) == {"J", "Z", "still", "spelling", "coming", "wandering", "slow", "turned"}


def test_the_fingertip_that_draws_goes_a_long_way(moved):
    def way(rows, tip):
        own = moved.landmarks[rows][:, :, tip, :2]
        return np.median((np.nanmax(own, axis=1) - np.nanmin(own, axis=1)).max(axis=1))

    still = way(moved.kinds == "still", 20)
    assert way(moved.labels == "J", 20) > 1.2 * still > 0
    assert way(moved.labels == "Z", 8) > 1.2 * still
