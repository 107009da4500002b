"""Stores on servers, chosen by URI alone: PostgreSQL for a study and MLflow, S3 for MLflow's files and DVC's remote."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import optuna
import pytest
import servers
import tiny_models
import yaml

from stages.data.processed import Processed, Split, write_processed
from stages.errors import PipelineError
from stages.files import content_hash
from stages.params import Tune, read_params
from stages.search.write_back import replaced

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(600)]
SHIPPED = tiny_models.ROOT / "params.yaml"
TRIALS = 6


@pytest.fixture(scope="module")
def postgres():
    with servers.postgres_server() as server:
        yield server


@pytest.fixture(scope="module")
def mlflow_uri(postgres):
    """One database for all tests: MLflow takes half a minute to make its tables."""
    return postgres.create("mlflow")


@pytest.fixture(scope="module")
def s3():
    with servers.s3_server() as server:
        yield server


def write_tiny_search(folder: Path) -> None:
    """The shipped parameters with trials of a second or two, and data to go with them."""
    tiny = {"tune.trials": TRIALS, "tune.samples": 40, "tune.startup": 3, "train.batch_size": 4}
    text = replaced(SHIPPED.read_text(), tiny, "params.yaml")
    folder.mkdir()
    (folder / "pretrained").symlink_to(tiny_models.ROOT / "pretrained")
    (folder / "params.yaml").write_text(text.replace("{epochs: 9, image_size: 56", "{epochs: 2, image_size: 56"))
    rng = np.random.default_rng(0)
    classes = np.arange(12) % 3
    split = Split(
        (rng.normal(100, 30, (12, 21, 3)) + 40 * classes[:, None, None]).astype(np.float32),
        classes.astype(np.int64), np.array([""] * 12),
    )  # fmt: skip
    write_processed(folder / "data/processed", Processed(split, split, ("A", "B", "C")))


def start_worker(folder: Path, stores: dict[str, str]) -> subprocess.Popen[str]:
    """Start a search and wait until it names its study."""
    said = folder / "said.txt"
    with said.open("w") as out:
        worker = subprocess.Popen(
            [sys.executable, "-m", "stages.commands.tune"], cwd=folder,
            env=os.environ | stores | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    while worker.poll() is None and "study" not in said.read_text():
        time.sleep(0.05)
    return worker


def test_two_workers_share_a_study_on_postgresql(tmp_path, postgres, mlflow_uri, s3):
    study_url = postgres.create("tune")
    stores = s3.environment | {
        "TUNE_STORAGE": study_url,
        "MLFLOW_TRACKING_URI": mlflow_uri,
        "MLFLOW_DEFAULT_ARTIFACT_ROOT": s3.create("tune"),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(tiny_models.ROOT),
    }
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        write_tiny_search(folder)
    workers = []
    try:
        for folder in folders:
            for earlier in workers:
                earlier.send_signal(signal.SIGSTOP)  # or it may have run every trial before the next one has started
            workers.append(start_worker(folder, stores))
        for worker in workers:
            worker.send_signal(signal.SIGCONT)
        errors = [worker.communicate(timeout=400)[1] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert [worker.returncode for worker in workers] == [0, 0], errors
    said = [(folder / "said.txt").read_text() for folder in folders]

    (summary,) = optuna.get_all_study_summaries(study_url)
    study = optuna.load_study(study_name=summary.study_name, storage=study_url)
    done = [trial for trial in study.trials if trial.state.name in ("COMPLETE", "PRUNED")]
    assert len(done) == TRIALS
    assert len({tuple(trial.params.items()) for trial in done}) == TRIALS, "no trial was run twice"
    ran = [{int(number) for number in re.findall(r"^trial (\d+):", out, re.MULTILINE)} for out in said]
    assert all(ran), "both workers had a part"
    assert not ran[0] & ran[1]
    assert ran[0] | ran[1] == {trial.number for trial in done}

    best = study.best_trial
    for folder, out in zip(folders, said, strict=True):
        written = yaml.safe_load((folder / "params.yaml").read_text())
        for name, value in best.params.items():
            section, field = name.split(".")
            assert written[section][field] == float(f"{value:.3g}")
        assert f"best: trial {best.number}:" in out
        assert read_params(Tune, folder / "params.yaml").trials == TRIALS
    assert_shown(mlflow_uri, summary.study_name, {str(trial.number) for trial in done}, str(best.number))


def assert_shown(url, study, numbers, best):
    import mlflow

    client = mlflow.MlflowClient(url, url)
    experiment = client.get_experiment_by_name("fingerspell-tune")
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = [run for run in runs if run.info.run_name == study]
    assert parent.data.tags["best_trial"] == best
    assert parent.info.status == "FINISHED"
    nested = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(nested) == len(runs) - 1 == len(numbers)
    assert {run.data.tags["trial"] for run in nested} == numbers
    (shown,) = [run for run in nested if run.data.tags["trial"] == best]
    assert len(client.get_metric_history(shown.info.run_id, "val_accuracy")) == 3
    assert "train.lr" in shown.data.params


def test_mlflow_on_postgresql_keeps_its_files_on_s3(tmp_path, mlflow_uri, s3, monkeypatch, capsys):
    from stages import register
    from stages.registry.champion import download_champion

    for name, value in ({"MLFLOW_TRACKING_URI": mlflow_uri} | s3.environment).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MLFLOW_DEFAULT_ARTIFACT_ROOT", raising=False)
    checkout, elsewhere = tmp_path / "checkout", tmp_path / "elsewhere"
    checkout.mkdir()
    elsewhere.mkdir()
    tiny_models.write_checkout(checkout)
    tiny_models.write_people(checkout)
    monkeypatch.chdir(checkout)
    with pytest.raises(PipelineError, match=r"Set MLFLOW_DEFAULT_ARTIFACT_ROOT, for example to s3://bucket/mlflow"):
        register.main()

    monkeypatch.setenv("MLFLOW_DEFAULT_ARTIFACT_ROOT", s3.create("mlflow") + "/files")
    register.main()
    assert "mobilenet_v2, version 2 of tiny-model, is the champion" in capsys.readouterr().out
    assert len([key for key in s3.keys("mlflow") if re.fullmatch(r"files/.*/model\.onnx", key)]) == 3
    assert not list(checkout.rglob("mlruns")) + list(checkout.rglob("mlartifacts"))

    monkeypatch.delenv("MLFLOW_DEFAULT_ARTIFACT_ROOT")
    register.main()
    assert capsys.readouterr().out.count("(unchanged") == 3
    monkeypatch.chdir(elsewhere)
    model_hash = content_hash(checkout / "models/mobilenet_v2/model.onnx")
    fetched = download_champion("tiny-model", model_hash, elsewhere / "champion.onnx")
    assert fetched.read_bytes() == (checkout / "models/mobilenet_v2/model.onnx").read_bytes()


def test_dvc_keeps_data_on_s3(tmp_path, s3):
    s3.create("dvc")

    def dvc(*arguments):
        done = tiny_models.run_stage(tmp_path, "dvc", *arguments, DVC_NO_ANALYTICS="1", **s3.environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    (tmp_path / "hands.npz").write_bytes(b"21 points")
    dvc("init", "--no-scm")
    dvc("remote", "add", "--default", "store", "s3://dvc/fingerspell")
    dvc("add", "hands.npz")
    assert "1 file pushed" in dvc("push")
    assert len(s3.keys("dvc")) == 1

    shutil.rmtree(tmp_path / ".dvc/cache")
    (tmp_path / "hands.npz").unlink()
    dvc("pull")
    assert (tmp_path / "hands.npz").read_bytes() == b"21 points"
