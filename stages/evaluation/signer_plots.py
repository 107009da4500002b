"""Pictures of the scores on unseen signers, each returned as the bytes of a PNG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure

from stages.evaluation.plots import BLUE, GREY, ORANGE, RED, png

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from stages.evaluation.personal_scores import PersonalScores
    from stages.evaluation.signer_scores import SignerScores, Source

GREEN: Final = "#3f8f5b"
PURPLE: Final = "#7d5ba6"
COLOURS: Final = (BLUE, ORANGE, GREEN, PURPLE, RED)
"""One for each network, in the order in which they are given."""


def plot_sources(networks: Mapping[str, SignerScores], title: str) -> bytes:
    """Draw the accuracy of every network on every source and in the mean, each with its interval.

    Args:
        networks: scores by the name of the network.
        title: written above.
    """
    sources = list(dict.fromkeys(source for scores in networks.values() for source in scores.sources))
    rows = [*sources, "mean of sources"]
    figure = Figure(figsize=(8.0, 1.6 + 0.17 * len(rows) * (len(networks) + 1)), layout="constrained")
    axes = figure.add_subplot()
    step = 0.8 / len(networks)
    for number, (name, scores) in enumerate(networks.items()):
        shown = [(row, scores.sources[source]) for row, source in enumerate(sources) if source in scores.sources]
        heights = np.array([*(row for row, _ in shown), len(sources)]) + step * (number - (len(networks) - 1) / 2)
        colour = COLOURS[number % len(COLOURS)]
        for height, ends in zip(heights, [*(score.interval for _, score in shown), scores.interval], strict=True):
            if ends is not None:
                axes.hlines(height, *ends, color=colour, linewidth=2.0, alpha=0.5)
        values = [*(score.accuracy for _, score in shown), scores.mean]
        axes.plot(values, heights, "o", color=colour, ms=5, label=f"{name} {scores.mean:.3f}")
    axes.axhline(len(sources) - 0.5, color=GREY, linewidth=0.8)
    axes.set_yticks(range(len(rows)), rows)
    axes.invert_yaxis()
    axes.grid(axis="x", color="#eeeeee")
    axes.set(
        xlim=(0, 1.02),
        xlabel="accuracy, hands not found count as errors; lines: 95 % interval over signers",
        title=title,
    )
    axes.legend(loc="lower left", fontsize=8)
    return png(figure)


def plot_signer_letters(scores: SignerScores, title: str) -> bytes:
    """Draw the accuracy on each letter with its interval, the weakest first, and the mean of the sources as a line."""
    names = scores.weakest_letters
    values = np.array([scores.letters[name].accuracy for name in names])
    figure = Figure(figsize=(max(4.0, 1.0 + 0.4 * len(names)), 3.8), layout="constrained")
    axes = figure.add_subplot()
    axes.bar(range(len(names)), values, color=[RED if value < scores.mean - 0.1 else BLUE for value in values])
    for place, name in enumerate(names):
        if (ends := scores.letters[name].interval) is not None:
            axes.vlines(place, *ends, color="black", linewidth=1.2)
        axes.text(place, 1.03, f"{values[place]:.2f}", ha="center", fontsize=7)
    axes.axhline(scores.mean, color=GREY, linestyle="--", linewidth=1.0, label=f"mean of sources {scores.mean:.3f}")
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(np.linspace(0.0, 1.0, 6))
    axes.set(ylim=(0, 1.22), xlim=(-0.6, len(names) - 0.4), ylabel="accuracy", title=title)
    axes.legend(loc="upper left", fontsize=8)
    return png(figure)


def plot_personal(scores: Mapping[int, PersonalScores], title: str) -> bytes:
    """Draw each signer's accuracy against the samples of each letter that were enrolled, and the mean.

    Args:
        scores: by the number of samples; 0 is the network alone.
        title: written above.
    """
    counts = sorted(scores)
    places = range(len(counts))
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    axes = figure.add_subplot()
    last = scores[counts[-1]]
    for signer in last.signers:
        values = [scores[count].signers[signer] for count in counts]
        axes.plot(places, values, color=RED if signer in last.worse else GREY, linewidth=0.8, alpha=0.7)
    axes.plot(
        places, [scores[count].mean for count in counts], "o-", color=BLUE, linewidth=2.4, label="mean of signers"
    )
    for place, count in enumerate(counts):
        if (ends := scores[count].interval) is not None:
            axes.vlines(place, *ends, color=BLUE, linewidth=1.6)
        axes.annotate(
            f"{scores[count].mean:.3f}", (place, scores[count].mean), (0, -16), textcoords="offset points", ha="center"
        )
    axes.plot([], [], color=GREY, linewidth=0.8, label=f"each of {len(last.signers)} signers")
    if last.worse:
        axes.plot([], [], color=RED, linewidth=0.8, label="worse by more than one point")
    axes.set_xticks(places, [str(count) if count else "none" for count in counts])
    axes.set(
        xlim=(-0.4, len(counts) - 0.6),
        ylim=(None, 1.01),
        xlabel="samples of each letter by the signer",
        ylabel="accuracy on the last half of what each showed",
        title=title,
    )
    axes.grid(axis="y", color="#eeeeee")
    axes.legend(loc="lower right", fontsize=8)
    return png(figure)


def plot_detection(sources: Mapping[str, Source], title: str) -> bytes:
    """Draw in what share of each source's photographs a hand was found.

    Args:
        sources: what each source is, by its name.
        title: written above.
    """
    figure = Figure(figsize=(8.0, 1.4 + 0.38 * len(sources)), layout="constrained")
    axes = figure.add_subplot()
    rates = [source.detection_rate for source in sources.values()]
    axes.barh(range(len(rates)), rates, color=BLUE, height=0.6)
    for row, source in enumerate(sources.values()):
        text = f"{source.detection_rate:.3f}   {source.found} of {source.n_photos}"
        axes.text(0.02, row, text, va="center", fontsize=9, color="white", fontweight="bold")
    axes.set_yticks(range(len(rates)), list(sources))
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="share of the photographs in which a hand was found", title=title)
    return png(figure)


def plot_selection(selections: Mapping[str, pd.DataFrame], threshold: float, title: str) -> bytes:
    """Draw risk against coverage as the threshold of confidence moves, with the threshold in use as a dot.

    Args:
        selections: what `stages.evaluation.signer_scores.select` returned, by the name of the network.
        threshold: least probability of a letter that counts in use.
        title: written above.
    """
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    axes = figure.add_subplot()
    for number, (network, selection) in enumerate(selections.items()):
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(selection["coverage"], selection["risk"], color=colour, linewidth=1.4, label=network)
        in_use = selection[selection["threshold"] >= threshold].tail(1)
        axes.plot(in_use["coverage"], in_use["risk"], "o", color=colour, ms=6)
    axes.plot([], [], "o", color=GREY, label=f"threshold {threshold:g}, as served")
    axes.grid(color="#eeeeee")
    axes.set(xlim=(0, 1.01), xlabel="coverage: share of the photographs for which a letter is given", title=title)
    axes.set(ylim=(0, None), ylabel="risk: share of those letters that are wrong")
    axes.legend(loc="upper left", fontsize=8)
    return png(figure)
