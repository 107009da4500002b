"""Pictures of what a network does, each returned as the bytes of a PNG.

Figures are made without `pyplot`, so that nothing is kept between calls and no display is needed.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes

    from stages.evaluation.scores import Reliability

DOTS_PER_INCH: Final = 110
BLUE: Final = "#2f6db3"
ORANGE: Final = "#d9772b"
RED: Final = "#c23b3b"
GREY: Final = "#8a8a8a"
MISTAKES_A_ROW: Final = 6


def plot_confusion(counts: pd.DataFrame, title: str) -> bytes:
    """Draw a confusion matrix: colour is the share of the row, numbers are counts, written unless 0.

    Args:
        counts: a row for each true letter, a column for each predicted one.
        title: written above.
    """
    matrix, true, predicted = counts.to_numpy(), list(counts.index), list(counts.columns)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = max(4.0, 1.6 + 0.36 * len(true))
    figure = Figure(figsize=(side + 0.9 + 0.4 * (len(predicted) - len(true) + 1), side), layout="constrained")
    axes = figure.add_subplot()
    # On a square-root scale, a letter misclassified once in twenty is visible next to one that is always correct.
    image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, vmin=0.0, vmax=1.0))
    for row, column in np.argwhere(matrix > 0):
        colour = "white" if shares[row, column] > 0.4 else RED if true[row] != predicted[column] else "black"
        text = str(matrix[row, column])
        axes.text(column, row, text, ha="center", va="center", fontsize=8 if len(text) < 4 else 6, color=colour)
    axes.set_xticks(range(len(predicted)), predicted, rotation=90 if any(len(label) > 2 for label in predicted) else 0)
    axes.set_yticks(range(len(true)), true)
    axes.set_xticks(np.arange(len(predicted) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(true) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#e4e4e4", linewidth=0.6)
    axes.tick_params(which="both", length=0)
    axes.set(xlabel="predicted letter", ylabel="true letter", title=title)
    figure.colorbar(image, ax=axes, fraction=0.04, pad=0.02, label="share of the letter's samples")
    return png(figure)


def plot_curves(history: pd.DataFrame, title: str) -> bytes:
    """Draw loss and accuracy over the epochs, with a line wherever the size of the masks changed.

    Args:
        history: a row for each epoch; columns epoch, image_size, train_loss, val_loss, train_accuracy and
            val_accuracy, NaN if a number was not measured.
        title: written above.
    """
    figure = Figure(figsize=(10.0, 4.2), layout="constrained")
    figure.suptitle(title)
    loss_axes, accuracy_axes = figure.subplots(1, 2)
    for axes, name in ((loss_axes, "loss"), (accuracy_axes, "accuracy")):
        for split, column, colour in (("training", "train", ORANGE), ("validation", "val", BLUE)):
            measured = history.dropna(subset=f"{column}_{name}")
            axes.plot(measured["epoch"], measured[f"{column}_{name}"], "o-", ms=3, color=colour, label=split)
        _mark_sizes(axes, history["epoch"].to_numpy(), history["image_size"].to_numpy())
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(color="#eeeeee")
        axes.legend(loc="center right", frameon=True)
    loss_axes.set_ylim(bottom=0.0)
    accuracy_axes.set_ylim(0.0, 1.02)
    return png(figure)


def _mark_sizes(axes: Axes, epochs: npt.NDArray[np.float64], sizes: npt.NDArray[np.float64]) -> None:
    starts = np.flatnonzero(np.concatenate(([True], sizes[1:] != sizes[:-1])))
    for start in starts:
        where = float(epochs[start]) - (0.5 if start else 0.0)
        if start:
            axes.axvline(where, color=GREY, linewidth=0.8, linestyle=":")
        text = f" {sizes[start]:.0f} px"
        axes.text(where, 1.01, text, transform=axes.get_xaxis_transform(), fontsize=8, color=GREY)


def plot_calibration(binned: Reliability, title: str) -> bytes:
    """Draw the reliability diagram: accuracy reached for each confidence stated, and how often it was stated.

    Args:
        binned: what `stages.evaluation.scores.reliability` returned; its error is written into the picture.
        title: written above.
    """
    edges = np.linspace(0.0, 1.0, len(binned.counts) + 1)
    left, width = edges[:-1], 1.0 / len(binned.counts)
    some = binned.counts > 0
    figure = Figure(figsize=(5.2, 6.0), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    top.bar(left[some], binned.accuracy[some], width, align="edge", color=BLUE, edgecolor="white", label="accuracy")
    top.plot(
        binned.confidence[some], binned.accuracy[some], "o", color="black", ms=4, label="at the bin's mean confidence"
    )
    error = f"ECE {binned.error:.3f}"
    top.plot((0, 1), (0, 1), "--", color=GREY, label="perfectly calibrated")
    top.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="accuracy", title=title)
    top.text(0.97, 0.05, error, ha="right", fontsize=10, bbox={"facecolor": "white", "edgecolor": GREY})
    top.legend(loc="upper left", fontsize=8)
    bottom.bar(left, binned.counts / binned.counts.sum(), width, align="edge", color=GREY, edgecolor="white")
    bottom.set(xlabel="confidence", ylabel="share of samples")
    return png(figure)


def plot_letters(scores: pd.DataFrame, macro_f1: float, title: str) -> bytes:
    """Draw the F1 of each letter, the weakest first, with the macro mean as a line.

    Args:
        scores: what `stages.evaluation.scores.letter_scores` returned; letters without a sample are left out.
        macro_f1: the mean.
        title: written above.
    """
    f1 = scores.loc[scores["support"] > 0, "f1"].sort_values(kind="stable")
    figure = Figure(figsize=(max(4.0, 1.0 + 0.4 * len(f1)), 3.8), layout="constrained")
    axes = figure.add_subplot()
    axes.bar(range(len(f1)), f1, color=[RED if value < macro_f1 - 0.1 else BLUE for value in f1])
    for place, value in enumerate(f1):
        colour = "white" if value > 0.15 else RED
        axes.text(place, 0.02, f"{value:.2f}", ha="center", va="bottom", rotation=90, fontsize=8, color=colour)
    axes.axhline(macro_f1, color=GREY, linestyle="--", linewidth=1.0, label=f"macro F1 {macro_f1:.3f}")
    axes.set_xticks(range(len(f1)), list(f1.index))
    axes.set(ylim=(0, 1.16), xlim=(-0.6, len(f1) - 0.4), ylabel="F1", title=title)
    axes.legend(loc="upper left")
    return png(figure)


def plot_mistakes(
    masks: Sequence[npt.NDArray[np.uint8]] | npt.NDArray[np.uint8], captions: Sequence[str], title: str
) -> bytes:
    """Draw misclassified masks in a grid.

    Args:
        masks: N of (H, W, 3) uint8 RGB; N may be 0, which the picture then says.
        captions: N short texts, each written above its mask.
        title: written above all.
    """
    columns = min(max(len(masks), 3), MISTAKES_A_ROW)
    rows = max(1, -(-len(masks) // columns))
    figure = Figure(figsize=(1.7 * columns, 2.15 * rows + 0.5), layout="constrained")
    figure.suptitle(title)
    if not len(masks):
        figure.text(0.5, 0.4, "every sample was classified correctly", ha="center", fontsize=12)
        return png(figure)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, mask, caption in zip(grid.flat, masks, captions, strict=False):
        axes.imshow(mask)
        axes.set_title(caption, fontsize=9, pad=3)
    return png(figure)


def png(figure: Figure) -> bytes:
    """Draw a figure into the bytes of a PNG."""
    FigureCanvasAgg(figure)
    buffer = BytesIO()
    # No version of the drawing library in the file: the same numbers give the same bytes.
    figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()
