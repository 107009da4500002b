"""The stage `evaluate` as the pipeline runs it: a real ONNX network, real processed data, in a folder of its own."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import tiny_models

from stages import evaluate
from stages.data.archive import write_archive
from stages.data.processed import Processed, Split, data_hash, write_processed
from stages.errors import PipelineError
from stages.evaluation.networks import load_network, predict
from stages.evaluation.test_sets import EvaluationSet, TestSets

SHOWN = "AAABBBCCCC"
COLOURED = "AABBBBCCCA"
LOGITS = np.zeros((2, len(SHOWN), 3), dtype=np.float32)
"""Before temperature, the network knew nothing: it always predicted A with a third."""


def write_checkout(folder, samples, classes=tiny_models.CLASSES):
    tiny_models.write_params(folder)
    true = np.array([tiny_models.CLASSES.index(letter) for letter in SHOWN])
    split = Split(samples, true, np.array(["someone"] * len(true)))
    write_processed(folder / "data/processed", Processed(split, split, tiny_models.CLASSES))
    tiny_models.write_network(
        folder / "models/custom_cnn/model.onnx", classes=classes, data_hash=data_hash(folder / "data/processed")
    )
    write_archive(folder / "models/custom_cnn/validation_logits.npz", {"logits": LOGITS})
    nothing = EvaluationSet("non_letters", samples[:1], np.array(["nothing"]), np.array([""]), 1)
    TestSets((nothing,), nothing).write(folder / "data/test_sets")


def test_report_on_masks_holds_the_numbers_worked_by_hand(tmp_path):
    write_checkout(tmp_path, tiny_models.masks_of(COLOURED))
    done = tiny_models.run_stage(tmp_path, "stages.evaluate", "custom_cnn")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "reports/custom_cnn"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert set(metrics) == {
        *("loss", "accuracy", "precision", "recall", "f1", "ece"),
        *("loss_uncalibrated", "ece_uncalibrated", "temperature"),
        *("latency_ms_median", "latency_ms_p95", "size_mib", "samples"),
    }
    confidence = np.exp(8) / (np.exp(8) + 2)
    assert metrics["accuracy"] == 0.8
    # A: 2 of 3 predicted, 2 of 3 true; B: 3 of 4 predicted, 3 of 3; C: 3 of 3 predicted, 3 of 4.
    assert metrics["precision"] == pytest.approx((2 / 3 + 3 / 4 + 1) / 3, abs=1e-6)
    assert metrics["recall"] == pytest.approx((2 / 3 + 1 + 3 / 4) / 3, abs=1e-6)
    assert metrics["ece"] == pytest.approx(confidence - 0.8, abs=1e-5)
    assert metrics["ece_uncalibrated"] == pytest.approx(abs(1 / 3 - 0.3), abs=1e-5)
    assert metrics["loss_uncalibrated"] == pytest.approx(np.log(3), abs=1e-5)
    assert metrics["temperature"] == 1.0
    assert metrics["samples"] == 10
    assert 0 < metrics["latency_ms_median"] <= metrics["latency_ms_p95"]
    with (folder / "confusion.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert "".join(row["actual"] for row in rows) == SHOWN
    assert "".join(row["predicted"] for row in rows) == COLOURED
    with (folder / "per_letter.csv").open() as stream:
        letters = {row["letter"]: row for row in csv.DictReader(stream)}
    assert letters["B"] == {"letter": "B", "precision": "0.7500", "recall": "1.0000", "f1": "0.8571", "support": "3"}
    pictures = {path.name for path in folder.glob("*.png")}
    assert pictures == {"confusion.png", "curves.png", "calibration.png", "mistakes.png", "per_letter.png"}
    assert not list(folder.glob(".*")), "something half-written was left"
    assert "accuracy 0.8" in done.stdout
    assert "10/10" in done.stderr, "no progress was shown"


def test_networks_trained_on_other_data_are_refused(tmp_path, monkeypatch):
    write_checkout(tmp_path, tiny_models.masks_of(COLOURED), classes=("A", "B", "D"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["evaluate", "custom_cnn"])
    with pytest.raises(PipelineError, match=r"models/custom_cnn/model\.onnx was trained on other data.*dvc repro"):
        evaluate.main()
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(
    "arrays",
    [
        pytest.param({"logits": LOGITS[:, :4]}, id="fewer samples"),
        pytest.param({"logits": LOGITS.astype(np.float64)}, id="another type"),
        pytest.param({"logits": LOGITS[0]}, id="no mirror images"),
        pytest.param({"other": LOGITS}, id="another name"),
    ],
)
def test_logits_of_another_training_are_refused(tmp_path, monkeypatch, arrays):
    write_checkout(tmp_path, tiny_models.masks_of(COLOURED))
    write_archive(tmp_path / "models/custom_cnn/validation_logits.npz", arrays)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["evaluate", "custom_cnn"])
    with pytest.raises(
        PipelineError, match=r"validation_logits\.npz: it does not hold logits of 10 samples.*dvc repro"
    ):
        evaluate.main()


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
