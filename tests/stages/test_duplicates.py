"""Near-duplicates: which samples are one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from client.mask import render_mask
from stages.data import duplicates
from stages.data.duplicates import LANDMARK_TOLERANCE, describe_samples, find_nearest, group_duplicates, mirror_features


def hands(count, seed=0):
    return np.random.default_rng(seed).uniform(50, 400, (count, 21, 3)).astype(np.float32)


def stretched(hand, share):
    """Move every x inside the hand's box, by a share of the hand's extent on average."""
    moved = hand.copy()
    extent = np.ptp(hand[:, :2], axis=0).max()
    inner = (hand[:, 0] > hand[:, 0].min()) & (hand[:, 0] < hand[:, 0].max())
    moved[inner, 0] += share * extent * np.sqrt(2 * 21 / 2 / inner.sum())
    return moved


def one_class(samples):
    return group_duplicates(samples, np.zeros(len(samples), dtype=np.int64)).tolist()


def test_place_size_and_depth_do_not_tell_hands_apart():
    hand = hands(1)[0]
    deeper = hand * [1, 1, 3]
    samples = np.stack([hand, hand * 2.5 + [100, -30, 0], deeper, hands(1, seed=1)[0]]).astype(np.float32)
    assert one_class(samples) == [0, 0, 0, 1]


@pytest.mark.parametrize(("times", "expected"), [(0.5, [0, 0]), (0.9, [0, 0]), (2.0, [0, 1])])
def test_the_tolerance_is_the_one_that_is_stated(times, expected):
    hand = hands(1)[0]
    moved = stretched(hand, times * LANDMARK_TOLERANCE * np.sqrt(2))
    assert one_class(np.stack([hand, moved])) == expected


def test_a_chain_of_near_duplicates_is_one_group():
    """A hand that moves slowly: neighbours in time are alike, the ends of the video are not."""
    ends = hands(2)
    video = np.stack([ends[0] + (ends[1] - ends[0]) * time for time in np.linspace(0, 1, 400)])
    shuffled = np.random.default_rng(0).permutation(video)
    assert set(one_class(shuffled)) == {0}
    assert one_class(ends) == [0, 1]


def test_samples_of_different_classes_are_never_one():
    same = np.repeat(hands(1), 4, axis=0)
    assert group_duplicates(same, np.array([1, 0, 1, 0])).tolist() == [0, 1, 0, 1]


def test_masks_of_near_duplicates_are_one():
    first, second = hands(2)
    jitter = np.random.default_rng(2).normal(0, 0.5, (21, 3)).astype(np.float32)
    masks = np.stack([render_mask(points, 224) for points in (first, first + jitter, second)])
    assert one_class(masks) == [0, 0, 1]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1000), rows=st.integers(1, 7), pairs=st.integers(1, 60))
def test_the_windows_find_what_all_pairs_find(seed, rows, pairs):
    random = np.random.default_rng(seed)
    points = random.normal(0, 1, (random.integers(1, 80), 2)).astype(np.float32)
    radius = 0.25
    near = np.linalg.norm(points[:, None] - points[None], axis=2) <= radius
    expected = connected_components(near, directed=False)[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "_ROWS", rows)
        patch.setattr(duplicates, "_PAIRS", pairs)
        found = duplicates._link(points, radius)
    np.testing.assert_array_equal(pd.factorize(found)[0], expected)


def test_one_hand_ten_thousand_times_fits_into_memory():
    same = np.repeat(hands(1), 10_000, axis=0)
    assert set(one_class(same)) == {0}


def test_rows_that_are_not_compared_are_groups_of_their_own():
    same = np.repeat(hands(1), 4, axis=0)
    rows = np.array([True, False, True, False])
    assert group_duplicates(same, np.zeros(4, dtype=np.int64), rows).tolist() == [0, 1, 0, 2]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1000), searched=st.integers(1, 7), pairs=st.integers(7, 60))
def test_the_nearest_of_all_is_found(seed, searched, pairs):
    random = np.random.default_rng(seed)
    few, many = (random.normal(0, 1, (random.integers(1, 60), 3)).astype(np.float32) for _ in range(2))
    apart = np.linalg.norm(few[:, None] - many[None], axis=2)
    expected = np.where(apart.min(axis=1) <= 0.5, apart.min(axis=1), np.inf)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "_SEARCHED", searched)
        patch.setattr(duplicates, "_PAIRS", pairs)
        distances, nearest = find_nearest(few, many, 0.5)
    np.testing.assert_allclose(distances, expected, atol=1e-5)
    within = np.isfinite(expected)
    np.testing.assert_allclose(apart[within, nearest[within]], expected[within], atol=1e-5)


@pytest.mark.parametrize("kind", ["landmarks", "masks"])
def test_a_mirror_image_has_mirrored_features(kind):
    landmarks = hands(3)
    flipped = landmarks * np.array([-1, 1, 1], dtype=np.float32)
    first, second = landmarks, flipped
    if kind == "masks":
        first = np.stack([render_mask(points, 224) for points in landmarks])
        second = first[:, :, ::-1]
    np.testing.assert_allclose(mirror_features(describe_samples(first)[0]), describe_samples(second)[0], atol=1e-6)
