"""The hand model as the page loads it: what is rounded, by how much, and what that does to landmarks."""

from __future__ import annotations

import io
import zipfile

import cv2
import numpy as np
import pytest

from client.capture.demo import FILM
from client.landmarks import HandLandmarker, assemble_bundle
from stages.export.packing import DROPPED_BITS, ROUNDED_MEMBER, pack_weights, round_weights

HELD = 95
"""Frame of the film in which a letter is held."""


@pytest.fixture(scope="module")
def bundle():
    return assemble_bundle()


def members(bundle):
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_only_large_tensors_of_one_network_are_rounded_to_the_nearest(bundle):
    rounded = round_weights(bundle)
    before, after = members(bundle), members(rounded)
    assert (len(rounded), list(before)) == (len(bundle), list(after))
    assert [name for name in before if before[name] != after[name]] == [ROUNDED_MEMBER]
    old, new = (np.frombuffer(of[ROUNDED_MEMBER][:-1], "<f2") for of in (before, after))
    changed = old.view("<u2") != new.view("<u2")
    assert changed.sum() > 1_000_000
    most = max(DROPPED_BITS.values())
    ulp = np.spacing(np.abs(old[changed]).astype(np.float16)).astype(np.float64)
    moved = np.abs(old[changed].astype(np.float64) - new[changed])
    assert (moved <= 2 ** (most - 1) * ulp).all()
    zeros = np.flatnonzero(old == 0)
    assert (new[zeros] == 0).all()


def test_the_hand_is_where_it_was(bundle, tmp_path):
    path = tmp_path / "rounded.task"
    path.write_bytes(round_weights(bundle))
    capture = cv2.VideoCapture(FILM)
    capture.set(cv2.CAP_PROP_POS_FRAMES, HELD)
    picture = cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB)
    with HandLandmarker("image") as landmarker, HandLandmarker("image", path) as other:
        hand, again = (each.detect(picture).landmarks[:, :2] for each in (landmarker, other))
    assert not np.array_equal(hand, again)
    assert np.linalg.norm(hand - again, axis=1).max() < np.ptp(hand, axis=0).max() / 100


@pytest.mark.parametrize("length", [0, 1, 6, 7])
def test_high_bytes_come_first_and_sort_the_low_ones(length):
    data = bytes([1, 9, 2, 7, 3, 9, 4])[:length]
    expected = {0: [], 1: [1], 6: [9, 7, 9, 2, 1, 3], 7: [9, 7, 9, 2, 1, 3, 4]}
    assert list(pack_weights(data)) == expected[length]
