"""The report of an exam: marks as JSON and the pictures beside it, made in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stages.evaluation import plots
from stages.evaluation import test_plots as exam_plots
from stages.evaluation.test_scores import (
    NO_HAND,
    Answers,
    calibration,
    confuse,
    describe,
    select,
    summarise,
    tell_apart,
    worst_rows,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

Given = dict[str, dict[str, Answers]]
"""Answers by network and source."""


@dataclass(frozen=True)
class Mistake:
    """A hand that was read wrong."""

    confidence: float
    caption: str
    mask: npt.NDArray[np.uint8]
    """(224, 224, 3) RGB: a mask, never a photograph."""


def marks_json(
    given: Given, non_letters: Mapping[str, Answers], champion: str, *, synthetic: bool, threshold: float, bins: int
) -> dict[str, Any]:
    """Put the marks of every network into the layout of `exam.json`.

    Args:
        given: answers by network and source, the champion's first.
        non_letters: answers to hands that show no letter, by network; none where no network knows of them.
        champion: name of the network that is served.
        synthetic: whether the signers are synthetic, which says little about people.
        threshold: least probability of a reading that counts in use.
        bins: of the expected calibration error.
    """
    marks = {name: summarise(answers, threshold, bins) for name, answers in given.items()}
    for name, answers in non_letters.items():
        marks[name]["non_letters"] = tell_apart(given[name], answers, threshold)
    about = {
        "synthetic": synthetic,
        "sources": {name: describe(answers) for name, answers in given[champion].items()},
    }
    return {"champion": {"architecture": champion} | marks[champion]} | marks | {"about": about}


def metrics_json(marks: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Take the few numbers of each network that are compared from run to run out of what `marks_json` gave."""
    return {
        name: {"mean": mark["mean"], "ece": mark["ece"], **mark["at_threshold"], **mark.get("non_letters", {})}
        for name, mark in marks.items()
        if name not in ("champion", "about")
    }


def find_mistakes(source: str, answers: Answers, count: int) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Find the rows of a source's worst mistakes, and write their captions."""
    rows = worst_rows(answers, count)
    captions = [
        f"true {answers.labels[row]} → read {answers.read[row]}  {answers.confidence[row]:.2f}\n{source}"
        for row in rows
    ]
    return rows, captions


def build_exam_report(
    given: Given, marks: Mapping[str, Any], classes: Sequence[str], mistakes: Sequence[Mistake], bins: int
) -> dict[str, bytes]:
    """Make every file of the report but the marks themselves.

    Args:
        given: answers by network and source.
        marks: what `marks_json` gave.
        classes: the champion's labels.
        mistakes: the champion's, worst first.
        bins: of the reliability diagram.

    Returns:
        Contents by file name; the same arguments give the same bytes.
    """
    champion, about = marks["champion"], marks["about"]
    name, who = champion["architecture"], "synthetic strangers" if about["synthetic"] else "strangers"
    answers = given[name]
    confusion = confuse(answers, classes)
    masks = np.stack([mistake.mask for mistake in mistakes]) if mistakes else np.zeros((0, 1, 1, 3), np.uint8)
    return {
        "metrics.json": (json.dumps(metrics_json(marks), indent=2) + "\n").encode(),
        "sources.png": exam_plots.plot_sources({each: marks[each] for each in given}, f"{who}: accuracy"),
        "letters.png": exam_plots.plot_exam_letters(
            champion["letters"], champion["mean"], f"{name} on {who}: accuracy on each letter, 95 % interval"
        ),
        "detection.png": exam_plots.plot_detection(about["sources"], f"{who}: hands found"),
        "confusion.png": plots.plot_confusion(
            confusion.matrix,
            confusion.shown,
            f"{name} on {who}: what was read as what",
            read=["none" if label == NO_HAND else label for label in confusion.read],
        ),
        "selection.png": exam_plots.plot_selection(
            {each: select(read) for each, read in given.items()},
            champion["at_threshold"]["threshold"],
            f"{who}: what a threshold costs and buys",
        ),
        "calibration.png": plots.plot_calibration(calibration(answers, bins), f"{name} on {who}: calibration"),
        "mistakes.png": plots.plot_mistakes(
            masks, [mistake.caption for mistake in mistakes], f"{name} on {who}: the worst mistake of each kind"
        ),
    }
