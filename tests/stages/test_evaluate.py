"""The stage `evaluate` as the pipeline runs it: a real ONNX network, real processed data, in a folder of its own."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import tiny_models

from stages import evaluate
from stages.data.processed import Processed, Split, data_hash, write_processed
from stages.errors import PipelineError
from stages.evaluation.networks import load_network, predict
from stages.evaluation.sets import EvaluationSet, TestSets

SHOWN = "AAABBBCCCC"
COLOURED = "AABBBBCCCA"


def write_checkout(folder, samples, classes=tiny_models.CLASSES):
    tiny_models.write_params(folder)
    true = np.array([tiny_models.CLASSES.index(letter) for letter in SHOWN])
    split = Split(samples, true, np.array(["someone"] * len(true)))
    write_processed(folder / "data/processed", Processed(split, split, tiny_models.CLASSES))
    tiny_models.write_network(
        folder / "models/custom_cnn/model.onnx", classes=classes, data_hash=data_hash(folder / "data/processed")
    )
    nothing = EvaluationSet("non_letters", samples[:1], np.array(["nothing"]), np.array([""]), 1)
    TestSets((nothing,), nothing).write(folder / "data/test_sets")


def test_report_on_masks_holds_the_numbers_worked_by_hand(tmp_path):
    write_checkout(tmp_path, tiny_models.masks_of(COLOURED))
    done = tiny_models.run_stage(tmp_path, "stages.evaluate", "custom_cnn")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "reports/custom_cnn"
    metrics = json.loads((folder / "metrics.json").read_text())
    # Temperature was fitted on these samples, so they say nothing about calibration; times are noise.
    assert set(metrics) == {"accuracy", "precision", "recall", "f1", "temperature", "samples"}
    assert metrics["accuracy"] == 0.8
    # A: 2 of 3 predicted, 2 of 3 true; B: 3 of 4 predicted, 3 of 3; C: 3 of 3 predicted, 3 of 4.
    assert metrics["precision"] == pytest.approx((2 / 3 + 3 / 4 + 1) / 3, abs=1e-6)
    assert metrics["recall"] == pytest.approx((2 / 3 + 1 + 3 / 4) / 3, abs=1e-6)
    assert metrics["temperature"] == 1.0
    assert metrics["samples"] == 10
    with (folder / "confusion.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert "".join(row["actual"] for row in rows) == SHOWN
    assert "".join(row["predicted"] for row in rows) == COLOURED
    with (folder / "per_letter.csv").open() as stream:
        letters = {row["letter"]: row for row in csv.DictReader(stream)}
    assert letters["B"] == {"letter": "B", "precision": "0.7500", "recall": "1.0000", "f1": "0.8571", "support": "3"}
    assert {path.name for path in folder.iterdir()} == {"metrics.json", "per_letter.csv", "confusion.csv"}
    assert "accuracy 0.8" in done.stdout
    assert "10/10" in done.stderr, "no progress was shown"


def test_networks_trained_on_other_data_are_refused(tmp_path, monkeypatch):
    write_checkout(tmp_path, tiny_models.masks_of(COLOURED), classes=("A", "B", "D"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["evaluate", "custom_cnn"])
    with pytest.raises(PipelineError, match=r"models/custom_cnn/model\.onnx was trained on other data.*dvc repro"):
        evaluate.main()
    assert not (tmp_path / "reports").exists()


def test_landmarks_are_drawn_with_the_client_s_renderer_in_every_batch_size(tmp_path):
    from client.mask import render_mask

    tiny_models.write_network(tmp_path / "tiny/model.onnx", sharpness=50.0)
    network = load_network(tmp_path / "tiny/model.onnx")
    hands = np.random.default_rng(0).uniform(0, 400, size=(7, 21, 3)).astype(np.float32)
    drawn = np.stack([render_mask(hand) for hand in hands])
    (expected,) = network.session.run(None, {"masks": drawn})
    for batch_size in (1, 3, 64):
        np.testing.assert_allclose(predict(network, hands, "test", batch_size), expected, atol=1e-6)
    assert predict(network, hands[:0], "test").shape == (0, 3)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"mask_version": "older-1"}, "older-1.*draws"),
        ({"classes": "ABC"}, "names no 3 classes"),
        ({"classes": ["A", "B", 3]}, "names no 3 classes"),
    ],
)
def test_unusable_networks_say_why(tmp_path, metadata, message):
    tiny_models.write_network(tmp_path / "tiny/model.onnx", **metadata)
    with pytest.raises(PipelineError, match=f"{message}.*dvc repro"):
        load_network(tmp_path / "tiny/model.onnx")


@pytest.mark.parametrize("contents", [None, b"", b"garbage"])
def test_missing_or_damaged_networks_say_the_next_step(tmp_path, contents):
    path = tmp_path / "model.onnx"
    if contents is not None:
        path.write_bytes(contents)
    with pytest.raises(PipelineError, match=r"model\.onnx.*dvc repro train"):
        load_network(path)
