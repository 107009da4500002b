"""The reference on landmarks: it learns, ignores a hand's place, size and side, and is left out for masks."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tiny_models

from stages import reference
from stages.data.processed import Processed, Split, data_hash, write_processed
from stages.evaluation.networks import load_network, predict
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import synthesize_hands

LETTERS = ("B", "L", "Y")


def hands_of(signers, seed):
    hands = synthesize_hands(read_handshapes(), signers, 1, seed)
    rows = np.isin(hands.labels, LETTERS)
    classes = np.searchsorted(LETTERS, hands.labels[rows]).astype(np.int64)
    return Split(hands.landmarks[rows], classes, hands.signers[rows])


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    tiny_models.write_params(folder)
    write_processed(folder / "data/processed", Processed(hands_of(60, 0), hands_of(30, 1), LETTERS))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        reference.main()
    return folder


def test_it_learns_and_reports_nothing_that_its_temperature_was_fitted_on(checkout):
    metrics = json.loads((checkout / "reports/landmark_mlp/metrics.json").read_text())
    assert metrics["available"] is True
    assert metrics["accuracy"] > 0.9, "three letters that look nothing alike"
    assert set(metrics) == {"available", "accuracy", "precision", "recall", "f1", "temperature", "samples"}


def test_place_size_and_side_of_a_hand_do_not_matter(checkout):
    network = load_network(checkout / "models/landmark_mlp/model.onnx")
    assert network.input_name == "landmarks"
    assert network.classes == LETTERS
    assert network.data_hash == data_hash(checkout / "data/processed")
    hands = hands_of(3, 2).samples
    expected = predict(network, hands, "test", batch_size=4)
    np.testing.assert_allclose(expected.sum(axis=1), 1.0, atol=1e-5)
    for changed in (hands * 0.5, hands + 100.0, hands * np.array([-1, 1, 1])):
        probabilities = predict(network, changed.astype(np.float32), "test")
        np.testing.assert_allclose(probabilities, expected, atol=1e-3)


def test_a_data_set_of_masks_has_no_reference_and_the_older_one_is_gone(tmp_path, monkeypatch, capsys):
    tiny_models.write_params(tmp_path)
    split = Split(tiny_models.masks_of("AB"), np.array([0, 1]), np.array(["", ""]))
    write_processed(tmp_path / "data/processed", Processed(split, split, ("A", "B")))
    tiny_models.write_reference(tmp_path / "models/landmark_mlp/model.onnx")
    monkeypatch.chdir(tmp_path)
    reference.main()
    assert "no reference: the data set is of ready-made masks" in capsys.readouterr().out
    assert json.loads((tmp_path / "reports/landmark_mlp/metrics.json").read_text()) == {"available": False}
    assert not (tmp_path / "models/landmark_mlp/model.onnx").exists()
    assert list((tmp_path / "models/landmark_mlp").iterdir()), "DVC wants something to keep"
