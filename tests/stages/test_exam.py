"""The exam as a user runs it: registered networks, raw files, marks."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tiny_models
import yaml

from stages import test as exam
from stages.errors import PipelineError

FILES = {
    "metrics.json",
    *("sources.png", "letters.png", "detection.png", "confusion.png", "selection.png", "calibration.png"),
    "mistakes.png",
}


@pytest.fixture
def checkout(tmp_path):
    tiny_models.write_params(tmp_path)
    tiny_models.write_network(tmp_path / "models/custom_cnn/model.onnx")
    # This one swaps B and C, so it reads fewer letters.
    tiny_models.write_network(tmp_path / "models/resnet18/model.onnx", classes=("A", "C", "B"))
    (tmp_path / "reports").mkdir()
    registered = {"champion": "resnet18", "models": {"custom_cnn": {}, "resnet18": {}}}
    (tmp_path / "reports/register.json").write_text(json.dumps(registered))
    return tmp_path


def test_exam_counts_missed_hands_and_unknown_labels_as_errors(checkout):
    labels = np.array(["A", "A", "B", "Ñ"])
    np.savez(checkout / "wall.npz", labels=labels, masks=tiny_models.masks_of("AABB"), n_photos=8)
    np.savez(checkout / "all_read.npz", labels=np.array(["B"]), masks=tiny_models.masks_of("B"))
    done = tiny_models.run_stage(checkout, "stages.test", "wall.npz", "all_read.npz", "--out", "out/exam.json")
    assert done.returncode == 0, done.stderr
    marks = json.loads((checkout / "out/exam.json").read_text())
    assert list(marks) == ["champion", "resnet18", "custom_cnn", "about"]
    assert marks["about"]["synthetic"] is False
    assert marks["about"]["sources"]["wall"]["detection_rate"] == 4 / 8
    assert {path.name for path in (checkout / "out/exam").iterdir()} == FILES
    wall = marks["custom_cnn"]["sources"]["wall"]
    assert wall["accuracy"] == 3 / 8
    assert wall["n_photos"] == 8
    assert marks["custom_cnn"]["mean"] == pytest.approx((3 / 8 + 1) / 2)
    assert marks["resnet18"]["sources"]["wall"]["accuracy"] == 2 / 8
    assert marks["champion"] == {"architecture": "resnet18"} | marks["resnet18"]
    assert "wall.npz: not every network knows ['Ñ']" in done.stderr
    assert "resnet18*" in done.stdout
    assert "0.375" in done.stdout


def run_here(checkout, monkeypatch, *arguments, report="exam"):
    """Run the stage in this process, which spares its imports."""
    monkeypatch.chdir(checkout)
    monkeypatch.setattr("sys.argv", ["exam", *arguments])
    exam.main()
    return json.loads((checkout / f"reports/{report}.json").read_text())


def test_exam_reads_hands_from_landmarks_and_counts_broken_ones(checkout, monkeypatch):
    hands = np.random.default_rng(0).uniform(0, 400, size=(4, 21, 3)).astype(np.float32)
    hands[3] = np.nan
    np.savez(checkout / "hands.npz", labels=np.array(["A", "B", "C", "A"]), landmarks=hands)
    marks = run_here(checkout, monkeypatch, "hands.npz")
    assert marks["champion"]["sources"]["hands"]["n_photos"] == 4
    assert marks["champion"]["mean"] in (0.0, 0.25, 0.5, 0.75), "at most the three whole hands are read"
    assert marks["about"]["sources"]["hands"]["found"] == 3
    assert marks["champion"]["letters"]["A"]["n_photos"] == 2, "the broken hand is an A that was not read"


def test_without_files_synthetic_strangers_are_examined_and_the_report_says_so(checkout, monkeypatch, capsys):
    marks = run_here(checkout, monkeypatch, report="strangers")
    assert marks["about"]["synthetic"] is True
    assert list(marks["champion"]["sources"]) == ["synthetic"]
    assert marks["about"]["sources"]["synthetic"]["signers"] == 2
    assert marks["about"]["sources"]["synthetic"]["n_photos"] == 2 * 24
    assert "These signers are synthetic" in capsys.readouterr().out
    assert not (checkout / "reports/exam.json").exists(), "that one is the command's own"
    assert {path.name for path in (checkout / "reports/strangers").iterdir()} == FILES
    numbers = json.loads((checkout / "reports/strangers/metrics.json").read_text())
    assert list(numbers) == ["resnet18", "custom_cnn"]
    assert numbers["resnet18"]["mean"] == marks["champion"]["mean"]


def test_files_in_the_pipeline_s_folder_are_examined_instead(checkout, monkeypatch):
    (checkout / "data/exam").mkdir(parents=True)
    (checkout / "data/exam/README.md").write_text("put files here")
    np.savez(checkout / "data/exam/people.npz", labels=np.array(["A", "C"]), masks=tiny_models.masks_of("AC"))
    marks = run_here(checkout, monkeypatch, report="strangers")
    assert marks["about"]["synthetic"] is False
    assert list(marks["champion"]["sources"]) == ["people"]


def test_signers_of_the_training_seed_are_no_strangers(checkout, monkeypatch):
    params = yaml.safe_load((checkout / "params.yaml").read_text())
    params["exam"]["seed"] = params["synthesize"]["seed"]
    (checkout / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(PipelineError, match=r"exam\.seed and synthesize\.seed are both 1.*Choose another"):
        run_here(checkout, monkeypatch)


def test_the_reference_reads_landmarks_and_leaves_masks_out(checkout, monkeypatch, capsys):
    hands = np.random.default_rng(0).uniform(0, 400, size=(4, 21, 3)).astype(np.float32)
    tiny_models.write_reference(checkout / "models/landmark_mlp/model.onnx")
    np.savez(checkout / "hands.npz", labels=np.array(["A", "B", "C", "A"]), landmarks=hands)
    np.savez(checkout / "drawn.npz", labels=np.array(["B"]), masks=tiny_models.masks_of("B"))
    marks = run_here(checkout, monkeypatch, "hands.npz", "drawn.npz")
    assert list(marks["landmark_mlp"]["sources"]) == ["hands"]
    assert marks["landmark_mlp"]["mean"] == 0.5, "it always says A"
    assert list(marks["champion"]["sources"]) == ["hands", "drawn"]
    assert "landmark_mlp" in capsys.readouterr().out
    marks = run_here(checkout, monkeypatch, "drawn.npz")
    assert "landmark_mlp" not in marks


def test_exam_reads_photographs(checkout, shared, monkeypatch, capsys):
    with np.load(shared / "data/photos_t32rahman.npz") as photos:
        few = {"labels": photos["labels"][::24], "images": photos["images"][::24]}
    few["images"][0] = 0  # no hand in it
    np.savez(checkout / "photos.npz", **few)
    marks = run_here(checkout, monkeypatch, "photos.npz")
    assert marks["custom_cnn"]["sources"]["photos"]["n_photos"] == len(few["labels"])
    about = marks["about"]["sources"]["photos"]
    found = len(few["labels"]) - 1
    assert about["found"] == found
    first = str(few["labels"][0])
    assert marks["custom_cnn"]["letters"][first]["n_photos"] == (few["labels"] == first).sum(), "a miss has a letter"
    assert f"{found}/{found}" in capsys.readouterr().err, "all hands but one were predicted"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.npz"], r"missing\.npz"),
        (["a/same.npz", "b/same.npz"], "Two files have the same name"),
        (["any.npz", "--out", "marks"], r"--out marks: the marks are JSON"),
    ],
)
def test_exam_says_what_is_wrong(checkout, monkeypatch, arguments, message):
    with pytest.raises(PipelineError, match=message):
        run_here(checkout, monkeypatch, *arguments)


def test_exam_without_registered_models_says_the_next_step(checkout, monkeypatch):
    (checkout / "reports/register.json").unlink()
    with pytest.raises(PipelineError, match="dvc repro register"):
        run_here(checkout, monkeypatch, "any.npz")
