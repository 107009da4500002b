"""Preprocessing: what is dropped, what is written, and the stage as it is run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from client.mask import render_mask
from stages import preprocess
from stages.data.cleaning import clean_landmarks, clean_masks, raw_files, read_samples
from stages.data.dropped import drop_rows, list_dropped
from stages.data.duplicates import group_duplicates
from stages.data.preparation import prepare
from stages.data.processed import Processed, Split, data_hash, read_processed, write_processed
from stages.data.raw import read_raw, write_raw
from stages.errors import InputError
from stages.evaluation.test_sets import read_sets
from stages.params import Preprocess

ROOT = Path(__file__).resolve().parents[2]
LETTERS = "ABCD"


def hands(count, seed=0):
    """Points that form no hand, but are finite and some pixels wide."""
    return np.random.default_rng(seed).uniform(50, 400, (count, 21, 3)).astype(np.float32)


def signed(signers, times=2):
    """(labels, signers) of people who sign every letter a few times."""
    rows = [(letter, signer) for signer in signers for letter in LETTERS for _ in range(times)]
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])


def write_landmarks(path, signers=("ann", "bo", "cy"), landmarks=None, n_photos=None):
    labels, people = signed(signers)
    landmarks = hands(len(labels)) if landmarks is None else landmarks
    write_raw(path, labels=labels, signers=people, landmarks=landmarks, n_photos=n_photos)
    return path


def read(path):
    return read_samples(path, max_samples=1000, max_gib=0.1)


def a_data_set(kind="landmarks"):
    def split(count):
        masks = np.zeros((count, 224, 224, 3), dtype=np.uint8)
        masks[:, 10:20] = 255
        return Split(
            hands(count) if kind == "landmarks" else masks,
            classes=np.arange(count) % 2,
            signers=np.array(["ann", "böb", "", "cy"])[:count],
        )

    return Processed(split(4), split(2), ("A", "Ä"))


# Cleaning


def test_hands_that_cannot_be_drawn_are_dropped_and_counted():
    landmarks = hands(7)
    landmarks[0, 5, 0] = np.nan
    landmarks[1, 20, 2] = -np.inf
    landmarks[2] = 100.0
    landmarks[3, :, 1] = 240.0
    landmarks[4, 8, 2] = 3e38
    kept, reasons = clean_landmarks(landmarks)
    assert reasons.tolist() == ["not finite", "not finite", "no extent", "no extent", "out of range", "", ""]
    np.testing.assert_array_equal(kept, landmarks[5:])


def clean(masks, folder, max_gib=0.1):
    np.savez(folder / "masks.npz", labels=np.full(len(masks), "A"), masks=masks)
    return clean_masks(read_raw(folder / "masks.npz", max_samples=1000, max_gib=0.1).pictures, max_gib=max_gib)


@pytest.mark.parametrize("side", [64, 224, 300])
def test_masks_are_resized_for_the_model(side, tmp_path):
    points = hands(1)[0]
    masks = np.stack([render_mask(points, side), np.zeros((side, side, 3), dtype=np.uint8)])
    resized, reasons = clean(masks, tmp_path)
    assert (resized.shape, resized.dtype) == ((1, 224, 224, 3), np.uint8)
    assert reasons.tolist() == ["", "all black"]
    difference = np.abs(resized[0].astype(int) - render_mask(points, 224)).mean()
    assert difference == 0 if side == 224 else difference < 20


def test_masks_that_are_not_square_keep_their_shape(tmp_path):
    masks = np.zeros((1, 50, 100, 3), dtype=np.uint8)
    cv2.rectangle(masks[0], (40, 15), (59, 34), (255, 255, 255), -1)
    resized, _ = clean(masks, tmp_path)
    rows, columns = np.nonzero(resized[0, :, :, 0] > 127)
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=1)
    assert (rows.mean(), columns.mean()) == pytest.approx((111.5, 111.5), abs=1.5)


def test_small_masks_that_would_grow_past_memory_are_refused(tmp_path):
    masks = np.full((300, 16, 16, 3), 9, dtype=np.uint8)
    with pytest.raises(InputError, match=r"masks\.npz: at 224 pixels its masks take more than the 0\.04 GiB"):
        clean(masks, tmp_path, max_gib=0.04)
    assert len(clean(masks, tmp_path, max_gib=0.05)[0]) == 300


@pytest.mark.parametrize(
    ("landmarks", "sentence"),
    [
        (np.full((24, 21, 3), np.nan, dtype=np.float32), r"none of its 24 rows can be used (24 not finite). Look"),
        (hands(24) / 640, "'landmarks' seems to hold shares of the picture. Multiply x"),
    ],
)
def test_a_file_without_usable_hands_is_refused(landmarks, sentence, tmp_path):
    path = write_landmarks(tmp_path / "raw.npz", landmarks=landmarks)
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}: .*{re.escape(sentence)}"):
        read(path)


def test_every_npz_of_a_folder_is_read_by_name(tmp_path):
    for name in ("b.npz", "a.npz", "notes.txt", ".b.npz.partial", ".hidden.npz"):
        (tmp_path / name).touch()
    assert [path.name for path in raw_files(tmp_path)] == ["a.npz", "b.npz"]
    assert raw_files(tmp_path / "a.npz") == [tmp_path / "a.npz"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"the folder has no \.npz file\. Put"):
        raw_files(tmp_path / "empty")


# Photographs in which no hand is found


@pytest.fixture(scope="module")
def photographs(shared):
    """Six photographs of a hand, and two labels for them."""
    with np.load(shared / "data" / "photos_t32rahman.npz") as photos:
        return photos["images"][::24], np.resize(["A", "B"], 6)


def save(path, images, labels, **arrays):
    np.savez(path, images=images, labels=labels, **arrays)
    return path


@pytest.mark.parametrize(
    ("change", "channels", "sentence"),
    [
        (lambda images: images[..., ::-1], "rgb", "like BGR, as OpenCV reads pictures: .* `channels='bgr'`"),
        (lambda images: images, "bgr", "These look like RGB: with red and blue swapped, [56] of 6 tried show a hand"),
        (lambda images: images[:, 112:128, 150:166], "rgb", "are 16x16 pixels, and below 64 on a side .* larger"),
        (
            lambda images: np.full_like(images, 200) + np.uint8([0, 9, 20]),
            "rgb",
            "Look at them: one hand, whole, in light",
        ),
    ],
    ids=["BGR", "RGB", "small", "a wall"],
)
def test_without_any_hand_the_error_says_what_may_be_wrong(change, channels, sentence, photographs, tmp_path):
    images, labels = photographs
    path = save(tmp_path / "raw.npz", change(images), labels, channels=channels)
    with pytest.raises(InputError, match=rf"none of its 6 rows can be used \(6 no hand found\)\..*{sentence}"):
        read(path)


def test_with_few_hands_the_report_says_what_may_be_wrong(photographs, tmp_path):
    """Most pictures are BGR; those without a hand that are labelled `nothing` are as they should be."""
    images, labels = photographs
    mixed = np.where(np.arange(6)[:, None, None, None] < 2, images, images[..., ::-1])
    samples = read(save(tmp_path / "raw.npz", mixed, labels))
    assert samples.report.hint.startswith("These look like BGR")
    line = f"warning: {samples.report.path}: in most of its photographs no hand was found. {samples.report.hint}"
    others = read(write_landmarks(tmp_path / "hands.npz"))
    assert line in prepare([samples, others], validation=0.4, seed=0, where="raw")[1].summary().splitlines()
    assert read(save(tmp_path / "raw.npz", mixed, np.where(np.arange(6) < 4, labels, "nothing"))).report.hint == ""


def test_a_photograph_of_nothing_without_a_hand_is_no_error_in_a_test_set(photographs, tmp_path, capsys):
    """The ASL set on Kaggle has a folder `nothing` of empty walls; other photographs without a hand are errors."""
    images, _ = photographs
    walls = np.full_like(images[:4], 200)
    path = save(
        tmp_path / "ann.npz",
        np.concatenate([walls, images[:2]]),
        np.array(["Nothing", "nothing", "A", "B", "A", "B"]),
        signers=np.array([f"s{row}" for row in range(6)]),
    )
    limits = Preprocess(raw="raw", validation=0.1, seed=0, max_samples=100, max_gib=0.1)
    (prepared,) = read_sets([path], limits)
    assert prepared.labels.tolist() == ["A", "B", "A", "B"]
    assert prepared.signers.tolist() == ["s4", "s5", "s2", "s3"]
    assert (len(prepared.samples), prepared.n_photos) == (2, 4)
    assert [prepared.row(number) for number in range(4)] == [4, 5, 2, 3]
    assert capsys.readouterr().err.count("warning") == 0, "half of the photographs is not most"


def test_pictures_of_opencv_give_the_same_landmarks_and_resume_on_their_own(photographs, tmp_path):
    """What an interrupted run found in the file without `channels` is not used for the file with it."""
    images, labels = photographs
    kept = tmp_path / "unfinished"
    files = [
        save(tmp_path / "rgb.npz", images, labels),
        save(tmp_path / "bgr.npz", images[..., ::-1], labels, channels="bgr"),
        save(tmp_path / "unsaid.npz", images[..., ::-1], labels),
    ]
    rgb, bgr = (read_samples(path, max_samples=100, max_gib=0.1, unfinished=kept) for path in files[:2])
    np.testing.assert_array_equal(rgb.drawable, bgr.drawable)
    assert len(list(kept.glob("*.npy"))) == 1, "the pictures are the same"
    with pytest.raises(InputError, match="look like BGR"):
        read_samples(files[2], max_samples=100, max_gib=0.1, unfinished=kept)
    assert len(list(kept.glob("*.npy"))) == 2


def test_lower_and_upper_case_are_one_class(tmp_path):
    labels, signers = signed(["ann", "bo"])
    labels = np.where(np.arange(len(labels)) % 2, np.char.lower(labels), labels)
    write_raw(tmp_path / "raw.npz", labels=labels, signers=signers, landmarks=hands(16))
    processed, report = prepare([read(tmp_path / "raw.npz")], validation=0.5, seed=0, where="raw")
    assert processed.class_names == tuple(LETTERS)
    assert "more than one character" not in report.summary()


def test_labels_that_may_be_meant_as_letters_are_pointed_out(tmp_path):
    labels = np.resize(["letter_A", "letter_B", "Hello", "space", "del", "nothing", "Z"], 14)
    write_raw(tmp_path / "raw.npz", labels=labels, signers=np.repeat(["ann", "bo"], 7), landmarks=hands(14))
    _, report = prepare([read(tmp_path / "raw.npz")], validation=0.5, seed=0, where="raw")
    assert "warning: 'Hello', 'letter_A', 'letter_B': labels of more than one character" in report.summary()


# Joining and reporting


def test_files_are_joined_and_every_row_is_accounted_for(tmp_path):
    landmarks = hands(24, seed=1)
    landmarks[:3] = np.nan  # ann's two A and one of her B
    first = read(write_landmarks(tmp_path / "first.npz", landmarks=landmarks, n_photos=30))
    second = read(write_landmarks(tmp_path / "second.npz", signers=("di", "ed"), landmarks=hands(16, seed=2)))
    processed, report = prepare([first, second], validation=0.4, seed=0, where="raw")
    assert processed.class_names == tuple(LETTERS)
    assert report.rows == 40
    assert report.kept == 37 == len(processed.train) + len(processed.validation)
    assert report.split == "by signer"
    assert report.files[0].dropped == {"not finite": 3}
    assert report.files[0].n_photos == 30
    assert report.train.signers == 3
    assert report.validation.signers == 2
    for name, split in (("train", processed.train), ("validation", processed.validation)):
        names = [processed.class_names[index] for index in split.classes]
        assert getattr(report, name).per_class == {letter: names.count(letter) for letter in LETTERS if letter in names}
    assert "21 of 24 landmarks kept (3 not finite)" in report.summary()
    assert "no signer is on both sides" in report.summary()


def test_labels_stay_with_their_samples(tmp_path):
    """Each label has hands of its own place, which must still be so after cleaning, joining and dividing."""
    labels, _ = signed(["ann", "bo", "cy"])
    landmarks = hands(24) + 1000 * np.array([LETTERS.index(label) for label in labels])[:, None, None]
    landmarks[[1, 9]] = np.nan
    landmarks = landmarks.astype(np.float32)
    files = [
        read(write_landmarks(tmp_path / "first.npz", landmarks=landmarks)),
        read(write_landmarks(tmp_path / "second.npz", signers=("di", "ed", "flo"), landmarks=landmarks)),
    ]
    processed, _ = prepare(files, validation=0.3, seed=3, where="raw")
    for split in (processed.train, processed.validation):
        np.testing.assert_array_equal(split.samples[:, 0, 0] // 1000, split.classes)


def test_a_label_without_usable_rows_is_reported(tmp_path):
    labels, signers = signed(["ann", "bo"])
    landmarks = hands(16)
    landmarks[labels == "C"] = np.nan
    write_raw(tmp_path / "raw.npz", labels=labels, signers=signers, landmarks=landmarks)
    processed, report = prepare([read(tmp_path / "raw.npz")], validation=0.5, seed=0, where="raw")
    assert processed.class_names == ("A", "B", "D")
    assert report.labels_lost == ["C"]
    assert "warning: no sample of C could be used; no model will know it" in report.summary()


def test_a_label_that_validation_lacks_is_reported(tmp_path):
    labels, signers = signed(["ann", "bo"])
    write_raw(
        tmp_path / "raw.npz", labels=np.append(labels, "Z"), signers=np.append(signers, "bo"), landmarks=hands(17)
    )
    _, report = prepare([read(tmp_path / "raw.npz")], validation=0.5, seed=0, where="raw")
    assert "warning: validation has no sample of Z" in report.summary()


def test_masks_do_not_mix_with_landmarks(tmp_path):
    masks = np.full((2, 32, 32, 3), 9, dtype=np.uint8)
    np.savez_compressed(tmp_path / "masks.npz", labels=np.array(["A", "B"]), masks=masks)
    files = [read(write_landmarks(tmp_path / "hands.npz")), read(tmp_path / "masks.npz")]
    with pytest.raises(InputError, match=r"masks\.npz: has masks, but .*hands\.npz has landmarks.*separate folders"):
        prepare(files, validation=0.5, seed=0, where="raw")


def planted(copies=6, each=5):
    """Landmarks and their labels and origins: some hands of each letter, seen several times, shuffled.

    The copies of a hand are elsewhere and have another size; their points jitter by 0.3 % of its extent.
    """
    random = np.random.default_rng(5)
    base = np.repeat(hands(len(LETTERS) * each, seed=6), copies, axis=0)
    moved = base + random.normal(0, 1, base.shape)
    scale, shift = random.uniform(0.5, 2, (len(base), 1, 1)), random.uniform(0, 300, (len(base), 1, 2))
    moved *= scale
    moved[..., :2] += shift
    origins = np.repeat(np.arange(len(LETTERS) * each), copies)
    order = random.permutation(len(base))
    labels = np.array(list(LETTERS))[origins // each]
    return moved[order].astype(np.float32), labels[order], origins[order]


def on_both_sides(processed, origin_of):
    """Numbers of the origins that are on both sides."""
    sides = (processed.train, processed.validation)
    return set.intersection(*({origin_of(sample) for sample in split.samples} for split in sides))


@pytest.mark.parametrize("kind", ["landmarks", "masks"])
def test_near_duplicates_are_on_one_side(kind, tmp_path, monkeypatch):
    landmarks, labels, origins = planted()
    samples = {"landmarks": landmarks, "masks": np.stack([render_mask(points, 64) for points in landmarks])}[kind]
    np.savez_compressed(tmp_path / "raw.npz", labels=labels, **{kind: samples})
    files = [read(tmp_path / "raw.npz")]
    origin_of = {sample.tobytes(): origin for sample, origin in zip(files[0].drawable, origins, strict=True)}

    def both():
        processed, report = prepare(files, validation=0.25, seed=0, where="raw")
        assert {"A", "B", "C", "D"} == set(report.validation.per_class)
        return on_both_sides(processed, lambda sample: origin_of[sample.tobytes()]), report.groups

    assert both() == (set(), 20)
    monkeypatch.setattr("stages.data.preparation.group_duplicates", lambda _, classes, __: np.arange(len(classes)))
    assert len(both()[0]) > 5, "the test would pass without the grouping"


def test_a_label_of_near_duplicates_only_is_in_training_and_reported(tmp_path):
    landmarks, labels, origins = planted()
    rows = (labels != "C") | (origins == 10)
    write_raw(tmp_path / "raw.npz", labels=labels[rows], signers=np.full(rows.sum(), ""), landmarks=landmarks[rows])
    processed, report = prepare([read(tmp_path / "raw.npz")], validation=0.25, seed=0, where="raw")
    assert report.labels_undivided == ["C"]
    assert (processed.train.classes == 2).sum() == 6
    assert (
        "warning: all samples of C are near-duplicates of each other, so they are in training only" in report.summary()
    )


def test_with_signers_nothing_is_grouped(tmp_path):
    _, report = prepare([read(write_landmarks(tmp_path / "raw.npz"))], validation=0.4, seed=0, where="raw")
    assert (report.groups, report.labels_undivided) == (None, [])


@pytest.mark.parametrize("kind", ["landmarks", "masks"])
def test_one_row_without_a_name_keeps_named_signers_on_one_side(kind, tmp_path):
    landmarks, labels, _ = planted()
    signers = np.resize(["ann", "bo", "cy", "di", "ed"], len(labels))
    signers[7] = ""
    samples = {"landmarks": landmarks, "masks": np.stack([render_mask(points, 64) for points in landmarks])}[kind]
    np.savez_compressed(tmp_path / "raw.npz", labels=labels, signers=signers, **{kind: samples})
    processed, report = prepare([read(tmp_path / "raw.npz")], validation=0.4, seed=0, where="raw")
    assert not (set(processed.train.signers) & set(processed.validation.signers)) - {""}
    assert (report.train.signers, report.validation.signers) == (3, 2)
    assert report.train.signer_unknown + report.validation.signer_unknown == 1
    assert report.split == "by signer, unnamed rows by near-duplicates"
    assert "no named signer is on both sides" in report.summary()


def test_only_the_labels_of_unnamed_rows_are_compared(tmp_path, monkeypatch):
    compared = []
    monkeypatch.setattr(
        "stages.data.preparation.group_duplicates",
        lambda samples, classes, rows: compared.append(rows) or group_duplicates(samples, classes, rows),
    )
    labels, signers = signed(["ann", "bo", "cy"])
    signers[labels == "B"] = np.where(np.arange(6) == 0, "", signers[labels == "B"])
    write_raw(tmp_path / "raw.npz", labels=labels, signers=signers, landmarks=hands(24))
    prepare([read(tmp_path / "raw.npz")], validation=0.4, seed=0, where="raw")
    np.testing.assert_array_equal(compared, [labels == "B"])


# What was dropped


def lost(path, reasons, pictures=None):
    count = len(reasons)
    return drop_rows(
        Path(path), np.array(reasons), np.resize(["A", "=B"], count), np.resize(["ann", ""], count), pictures or {}
    )


def test_the_rows_dropped_are_listed():
    table = list_dropped([lost("raw/a.npz", ["", "no extent"]), lost("b.npz", ["not finite"])])
    assert table == "file,row,label,signer,reason\nraw/a.npz,1,=B,,no extent\nb.npz,0,A,ann,not finite\n"
    assert list_dropped([lost("a.npz", [""])]) == "file,row,label,signer,reason\n"


def test_a_long_list_is_thinned_out_evenly():
    rows = [line.split(",")[1] for line in list_dropped([lost("a.npz", ["no extent"] * 50_000)]).splitlines()[1:]]
    assert len(rows) == 10_000
    assert (rows[0], rows[-1]) == ("0", "49999")


def test_dropped_pictures_are_drawn_and_an_outdated_sheet_is_removed(tmp_path, monkeypatch):
    path = tmp_path / "data" / "dropped.png"
    monkeypatch.setattr(preprocess, "DROPPED_PICTURES", path)
    pictures = {row: np.full((20 + row % 3, 30, 3), row, dtype=np.uint8) for row in range(9)}
    files = [lost("$raw$/a$b$.npz", ["no hand found"] * 9, pictures), lost("b.npz", ["no extent"])]
    preprocess.draw(files)
    first = path.read_bytes()
    assert cv2.imread(str(path)) is not None
    preprocess.draw(files)
    assert path.read_bytes() == first
    preprocess.draw(files[1:])
    assert not path.exists()


# Processed data


@pytest.mark.parametrize("kind", ["landmarks", "masks"])
def test_what_is_written_is_read_back(kind, tmp_path):
    folder = tmp_path / "data" / "processed"
    written = a_data_set(kind)
    write_processed(folder, written)
    read_back = read_processed(folder)
    assert read_back.class_names == written.class_names
    for before, after in ((written.train, read_back.train), (written.validation, read_back.validation)):
        assert after.kind == kind
        np.testing.assert_array_equal(after.samples, before.samples)
        np.testing.assert_array_equal(after.classes, before.classes)
        np.testing.assert_array_equal(after.signers, before.signers)
    assert [path.name for path in folder.parent.iterdir()] == ["processed"]
    assert sorted(path.name for path in folder.iterdir()) == ["classes.json", "train.npz", "validation.npz"]


def test_the_hash_follows_the_data_and_nothing_else(tmp_path, monkeypatch):
    data = a_data_set()
    write_processed(tmp_path / "first", data)
    monkeypatch.setattr("time.time", lambda: 2e9)
    write_processed(tmp_path / "second", data)
    write_processed(tmp_path / "swapped", Processed(data.validation, data.train, data.class_names))
    write_processed(tmp_path / "renamed", Processed(data.train, data.validation, ("A", "B")))
    first, second, swapped, renamed = (data_hash(tmp_path / name) for name in ("first", "second", "swapped", "renamed"))
    assert re.fullmatch("[0-9a-f]{32}", first)
    assert first == second
    assert len({first, swapped, renamed}) == 3


def test_writing_again_replaces_the_folder_and_what_a_killed_run_left(tmp_path):
    folder = tmp_path / "processed"
    for leftover in (".processed.partial", ".processed.old", "processed"):
        (tmp_path / leftover).mkdir()
        (tmp_path / leftover / "stale.npz").touch()
    write_processed(folder, a_data_set())
    assert [path.name for path in tmp_path.iterdir()] == ["processed"]
    assert not (folder / "stale.npz").exists()


def test_a_failed_write_keeps_the_old_data(tmp_path):
    folder = tmp_path / "processed"
    write_processed(folder, a_data_set())
    before = data_hash(folder)
    broken = a_data_set()
    object.__setattr__(broken.validation, "signers", np.array([{}, {}], dtype=object))
    with pytest.raises(ValueError, match="Object arrays"):
        write_processed(folder, broken)
    assert data_hash(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["processed"]


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("classes.json", lambda path: path.unlink()),
        ("classes.json", lambda path: path.write_text("{}")),
        ("classes.json", lambda path: path.write_bytes(b"\xff")),
        ("classes.json", lambda path: path.write_text('["A"]')),
        ("train.npz", lambda path: path.unlink()),
        ("train.npz", lambda path: path.write_bytes(path.read_bytes()[:300])),
        ("validation.npz", lambda path: np.savez(path, classes=np.arange(2))),
        (
            "validation.npz",
            lambda path: np.savez(path, classes=np.arange(2), landmarks=hands(3), signers=np.array(["", ""])),
        ),
        (
            "validation.npz",
            lambda path: np.savez(path, classes=np.arange(2), landmarks=hands(2), signers=np.arange(2)),
        ),
    ],
)
def test_spoilt_processed_data_is_refused(name, spoil, tmp_path):
    write_processed(tmp_path, a_data_set())
    spoil(tmp_path / name)
    with pytest.raises(InputError, match=r"dvc repro|Copy or export"):
        read_processed(tmp_path)


def test_the_hash_of_missing_data_names_the_next_step(tmp_path):
    with pytest.raises(InputError, match=r"classes\.json: cannot be read .*dvc repro preprocess"):
        data_hash(tmp_path)


# The stage


def run_stage(folder, raw="raw.npz", **changes):
    """Run `python -m stages.preprocess` in a folder with a params.yaml of its own."""
    values = {"raw": raw, "validation": 0.34, "seed": 7, "max_samples": 1000, "max_gib": 0.5} | changes
    (folder / "params.yaml").write_text(
        "preprocess:\n" + "".join(f"  {key}: {value}\n" for key, value in values.items())
    )
    return subprocess.run(
        [sys.executable, "-m", "stages.preprocess"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_stage_writes_the_data_and_its_report(tmp_path):
    write_landmarks(tmp_path / "raw.npz")
    result = run_stage(tmp_path)
    assert result.returncode == 0, result.stderr
    assert "raw.npz: 24 of 24 landmarks kept (none dropped)" in result.stdout
    report = json.loads((tmp_path / "reports/preprocess.json").read_text())
    processed = read_processed(tmp_path / "data/processed")
    assert report["classes"] == list(processed.class_names) == list(LETTERS)
    assert (len(processed.train), len(processed.validation)) == (16, 8)
    assert set(processed.train.signers.tolist()).isdisjoint(processed.validation.signers.tolist())
    assert report["data_hash"] == data_hash(tmp_path / "data/processed"), "by which the model card knows the data"
    before = data_hash(tmp_path / "data/processed"), (tmp_path / "reports/preprocess.json").read_bytes()
    assert run_stage(tmp_path).returncode == 0
    assert (data_hash(tmp_path / "data/processed"), (tmp_path / "reports/preprocess.json").read_bytes()) == before


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"raw": "other.npz"}, "error: other.npz: the file is missing."),
        ({"max_samples": 5}, "error: raw.npz: it has 24 rows, more than the 5 allowed. Split the file, or raise"),
    ],
)
def test_the_stage_refuses_in_one_sentence_and_writes_nothing(changes, sentence, tmp_path):
    write_landmarks(tmp_path / "raw.npz")
    result = run_stage(tmp_path, **changes)
    assert result.returncode == 1
    assert result.stderr.startswith(sentence), result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["params.yaml", "raw.npz"]


def test_one_label_is_refused(tmp_path):
    write_raw(tmp_path / "raw.npz", labels=np.full(4, "A"), signers=np.full(4, ""), landmarks=hands(4))
    result = run_stage(tmp_path)
    assert result.stderr.startswith("error: raw.npz: has only the label 'A'. A classifier needs at least two")


def test_ready_made_masks_go_through_the_stage(tmp_path):
    masks = np.stack([render_mask(points, 96) for points in hands(12)])
    masks[0] = 0
    np.savez_compressed(tmp_path / "raw.npz", labels=np.resize(list("ABC"), 12), masks=masks)
    result = run_stage(tmp_path)
    assert result.returncode == 0, result.stderr
    assert "raw.npz: 11 of 12 masks kept (1 all black)" in result.stdout
    assert re.search(
        "^train: 8 samples of 3 labels, 0 known signers, 8 samples of unknown", result.stdout, re.MULTILINE
    )
    assert (
        "split stratified: one signer's photographs may be on both sides, but no near-duplicates "
        "(11 groups in 11 samples)" in result.stdout
    )
    processed = read_processed(tmp_path / "data/processed")
    assert processed.train.kind == "masks"
    assert processed.train.samples.shape == (8, 224, 224, 3)


def test_photographs_of_a_real_hand_become_landmarks(shared, tmp_path):
    """Photographs, an empty wall among them, together with landmarks that were read from the same signer before."""
    with np.load(shared / "data" / "photos_t32rahman.npz") as photos:
        rows = np.concatenate([np.flatnonzero(photos["labels"] == letter)[:3] for letter in LETTERS])
        images, labels = photos["images"][rows], photos["labels"][rows]
    (tmp_path / "raw").mkdir()
    wall = np.full_like(images[:1], 200)
    np.savez_compressed(
        tmp_path / "raw" / "photos.npz", images=np.concatenate([images, wall]), labels=np.append(labels, "A")
    )
    write_landmarks(tmp_path / "raw" / "hands.npz")
    result = run_stage(tmp_path, raw="raw")
    assert result.returncode == 0, result.stderr
    report = json.loads((tmp_path / "reports/preprocess.json").read_text())
    photographs = report["files"][1]
    assert (photographs["path"], photographs["kind"], photographs["rows"]) == ("raw/photos.npz", "images", 13)
    assert photographs["dropped"] == {"no hand found": 1}
    assert report["split"] == "by signer, unnamed rows by near-duplicates"
    assert "split by signer, unnamed rows by near-duplicates: no named signer is on both sides" in result.stdout
    processed = read_processed(tmp_path / "data/processed")
    found = np.concatenate([split.samples[split.signers == ""] for split in (processed.train, processed.validation)])
    assert len(found) == 12
    assert found[:, :, :2].min() > -50
    assert found[:, :, 0].max() < images.shape[2] + 50
    assert "raw/photos.npz: hands: 100%" in result.stderr
    assert (tmp_path / "reports/dropped.csv").read_text().splitlines()[1:] == ["raw/photos.npz,12,A,,no hand found"]
    assert cv2.imread(str(tmp_path / "data/dropped.png")) is not None
    assert not (tmp_path / "data/unfinished").exists()
