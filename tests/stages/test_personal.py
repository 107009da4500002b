"""Signers' own samples in evaluation: who is enrolled, what is scored, and for whom it is worse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stages.evaluation.networks import load_network
from stages.evaluation.personal import choose, split_signer
from stages.evaluation.personal_scores import as_lines, score_personal
from stages.evaluation.predictions import Predictions, predict_sets
from stages.evaluation.sets import EvaluationSet, Origin
from stages.evaluation.test_sets import make_non_letters
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import synthesize_hands
from stages.params import Test, read_params


def people(labels, signers, rows=None):
    origin = None if rows is None else Origin(Path("x.npz"), np.array(rows))
    samples = np.zeros((len(labels), 21, 3), np.float32)
    return EvaluationSet("x", samples, np.array(labels), np.array(signers), len(labels), origin=origin)


@pytest.mark.parametrize(
    ("count", "first", "scored"),
    [
        (1, [], []),
        (2, [], []),
        (3, [0], [2]),
        (4, [0], [2, 3]),
        (5, [0, 1], [3, 4]),
        (10, [0, 1, 2, 3], [5, 6, 7, 8, 9]),
    ],
)
def test_no_scored_photograph_is_next_to_one_that_may_be_enrolled(count, first, scored):
    half = split_signer(people(["A"] * count, ["anna"] * count), "anna")
    assert half.first.get("A", np.zeros(0)).tolist() == first
    assert half.scored.tolist() == scored


def test_the_order_is_that_of_the_file_and_signers_are_kept_apart():
    everybody = people(["A"] * 6, ["anna", "ben"] * 3, rows=[50, 1, 40, 2, 30, 3])
    assert split_signer(everybody, "anna").first["A"].tolist() == [4]  # row 30 of the file is the first
    assert split_signer(everybody, "anna").scored.tolist() == [0]
    assert split_signer(everybody, "ben").scored.tolist() == [5]


@pytest.mark.parametrize(
    ("rows", "count", "chosen"), [(10, 3, [1, 5, 8]), (2, 3, [0, 1]), (4, 1, [2]), (5, 0, []), (0, 3, [])]
)
def test_samples_are_chosen_evenly(rows, count, chosen):
    assert choose(np.arange(rows), count).tolist() == chosen


def test_a_synthetic_signer_is_read_better_with_own_samples_and_nobody_else_changes(shipped_model):
    hands = synthesize_hands(read_handshapes(), signers=2, samples_per_letter=8, seed=21, non_letters=0)
    # The second signer signs K as V and V as K.
    swapped = {"K": "V", "V": "K"}
    second = hands.signers == sorted(set(hands.signers.tolist()))[1]
    labels = np.where(second, [swapped.get(letter, letter) for letter in hands.labels.tolist()], hands.labels)
    everybody = EvaluationSet("x", hands.landmarks, labels, hands.signers, len(labels))
    network = load_network(shipped_model)
    predictions = predict_sets(network, [everybody], make_non_letters(read_params(Test)))
    scores = score_personal(predictions.personal)
    name = sorted(scores[0].signers)[1]
    assert scores[0].letters["K"] <= 0.6
    assert scores[3].signers[name] > scores[0].signers[name]
    assert scores[3].letters["K"] > 0.8
    assert len(predictions.personal[0]["x"].labels) == 2 * 24 * 4
    assert "3 samples a letter" in as_lines("custom_cnn", scores)


def test_missed_hands_are_errors_and_those_who_become_worse_are_named():
    def made(correct, *, missed=0):
        """Ten photographs of A by anna, and ten by ben, so many of anna's correct; the last ones had no hand."""
        found = 20 - missed
        rows = np.tile(np.array([[0.1, 0.9]], np.float32), (found, 1))
        rows[:correct] = rows[10 : max(10, found)] = [0.9, 0.1]
        signers = np.repeat(["anna", "ben"], 10)
        return {"x": Predictions(("A", "B"), rows, np.full(20, "A"), signers, 20)}

    scores = score_personal({0: made(8), 1: made(5), 3: made(8, missed=2)})
    assert (scores[0].signers, scores[0].mean) == ({"anna": 0.8, "ben": 1.0}, 0.9)
    assert (scores[1].worse, scores[1].letters_worse) == (["anna"], ["A"])
    assert scores[3].signers["ben"] == 0.8
    assert scores[3].hands == 0.9
