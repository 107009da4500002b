"""The correction: what it learns, what it leaves alone, both hands, and how far it is trusted. Made-up features."""

from __future__ import annotations

import numpy as np
import pytest

from service.correction import Correction, Samples, fit_correction, swap_hands
from service.enrolment import enrol
from service.prototypes import Prototypes

CLASSES, WIDTH, NOTHING = 6, 40, 5


def world(seed=0):
    """Prototypes of five letters and of hands that show none, and what draws features around a point."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(CLASSES, WIDTH)).astype(np.float32) * 2

    def draw(centre, count):
        return (centre + rng.normal(size=(count, WIDTH)) * 0.3).astype(np.float32)

    return Prototypes(features, belief(np.arange(CLASSES))), draw, rng


def belief(labels, sure=0.95):
    """What a network says that is sure of some labels."""
    rows = np.full((len(labels), CLASSES), (1 - sure) / (CLASSES - 1), np.float32)
    rows[np.arange(len(labels)), labels] = sure
    return rows


def signs_differently(draw, rng, letter, taken_for, count):
    """Samples of a letter that somebody signs in a way of their own, which the network takes for another letter."""
    own = rng.normal(size=WIDTH) * 2
    return own, Samples(draw(own, count), belief(np.full(count, taken_for)), np.full(count, letter))


def join(*parts):
    return Samples(
        *(np.concatenate([getattr(each, name) for each in parts]) for name in ("features", "probabilities", "classes"))
    )


def test_a_letter_that_the_network_takes_for_another_is_learned_and_the_other_stays():
    prototypes, draw, rng = world()
    own, k = signs_differently(draw, rng, 0, 1, 3)
    v = Samples(draw(prototypes.features[1], 3), belief(np.full(3, 1)), np.full(3, 1))
    correction = fit_correction(join(k, v), prototypes, NOTHING)
    new_k, new_v = draw(own, 50), draw(prototypes.features[1], 50)
    as_v = belief(np.full(50, 1))
    assert (correction.apply(as_v, new_k).argmax(axis=1) == 0).all()
    assert (correction.apply(as_v, new_v).argmax(axis=1) == 1).all()
    np.testing.assert_allclose(correction.apply(as_v, new_k).sum(axis=1), 1.0, atol=1e-5)


def test_the_other_hand_is_recognised_too():
    prototypes, draw, rng = world(1)
    own, k = signs_differently(draw, rng, 0, 1, 3)
    v = Samples(draw(prototypes.features[1], 3), belief(np.full(3, 1)), np.full(3, 1))
    correction = fit_correction(join(k, v), prototypes, NOTHING)
    assert (correction.apply(belief(np.full(50, 1)), swap_hands(draw(own, 50))).argmax(axis=1) == 0).all()


def test_letters_that_were_not_enrolled_and_hands_that_show_none_stay():
    prototypes, draw, rng = world(2)
    _, k = signs_differently(draw, rng, 0, 1, 4)
    correction = fit_correction(k, prototypes, NOTHING)
    for label in (2, 3, 4, NOTHING):
        seen = draw(prototypes.features[label], 50)
        assert (correction.apply(belief(np.full(50, label), sure=0.8), seen).argmax(axis=1) == label).all()
    assert correction.counts.tolist() == [True, True, False, False, False, True]


def test_hands_are_swapped_back_and_forth():
    features = np.arange(12, dtype=np.float32).reshape(2, 6)
    assert swap_hands(features).tolist() == [[3, 4, 5, 0, 1, 2], [9, 10, 11, 6, 7, 8]]
    np.testing.assert_array_equal(swap_hands(swap_hands(features)), features)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_of_nothing_leaves_the_network_alone(share):
    correction = Correction(
        np.ones((WIDTH, CLASSES), np.float32), np.arange(CLASSES, dtype=np.float32), np.full(CLASSES, True)
    )
    probabilities, features = belief(np.array([2])), np.ones((1, WIDTH), np.float32)
    unchanged = np.allclose(correction.scale(share).apply(probabilities, features), probabilities, atol=1e-6)
    assert unchanged == (share == 0.0)


def test_a_correction_worse_than_the_network_is_not_trusted():
    prototypes, _, rng = world(3)
    # The network recognises every sample, and the features are noise: whatever is fitted to them is wrong.
    classes = np.tile(np.arange(5), 5)
    noise = (rng.normal(size=(25, WIDTH)) * 40).astype(np.float32)
    outcome = enrol(Samples(noise, belief(classes, sure=0.4), classes), prototypes, NOTHING)
    assert np.abs(outcome.correction.weights).max() == 0.0
    assert {check.before for check in outcome.letters.values()} == {1.0}


def test_a_sample_of_another_letter_is_dropped_and_named():
    prototypes, draw, _ = world(4)
    classes = np.repeat([0, 1, 2], 5)
    features = np.concatenate([draw(prototypes.features[label], 5) for label in range(3)])
    features[7] = draw(prototypes.features[2], 1)[0]
    seen = classes.copy()
    seen[7] = 2
    outcome = enrol(Samples(features, belief(seen), classes), prototypes, NOTHING)
    assert outcome.dropped == {7: 2}
    assert (outcome.letters[1].samples, outcome.letters[1].used) == (5, 4)


def test_letters_signed_alike_are_named_and_others_are_not():
    prototypes, draw, _ = world(5)
    same = draw(prototypes.features[1], 8)
    apart = draw(prototypes.features[2], 4)
    samples = Samples(np.concatenate([same, apart]), belief(np.repeat([1, 2], [8, 4])), np.repeat([0, 1, 2], 4))
    assert enrol(samples, prototypes, NOTHING).alike == [(0, 1)]


def test_one_sample_of_one_letter_is_enough_to_begin_with():
    prototypes, draw, rng = world(6)
    own, k = signs_differently(draw, rng, 0, 1, 1)
    outcome = enrol(k, prototypes, NOTHING)
    assert outcome.letters[0].after is None
    assert (outcome.correction.apply(belief(np.full(20, 1), sure=0.6), draw(own, 20)).argmax(axis=1) == 0).mean() > 0.9


def test_prototypes_are_packed_and_unpacked():
    prototypes, _, _ = world(7)
    again = Prototypes.unpack(prototypes.pack(), CLASSES, WIDTH)
    np.testing.assert_allclose(again.features, prototypes.features, rtol=2e-3)
    np.testing.assert_allclose(again.probabilities, prototypes.probabilities, rtol=2e-3)
    for text in ("no base64!", prototypes.pack()[:-8], ""):
        with pytest.raises(ValueError, match=r"."):
            Prototypes.unpack(text, CLASSES, WIDTH)
