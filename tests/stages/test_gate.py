"""The gate: what is better by more than the noise passes, and every reason against is a sentence."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_models import predictions

from stages.evaluation.intervals import compare_accuracy, compare_f1, macro_f1
from stages.params import Promote
from stages.registry.gate import Measured, decide

BUDGETS = Promote(letter_fall=0.15, latency_ms=30.0, ece=0.1)
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
    return Measured({"street": given, "school": given}, given, ece, latency)


BAD = "AABBCCDDEEFFGGHH"
"""Two signers of eight get every letter wrong."""


@pytest.mark.parametrize(
    ("candidate", "champion", "promoted", "sentence"),
    [
        (measured("A"), measured(BAD, of=2), True, "which beats the champion by more than the noise"),
        (measured("A"), measured(BAD, of=2), True, "No letter falls by more than 0.15 on unseen signers."),
        (measured("A"), measured("A"), False, "difference of +0.000"),
        (measured("A"), measured("AB"), False, "does not beat the champion by more than the noise"),
        (measured(BAD, of=2), measured("A"), False, "Accuracy on unseen signers, the mean of 2 sources: 0.500 against"),
        (measured(BAD, of=2), measured("A"), False, "Macro F1 in validation"),
        (
            measured("AAAA"),
            measured("BBBBBBBBCCCCCCCCDDDDDDDDEEEEEEEE"),
            False,
            "fall by more than 0.15: A (1.00 to 0.50).",
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
            "The expected calibration error is 0.11 (unseen signers or",
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
    assert difference.high - difference.low < 0.1
    assert compare_f1(better, worse).beats


def test_f1_counts_as_scikit_learn_does():
    from sklearn.metrics import f1_score

    given = predict("AABBBCDDDD")
    predicted = np.where(given.predicted == "?", "A", given.predicted)
    given = predictions(given.labels, predicted, signers=given.signers)
    assert macro_f1(given) == pytest.approx(f1_score(given.labels, predicted, average="macro"))


def test_one_signer_s_letters_are_resampled_and_few_of_them_prove_nothing():
    one, other = predict("", signers=1), predict("A", signers=1)
    for difference in (compare_f1(one, other), compare_accuracy({"": one}, {"": other})):
        assert difference.candidate == 1.0
        assert difference.low == 0.0
        assert not difference.beats
