"""Hand landmarks on real photographs and a real video."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile

import cv2
import numpy as np
import pytest

from client.errors import ClientError
from client.landmarks import HandLandmarker, assemble_bundle


def read_rgb(path):
    return cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)


@pytest.fixture(scope="module")
def landmarker():
    with HandLandmarker("image") as opened:
        yield opened


@pytest.fixture(scope="module")
def photos(shared):
    """One photograph of every letter."""
    return sorted((shared / "data/photos/t32rahman").glob("*/00.jpg"))


def test_bundle_is_a_stored_zip_of_two_networks():
    contents = assemble_bundle()
    with zipfile.ZipFile(io.BytesIO(contents)) as bundle:
        assert bundle.testzip() is None
        assert bundle.namelist() == ["hand_detector.tflite", "hand_landmarks_detector.tflite"]
        for member in bundle.infolist():
            assert member.compress_type == zipfile.ZIP_STORED
            assert bundle.read(member)[4:8] == b"TFL3"  # identifies a TFLite file
    assert assemble_bundle() == contents


def test_a_bundle_on_disk_gives_the_same_landmarks(tmp_path, photos, landmarker):
    bundle = tmp_path / "hand_landmarker.task"
    bundle.write_bytes(assemble_bundle())
    with HandLandmarker("image", bundle) as other:
        assert np.array_equal(
            other.detect(read_rgb(photos[0])).landmarks, landmarker.detect(read_rgb(photos[0])).landmarks
        )


def test_photographs_give_the_published_landmarks(shared, photos, landmarker):
    with np.load(shared / "data/landmarks/t32rahman.npz") as known:
        labels, landmarks = known["labels"], known["landmarks"]
    exact = 0
    for path in photos:
        hand = landmarker.detect(read_rgb(path))
        assert hand is not None, path
        assert hand.landmarks.shape == (21, 3)
        assert hand.landmarks.dtype == np.float32
        assert hand.handedness in ("Left", "Right")
        assert 0.5 <= hand.score <= 1.0
        same_letter = landmarks[labels == path.parent.name]
        nearest = np.abs(same_letter - hand.landmarks).max(axis=(1, 2)).min()
        assert nearest < 30, path  # near-duplicates of one signer: if the exact photograph is missing, its neighbour
        exact += nearest < 0.1
    assert exact >= 12


def test_the_border_finds_a_hand_that_fills_its_picture(photos, landmarker):
    cropped = 0
    for path in photos:
        rgb = read_rgb(path)
        whole = landmarker.detect(rgb).landmarks
        low, high = whole[:, :2].min(axis=0).astype(int), whole[:, :2].max(axis=0).astype(int) + 1
        x, y = np.maximum(low, 0)
        crop = np.ascontiguousarray(rgb[y : high[1], x : high[0]])
        hand = landmarker.detect(crop)
        if hand is None or landmarker._find(crop, 0) is not None:
            continue  # not a case for the border
        cropped += 1
        size = (high - low).max()
        deviation = np.abs(hand.landmarks[:, :2] + (x, y) - whole[:, :2]).mean()
        assert deviation < 0.15 * size, path
    assert cropped > 0


def test_a_hand_in_a_grey_picture_is_found_where_it_is_in_colour(photos, landmarker):
    """Infrared cameras of laptops send grey pictures, in which MediaPipe itself finds almost no hand."""
    found = 0
    for path in photos:
        rgb = read_rgb(path)
        grey = cv2.imdecode(cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))[1], cv2.IMREAD_COLOR_RGB)
        points, hand = landmarker.detect(rgb).landmarks[:, :2], landmarker.detect(grey)
        if hand is not None:
            found += np.abs(hand.landmarks[:, :2] - points).mean() < 0.1 * np.ptp(points, axis=0).max()
    assert found > 0.7 * len(photos)


@pytest.mark.parametrize("rgb", [np.zeros((240, 320, 3), np.uint8), np.full((64, 64, 3), 200, np.uint8)])
def test_no_hand_gives_none(rgb, landmarker):
    assert landmarker.detect(rgb) is None


@pytest.mark.parametrize(
    "bad",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
)
def test_bad_pictures_are_rejected(bad, landmarker):
    with pytest.raises(ValueError, match="uint8 RGB"):
        landmarker.detect(bad)


def test_modes_are_not_mixed(landmarker):
    with pytest.raises(ValueError, match="video"):
        landmarker.detect_in_video(np.zeros((4, 4, 3), np.uint8), 0)


def test_video_finds_the_hand_in_every_signed_frame_and_in_no_other(shared):
    letters = json.loads((shared / "data/helloworld.json").read_text())
    signed = {frame for letter in letters for frame in range(letter["first_frame"], letter["end_frame"])}
    capture = cv2.VideoCapture(str(shared / "data/helloworld.mp4"))
    found = set()
    with HandLandmarker("video") as landmarker:
        for index in range(330):
            rgb = cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB)
            if landmarker.detect_in_video(rgb, index * 1000 // 15) is not None:
                found.add(index)
    assert found == signed


def test_timestamps_may_repeat():
    with HandLandmarker("video") as landmarker:
        for timestamp in (0, 0, 5, 3):
            assert landmarker.detect_in_video(np.zeros((48, 64, 3), np.uint8), timestamp) is None


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (None, "No such file"),
        (b"not a zip", "not a hand landmarker bundle"),
        ("wrong", "MediaPipe cannot use it"),
    ],
)
def test_a_bad_bundle_is_reported_with_the_next_step(tmp_path, contents, message):
    path = tmp_path / "hand.task"
    if contents == "wrong":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("hand_detector.tflite", b"nothing")
    elif contents is not None:
        path.write_bytes(contents)
    with pytest.raises(ClientError, match=message) as caught:
        HandLandmarker("image", path)
    assert str(path) in str(caught.value)
    assert "--hand-model" in str(caught.value)


def test_a_mediapipe_without_networks_is_reported_with_the_version_that_has_them(tmp_path, monkeypatch):
    (tmp_path / "mediapipe").mkdir()
    (tmp_path / "mediapipe" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mediapipe", raising=False)
    with pytest.raises(ClientError, match=r"mediapipe==0\.10\.21.*--hand-model"):
        assemble_bundle()


CHATTER_PROGRAM = """
import os
from client.landmarks import _without_chatter
with _without_chatter():
    os.write(2, b"I0000 00:00 all is well\\nE0000 00:00 the disk burns\\nINFO: Created a delegate\\n")
"""


def test_chatter_is_dropped_and_errors_are_not():
    done = subprocess.run([sys.executable, "-c", CHATTER_PROGRAM], capture_output=True, text=True, check=True)
    assert done.stderr == "E0000 00:00 the disk burns\n"
