"""Which of a checkout's networks is proposed: the smallest of those that are as good as the best in validation."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from stages.evaluation.predictions import Predictions
from stages.registry import rebuilding
from stages.registry.rebuilding import choose_leader

CLASSES = ("A", "B", "C", "D")
SIGNERS = 20
ROWS = 800


def network(tmp_path, name, mib, wrong):
    """A network that gets so many of the validation samples wrong, some of each signer's."""
    labels = np.array([CLASSES[row % 4] for row in range(ROWS)])
    probabilities = np.eye(4)[np.arange(ROWS) % 4] * 0.9 + 0.025
    bad = np.random.default_rng(len(name)).permutation(ROWS)[:wrong]
    probabilities[bad] = np.roll(probabilities[bad], 1, axis=1)
    signers = np.array([f"s{row // 4 % SIGNERS}" for row in range(ROWS)])
    path = tmp_path / f"{name}.onnx"
    path.write_bytes(bytes(round(mib * rebuilding.MIB)))
    validation = Predictions(CLASSES, probabilities, labels, signers, ROWS)
    return SimpleNamespace(architecture=name, model=path, metrics={"f1": 1 - wrong / ROWS}, validation=validation)


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ((70, 68), "small"),  # within the noise
        ((70, 20), "large"),
        ((20, 70), "small"),
    ],
)
def test_the_smallest_of_equally_good_networks_leads(tmp_path, monkeypatch, wrong, expected):
    monkeypatch.setattr(rebuilding, "read_params", lambda _: SimpleNamespace(confidence=0.8))
    networks = [network(tmp_path, "small", 6.4, wrong[0]), network(tmp_path, "large", 43.2, wrong[1])]
    assert choose_leader(networks).architecture == expected
    assert choose_leader(networks[::-1]).architecture == expected


def test_networks_of_one_size_are_chosen_by_their_f1(tmp_path, monkeypatch):
    monkeypatch.setattr(rebuilding, "read_params", lambda _: SimpleNamespace(confidence=0.8))
    networks = [network(tmp_path, "one", 6.41, 60), network(tmp_path, "other", 6.39, 59)]
    assert choose_leader(networks).architecture == "other"
