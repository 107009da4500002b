"""The simulation of the gate: its networks are as accurate as they are said to be, and its rates are the gate's."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import gate as bench
from stages.params import Promote, Test, read_params

PEOPLE = bench.Scenario(signers=24, photographs=10, accuracy=0.87, difficulty=2.0, disagreement=0.55)


def test_simulated_networks_have_their_accuracies_and_disagree_as_much_as_real_ones():
    many = PEOPLE.model_copy(update={"signers": 1000})
    candidate, champion = bench.simulate(many, 0.03, np.random.default_rng(0))
    assert champion.accuracy == pytest.approx(0.87, abs=0.01)
    assert candidate.accuracy - champion.accuracy == pytest.approx(0.03, abs=0.005)
    equal, other = bench.simulate(many, 0.0, np.random.default_rng(1))
    # CustomCNN and the landmark MLP on the development set: 0.053.
    assert (equal.correct != other.correct).mean() == pytest.approx(0.055, abs=0.01)


@pytest.mark.parametrize("name", ["synthetic signers", "people"])
def test_equal_networks_are_refused_and_one_three_points_better_is_promoted(name):
    scenario, budgets = bench.scenarios(read_params(Test))[name], read_params(Promote)
    rates = [
        np.mean([bench.run_trial(scenario, gain, budgets, 500, seed).promoted for seed in range(12)])
        for gain in (0.0, bench.BETTER)
    ]
    assert rates[0] <= bench.WRONG_AT_MOST
    assert rates[1] >= bench.PROMOTED_AT_LEAST


def test_the_picture_and_the_table_show_every_test_set():
    rates = bench.Rates(
        scenario=PEOPLE,
        disagree=0.05,
        promoted=dict.fromkeys(map(str, bench.GAINS), 0.5),
        letters_refuse=dict.fromkeys(map(str, bench.GAINS), 0.0),
        letters_refuse_without_noise=dict.fromkeys(map(str, bench.GAINS), 0.25),
    )
    report = bench.GateReport(trials=1, confidence=0.8, resamplings=10, sets=dict.fromkeys(("a", "b", "c"), rates))
    assert bench.draw(report).startswith(b"\x89PNG")
    assert bench.as_text(report).count("50.0%") == 3 * len(bench.GAINS)
