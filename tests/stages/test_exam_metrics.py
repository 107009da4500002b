"""The marks of an exam against numbers worked by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from stages.evaluation import test_scores as exam

# Samples shown: A A B Ñ; read: A B B A.
PROBABILITIES = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.0, 1.0, 0.0], [0.5, 0.25, 0.25]])
SHOWN = np.array(["A", "A", "B", "Ñ"])
NOBODY = np.array([""] * 4)


def texts(letters):
    return np.array(list(letters), dtype=np.str_)


def answers(shown, read, n_photos=None, signers=None, confidence=None):
    """`-` in `read` is a hand not found."""
    read = np.array([exam.NO_HAND if letter == "-" else letter for letter in read])
    sure = np.where(read == exam.NO_HAND, 0.0, 0.9 if confidence is None else confidence)
    signers = texts(signers) if signers else np.array([""] * len(shown))
    return exam.Answers(texts(shown), read, sure, signers, n_photos or len(shown), letterness=sure)


def test_missed_hands_and_unknown_labels_are_errors():
    given = exam.answer(PROBABILITIES, SHOWN, ("A", "B", "C"), NOBODY, n_photos=8, missed=(texts("AC"), texts("xy")))
    assert given.correct.tolist() == [True, False, True, False, False, False]
    assert given.found.tolist() == [True] * 4 + [False] * 2
    assert given.accuracy == 2 / 8
    assert exam.describe(given) == {
        "n_photos": 8, "found": 4, "detection_rate": 0.5, "signers": 2, "letters": 4,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("nothing", "letter", "auroc", "given"),
    [
        ((0.9, 0.8), (0.1, 0.2), 1.0, 0.0),
        ((0.4, 0.8), (0.45, 0.1), 1.0, 0.0),  # a letter below the threshold is not given
        ((0.0, 0.8), (0.99, 0.1), 0.5, 0.5),
        ((0.0, 0.0), (0.99, 0.99), 0.0, 1.0),
    ],
)
def test_letters_are_told_from_hands_that_show_none(nothing, letter, auroc, given):
    letters = {"one": answers("AB-", "AB-", confidence=0.9), "two": answers("A", "A", confidence=0.7)}
    rest = 1.0 - np.array(nothing) - np.array(letter)
    read = np.stack([np.array(letter), rest, np.array(nothing)], axis=1)
    non_letters = exam.answer(read, np.full(2, "nothing"), ("A", "B", "nothing"), np.array([""] * 2), n_photos=2)
    assert exam.tell_apart(letters, non_letters, threshold=0.5) == {"auroc": auroc, "letters_given": given}


def test_a_hand_looks_like_a_letter_by_what_is_not_of_nothing():
    read = np.array([[0.25, 0.0, 0.75], [0.4, 0.35, 0.25]])
    rows = exam.answer(
        read, texts("AA"), ("A", "B", "nothing"), np.array([""] * 2), n_photos=3, missed=(texts("B"), texts("x"))
    )
    assert rows.letterness.tolist() == [0.25, 0.75, 0.0]
    assert rows.correct.tolist() == [False, True, False]
    assert exam.answer(read, texts("AA"), ("A", "B", "C"), np.array([""] * 2), 2).letterness.tolist() == [1.0, 1.0]


def test_the_mean_counts_each_source_the_same():
    given = {"one": answers("A", "A"), "many": answers("AB" * 10, "AA" * 10, n_photos=40)}
    marks = exam.summarise(given, 0.5, 10)
    assert marks["mean"] == pytest.approx((1.0 + 0.25) / 2)
    assert marks["sources"]["many"]["accuracy"] == 0.25
    # Whole letters are drawn: both of B (0), one of each (0.25) or both of A (0.5).
    assert marks["sources"]["many"]["interval"] == [0.0, 0.5]
    assert marks["sources"]["one"]["interval"] == [1.0, 1.0]
    assert json.dumps(marks, allow_nan=False)
    assert "0.250 (0.000-0.500)" in exam.table({"net": marks}, "net")


@pytest.mark.parametrize(
    ("signers", "interval"),
    [
        pytest.param("x" * 8, [0.5, 0.5], id="one signer: letters are drawn, each read right by half"),
        pytest.param("xxxxyyyy", [0.0, 1.0], id="two signers: they are drawn, one is read right and one is not"),
        pytest.param(None, [0.5, 0.5], id="unknown signers: letters are drawn"),
    ],
)
def test_intervals_are_over_signers_where_there_are_several(signers, interval):
    given = answers("ABABABAB", "ABABBABA", signers=signers)
    assert exam.summarise({"source": given}, 0.5, 10)["sources"]["source"]["interval"] == interval


@pytest.mark.parametrize(
    ("given", "accuracy", "interval"),
    [
        pytest.param({"one": answers("AAB", "ABB")}, 0.5, None, id="one hand says nothing about others"),
        pytest.param({"one": answers("AA", "A-")}, 0.5, None, id="a missed hand of a known letter"),
        pytest.param({"one": answers("AB", "AB", n_photos=4)}, 0.5, None, id="missed hands of unknown letters"),
        pytest.param(
            {"one": answers("AAAA", "AAAA"), "two": answers("A", "B")}, 0.5, [0.0, 1.0], id="sources count the same"
        ),
        pytest.param({"one": answers("AAAAA", "AAAAB", signers="xxxxy")}, 0.5, [0.0, 1.0], id="signers count the same"),
    ],
)
def test_accuracy_on_a_letter(given, accuracy, interval):
    mark = exam.letter_marks(given)["A"]
    assert mark["accuracy"] == accuracy
    assert mark["interval"] == interval
    assert mark["n_photos"] == sum((each.labels == "A").sum() for each in given.values())


def test_selection_worked_by_hand():
    # Surest first: right (0.9), wrong (0.7), right and wrong (0.6 each); one hand of five was not found.
    given = answers("AAAAA", "ABAB-", confidence=np.array([0.9, 0.7, 0.6, 0.6, 0.0]))
    selection = exam.select({"one": given})
    assert selection.thresholds.tolist() == [0.9, 0.7, 0.6]
    assert selection.coverage == pytest.approx([0.2, 0.4, 0.8])
    assert selection.risk == pytest.approx([0.0, 0.5, 0.5])


@pytest.mark.parametrize(
    ("threshold", "coverage", "risk"), [(0.0, 0.8, 0.5), (0.6, 0.8, 0.5), (0.61, 0.4, 0.5), (0.8, 0.2, 0), (1, 0, None)]
)
def test_coverage_and_risk_at_a_threshold(threshold, coverage, risk):
    given = answers("AAAAA", "ABAB-", confidence=np.array([0.9, 0.7, 0.6, 0.6, 0.0]))
    marks = exam.summarise({"one": given}, threshold, 10)
    assert marks["at_threshold"] == {"threshold": threshold, "coverage": coverage, "risk": risk}


def test_everything_covered_the_risk_is_what_accuracy_and_missed_hands_leave():
    given = {"one": answers("AAAB", "AAB-"), "two": answers("AB", "AA", n_photos=10)}
    selection = exam.select(given)
    read_right = selection.coverage[-1] * (1 - selection.risk[-1])
    assert read_right == pytest.approx(exam.summarise(given, 0.5, 10)["mean"])


def test_confusion_counts_hands_not_found_and_letters_nobody_knows():
    confusion = exam.confuse({"one": answers("AABÑ", "AB-A"), "two": answers("B", "B", n_photos=4)}, ("A", "B"))
    assert confusion.shown == ("A", "B", "Ñ", "?")
    assert confusion.read == ("A", "B", "")
    assert confusion.matrix.tolist() == [[1, 1, 0], [0, 1, 1], [1, 0, 0], [0, 0, 3]]
    assert confusion.matrix.sum() == 4 + 4


def test_calibration_is_of_the_hands_found():
    given = {"one": answers("AAA-", "AAB-", confidence=0.75)}
    binned = exam.calibration(given, 1)
    assert binned.counts.tolist() == [3]
    assert binned.error == pytest.approx(0.75 - 2 / 3)


@pytest.mark.parametrize(("count", "rows"), [(1, [2]), (2, [2, 1]), (9, [2, 1, 5])])
def test_worst_mistakes_are_hands_found_surest_first_and_one_of_each_kind(count, rows):
    given = answers("AAAAAB", "ABCC-A", confidence=np.array([0.9, 0.5, 0.7, 0.6, 0.0, 0.4]))
    assert exam.worst_rows(given, count).tolist() == rows


def test_without_a_mistake_there_is_no_worst_one():
    assert exam.worst_rows(answers("AB", "AB"), 5).tolist() == []


def test_a_source_that_a_network_cannot_read_is_a_dash_in_the_table():
    both = {"hands": answers("A", "A"), "masks": answers("A", "A")}
    marks = {"net": exam.summarise(both, 0.5, 10), "reference": exam.summarise({"hands": both["hands"]}, 0.5, 10)}
    row = next(line for line in exam.table(marks, "net").splitlines() if line.startswith("masks"))
    assert row.split()[-1] == "-"
