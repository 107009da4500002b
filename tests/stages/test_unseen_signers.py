"""Unseen signers from raw files to scores: the stages `test_sets`, `predict` and `test`, and the command `evaluate`."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import tiny_models
import yaml

from stages import predict, test_sets
from stages import test as test_stage
from stages.commands import evaluate
from stages.data.people import hash_name, pack_people, people_of_weights
from stages.data.processed import Processed, Split, write_processed
from stages.errors import InputError
from stages.evaluation.predictions import predictions_of
from stages.files import content_hash
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import synthesize_hands
from stages.rendering.kept import signer_name
from stages.training.weights import save_weights

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
    split = Split(tiny_models.masks_of("ABC", top=100), np.arange(3), np.array(["x", "y", "z"]))
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


def run_evaluate(checkout, monkeypatch, *arguments, kind="test"):
    monkeypatch.chdir(checkout)
    run(monkeypatch, evaluate, *arguments, "--set", kind)
    return json.loads((checkout / f"reports/people/{kind}.json").read_text())


def run_test(checkout, monkeypatch):
    """The three stages in the order of the pipeline, in this process, which spares their imports."""
    monkeypatch.chdir(checkout)
    run(monkeypatch, test_sets)
    for network in ("custom_cnn", "resnet18", "landmark_mlp"):
        run(monkeypatch, predict, network)
    run(monkeypatch, test_stage)
    return json.loads((checkout / "reports/test.json").read_text())


@pytest.mark.parametrize("known", [0, 1, 2])
def test_people_that_a_network_was_trained_on_are_left_out_of_the_report(checkout, monkeypatch, capsys, known):
    """An older champion, from the registry, may have been trained on people of today's test set."""
    people = pack_people(frozenset(map(hash_name, ("ann", "bo")[:known])))
    tiny_models.write_network(checkout / "models/resnet18/model.onnx", classes=("A", "C", "B"), trained_on=people)
    (checkout / "data/test").mkdir()
    names, labels = np.repeat(["ann", "bo"], 3), np.array(list("ABCABC"))
    np.savez(checkout / "data/test/two.npz", labels=labels, masks=tiny_models.masks_of("ABCABC", top=50), signers=names)
    if known == 2:
        with pytest.raises(InputError, match=r"trained on all 2 signers\. Add files of other signers"):
            run_test(checkout, monkeypatch)
        return
    source = run_test(checkout, monkeypatch)["sources"]["two"]
    assert (source["signers"], source["n_photos"]) == (2 - known, 6 - 3 * known)
    assert ("left out: 1 signer" in capsys.readouterr().out) == (known == 1)


def test_missed_hands_and_unknown_labels_count_as_errors(checkout):
    labels = np.array(["A", "A", "B", "Ñ"])
    np.savez(checkout / "wall.npz", labels=labels, masks=tiny_models.masks_of("AABB"), n_photos=8)
    np.savez(checkout / "all_right.npz", labels=np.array(["B"]), masks=tiny_models.masks_of("B", top=50))
    arguments = ("wall.npz", "all_right.npz", "--set", "development")
    done = tiny_models.run_stage(checkout, "stages.commands.evaluate", *arguments)
    assert done.returncode == 0, done.stderr
    report = json.loads((checkout / "reports/people/development.json").read_text())
    assert report["champion"] == "resnet18"
    assert list(report["networks"]) == ["resnet18", "custom_cnn"]
    assert report["synthetic"] is False
    assert report["sources"]["wall"]["detection_rate"] == 4 / 8
    assert {path.name for path in (checkout / "reports/people/development").iterdir()} == FILES
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
    assert not (checkout / "reports/people").exists(), "that is for people whom somebody named"
    assert [path.name for path in (checkout / "reports/test").iterdir()] == ["metrics.json"]
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


def test_an_experiment_s_copy_without_the_people_of_the_checkout_is_refused(checkout, monkeypatch):
    (checkout / "data/test").mkdir()
    np.savez(checkout / "data/test/people.npz", labels=np.array(["A", "C"]), masks=tiny_models.masks_of("AC"))
    copy = checkout / ".dvc/tmp/exps/standalone/tmp1"
    shutil.copytree(checkout / "data/processed", copy / "data/processed")
    shutil.copy(checkout / "params.yaml", copy)
    monkeypatch.chdir(copy)
    with pytest.raises(InputError, match=r"data/test: people\.npz is in the checkout, but git ignores it.*--temp"):
        run(monkeypatch, test_sets)
    assert not (copy / "data/test_sets").exists()
    (copy / "data/test").mkdir(parents=True)
    shutil.copy(checkout / "data/test/people.npz", copy / "data/test")
    run(monkeypatch, test_sets)
    assert [path.stem for path in (copy / "data/test_sets/unseen").iterdir()] == ["people"]


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


def write_hands(path, hands, **arrays):
    """Write synthetic hands as a raw file of the names given, or of their own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **({"labels": hands.labels, "landmarks": hands.landmarks, "signers": hands.signers} | arrays))


def learn_from(checkout, hands):
    names, classes = np.unique(hands.labels, return_inverse=True)
    split = Split(hands.landmarks, classes, hands.signers)
    write_processed(checkout / "data/processed", Processed(split, split, tuple(names.tolist())))


@pytest.mark.parametrize("people", [False, True])
def test_synthetic_signers_of_the_training_seed_are_refused(checkout, monkeypatch, people):
    """Also if people are the test set: the hands that show no letter are those of the synthetic signers."""
    learn_from(checkout, synthesize_hands(read_handshapes(), 2, 1, seed=tiny_models.PARAMS["test"]["seed"]))
    if people:
        (checkout / "data/test").mkdir(parents=True)
        np.savez(checkout / "data/test/people.npz", labels=np.array(["A"]), masks=tiny_models.masks_of("A"))
    what = "non_letters" if people else "synthetic"
    with pytest.raises(InputError, match=rf"'{what}': .* row 0 is of 'synthetic_2_0000', who is in .*Choose another"):
        run_test(checkout, monkeypatch)


def test_the_same_seed_is_no_matter_if_the_networks_learn_from_people(checkout, monkeypatch):
    params = yaml.safe_load((checkout / "params.yaml").read_text())
    params["test"]["seed"] = params["synthesize"]["seed"]
    (checkout / "params.yaml").write_text(yaml.safe_dump(params))
    assert run_test(checkout, monkeypatch)["synthetic"] is True


def test_signers_of_the_weights_that_training_starts_from_are_refused(checkout, monkeypatch):
    (checkout / "pretrained").mkdir()
    save_weights({}, checkout / "pretrained/earlier.safetensors", ["A"], frozenset({hash_name("synthetic_2_0001")}))
    params = yaml.safe_load((checkout / "params.yaml").read_text())
    (checkout / "params.yaml").write_text(
        yaml.safe_dump(params | {"init": {**params["init"], "resnet18": "earlier.safetensors"}})
    )
    with pytest.raises(InputError, match=r"row 24 .*'synthetic_2_0001'.* on whom pretrained/earlier\.safetensors was"):
        run_test(checkout, monkeypatch)


def test_the_shipped_weights_say_on_whom_they_were_trained():
    people = people_of_weights(tiny_models.ROOT / "pretrained/custom_cnn.safetensors")
    rendered = {hash_name(signer_name(0, number)) for number in range(1212)}
    assert people == {hash_name(f"synthetic_0_{number:04d}") for number in range(6000)} | rendered


def test_synthetic_signers_in_a_file_are_not_called_people(checkout, monkeypatch):
    write_hands(checkout / "data/test/friends.npz", synthesize_hands(read_handshapes(), 2, 1, seed=5))
    assert run_test(checkout, monkeypatch)["synthetic"] is True
    with pytest.raises(InputError, match=r"friends\.npz has synthetic signers, and both sets are of people"):
        run_evaluate(checkout, monkeypatch, "data/test/friends.npz")


def test_synthetic_signers_are_not_mixed_with_people(checkout, monkeypatch):
    hands = synthesize_hands(read_handshapes(), 2, 1, seed=5)
    write_hands(checkout / "data/test/friends.npz", hands)
    np.savez(checkout / "data/test/people.npz", labels=np.array(["A"]), masks=tiny_models.masks_of("A"))
    with pytest.raises(InputError, match=r"friends\.npz has synthetic signers, but .*people\.npz has people.*Move one"):
        run_test(checkout, monkeypatch)
    write_hands(checkout / "data/test/friends.npz", hands, signers=np.where(hands.labels == "A", "ann", hands.signers))
    with pytest.raises(InputError, match=r"its signers are synthetic \('synthetic_5_0000'\), others are people"):
        run_test(checkout, monkeypatch)


def test_signers_of_training_are_refused_by_the_stage_and_by_the_command(checkout, monkeypatch):
    """The row is that of the file, although a hand that cannot be drawn comes before it."""
    learn_from(checkout, replace(synthesize_hands(read_handshapes(), 1, 1, seed=7), signers=np.full(24, "anna")))
    hands = synthesize_hands(read_handshapes(), 1, 1, seed=8)
    hands.landmarks[2] = np.nan
    names = np.array(["anna" if number in (3, 9) else "bo" for number in range(24)])
    write_hands(checkout / "data/test/carla.npz", hands, signers=names)
    sentence = (
        r"carla\.npz: 2 of its 24 rows show whom the networks learn from: row 3 is of 'anna', who is in training; "
        r"row 9 is of 'anna', who is in training\. Take them out of this file"
    )
    with pytest.raises(InputError, match=sentence):
        run_test(checkout, monkeypatch)
    with pytest.raises(InputError, match=sentence):
        run_evaluate(checkout, monkeypatch, "data/test/carla.npz")


def test_people_that_an_evaluated_network_was_trained_on_are_refused(checkout, monkeypatch):
    """The champion may come from elsewhere: this checkout's data do not tell on whom it was trained."""
    known = pack_people(frozenset({hash_name("anna")}))
    tiny_models.write_network(checkout / "models/resnet18/model.onnx", trained_on=known)
    np.savez(checkout / "a.npz", labels=np.array(["A", "B"]), masks=tiny_models.masks_of("AB"), signers=["bo", "anna"])
    with pytest.raises(InputError, match=r"a\.npz: 1 of its 2 rows .*row 1 \(signer 'anna'\) .* on whom resnet18 was"):
        run_evaluate(checkout, monkeypatch, "a.npz")


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
    assert progress.count("photos.npz: hands:   0%") == 1, "a slow machine shows 100 % twice"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.npz"], r"missing\.npz"),
        (["a/same.npz", "b/same.npz"], "Two files have the same name"),
    ],
)
def test_evaluate_says_what_is_wrong(checkout, monkeypatch, arguments, message):
    with pytest.raises(InputError, match=message):
        run_evaluate(checkout, monkeypatch, *arguments)


def test_the_sets_of_people_have_a_report_each_which_names_files_and_networks(checkout, monkeypatch, capsys):
    for kind, letters in (("development", "AB"), ("test", "ABC")):
        np.savez(checkout / f"{kind}_people.npz", labels=np.array(list(letters)), masks=tiny_models.masks_of(letters))
        report = run_evaluate(checkout, monkeypatch, f"{kind}_people.npz", kind=kind)
        assert report["kind"] == kind
        assert report["files"] == {f"{kind}_people": content_hash(checkout / f"{kind}_people.npz")}
        files = {name: checkout / f"models/{name}/model.onnx" for name in ("resnet18", "custom_cnn")}
        assert report["models"] == {name: content_hash(path) for name, path in files.items()}
    assert "reports/people/test.json: Test set (people)" in capsys.readouterr().out
    development = json.loads((checkout / "reports/people/development.json").read_text())
    assert list(development["sources"]) == ["development_people"], "the test set's report is another file"


@pytest.mark.parametrize("missing", [[], ["--set", "mine"]])
def test_the_kind_of_set_has_to_be_named(checkout, monkeypatch, capsys, missing):
    monkeypatch.chdir(checkout)
    with pytest.raises(SystemExit, match="2"):
        run(monkeypatch, evaluate, "any.npz", *missing)
    error = capsys.readouterr().err
    assert "--set" in error
    assert "development" in error


@pytest.mark.parametrize(("first", "second"), [("development", "test"), ("test", "development")])
def test_a_file_of_the_one_set_is_refused_in_the_other(checkout, monkeypatch, first, second):
    people = {"labels": np.array(["A", "B"]), "masks": tiny_models.masks_of("AB")}
    np.savez(checkout / "people.npz", **people)
    np.savez(checkout / "others.npz", labels=np.array(["C"]), masks=tiny_models.masks_of("C", top=50))
    (checkout / "renamed.npz").write_bytes((checkout / "people.npz").read_bytes())
    run_evaluate(checkout, monkeypatch, "people.npz", kind=first)
    run_evaluate(checkout, monkeypatch, "renamed.npz", kind=first)
    with pytest.raises(InputError, match=rf"people\.npz: .* renamed in reports/people/{first}\.json.* {first} set"):
        run_evaluate(checkout, monkeypatch, "others.npz", "people.npz", kind=second)
    assert not (checkout / f"reports/people/{second}.json").exists()
    run_evaluate(checkout, monkeypatch, "others.npz", kind=second)


def test_the_pipeline_s_test_set_and_the_development_set_share_no_file(checkout, monkeypatch):
    (checkout / "data/test").mkdir(parents=True)
    np.savez(checkout / "data/test/people.npz", labels=np.array(["A"]), masks=tiny_models.masks_of("A"))
    with pytest.raises(InputError, match=r"data/test/people\.npz.*test set"):
        run_evaluate(checkout, monkeypatch, "data/test/people.npz", kind="development")
    np.savez(checkout / "chosen_by.npz", labels=np.array(["B"]), masks=tiny_models.masks_of("B"))
    run_evaluate(checkout, monkeypatch, "chosen_by.npz", kind="development")
    (checkout / "chosen_by.npz").rename(checkout / "data/test/people.npz")
    with pytest.raises(InputError, match=r"people\.npz: .* reports/people/development\.json.*development set"):
        run(monkeypatch, test_sets)


def test_without_registered_models_the_next_step_is_named(checkout, monkeypatch):
    (checkout / "reports/register.json").unlink()
    with pytest.raises(InputError, match=r"register\.json is missing\. Run: dvc repro --force --single-item register"):
        run_evaluate(checkout, monkeypatch, "any.npz")


def test_without_test_sets_the_next_step_is_named(checkout, monkeypatch):
    monkeypatch.chdir(checkout)
    with pytest.raises(InputError, match="dvc repro test_sets"):
        run(monkeypatch, test_stage)
