"""How often the gate is wrong: networks of known accuracy are simulated on a test set, and the gate decides.

`make bench-gate`. A false promotion is that of a network no better than the champion, a false refusal that of a network
three points better. Every trial is the real gate on simulated predictions, so nothing has to be trained.

The model of a test set: how hard a letter of a signer is for any network is normal, what a network makes of it is
normal, and a photograph is predicted correctly with the probability that a probit gives. The deviations are fitted
to how often CustomCNN and the landmark MLP, of nearly the same accuracy, disagree.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure
from pydantic import BaseModel
from scipy.stats import norm  # type: ignore[import-untyped]
from tqdm import tqdm

from service.cores import usable_cores
from stages.errors import run_door
from stages.evaluation.intervals import RESAMPLINGS, compare_letters
from stages.evaluation.plots import BLUE, GREY, ORANGE, RED, png
from stages.evaluation.predictions import Predictions
from stages.files import atomic_write, write_text
from stages.params import Promote, Test, read_params
from stages.registry.gate import Measured, decide, letters_hold

if TYPE_CHECKING:
    import numpy.typing as npt

REPORT: Final = Path("reports/bench_gate.json")
PICTURE: Final = Path("docs/gate.png")
LETTERS: Final = np.array(list("ABCDEFGHIKLMNOPQRSTUVWXY"))
GAINS: Final = (0.0, 0.01, 0.02, 0.03, 0.04, 0.05)
"""How much more accurate the candidate is."""
BETTER: Final = 0.03
WRONG_AT_MOST: Final = 0.1
PROMOTED_AT_LEAST: Final = 0.8


class Scenario(BaseModel, frozen=True):
    """A test set and how networks of one accuracy disagree on it."""

    signers: int
    photographs: int
    """Of each letter by each signer."""
    accuracy: float
    """The champion's."""
    difficulty: float
    """Deviation of what a signer's letter has in common for all networks, in units of a photograph's."""
    disagreement: float
    """Deviation of what one network makes of a signer's letter."""


class Rates(BaseModel, frozen=True):
    """What the gate decided on one test set, as shares of the trials, by the candidate's gain."""

    scenario: Scenario
    disagree: float
    """Share of the photographs that only one of two equal networks predicts correctly."""
    promoted: dict[str, float]
    letters_refuse: dict[str, float]
    """How often a letter falls by more than the budget and the noise."""
    letters_refuse_without_noise: dict[str, float]
    """How often a letter falls by more than the budget, noise or not."""


class GateReport(BaseModel, frozen=True):
    """What `reports/bench_gate.json` holds."""

    trials: int
    confidence: float
    """Of the intervals that a candidate must pass."""
    resamplings: int
    sets: dict[str, Rates]


class Trial(BaseModel, frozen=True):
    """One decision."""

    promoted: bool
    letters_refuse: bool
    letters_refuse_without_noise: bool
    disagree: float


def main() -> None:
    """Print a table; write `reports/bench_gate.json` and `docs/gate.png`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate", description="How often the gate is wrong.")
    parser.add_argument("--trials", type=int, default=200, help="decisions for each gain and test set (default: 200)")
    parser.add_argument("--resamplings", type=int, default=1000, help=f"of the bootstrap (the gate: {RESAMPLINGS})")
    options = parser.parse_args()
    budgets = read_params(Promote)
    sets = {
        name: measure(name, scenario, budgets, options.trials, options.resamplings)
        for name, scenario in scenarios(read_params(Test)).items()
    }
    report = GateReport(
        trials=options.trials, confidence=budgets.confidence, resamplings=options.resamplings, sets=sets
    )
    write_text(REPORT, report.model_dump_json(indent=2) + "\n")
    with atomic_write(PICTURE) as partial_file:
        partial_file.write_bytes(draw(report))
    sys.stdout.write(as_text(report))


def scenarios(test: Test) -> dict[str, Scenario]:
    """The pipeline's own test set, and two of as many people."""
    people = Scenario(signers=24, photographs=10, accuracy=0.87, difficulty=2.0, disagreement=0.55)
    return {
        "synthetic signers": Scenario(
            signers=test.signers, photographs=test.samples_per_letter, accuracy=0.95, difficulty=1.0, disagreement=0.35
        ),
        "people": people,
        "people, networks that disagree more": people.model_copy(update={"disagreement": 1.1}),
    }


def measure(name: str, scenario: Scenario, budgets: Promote, trials: int, resamplings: int) -> Rates:
    """Let the gate decide on candidates of every gain."""
    results: dict[str, list[Trial]] = {}
    with ProcessPoolExecutor(usable_cores()) as pool:
        for gain in GAINS:
            one = partial(run_trial, scenario, gain, budgets, resamplings)
            seeds = range(trials)
            results[f"{gain:g}"] = list(tqdm(pool.map(one, seeds, chunksize=8), f"{name} {gain:+.2f}", trials))
    return Rates(
        scenario=scenario,
        disagree=round(float(np.mean([each.disagree for each in results["0"]])), 4),
        promoted={gain: float(np.mean([each.promoted for each in some])) for gain, some in results.items()},
        letters_refuse={gain: float(np.mean([each.letters_refuse for each in some])) for gain, some in results.items()},
        letters_refuse_without_noise={
            gain: float(np.mean([each.letters_refuse_without_noise for each in some])) for gain, some in results.items()
        },
    )


def run_trial(scenario: Scenario, gain: float, budgets: Promote, resamplings: int, seed: int) -> Trial:
    """Simulate two networks on one test set, and let the gate decide."""
    candidate, champion = simulate(scenario, gain, np.random.default_rng([seed, round(gain * 1000)]))
    decision = decide(*(Measured({"": each}, 0.0, 1.0) for each in (candidate, champion)), budgets, resamplings)
    letters = compare_letters({"": candidate}, {"": champion}, resamplings=resamplings)
    falls = [each.champion - each.candidate for each in letters.values()]
    return Trial(
        promoted=decision.promoted,
        letters_refuse=not letters_hold(letters, budgets.letter_fall).holds,
        letters_refuse_without_noise=max(falls) > budgets.letter_fall + 1e-9,
        disagree=float((candidate.correct != champion.correct).mean()),
    )


def simulate(scenario: Scenario, gain: float, rng: np.random.Generator) -> tuple[Predictions, Predictions]:
    """Draw what a candidate and a champion predict for the same photographs."""
    shape = (scenario.signers, len(LETTERS), scenario.photographs)
    shared = rng.normal(size=shape[:2]) * scenario.difficulty
    photograph = rng.normal(size=shape)
    spread = np.sqrt(1.0 + scenario.difficulty**2 + scenario.disagreement**2)
    both = []
    for accuracy in (scenario.accuracy + gain, scenario.accuracy):
        ease = norm.ppf(accuracy) * spread + shared + rng.normal(size=shape[:2]) * scenario.disagreement
        both.append(_predictions(ease[:, :, None] > photograph))
    return both[0], both[1]


def _predictions(correct: npt.NDArray[np.bool_]) -> Predictions:
    """Predictions of (signers, letters, photographs); a wrong one names the next letter."""
    signer, letter, _ = np.indices(correct.shape).reshape(3, -1)
    predicted = (letter + ~correct.ravel()) % len(LETTERS)
    return Predictions(
        tuple(LETTERS.tolist()), np.eye(len(LETTERS))[predicted], LETTERS[letter], signer.astype(np.str_), correct.size
    )


def as_text(report: GateReport) -> str:
    """Lay out the rates for reading."""
    head = "promoted, if better by"
    lines = [f"{report.trials} trials each, {report.confidence:.0%} intervals", ""]
    lines.append(f"{head:<38}" + "".join(f"{gain:>7.2f}" for gain in GAINS))
    for name, rates in report.sets.items():
        lines.append(f"{name:<38}" + "".join(f"{rate:>7.1%}" for rate in rates.promoted.values()))
    lines += ["", f"{'refused for a letter, noise or not':<38}"]
    for name, rates in report.sets.items():
        lines.append(f"{name:<38}" + "".join(f"{rate:>7.1%}" for rate in rates.letters_refuse_without_noise.values()))
    lines += ["", f"{'refused for a letter beyond the noise':<38}"]
    for name, rates in report.sets.items():
        lines.append(f"{name:<38}" + "".join(f"{rate:>7.1%}" for rate in rates.letters_refuse.values()))
    return "\n".join(lines) + "\n"


def draw(report: GateReport) -> bytes:
    """Draw how often a network is promoted against how much better it is."""
    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    axes = figure.add_subplot()
    points = [100 * gain for gain in GAINS]
    for colour, (name, rates) in zip((BLUE, ORANGE, RED), report.sets.items(), strict=True):
        axes.plot(points, list(rates.promoted.values()), "o-", color=colour, label=name)
    axes.hlines(WRONG_AT_MOST, -0.2, 0.6, color=GREY, linestyle="--", linewidth=1.0)
    axes.text(0.65, WRONG_AT_MOST, "equal networks: at most", va="center", fontsize=8)
    axes.hlines(PROMOTED_AT_LEAST, 100 * BETTER - 0.6, 100 * BETTER + 0.6, color=GREY, linestyle="--", linewidth=1.0)
    axes.text(100 * BETTER + 0.65, PROMOTED_AT_LEAST, "three points better: at least", va="center", fontsize=8)
    axes.set(
        xlim=(-0.3, 5.6),
        ylim=(0, 1.02),
        xlabel="true gain in accuracy over the champion, points",
        ylabel="share of the candidates promoted",
        title=f"The gate on 24 test signers, {report.trials} simulated decisions a point",
    )
    axes.grid(color="#eeeeee")
    axes.legend(loc="lower right", fontsize=8)
    return png(figure)


if __name__ == "__main__":
    run_door(main)
