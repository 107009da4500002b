"""Pictures that put networks side by side, each returned as the bytes of a PNG."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from stages.evaluation.plots import GREY, png
from stages.evaluation.signer_plots import COLOURS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from stages.evaluation.signer_scores import SignerScores


def plot_tradeoff(
    scores: Mapping[str, SignerScores], latencies: Mapping[str, float], sizes: Mapping[str, float], title: str
) -> bytes:
    """Draw accuracy against the time for one mask; the area of a disc is the size of the file.

    Args:
        scores: on unseen signers, by the name of the network.
        latencies: median milliseconds for one mask.
        sizes: MiB.
        title: what the accuracy was measured on.
    """
    figure = Figure(figsize=(7.0, 4.4), layout="constrained")
    axes = figure.add_subplot()
    for number, (name, scored) in enumerate(scores.items()):
        colour = COLOURS[number % len(COLOURS)]
        if scored.interval is not None:
            axes.vlines(latencies[name], *scored.interval, color=colour, linewidth=2.0, alpha=0.5)
        label = f"{name}, {sizes[name]:.1f} MiB"
        axes.scatter(latencies[name], scored.mean, s=20 + 10 * sizes[name], color=colour, alpha=0.8, label=label)
    lowest = min((min(each.interval or (each.mean,)) for each in scores.values()), default=0.0)
    axes.set(
        xlim=(0, 1.15 * max(latencies.values(), default=1.0)),
        ylim=(max(0.0, math.floor(lowest * 10 - 1) / 10), 1.01),
        xlabel="one mask, median milliseconds",
        ylabel="mean accuracy and its 95 % interval",
        title=f"{title}: accuracy against time and size",
    )
    axes.grid(color="#eeeeee")
    # Beside the plot, for networks of about the same speed lie on one another; their discs differ in area there, too.
    figure.legend(loc="outside lower center", ncols=len(scores) or 1, fontsize=8, frameon=False, markerscale=0.5)
    return png(figure)


def plot_letter_table(f1: pd.DataFrame) -> bytes:
    """Draw the F1 of each letter by each network as a table of colours.

    Args:
        f1: a row for each letter, a column for each network; a missing number stays white.
    """
    values, letters = f1.to_numpy().T, [str(letter) for letter in f1.index]
    figure = Figure(figsize=(2.0 + 0.42 * len(letters), 1.3 + 0.45 * len(f1.columns)), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(values, cmap="viridis", vmin=0.0, vmax=1.0, aspect="auto")
    for row, column in np.ndindex(values.shape):
        value = values[row, column]
        if np.isfinite(value):
            colour = "black" if value > 0.6 else "white"
            axes.text(column, row, f"{value:.2f}".removeprefix("0"), ha="center", va="center", fontsize=7, color=colour)
    axes.set_xticks(range(len(letters)), letters, rotation=90 if any(len(each) > 2 for each in letters) else 0)
    axes.set_yticks(range(len(f1.columns)), list(f1.columns))
    axes.tick_params(color=GREY)
    axes.set_title("validation: F1 of each letter")
    return png(figure)
