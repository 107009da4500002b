"""The stage `register` against a real sqlite store: versions, champion, running again, and starting anew."""

from __future__ import annotations

import json
import shutil
import subprocess

import cv2
import pytest
import tiny_models

from stages.errors import PipelineError
from stages.params import ARCHITECTURES
from stages.registry import git, results
from stages.registry.champion import download_champion
from stages.registry.location import store_name
from stages.registry.runs_page import find_runs_page


def register(folder):
    """Run the stage as the pipeline does."""
    done = tiny_models.run_stage(folder, "stages.register")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "WARNING" not in done.stderr
    return json.loads((folder / "reports/register.json").read_text())


def register_here(folder, monkeypatch):
    """Run the stage in this process, which spares the import of MLflow."""
    from stages import register as stage

    monkeypatch.chdir(folder)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
    stage.main()
    return json.loads((folder / "reports/register.json").read_text())


def store(folder, copy):
    """Look at the store through a copy, because MLflow keeps files open that a test deletes."""
    import mlflow

    shutil.copy(folder / "mlflow.db", folder / copy)
    uri = f"sqlite:///{folder / copy}"
    return mlflow.MlflowClient(uri, uri)


def versions(client):
    return sorted(client.search_model_versions("name='tiny-model'"), key=lambda version: int(version.version))


def check_run(client, registered, folder):
    """What people look for in the run of CustomCNN."""
    run = client.get_run(registered["run_id"])
    assert run.info.run_name == "custom_cnn"
    assert run.info.status == "FINISHED"
    assert run.data.metrics["f1"] == 0.7
    assert run.data.params["schedule.0.epochs"] == "3"
    assert run.data.params["preprocess.validation"] == "0.2"
    assert run.data.tags["data_hash"] == "d" * 32
    assert run.data.tags["git_commit"] == "unknown"
    assert run.data.tags["dvc_stage"] == "train@custom_cnn"
    assert run.data.tags["model_hash"] == registered["model_hash"]
    data = {each.tags[0].value: each.dataset for each in run.inputs.dataset_inputs}
    assert data.keys() == {"training", "validation"}
    assert (data["training"].digest, json.loads(data["training"].source)) == ("d" * 32, {"uri": "data/raw"})
    assert run.data.metrics["training_seconds"] == 12.5
    described = "custom_cnn, trained on data/raw from random weights in 12 s. Macro F1 in validation: 0.700."
    assert run.data.tags["mlflow.note.content"].startswith(described)
    assert versions(client)[0].description == run.data.tags["mlflow.note.content"]
    example = cv2.imread(client.download_artifacts(run.info.run_id, "input_example.png", str(folder)))
    assert example.shape == (224, 224, 3)
    view = json.loads(client.get_experiment(run.info.experiment_id).tags["mlflow.sharedViewState.networks"])
    assert "metrics.`training_seconds`" in view["selectedColumns"]
    curve = client.get_metric_history(run.info.run_id, "val_accuracy")
    assert [(point.step, point.value) for point in curve] == [(1, 0.5), (2, 0.7)]
    assert {file.path for file in client.list_artifacts(run.info.run_id, "report")} == {
        "report/confusion.csv",
        "report/metrics.json",
        "report/per_letter.csv",
    }, "pictures that lie there are of an earlier run"


@pytest.mark.slow
def test_register_again_and_after_losing_the_store(tmp_path, monkeypatch):
    tiny_models.write_checkout(tmp_path)
    tiny_models.write_people(tmp_path)
    first = register(tmp_path)
    assert first["champion"] == "mobilenet_v2"
    assert first["model"] == "tiny-model"
    assert first["models"]["resnet18"]["f1"] == 0.8
    client = store(tmp_path, "first.db")
    assert [version.tags["architecture"] for version in versions(client)] == list(ARCHITECTURES)
    champion = client.get_model_version_by_alias("tiny-model", "champion")
    assert champion.tags["architecture"] == "mobilenet_v2"
    assert int(champion.version) == first["version"]

    check_run(client, first["models"]["custom_cnn"], tmp_path)

    assert register_here(tmp_path, monkeypatch) == first, "running again must reuse every version"
    assert len(versions(store(tmp_path, "again.db"))) == 3

    tiny_models.write_metrics(tmp_path, "custom_cnn", 0.95)
    (tmp_path / "mlflow.db").unlink()
    back = register(tmp_path)
    assert back["champion"] == "mobilenet_v2", "the champion on record, not the best one: that has to pass the gate"
    assert (back["decision"]["candidate"], back["decision"]["promoted"]) == ("custom_cnn", False)
    assert len(versions(store(tmp_path, "back.db"))) == 3

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'back.db'}")
    assert find_runs_page("tiny") == "/#/experiments/1/runs?workflowType=machine_learning&viewStateShareKey=networks"
    fetched = download_champion("tiny-model", back["model_hash"], tmp_path / "package" / "champion.onnx")
    assert fetched.read_bytes() == (tmp_path / "models/mobilenet_v2/model.onnx").read_bytes()
    assert [path.name for path in fetched.parent.iterdir()] == ["champion.onnx"]

    with pytest.raises(
        PipelineError, match=r"is mobilenet_v2 version 2 .*, but this checkout's reports say that it is model abc"
    ):
        download_champion("tiny-model", "abc", tmp_path / "other.onnx")
    with pytest.raises(PipelineError, match=r"'no-such-model' has no version 'champion'.*dvc repro"):
        download_champion("no-such-model", "abc", tmp_path / "other.onnx")
    files = {file: file.read_bytes() for file in (tmp_path / "mlartifacts").rglob("model.onnx")}
    for file in files:
        file.write_bytes(b"tampered with")
    with pytest.raises(PipelineError, match=rf"is not the one registered.* SHA-256 {back['model_hash']} in its place"):
        download_champion("tiny-model", back["model_hash"], tmp_path / "other.onnx")
    assert not (tmp_path / "other.onnx").exists()
    for file, contents in files.items():
        file.write_bytes(contents)
    assert download_champion("tiny-model", back["model_hash"], tmp_path / "other.onnx").is_file()

    shutil.copytree(tmp_path, tmp_path / "moved")
    with pytest.raises(PipelineError, match=r"the checkout was moved\. Move it back, or rename mlflow\.db"):
        register_here(tmp_path / "moved", monkeypatch)


def test_one_content_is_one_version_and_a_leader_that_is_no_better_is_refused(tmp_path, monkeypatch):
    tiny_models.write_checkout(tmp_path)
    tiny_models.write_people(tmp_path)
    first = register_here(tmp_path, monkeypatch)
    tiny_models.write_metrics(tmp_path, "custom_cnn", 0.95)
    measured = register_here(tmp_path, monkeypatch)
    assert measured["models"]["custom_cnn"] == first["models"]["custom_cnn"] | {"f1": 0.95}, "one content, one version"
    assert (measured["champion"], measured["version"]) == ("mobilenet_v2", first["version"])
    assert measured["decision"]["candidate"] == "custom_cnn"
    assert not measured["decision"]["promoted"], "it recognises no more than the champion"
    again = store(tmp_path, "measured.db")
    assert again.get_run(first["models"]["custom_cnn"]["run_id"]).data.metrics["f1"] == 0.95


def test_register_says_which_report_is_missing(tmp_path, monkeypatch):
    tiny_models.write_checkout(tmp_path)
    tiny_models.write_people(tmp_path)
    (tmp_path / "reports/resnet18/metrics.json").unlink()
    with pytest.raises(PipelineError, match=r"reports/resnet18/metrics\.json.*dvc repro evaluate"):
        register_here(tmp_path, monkeypatch)
    assert not (tmp_path / "reports/register.json").exists()


def test_a_store_s_password_is_not_shown(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://someone:secret@mlflow.example.org/api")
    assert store_name() == "https://mlflow.example.org/api"


@pytest.mark.parametrize(
    ("architecture", "expected"),
    [
        ("custom_cnn", {"train.lr": "0.1", "train.0.epochs": "3", "train.0.size": "64", "train.1.epochs": "2"}),
        ("resnet18", {"train.lr": "0.02"}),
    ],
)
def test_parameters_of_an_architecture_are_lifted_from_under_its_name(architecture, expected):
    phases = [{"epochs": 3, "size": 64}, {"epochs": 2}]
    train = {"lr": 0.1, "custom_cnn": phases, "resnet18": {"lr": 0.02}}
    assert results.flatten(train, "train", architecture) == expected


def test_revision_knows_changed_sources_from_changed_reports(tmp_path, monkeypatch, capsys):
    def run(*arguments):
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git.read_revision() == git.Revision("unknown", "unknown")
    assert "git does not name the commit (fatal: not a git repository" in capsys.readouterr().err
    (tmp_path / "reports").mkdir()
    for name in ("source.py", "reports/metrics.json"):
        (tmp_path / name).write_text("1")
    run("init", "-q")
    run("add", ".")
    run("commit", "-qm", "first")
    (tmp_path / "reports/metrics.json").write_text("2")
    clean = git.read_revision()
    assert len(clean.commit) == 40
    assert clean.dirty == "false"
    (tmp_path / "source.py").write_text("2")
    assert git.read_revision() == git.Revision(clean.commit, "true")
