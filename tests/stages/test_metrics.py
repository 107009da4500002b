"""Scores in validation against numbers worked by hand and against scikit-learn."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from stages.errors import PipelineError
from stages.evaluation import intervals, report, scores, signer_scores

# Samples shown: A A B C; predicted: A B B A.
PROBABILITIES = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.0, 1.0, 0.0], [0.5, 0.25, 0.25]])
CLASSES = np.array([0, 0, 1, 2])


def random_predictions(count=500, classes=24):
    generator = np.random.default_rng(7)
    logits = generator.normal(size=(count, classes)) * 2
    true = generator.integers(classes, size=count)
    logits[np.arange(count), true] += 3
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(axis=1, keepdims=True), true


def test_loss_is_the_mean_negative_log_of_the_true_probability():
    worked = -(math.log(0.8) + math.log(0.3) + math.log(1.0) + math.log(0.25)) / 4
    assert scores.cross_entropy(PROBABILITIES, CLASSES) == pytest.approx(worked)


def test_loss_of_probability_zero_is_large_but_finite():
    assert scores.cross_entropy(np.array([[0.0, 1.0]]), np.array([0])) == pytest.approx(-math.log(1e-12))


def test_scores_worked_by_hand():
    scored = scores.score(PROBABILITIES, CLASSES)
    assert scored.accuracy == 0.5
    # A: precision 1/2, recall 1/2; B: 1/2, 1; C: 0, 0.
    assert scored.precision == pytest.approx((0.5 + 0.5 + 0) / 3)
    assert scored.recall == pytest.approx((0.5 + 1 + 0) / 3)
    assert scored.f1 == pytest.approx((0.5 + 2 / 3 + 0) / 3)


def test_confusion_has_a_row_for_each_letter_shown():
    names = np.array(list("ABC"))
    table = scores.confusion(names[CLASSES], names[PROBABILITIES.argmax(axis=1)], "ABC", "ABC")
    assert table.to_numpy().tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]


def test_letter_scores_worked_by_hand():
    letters = scores.letter_scores(PROBABILITIES, CLASSES, "ABC")
    assert letters["precision"].tolist() == pytest.approx([0.5, 0.5, 0])
    assert letters["recall"].tolist() == pytest.approx([0.5, 1, 0])
    assert letters.index.tolist() == ["A", "B", "C"]
    assert letters["support"].tolist() == [2, 1, 1]


def test_letters_that_were_not_shown_do_not_lower_the_macro_mean():
    wider = np.pad(PROBABILITIES, ((0, 0), (0, 2)))
    assert scores.macro_scores(wider, CLASSES) == scores.macro_scores(PROBABILITIES, CLASSES)
    assert len(scores.letter_scores(wider, CLASSES, "ABCDE")) == 5
    # A is predicted as D, which nobody showed: that is a wrong A, not a wrong A and a wrong D.
    one_wrong = np.eye(5)[[0, 3, 1, 2]]
    assert scores.macro_scores(one_wrong, CLASSES) == pytest.approx((1.0, 5 / 6, 8 / 9))


@pytest.mark.parametrize("module", [scores, intervals, signer_scores], ids=lambda module: module.__name__)
def test_the_examples_of_each_metric_print_what_they_say(module):
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed


def test_scores_agree_with_scikit_learn():
    probabilities, true = random_predictions()
    predicted = probabilities.argmax(axis=1)
    scored = scores.score(probabilities, true)
    loss = scores.cross_entropy(probabilities, true)
    assert loss == pytest.approx(sklearn_metrics.log_loss(true, probabilities, labels=range(24)))
    assert scored.accuracy == pytest.approx(sklearn_metrics.accuracy_score(true, predicted))
    assert scored.precision == pytest.approx(sklearn_metrics.precision_score(true, predicted, average="macro"))
    assert scored.recall == pytest.approx(sklearn_metrics.balanced_accuracy_score(true, predicted))
    assert scored.f1 == pytest.approx(sklearn_metrics.f1_score(true, predicted, average="macro"))


@pytest.mark.parametrize(
    ("confidences", "right", "bins", "expected"),
    [
        pytest.param([1.0, 1.0], [True, True], 10, 0.0, id="sure and right"),
        pytest.param([1.0, 1.0], [False, False], 10, 1.0, id="sure and wrong"),
        pytest.param([0.75] * 4, [True, True, True, False], 10, 0.0, id="as often right as stated"),
        pytest.param([0.8, 0.8, 0.6, 0.6], [True, True, True, False], 10, 0.15, id="two bins: (0.2 + 0.1) / 2"),
        pytest.param([0.8, 0.6], [True, False], 1, 0.2, id="one bin: mean 0.7 against 0.5"),
        pytest.param([0.9, 0.9, 0.9, 0.6], [True, True, False, False], 2, 0.325, id="one bin of two is filled"),
    ],
)
def test_expected_calibration_error_worked_by_hand(confidences, right, bins, expected):
    binned = scores.reliability(np.array(confidences), np.array(right), bins)
    assert binned.error == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("confidence", "expected"), [(0.6, 5), (0.61, 6), (0.7, 6), (1.0, 9)])
def test_a_bin_holds_its_upper_edge(confidence, expected):
    binned = scores.reliability(np.array([confidence]), np.array([True]), 10)
    assert binned.counts.nonzero()[0].tolist() == [expected]


def test_worst_mistakes_are_wrong_and_surest_first():
    assert scores.worst_mistakes(PROBABILITIES, CLASSES, 5).tolist() == [1, 3]
    assert scores.worst_mistakes(PROBABILITIES, CLASSES, 1).tolist() == [1]


@pytest.mark.parametrize(
    ("probabilities", "classes"),
    [
        pytest.param(np.zeros((0, 3)), np.zeros(0, int), id="no samples"),
        pytest.param(np.ones((2, 3)), np.zeros(3, int), id="lengths differ"),
        pytest.param(np.ones((2, 3)), np.array([0, 3]), id="class out of range"),
        pytest.param(np.ones((2, 3)), np.array([0, -1]), id="class below zero"),
    ],
)
def test_unusable_probabilities_are_refused(probabilities, classes):
    with pytest.raises(ValueError, match="must be"):
        scores.score(probabilities, classes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "No such file"),
        ("epoch,lr\n1,2\n", "image_size"),
        ("epoch,image_size,lr,train_loss,train_accuracy,val_loss,val_accuracy\n", "no epochs"),
        ("epoch,image_size,lr,train_loss,train_accuracy,val_loss,val_accuracy\n1,2,3,x,5,6,7\n", "'x'"),
        ("epoch,image_size,lr,train_loss,train_accuracy,val_loss,val_accuracy\n1,2\n", "curves cannot be read"),
    ],
)
def test_unreadable_curves_name_the_file(tmp_path, text, message):
    path = tmp_path / "history.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(PipelineError, match=f"(?s)history.csv.*{message}.*dvc repro"):
        report.read_history(path)
