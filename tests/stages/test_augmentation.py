"""Augmentation: what changes, what stays, and that zeros change nothing."""

from __future__ import annotations

import numpy as np
import pytest

from client.mask import render_mask
from stages.data.augmentation import augment_landmarks, augment_masks, draw_crops
from stages.errors import InputError
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import synthesize_hands
from stages.params import Augment, changed

NOTHING = Augment(mirror=0.0, roll=0.0, tilt=0.0, scale=0.0, shift=0.0, stretch=0.0, jitter=0.0)


@pytest.fixture(scope="module")
def hands():
    """(48, 21, 3) landmarks in pixels."""
    return synthesize_hands(read_handshapes(), signers=2, samples_per_letter=1, seed=0).landmarks


@pytest.fixture(scope="module")
def masks(hands):
    return np.stack([render_mask(hand) for hand in hands[:16]])


def change(hands, rng=0, **far):
    return augment_landmarks(hands, changed(NOTHING, **far), np.random.default_rng(rng))


def difference(one, other):
    """Mean difference of two masks' pixels, 0 to 255."""
    return np.abs(one.astype(int) - other.astype(int)).mean()


def drawn(hands):
    return np.stack([render_mask(hand) for hand in hands])


def test_no_augmentation_leaves_the_mask_as_it_is(hands):
    for plain, moved in zip(drawn(hands), drawn(change(hands)), strict=True):
        assert difference(plain, moved) < 0.5


def test_mirrored_hands_draw_mirrored_masks(hands):
    for plain, moved in zip(drawn(hands), drawn(change(hands, mirror=1.0)), strict=True):
        assert difference(plain[:, ::-1], moved) < 0.5
        assert difference(plain, moved) > 5.0


def test_mirror_happens_as_often_as_asked(hands):
    many = np.repeat(hands[:1], 4000, axis=0)
    left, right = change(hands[:1])[0, :, 0], change(hands[:1], mirror=1.0)[0, :, 0]
    xs = change(many, mirror=0.5)[..., 0]
    mirrored = np.isclose(xs, right, atol=1e-5).all(axis=1)
    assert (mirrored | np.isclose(xs, left, atol=1e-5).all(axis=1)).all()
    assert 0.47 < mirrored.mean() < 0.53


def test_hands_are_centred_with_an_extent_of_one(hands):
    plain = change(hands)
    assert plain.dtype == np.float32
    assert np.ptp(plain[..., :2], axis=1).max(axis=1) == pytest.approx(1.0, abs=1e-5)
    assert plain.min(axis=1) + plain.max(axis=1) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize(
    ("far", "keeps_distances", "keeps_depth"),
    [({"roll": 30.0}, True, True), ({"tilt": 30.0}, True, False), ({"jitter": 0.02}, False, False)],
)
def test_turns_are_turns_and_jitter_is_none(hands, far, keeps_distances, keeps_depth):
    plain, moved = change(hands), change(hands, **far)

    def distances(points):
        return np.linalg.norm(points[:, :, None] - points[:, None], axis=-1)

    assert np.allclose(distances(plain), distances(moved), atol=1e-4) == keeps_distances
    assert np.allclose(plain[..., 2], moved[..., 2], atol=1e-4) == keeps_depth
    assert np.abs(plain - moved).max() > 0.02


def test_stretch_changes_the_width_alone(hands):
    many = np.repeat(hands[:1], 4000, axis=0)
    plain, moved = change(many), change(many, stretch=0.2)
    np.testing.assert_allclose(moved[..., 1:], plain[..., 1:])
    widths = np.ptp(moved[..., 0], axis=1) / np.ptp(plain[..., 0], axis=1)
    assert np.log(widths).std() == pytest.approx(0.2, rel=0.05)


@pytest.mark.parametrize(("name", "by"), [("roll", 5.0), ("tilt", 5.0), ("stretch", 0.2), ("jitter", 0.02)])
def test_each_hand_is_changed_differently(hands, name, by):
    moved = change(np.repeat(hands[:1], 20, axis=0), **{name: by})
    assert len(np.unique(moved.round(5), axis=0)) == 20


def test_the_size_of_the_jitter_is_a_share_of_the_hand(hands):
    error = change(np.repeat(hands, 20, axis=0), jitter=0.03) - change(np.repeat(hands, 20, axis=0))
    assert error.std() == pytest.approx(0.03, rel=0.02)


def test_the_landmarks_given_stay_as_they_are(hands):
    before = hands.copy()
    change(hands, mirror=1.0, roll=20.0, tilt=20.0, jitter=0.1)
    np.testing.assert_array_equal(hands, before)


def test_crops_are_shares(hands):
    zooms, shifts = draw_crops(20000, changed(NOTHING, scale=0.1, shift=0.02), np.random.default_rng(0))
    assert np.log(zooms).std() == pytest.approx(0.1, rel=0.05)
    assert shifts.shape == (20000, 2)
    assert shifts.std(axis=0) == pytest.approx(0.02, rel=0.05)


def test_masks_stay_as_they_are_without_augmentation(masks):
    np.testing.assert_array_equal(augment_masks(masks, NOTHING, np.random.default_rng(0), 224), masks)


def test_masks_are_mirrored(masks):
    far = changed(NOTHING, mirror=1.0)
    np.testing.assert_array_equal(augment_masks(masks, far, np.random.default_rng(0), 224), masks[:, :, ::-1])


@pytest.mark.parametrize("size", [56, 64, 128, 224])
def test_masks_come_in_the_size_asked_for(masks, size):
    far = Augment(mirror=0.5, roll=10.0, tilt=8.0, scale=0.05, shift=0.02, stretch=0.2, jitter=0.01)
    moved = augment_masks(masks, far, np.random.default_rng(0), size)
    assert moved.shape == (len(masks), size, size, 3)
    assert moved.dtype == np.uint8
    assert (moved.max(axis=(1, 2, 3)) > 128).all(), "a hand is still in each"


@pytest.mark.parametrize(
    ("far", "moves"), [({"roll": 10.0}, True), ({"scale": 0.1}, True), ({"shift": 0.05}, True), ({"tilt": 9.0}, False)]
)
def test_what_changes_a_mask(masks, far, moves):
    moved = augment_masks(masks, changed(NOTHING, **far), np.random.default_rng(0), 224)
    assert (difference(moved, masks) > 1.0) == moves


@pytest.mark.parametrize(
    ("field", "value"), [("mirror", 1.5), ("mirror", -0.1), *((name, -1.0) for name in ("roll", "tilt", "scale"))]
)
def test_values_out_of_range_are_refused(field, value):
    with pytest.raises(InputError, match=rf"augment\.{field} is {value}"):
        changed(NOTHING, **{field: value})
