"""Pictures of an exam are decoded again and looked at: large, drawn on, and different where the numbers differ."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from stages.evaluation import test_plots as exam_plots
from stages.evaluation import test_scores as exam
from stages.evaluation.test_report import Mistake, build_exam_report, marks_json

LETTERS = tuple("ABCDEFGHIKLMNOPQRSTUVWXY")
PICTURES = ("sources", "letters", "detection", "confusion", "selection", "calibration", "mistakes")


def answers(share, seed, signers, n_photos):
    generator = np.random.default_rng(seed)
    shown = np.repeat(LETTERS, 10)
    right = generator.random(len(shown)) < share
    read = np.where(right, shown, generator.choice(LETTERS, len(shown)))
    sure = np.where(right, 0.9, 0.6) * generator.uniform(0.5, 1, len(shown))
    return exam.Answers(shown, read, sure, generator.choice(signers, len(shown)), n_photos, letterness=sure)


def report(share):
    given = {
        name: {
            "one": answers(share - less, 1, ["x"], int(350 - 100 * share)),
            "two": answers(share - less, 2, ["x", "y", "z"], 240),
        }
        for name, less in (("net", 0.0), ("other", 0.2))
    }
    marks = marks_json(given, {}, "net", synthetic=False, threshold=0.5, bins=10)
    mask = np.full((224, 224, 3), int(share * 200), np.uint8)
    return build_exam_report(given, marks, LETTERS, [Mistake(0.9, "true A → read B  0.90\none", mask)], 10)


@pytest.fixture(scope="module")
def reports():
    return report(0.6), report(0.9)


def picture(png):
    decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert decoded is not None, "not a PNG"
    return decoded


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_large_drawn_on_and_depends_on_its_numbers(reports, name):
    weak, strong = (picture(each[f"{name}.png"]) for each in reports)
    assert min(weak.shape[:2]) >= 200
    assert (weak != 255).any(axis=2).mean() > 0.01, "almost blank"
    assert weak.shape != strong.shape or (weak != strong).any(), "the numbers change nothing"


def test_every_file_is_a_picture_or_the_numbers(reports):
    assert set(reports[0]) == {f"{name}.png" for name in PICTURES} | {"metrics.json"}
    assert report(0.6) == reports[0], "the same numbers give the same bytes"


def test_a_letter_without_an_interval_and_a_threshold_above_all_can_be_drawn():
    picture(exam_plots.plot_exam_letters({"A": {"accuracy": 1.0, "interval": None}}, 1.0, "title"))
    selection = exam.Selection(np.array([0.4]), np.array([1.0]), np.array([0.0]))
    picture(exam_plots.plot_selection({"net": selection}, 0.5, "title"))
