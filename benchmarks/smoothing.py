"""Which threshold, window, hold and release spell words best, and whether a majority or a mean is the better vote.

`make bench-smoothing` runs it. A network predicts every frame once; then each setting smooths these predictions.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from tqdm import tqdm

from benchmarks.smoothing_plot import draw_stream
from benchmarks.streams import hold_on, real_film, record, synthetic_films, thin, unseen_signer_films
from benchmarks.votes import Score, Spelling, by_majority, by_mean, doubles, means, only_after, score, summarise
from service.smoothing import NOTHING, SmoothingParameters
from stages.errors import PipelineError, run_door
from stages.evaluation.intervals import RESAMPLINGS, Source, resample
from stages.evaluation.intervals import interval as bootstrap_interval
from stages.evaluation.networks import load_network
from stages.files import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from benchmarks.streams import Stream

Report = dict[str, Any]

MODEL: Final = Path("models/custom_cnn/model.onnx")
FILM: Final = Path("../shared/data/helloworld.mp4")
"""Used if it is there."""
REPORT: Final = Path("reports/bench_smoothing.json")
THRESHOLDS: Final = (0.3, 0.4, 0.5, 0.6, 0.7)
WINDOWS: Final = (1, 3, 5, 7, 9)
HOLDS: Final = (0.1, 0.2, 0.3, 0.4, 0.5)
RELEASES: Final = (0.2, 0.3, 0.4, 0.5)
AXES: Final = {"threshold": THRESHOLDS, "window": WINDOWS, "hold": HOLDS, "release": RELEASES}
SLOWER: Final = "synthetic, 5 a second"
"""Reported, but not used for the choice: at this rate most signers of the films are faster than any vote."""
JUDGES: Final = ("synthetic", "unseen signers")
"""Kinds of streams that decide the choice, each with the same weight; the real film must be spelled exactly."""
SAME_ERROR: Final = 0.015
"""Letter error rates that differ by less count as equal."""
SAME_FALSE: Final = 0.5
"""False commits a minute that differ by less count as equal."""
SAME_TIME: Final = 1 / 30
"""Seconds to a commit that differ by less count as equal: one frame."""
MOST_FLICKERS: Final = 0.25
"""Flickers a second; more is restless to look at."""


def main() -> None:
    """Print the tables and write `reports/bench_smoothing.json`."""
    parser = argparse.ArgumentParser(description="Threshold, window, hold and release: which spell words best.")
    parser.add_argument("--model", type=Path, default=MODEL, help=f"exported network (default: {MODEL})")
    parser.add_argument("--film", type=Path, help=f"video of a spelling hand (default: {FILM}, if it is there)")
    parser.add_argument(
        "--data", type=Path, nargs="*", default=[], metavar="FILE.npz", help="raw data of unseen signers"
    )
    parser.add_argument("--signers", type=int, default=15, help="synthetic signers (default: 15)")
    parser.add_argument("--picture", type=Path, help="draw the first word of a synthetic signer to this PNG")
    options = parser.parse_args()
    if not options.model.is_file():
        raise PipelineError(
            f"{options.model}: there is no model. Train one (make repro), or name one: MODEL=model.onnx"
        )
    network = load_network(options.model)
    film = options.film or (FILM if FILM.is_file() else None)
    films = synthetic_films(options.signers) | unseen_signer_films(options.data) | (real_film(film) if film else {})
    recorded = record(network, films)
    streams = [
        *thin([stream for stream in recorded if stream.kind == "synthetic"]),
        *[stream for stream in recorded if stream.kind != "synthetic"],
    ]
    report = measure(streams)
    write_text(REPORT, json.dumps(report, indent=2) + "\n")
    sys.stdout.write(as_text(report))
    if options.picture:
        draw_stream(streams[1], SmoothingParameters(), options.picture)


@dataclass(frozen=True)
class Row:
    """How one setting spells all streams."""

    parameters: SmoothingParameters
    scores: tuple[Score, ...]
    """One for each stream."""


def sweep(streams: Sequence[Stream]) -> tuple[list[Row], list[Row]]:
    """Smooth every stream at every setting of the grid, by majority and by mean."""
    majority, mean = [], []
    grid = list(itertools.product(WINDOWS, RELEASES))
    for window, release in tqdm(grid, desc="smooth", unit="window"):
        votes = [means(stream, window, release) for stream in streams]
        for threshold, hold in itertools.product(THRESHOLDS, HOLDS):
            one = SmoothingParameters(threshold, window, hold, release)
            majority.append(Row(one, tuple(score(stream, by_majority(stream, one)) for stream in streams)))
            pairs = zip(streams, votes, strict=True)
            mean.append(Row(one, tuple(score(stream, by_mean(stream, vote, one)) for stream, vote in pairs)))
    return majority, mean


def judge(streams: Sequence[Stream], row: Row) -> Report:
    """Summarise each kind of stream that decides the choice, and their mean."""
    kinds = {}
    for kind in JUDGES:
        pairs = [pair for pair in zip(streams, row.scores, strict=True) if pair[0].kind.startswith(kind)]
        if pairs:
            kinds[kind] = summarise(*zip(*pairs, strict=True))
    names = ("error", "false_commits", "flickers", "median", "p95")
    return kinds | {"mean": {name: float(np.mean([of[name] for of in kinds.values()])) for name in names}}


def choose(streams: Sequence[Stream], rows: Sequence[Row]) -> SmoothingParameters:
    """Choose a setting: fewest errors, then the shortest time to a commit.

    The error rate of a setting is the mean of its own and its neighbours' on the grid, and all of them must spell the
    real film exactly, unless none does. Of the settings with about the fewest letter errors, then about the fewest
    false commits, and few flickers, the fastest wins. Of equally fast ones it is the one with fewer false commits, then
    the one with the longer release.
    """
    scores = {row.parameters: judge(streams, row)["mean"] for row in rows}
    exact = {row.parameters for row in rows if spells_film(streams, row)}
    error = {one: float(np.mean([scores[near]["error"] for near in (one, *neighbours(one))])) for one in scores}
    sound = [one for one in error if exact.issuperset([one, *neighbours(one)])] or list(error)
    left = [one for one in sound if error[one] <= min(error[other] for other in sound) + SAME_ERROR]
    fewest = min(scores[one]["false_commits"] for one in left)
    left = [one for one in left if scores[one]["false_commits"] <= fewest + SAME_FALSE]
    left = [one for one in left if scores[one]["flickers"] <= MOST_FLICKERS] or left
    fastest = min(scores[one]["median"] for one in left)
    left = [one for one in left if scores[one]["median"] <= fastest + SAME_TIME]
    return min(left, key=lambda one: (round(scores[one]["false_commits"], 1), -one.release))


def neighbours(one: SmoothingParameters) -> list[SmoothingParameters]:
    """List the settings of the grid that are one step away."""
    near = []
    for name, values in AXES.items():
        place = values.index(getattr(one, name))
        near += [replace(one, **{name: value}) for value in values[max(0, place - 1) : place + 2]]
    return [other for other in near if other != one]


def spells_film(streams: Sequence[Stream], row: Row) -> bool:
    """Whether every real film was spelled without an error."""
    return all(not one.edits for stream, one in zip(streams, row.scores, strict=True) if stream.kind == "real film")


def interval(streams: Sequence[Stream], row: Row, other: Row) -> list[float]:
    """Estimate by how much the error rate of a row is higher: the difference and its 95 % interval over signers."""
    total, draws, people = 0.0, np.zeros(RESAMPLINGS), 0
    kinds = [kind for kind in JUDGES if any(stream.kind.startswith(kind) for stream in streams)]
    for kind in kinds:
        sums: dict[str, npt.NDArray[np.int64]] = {}
        for stream, one, two in zip(streams, row.scores, other.scores, strict=True):
            if stream.kind.startswith(kind):
                more = np.array([one.edits - two.edits, len(stream.letters)])
                sums[stream.signer] = sums.get(stream.signer, np.zeros(2, np.int64)) + more
        table = np.array(list(sums.values()))
        total += table[:, 0].sum() / table[:, 1].sum() / len(kinds)
        draws += resample([signers(table)])[:, 0] / len(kinds)
        people += len(table)
    return [float(total), *(bootstrap_interval(draws, people) or (math.nan, math.nan))]


def signers(table: npt.NDArray[np.int64] | npt.NDArray[np.float64]) -> Source:
    """Let signers be drawn, each with all that they spelled, from (S, 2) counts, such as edits, and totals."""

    def rate(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        edits, letters = (weights @ table).T
        return np.asarray((edits / letters)[:, None])

    return Source((np.ones(1, np.int64),) * len(table), rate)


def measure(streams: Sequence[Stream]) -> Report:
    """Smooth the streams at every setting, choose one, and compare majority and mean."""
    judges = [stream for stream in streams if stream.kind != SLOWER]
    majority, mean = sweep(judges)
    default = SmoothingParameters()
    chosen, chosen_mean = choose(judges, majority), choose(judges, mean)
    rows, mean_rows = ({row.parameters: row for row in some} for some in (majority, mean))
    best, best_mean = (min(some, key=lambda row: judge(judges, row)["mean"]["error"]) for some in (majority, mean))
    by_kind = {}
    for kind in dict.fromkeys(stream.kind for stream in streams):
        some = [stream for stream in streams if stream.kind == kind]
        scores = [score(stream, by_majority(stream, default)) for stream in some]
        size = {"letters": sum(len(stream.letters) for stream in some), "seconds": sum(one.seconds for one in some)}
        by_kind[kind] = size | summarise(some, scores)
    return {
        "default": asdict(default),
        "chosen": asdict(chosen),
        "by_kind": by_kind,
        "film": ["".join(letter for letter, _ in by_majority(stream, default).commits) for stream in films_of(streams)],
        "neighbours": [
            asdict(one) | {"film": spells_film(judges, rows[one])} | judge(judges, rows[one])
            for one in (default, *neighbours(default))
        ],
        "votes": {
            "majority, default": asdict(default) | judge(judges, rows[default]),
            "mean, same setting": asdict(default) | judge(judges, mean_rows[default]),
            "mean, its own choice": asdict(chosen_mean) | judge(judges, mean_rows[chosen_mean]),
            "majority, fewest errors": asdict(best.parameters) | judge(judges, best),
            "mean, fewest errors": asdict(best_mean.parameters) | judge(judges, best_mean),
        },
        "majority_minus_mean": {
            "same setting": interval(judges, rows[default], mean_rows[default]),
            "fewest errors": interval(judges, best, best_mean),
        },
        "release": release_rules(judges, default),
    }


def release_rules(streams: Sequence[Stream], rule: SmoothingParameters) -> Report:
    """Compare the service with two stricter rules of when the same letter may come again.

    Returns:
        For each rule what `summarise` returns, the pairs of equal letters, of how many of them both were committed, and
        how often a minute a letter that is held on comes again.
    """
    stricter: dict[str, tuple[str | None, ...] | None] = {
        "no hand": (None,),
        "no hand or no letter": (None, NOTHING),
        "no frame that shows it": None,
    }

    def smooth(stream: Stream, labels: tuple[str | None, ...] | None) -> Spelling:
        found = by_majority(stream, rule)
        return found if labels is None else only_after(stream, found, labels, rule.release)

    held = [one for stream in streams if not stream.kind.endswith("uneven") for one in hold_on(stream)]
    minutes = sum(one.seconds for one in held) / 60.0
    rules = {}
    for name, labels in stricter.items():
        scores = [score(stream, smooth(stream, labels)) for stream in streams]
        commits = [[letter for letter, _ in smooth(one, labels).commits] for one in held]
        repeats = sum(len(letters) - len(set(letters)) for letters in commits)
        both, pairs = doubles(streams, scores)
        rules[name] = summarise(streams, scores) | {
            "both_committed": both,
            "pairs": pairs,
            "repeats": repeats / minutes,
        }
    return rules


def films_of(streams: Sequence[Stream]) -> list[Stream]:
    """Return the streams of real films."""
    return [stream for stream in streams if stream.kind == "real film"]


def as_text(report: Report) -> str:
    """Write a report as tables of at most 100 columns."""
    heading = f"{'error':>7}{'false/min':>11}{'flicker/s':>11}{'median s':>10}{'p95 s':>7}"
    judges = "Mean of " + " and ".join(kind for kind in JUDGES if kind in report["neighbours"][0])
    lines = [
        f"Defaults:           {_setting(report['default'])}",
        f"Chosen by this run: {_setting(report['chosen'])}",
        *(f"Real film: {text}" for text in report["film"]),
        "",
        f"{'Defaults on':24}{'letters':>8}{'minutes':>9}{heading}",
        *(
            f"{kind:24}{of['letters']:>8}{of['seconds'] / 60:>9.1f}{_scores(of)}"
            for kind, of in report["by_kind"].items()
        ),
        "",
        f"{judges}; * does not spell the real film exactly",
        f"{'Defaults, and one step away':47}{heading}",
        *(f"{_setting(one):47}{_scores(one['mean'])}{'' if one['film'] else ' *'}" for one in report["neighbours"]),
        "",
        f"{'Votes':47}{heading}",
        *(f"{name:26}{_short(one):21}{_scores(one['mean'])}" for name, one in report["votes"].items()),
        *(
            f"majority minus mean, {name}: {difference:+.2%} of letters (95 %: {low:+.2%} to {high:+.2%})"
            for name, (difference, low, high) in report["majority_minus_mean"].items()
        ),
        "",
        f"{'The same letter comes again after a release of':47}"
        f"{'pairs found':>14}{'error':>8}{'false/min':>11}{'repeats/min':>13}",
        *(
            f"{name:47}{of['both_committed']:>7} of {of['pairs']:>3}{of['error']:>8.1%}{of['false_commits']:>11.1f}"
            f"{of['repeats']:>13.2f}"
            for name, of in report["release"].items()
        ),
    ]
    return "\n".join(lines) + "\n"


def _setting(one: Report) -> str:
    return f"threshold {one['threshold']}, window {one['window']}, hold {one['hold']}, release {one['release']}"


def _short(one: Report) -> str:
    return f"{one['threshold']} {one['window']} {one['hold']} {one['release']}"


def _scores(of: Report) -> str:
    return (
        f"{of['error']:>7.1%}{of['false_commits']:>11.1f}{of['flickers']:>11.2f}{of['median']:>10.2f}{of['p95']:>7.2f}"
    )


if __name__ == "__main__":
    run_door(main)
