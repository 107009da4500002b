"""Scores on unseen signers against numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_models import predictions

from stages.evaluation import signer_scores
from stages.evaluation.predictions import Predictions
from stages.evaluation.signer_scores import Source, score_letters, score_signers, select

PROBABILITIES = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.0, 1.0, 0.0], [0.5, 0.25, 0.25]])
"""Of A, B and C; predicted: A B B A."""


def texts(letters):
    return np.array(list(letters), dtype=np.str_)


def test_missed_hands_and_unknown_labels_are_errors():
    given = Predictions(("A", "B", "C"), PROBABILITIES, texts("AABÑAC"), texts("    xy"), n_photos=8)
    assert given.correct.tolist() == [True, False, True, False, False, False]
    assert given.found.tolist() == [True] * 4 + [False] * 2
    assert given.accuracy == 2 / 8
    given = Predictions(("A", "B", "C"), PROBABILITIES, texts("AABÑAC"), np.array(["", "", "", "", "x", "y"]), 8)
    assert signer_scores.describe(given) == Source(n_photos=8, found=4, detection_rate=0.5, signers=2, letters=4)


@pytest.mark.parametrize(
    ("nothing", "letter", "auroc", "given"),
    [
        ((0.9, 0.8), (0.1, 0.2), 1.0, 0.0),
        ((0.4, 0.8), (0.45, 0.1), 1.0, 0.0),  # a letter below the threshold is not given
        ((0.0, 0.8), (0.99, 0.1), 0.5, 0.5),
        ((0.0, 0.0), (0.99, 0.99), 0.0, 1.0),
    ],
)
def test_letters_are_distinguished_from_hands_that_show_none(nothing, letter, auroc, given):
    classes = ("A", "B", "nothing")
    letters = {
        "one": Predictions(classes, np.array([[0.9, 0.0, 0.1], [0.0, 0.9, 0.1]]), texts("ABB"), texts("xxx"), 3),
        "two": Predictions(classes, np.array([[0.7, 0.0, 0.3]]), texts("A"), texts("x"), 1),
    }
    rest = 1.0 - np.array(nothing) - np.array(letter)
    probabilities = np.stack([np.array(letter), rest, np.array(nothing)], axis=1)
    non_letters = Predictions(classes, probabilities, np.full(2, "nothing"), texts("xx"), 2)
    score = signer_scores.score_non_letters(letters, non_letters, threshold=0.5)
    assert (score.auroc, score.letters_given) == (auroc, given)


def test_p_letter_is_all_probability_but_that_of_nothing():
    probabilities = np.array([[0.25, 0.0, 0.75], [0.4, 0.35, 0.25]])
    rows = Predictions(("A", "B", "nothing"), probabilities, texts("AAB"), texts("  x"), n_photos=3)
    assert rows.p_letter.tolist() == [0.25, 0.75, 0.0]
    assert rows.correct.tolist() == [False, True, False]
    assert Predictions(("A", "B", "C"), probabilities, texts("AA"), texts("  "), 2).p_letter.tolist() == [1.0, 1.0]


def test_the_mean_counts_each_source_the_same():
    given = {"one": predictions("A", "A"), "many": predictions("AB" * 10, "AA" * 10, n_photos=40)}
    scores = score_signers(given, 0.5, 10)
    assert scores.mean == pytest.approx((1.0 + 0.25) / 2)
    assert scores.sources["many"].accuracy == 0.25
    assert scores.sources["many"].interval is None, "one signer says nothing about others"
    # Both sources, or one of them twice; and of the source with two letters both, or one of them twice.
    assert scores.interval == (0.0, 1.0)
    assert "NaN" not in scores.model_dump_json()
    printed = signer_scores.table(report(given, net=given))
    assert "0.250" in printed
    assert "0.625 (0.000-1.000)" in printed


def test_macro_scores_are_means_over_sources_and_the_letters_that_each_shows():
    given = {"one": predictions("AABB", "ABB-"), "two": predictions("B", "B", n_photos=2)}
    scores = score_signers(given, 0.5, 10)
    # One: A has precision 1 and recall 1/2, B 1/2 and 1/2. Two: B has precision 1, recall 1/2 since a hand was missed.
    assert scores.precision == pytest.approx((0.75 + 1.0) / 2)
    assert scores.recall == pytest.approx((0.5 + 0.5) / 2)
    assert scores.f1 == pytest.approx(((2 / 3 + 1 / 2) / 2 + 2 / 3) / 2, abs=1e-6)


def report(sources, **networks):
    scores = {name: score_signers(given, 0.5, 10) for name, given in networks.items()}
    about = {name: signer_scores.describe(each) for name, each in sources.items()}
    return signer_scores.SignerReport(champion="net", model_hash="", synthetic=False, sources=about, networks=scores)


@pytest.mark.parametrize(
    ("signers", "interval"),
    [
        pytest.param("x" * 8, None, id="one signer"),
        pytest.param(None, None, id="unknown signers, who may be one"),
        pytest.param("xxxxyyyy", (0.0, 1.0), id="two signers: one is correct and one is not"),
    ],
)
def test_a_source_has_an_interval_if_it_has_several_signers(signers, interval):
    given = predictions("ABABABAB", "ABABBABA", signers=signers)
    assert score_signers({"source": given}, 0.5, 10).sources["source"].interval == interval


def test_five_sources_get_the_interval_that_their_means_allow():
    """The middle 95 % of resampled letters was 0.837 to 0.910; Student's t on the five means gives 0.77 to 0.98."""
    accuracies = (0.924, 0.901, 0.760, 0.827, 0.967)
    given = {}
    for number, accuracy in enumerate(accuracies):
        labels = np.array(list("ABCDEFGHIJ") * 100)
        correct = np.arange(1000) // 10 % 100 < round(100 * accuracy)
        given[str(number)] = predictions(labels, np.where(correct, labels, "?"))
    low, high = score_signers(given, 0.5, 10).interval
    assert 0.75 < low < 0.79
    assert 0.95 < high < 0.98


@pytest.mark.parametrize(
    ("given", "accuracy", "interval"),
    [
        pytest.param({"one": predictions("AAB", "ABB")}, 0.5, None, id="one signer says nothing about others"),
        pytest.param({"one": predictions("AA", "A-")}, 0.5, None, id="a missed hand of a known letter"),
        pytest.param({"one": predictions("AB", "AB", n_photos=4)}, 0.5, None, id="missed hands of unknown letters"),
        pytest.param(
            {"one": predictions("AAAA", "AAAA"), "two": predictions("A", "B")}, 0.5, (0.0, 1.0),
            id="sources count the same",
        ),
        pytest.param(
            {"one": predictions("AAAAA", "AAAAB", signers="xxxxy")}, 0.5, (0.0, 1.0), id="signers count the same"
        ),
    ],
)  # fmt: skip
def test_accuracy_on_a_letter(given, accuracy, interval):
    score = score_letters(given)["A"]
    assert score.accuracy == accuracy
    assert score.interval == interval
    assert score.n_photos == sum((each.labels == "A").sum() for each in given.values())


def five():
    """The most confident first: correct (0.9), wrong (0.7), correct and wrong (0.6 each); one hand was not found."""
    return predictions("AAAAA", "ABAB-", confidence=np.array([0.9, 0.7, 0.6, 0.6, 0.0]))


def test_selection_worked_by_hand():
    selection = select({"one": five()})
    assert selection["threshold"].tolist() == [0.9, 0.7, 0.6]
    assert selection["coverage"].tolist() == pytest.approx([0.2, 0.4, 0.8])
    assert selection["risk"].tolist() == pytest.approx([0.0, 0.5, 0.5])


@pytest.mark.parametrize(
    ("threshold", "coverage", "risk"), [(0.0, 0.8, 0.5), (0.6, 0.8, 0.5), (0.61, 0.4, 0.5), (0.8, 0.2, 0), (1, 0, None)]
)
def test_coverage_and_risk_at_a_threshold(threshold, coverage, risk):
    at = score_signers({"one": five()}, threshold, 10).at_threshold
    assert (at.threshold, at.coverage, at.risk) == (threshold, coverage, risk)


def test_with_everything_covered_the_risk_is_what_accuracy_and_missed_hands_leave():
    given = {"one": predictions("AAAB", "AAB-"), "two": predictions("AB", "AA", n_photos=10)}
    selection = select(given)
    everything = selection.iloc[-1]
    correct = everything["coverage"] * (1 - everything["risk"])
    assert correct == pytest.approx(score_signers(given, 0.5, 10).mean)


def test_confusion_counts_hands_not_found_and_letters_nobody_knows():
    given = {"one": predictions("AAÑB", "ABA-"), "two": predictions("B", "B", n_photos=4)}
    confusion = signer_scores.confuse(given, ("A", "B"))
    assert confusion.index.tolist() == ["A", "B", "Ñ", "?"]
    assert confusion.columns.tolist() == ["A", "B", ""]
    assert confusion.to_numpy().tolist() == [[1, 1, 0], [0, 1, 1], [1, 0, 0], [0, 0, 3]]
    assert confusion.to_numpy().sum() == 4 + 4


def test_calibration_is_of_the_hands_found():
    given = {"one": predictions("AAA-", "AAB-", confidence=0.75)}
    binned = signer_scores.calibration(given, 1)
    assert binned.counts.tolist() == [3]
    assert binned.error == pytest.approx(0.75 - 2 / 3)


@pytest.mark.parametrize(("count", "rows"), [(1, [2]), (2, [2, 1]), (9, [2, 1, 4])])
def test_worst_mistakes_are_hands_found_most_confident_first_and_one_of_each_kind(count, rows):
    given = predictions("AAAABA", "ABCCA-", confidence=np.array([0.9, 0.5, 0.7, 0.6, 0.4, 0.0]))
    assert signer_scores.worst_rows(given, count).tolist() == rows


def test_without_a_mistake_there_is_no_worst_one():
    assert signer_scores.worst_rows(predictions("AB", "AB"), 5).tolist() == []


def test_a_source_that_a_network_cannot_predict_is_a_dash_in_the_table():
    both = {"hands": predictions("A", "A"), "masks": predictions("A", "A")}
    text = signer_scores.table(report(both, net=both, reference={"hands": both["hands"]}))
    row = next(line for line in text.splitlines() if line.startswith("masks"))
    assert row.split()[-1] == "-"


def test_predictions_come_back_from_their_file_and_give_the_same_bytes(tmp_path):
    given = predictions("AAÑ", "AB-", n_photos=5, signers="xyz")
    for name in ("one.npz", "two.npz"):
        given.write(tmp_path / name)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    back = Predictions.read(tmp_path / "one.npz")
    assert back.predicted.tolist() == ["A", "B", ""]
    assert (back.labels.tolist(), back.signers.tolist(), back.n_photos) == (["A", "A", "Ñ"], ["x", "y", "z"], 5)
