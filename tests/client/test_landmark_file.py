"""Recorded landmarks on disk: what is written, extended and rejected."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from drawn_hand import open_hand

from client.errors import ClientError
from client.landmarks import Hand
from client.recording import landmark_file
from client.recording.landmark_file import append, check_signer, check_target, from_samples
from client.recording.recorder import Sample
from stages.data.raw import read_raw


def recorded(letters, signer="ann", n_tried=None):
    samples = [Sample(letter, Hand(open_hand() + row, "Right", 0.9), (640, 480)) for row, letter in enumerate(letters)]
    return from_samples(samples, signer, len(letters) if n_tried is None else n_tried)


def test_the_pipeline_reads_a_file_that_was_extended(tmp_path):
    path = tmp_path / "mine.npz"
    assert append(path, recorded("AB", n_tried=3)) == 2
    assert append(path, recorded("ABC", "Bartholomäus", n_tried=5)) == 5
    assert check_target(path) == 5
    raw = read_raw(path, max_samples=100, max_gib=0.1)
    assert raw.labels.tolist() == list("ABABC")
    assert raw.signers.tolist() == ["ann"] * 2 + ["Bartholomäus"] * 3
    with np.load(path) as written:
        assert written["handedness"].tolist() == ["Right"] * 5
        assert written["image_size"].tolist() == [[640, 480]] * 5
    assert (raw.n_photos, raw.ignored) == (8, ())
    np.testing.assert_array_equal(raw.landmarks[[0, 2, 3]], [open_hand(), open_hand(), open_hand() + 1])
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.npz"]


def test_a_failed_write_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "mine.npz"
    append(path, recorded("A"))
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(ClientError, match=r"No space left on device.*as it was before"):
        append(path, recorded("B"))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.npz"]


def arrays(**changed):
    """Arrays of a valid file of two rows, with changes."""
    whole = recorded("AB")
    names = ("labels", "signers", "landmarks", "image_size", "handedness", "n_photos")
    kept = {name: getattr(whole, name) for name in names} | changed
    return {name: array for name, array in kept.items() if array is not None}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"signers": None}, "it holds .*so nothing can be added"),
        ({"images": np.zeros((2, 32, 32, 3), np.uint8), "landmarks": None}, "it holds .*so nothing can be added"),
        ({"labels": np.array(["A"])}, "'signers' is"),
        ({"labels": np.array([1, 2])}, "'labels' is"),
        ({"landmarks": np.zeros((2, 21, 2), np.float32)}, "'landmarks' is"),
        ({"n_photos": np.array(1)}, "'n_photos' is 1, fewer than its 2 rows"),
        ({"labels": np.array(["A", "B"], dtype=object)}, "allow_pickle"),
    ],
)
def test_a_file_of_another_kind_is_not_extended(tmp_path, changed, message):
    path = tmp_path / "other.npz"
    np.savez(path, **arrays(**changed))
    before = path.read_bytes()
    with pytest.raises(ClientError, match=f"other.npz.*{message}.*Record to a new file"):
        append(path, recorded("C"))
    assert path.read_bytes() == before


def test_damaged_files_are_reported(tmp_path):
    path = tmp_path / "mine.npz"
    append(path, recorded("AB"))
    whole = path.read_bytes()
    for contents in (b"", b"no zip", whole[: len(whole) // 2], whole[:200] + b"!!!!" + whole[204:]):
        path.write_bytes(contents)
        with pytest.raises(ClientError, match=r"mine\.npz: not a file of recorded landmarks, or a damaged one"):
            check_target(path)


def test_a_file_that_unpacks_to_too_much_is_rejected_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(landmark_file, "MAX_MIB", 1)
    path = tmp_path / "bomb.npz"
    header = io.BytesIO()
    np.save(header, np.zeros(1 << 21, np.uint8))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("labels.npy", header.getvalue())
    with pytest.raises(ClientError, match="unpacks to 2 MiB, more than 1"):
        check_target(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mine", "Call it mine.npz"),
        ("folder.npz", "this is a folder"),
        ("file.txt/mine.npz", "this folder cannot be created"),
    ],
)
def test_a_target_that_cannot_be_written_is_reported(tmp_path, name, message):
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "file.txt").touch()
    with pytest.raises(ClientError, match=message):
        check_target(tmp_path / name)


def test_the_folder_of_a_target_is_created(tmp_path):
    assert check_target(tmp_path / "data/own/mine.npz") == 0
    assert (tmp_path / "data/own").is_dir()


@pytest.mark.parametrize("name", ["", "  ", "a" * 65, "a\nb"])
def test_a_signer_has_a_name(name):
    with pytest.raises(ClientError, match="a signer's name has 1 to 64 printable characters"):
        check_signer(name)
    assert check_signer(" ann ") == "ann"
