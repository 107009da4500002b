"""The comparison and the model card, from what the other stages wrote, in files and in a real sqlite store."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_models

from stages import compare, draw, register, speed
from stages import test as test_stage
from stages.commands import evaluate, promote
from stages.data.preprocess_report import FileReport, PreprocessReport, SplitReport
from stages.evaluation.moving import SyntheticReport, TrailReport
from stages.evaluation.predictions import Predictions
from stages.evaluation.sets import TestSets
from stages.registry.store import open_store
from stages.registry.trail import TrailRecord

PICTURES = ("calibration", "confusion", "curves", "mistakes", "per_letter")


def run(monkeypatch, stage, *arguments):
    monkeypatch.setattr("sys.argv", [stage.__name__, *arguments])
    stage.main()


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    tiny_models.write_checkout(tmp_path, tiny_models.SWAPPED)
    tiny_models.write_people(tmp_path)
    split = SplitReport(samples=12, signers=4, signer_unknown=0, per_class={"A": 12}, labels_missing=[])
    file = FileReport(
        path="data/raw/synthetic.npz", kind="masks", rows=24, n_photos=None, kept=24, dropped={}, labels_lost=[],
        ignored=[],
    )  # fmt: skip
    report = PreprocessReport(
        data_hash="d" * 32, files=[file], rows=24, kept=24, split="by signer", groups=None, labels_undivided=[],
        kind="masks", classes=["A", "B", "C"], labels_lost=[], train=split, validation=split,
    )  # fmt: skip
    (tmp_path / "reports/preprocess.json").write_text(report.model_dump_json())
    trail = TrailRecord(
        champion="custom_cnn", model="tiny-trail", version=3, model_hash="t" * 64, run_id="r", promoted=True,
        reasons=(),
    )  # fmt: skip
    (tmp_path / "reports/register_trail.json").write_text(trail.model_dump_json())
    synthetic = SyntheticReport(
        trails=80, accuracy=0.9, recall={"J": 0.91, "Z": 0.82}, false=0.05, false_by_movement={"still": 0.05}
    )
    (tmp_path / "reports/trail").mkdir()
    (tmp_path / "reports/trail/test.json").write_text(TrailReport(synthetic=synthetic, takes={}).model_dump_json())
    return tmp_path


def test_comparison_card_and_runs(checkout, monkeypatch):
    for stage in (register, test_stage, speed, draw, compare):
        run(monkeypatch, stage)
    text = re.sub(" +", " ", (checkout / "reports/comparison.md").read_text())
    assert "Champion: **mobilenet_v2**, version 2 of `tiny-model`" in text
    scores = json.loads((checkout / "reports/test.json").read_text())["networks"]["mobilenet_v2"]
    low, high = scores["interval"]
    took = json.loads((checkout / "reports/speed.json").read_text())["networks"]["mobilenet_v2"]
    assert 0 < took["latency_ms_median"] <= took["latency_ms_p95"]
    title = "Test set (people in data/test/)"
    assert f"| | {title} | {title}: ECE | macro F1 |" in text
    assert f"| mobilenet_v2 | 0.333 ({low:.3f}-{high:.3f}) | {scores['ece']:.3f} | 0.900 | 0.900 | - " in text
    assert f"| {took['latency_ms_median']:.1f} ms | {took['latency_ms_p95']:.1f} ms |" in text
    assert "| B | 0.500 | 0.500 | 0.500 |" in text
    assert {path.name for path in (checkout / "reports/comparison").iterdir()} == {"tradeoff.png", "letters.png"}
    card = (checkout / "reports/model_card.md").read_text()
    for sentence in (
        "Fingerspelling is not sign language",
        "tiny-trail, version 3",
        "J is found in 0.910 and Z in 0.820 of those just drawn",
        "12 photographs, 4 people",
        f"{low:.3f}-{high:.3f}",
    ):
        assert sentence in card
    rows = re.findall(r"^\| ([A-Z]) +\| (\d\.\d{3}) +\| (.+?) +\|$", card, re.MULTILINE)
    assert [letter for letter, _, _ in rows] == ["A", "B", "C", "J", "Z"]
    assert rows[3] == ("J", "0.910", "synthetic trails")
    assert "All of them are **synthetic hands**" in card
    assert "Training started from earlier weights: `imagenet`." in card
    runs = json.loads((checkout / "reports/register.json").read_text())["models"]
    with open_store() as client:
        numbers = client.get_run(runs["resnet18"]["run_id"]).data.metrics
        assert numbers["test/mean"] == pytest.approx(1 / 3, abs=1e-6)
        assert numbers["test/letter/A"] == 1.0
        assert numbers["letter_f1/B"] == 0.5
        measured = json.loads((checkout / "reports/speed.json").read_text())["networks"]["resnet18"]
        assert {name: numbers[name] for name in measured} == measured
        shown = {file.path: file.file_size for file in client.list_artifacts(runs["resnet18"]["run_id"], "report")}
        numbers_files = ("confusion.csv", "metrics.json", "per_letter.csv")
        assert set(shown) == {f"report/{name}" for name in (*(f"{name}.png" for name in PICTURES), *numbers_files)}
        assert min(shown[f"report/{name}.png"] for name in PICTURES) > 5000, "pictures of an earlier run are replaced"
        assert client.get_model_version("tiny-model", "2").description == card[:5000], "as much as MLflow keeps"
        run_id = runs["mobilenet_v2"]["run_id"]
        assert [file.path for file in client.list_artifacts(run_id, "model_card")] == ["model_card/model_card.md"]
        run(monkeypatch, compare)
        assert len(client.get_metric_history(run_id, "test/mean")) == 1, "the same number is not written twice"


def test_sets_of_people_and_synthetic_signers_are_told_by_name(checkout, monkeypatch):
    signers = TestSets.read()
    people = signers.unseen[0]
    TestSets((replace(people, name="synthetic", synthetic=True),), signers.non_letters).write(Path("data/test_sets"))
    Path("data/test_sets/unseen/people.npz").unlink()
    for name, top, first in (("chosen_by", 50, 0), ("reported", 100, 1)):
        masks = tiny_models.masks_of("".join(people.labels), top=top)
        names = np.array([f"{name} {signer}" for signer in people.signers])
        np.savez(f"{name}.npz", labels=people.labels[first:], masks=masks[first:], signers=names[first:])
    run(monkeypatch, register)
    run(monkeypatch, evaluate, "chosen_by.npz", "--set", "development")
    run(monkeypatch, evaluate, "reported.npz", "--set", "test")
    tiny_models.write_network(checkout / "models/resnet18/model.onnx", sharpness=9.0)  # since those evaluations
    for stage in (test_stage, speed, compare):
        run(monkeypatch, stage)
    card = (checkout / "reports/model_card.md").read_text()
    headings = re.findall(r"^\*\*(.*?)\*\*: ([\w ]+)", card, re.MULTILINE)
    assert headings == [
        ("Test set (people)", "11 photographs"),
        ("Development set (people; the design was chosen by it)", "12 photographs"),
        ("Synthetic test signers", "12 photographs"),
    ]
    assert card.count("4 people") == 2
    assert card.count("4 synthetic signers") == 1
    text = re.sub(" +", " ", (checkout / "reports/comparison.md").read_text())
    sets = "| Test set (people) | Development set (people; the design was chosen by it) | Synthetic test signers |"
    assert sets in text
    assert "| mobilenet_v2 | 0.273 (" in text, "the test set of people comes first: 3 of 11"
    assert "| resnet18 | - | - | " in text, "another network than the one evaluated on people"
    assert "![sources](people/test/sources.png)" in text


def test_a_champion_proposed_by_hand_is_compared_with_the_checkout_s_networks(checkout, monkeypatch):
    run(monkeypatch, register)
    tiny_models.write_network(checkout / "custom_cnn/model.onnx")
    run(monkeypatch, promote, "custom_cnn/model.onnx")
    for stage in (register, test_stage, speed, draw):
        run(monkeypatch, stage)
    report = json.loads((checkout / "reports/test.json").read_text())
    (checkout / "reports/people").mkdir()
    development = report | {"kind": "development", "model_hash": "another model's"}
    (checkout / "reports/people/development.json").write_text(json.dumps(development))
    run(monkeypatch, compare)
    assert report["champion"] == "custom_cnn version 4"
    assert report["networks"]["custom_cnn version 4"]["mean"] == 1.0
    assert report["networks"]["custom_cnn"]["mean"] == pytest.approx(1 / 3, abs=1e-6)
    timed = json.loads((checkout / "reports/speed.json").read_text())["networks"]
    assert list(timed) == ["custom_cnn version 4", "custom_cnn", "mobilenet_v2", "resnet18"]
    assert "Champion: **custom_cnn version 4**" in (checkout / "reports/comparison.md").read_text()
    card = (checkout / "reports/model_card.md").read_text()
    assert "Development set" not in card, "it is of another model"
    assert f"Trained on other data, `{'0' * 16}`, than this checkout holds, `{'d' * 16}`." in card
    assert "Training started from" not in card, "nobody knows"
    with open_store() as client:
        assert client.get_model_version("tiny-model", "4").description == card[:5000], "as much as MLflow keeps"


def test_the_calibration_of_a_network_is_drawn_of_unseen_signers(checkout, monkeypatch):
    def draw_all():
        for stage in (test_stage, draw):
            run(monkeypatch, stage)
        return {name: (checkout / f"reports/resnet18/{name}.png").read_bytes() for name in PICTURES}

    run(monkeypatch, register)
    before = draw_all()
    for path in (checkout / "data/predictions").glob("*/unseen/people.npz"):
        predicted = Predictions.read(path)
        surer = predicted.probabilities**2
        replace(predicted, probabilities=surer / surer.sum(axis=1, keepdims=True)).write(path)
    after = draw_all()
    assert [name for name in PICTURES if before[name] != after[name]] == ["calibration"]


def test_the_card_tells_by_hash_what_a_former_network_was_trained_on_and_why_it_is_still_champion(
    checkout, monkeypatch
):
    """Training goes on with other parameters; the champion stays the network of before."""
    for stage in (register, test_stage):
        run(monkeypatch, stage)
    for name, weights in (("mobilenet_v2", 3.0), ("custom_cnn", 4.0)):
        model = checkout / f"models/{name}/model.onnx"
        tiny_models.write_network(model, sharpness=weights, data_hash="d" * 32, classes=tiny_models.SWAPPED)
    params = (checkout / "params.yaml").read_text()
    (checkout / "params.yaml").write_text(params.replace("imagenet", "random"))
    for stage in (register, test_stage, speed, draw, compare):
        run(monkeypatch, stage)
    card = (checkout / "reports/model_card.md").read_text()
    assert "version 2: mobilenet_v2 version 2" in card
    assert "Trained on 12 samples" in card
    assert "Training started from earlier weights: `imagenet`." in card, "its own, not those of params.yaml today"
    why = card.partition("## Why it is the champion")[2].partition("##")[0]
    assert (
        "There was no champion, so the smallest of the networks that are as good as the best in validation became it"
        in why
    )
    assert "still the champion after the last decision, on mobilenet_v2, version 5: " in why
    assert "does not beat the champion" in why
