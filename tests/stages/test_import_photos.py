"""Photographs in folders: real ones of any size become landmarks, and all others are named."""

from __future__ import annotations

import re
import shutil
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from stages.commands import import_photos
from stages.data.raw import read_raw
from stages.errors import InputError
from stages.photos.folder import UnreadablePhotoError, list_photos, read_photo


@pytest.fixture
def photos(shared):
    return shared / "data/photos/t32rahman"


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["import_photos", *map(str, arguments)])
    import_photos.main()


def read(path):
    return read_raw(path, max_samples=100, max_gib=0.1)


def touch(root, *names):
    """Make files that are named like pictures, and are none."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def put(target, rgb):
    target.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(target), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))


def test_pictures_of_any_size_and_format_become_landmarks(photos, tmp_path, monkeypatch, capsys):
    folder, out = tmp_path / "mine", tmp_path / "raw/mine.npz"
    photo = read_photo(photos / "A/00.jpg")
    put(folder / "A/1.png", photo)
    put(folder / "A/2.BMP", cv2.resize(photo, (960, 720)))
    put(folder / "A/blank.jpg", np.full((300, 200, 3), 200, np.uint8))
    put(folder / "b/1.webp", read_photo(photos / "B/00.jpg"))
    touch(folder, "b/broken.jpeg", "b/notes.txt", "b/live.heic", ".hidden/x.jpg", "b/.DS_Store", "__MACOSX/b/1.jpg")
    run(monkeypatch, folder, out, "--signer", "ann")

    raw = read(out)
    assert raw.labels.tolist() == ["A", "A", "B"]
    assert raw.signers.tolist() == ["ann"] * 3
    with np.load(out) as written:
        assert written["image_size"].tolist() == [[640, 480], [960, 720], [640, 480]]
        assert set(written["handedness"].tolist()) <= {"Left", "Right"}
    assert raw.n_photos == 4
    assert raw.landmarks.dtype == np.float32
    assert np.abs(raw.landmarks[1] / 1.5 - raw.landmarks[0])[:, :2].max() < 5
    printed = capsys.readouterr()
    assert "mine: hands" in printed.err
    for line in (
        f"not read: {folder}/b/broken.jpeg: not a picture, or a damaged one",
        "A: hands in 2 of 3 photographs",
        "B: hands in 1 of 1 photographs",
        "not looked at: 1 .heic, 1 .txt. Save pictures as .jpg or .png to have them read.",
        "signers: ann",
        "all: hands in 3 of 4 photographs; files that could not be read: 1",
        f"wrote {out}",
    ):
        assert line in printed.out.splitlines()
    assert [path.name for path in out.parent.iterdir()] == ["mine.npz"]


def test_folders_may_name_the_signers(photos, tmp_path, monkeypatch, capsys):
    for signer, letter in (("anna", "A"), ("anna", "C"), ("bo", "A")):
        (tmp_path / "all" / signer / letter).mkdir(parents=True)
        shutil.copy(photos / letter / "01.jpg", tmp_path / "all" / signer / letter)
    run(monkeypatch, tmp_path / "all", tmp_path / "all.npz")
    raw = read(tmp_path / "all.npz")
    assert list(zip(raw.signers.tolist(), raw.labels.tolist(), strict=True)) == [
        ("anna", "A"),
        ("anna", "C"),
        ("bo", "A"),
    ]
    assert "signers: anna, bo" in capsys.readouterr().out


def test_a_signer_may_stay_unnamed_and_a_letter_without_a_hand_is_reported(photos, tmp_path, monkeypatch, capsys):
    put(tmp_path / "in/A/1.jpg", read_photo(photos / "A/02.jpg"))
    put(tmp_path / "in/B/1.jpg", np.zeros((64, 64, 3), np.uint8))
    run(monkeypatch, tmp_path / "in", tmp_path / "out.npz")
    assert read(tmp_path / "out.npz").signers.tolist() == [""]
    printed = capsys.readouterr().out
    assert "warning: no hand for B; no model will learn it from these" in printed
    assert "signers: not named. Name one with --signer NAME." in printed


def test_without_a_hand_what_may_be_wrong_is_said(photos, tmp_path, monkeypatch, capsys):
    """Pictures that OpenCV saved as if they were BGR; of those that are to show nothing, none is missed."""
    for letter in "ABCL":
        put(tmp_path / "in" / letter / "1.png", read_photo(photos / letter / "00.jpg")[..., ::-1].copy())
    advice = r"They look like RGB that OpenCV saved as if it were BGR: with red and blue swapped, [34] of 4 tried show"
    with pytest.raises(InputError, match=f"no hand was found in any of 4 photographs.*{advice}"):
        run(monkeypatch, tmp_path / "in", tmp_path / "out.npz")
    put(tmp_path / "in/D/1.png", read_photo(photos / "D/00.jpg"))
    put(tmp_path / "in/Nothing/1.png", np.full((240, 320, 3), 200, np.uint8))
    run(monkeypatch, tmp_path / "in", tmp_path / "out.npz")
    printed = capsys.readouterr().out
    assert re.search(f"^warning: in most photographs no hand was found. {advice}", printed, re.MULTILINE)
    assert "warning: no hand for A, B, C, L; no model" in printed
    assert read(tmp_path / "out.npz").n_photos == 5


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_a_picture_is_turned_upright_as_its_exif_says(photos, tmp_path, suffix):
    upright = read_photo(photos / "L/00.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side
    path = tmp_path / f"turned.{suffix}"
    Image.fromarray(np.rot90(upright)).save(path, exif=exif, quality=95)
    turned = read_photo(path)
    assert turned.shape == upright.shape
    assert np.abs(turned.astype(int) - upright).mean() < 5


def png_header(width, height):
    """A PNG that says how large it is and has no pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in (header, b"IDAT")
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "not a picture, or a damaged one"),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00", "not a picture, or a damaged one"),
        (png_header(640, 480), "damaged"),
        (b"BM" + struct.pack("<IIIIiiHHII", 54, 0, 54, 40, 64, 64, 1, 24, 0, 0) + bytes(16), "damaged"),
        (png_header(9000, 8000), "9000x8000, more than 64 megapixels"),
        (png_header(60000, 60000), "more than 64 megapixels"),
        (png_header(8, 400), "8x400, fewer than 16 pixels on a side"),
    ],
    ids=["empty", "gif", "no pixels", "cut off", "large", "bomb", "small"],
)
def test_files_that_are_no_usable_picture(tmp_path, contents, message, capfd):
    (tmp_path / "one.png").write_bytes(contents)
    with pytest.raises(UnreadablePhotoError, match=f"^{re.escape(message)}"):
        read_photo(tmp_path / "one.png")
    assert "OpenCV" not in capfd.readouterr().err


def test_letters_and_signers_come_from_the_names_of_folders(tmp_path):
    listed = list_photos(touch(tmp_path, "bo/b/2.jpg", "bo/B/10.PNG", "anna/Space/1.bmp", "anna/Space/a.txt"))
    assert [(photo.signer, photo.label, photo.path.name) for photo in listed.photos] == [
        ("anna", "space", "1.bmp"),
        ("bo", "B", "10.PNG"),
        ("bo", "B", "2.jpg"),
    ]
    assert listed.others == {".txt": 1}


@pytest.mark.parametrize(
    ("names", "signer", "message"),
    [
        (None, None, "no such folder"),
        ([], None, "no picture .* is in it. The folder must hold"),
        (["A/1.heic", "A/2.heic"], None, "no picture .*, but 2 .heic"),
        (["1.jpg"], None, r"1\.jpg: a picture at this place has no letter and signer"),
        (["x/y/A/1.jpg"], None, r"1\.jpg: a picture at this place has no letter and signer"),
        (["A/1.jpg", "anna/B/1.jpg"], None, r"A/1\.jpg is in a folder of its own and .*anna/B/1\.jpg in two"),
        (["A/monday/1.jpg", "B/monday/1.jpg"], None, "the outer folders are named like letters"),
        (["anna/A/1.jpg"], "bo", r"its folders name the signers \(anna\), and --signer bo names another"),
        (["A/1.jpg"], "b" * 65, "longer than 64 characters"),
        ([f"{'a' * 65}/1.jpg"], None, "longer than 64 characters"),
        ([" /1.jpg"], None, "has no name but spaces"),
    ],
)
def test_a_folder_that_cannot_be_read_is_refused(tmp_path, names, signer, message):
    folder = tmp_path / "in"
    if names is not None:
        folder.mkdir()
        touch(folder, *names)
    with pytest.raises(InputError, match=message):
        list_photos(folder, signer)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("mine", "Call it mine.npz"),
        ("folder.npz", "this is a folder"),
        ("there.npz", "exists already.*--overwrite"),
        ("there.npz/mine.npz", "the folder cannot be created"),
        ("new.npz", "no hand was found in any of 1 photographs, and 1 files could not be read"),
    ],
)
def test_a_result_that_cannot_be_written_is_refused(tmp_path, monkeypatch, out, message):
    put(tmp_path / "in/A/1.jpg", np.zeros((64, 64, 3), np.uint8))
    touch(tmp_path, "in/A/2.jpg", "there.npz")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(InputError, match=message):
        run(monkeypatch, tmp_path / "in", tmp_path / out)
    assert not (tmp_path / "new.npz").exists()
    assert (tmp_path / "there.npz").read_bytes() == b""


def test_a_result_is_replaced_if_asked_for(photos, tmp_path, monkeypatch):
    put(tmp_path / "in/A/1.jpg", read_photo(photos / "A/03.jpg"))
    touch(tmp_path, "there.npz")
    run(monkeypatch, tmp_path / "in", tmp_path / "there.npz", "--overwrite")
    assert len(read(tmp_path / "there.npz")) == 1
