"""A running service, videos and a virtual display."""

from __future__ import annotations

import os
import shutil
import string
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from phone_film import write_video

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))
from serving import application, write_letters_model


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The folder of this user's profiles: an empty one, not that of whoever runs the tests."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "fingerspell"


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    """The address of a service that distinguishes H and E and knows one word."""
    with serve_words(tmp_path_factory.mktemp("model"), {"HE": 1e-3}) as address:
        yield address


@pytest.fixture(scope="session")
def wishful_service(tmp_path_factory):
    """The address of a service that knows no word with an H, and believes that GE, which looks like HE, is common."""
    letters = string.ascii_uppercase.replace("H", "")
    words = dict.fromkeys((one + other for one in letters for other in letters), 1e-6) | {"GE": 0.5}
    with serve_words(tmp_path_factory.mktemp("model"), words) as address:
        yield address


@contextmanager
def serve_words(folder, words):
    """Serve a model that distinguishes H and E, and words by their frequency."""
    vocabulary = folder / "vocabulary.tsv"
    vocabulary.write_text("".join(f"{word}\t{frequency}\n" for word, frequency in words.items()))
    with application(write_letters_model(folder / "model.onnx", "HE"), vocabulary=str(vocabulary)) as host:
        yield f"http://{host}"


@pytest.fixture(scope="session")
def empty_video(tmp_path_factory):
    """Twelve frames at 10 per second, red that grows brighter, and no hand."""
    pictures = [np.full((120, 160, 3), (20 * i, 0, 0), np.uint8) for i in range(12)]
    return write_video(tmp_path_factory.mktemp("video") / "empty.mp4", pictures, 10)


@pytest.fixture(scope="session")
def h_pictures(shared):
    """A real hand that signs H."""
    capture = cv2.VideoCapture(str(shared / "data/helloworld.mp4"))
    pictures = [cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB) for _ in range(20)]
    capture.release()
    return pictures


@pytest.fixture(scope="session")
def h_video(h_pictures, tmp_path_factory):
    """A real hand that signs H for four seconds."""
    return write_video(tmp_path_factory.mktemp("video") / "h.mp4", h_pictures * 3, 15)


@pytest.fixture(scope="session")
def slow_h_video(h_pictures, tmp_path_factory):
    """The same at one frame a second for four minutes: nothing that is played at its own pace ends before its test."""
    return write_video(tmp_path_factory.mktemp("video") / "slow_h.mp4", h_pictures * 12, 1)


@pytest.fixture(scope="session")
def he_video(shared, tmp_path_factory):
    """The first 66 frames of helloworld.mp4: a real hand signs H, disappears, and signs E."""
    capture = cv2.VideoCapture(str(shared / "data/helloworld.mp4"))
    pictures = [cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB) for _ in range(66)]
    capture.release()
    return write_video(tmp_path_factory.mktemp("video") / "he.mp4", pictures, 15)


@pytest.fixture(scope="session")
def he_away_video(shared, tmp_path_factory):
    """The same, then nobody for two seconds."""
    capture = cv2.VideoCapture(str(shared / "data/helloworld.mp4"))
    pictures = [cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB) for _ in range(66)]
    capture.release()
    return write_video(tmp_path_factory.mktemp("video") / "he_away.mp4", pictures + [pictures[-1]] * 30, 15)


@pytest.fixture
def moving_video(he_video, tmp_path):
    """A real hand that shows H for 1.6 seconds, moves to one side and back within 1.6 seconds, and is still again."""
    capture = cv2.VideoCapture(str(he_video))
    picture = cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB)
    capture.release()
    ways = [120 * np.sin(np.pi * min(max(number / 24 - 1, 0.0), 1.0)) for number in range(60)]
    return write_video(
        tmp_path / "moving.mp4",
        [cv2.warpAffine(picture, np.float32([[1, 0, -way], [0, 1, 0]]), (640, 480), borderMode=cv2.BORDER_REPLICATE)
         for way in ways],
        15,
    )  # fmt: skip


@pytest.fixture
def screen(tmp_path):
    """A virtual display: its number and the file with its pixels."""
    if shutil.which("Xvfb") is None or shutil.which("xdotool") is None:
        pytest.skip("no Xvfb to open a window on, or no xdotool to change it (Debian: apt-get install xvfb xdotool)")
    read_end, write_end = os.pipe()
    with subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", "1280x800x24", "-fbdir", str(tmp_path)],
        pass_fds=[write_end],
        stderr=subprocess.DEVNULL,
    ) as server:
        os.close(write_end)
        with os.fdopen(read_end) as number:
            display = f":{number.readline().strip()}"
        yield display, tmp_path / "Xvfb_screen0"
        server.terminate()
