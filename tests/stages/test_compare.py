"""The comparison and the model card, from what the other stages wrote, in files and in a real sqlite store."""

from __future__ import annotations

import json
import re
import shutil

import pytest
import tiny_models

from stages import compare, register
from stages import test as test_stage
from stages.commands import promote
from stages.data.preprocess_report import FileReport, PreprocessReport, SplitReport
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
    split = SplitReport(samples=12, signers=4, signer_unknown=0, per_class={"A": 12}, labels_missing=[])
    file = FileReport(
        path="data/raw/synthetic.npz", kind="masks", rows=24, n_photos=None, kept=24, dropped={}, labels_lost=[],
        ignored=[],
    )  # fmt: skip
    report = PreprocessReport(
        files=[file], rows=24, kept=24, split="by signer", groups=None, labels_undivided=[], kind="masks",
        classes=["A", "B", "C"], labels_lost=[], train=split, validation=split,
    )  # fmt: skip
    (tmp_path / "reports/preprocess.json").write_text(report.model_dump_json())
    return tmp_path


def test_comparison_card_and_runs(checkout, monkeypatch):
    for stage in (register, test_stage, compare):
        run(monkeypatch, stage)
    text = re.sub(" +", " ", (checkout / "reports/comparison.md").read_text())
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
        assert numbers["test/mean"] == pytest.approx(1 / 3, abs=1e-6)
        assert numbers["test/letter/A"] == 1.0
        assert numbers["letter_f1/B"] == 0.5
        assert client.get_model_version("tiny-model", "2").description == card
        run_id = runs["mobilenet_v2"]["run_id"]
        assert [file.path for file in client.list_artifacts(run_id, "model_card")] == ["model_card/model_card.md"]
        shutil.copy("reports/test.json", "reports/evaluation.json")
        run(monkeypatch, compare)
        assert "**Development set**" in (checkout / "reports/model_card.md").read_text(), "it is of this model"
        assert len(client.get_metric_history(run_id, "test/mean")) == 1, "the same number is not written twice"


def test_a_champion_proposed_by_hand_is_compared_with_the_checkout_s_networks(checkout, monkeypatch):
    run(monkeypatch, register)
    tiny_models.write_network(checkout / "custom_cnn/model.onnx")
    run(monkeypatch, promote, "custom_cnn/model.onnx")
    for stage in (register, test_stage):
        run(monkeypatch, stage)
    report = json.loads((checkout / "reports/test.json").read_text())
    (checkout / "reports/evaluation.json").write_text(json.dumps(report | {"model_hash": "another model's"}))
    run(monkeypatch, compare)
    assert report["champion"] == "custom_cnn version 4"
    assert report["networks"]["custom_cnn version 4"]["mean"] == 1.0
    assert report["networks"]["custom_cnn"]["mean"] == pytest.approx(1 / 3, abs=1e-6)
    assert "Champion: **custom_cnn version 4**" in (checkout / "reports/comparison.md").read_text()
    card = (checkout / "reports/model_card.md").read_text()
    assert "**Development set**" not in card, "it is of another model"
    assert "Trained on other data than this checkout holds" in card
    with open_store() as client:
        assert client.get_model_version("tiny-model", "4").description == card
