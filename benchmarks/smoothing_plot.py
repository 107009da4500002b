"""One stream as a picture: the letters spelled, each frame's prediction, the vote and the letters committed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matplotlib.figure import Figure

from service.smoothing import NOTHING, Smoothing

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.streams import Stream
    from service.smoothing import SmoothingParameters

SECONDS: Final = 14.0
"""Length of the part that is shown."""
ROWS: Final = ("spelled", "each frame", "vote", "hold")
"""From top to bottom."""
QUIET: Final = "#9aa4ad"
COLOURS: Final = ("#2a6f97", "#b5562b", "#3d8b5a", "#7b5ea7", "#a8842c", "#b0436a")
"""Colours of the letters, in the order of their first appearance."""


def draw_stream(stream: Stream, parameters: SmoothingParameters, path: Path) -> None:
    """Draw the first seconds of a stream to a PNG file."""
    letters = list(dict.fromkeys(letter for letter, _, _ in stream.predictions if letter not in (None, NOTHING)))
    colour = {letter: COLOURS[index % len(COLOURS)] for index, letter in enumerate(letters)}
    figure = Figure(figsize=(11, 3.2), layout="constrained")
    axes = figure.subplots()
    for shown in stream.letters:
        axes.barh(3, shown.end - shown.begin, 0.7, shown.begin, color=colour.get(shown.letter, QUIET), alpha=0.35)
        if (shown.begin + shown.end) / 2 < SECONDS:
            axes.text((shown.begin + shown.end) / 2, 3, shown.letter, ha="center", va="center", weight="bold")
    smoothing, before = Smoothing(parameters), 0.0
    for letter, confidence, time in stream.predictions:
        if time > SECONDS:
            break
        frame = smoothing.update(letter, confidence, time)
        if letter is not None:
            mark = "-" if letter == NOTHING else letter
            axes.text(
                time, 2, mark, ha="center", va="center", size=8, color=colour[frame.letter] if frame.letter else QUIET
            )
        if frame.smoothed:
            axes.barh(1, time - before, 0.7, before, color=colour[frame.smoothed], alpha=0.6, lw=0)
            axes.barh(-0.35, time - before, 0.7 * frame.progress, before, align="edge", color=QUIET, lw=0)
        if frame.committed:
            axes.annotate(
                frame.committed,
                (time, 0.35),
                (time, -0.9),
                ha="center",
                weight="bold",
                arrowprops={"arrowstyle": "-", "lw": 1},
            )
        before = time
    axes.set(xlim=(0, SECONDS), ylim=(-1.2, 3.5), xlabel="seconds", yticks=[3, 2, 1, 0], yticklabels=ROWS)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    figure.savefig(path, dpi=110)
