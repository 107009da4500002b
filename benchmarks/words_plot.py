"""The share of words and names that come out exactly, as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matplotlib.figure import Figure

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.words import WordsReport

BARS: Final = (
    ("letters as read", "alone", "exact_as_read", "#9aa4ad"),
    ("with the word model", "alone", "exact", "#2a6f97"),
    ("as read, with a profile", "profile", "exact_as_read", "#d9b08c"),
    ("with both", "profile", "exact", "#b5562b"),
)
"""Legend, which predictions, field, colour."""
WIDTH: Final = 0.2


def draw_words(report: WordsReport, path: Path, name: str) -> None:
    """Draw bars for each way of spelling, words above, names below."""
    figure = Figure(figsize=(10, 6), layout="constrained")
    rows = figure.subplots(2, 1, sharex=True)
    for axes, some, title in zip(rows, ("words", "names"), ("200 common words", "200 rare names"), strict=True):
        for number, (label, kind, field, colour) in enumerate(BARS):
            heights = [getattr(of[kind][some], field) for of in report.spelled.values()]
            places = [place + (number - 1.5) * WIDTH for place in range(len(heights))]
            bars = axes.bar(places, heights, 0.9 * WIDTH, label=label, color=colour)
            axes.bar_label(bars, fmt=lambda share: f"{share:.0%}", fontsize=8, padding=2)
        axes.set(ylim=(0, 1.12), ylabel="spelled exactly", xticks=range(len(report.spelled)))
        axes.set_xticklabels(list(report.spelled))
        axes.set_title(f"{title}, {report.people} people of the {name} set", loc="left", fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
        axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    figure.legend(*rows[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(path, dpi=110)
