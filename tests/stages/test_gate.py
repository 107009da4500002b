"""The gate: what is better by more than the noise passes, and every reason against is a sentence."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_models import predictions

from stages.evaluation.intervals import Difference, compare_accuracy, compare_f1, compare_letters
from stages.evaluation.signer_scores import macro_of
from stages.params import Promote
from stages.registry.gate import Measured, decide, letters_hold

BUDGETS = Promote(confidence=0.8, letter_fall=0.15, latency_ms=30.0, ece=0.1)
LETTERS = "ABCDEFGH"


def predict(wrong: str, signers: int = 8, of: int = 1):
    """Every letter once by each signer; `of` signers get each letter of `wrong` wrong for every time it is named."""
    labels = np.array(list(LETTERS) * signers)
    predicted = labels.copy()
    for letter in set(wrong):
        predicted[np.flatnonzero(labels == letter)[: wrong.count(letter) * of]] = "?"
    names = np.repeat([f"signer {number}" for number in range(signers)], len(LETTERS))
    return predictions(labels, predicted, signers=names, confidence=1.0)


def measured(wrong: str, *, signers=8, of=1, latency=5.0, ece=0.02) -> Measured:
    given = predict(wrong, signers, of)
    return Measured({"street": given, "school": given}, ece, latency)


BAD = "AABBCCDDEEFFGGHH"
"""Two signers of eight get every letter wrong."""


@pytest.mark.parametrize(
    ("candidate", "champion", "promoted", "sentence"),
    [
        (measured("A"), measured(BAD, of=2), True, "which beats the champion by more than the noise"),
        (
            measured("A"),
            measured(BAD, of=2),
            True,
            "No letter falls by more than 0.15 and the noise on unseen signers.",
        ),
        (measured("A"), measured("A"), False, "difference of +0.000"),
        (measured("A"), measured("AB"), False, "does not beat the champion by more than the noise"),
        (measured(BAD, of=2), measured("A"), False, "Accuracy on unseen signers, the mean of 2 sources: 0.500 against"),
        (measured(BAD, of=2), measured("A"), False, "Macro F1 on unseen signers, the mean of 2 sources"),
        (
            measured("AAAAAAAA"),
            measured("BBBBBBBBCCCCCCCCDDDDDDDDEEEEEEEE"),
            False,
            "fall by more than 0.15 and the noise: A (1.00 to 0.00).",
        ),
        (measured("A"), measured("BBBBBBBBCCCCCCCCDDDDDDDD"), True, "largest fall is that of A, 0.12"),
        (
            measured("", latency=31.0),
            measured(BAD, of=2),
            False,
            "One mask takes 31 ms at its fastest, over the budget of 30.",
        ),
        (
            measured("", ece=0.11),
            measured(BAD, of=2),
            False,
            "The expected calibration error is 0.11 on unseen signers, over the budget",
        ),
        (measured("A"), None, True, "can neither evaluate nor serve the champion"),
        (measured("A", latency=31.0), None, False, "over the budget"),
    ],
)
def test_decision(candidate, champion, promoted, sentence):
    decision = decide(candidate, champion, BUDGETS)
    assert decision.promoted is promoted
    assert any(sentence in reason for reason in decision.reasons), decision.reasons


def test_reasons_of_a_refusal_are_only_those_against():
    decision = decide(measured("", latency=31.0), measured(BAD, of=2), BUDGETS)
    assert len(decision.reasons) == 1


def test_pairing_takes_out_the_signers_who_are_hard_for_both():
    """Alone, the two intervals overlap by far; on the same signers the one is always better."""
    hard = "".join(letter * 6 for letter in LETTERS[:6])
    better, worse = predict(hard), predict(hard + "GGGGGG")
    difference = compare_accuracy({"": better}, {"": worse})
    assert difference.beats
    assert difference.high - difference.low < 0.25
    assert compare_f1({"": better}, {"": worse}).beats
    assert compare_accuracy({"": worse}, {"": better}).worse


def test_f1_of_the_gate_is_that_of_the_reports():
    one, other = predict("AABBBCDDDD"), predict("HH")
    difference = compare_f1({"": one}, {"": other})
    assert difference.candidate == pytest.approx(macro_of(one)[2])
    assert difference.champion == pytest.approx(macro_of(other)[2])


def test_one_signer_proves_nothing():
    one, other = predict("", signers=1), predict("ABCDEFGH", signers=1)
    for difference in (compare_f1({"": one}, {"": other}), compare_accuracy({"": one}, {"": other})):
        assert (difference.candidate, difference.champion) == (1.0, 0.0)
        assert difference.low is None
        assert not difference.beats
    decision = decide(Measured({"": one}, 0.0, 1.0), Measured({"": other}, 0.0, 1.0), BUDGETS)
    assert not decision.promoted
    assert "put files of more people in data/test/" in decision.reasons[0]


@pytest.mark.parametrize(
    ("champion", "candidate", "low", "high", "holds"),
    [
        pytest.param(0.9, 0.7, -0.3, -0.1, False, id="more than the budget and the noise"),
        pytest.param(0.9, 0.7, -0.45, 0.05, True, id="more than the budget, but it may be noise"),
        pytest.param(0.9, 0.8, -0.15, -0.05, True, id="sure, but within the budget"),
        pytest.param(0.9, 0.75, -0.2, -0.1, True, id="the budget itself"),
        pytest.param(0.9, 0.0, None, None, True, id="one signer"),
    ],
)
def test_a_letter_falls_if_it_is_more_than_the_budget_and_the_noise(champion, candidate, low, high, holds):
    assert letters_hold({"A": Difference(candidate, champion, low, high)}, 0.15).holds is holds


def test_a_letter_that_five_of_24_signers_lose_is_noise_and_one_that_all_lose_is_not():
    before = {"": predict("", signers=24)}
    assert not compare_letters({"": predict("A" * 5, signers=24)}, before)["A"].worse
    assert compare_letters({"": predict("A" * 24, signers=24)}, before)["A"].worse
