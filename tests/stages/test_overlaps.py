"""Test sets that share signers or samples with training, or with each other, are found; honest ones are not refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from client.mask import render_mask
from stages.data.processed import Processed, Split
from stages.errors import InputError
from stages.evaluation.overlaps import check_unseen, find_copies, find_shared
from stages.evaluation.sets import EvaluationSet, Origin
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import synthesize_hands


@pytest.fixture(scope="module")
def hands():
    """240 hands of ten synthetic signers; the tests give them names, or none."""
    return synthesize_hands(read_handshapes(), signers=10, samples_per_letter=1, seed=3).landmarks


def a_set(samples, signers=None, name="test"):
    names = np.full(len(samples), "") if signers is None else np.array(signers)
    origin = Origin(Path(f"data/test/{name}.npz"), np.arange(len(samples)))
    return EvaluationSet(name, samples, np.full(len(samples), "A"), names, len(samples), origin=origin)


def learnt(samples, signers=None):
    names = np.full(len(samples), "") if signers is None else np.array(signers)
    splits = [
        Split(samples[rows], np.zeros(len(samples[rows]), np.int64), names[rows])
        for rows in (slice(0, -5), slice(-5, None))
    ]
    return Processed(*splits, ("A",))


def as_masks(landmarks):
    return np.stack([render_mask(points, 224) for points in landmarks])


def jittered(landmarks, share, seed=0):
    """Move every point by a share of the hand's extent, root mean square."""
    extent = np.ptp(landmarks[:, :, :2], axis=1).max(axis=1)[:, None, None]
    noise = np.random.default_rng(seed).normal(0, 1, landmarks.shape)
    return (landmarks + noise * extent * share).astype(np.float32)


def test_honest_sets_pass(hands):
    check_unseen([a_set(hands[:24]), a_set(hands[24:48], name="other")], learnt(hands[100:]), {})


@pytest.mark.parametrize("mirror", [1, -1])
@pytest.mark.parametrize(
    ("tested", "trained"), [("hands", "hands"), ("masks", "masks"), ("hands", "masks"), ("masks", "hands")]
)
def test_one_copy_is_found_in_either_form_mirrored_or_not(hands, tested, trained, mirror):
    copied = hands[:8].copy()
    copied[5] = (hands[103] * 1.5 + 20) * [mirror, 1, 1]
    forms = {"hands": np.asarray, "masks": as_masks}
    found = find_shared(a_set(forms[tested](copied)), learnt(forms[trained](hands[100:130])))
    assert found == {5: "row 5 is a copy of training's row 3"}


def test_a_copy_in_validation_is_found_and_names_are_told(hands):
    copied = np.concatenate([hands[:3], hands[129:130]])
    data = learnt(hands[100:130], ["ann"] * 30)
    assert find_shared(a_set(copied, ["", "", "", "bo"]), data) == {
        3: "row 3 (signer 'bo') is a copy of validation's row 4 (signer 'ann')"
    }


def test_frames_of_one_film_are_found_although_none_is_a_copy(hands):
    film = np.repeat(hands[:20], 4, axis=0)
    first, second = jittered(film, 0.003, seed=1), jittered(film, 0.003, seed=2)
    assert not find_copies(a_set(first), a_set(second))
    found = find_shared(a_set(second), learnt(first))
    assert len(found) > 60
    assert all("is a near-duplicate of" in why for why in found.values())
    with pytest.raises(
        InputError, match=r"test\.npz: \d+ of its 80 rows show whom the networks learn from: row 0 is a near"
    ):
        check_unseen([a_set(second)], learnt(first), {})


def test_a_few_near_duplicates_of_each_of_many_people_are_chance(hands):
    """Two of a hundred rows are near one signer's and two near another's: 2 % each, as may happen."""
    tested = hands[:100].copy()
    tested[:4] = jittered(hands[200:204], 0.004)
    names = ["ann", "ann", "bo", "bo", *["cy"] * 36]
    assert not find_shared(a_set(tested), learnt(hands[200:], names))
    assert set(find_shared(a_set(tested), learnt(hands[200:], ["ann"] * 40))) == {0, 1, 2, 3}, (
        "4 % of one signer's are not"
    )


def test_names_identify_people_and_no_name_identifies_nobody(hands):
    data = learnt(hands[100:130], ["ann", "", *["bo"] * 23, *["cy"] * 5])
    found = find_shared(a_set(hands[:4], ["ann", "", "cy", "di"]), data)
    assert found == {0: "row 0 is of 'ann', who is in training", 2: "row 2 is of 'cy', who is in validation"}


def test_a_test_set_under_two_names_is_refused(hands):
    with pytest.raises(
        InputError,
        match=r"again\.npz: 24 of its 24 rows are copies of rows in data/test/test\.npz: row 0 of row 0; .*Take one",
    ):
        check_unseen([a_set(hands[:24]), a_set(hands[:24], name="again")], None, {})


def test_people_of_the_shared_sets_are_not_taken_for_each_other(shared):
    """Real hands of 18 people in eight files, against each other, and against synthetic hands."""
    folder = shared / "data"
    sets = []
    for path in sorted([*(folder / "landmarks").glob("*.npz"), *(folder / "test").glob("*.npz")]):
        with np.load(path) as file:
            names = file["signers"] if "signers" in file.files else np.full(len(file["landmarks"]), path.stem)
            sets.append(a_set(file["landmarks"], names, f"{path.parent.name}_{path.stem}"))
    synthetic = synthesize_hands(read_handshapes(), signers=100, samples_per_letter=2, seed=2)
    check_unseen(sets, learnt(synthetic.landmarks, synthetic.signers), {})
    for each in sets:
        for other in sets:
            if each is not other:
                check_unseen([each], learnt(other.samples, other.signers), {})
