"""Raw data sets: every way in which a file can be wrong has its own error message."""

from __future__ import annotations

import io
import os
import pickle
import re
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.mutations import mutate
from stages.data.archive import open_archive, write_archive
from stages.data.raw import read_raw, write_raw
from stages.errors import InputError

LABELS = np.array(["A", "B", "C"])
HANDS = np.arange(3 * 21 * 3, dtype=np.float32).reshape(3, 21, 3)
PHOTOS = np.arange(3 * 20 * 24 * 3, dtype=np.uint32).astype(np.uint8).reshape(3, 20, 24, 3)


def read(path: Path, max_samples: int = 100, max_gib: float = 0.01):
    return read_raw(path, max_samples=max_samples, max_gib=max_gib)


def npz(path: Path, **arrays: Any) -> Path:
    np.savez_compressed(path, **arrays)
    return path


def damage(path: Path, marker: bytes) -> Path:
    """Turn over one byte after a marker, in a file that was stored and not deflated."""
    contents = bytearray(path.read_bytes())
    contents[contents.index(marker) + len(marker)] ^= 0xFF
    path.write_bytes(contents)
    return path


def claimed(path: Path, shape: tuple[int, ...], file_size: int | None = None) -> Path:
    """Write an archive whose landmarks are only a header that claims a shape, and optionally a member's size."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
    labels = io.BytesIO()
    np.save(labels, LABELS)
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("labels.npy", labels.getvalue())
        zipped.writestr("landmarks.npy", header.getvalue())
    if file_size is not None:
        contents = bytearray(path.read_bytes())
        central = contents.rindex(b"PK\x01\x02")  # the directory's last entry: the landmarks
        contents[central + 24 : central + 28] = struct.pack("<I", file_size)
        path.write_bytes(contents)
    return path


def missing(folder: Path) -> Path:
    return folder / "raw.npz"


def a_folder(folder: Path) -> Path:
    return folder


def empty_file(folder: Path) -> Path:
    path = folder / "raw.npz"
    path.write_bytes(b"")
    return path


def no_zip(folder: Path) -> Path:
    path = folder / "raw.npz"
    with path.open("wb") as stream:
        np.save(stream, HANDS)
    return path


def written(contents: bytes):
    """Write something else than an archive."""

    def make(folder: Path) -> Path:
        path = folder / "raw.npz"
        path.write_bytes(contents)
        return path

    return make


def truncated(folder: Path) -> Path:
    path = npz(folder / "raw.npz", labels=LABELS, landmarks=HANDS)
    path.write_bytes(path.read_bytes()[:-200])
    return path


def turned_byte(folder: Path) -> Path:
    path = folder / "raw.npz"
    np.savez(path, labels=LABELS, landmarks=HANDS)
    return damage(path, HANDS[1].tobytes()[:16])


def bad_header(folder: Path) -> Path:
    path = folder / "raw.npz"
    np.savez(path, labels=LABELS, landmarks=HANDS)
    return damage(path, b"'descr': '<")


def named_twice(folder: Path) -> Path:
    path = npz(folder / "raw.npz", labels=LABELS, landmarks=HANDS)
    with zipfile.ZipFile(path, "a") as zipped, pytest.warns(UserWarning, match="Duplicate"):
        zipped.writestr("labels.npy", b"")
    return path


def not_an_array(folder: Path) -> Path:
    path = npz(folder / "raw.npz", labels=LABELS)
    with zipfile.ZipFile(path, "a") as zipped:
        zipped.writestr("landmarks.npy", b"a diary")
    return path


def encrypted(folder: Path) -> Path:
    path = folder / "raw.npz"
    np.savez(path, labels=LABELS, landmarks=HANDS)
    contents = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        contents[contents.index(signature) + flags] |= 1
    path.write_bytes(contents)
    return path


def with_member(name: str, method: int = zipfile.ZIP_STORED):
    """Write a raw file and one more member."""

    def make(folder: Path) -> Path:
        path = npz(folder / "raw.npz", labels=LABELS, landmarks=HANDS)
        with zipfile.ZipFile(path, "a") as zipped:
            zipped.writestr(zipfile.ZipInfo(name), b"", method)
        return path

    return make


def crowded(folder: Path) -> Path:
    return npz(folder / "raw.npz", labels=LABELS, landmarks=HANDS, **{f"n{n}": LABELS for n in range(99)})


def long_directory(folder: Path) -> Path:
    path = folder / "raw.npz"
    size = 2 << 20
    path.write_bytes(b"PK\x03\x04".ljust(size, b"\0") + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, size, 0, 0))
    return path


def a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "raw.npz")
    return folder / "raw.npz"


def essay(folder: Path) -> Path:
    return npz(folder / "raw.npz", labels=LABELS.astype("<U300"), landmarks=HANDS)


def long_header(folder: Path) -> Path:
    """Write an array whose header says that it is four gigabytes long."""
    path = npz(folder / "raw.npz", labels=LABELS)
    with zipfile.ZipFile(path, "a") as zipped:
        zipped.writestr("landmarks.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(1 << 20))
    return path


def arrays(**values: Any):
    return lambda folder: npz(folder / "raw.npz", **values)


BROKEN = {
    "missing": (missing, "the file is missing. Check its name"),
    "a folder": (a_folder, "this is a folder"),
    "empty file": (empty_file, "the file is empty"),
    "a pipe": (a_pipe, "this is a pipe or device, not a regular file"),
    "too many members": (crowded, "it holds 101 members, more than 100"),
    "long directory": (long_directory, "its directory takes 2097152 bytes, more than 1048576"),
    "absolute name": (with_member("/etc/passwd"), "a member is called '/etc/passwd', which is not an array's name"),
    "name of a folder above": (with_member("a/../../b.npy"), "a member is called 'a/../../b.npy'"),
    "name that clears the screen": (with_member("\x1b[2J.npy"), "a member is called '\\x1b[2J.npy'"),
    "name with backslashes": (with_member("c:\\b.npy"), "a member is called 'c:\\\\b.npy'"),
    "name without end": (with_member("n" * 300), "which is not an array's name"),
    "bzip2": (with_member("notes.npy", zipfile.ZIP_BZIP2), "'notes' is compressed in a way that numpy does not write"),
    "lzma": (with_member("notes.npy", zipfile.ZIP_LZMA), "Save it with np.savez_compressed"),
    "essay": (essay, "'labels' takes 1200 bytes a row, more than 1024"),
    "long header": (long_header, "'landmarks' is damaged or not an array (EOF: reading array header"),
    "no zip": (written(b"\0\1\2\3 a diary"), "this is not an .npz archive. Save the arrays with np.savez_compressed"),
    "a single array": (no_zip, "this is one array, an .npy file. Save it together with its labels"),
    "a pickle": (written(pickle.dumps({"labels": ["A"]})), "this is a pickle, which may run any program"),
    "HDF5": (written(b"\x89HDF\r\n\x1a\n" + bytes(512)), "this is an HDF5 file. Save its arrays with"),
    "a table": (written(b"\xef\xbb\xbflabel;x0;y0\r\nA;0,1;0,2\r\n"), "stages.commands.import_landmarks"),
    "a zip of pictures": (
        with_member("A/one.JPG"),
        "'A/one.JPG': pictures, not arrays. Unpack it and run: `python -m stages.commands.import_photos FOLDER",
    ),
    "truncated": (truncated, "the file is truncated or damaged"),
    "turned byte": (turned_byte, "'landmarks' is damaged or not an array (Bad CRC-32"),
    "bad header": (bad_header, "'labels' is damaged or not an array"),
    "named twice": (named_twice, "'labels' is in it twice"),
    "not an array": (not_an_array, "'landmarks' is damaged or not an array"),
    "encrypted": (encrypted, "'labels' is damaged or not an array (File 'labels.npy' is encrypted, password required"),
    "object array": (
        arrays(labels=np.array(["A", None, 3], dtype=object), landmarks=HANDS),
        "'labels' holds Python objects, which are never unpickled. Save it as a plain array",
    ),
    "rows of the samples": (
        arrays(labels=LABELS[:2], images=PHOTOS),
        "'labels' has 2 rows but 'images' has 3. Export both from the same list",
    ),
    "rows of the signers": (
        arrays(labels=LABELS, landmarks=HANDS, signers=np.array(["ann"])),
        "'labels' has 3 rows but 'signers' has 1",
    ),
    "no labels": (arrays(landmarks=HANDS), "'labels' is missing; it holds 'landmarks'. Add"),
    "nothing": (arrays(), "'labels' is missing; it holds nothing"),
    "no kind": (
        arrays(labels=LABELS, notes=LABELS),
        "it holds 'labels', 'notes', but no samples. Add one of 'images', 'masks' and 'landmarks'",
    ),
    "two kinds": (
        arrays(labels=LABELS, images=PHOTOS, landmarks=HANDS),
        "it holds 'images', 'landmarks', but one file has one kind",
    ),
    "misspelt": (
        arrays(labels=LABELS, landmarks=HANDS, signer=LABELS),
        "it holds 'signer', which is not a known name. Call it 'signers'",
    ),
    "landmarks of another type": (
        arrays(labels=LABELS, landmarks=HANDS.astype(np.float64)),
        "'landmarks' is (3, 21, 3) float64, but must be (N,21,3) float32. Save it again with",
    ),
    "landmarks of another shape": (
        arrays(labels=LABELS, landmarks=HANDS[:, :20]),
        "'landmarks' is (3, 20, 3) float32, but must be (N,21,3) float32",
    ),
    "images of another type": (
        arrays(labels=LABELS, images=PHOTOS / np.float32(255)),
        "'images' is (3, 20, 24, 3) float32, but must be (N,H,W,3) uint8",
    ),
    "grey images": (arrays(labels=LABELS, images=PHOTOS[..., 0]), "'images' is (3, 20, 24) uint8, but must be"),
    "tiny masks": (arrays(labels=LABELS, masks=PHOTOS[:, :8]), "'masks' is (3, 8, 24, 3) uint8, but must be"),
    "long images": (
        lambda folder: npz(folder / "raw.npz", labels=LABELS, images=np.zeros((3, 16, 8193, 3), dtype=np.uint8)),
        "'images' is (3, 16, 8193, 3) uint8, but must be (N,H,W,3) uint8, height and width 16 to 8192",
    ),
    "labels as numbers": (
        arrays(labels=np.arange(3), landmarks=HANDS),
        "'labels' is (3,) int64, but must be (N,) text",
    ),
    "one label for all": (arrays(labels=np.array("A"), landmarks=HANDS), "'labels' is () <U1, but must be (N,) text"),
    "channels that are none": (
        arrays(labels=LABELS, images=PHOTOS, channels="grb"),
        "'channels' is 'grb', but must be 'rgb', or 'bgr' for pictures as OpenCV reads them. Correct it",
    ),
    "channels of each row": (
        arrays(labels=LABELS, images=PHOTOS, channels=np.array(["bgr"] * 3)),
        "'channels' is (3,) <U3, but must be one text, 'rgb' or 'bgr'",
    ),
    "channels of landmarks": (arrays(labels=LABELS, landmarks=HANDS, channels="bgr"), "'channels' is about pictures"),
    "size as text": (
        arrays(labels=LABELS, landmarks=HANDS, image_size=np.array(["1", "2", "3"])),
        "'image_size' is (3,) <U1, but must be (N,2) integers",
    ),
    "no rows": (arrays(labels=LABELS[:0], landmarks=HANDS[:0]), "it has no rows"),
    "empty label": (arrays(labels=np.array(["A", " ", "B"]), landmarks=HANDS), "the label in row 1 is empty"),
    "label with a bell": (
        arrays(labels=np.array(["A", "B\x07", "B"]), landmarks=HANDS),
        "'labels' has 'B\\x07' in row 1",
    ),
    "a document": (arrays(labels=np.array(["A", "B" * 65, "B"]), landmarks=HANDS), "longer than 64 characters"),
    "bytes of another coding": (
        arrays(labels=np.array([b"A", b"\xff", b"B"]), landmarks=HANDS),
        "'labels' is not readable text ('utf-8' codec can't decode",
    ),
    "text past Unicode": (
        arrays(labels=np.array([65, 0x110000, 66], dtype=np.uint32).view("<U1"), landmarks=HANDS),
        "'labels' is not readable text",
    ),
    "fewer photographs than rows": (
        arrays(labels=LABELS, landmarks=HANDS, n_photos=2),
        "'n_photos' is 2, fewer than its 3 rows",
    ),
    "too many rows": (
        arrays(labels=np.repeat("A", 101), landmarks=np.repeat(HANDS[:1], 101, axis=0)),
        "it has 101 rows, more than the 100 allowed",
    ),
    "bomb": (
        arrays(labels=LABELS, images=np.zeros((3, 2000, 2000, 3), dtype=np.uint8)),
        "unpacks to 0.03 GiB, more than the 0.01 GiB allowed. Split the file, or raise preprocess.max_gib",
    ),
    "bomb that the directory announces": (
        lambda folder: claimed(folder / "raw.npz", (3, 21, 3), file_size=1 << 31),
        "unpacks to 2.00 GiB, more than the 0.01 GiB allowed",
    ),
    "bomb that only the header announces": (
        lambda folder: claimed(folder / "raw.npz", (1 << 40, 21, 3)),
        "'landmarks' is damaged or not an array (its header says float32 (1099511627776, 21, 3), its size 128 bytes)",
    ),
    "rows below zero": (
        lambda folder: claimed(folder / "raw.npz", (-1, 21, 3)),
        "'landmarks' is damaged or not an array",
    ),
}


@pytest.mark.parametrize(("make", "sentence"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_refused_with_a_sentence(make, sentence, tmp_path):
    path = make(tmp_path)
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}: .*{re.escape(sentence)}") as caught:
        read(path)
    assert str(caught.value).endswith("."), "no next step"


def test_landmarks_are_read_as_they_were_saved(tmp_path):
    path = npz(
        tmp_path / "raw.npz",
        labels=np.array([" a", "B ", "ß"]),
        signers=np.array(["ann", "", "bo "]),
        landmarks=HANDS,
        image_size=np.array([[640, 480]] * 3, dtype=np.int32),
        handedness=np.array(["Left", "Right", ""]),
        n_photos=np.array([5]),
        notes=np.array(["not", "read"]),
    )
    raw = read(path)
    assert (raw.kind, raw.n_photos, raw.ignored, len(raw)) == ("landmarks", 5, ("notes",), 3)
    assert raw.labels.tolist() == ["A", "B", "ß"]
    assert raw.signers.tolist() == ["ann", "", "bo"]
    np.testing.assert_array_equal(raw.landmarks, HANDS)


@pytest.mark.parametrize("kind", ["images", "masks"])
def test_pictures_are_read_as_they_were_saved(kind, tmp_path):
    raw = read(npz(tmp_path / "raw.npz", labels=np.array([b"A", b"B", "Ü".encode()]), **{kind: PHOTOS}))
    assert raw.kind == kind
    assert raw.labels.tolist() == ["A", "B", "Ü"]
    assert raw.signers.tolist() == ["", "", ""]
    assert (raw.n_photos, raw.landmarks) == (None, None)
    assert raw.pictures is not None
    for most in (1, 2, 100):
        chunks = list(raw.pictures.chunks(most))
        assert max(len(chunk) for chunk in chunks) == min(most, 3)
        np.testing.assert_array_equal(np.concatenate(chunks), PHOTOS)


@pytest.mark.parametrize("channels", ["bgr", np.array([b"BGR "])])
@pytest.mark.parametrize("kind", ["images", "masks"])
def test_pictures_as_opencv_has_them_are_turned_to_rgb(kind, channels, tmp_path):
    raw = read(npz(tmp_path / "raw.npz", labels=LABELS, channels=channels, **{kind: PHOTOS[..., ::-1]}))
    np.testing.assert_array_equal(np.concatenate(list(raw.pictures.chunks(2))), PHOTOS)
    assert raw.ignored == ()
    raw = read(npz(tmp_path / "raw.npz", labels=LABELS, channels="rgb", **{kind: PHOTOS}))
    np.testing.assert_array_equal(np.concatenate(list(raw.pictures.chunks(2))), PHOTOS)


def test_one_letter_has_one_label_however_it_is_written(tmp_path):
    written = ["a", " A", "A ", "ä", "Ä", "Space", "space", "NOTHING", "Del", "Hello", "hello", "ß"]
    raw = read(npz(tmp_path / "raw.npz", labels=np.array(written), landmarks=np.resize(HANDS, (12, 21, 3))))
    assert raw.labels.tolist() == ["A", "A", "A", "Ä", "Ä", "space", "space", "nothing", "del", "Hello", "hello", "ß"]


def test_fortran_order_is_read(tmp_path):
    raw = read(npz(tmp_path / "raw.npz", labels=LABELS, landmarks=np.asfortranarray(HANDS)))
    np.testing.assert_array_equal(raw.landmarks, HANDS)
    raw = read(npz(tmp_path / "raw.npz", labels=LABELS, images=np.asfortranarray(PHOTOS)))
    assert raw.pictures is not None
    np.testing.assert_array_equal(np.concatenate(list(raw.pictures.chunks(2))), PHOTOS)


def test_other_members_are_not_read(tmp_path):
    raw = read(with_member("README.txt")(tmp_path))
    assert raw.ignored == ("README.txt",)


def test_zeros_that_deflate_a_thousandfold_are_refused(tmp_path):
    path = npz(tmp_path / "raw.npz", labels=LABELS, images=np.zeros((3, 2800, 2800, 3), dtype=np.uint8))
    with pytest.raises(InputError, match=r"unpacks to \d+ times its size, more than the 500 times .* np\.savez, "):
        read(path, max_gib=1)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_photographs_larger_than_memory_pass_through_it(save, tmp_path):
    """24 MB of them are read with 3 MB, whatever follows."""
    images = np.random.default_rng(0).integers(0, 256, (200, 200, 200, 3), dtype=np.uint8)
    save(tmp_path / "raw.npz", labels=np.full(200, "A"), images=images)
    tracemalloc.start()
    raw = read(tmp_path / "raw.npz", max_samples=1000, max_gib=1)
    seen = sum(len(chunk) for chunk in raw.pictures.chunks(10))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seen == 200
    assert peak < 5e6 < images.nbytes


def test_a_byte_turned_in_the_last_photograph_is_found(tmp_path):
    path = tmp_path / "raw.npz"
    images = np.random.default_rng(0).integers(0, 256, (3, 100, 100, 3), dtype=np.uint8)
    np.savez(path, labels=LABELS, images=images)
    pictures = read(damage(path, images[2].tobytes()[-20:-1])).pictures
    with pytest.raises(InputError, match=r"'images' is damaged or not an array \(Bad CRC-32"):
        list(pictures.chunks(1))


def test_a_file_that_changes_between_looking_and_reading_is_refused(tmp_path):
    path = npz(tmp_path / "raw.npz", labels=LABELS, images=PHOTOS)
    pictures = read(path).pictures
    npz(path, labels=LABELS[:2], images=PHOTOS[:2])
    with pytest.raises(InputError, match=r"the file has changed while it was read. Run the command again"):
        list(pictures.chunks(1))


def test_what_is_written_is_read_back(tmp_path):
    path = tmp_path / "new folder" / "raw.npz"
    size = np.array([[640, 480]] * 3)
    handedness = np.array(["Left", "Right", ""])
    signers = np.array(["ann", "bo", ""])
    write_raw(path, labels=LABELS, signers=signers, landmarks=HANDS, image_size=size, handedness=handedness, n_photos=4)
    raw = read(path)
    np.testing.assert_array_equal(raw.landmarks, HANDS)
    np.testing.assert_array_equal(raw.signers, signers)
    np.testing.assert_array_equal(raw.labels, LABELS)
    assert raw.n_photos == 4
    with np.load(path) as written:
        np.testing.assert_array_equal(written["image_size"], size)
        np.testing.assert_array_equal(written["handedness"], handedness)
    assert [file.name for file in path.parent.iterdir()] == ["raw.npz"]


def test_the_same_arrays_give_the_same_bytes(tmp_path, monkeypatch):
    """DVC's hash may change with the data only, not with the day on which it was written."""
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    write_raw(first, labels=LABELS, signers=LABELS, landmarks=HANDS, n_photos=3)
    monkeypatch.setattr("time.time", lambda: 2e9)
    write_raw(second, labels=LABELS, signers=LABELS, landmarks=np.asfortranarray(HANDS), n_photos=3)
    assert first.read_bytes() == second.read_bytes()
    write_raw(second, labels=LABELS, signers=LABELS, landmarks=HANDS + 1, n_photos=3)
    assert first.read_bytes() != second.read_bytes()


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "raw.npz"
    write_raw(path, labels=LABELS, signers=LABELS, landmarks=HANDS)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="3 rows each"):
        write_raw(path, labels=LABELS, signers=LABELS, landmarks=HANDS[:2])
    with pytest.raises(ValueError, match="Object arrays"):
        write_archive(path, {"labels": LABELS, "objects": np.array([{}])})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


FUZZED = {
    "landmarks": {"labels": LABELS, "landmarks": HANDS},
    "images": {"labels": LABELS, "images": PHOTOS, "channels": np.array("bgr")},
    "masks": {"labels": LABELS, "masks": np.asfortranarray(PHOTOS)},
    "numbers": {"labels": np.arange(3.0), "images": (PHOTOS / 255).astype(np.float32)},
    "other names": {"X": PHOTOS[..., 0], "y": np.eye(3)},
}


@pytest.mark.parametrize("kind", FUZZED)
@settings(max_examples=300, deadline=None)
@given(rng=st.randoms(use_true_random=False), compressed=st.booleans())
def test_a_damaged_file_is_refused_or_read_but_never_a_crash(kind, rng, compressed, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "fuzzed.npz"
    (np.savez_compressed if compressed else np.savez)(path, **FUZZED[kind])
    path.write_bytes(mutate(path.read_bytes(), rng))
    try:
        raw = read(path)
        count = sum(len(chunk) for chunk in raw.pictures.chunks(2)) if raw.pictures else len(raw.landmarks)
    except InputError as error:
        assert str(error).startswith(f"{path}: ")  # noqa: PT017 - either outcome is right
    else:
        assert count == len(raw)


def test_an_archive_lists_its_arrays(tmp_path):
    with open_archive(npz(tmp_path / "raw.npz", labels=LABELS, landmarks=HANDS)) as archive:
        assert archive.names == ["labels", "landmarks"]
        assert archive.header("landmarks").shape == (3, 21, 3)


@pytest.mark.parametrize("name", ["borisgraudt", "massey", "meyyappan", "nejohnson2", "t32rahman"])
def test_published_landmarks_are_read(name, shared):
    raw = read(shared / "data" / "landmarks" / f"{name}.npz", max_samples=10_000)
    assert raw.kind == "landmarks"
    assert raw.n_photos is not None
    assert raw.n_photos >= len(raw) > 900
    assert (raw.signers != "").all()
