"""Hands that show no letter: unlike every letter, of several kinds, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from stages.hand.handshapes import read_handshapes
from stages.hand.non_letters import COUNTING, LEAST_DISTANCE, distance, draw_non_letters
from stages.hand.signers import synthesize_hands
from stages.labels import NOTHING


@pytest.fixture(scope="module")
def table():
    return read_handshapes()


@pytest.fixture(scope="module")
def drawn(table):
    return draw_non_letters(table, 400, np.random.default_rng(0))


def test_a_letter_is_like_itself(table):
    np.testing.assert_allclose(distance(table, table), 0.0)


def test_a_finger_a_thumb_or_a_turn_makes_a_hand_unlike(table):
    one = table.take(np.array([0]))
    for name in ("flexion", "thumb_tip", "orientation"):
        changed = one.join(one)
        getattr(changed, name)[1] += {"flexion": 40.0, "thumb_tip": 0.5, "orientation": 60.0}[name]
        before, after = distance(changed, one)
        assert before == 0.0
        assert after > LEAST_DISTANCE


def test_a_full_turn_changes_nothing(table):
    turned = table.take(np.arange(len(table.letters)))
    turned.orientation[:] += 360.0
    np.testing.assert_allclose(distance(turned, table), 0.0, atol=1e-9)


def test_non_letters_are_unlike_every_letter(table, drawn):
    assert len(drawn.letters) == 400
    assert set(drawn.letters) == {NOTHING}
    assert (distance(drawn, table) >= LEAST_DISTANCE).mean() > 0.99


def test_there_are_several_kinds(table, drawn):
    counting = (drawn.flexion[:, None] == COUNTING.flexion[None]).all(axis=(2, 3)).any(axis=1)
    assert 0.05 < counting.mean() < 0.6
    assert len(np.unique(drawn.flexion[~counting], axis=0)) == (~counting).sum()


def test_signers_show_them_in_addition_to_their_letters(table):
    hands = synthesize_hands(table, signers=3, samples_per_letter=1, seed=0, non_letters=5)
    again = synthesize_hands(table, signers=3, samples_per_letter=1, seed=0, non_letters=5)
    np.testing.assert_array_equal(hands.landmarks, again.landmarks)
    for signer in np.unique(hands.signers):
        labels = hands.labels[hands.signers == signer]
        assert (labels == NOTHING).sum() == 5
        assert len(set(labels)) == 25


def test_without_them_no_hand_is_labelled_nothing(table):
    assert NOTHING not in synthesize_hands(table, signers=2, samples_per_letter=1, seed=0).labels


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_few_are_drawn_too(table, count):
    """A kind of which none is drawn is no error."""
    for seed in range(5):
        assert len(draw_non_letters(table, count, np.random.default_rng(seed)).letters) == count
