"""Recording from its command line: a film, a live source and a window, all with a real hand."""

from __future__ import annotations

import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from display import press_until, quit_and_read, read_screen, start, wait_for
from phone_film import write_video

from client.__main__ import main
from client.capture.camera import open_source
from client.capture.film_labels import Span, letter_at, read_spans
from client.landmarks import HandLandmarker
from client.recording.landmark_file import read_landmark_file, read_recorded
from client.recording.sequence_file import SequenceFile
from client.window.drawing import STEADY, WAVERING
from stages.data.cleaning import read_samples

ROOT = Path(__file__).parents[2]
HE = [
    {"letter": "H", "first_frame": 0, "end_frame": 25},
    {"letter": "E", "first_frame": 33, "end_frame": 58},
]


@pytest.fixture
def he_labels(tmp_path):
    path = tmp_path / "he.json"
    path.write_text(json.dumps(HE))
    return path


def test_a_labelled_film_becomes_raw_data_and_grows(he_video, he_labels, tmp_path, capsys):
    out = tmp_path / "own/mine.npz"
    arguments = ["record", str(out), "--source", str(he_video), "--headless", "--labels", str(he_labels)]
    assert main([*arguments, "--signer", "ann", "--per-letter", "4"]) == 0
    printed = capsys.readouterr().out
    assert f"{out}: 8 hands of ann from 8 frames tried; 8 hands in all\n" in printed
    assert main([*arguments, "--signer", "bo", "--per-letter", "100", "--letters", "e"]) == 0
    printed = capsys.readouterr().out
    assert "fewer than 100: E 9\n" in printed
    assert "9 hands of bo from 9 frames tried; 17 hands in all\n" in printed

    samples = read_samples(out, max_samples=100, max_gib=0.1)
    assert samples.labels.tolist() == ["H"] * 4 + ["E"] * 4 + ["E"] * 9
    assert samples.signers.tolist() == ["ann"] * 8 + ["bo"] * 9
    assert (samples.report.n_photos, len(samples.dropped)) == (17, 0)
    assert read_landmark_file(out).image_size.tolist() == [[640, 480]] * 17
    with HandLandmarker("image") as landmarker:
        capture = cv2.VideoCapture(str(he_video))
        first = landmarker.detect(cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB))
        capture.release()
    assert np.abs(samples.drawable[0] - first.landmarks)[:, :2].max() < 5
    assert len(np.unique(samples.drawable[:4], axis=0)) == 4


def test_a_letter_that_moves_becomes_a_sequence_in_a_second_file(moving_video, tmp_path, capsys):
    labels, out = tmp_path / "labels.json", tmp_path / "mine.npz"
    spans = (("H", 0, 20), ("J", 22, 50), ("Z", 52, 60))
    labels.write_text(
        json.dumps([dict(zip(("letter", "first_frame", "end_frame"), span, strict=True)) for span in spans])
    )
    arguments = ["--source", str(moving_video), "--headless", "--labels", str(labels), "--per-letter", "4"]
    assert main(["record", str(out), "--signer", "ann", *arguments]) == 0
    printed = capsys.readouterr().out
    assert f"{out}: 4 hands of ann from 4 frames tried; 4 hands in all\n" in printed
    assert "fewer than 4: J 1, Z 0\n" in printed, "of Z no hand moved"
    assert f"{tmp_path / 'mine_moving.npz'}: 1 takes of ann; 1 takes in all\n" in printed
    assert read_landmark_file(out).labels.tolist() == ["H"] * 4
    takes = read_recorded(tmp_path / "mine_moving.npz", SequenceFile)
    assert (takes.labels.tolist(), takes.landmarks.shape) == (["J"], (1, 28, 21, 3))
    assert np.ptp(takes.landmarks[0, :, 0, 0]) == pytest.approx(120, rel=0.1)
    np.testing.assert_allclose(np.diff(takes.times[0]), 1 / 15, atol=2e-3)


def test_takes_without_a_movement_are_tried_three_times_and_reported(still_camera, tmp_path, capsys):
    arguments = ["--source", still_camera, "--headless", "--letters", "J", "--per-letter", "1", "--countdown", "0"]
    assert main(["record", str(tmp_path / "mine.npz"), "--signer", "ann", *arguments]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("J: draw it ... draw it ... draw it ... 0 of 1\nnothing was recorded")
    assert "no hand moved in any of 3 takes. Draw the letter within 2 seconds" in printed.err
    assert [path.name for path in tmp_path.glob("*.npz")] == []


def test_frames_without_a_hand_count_as_tried(he_video, tmp_path, capsys):
    labels = tmp_path / "late.json"
    labels.write_text(json.dumps([{"letter": "H", "first_frame": 18, "end_frame": 33}]))
    out = tmp_path / "mine.npz"
    arguments = ["--source", str(he_video), "--headless", "--labels", str(labels)]
    assert main(["record", str(out), "--signer", "ann", *arguments]) == 0
    assert "3 hands of ann from 5 frames tried" in capsys.readouterr().out  # frames 18, 21, 24; 27 and 30 are empty


def test_a_bystander_is_not_recorded(he_video, he_labels, shared, tmp_path):
    photo = cv2.imread(str(shared / "data/photos/t32rahman/W/00.jpg"), cv2.IMREAD_COLOR_RGB)[130:480, 250:470]
    other = cv2.resize(photo, (132, 210), interpolation=cv2.INTER_AREA)[:, :110]
    pictures = [frame.rgb.copy() for frame in open_source(str(he_video), fast=True)]
    for picture in pictures:
        picture[200:410, 530:] = other
    film = write_video(tmp_path / "two.mp4", pictures, 15)
    out = tmp_path / "mine.npz"
    arguments = ["--source", str(film), "--headless", "--labels", str(he_labels)]
    assert main(["record", str(out), "--signer", "ann", *arguments]) == 0
    landmarks = read_landmark_file(out).landmarks
    assert len(landmarks) >= 16
    assert (landmarks[..., 0].mean(axis=1) < 450).all()


@pytest.fixture
def camera(he_video):
    """The address of a network camera that shows the hand of H until the client closes the connection."""
    with serving(show(first_pictures(he_video, 20))) as address:
        yield address


@pytest.fixture
def still_camera(he_video):
    """The address of one that shows the same picture of it again and again."""
    with serving(show(first_pictures(he_video, 1))) as address:
        yield address


def first_pictures(film, count):
    """Encode the first pictures of a film as JPEG."""
    capture = cv2.VideoCapture(str(film))
    pictures = [cv2.imencode(".jpg", capture.read()[1])[1].tobytes() for _ in range(count)]
    capture.release()
    return pictures


def show(pictures):
    """Make the handler of a network camera that shows pictures over and over."""

    class Camera(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
            self.end_headers()
            try:
                for index in range(1200):
                    jpeg = pictures[index % len(pictures)]
                    self.wfile.write(b"--next\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg))
                    self.wfile.write(jpeg + b"\r\n")
                    time.sleep(0.03)
            except ConnectionError:  # the client has seen enough
                self.close_connection = True

        def log_message(self, *_):
            pass

    return Camera


@contextmanager
def serving(handler):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/video"
        server.shutdown()
        thread.join()


def test_a_live_source_counts_down_in_the_terminal(camera, tmp_path, capsys):
    out = tmp_path / "mine.npz"
    arguments = ["--source", camera, "--headless", "--letters", "HU", "--per-letter", "3", "--countdown", "0.5"]
    assert main(["record", str(out), "--signer", "ann", *arguments]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("H: 1 hold it ... 3 of 3\nU: 1 hold it ... 3 of 3\n")
    assert read_landmark_file(out).labels.tolist() == list("HHHUUU")


def command(out, *arguments):
    return [sys.executable, "-m", "client", "record", str(out), "--signer", "ann", *arguments]


def test_ctrl_c_saves_what_was_recorded(camera, tmp_path):
    out = tmp_path / "mine.npz"
    arguments = ["--source", camera, "--headless", "--per-letter", "2", "--countdown", "0"]
    with subprocess.Popen(
        command(out, *arguments), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as client:
        client.stdout.readline()
        client.send_signal(signal.SIGINT)
        printed, errors = client.communicate(timeout=20)
    assert (client.returncode, errors) == (130, "")
    assert "hands of ann" in printed
    assert read_landmark_file(out).labels.tolist()[:2] == ["A", "A"]


def colours(pixels):
    shown = read_screen(pixels)
    return tuple(int((shown == colour).all(axis=2).sum()) for colour in (STEADY, WAVERING))


def waits(pixels):
    """Whether the recorder waits, and records nothing."""
    steady, wavering = colours(pixels)
    return wavering > 1000 >= steady


@pytest.mark.serial
def test_keys_in_a_window_start_end_and_save(slow_h_video, screen, tmp_path):
    display, pixels = screen
    out = tmp_path / "mine.npz"
    arguments = ("record", out, "--signer", "ann", "--source", slow_h_video, "--letters", "HE", "--per-letter", "3")
    with start(screen, *arguments) as client:
        wait_for(lambda: waits(pixels), client)  # for the space bar
        press_until(display, " ", lambda: colours(pixels)[0] > 1000, client)  # records H
        wait_for(lambda: waits(pixels), client)  # again, for E
        printed = quit_and_read(client, display)
    assert printed == f"fewer than 3: E 0\n{out}: 3 hands of ann from 3 frames tried; 3 hands in all\n"
    assert read_landmark_file(out).labels.tolist() == ["H"] * 3


def test_quitting_with_nothing_writes_nothing(empty_video, screen, tmp_path):
    display, _ = screen
    done = subprocess.run(
        command(tmp_path / "mine.npz", "--source", str(empty_video)),
        cwd=ROOT,
        env={**os.environ, "DISPLAY": display},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing was recorded" in done.stdout
    assert "warning: no hand was found in any of 12 frames. Check" in done.stdout
    assert not (tmp_path / "mine.npz").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mine.txt", "--headless"], "mine.txt: recorded landmarks are an .npz file"),
        (["mine.npz", "--headless", "--source", "97"], "There is no camera 97"),
        (["mine.npz", "--headless", "--source", "EMPTY"], "a film cannot be asked for letters.*--labels FILE"),
        (
            ["mine.npz", "--headless", "--source", "EMPTY", "--labels", "he.json"],
            "no hand was found in any of 3 frames",
        ),
        (["mine.npz", "--headless", "--source", "EMPTY", "--labels", "late.json"], "none of its 12 frames shows"),
        (["mine.npz", "--headless", "--letters", "AA"], "--letters AA: name each letter once"),
        (["mine.npz", "--headless", "--letters", "A-Z"], "--letters A-Z: name each letter once"),
        (["mine.npz", "--headless", "--labels", "he.json", "--letters", "X"], "the --labels file has none of these"),
        (["mine.npz", "--headless", "--labels", "none.json"], "none.json: cannot be read.*Name a file with"),
        (["mine.npz", "--headless", "--signer", " "], "--signer '': a signer's name"),
        (["other.npz", "--headless"], "other.npz: it holds .'labels'.*Record to a new file"),
        (["new.npz", "--headless", "--letters", "Z"], "new_moving.npz: it holds .'labels'.*Record to a new file"),
    ],
)
def test_an_error_is_one_sentence(empty_video, he_labels, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    he_labels.write_text(json.dumps([HE[0] | {"end_frame": 5}]))
    Path("late.json").write_text(json.dumps([{"letter": "H", "first_frame": 90, "end_frame": 99}]))
    for name in ("other.npz", "new_moving.npz"):
        np.savez(name, labels=np.array(["A"]))
    given = [str(empty_video) if argument == "EMPTY" else argument for argument in arguments]
    assert main(["record", "--signer", "ann", *given]) == 1
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert re.search(f"^error: .*{message}", printed)
    assert not Path("mine.npz").exists()


def test_labels_go_without_a_window(empty_video, he_labels, tmp_path, monkeypatch, capsys, screen):
    monkeypatch.setenv("DISPLAY", screen[0])
    arguments = ["--source", str(empty_video), "--labels", str(he_labels)]
    assert main(["record", str(tmp_path / "mine.npz"), "--signer", "ann", *arguments]) == 1
    assert "needs --headless and a film" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
def test_a_missing_display_is_reported(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("DISPLAY", raising=False)
    assert main(["record", str(tmp_path / "mine.npz"), "--signer", "ann"]) == 1
    assert "Run with --headless to count down in the terminal instead" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mine.npz"], "required: --signer"),
        (["--signer", "ann"], "required: OUT.npz"),
        (["mine.npz", "--signer", "ann", "--per-letter", "0"], "'0' is not a number from 1 to 10000"),
        (["mine.npz", "--signer", "ann", "--countdown", "nan"], "'nan' is not a number of seconds from 0 to 60"),
    ],
)
def test_a_wrong_command_line_ends_with_2(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["record", *arguments])
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ("", "not a list of letters"),
        ("[]", "not a list with one entry or more"),
        ('{"letter": "A"}', "not a list"),
        ('[{"letter": "A"}]', "entry 0 must have letter, first_frame and end_frame"),
        ('[{"letter": "AB", "first_frame": 0, "end_frame": 5}]', "'AB' is not one letter"),
        ('[{"letter": "A", "first_frame": 5, "end_frame": 5}]', "frames 5 to 5"),
        ('[{"letter": "A", "first_frame": "0", "end_frame": 5}]', "frames '0' to 5"),
        (json.dumps([HE[1], HE[0] | {"end_frame": 34}]), "frame 33 is both H and E"),
        ("[" * 100_000, "not a list of letters"),
        (" " * (1 << 20) + "[]", "larger than"),
    ],
)
def test_labels_of_a_film_that_cannot_be_read(tmp_path, contents, message):
    path = tmp_path / "labels.json"
    path.write_text(contents)
    with pytest.raises(Exception, match=re.escape(message)) as raised:
        read_spans(path)
    assert type(raised.value).__name__ == "ClientError"
    assert str(path) in str(raised.value)


def test_letters_of_a_film_by_frame(he_labels):
    spans = read_spans(he_labels)
    assert spans == [Span("H", 0, 25), Span("E", 33, 58)]
    assert [letter_at(spans, frame) for frame in (0, 24, 25, 32, 33, 57, 58)] == ["H", "H", None, None, "E", "E", None]
