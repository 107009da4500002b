"""The mask: shape, symmetry, invariance, colours, and rejected landmarks; and the drawing of a trail."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_hand import open_hand

from client.mask import (
    FINGER_COLOURS,
    MARGIN,
    MASK_SIZE,
    PALM_COLOUR,
    THICKNESS,
    TRAIL_COLOURS,
    TRAIL_FADED,
    TRAIL_POINTS,
    TRAIL_SECONDS,
    TRAIL_SIDE,
    crop_square,
    draw_trail,
    palm_length,
    place_in_trail,
    render_mask,
)


def far_pixels(first, second):
    """Share of pixels that differ visibly: antialiasing moves edges by a fraction of a pixel."""
    return (np.abs(first.astype(int) - second.astype(int)).max(axis=2) > 100).mean()


@pytest.mark.parametrize("size", [MASK_SIZE, 64])
@pytest.mark.parametrize("axes", [2, 3])
def test_shape_and_dtype(size, axes):
    mask = render_mask(open_hand()[:, :axes], size)
    assert mask.shape == (size, size, 3)
    assert mask.dtype == np.uint8


def test_depth_does_not_show():
    flat = open_hand()
    flat[:, 2] = 50
    assert np.array_equal(render_mask(flat), render_mask(open_hand()))


def test_mirrored_landmarks_give_the_mirrored_mask():
    mirrored = open_hand()
    mirrored[:, 0] = 639 - mirrored[:, 0]
    assert far_pixels(render_mask(mirrored), render_mask(open_hand())[:, ::-1]) < 0.005
    assert far_pixels(render_mask(mirrored), render_mask(open_hand())) > 0.02  # the hand itself is not symmetric


@pytest.mark.parametrize(("factor", "shift"), [(1.0, (57.3, -211.9)), (0.25, (0, 0)), (3.0, (-900, 40))])
def test_place_and_size_of_the_hand_do_not_show(factor, shift):
    moved = open_hand()
    moved[:, :2] = moved[:, :2] * factor + np.array(shift, np.float32)
    assert far_pixels(render_mask(moved), render_mask(open_hand())) < 0.005


@pytest.mark.parametrize("colour", [*FINGER_COLOURS, PALM_COLOUR])
def test_each_colour_is_there(colour):
    assert (render_mask(open_hand()) == colour).all(axis=2).sum() > 20


def test_no_finger_hides_the_thumb():
    folded = open_hand()
    folded[1:5] = folded[5:9]
    mask = render_mask(folded)
    assert not (mask == FINGER_COLOURS[0]).all(axis=2).any()
    assert (mask == FINGER_COLOURS[-1]).all(axis=2).sum() > 20


def test_how_far_a_finger_folds_over_itself_shows():
    barely, far = open_hand(), open_hand()
    root, knuckle = barely[5], barely[6]
    for hand, share in ((barely, 0.8), (far, 0.2)):
        hand[7] = knuckle + (root - knuckle) * (1 - share) / 2
        hand[8] = root + (knuckle - root) * share
    assert far_pixels(render_mask(barely), render_mask(far)) > 0.003


def test_border_is_free_and_hand_fills_the_rest():
    drawn = np.argwhere(render_mask(open_hand()).any(axis=2))
    low, high = drawn.min(axis=0), drawn.max(axis=0)
    assert (low > MASK_SIZE * (MARGIN - 0.03)).all()
    assert (high < MASK_SIZE * (1 - MARGIN + 0.03)).all()
    assert (high - low).max() > MASK_SIZE * (1 - 2 * MARGIN) - 2


def test_crop_is_centred_on_the_hand():
    points = np.zeros((21, 2), np.float32)
    points[:, 0] = np.linspace(100, 200, 21)
    middle, side = crop_square(points)
    assert side == pytest.approx(100 / (1 - 2 * MARGIN))
    assert middle == pytest.approx([150, 0])


def extent(mask):
    drawn = np.argwhere(mask.any(axis=2))[:, ::-1]
    return drawn.min(axis=0), drawn.max(axis=0)


def test_shift_moves_the_hand_by_shares_of_the_side():
    low, high = extent(render_mask(open_hand()))
    moved_low, moved_high = extent(render_mask(open_hand(), shift=(0.05, -0.025)))
    by = np.array([0.05, -0.025]) * MASK_SIZE
    assert np.abs(moved_low - low - by).max() <= 1
    assert np.abs(moved_high - high - by).max() <= 1


def test_zoom_sizes_the_hand_about_the_middle():
    low, high = extent(render_mask(open_hand()))
    small_low, small_high = extent(render_mask(open_hand(), zoom=0.5))
    assert (small_high - small_low) == pytest.approx((high - low) / 2, abs=5)  # the bones stay as thick
    assert (small_high + small_low) == pytest.approx(high + low, abs=2)


def test_points_in_one_place_still_give_a_mask():
    assert render_mask(np.full((21, 3), 7, np.float32)).any()


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((20, 3), np.float32),
        np.zeros((21, 4), np.float32),
        np.zeros(63, np.float32),
        np.full((21, 3), np.nan, np.float32),
        np.where(np.arange(63).reshape(21, 3) == 5, np.inf, 0).astype(np.float32),
    ],
)
def test_bad_landmarks_are_rejected(bad):
    with pytest.raises(ValueError, match="21 finite points"):
        render_mask(bad)


def paths_of(hands):
    """Where the trail's points are in hands, (T, 3, 2), and the hands' palm length."""
    hands = np.stack(hands)
    return hands[:, TRAIL_POINTS, :2], float(np.median(palm_length(hands)))


def test_a_hand_held_still_gives_three_dots():
    paths, palm = paths_of([open_hand()] * 4)
    trail = draw_trail(place_in_trail(paths, palm), np.arange(4) / 15)
    assert trail.shape == (MASK_SIZE, MASK_SIZE, 3)
    assert trail.dtype == np.uint8
    for colour in TRAIL_COLOURS:
        places = np.argwhere((trail == colour).all(axis=2))
        assert 10 < len(places) <= (THICKNESS + 1) ** 2
        assert np.ptp(places, axis=0).max() <= THICKNESS + 1
    assert trail.any(axis=2).sum() < 3 * (THICKNESS + 1) ** 2


def test_a_small_movement_is_drawn_small_and_a_large_one_fills_the_trail():
    ends = {}
    for size in (1.0, 100.0):
        paths, palm = paths_of([open_hand(), open_hand() + np.float32([size * palm_length(open_hand()), 0, 0])])
        ends[size] = np.ptp(place_in_trail(paths, palm)[:, 0, 0])
        assert place_in_trail(paths, palm).min() >= MARGIN - 1e-6
    assert ends[1.0] == pytest.approx(1 / TRAIL_SIDE, rel=1e-3)
    assert ends[100.0] == pytest.approx(1 - 2 * MARGIN, rel=0.05)


def test_what_is_older_is_darker():
    placed = np.stack([np.full((3, 2), place) for place in (0.2, 0.5, 0.8)])
    for age in (0.0, TRAIL_SECONDS / 2, TRAIL_SECONDS, 2 * TRAIL_SECONDS):
        oldest = draw_trail(placed, np.array([-age - 0.1, -age, 0.0]))[: MASK_SIZE // 3].max()
        shown = 1 - (1 - TRAIL_FADED) * min(age / TRAIL_SECONDS, 1)
        assert oldest == int(shown * max(TRAIL_COLOURS[-1]))


def test_the_palm_is_as_long_however_the_hand_is_turned_in_the_picture():
    turn = np.array([[0.6, -0.8, 0], [0.8, 0.6, 0], [0, 0, 1]], np.float32)
    hands = np.stack([open_hand(), open_hand() @ turn.T, 2 * open_hand()])
    assert palm_length(hands) == pytest.approx(np.array([110, 110, 220]), rel=1e-4)
