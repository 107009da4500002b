"""DVC's list of locks is removed if a full disk has truncated it, and left alone otherwise."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from zc.lockfile import LockFile

SCRIPT = Path(__file__).resolve().parents[1] / "scripts/fix_lock.py"
WHOLE = json.dumps({"write": {"/checkout/models": {"pid": 1, "cmd": "dvc repro"}}, "read": {}})


def fix(folder: Path) -> str:
    result = subprocess.run(
        [sys.executable, SCRIPT], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    )
    return result.stderr


@pytest.fixture
def locks(tmp_path):
    path = tmp_path / ".dvc/tmp/rwlock"
    path.parent.mkdir(parents=True)
    return path


@pytest.mark.parametrize("content", [WHOLE[:40], ""])
def test_a_truncated_list_is_removed_with_a_message(tmp_path, locks, content):
    locks.write_text(content)
    assert "rwlock was truncated by a full disk and has been removed" in fix(tmp_path)
    assert not locks.exists()


def test_a_whole_list_stays(tmp_path, locks):
    locks.write_text(WHOLE)
    assert fix(tmp_path) == ""
    assert locks.read_text() == WHOLE


def test_without_a_list_nothing_happens(tmp_path):
    assert fix(tmp_path) == ""
    assert list(tmp_path.iterdir()) == []


def test_a_list_that_is_being_written_stays(tmp_path, locks):
    locks.write_text(WHOLE[:40])
    guard = LockFile(str(locks.with_name("rwlock.lock")))
    try:
        assert fix(tmp_path) == ""
    finally:
        guard.close()
    assert locks.exists()
