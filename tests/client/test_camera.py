"""Sources: every frame of a file, the newest frame of a live address, and the errors if nothing comes."""

from __future__ import annotations

import functools
import http.server
import io
import re
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from phone_film import break_off, mute, retime, turn, write_video
from PIL import Image

from client.capture import camera
from client.capture.camera import Camera, open_source, read_frame_rate
from client.errors import ClientError
from client.status import Status
from client.stream.handover import Handover

LAST_PICTURE = 40


class MotionJpeg(http.server.BaseHTTPRequestHandler):
    """A network camera: numbered grey pictures, a hundred a second, that stop after the last."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        for index in range(LAST_PICTURE + 1):
            jpeg = cv2.imencode(".jpg", np.full((48, 64, 3), 5 * index, np.uint8))[1].tobytes()
            self.wfile.write(b"--next\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg))
            self.wfile.write(jpeg + b"\r\n")
            time.sleep(0.01)

    def log_message(self, *_):
        pass


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def web(handler):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_file_gives_every_frame_in_order_as_rgb(empty_video):
    with closing(open_source(str(empty_video), fast=True)) as source:
        frames = list(source)
    assert not source.live
    assert source.related
    assert [frame.index for frame in frames] == list(range(12))
    assert [frame.time for frame in frames] == pytest.approx([i / 10 for i in range(12)])
    assert all(frame.rgb.shape == (120, 160, 3) and frame.rgb.dtype == np.uint8 for frame in frames)
    red, green, blue = frames[10].rgb.mean(axis=(0, 1))
    assert red > 150
    assert max(green, blue) < 60


def test_a_film_at_an_address_gives_every_frame(empty_video):
    with (
        web(functools.partial(QuietFiles, directory=empty_video.parent)) as address,
        closing(open_source(f"{address}/{empty_video.name}", fast=True)) as source,
    ):
        assert [frame.index for frame in source] == list(range(12))


def test_a_film_plays_at_its_own_pace_unless_it_is_read_fast(empty_video):
    with closing(open_source(str(empty_video))) as source:
        frames = list(source)
    assert source.live
    assert [frame.index for frame in frames] == list(range(12))
    for frame in frames[1:]:
        assert frame.captured - frames[0].captured >= frame.time - 0.02


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_film_that_was_filmed_sideways_is_turned_upright(he_video, tmp_path, degrees):
    turns = degrees // 90
    with closing(open_source(str(he_video), fast=True)) as source:
        upright = next(iter(source)).rgb
    path = turn(write_video(tmp_path / "phone.mp4", [np.rot90(upright, turns)] * 3, 15), degrees)
    with web(functools.partial(QuietFiles, directory=tmp_path)) as address:
        for name in (str(path), f"{address}/phone.mp4"):
            rgb = next(iter(open_source(name, fast=True))).rgb
            assert rgb.shape == upright.shape
            assert np.abs(rgb.astype(int) - upright).mean() < 5


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_a_picture_that_was_taken_sideways_is_turned_upright(tmp_path, suffix):
    upright = np.zeros((60, 100, 3), np.uint8)
    upright[:30] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side
    Image.fromarray(np.rot90(upright)).save(tmp_path / f"phone.{suffix}", exif=exif)
    (frame,) = open_source(str(tmp_path), fast=True)
    assert frame.rgb.shape == upright.shape
    assert np.abs(frame.rgb.astype(int) - upright).mean() < 5


UNEVEN = [0.01] * 5 + [0.2, 0.04, 0.3, 0.02, 0.02]


@pytest.mark.parametrize("fast", [True, False])
def test_frames_have_the_times_of_the_film(tmp_path, fast):
    pictures = [np.full((48, 64, 3), 10 * number, np.uint8) for number in range(len(UNEVEN))]
    path = retime(write_video(tmp_path / "phone.mp4", pictures, 30), UNEVEN)
    times = np.cumsum([0.0, *UNEVEN[:-1]])
    frames = list(open_source(str(path), fast=fast))
    assert [frame.time for frame in frames] == pytest.approx(times)
    late = [frame.captured - frames[0].captured - frame.time for frame in frames]
    assert min(late) > -0.02 if not fast else late[-1] < 0.0


@pytest.mark.parametrize(
    ("durations", "times"),
    [
        ([0.1, 0.0, 0.0, 0.1, 0.1], [0.0, 0.1, 0.2, 0.3, 0.4]),
        ([0.1, 900.0, 0.1, 0.1], [0.0, 0.1, 0.2, 0.3]),
    ],
)
def test_a_wrong_time_counts_as_one_frame(tmp_path, monkeypatch, durations, times):
    monkeypatch.setattr(camera, "read_frame_rate", lambda _: 10.0)
    pictures = [np.zeros((48, 64, 3), np.uint8)] * len(durations)
    path = retime(write_video(tmp_path / "odd.mp4", pictures, 30), durations)
    assert [frame.time for frame in open_source(str(path), fast=True)] == pytest.approx(times)


def test_a_camera_gives_the_newest_frame_and_reports_its_end():
    frames = []

    def watch_slowly(frames_of_camera):
        for frame in frames_of_camera:
            frames.append(frame)
            time.sleep(0.05)  # slower than the camera

    with web(MotionJpeg) as address, closing(open_source(f"{address}/video")) as source:
        assert isinstance(source, Camera)
        with (
            closing(Handover(source, "capture", lossless=False)) as newest,
            pytest.raises(ClientError, match="has stopped sending pictures"),
        ):
            watch_slowly(newest)
    for frame in frames:
        assert frame.rgb.mean() == pytest.approx(5 * frame.index, abs=8)
    indices, times = [frame.index for frame in frames], [frame.time for frame in frames]
    assert indices == sorted(set(indices))
    assert len(indices) < LAST_PICTURE / 2
    assert indices[-1] >= LAST_PICTURE - 2  # FFmpeg keeps the last picture or two of a stream that breaks off
    assert 0.0 <= times[0] < 0.1
    assert times == sorted(times)


def test_a_camera_that_is_lost_is_opened_again_and_both_are_reported():
    terminal = io.StringIO()
    with (
        web(MotionJpeg) as address,
        closing(open_source(f"{address}/video", status=Status(terminal), patience=20.0)) as source,
    ):
        indices = [frame.index for frame, _ in zip(source, range(2 * LAST_PICTURE), strict=False)]
    assert indices == list(range(2 * LAST_PICTURE))
    assert re.search("has stopped sending pictures.*Trying again.\nThe camera is back.", terminal.getvalue())


def test_a_camera_that_stays_away_is_given_up():
    with web(MotionJpeg) as address:
        source = open_source(f"{address}/video", status=Status(io.StringIO()), patience=0.6)
    with closing(source), pytest.raises(ClientError, match=r"has stopped sending pictures.*start again"):
        list(source)


def test_a_folder_gives_its_pictures_in_order(tmp_path):
    for number, name in enumerate(("b.png", "a.jpg", "notes.txt", "c.PNG")):
        if not name.endswith("txt"):
            cv2.imwrite(str(tmp_path / name), np.full((40 + number, 60, 3), 50 * number, np.uint8))
    (tmp_path / "notes.txt").write_text("no picture")
    with closing(open_source(str(tmp_path), fast=True)) as source:
        frames = list(source)
    assert not source.related
    assert [frame.rgb.shape[0] for frame in frames] == [41, 40, 43]
    (tmp_path / "d.png").write_bytes(b"no picture")
    with (
        closing(open_source(str(tmp_path), fast=True)) as source,
        pytest.raises(ClientError, match=r"d\.png: not a picture that"),
    ):
        list(source)


def test_what_macos_keeps_beside_a_picture_is_not_taken_for_one(tmp_path):
    cv2.imwrite(str(tmp_path / "A.png"), np.zeros((48, 64, 3), np.uint8))
    (tmp_path / "._A.png").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    assert len(list(open_source(str(tmp_path), fast=True))) == 1


def test_a_film_goes_on_after_damaged_frames(tmp_path, shared):
    whole = bytearray((shared / "data/helloworld.mp4").read_bytes())
    at = len(whole) // 3
    whole[at : at + 3000] = bytes([0xAA]) * 3000
    (tmp_path / "damaged.mp4").write_bytes(whole)
    with closing(open_source(str(tmp_path / "damaged.mp4"), fast=True)) as source:
        assert sum(1 for _ in source) == 329  # of 330


def test_without_a_camera_the_demonstration_is_suggested(monkeypatch):
    monkeypatch.setattr(Path, "glob", lambda *_: iter(()))
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(ClientError, match=r"There is no camera. .*--source film.mp4.*--demo"):
        open_source("camera")


def test_a_film_without_a_frame_rate_has_a_default_one(empty_video):
    assert open_source(str(empty_video)).frame_rate == pytest.approx(10.0)
    assert read_frame_rate(cv2.VideoCapture()) == 30.0


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.write_bytes(b""), "not a video that OpenCV can read, or not a whole one"),
        (lambda path: path.write_bytes(path.read_bytes()[:-800]), "not a video that OpenCV can read, or not a whole"),
        (mute, "not a video that OpenCV can read"),
        (lambda path: break_off(path, 0.0), "no frame of this film can be read"),
        (lambda path: break_off(path, 0.4), "breaks off after 0.* of 3.0 s"),
    ],
)
def test_a_damaged_film_is_reported(tmp_path, spoil, message):
    noise = np.random.default_rng(0).integers(0, 255, (30, 96, 128, 3), np.uint8)
    path = write_video(tmp_path / "film.mp4", list(noise), 10)
    assert len(list(open_source(str(path), fast=True))) == 30
    spoil(path)
    with pytest.raises(ClientError, match=f"{path}: .*{message}"):
        list(open_source(str(path), fast=True))


def test_a_film_that_may_not_be_read_is_reported(empty_video, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)  # root may read everything
    with pytest.raises(ClientError, match="you may not read this file"):
        open_source(str(empty_video))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("97", "There is no camera 97.*--source"),
        ("no-such-film.mp4", "no-such-film.mp4: no such video file.*--source"),
        (str(Path(__file__).parent), "no picture in this folder"),
        (__file__, "not a video that OpenCV can read, or not a whole one.*ffmpeg -i"),
        ("http://127.0.0.1:9/video", "No video from http://127.0.0.1:9/video"),
        ("rtsp://127.0.0.1:9/live", "No video from rtsp://127.0.0.1:9/live"),
    ],
)
def test_errors_are_reported_by_the_client_alone(name, message, capfd):
    with pytest.raises(ClientError, match=message if ":9" not in name else re.escape(message)):
        open_source(name)
    assert capfd.readouterr() == ("", "")
