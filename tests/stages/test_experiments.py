"""DVC's experiments in copies of a checkout, with real DVC, git and sqlite: the checkout's registry decides."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys

import pytest
import tiny_models
import yaml

from stages import register
from stages.registry.champion import read_champion

PIPELINE = {
    "stages": {
        "register": {
            "cmd": shlex.join([sys.executable, "-m", "stages.register"]),
            "deps": ["models/custom_cnn/model.onnx"],
            "outs": [
                {"reports/register.json": {"cache": False, "persist": True}},
                {"models/champion": {"persist": True}},
            ],
        },
    }
}
IGNORED = "/mlflow.db*\n/mlartifacts/\n/models/champion/\n/data/predictions/\n/site/\n"


@pytest.mark.slow
def test_an_experiment_in_a_copy_has_to_pass_the_gate_of_the_checkout_s_registry(tmp_path, monkeypatch):
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")  # not for DVC: see `run_stage`
    tiny_models.write_checkout(tmp_path)
    tiny_models.write_people(tmp_path)
    tiny_models.write_metrics(tmp_path, "custom_cnn", 1.0)  # of the three, this is the one that is proposed
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump(PIPELINE))
    (tmp_path / ".gitignore").write_text(IGNORED)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").touch()
    (tmp_path / ".dvc/.gitignore").write_text("tmp\ncache\nconfig.local\n")
    register.main()
    tiny_models.write_network(tmp_path / "models/custom_cnn/model.onnx", classes=("B", "C", "A"), data_hash="d" * 32)
    git("init", "-q")
    for name, value in (("user.name", "t"), ("user.email", "t@example.org"), ("commit.gpgsign", "false")):
        git("config", name, value)
    git("add", ".")
    git("commit", "-qm", "custom_cnn trained anew recognises nothing")

    done = tiny_models.run_stage(
        tmp_path, *("dvc", "exp", "run", "--temp", "--name", "tried"),
        DVC_NO_ANALYTICS="1", DO_NOT_TRACK="true", DVC_SITE_CACHE_DIR=str(tmp_path / "site"),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    experiment = git("for-each-ref", "--format=%(refname)", "refs/exps/**/tried").strip()
    record = json.loads(git("show", f"{experiment}:reports/register.json"))
    assert record["models"]["custom_cnn"]["version"] == 4, "it was registered where the checkout's three are"
    champion = read_champion("tiny-model")
    assert champion.number == 1
    assert record["model_hash"] == champion.model_hash, "the gate refused it"
    assert [each["verdict"] for each in record["history"]] == ["promoted", "refused"]
