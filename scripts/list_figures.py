"""Write the figures of `reports/` into README.md and docs/experiments.md, between their markers: `make figures`.

No figure on accuracy is typed by hand, and a test compares both pages with the committed reports.
"""

from __future__ import annotations

import json
import re
import shutil
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
PICTURES: Final = {
    "reports/people/test/personal.png": "docs/your_hand.png",
    "reports/rendering/letters.png": "docs/rendered_letters.png",
    "reports/words/development.png": "docs/words_development.png",
    "reports/words/test.png": "docs/words_test.png",
}
"""Pictures of the pages, copied from the reports."""
TEST, DEVELOPMENT = "reports/people/test.json", "reports/people/development.json"


def main() -> None:
    """Update the pages of the checkout."""
    for name in PAGES:
        page = ROOT / name
        page.write_text(update(name, page.read_text(encoding="utf-8"), read_file), encoding="utf-8")
    for report, picture in PICTURES.items():
        shutil.copyfile(ROOT / report, ROOT / picture)


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
    personal = [_personal(report) for report in (test, development)]
    own = [f"{each['0']['mean']:.3f} to {each['3']['mean']:.3f}" for each in personal]
    champion = test["networks"][test["champion"]]
    non_letters = champion["non_letters"]
    spelled = {name: read(f"reports/words/{name}.json")["spelled"] for name in ("test", "development")}
    words = {name: [_words(kinds, some) for some in ("words", "names")] for name, kinds in spelled.items()}
    exact = [letter for letter, text in films["texts"].items() if text == letter]
    others = [f"{letter} as {text or 'nothing'}" for letter, text in films["texts"].items() if text != letter]
    drawn = read("reports/bench_moving.json")
    found = {letter: _range([of["found"][letter] for of in drawn["by_rate"].values()]) for letter in "JZ"}
    false = max(of["false"] for of in drawn["by_rate"].values())
    moving, without = drawn["words"]["with J or Z"], drawn["words"]["without"]
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
**With your own hand** enrolled, three samples of each letter, the mean of the signers rises from {own[0]} on
the test set and from {own[1]} on the development set, measured on the last half of what each of them
showed ([docs/your-hand.md](docs/your-hand.md) has a plot).

**Whole words**, spelled with real hands at 15 frames a second ([docs/words.md](docs/words.md)):

{_table(["spelled exactly", "letters alone", "with the word model", "letters, own hand", "with both"],
        [[f"200 {some}, {name} set", *words[name][index]] for index, some in enumerate(("common words", "rare names"))
         for name in words])}
On the test set, the champion gets {1.0 - champion["mean"]:.0%} of a source's photographs wrong on average. It
recognises {_letters(champion, best=True)} best and {_letters(champion, best=False)} worst.
It separates letters from synthetic hands that show none with an AUROC of {non_letters["auroc"]:.3f}, and still predicts
a letter for {non_letters["letters_given"]:.0%} of those hands. MediaPipe finds no hand in up to {missed[0]:.1%} of
the photographs of a source ({missed[1]}). Of films of single letters by one more signer, likewise
only reported, {len(exact)} of {len(films["texts"])} letters come out exactly (`make bench-films`): J and Z
{"do" if {"J", "Z"} <= set(exact) else "do not"}; {", ".join(others)}.

**J and Z**, which are drawn in the air: of {drawn["takes"]["J"]} takes of J and {drawn["takes"]["Z"]} of Z by two
people, assumed to be of {", ".join(drawn["by_rate"])} frames a second, J is found in {found["J"]} and Z in
{found["Z"]}; J or Z is found in at most {false:.1%} of {drawn["takes"]["others"]:,} takes of other letters and rest by
these and one more (`make bench-moving`). Nothing was trained on them, but the synthetic movement and the rules were
chosen by them, so the figures are probably too high for others. Of {moving["count"]} words with J or Z that are put
together from these takes, {moving["exact"]:.0%} come out exactly, of {without["count"]} without {without["exact"]:.0%}.
"""  # fmt: skip


def _range(shares: list[float]) -> str:
    """Write shares as one percentage, or the lowest and the highest."""
    low, high = f"{min(shares):.1%}", f"{max(shares):.1%}"
    return low if low == high else f"{low} to {high}"


def _words(spelled: dict[str, Any], some: str) -> list[str]:
    """Shares of one list that come out exactly: letters alone and words, without and with a profile."""
    first = next(iter(spelled.values()))
    return [f"{first[kind][some][field]:.1%}" for kind in ("alone", "profile") for field in ("exact_as_read", "exact")]


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


def your_hand_figures(read: Read) -> str:
    """Write what signers' own samples are worth, for both sets, and the figures of the benchmarks."""
    own, days, cost = (read(f"reports/bench_{name}.json") for name in ("own_films", "days", "profile"))
    test, development = read(TEST), read(DEVELOPMENT)
    rows = []
    for count in _personal(test):
        cells = [cell for report in (test, development) for cell in _with_samples(report, count)]
        rows.append([f"{count} of each letter" if count != "0" else "none", *cells])
    alone, enrolled = (sum(letter == text for letter, text in own[kind].items()) for kind in ("alone", "enrolled"))
    (signer, later), *_ = days["accuracy"].items()
    across = ", ".join(f"{score:.3f} with {count}" for count, score in later.items())
    return f"""\
Each signer's samples come from the first half of what they showed of a letter, evenly spread, and the last half is
scored, so that no scored photograph is next to an enrolled one. Means of the signers; brackets hold 95 % intervals over
signers. "Hands" leaves out hands that MediaPipe did not find, which otherwise count as errors; "worse" are signers
whose accuracy fell by more than one point.

{_table(["samples", "test set", "hands", "worse", "development set", "hands", "worse"], rows)}
Letters that became worse with three samples: {_worse(test)} on the test set, {_worse(development)} on the development
set.

Of films of single letters by one more signer, the network alone reads {alone} of {len(own["alone"])} exactly from the
middle of the hold on, and {enrolled} with five frames of the hold's first half enrolled (`make bench-own-films`). One
signer enrolled on one day and read on another, {days["photographs"][signer]} hands: {across} samples of each letter
(`make bench-days`).

A profile of {cost["samples"]} samples has {cost["kib"]:.0f} KiB. On {cost["cores"]} cores, fitting it took
{cost["fit_ms"]:.0f} ms and the whole request {cost["request_ms"]:.0f} ms; it adds {cost["added_ms"]:.3f} ms to a mask's
{cost["mask_ms"]:.1f} ms (`make bench-profile`).

"""


def _personal(report: dict[str, Any]) -> dict[str, Any]:
    """The champion's scores with signers' own samples, by the number of samples."""
    scores: dict[str, Any] = report["networks"][report["champion"]]["personal"]
    return scores


def _with_samples(report: dict[str, Any], count: str) -> list[str]:
    scores = _personal(report)[count]
    worse = "" if count == "0" else f"{len(scores['worse'])} of {len(scores['signers'])}"
    return [_with_interval(scores["mean"], scores["interval"]), f"{scores['hands']:.3f}", worse]


def _worse(report: dict[str, Any]) -> str:
    return ", ".join(_personal(report)["3"]["letters_worse"]) or "none"


def words_figures(read: Read) -> str:
    """Write how many words and names come out exactly, on both sets, what other settings do, and what it costs."""
    test, development = (read(f"reports/words/{name}.json") for name in ("test", "development"))
    rows = []
    for way, kinds in development["spelled"].items():
        for kind, lists in kinds.items():
            for name in lists:
                cells = [
                    cell for report in (test, development) for cell in _spelled(report["spelled"][way][kind][name])
                ]
                rows.append([f"{name}, {way}{', profile' if kind == 'profile' else ''}", *cells])
    settings = development["settings"]
    first = next(iter(settings.values()))
    errors = [[name, *(f"{of[name]:.3f}" for of in settings.values())] for name in first]
    cost = development["cost"]
    return f"""\
200 common words and 200 names that are rare or not in the vocabulary, each spelled by one of {test["people"]} people
of the test set, which was only reported, and of {development["people"]} of the development set: real photographs of
letters, held for 0.25 to 0.9 s with drift and jitter, moved between, and the hand away before the second of two equal
letters; or 5 letters a second. "As read" are the committed letters alone; "words" is the text after the
word model, with a 95 % interval over people; "changed" are words that were exact as read and no longer are. A profile
has three photographs of each letter that no film shows (`make bench-words`).

{_table(["", "test set: as read", "words", "changed", "development set: as read", "words", "changed"], rows)}
Character error rate of the committed letters, development set, network alone, with other settings of the smoothing:

{_table(["", *settings], errors)}
`POST /words` on one core, {cost["requests"]} of these words one after the other: median {cost["median_ms"]:.1f} ms,
95th percentile {cost["p95_ms"]:.1f} ms. The vocabulary takes {cost["memory_mib"]:.0f} MiB of the service's memory and
{cost["file_mib"]:.1f} MiB of the Bento.

"""


def _spelled(of: dict[str, Any]) -> list[str]:
    return [
        f"{of['exact_as_read']:.3f}",
        _with_interval(of["exact"], of["interval"]),
        f"{of['changed']} of {round(of['exact_as_read'] * of['count'])}",
    ]


PAGES: Final[dict[str, Callable[[Read], str]]] = {
    "README.md": readme_figures,
    "docs/your-hand.md": your_hand_figures,
    "docs/words.md": words_figures,
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
