"""Batches: the same masks for the same seed, epoch and number; other masks in every epoch."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest

from client.mask import render_mask
from stages.data.loader import DrawnAhead, TrainingBatches, ValidationBatches, draw_masks
from stages.data.processed import Split
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import synthesize_hands
from stages.params import Augment

AUGMENT = Augment(mirror=0.5, roll=10.0, tilt=8.0, scale=0.05, shift=0.02, stretch=0.2, jitter=0.01)
NOTHING = Augment(mirror=0.0, roll=0.0, tilt=0.0, scale=0.0, shift=0.0, stretch=0.0, jitter=0.0)


@pytest.fixture(scope="module")
def hands():
    """(24, 21, 3): one hand a letter, whose class is its row."""
    return synthesize_hands(read_handshapes(), signers=1, samples_per_letter=1, seed=0).landmarks


def split_of(samples):
    return Split(samples, classes=np.arange(len(samples)), signers=np.full(len(samples), "ann"))


@pytest.fixture(scope="module", params=["landmarks", "masks"])
def split(hands, request):
    return split_of(hands if request.param == "landmarks" else draw_masks(hands))


def training(split, augment=AUGMENT, **changes):
    plan = {"image_size": 56, "batches": 3, "batch_size": 8, "seed": 1, "epoch": 2} | changes
    return TrainingBatches(split, augment, **plan)


def everything(batches):
    masks, classes, *_ = zip(*(batches[number] for number in range(len(batches))), strict=True)
    return np.concatenate(masks), np.concatenate(classes)


def test_batches_have_their_shapes(split):
    batches = training(split)
    assert len(batches) == 3
    masks, classes, landmarks = batches[0]
    assert (masks.shape, masks.dtype) == ((8, 56, 56, 3), np.uint8)
    assert (classes.shape, classes.dtype) == ((8,), np.int64)
    assert (landmarks.shape, landmarks.dtype) == ((8, 0 if split.kind == "masks" else 21, 2), np.float32)
    assert (masks.max(axis=(1, 2, 3)) > 60).all()


def test_the_same_plan_gives_the_same_masks_in_any_order(split):
    batch = training(split)[2]
    again = training(split)
    again[0], again[1]
    for array, expected in zip(again[2], batch, strict=True):
        np.testing.assert_array_equal(array, expected)


def test_landmarks_lie_where_the_mask_shows_them(hands):
    masks, _, landmarks = training(split_of(hands), image_size=224)[0]
    rows, columns = (np.clip(landmarks[..., axis] * 224, 0, 223).astype(int) for axis in (1, 0))
    lit = masks[np.arange(8)[:, None], rows, columns].any(axis=2)
    assert lit.all(), "each of them is the end of a bone"


@pytest.mark.parametrize("change", [{"epoch": 3}, {"seed": 2}])
def test_epochs_and_seeds_differ(split, change):
    masks, classes = everything(training(split))
    other_masks, other_classes = everything(training(split, **change))
    assert not np.array_equal(classes, other_classes), "another shuffle"
    by_class = masks[np.argsort(classes)], other_masks[np.argsort(other_classes)]
    assert (by_class[0] != by_class[1]).any(axis=(1, 2, 3)).all(), "other changes to each sample"


def test_an_epoch_sees_every_sample_once_before_any_twice(split):
    _, classes = everything(training(split, batches=3))
    assert sorted(classes) == list(range(24))
    _, classes = everything(training(split, batches=7, batch_size=8))
    assert set(np.bincount(classes, minlength=24)) == {2, 3}


def test_a_batch_may_be_larger_than_the_split(split):
    _, classes, _ = training(split, batches=1, batch_size=60)[0]
    assert set(np.bincount(classes, minlength=24)) == {2, 3}


def test_augmented_samples_of_one_hand_differ(split):
    masks, classes = everything(training(split, batches=6))
    for name in range(24):
        one, other = masks[classes == name]
        assert (one != other).any()


def test_half_of_the_samples_are_mirrored(split):
    only_mirror = Augment(mirror=0.5, roll=0.0, tilt=0.0, scale=0.0, shift=0.0, stretch=0.0, jitter=0.0)
    masks, classes = everything(training(split, only_mirror, batches=20, batch_size=24))
    plain = draw_masks(split.samples, 56)[classes].astype(int)
    as_it_is = np.abs(masks - plain).mean(axis=(1, 2, 3))
    mirrored = np.abs(masks - plain[:, :, ::-1]).mean(axis=(1, 2, 3))
    assert (np.minimum(as_it_is, mirrored) < 1.0).all()
    assert 0.42 < (mirrored < as_it_is).mean() < 0.58


def test_no_augmentation_draws_the_hand_as_it_is(split):
    masks, classes = everything(training(split, NOTHING))
    assert np.abs(masks.astype(int) - draw_masks(split.samples, 56)[classes]).mean() < 0.5


def test_validation_is_in_order_and_whole(split):
    batches = ValidationBatches(split, image_size=64, batch_size=10)
    assert len(batches) == 3
    masks, classes = everything(batches)
    assert classes.tolist() == list(range(24))
    np.testing.assert_array_equal(masks, draw_masks(split.samples, 64))


@pytest.mark.parametrize("size", [56, 64, 112])
def test_a_smaller_mask_is_the_area_average(hands, size):
    full = draw_masks(hands[:6])
    averaged = np.stack([cv2.resize(mask, (size, size), interpolation=cv2.INTER_AREA) for mask in full])
    np.testing.assert_array_equal(draw_masks(hands[:6], size), averaged)
    np.testing.assert_array_equal(draw_masks(full, size), averaged)
    if 224 % size == 0:
        side = 224 // size
        blocks = full.reshape(6, size, side, size, side, 3).mean(axis=(2, 4))
        assert np.abs(averaged - blocks).max() <= 1.0


def test_full_size_masks_are_the_renderers(hands):
    np.testing.assert_array_equal(draw_masks(hands[:3]), [render_mask(hand) for hand in hands[:3]])
    np.testing.assert_array_equal(draw_masks(draw_masks(hands[:3])), draw_masks(hands[:3]))


class Numbered:
    """Batches that record which were drawn, and may fail at one of them."""

    def __init__(self, fails_at=None):
        self.drawn, self.fails_at = [], fails_at

    def __len__(self):
        return 50

    def __getitem__(self, number):
        if number == self.fails_at:
            raise MemoryError("no room for a mask")
        self.drawn.append(number)
        return number


@pytest.mark.parametrize("threads", [1, 3])
def test_batches_drawn_ahead_are_the_same_in_the_same_order(split, threads):
    batches = TrainingBatches(split, AUGMENT, image_size=32, batches=20, batch_size=8, seed=0, epoch=0)
    ahead = list(DrawnAhead(batches, threads))
    assert len(ahead) == len(DrawnAhead(batches, threads)) == 20
    for number, batch in enumerate(ahead):
        for array, expected in zip(batch, batches[number], strict=True):
            np.testing.assert_array_equal(array, expected)


def test_no_more_batches_are_drawn_than_asked_for():
    batches = Numbered()
    drawing = iter(DrawnAhead(batches, 2, ahead=4))
    assert [next(drawing) for _ in range(3)] == [0, 1, 2]
    drawing.close()
    assert len(batches.drawn) <= 3 + 4
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("draw")]


def test_an_error_in_a_thread_ends_the_epoch():
    drawing = iter(DrawnAhead(Numbered(fails_at=5), 2))
    with pytest.raises(MemoryError, match="no room for a mask"):
        list(drawing)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("draw")]
