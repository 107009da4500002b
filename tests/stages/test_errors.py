"""A stage's door reports what the user can fix in a sentence, a full disk above all, and leaves the rest as it is."""

from __future__ import annotations

import sqlite3

import pytest

from stages.errors import PipelineError, run_door


def registering():
    full = sqlite3.OperationalError("database or disk is full")
    raise PipelineError("MLflow at sqlite:///mlflow.db: Check MLFLOW_TRACKING_URI") from full


def writing():
    raise OSError(28, "No space left on device")


def writing_a_named_file():
    raise OSError(28, "No space left on device", "data/raw/mine.npz")


def building():
    raise PipelineError("bentoml build failed: [Errno 28] No space left on device: '/tmp/x'")


def writing_weights():
    raise RuntimeError("I/O error: No space left on device (os error 28)")


@pytest.mark.parametrize("main", [registering, writing, writing_a_named_file, building, writing_weights])
def test_a_full_disk_is_reported_whatever_raised_because_of_it(main, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = "data/raw/mine.npz" if main is writing_a_named_file else str(tmp_path)
    with pytest.raises(SystemExit) as left:
        run_door(main)
    assert str(left.value).startswith(f"error: no space left on the disk ({place}). Free some space and run")


def test_other_errors_keep_their_own_words():
    def refused():
        raise PipelineError("params.yaml: fix it.")

    def interrupted():
        raise KeyboardInterrupt

    def broken():
        raise RuntimeError("a defect")

    with pytest.raises(SystemExit, match=r"^error: params\.yaml: fix it\.$"):
        run_door(refused)
    with pytest.raises(SystemExit, match="130"):
        run_door(interrupted)
    with pytest.raises(RuntimeError, match="a defect"):
        run_door(broken)
