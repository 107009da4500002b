"""Write the figures of `reports/` into README.md and docs/experiments.md, between their markers: `make figures`.

No figure on accuracy is typed by hand, and a test compares both pages with the committed reports.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[str], Any]
    """Reads a JSON report by its path."""

ROOT: Final = Path(__file__).resolve().parents[1]
NETWORKS: Final = {
    "custom_cnn": "CustomCNN",
    "mobilenet_v2": "CustomMobileNetV2",
    "resnet18": "CustomResNet18",
    "landmark_mlp": "for reference: MLP on the landmarks",
}
NAMED: Final = 4
"""Letters named as the most accurate, and as many as the least accurate."""
TEST, DEVELOPMENT = "reports/people/test.json", "reports/people/development.json"


def main() -> None:
    """Update both pages of the checkout."""
    for name in PAGES:
        page = ROOT / name
        page.write_text(update(name, page.read_text(encoding="utf-8"), read_file), encoding="utf-8")


def read_file(path: str) -> Any:  # noqa: ANN401 - each report has its own form
    """Read a report of the working tree."""
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def update(name: str, text: str, read: Read) -> str:
    """Replace what is between the markers of a page by the figures of the reports."""
    block = f"<!-- figures of make figures -->\n{PAGES[name](read)}<!-- end of make figures -->"
    updated, count = re.subn(
        "<!-- figures of make figures -->.*?<!-- end of make figures -->", lambda _: block, text, flags=re.DOTALL
    )
    if count != 1:
        raise SystemExit(f"error: {name} has {count} places for figures, not one. Put the two markers back.")
    return updated


def readme_figures(read: Read) -> str:
    """Write the table of the README and what it says of the sets, the letters, non-letters and films."""
    test, development, synthetic = read(TEST), read(DEVELOPMENT), read("reports/test.json")
    speeds, films = read("reports/speed.json")["networks"], read("reports/bench_films.json")
    rows = []
    for name, title in NETWORKS.items():
        cells = [cell for report in (test, development) for cell in _accuracies(report["networks"][name])]
        cells.append(f"{synthetic['networks'][name]['f1']:.3f}")
        speed = speeds.get(name)
        cells += [f"{speed['latency_ms_median']:.1f} ms", f"{speed['size_mib']:.1f} MiB"] if speed else ["", ""]
        rows.append([f"{title} (champion)" if name == test["champion"] else title, *cells])
    champion = test["networks"][test["champion"]]
    non_letters = champion["non_letters"]
    held = [letter for letter in films["texts"] if letter not in "JZ"]
    exact = [letter for letter in held if films["texts"][letter] == letter]
    moving = [f"{letter} as {films['texts'][letter] or 'nothing'}" for letter in "JZ" if letter in films["texts"]]
    missed = max(
        (1.0 - source["detection_rate"], name)
        for report in (test, development)
        for name, source in report["sources"].items()
    )
    return f"""\
- **Test set of people**: {_describe(test)}. It was only reported: nothing was chosen by it.
- **Development set of people**: {_describe(development)}. The design, from the table of handshapes to the
  shades of the mask, was chosen by all of them but office3, which came later, so these figures are probably too high
  for other people.
- **Synthetic test signers**: {_count(synthetic)}, generated with another seed than those of training.
  They say little about people.

{_table(["", "test set: mean of sources", "weakest source", "development set: mean of sources", "weakest source",
         "macro F1, synthetic test signers", "one mask, median", "size"], rows)}
On the test set, the champion gets {1.0 - champion["mean"]:.0%} of a source's photographs wrong on average. It
recognises {_letters(champion, best=True)} best and {_letters(champion, best=False)} worst.
It separates letters from synthetic hands that show none with an AUROC of {non_letters["auroc"]:.3f}, and still predicts
a letter for {non_letters["letters_given"]:.0%} of those hands. MediaPipe finds no hand in up to {missed[0]:.1%} of
the photographs of a source ({missed[1]}). Of films of single letters by one more signer, likewise
only reported, {len(exact)} of {len(held)} letters come out exactly (`make bench-films`); of the letters that move,
{" and ".join(moving)}.
"""  # fmt: skip


def experiments_figures(read: Read) -> str:
    """Write the table of the test set of people, source by source."""
    test = read(TEST)
    rows = []
    for name, title in NETWORKS.items():
        scores = test["networks"][name]
        sources = [_with_interval(scores["sources"][each]["accuracy"], scores["sources"][each]["interval"])
                   for each in test["sources"]]  # fmt: skip
        rows.append([title, _with_interval(scores["mean"], scores["interval"]), *sources,
                     f"{scores['f1']:.3f}", f"{scores['ece']:.3f}"])  # fmt: skip
    return f"\n{_table(['', 'mean of sources', *test['sources'], 'macro F1', 'ECE'], rows)}\n"


PAGES: Final[dict[str, Callable[[Read], str]]] = {
    "README.md": readme_figures,
    "docs/experiments.md": experiments_figures,
}


def _describe(report: dict[str, Any]) -> str:
    photos = sum(source["n_photos"] for source in report["sources"].values())
    people = sum(source["signers"] for source in report["sources"].values())
    return f"{photos:,} photographs of {people} people from {len(report['sources'])} sources"


def _count(report: dict[str, Any]) -> str:
    signers = sum(source["signers"] for source in report["sources"].values())
    return f"{signers} signers" if report["synthetic"] else "none"


def _accuracies(scores: dict[str, Any]) -> list[str]:
    weakest = min(scores["sources"], key=lambda source: scores["sources"][source]["accuracy"])
    lowest = scores["sources"][weakest]["accuracy"]
    return [_with_interval(scores["mean"], scores["interval"]), f"{lowest:.3f} ({weakest})"]


def _with_interval(score: float, interval: list[float] | None) -> str:
    return f"{score:.3f} ({interval[0]:.3f}-{interval[1]:.3f})" if interval else f"{score:.3f}"


def _letters(scores: dict[str, Any], *, best: bool) -> str:
    accuracies = {letter: score["accuracy"] for letter, score in scores["letters"].items()}
    sign = -1.0 if best else 1.0
    named = sorted(accuracies, key=lambda letter: (sign * accuracies[letter], letter))[:NAMED]
    ends = dict.fromkeys(f"{accuracies[letter]:.2f}" for letter in (named[0], named[-1]))
    return f"{', '.join(named[:-1])} and {named[-1]} ({' to '.join(ends)})"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
