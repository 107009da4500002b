"""Photographs to landmarks: the number of processes and a kill change nothing in what is found."""

from __future__ import annotations

import io
import os
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest

from stages.data.raw import Pictures
from stages.errors import PipelineError
from stages.photos import detection as photos
from stages.photos.detection import find_hands
from stages.photos.resume import load_or_find

ROOT = Path(__file__).resolve().parents[2]
FIND = """
import sys
from pathlib import Path
from stages.photos import detection as photos
from stages.data.raw import read_raw
if __name__ == "__main__":
    pictures = read_raw(Path(sys.argv[1]), max_samples=1000, max_gib=1).pictures
    photos.find_hands(pictures, "photos", unfinished=Path(sys.argv[2]), processes=2)
"""


@pytest.fixture(scope="module")
def pictures(shared, tmp_path_factory):
    """Three chunks and a bit of photographs, every tenth of an empty wall."""
    with np.load(shared / "data" / "photos_t32rahman.npz") as raw:
        images = np.resize(raw["images"], (200, *raw["images"].shape[1:]))
    images[::10] = 200
    path = tmp_path_factory.mktemp("photos") / "raw.npz"
    np.savez(path, labels=np.full(200, "A"), images=images)
    return Pictures(path, "images", images.shape)


@pytest.fixture(scope="module")
def single(pictures):
    """What one process finds without a stop."""
    return find_hands(pictures, "photos", processes=1)


def test_two_processes_find_what_one_finds(pictures, single, capfd):
    found = find_hands(pictures, "photos", processes=2)
    np.testing.assert_array_equal(found.landmarks, single.landmarks)
    assert np.isnan(found.landmarks[::10]).all()
    assert np.isfinite(found.landmarks).all(axis=(1, 2)).sum() > 170
    assert found.missed.keys() == single.missed.keys() >= set(range(0, 200, 10))
    assert all(max(picture.shape) == photos.SHOWN_SIDE for picture in found.missed.values())
    last = capfd.readouterr().err.strip().splitlines()[-1]
    assert "photos: hands: 100%" in last
    assert "200/200" in last
    assert "photo/s]" in last


def children_of(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the processes in /proc")
def test_where_processes_cannot_share_locks_this_one_looks_alone():
    """As in containers whose /dev/shm is missing or read-only; here, because no file may be written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        executor = photos.process_executor(2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert executor.submit(os.getpid).result() == os.getpid()
    executor.shutdown()


def test_a_killed_run_resumes_where_it_stopped(pictures, single, tmp_path, monkeypatch):
    script = tmp_path / "find.py"
    script.write_text(FIND)
    kept = tmp_path / "unfinished"
    run = subprocess.Popen(
        [sys.executable, script, pictures.path, kept],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: run.poll() is not None or list(kept.glob("*.npy")))
    workers = children_of(run.pid)
    run.send_signal(signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    chunks = len(list(kept.glob("*.npy")))
    assert 1 <= chunks < 4

    looked_at = []
    detect = photos._detect
    monkeypatch.setattr(photos, "_detect", lambda images: looked_at.append(len(images)) or detect(images))
    found = find_hands(pictures, "photos", unfinished=kept, processes=1)
    assert len(looked_at) == 4 - chunks
    np.testing.assert_array_equal(found.landmarks, single.landmarks)
    assert found.missed.keys() == single.missed.keys()


def test_a_process_that_is_killed_gets_a_sentence(pictures, monkeypatch):
    monkeypatch.setattr(photos, "_detect", _die)
    with pytest.raises(PipelineError, match=r"^photos: a process that looked for hands was killed.* it resumes where"):
        find_hands(pictures, "photos", processes=1)


def _die(_):
    raise BrokenProcessPool("killed")


IMAGES = np.arange(2 * 16 * 16 * 3, dtype=np.uint32).astype(np.uint8).reshape(2, 16, 16, 3)
LANDMARKS = np.random.default_rng(0).normal(size=(2, 21, 3)).astype(np.float32)


def load(images, folder, version=b"version 1"):
    """Load or find; whether they were loaded."""
    landmarks, was_kept = load_or_find(images, lambda _: LANDMARKS, folder, version)
    np.testing.assert_array_equal(landmarks, LANDMARKS)
    return was_kept


def test_kept_landmarks_are_those_of_the_same_photographs_and_version(tmp_path):
    folder = tmp_path / "unfinished"
    assert not load(IMAGES, folder)
    assert load(IMAGES, folder)
    assert len(list(folder.iterdir())) == 1
    assert not load(IMAGES.reshape(2, 8, 32, 3), folder)
    assert not load(IMAGES + 1, folder)
    assert not load(IMAGES, folder, b"version 2")
    assert load(IMAGES, folder)
    assert {path.suffix for path in folder.iterdir()} == {".npy"}


def other_shape():
    stream = io.BytesIO()
    np.save(stream, LANDMARKS[:1])
    return stream.getvalue()


@pytest.mark.parametrize("damage", [b"", b"no array", b"\x93NUMPY\x01\x00", other_shape()])
def test_damaged_landmarks_are_found_anew(damage, tmp_path):
    assert not load(IMAGES, tmp_path)
    next(tmp_path.iterdir()).write_bytes(damage)
    assert not load(IMAGES, tmp_path)
    assert load(IMAGES, tmp_path)


def test_without_a_folder_nothing_is_kept():
    assert not load(IMAGES, None)
    assert not load(IMAGES, None)
