"""Unseen signers from raw files to scores: the stages `test_sets`, `predict` and `test`, and the command `evaluate`."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tiny_models
import yaml

from stages import predict, test_sets
from stages import test as test_stage
from stages.commands import evaluate
from stages.data.processed import Processed, Split, write_processed
from stages.errors import InputError
from stages.evaluation.predictions import predictions_of

FILES = {
    "metrics.json",
    *("sources.png", "letters.png", "detection.png", "confusion.png", "selection.png", "calibration.png"),
    "mistakes.png",
}
CHAMPION = {"run_id": "r", "version": 2, "f1": 0.5, "model_hash": "h"}


@pytest.fixture
def checkout(tmp_path):
    tiny_models.write_params(tmp_path)
    tiny_models.write_network(tmp_path / "models/custom_cnn/model.onnx")
    # This one confuses B and C, so it recognises fewer letters.
    tiny_models.write_network(tmp_path / "models/resnet18/model.onnx", classes=("A", "C", "B"))
    split = Split(tiny_models.masks_of("ABC"), np.arange(3), np.array(["x", "y", "z"]))
    write_processed(tmp_path / "data/processed", Processed(split, split, tiny_models.CLASSES))
    decision = {"candidate": "resnet18", "version": 2, "model_hash": "h", "promoted": True, "reasons": []}
    facts = {"champion": "resnet18", "model": "m", "git_commit": "", "data_hash": ""} | CHAMPION
    del facts["f1"]
    record = facts | {"models": {"custom_cnn": CHAMPION | {"version": 1}, "resnet18": CHAMPION}, "decision": decision}
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/register.json").write_text(json.dumps(record))
    return tmp_path


def run(monkeypatch, stage, *arguments):
    monkeypatch.setattr("sys.argv", [stage.__name__, *arguments])
    stage.main()


def run_evaluate(checkout, monkeypatch, *arguments):
    monkeypatch.chdir(checkout)
    run(monkeypatch, evaluate, *arguments)
    return json.loads((checkout / "reports/evaluation.json").read_text())


def run_test(checkout, monkeypatch):
    """The three stages in the order of the pipeline, in this process, which spares their imports."""
    monkeypatch.chdir(checkout)
    run(monkeypatch, test_sets)
    for network in ("custom_cnn", "resnet18", "landmark_mlp"):
        run(monkeypatch, predict, network)
    run(monkeypatch, test_stage)
    return json.loads((checkout / "reports/test.json").read_text())


def test_missed_hands_and_unknown_labels_count_as_errors(checkout):
    labels = np.array(["A", "A", "B", "Ñ"])
    np.savez(checkout / "wall.npz", labels=labels, masks=tiny_models.masks_of("AABB"), n_photos=8)
    np.savez(checkout / "all_right.npz", labels=np.array(["B"]), masks=tiny_models.masks_of("B"))
    files = ("wall.npz", "all_right.npz", "--out", "out/scores.json")
    done = tiny_models.run_stage(checkout, "stages.commands.evaluate", *files)
    assert done.returncode == 0, done.stderr
    report = json.loads((checkout / "out/scores.json").read_text())
    assert report["champion"] == "resnet18"
    assert list(report["networks"]) == ["resnet18", "custom_cnn"]
    assert report["synthetic"] is False
    assert report["sources"]["wall"]["detection_rate"] == 4 / 8
    assert {path.name for path in (checkout / "out/scores").iterdir()} == FILES
    wall = report["networks"]["custom_cnn"]["sources"]["wall"]
    assert wall["accuracy"] == 3 / 8
    assert wall["n_photos"] == 8
    assert report["networks"]["custom_cnn"]["mean"] == pytest.approx((3 / 8 + 1) / 2)
    assert report["networks"]["resnet18"]["sources"]["wall"]["accuracy"] == 2 / 8
    assert "wall: custom_cnn does not know ['Ñ']" in done.stderr
    assert "resnet18*" in done.stdout
    assert "0.375" in done.stdout


def test_landmarks_are_drawn_and_broken_hands_count_as_errors(checkout, monkeypatch):
    hands = np.random.default_rng(0).uniform(0, 400, size=(4, 21, 3)).astype(np.float32)
    hands[3] = np.nan
    np.savez(checkout / "hands.npz", labels=np.array(["A", "B", "C", "A"]), landmarks=hands)
    report = run_evaluate(checkout, monkeypatch, "hands.npz")
    champion = report["networks"]["resnet18"]
    assert champion["sources"]["hands"]["n_photos"] == 4
    assert champion["mean"] in (0.0, 0.25, 0.5, 0.75), "at most the three whole hands are recognised"
    assert report["sources"]["hands"]["found"] == 3
    assert champion["letters"]["A"]["n_photos"] == 2, "the broken hand is an A that was not recognised"


def test_without_files_the_signers_are_synthetic_and_the_report_says_so(checkout, monkeypatch, capsys):
    (checkout / "data/test").mkdir()
    report = run_test(checkout, monkeypatch)
    assert report["synthetic"] is True
    assert list(report["networks"]["resnet18"]["sources"]) == ["synthetic"]
    assert report["sources"]["synthetic"]["signers"] == 2
    assert report["sources"]["synthetic"]["n_photos"] == 2 * 24
    assert "These signers are synthetic" in capsys.readouterr().out
    assert not (checkout / "reports/evaluation.json").exists(), "that is the command's own report"
    assert {path.name for path in (checkout / "reports/test").iterdir()} == FILES
    numbers = json.loads((checkout / "reports/test/metrics.json").read_text())
    assert list(numbers) == ["resnet18", "custom_cnn"]
    assert numbers["resnet18"]["mean"] == report["networks"]["resnet18"]["mean"]


@pytest.mark.parametrize("folder", ["data/test", "data/exam"])
def test_files_of_people_take_the_place_of_synthetic_signers(checkout, monkeypatch, capsys, folder):
    (checkout / folder).mkdir(parents=True)
    (checkout / folder / "README.md").write_text("put files here")
    np.savez(checkout / folder / "people.npz", labels=np.array(["A", "C"]), masks=tiny_models.masks_of("AC"))
    report = run_test(checkout, monkeypatch)
    assert report["synthetic"] is False
    assert list(report["networks"]["resnet18"]["sources"]) == ["people"]
    warned = "data/exam/ is now called data/test/" in capsys.readouterr().err
    assert warned == (folder == "data/exam"), "files in the old folder are found, with a warning"


def test_a_set_is_predicted_once_and_again_only_if_it_or_the_network_changes(checkout, monkeypatch, capsys):
    model = checkout / "models/custom_cnn/model.onnx"
    run_test(checkout, monkeypatch)
    for stage in (test_stage, test_stage):
        capsys.readouterr()
        run(monkeypatch, stage)
        assert "custom_cnn" not in capsys.readouterr().err, "no progress of a prediction"
    predictions_of(model)
    assert "custom_cnn" not in capsys.readouterr().err
    tiny_models.write_network(model, sharpness=2.0)
    predictions_of(model)
    assert "custom_cnn validation" in capsys.readouterr().err, "another network"
    predictions_of(model)
    assert "custom_cnn" not in capsys.readouterr().err
    (checkout / "data/test").mkdir()
    np.savez(checkout / "data/test/people.npz", labels=np.array(["A"]), masks=tiny_models.masks_of("A"))
    run(monkeypatch, test_sets)
    assert list(predictions_of(model).signers.unseen) == ["people"], "other sets"


def test_signers_of_the_training_seed_are_refused(checkout, monkeypatch):
    params = yaml.safe_load((checkout / "params.yaml").read_text())
    params["test"]["seed"] = params["synthesize"]["seed"]
    (checkout / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(InputError, match=r"test\.seed and synthesize\.seed are both 1.*Choose another"):
        run_test(checkout, monkeypatch)


def test_the_reference_predicts_landmarks_and_leaves_masks_out(checkout, monkeypatch, capsys):
    hands = np.random.default_rng(0).uniform(0, 400, size=(4, 21, 3)).astype(np.float32)
    tiny_models.write_reference(checkout / "models/landmark_mlp/model.onnx")
    np.savez(checkout / "hands.npz", labels=np.array(["A", "B", "C", "A"]), landmarks=hands)
    np.savez(checkout / "drawn.npz", labels=np.array(["B"]), masks=tiny_models.masks_of("B"))
    report = run_evaluate(checkout, monkeypatch, "hands.npz", "drawn.npz")
    assert list(report["networks"]["landmark_mlp"]["sources"]) == ["hands"]
    assert report["networks"]["landmark_mlp"]["mean"] == 0.5, "it always predicts A"
    assert list(report["networks"]["resnet18"]["sources"]) == ["hands", "drawn"]
    assert "landmark_mlp" in capsys.readouterr().out
    report = run_evaluate(checkout, monkeypatch, "drawn.npz")
    assert "landmark_mlp" not in report["networks"]


def test_photographs_are_detected_once(checkout, shared, monkeypatch, capsys):
    with np.load(shared / "data/photos_t32rahman.npz") as photos:
        few = {"labels": photos["labels"][::24], "images": photos["images"][::24]}
    few["images"][0] = 0  # no hand in it
    (checkout / "data/test").mkdir()
    np.savez(checkout / "data/test/photos.npz", **few)
    report = run_test(checkout, monkeypatch)
    champion, source = report["networks"]["custom_cnn"], report["sources"]["photos"]
    assert champion["sources"]["photos"]["n_photos"] == len(few["labels"])
    found = len(few["labels"]) - 1
    assert source["found"] == found
    first = str(few["labels"][0])
    assert champion["letters"][first]["n_photos"] == (few["labels"] == first).sum(), "a missed hand has a letter"
    progress = capsys.readouterr().err
    assert f"{found}/{found}" in progress, "all hands but one were predicted"
    assert progress.count("photos.npz: hands: 100%") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.npz"], r"missing\.npz"),
        (["a/same.npz", "b/same.npz"], "Two files have the same name"),
        (["any.npz", "--out", "scores"], r"--out scores: the scores are JSON"),
    ],
)
def test_evaluate_says_what_is_wrong(checkout, monkeypatch, arguments, message):
    with pytest.raises(InputError, match=message):
        run_evaluate(checkout, monkeypatch, *arguments)


def test_without_registered_models_the_next_step_is_named(checkout, monkeypatch):
    (checkout / "reports/register.json").unlink()
    with pytest.raises(InputError, match=r"register\.json is missing\. Run: dvc repro --force --single-item register"):
        run_evaluate(checkout, monkeypatch, "any.npz")


def test_without_test_sets_the_next_step_is_named(checkout, monkeypatch):
    monkeypatch.chdir(checkout)
    with pytest.raises(InputError, match="dvc repro test_sets"):
        run(monkeypatch, test_stage)
