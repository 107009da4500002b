"""The comparison and the model card, from what the other stages wrote, in files and in a real sqlite store."""

from __future__ import annotations

import json
import shutil

import pytest
import tiny_models

from stages import compare, register
from stages import test as exam
from stages.commands import promote
from stages.registry.store import open_store


def run(monkeypatch, stage, *arguments):
    monkeypatch.setattr("sys.argv", [stage.__name__, *arguments])
    stage.main()


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    tiny_models.write_checkout(tmp_path, tiny_models.SWAPPED)
    tiny_models.write_people(tmp_path)
    split = {"samples": 12, "signers": 4}
    data = {"files": [{"path": "data/raw/synthetic.npz"}], "split": "by signer", "classes": ["A", "B", "C"]}
    (tmp_path / "reports/preprocess.json").write_text(json.dumps(data | {"train": split, "validation": split}))
    return tmp_path


def test_comparison_card_and_runs(checkout, monkeypatch):
    for stage in (register, exam, compare):
        run(monkeypatch, stage)
    text = (checkout / "reports/comparison.md").read_text()
    assert "Champion: **mobilenet_v2**, version 2 of `tiny-model`" in text
    assert "| mobilenet_v2 | 0.900 | 0.900 | 0.100 | 0.333 (0.333-0.333) |" in text
    assert "| B | 0.500 | 0.500 | 0.500 |" in text
    assert {path.name for path in (checkout / "reports/comparison").iterdir()} == {"tradeoff.png", "letters.png"}
    card = (checkout / "reports/model_card.md").read_text()
    for sentence in ("Fingerspelling is not sign language", "J and Z", "12 photographs, 4 signers", "0.333-0.333"):
        assert sentence in card
    assert "All of them are **synthetic hands**" in card
    assert "Training started from earlier weights: `imagenet`." in card
    runs = json.loads((checkout / "reports/register.json").read_text())["models"]
    with open_store() as client:
        numbers = client.get_run(runs["resnet18"]["run_id"]).data.metrics
        assert numbers["exam/mean"] == pytest.approx(1 / 3, abs=1e-6)
        assert numbers["exam/letter/A"] == 1.0
        assert numbers["letter_f1/B"] == 0.5
        assert client.get_model_version("tiny-model", "2").description == card
        run_id = runs["mobilenet_v2"]["run_id"]
        assert [file.path for file in client.list_artifacts(run_id, "model_card")] == ["model_card/model_card.md"]
        shutil.copy("reports/strangers.json", "reports/exam.json")
        run(monkeypatch, compare)
        assert "**Exam on people**" in (checkout / "reports/model_card.md").read_text(), "this model took it"
        assert len(client.get_metric_history(run_id, "exam/mean")) == 1, "the same number is not written twice"


def test_a_champion_offered_by_hand_stands_beside_the_checkout_s_networks(checkout, monkeypatch):
    run(monkeypatch, register)
    tiny_models.write_network(checkout / "custom_cnn/model.onnx")
    run(monkeypatch, promote, "custom_cnn/model.onnx")
    for stage in (register, exam):
        run(monkeypatch, stage)
    (checkout / "reports/exam.json").write_text(json.dumps({"about": {"model_hash": "another model's"}}))
    run(monkeypatch, compare)
    marks = json.loads((checkout / "reports/strangers.json").read_text())
    assert marks["champion"]["architecture"] == "custom_cnn version 4"
    assert marks["champion"]["mean"] == 1.0
    assert marks["custom_cnn"]["mean"] == pytest.approx(1 / 3, abs=1e-6)
    assert "Champion: **custom_cnn version 4**" in (checkout / "reports/comparison.md").read_text()
    card = (checkout / "reports/model_card.md").read_text()
    assert "**Exam on people**" not in card, "another model took it"
    assert "Trained on other data than this checkout holds" in card
    with open_store() as client:
        assert client.get_model_version("tiny-model", "4").description == card
