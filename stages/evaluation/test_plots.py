"""Pictures of an exam, each returned as the bytes of a PNG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.figure import Figure

from stages.evaluation.plots import BLUE, GREY, ORANGE, RED, png

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from stages.evaluation.test_scores import Selection

GREEN: Final = "#3f8f5b"
PURPLE: Final = "#7d5ba6"
COLOURS: Final = (BLUE, ORANGE, GREEN, PURPLE, RED)
"""One for each network, in the order in which they are given."""

Marks = dict[str, Any]


def plot_sources(exam: Mapping[str, Marks], title: str) -> bytes:
    """Draw the accuracy of every network on every source and in the mean, each with its interval.

    Args:
        exam: what `stages.evaluation.test_scores.summarise` gave, by the name of the network.
        title: written above.
    """
    names = list(dict.fromkeys(name for marks in exam.values() for name in marks["sources"]))
    rows = [*names, "mean of sources"]
    figure = Figure(figsize=(8.0, 1.6 + 0.17 * len(rows) * (len(exam) + 1)), layout="constrained")
    axes = figure.add_subplot()
    step = 0.8 / len(exam)
    for number, (network, marks) in enumerate(exam.items()):
        read = [(row, marks["sources"][name]) for row, name in enumerate(names) if name in marks["sources"]]
        read.append((len(names), {"accuracy": marks["mean"], "interval": marks["interval"]}))
        heights = np.array([row for row, _ in read]) + step * (number - (len(exam) - 1) / 2)
        values = [mark["accuracy"] for _, mark in read]
        low, high = np.array([mark["interval"] for _, mark in read]).T
        colour = COLOURS[number % len(COLOURS)]
        axes.hlines(heights, low, high, color=colour, linewidth=2.0, alpha=0.5)
        axes.plot(values, heights, "o", color=colour, ms=5, label=f"{network} {marks['mean']:.3f}")
    axes.axhline(len(names) - 0.5, color=GREY, linewidth=0.8)
    axes.set_yticks(range(len(rows)), rows)
    axes.invert_yaxis()
    axes.grid(axis="x", color="#eeeeee")
    axes.set(xlim=(0, 1.02), xlabel="accuracy, hands not found being errors; lines: 95 % interval", title=title)
    axes.legend(loc="lower left", fontsize=8)
    return png(figure)


def plot_exam_letters(letters: Mapping[str, Marks], mean: float, title: str) -> bytes:
    """Draw the accuracy on each letter with its interval, the weakest first, and the mean as a line.

    Args:
        letters: what `stages.evaluation.test_scores.letter_marks` gave.
        mean: mean over the sources.
        title: written above.
    """
    names = sorted(letters, key=lambda name: letters[name]["accuracy"])
    values = np.array([letters[name]["accuracy"] for name in names])
    figure = Figure(figsize=(max(4.0, 1.0 + 0.4 * len(names)), 3.8), layout="constrained")
    axes = figure.add_subplot()
    axes.bar(range(len(names)), values, color=[RED if value < mean - 0.1 else BLUE for value in values])
    for place, name in enumerate(names):
        if (interval := letters[name]["interval"]) is not None:
            axes.vlines(place, *interval, color="black", linewidth=1.2)
        axes.text(place, 1.03, f"{values[place]:.2f}", ha="center", fontsize=7)
    axes.axhline(mean, color=GREY, linestyle="--", linewidth=1.0, label=f"mean of sources {mean:.3f}")
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(np.linspace(0.0, 1.0, 6))
    axes.set(ylim=(0, 1.22), xlim=(-0.6, len(names) - 0.4), ylabel="accuracy", title=title)
    axes.legend(loc="upper left", fontsize=8)
    return png(figure)


def plot_detection(sources: Mapping[str, Marks], title: str) -> bytes:
    """Draw in what share of each source's photographs a hand was found.

    Args:
        sources: what `stages.evaluation.test_scores.describe` gave, by the name of the source.
        title: written above.
    """
    figure = Figure(figsize=(8.0, 1.4 + 0.38 * len(sources)), layout="constrained")
    axes = figure.add_subplot()
    rates = [source["detection_rate"] for source in sources.values()]
    axes.barh(range(len(rates)), rates, color=BLUE, height=0.6)
    for row, source in enumerate(sources.values()):
        text = f"{source['detection_rate']:.3f}   {source['found']} of {source['n_photos']}"
        axes.text(0.02, row, text, va="center", fontsize=9, color="white", fontweight="bold")
    axes.set_yticks(range(len(rates)), list(sources))
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="share of the photographs in which a hand was found", title=title)
    return png(figure)


def plot_selection(selections: Mapping[str, Selection], threshold: float, title: str) -> bytes:
    """Draw risk against coverage as the threshold of confidence moves, with the threshold in use as a dot.

    Args:
        selections: what `stages.evaluation.test_scores.select` gave, by the name of the network.
        threshold: least probability of a reading that counts in use.
        title: written above.
    """
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    axes = figure.add_subplot()
    for number, (network, selection) in enumerate(selections.items()):
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(selection.coverage, selection.risk, color=colour, linewidth=1.4, label=network)
        _mark_threshold(axes, selection, threshold, colour)
    axes.plot([], [], "o", color=GREY, label=f"threshold {threshold:g}, as served")
    axes.grid(color="#eeeeee")
    axes.set(xlim=(0, 1.01), xlabel="coverage: share of the photographs that are read", title=title)
    axes.set(ylim=(0, None), ylabel="risk: share of those read wrong")
    axes.legend(loc="upper left", fontsize=8)
    return png(figure)


def _mark_threshold(axes: Axes, selection: Selection, threshold: float, colour: str) -> None:
    passing = np.flatnonzero(selection.thresholds >= threshold)
    if len(passing):
        axes.plot(selection.coverage[passing[-1]], selection.risk[passing[-1]], "o", color=colour, ms=6)
