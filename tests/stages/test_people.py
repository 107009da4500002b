"""On whom a network was trained: the hashes that it carries, and who is found by them."""

from __future__ import annotations

import numpy as np
import pytest

from client.mask import render_mask
from stages.data.people import hash_name, pack_people, people_in, people_of_weights, rows_of, unpack_people
from stages.data.processed import Processed, Split
from stages.errors import InputError
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import synthesize_hands


@pytest.fixture(scope="module")
def hands():
    return synthesize_hands(read_handshapes(), signers=2, samples_per_letter=1, seed=3).landmarks


def data_of(samples, signers):
    """Even rows are training, odd ones validation."""
    splits = [Split(samples[side::2], np.zeros(len(samples[side::2]), np.int64), signers[side::2]) for side in (0, 1)]
    return Processed(*splits, ("A",))


def as_masks(landmarks):
    return np.stack([render_mask(points, 224) for points in landmarks])


def test_named_signers_of_training_and_validation_are_found_in_any_file(hands):
    people = people_in(data_of(hands[:4], np.array(["ann", "bo", "ann", "bo"])))
    assert people == {hash_name("ann"), hash_name("bo")}
    assert rows_of(people, hands[10:13], np.array(["bo", "cy", "", "ann"])).tolist() == [True, False, False, True]
    assert not rows_of(frozenset(), hands[10:13], np.array(["bo", "cy", ""])).any()


@pytest.mark.parametrize("draw", [np.asarray, as_masks])
def test_samples_without_a_name_are_found_by_content(hands, draw):
    """So is everybody under the name that the test set gives them, and whoever has no name there, either."""
    people = people_in(data_of(draw(hands[:6]), np.full(6, "")))
    assert len(people) == 6
    tested = draw(hands[[3, 20, 21, 22]])
    assert rows_of(people, tested, np.array(["dora", "dora", "ed", "", "dora"])).tolist() == [True] * 2 + [
        False
    ] * 2 + [True]
    assert rows_of(people, tested, np.full(4, "")).all()
    assert not rows_of(people, tested[1:], np.full(3, "")).any()


def test_place_size_and_side_of_a_hand_do_not_matter(hands):
    people = people_in(data_of(hands[:6], np.full(6, "")))
    moved = hands[[1]] * np.float32(1.5) + np.float32(40)
    mirrored = moved * np.array([-1, 1, 1], dtype=np.float32)
    for each in (moved, mirrored):
        assert rows_of(people, each, np.array(["dora"])).all()


def test_people_are_written_as_text_and_read_again(hands):
    people = people_in(data_of(hands, np.full(len(hands), "")))
    text = pack_people(people)
    assert unpack_people(text) == people
    assert len(text) < 11 * len(people) + 4
    assert text == pack_people(frozenset(sorted(people, reverse=True)))
    assert unpack_people("") == frozenset()
    for damaged in (text[:-3], text[:12], "é" + text):
        with pytest.raises(ValueError, match="'trained_on' is damaged"):
            unpack_people(damaged)


def test_weights_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    for name in ("broken.safetensors", "missing.safetensors"):
        with pytest.raises(InputError, match=f"{name} is not a complete safetensors file"):
            people_of_weights(tmp_path / name)
