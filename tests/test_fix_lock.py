"""DVC's list of locks is mended where a full disk has cut it off, and left alone otherwise."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from zc.lockfile import LockFile

SCRIPT = Path(__file__).resolve().parents[1] / "scripts/fix_lock.py"
WHOLE = json.dumps({"write": {"/checkout/models": {"pid": 1, "cmd": "dvc repro"}}, "read": {}})


def mend(folder: Path) -> str:
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
def test_a_list_that_is_cut_off_is_removed_and_told(tmp_path, locks, content):
    locks.write_text(content)
    assert "rwlock was cut off by a full disk and is removed" in mend(tmp_path)
    assert not locks.exists()


def test_a_whole_list_stays(tmp_path, locks):
    locks.write_text(WHOLE)
    assert mend(tmp_path) == ""
    assert locks.read_text() == WHOLE


def test_where_there_is_no_list_nothing_happens(tmp_path):
    assert mend(tmp_path) == ""
    assert list(tmp_path.iterdir()) == []


def test_a_list_that_is_being_written_stays(tmp_path, locks):
    locks.write_text(WHOLE[:40])
    guard = LockFile(str(locks.with_name("rwlock.lock")))
    try:
        assert mend(tmp_path) == ""
    finally:
        guard.close()
    assert locks.exists()
