"""Takes: what is read of a file, what is refused with which sentence, folders of frames, and how they are cut."""

from __future__ import annotations

import numpy as np
import pytest

from stages.commands import import_sequences
from stages.data.sequences import read_sequences
from stages.data.takes import MOMENTS, trails_of_takes
from stages.data.trails import TRAIL_CLASSES
from stages.errors import InputError
from stages.hand.movements import FRAMES

LIMITS = {"max_samples": 10_000, "max_gib": 1.0}


def takes(rows=4, frames=12, **changes):
    rng = np.random.default_rng(0)
    arrays = {
        "landmarks": rng.uniform(50, 400, (rows, frames, 21, 3)).astype(np.float32),
        "times": np.tile(np.arange(frames) / 12, (rows, 1)),
        "labels": np.array(["J", "z", "A", "Space"][:rows]),
        "signers": np.full(rows, "anna"),
    }
    return {name: value for name, value in (arrays | changes).items() if value is not None}


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_reads_takes_with_times_or_a_frame_rate(tmp_path):
    read = read_sequences(save(tmp_path / "a.npz", **takes()), **LIMITS)
    assert read.labels.tolist() == ["J", "Z", "A", "space"]
    assert read.signers.tolist() == ["anna"] * 4
    rated = read_sequences(save(tmp_path / "b.npz", **takes(times=None, frame_rate=np.array(12))), **LIMITS)
    assert np.allclose(rated.times, read.times)
    assert np.array_equal(rated.landmarks, read.landmarks)


def test_a_hand_that_is_not_whole_is_none_and_signers_may_be_unknown(tmp_path):
    arrays = takes(signers=None)
    arrays["landmarks"][1, 3, 7, 0] = np.nan
    read = read_sequences(save(tmp_path / "a.npz", **arrays), **LIMITS)
    assert np.isnan(read.landmarks[1, 3]).all()
    assert np.isnan(read.landmarks).all(axis=(2, 3)).sum() == 1
    assert read.signers.tolist() == [""] * 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"landmarks": None}, "'landmarks' is missing"),
        ({"labels": None}, "'labels' is missing"),
        ({"times": None}, "it has no times"),
        ({"frame_rate": np.array(12.0)}, "it has times and frame_rate"),
        ({"landmarks": np.zeros((4, 21, 3), np.float32)}, r"\(4, 21, 3\).*It looks like still hands"),
        ({"landmarks": np.zeros((4, 12, 20, 3), np.float32)}, r"must be \(N,T,21,3\)"),
        ({"landmarks": np.zeros((4, 12, 21, 3), np.int64)}, r"must be \(N,T,21,3\) floats"),
        ({"landmarks": np.zeros((4, 2, 21, 3), np.float32), "times": np.zeros((4, 2))}, "takes have 2 frames"),
        ({"labels": np.arange(4)}, r"'labels' is \(4,\) int64"),
        ({"labels": np.array(["J"] * 3)}, "does not fit 4 takes of 12"),
        ({"labels": np.array(["J", "", "A", "B"])}, "label of take 1 is empty"),
        ({"labels": np.array(["J", "a\nb", "A", "B"])}, "'labels' of take 1 .* not printable"),
        ({"times": np.zeros((4, 12))}, "times of take 0 do not rise"),
        ({"times": np.tile(np.arange(12) * 100.0, (4, 1))}, "last longer than 120 s"),
        ({"times": np.where(np.arange(12) == 5, np.nan, np.arange(12) / 12)[None].repeat(4, 0)}, "have a gap"),
        ({"times": None, "frame_rate": np.array(0.0)}, "'frame_rate' is not within 1 to 1000"),
        ({"times": None, "frame_rate": np.array([12.0, 13.0])}, "'frame_rate' is"),
    ],
)
def test_other_files_are_refused_with_a_sentence(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        read_sequences(save(tmp_path / "a.npz", **takes(**changes)), **LIMITS)


def test_a_file_that_is_too_large_is_refused_before_it_is_decoded(tmp_path):
    path = save(tmp_path / "a.npz", **takes())
    with pytest.raises(InputError, match=r"it has 48 frames .* 40 and 1 GiB are allowed"):
        read_sequences(path, max_samples=40, max_gib=1.0)


def test_times_may_end_before_the_longest_take(tmp_path):
    times = np.tile(np.arange(12) / 12, (4, 1))
    times[2, 7:] = np.nan
    read = read_sequences(save(tmp_path / "a.npz", **takes(times=times)), **LIMITS)
    assert np.isnan(read.times[2]).sum() == 5


def test_takes_are_cut_where_j_and_z_have_been_drawn_and_anywhere_else(tmp_path):
    arrays = takes(frames=40, times=np.tile(np.arange(40) / 12, (4, 1)))
    arrays["landmarks"][:, 25:] = arrays["landmarks"][:, 24:25]  # the hand stops after 2 s
    read = read_sequences(save(tmp_path / "a.npz", **arrays), **LIMITS)
    trails = trails_of_takes(read, np.random.default_rng(0))
    assert len(trails) == 4 * MOMENTS
    assert trails.paths.shape[1:] == (FRAMES, 3, 2)
    assert [TRAIL_CLASSES[one] for one in trails.classes] == ["J"] * 4 + ["Z"] * 4 + ["nothing"] * 8
    ends = trails.times[:, -1]
    assert 20 / 12 < ends[:8].min() <= ends[:8].max() < 29 / 12, "when the fingertip has gone nearly all of its way"
    assert ends[8:].min() < 20 / 12 < 29 / 12 < ends[8:].max()


def frames_of(folder, kind, frames=5):
    """Write a take as tutorials do: one array for each frame."""
    rng = np.random.default_rng(1)
    folder.mkdir(parents=True)
    for number in range(frames):
        hand = rng.uniform(0.2, 0.8, 63)
        none = np.zeros(63)
        frame = {
            "hand": hand,
            "hands": np.concatenate([none, hand]),
            "holistic": np.concatenate([np.ones(1536), none, hand]),
        }
        np.save(folder / f"{number}.npy", frame[kind] if number != 2 else np.zeros_like(frame[kind]))


@pytest.mark.parametrize("kind", ["hand", "hands", "holistic"])
def test_folders_of_frames_become_takes(tmp_path, monkeypatch, capsys, kind):
    for letter, take, frames in (("J", "0", 5), ("J", "10", 12), ("J", "9", 5), ("z", "0", 5)):
        frames_of(tmp_path / "data" / letter / take, kind, frames)
    out = tmp_path / "takes.npz"
    monkeypatch.setattr(
        "sys.argv", ["import", str(tmp_path / "data"), str(out), "--frame-rate", "10", "--size", "640x480"]
    )
    import_sequences.main()
    read = read_sequences(out, **LIMITS)
    assert read.labels.tolist() == ["J", "J", "J", "Z"]
    assert np.isfinite(read.times).sum(axis=1).tolist() == [5, 5, 12, 5], "9 comes before 10"
    assert np.allclose(read.times[0, :5], np.arange(5) / 10)
    assert np.isnan(read.landmarks[0, 2]).all(), "a hand of zeros was not found"
    seen = read.landmarks[0, 0]
    assert 128 < seen[:, 0].min() < seen[:, 0].max() < 512, "shares of the width become pixels"
    assert "J: 3 takes, a hand in 86% of their frames" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda _: None, "there is no such folder"),
        (lambda folder: (folder / "J").mkdir(parents=True), "no take in it"),
        (
            lambda folder: frames_of(folder / "J" / "0", "hand") or np.save(folder / "J/0/3.npy", np.ones(7)),
            "not 63, 126",
        ),
        (
            lambda folder: frames_of(folder / "J" / "0", "hand") or np.save(folder / "J/0/3.npy", np.ones(126)),
            "different numbers",
        ),
        (lambda folder: frames_of(folder / "J" / "0", "hand") or (folder / "J/0/3.npy").write_text("x"), "not a frame"),
    ],
)
def test_folders_of_something_else_are_refused(tmp_path, monkeypatch, prepare, message):
    prepare(tmp_path / "data")
    monkeypatch.setattr("sys.argv", ["import", str(tmp_path / "data"), str(tmp_path / "out.npz"), "--frame-rate", "10"])
    with pytest.raises(InputError, match=message):
        import_sequences.main()
    assert not (tmp_path / "out.npz").exists()
