"""The gate: what is better by more than the noise passes, and every reason against is a sentence."""

from __future__ import annotations

import numpy as np
import pytest

from stages.evaluation.intervals import compare_accuracy, compare_f1, macro_f1
from stages.evaluation.test_scores import Answers
from stages.params import Promote
from stages.registry.gate import Marks, decide

BUDGETS = Promote(letter_fall=0.15, latency_ms=30.0, ece=0.1)
LETTERS = "ABCDEFGH"


def answers(wrong: str, signers: int = 8, of: int = 1) -> Answers:
    """Every letter once by each signer; the letters of `wrong` are misread by `of` signers in each mention."""
    labels = np.array(list(LETTERS) * signers)
    read = labels.copy()
    for letter in set(wrong):
        read[np.flatnonzero(labels == letter)[: wrong.count(letter) * of]] = "?"
    names = np.repeat([f"signer {number}" for number in range(signers)], len(LETTERS))
    sure = np.ones(len(labels))
    return Answers(labels, read, sure, names, len(labels), sure)


def marks(wrong: str, *, signers=8, of=1, latency=5.0, ece=0.02) -> Marks:
    given = answers(wrong, signers, of)
    return Marks({"street": given, "school": given}, given, ece, latency)


BAD = "AABBCCDDEEFFGGHH"
"""Two signers of eight misread every letter."""


@pytest.mark.parametrize(
    ("candidate", "champion", "promoted", "sentence"),
    [
        (marks("A"), marks(BAD, of=2), True, "which beats the champion by more than the noise"),
        (marks("A"), marks(BAD, of=2), True, "No letter falls by more than 0.15 on strangers."),
        (marks("A"), marks("A"), False, "difference of +0.000"),
        (marks("A"), marks("AB"), False, "does not beat the champion by more than the noise"),
        (marks(BAD, of=2), marks("A"), False, "Accuracy on strangers, the mean of 2 sources: 0.500 against"),
        (marks(BAD, of=2), marks("A"), False, "Macro F1 in validation"),
        (marks("AAAA"), marks("BBBBBBBBCCCCCCCCDDDDDDDDEEEEEEEE"), False, "fall by more than 0.15: A (1.00 to 0.50)."),
        (marks("A"), marks("BBBBBBBBCCCCCCCCDDDDDDDD"), True, "largest fall is that of A, 0.12"),
        (
            marks("", latency=31.0),
            marks(BAD, of=2),
            False,
            "One mask takes 31 ms at its fastest, over the budget of 30.",
        ),
        (marks("", ece=0.11), marks(BAD, of=2), False, "The expected calibration error is 0.11 (strangers or"),
        (marks("A"), None, True, "can neither examine nor serve the champion"),
        (marks("A", latency=31.0), None, False, "over the budget"),
    ],
)
def test_decision(candidate, champion, promoted, sentence):
    decision = decide(candidate, champion, BUDGETS)
    assert decision.promoted is promoted
    assert any(sentence in reason for reason in decision.reasons), decision.reasons


def test_reasons_of_a_refusal_are_only_those_against():
    decision = decide(marks("", latency=31.0), marks(BAD, of=2), BUDGETS)
    assert len(decision.reasons) == 1


def test_pairing_takes_out_the_signers_who_are_hard_for_both():
    """Alone, the two intervals overlap by far; on the same signers the one is always better."""
    hard = "".join(letter * 6 for letter in LETTERS[:6])
    better, worse = answers(hard), answers(hard + "GGGGGG")
    difference = compare_accuracy({"": better}, {"": worse})
    assert difference.beats
    assert difference.high - difference.low < 0.1
    assert compare_f1(better, worse).beats


def test_f1_counts_as_scikit_learn_does():
    from sklearn.metrics import f1_score

    given = answers("AABBBCDDDD")
    read = np.where(given.read == "?", "A", given.read)
    given = Answers(given.labels, read, given.confidence, given.signers, given.n_photos, given.letterness)
    assert macro_f1(given) == pytest.approx(f1_score(given.labels, read, average="macro"))


def test_one_signer_s_letters_are_resampled_and_few_of_them_prove_nothing():
    one, other = answers("", signers=1), answers("A", signers=1)
    for difference in (compare_f1(one, other), compare_accuracy({"": one}, {"": other})):
        assert difference.candidate == 1.0
        assert difference.low == 0.0
        assert not difference.beats
