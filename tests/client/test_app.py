"""The client from its command line, over real videos, against a small real service."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from display import read_screen
from spelling_service import SpellingService, running

from client.app import extend_text, press_key
from client.overlay import STEADY

ROOT = Path(__file__).parents[2]


def command(source, address, *more):
    return [sys.executable, "-m", "client", "--source", str(source), "--server", address, *more]


def run_client(*arguments, **environment):
    return subprocess.run(
        command(*arguments),
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_headless_over_a_film_without_a_hand(service, empty_video):
    spelling, address = service
    done = run_client(empty_video, address, "--headless")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    nothing = {"hand": None, "letter": None, "confidence": 0.0, "smoothed": None, "committed": None}
    assert lines[:-1] == [{"frame": i, "time": i / 10, **nothing} for i in range(12)]
    assert lines[-1] == {"text": ""}
    assert spelling.masks == []


def test_headless_over_a_real_hand(service, he_video):
    spelling, address = service
    done = run_client(he_video, address, "--headless")
    assert (done.returncode, done.stderr) == (0, "")
    *frames, end = [json.loads(line) for line in done.stdout.splitlines()]
    assert end == {"text": "HE"}
    assert [line["frame"] for line in frames] == list(range(66))
    assert [line["frame"] for line in frames if line["hand"] is None] == [*range(25, 33), *range(58, 66)]
    assert all(0 <= line["hand"][0] < line["hand"][2] <= 640 for line in frames if line["hand"])
    assert len(spelling.masks) == 50
    assert spelling.masks[0].shape == (224, 224, 3)
    assert spelling.masks[0].any()


def test_ctrl_c_ends_with_the_text_and_130(service, he_video):
    with subprocess.Popen(
        command(he_video, service[1], "--headless"), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as client:
        client.stdout.readline()
        client.send_signal(signal.SIGINT)
        rest, trouble = client.communicate(timeout=20)
    assert (client.returncode, trouble) == (130, "")
    assert "text" in json.loads(rest.splitlines()[-1])


def test_a_reader_that_goes_away_ends_it_quietly(service, he_video):
    with subprocess.Popen(
        command(he_video, service[1], "--headless"), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as client:
        client.stdout.readline()
        client.stdout.close()
        trouble = client.stderr.read()
        assert client.wait(timeout=20) == 0
    assert trouble == ""


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "said"),
    [
        (("97", "http://127.0.0.1:9", "--headless"), {}, 1, "error: There is no camera 97."),
        (("film.mp4", "http://127.0.0.1:9", "--headless"), {}, 1, "error: film.mp4: no such video file."),
        (("0", "http://127.0.0.1:9", "--headful"), {}, 2, "unrecognized arguments: --headful"),
    ],
)
def test_trouble_is_one_sentence_and_an_exit_code(arguments, environment, code, said):
    done = run_client(*arguments, **environment)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("library", "trouble", "said"),
    [
        ("cv2", "ImportError('libGL.so.1: cannot open shared object file')", "apt-get install libgl1 libglib2.0-0"),
        ("mediapipe", "ModuleNotFoundError('No module', name='mediapipe')", "mediapipe is not installed.*pip install"),
    ],
)
def test_a_missing_library_is_told_with_the_line_to_type(tmp_path, empty_video, library, trouble, said):
    broken = tmp_path / library
    shutil.copytree(Path(importlib.util.find_spec("mediapipe").origin).parent / "modules", broken / "modules")
    (broken / "__init__.py").write_text(f"raise {trouble}")
    with running(SpellingService()) as address:
        done = run_client(empty_video, address, "--headless", PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert re.search(said, done.stderr)


def test_no_service_is_told(empty_video):
    done = run_client(empty_video, "http://127.0.0.1:9", "--headless")
    sentence = "error: No service at http://127.0.0.1:9. Start it with `make serve`, or name another with --server.\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", sentence)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
@pytest.mark.parametrize("display", ["", ":4711"])
def test_no_display_is_told_before_a_window_kills_the_process(empty_video, display):
    done = run_client(empty_video, "http://127.0.0.1:9", DISPLAY=display)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "DISPLAY" in done.stderr
    assert "--headless" in done.stderr
    assert done.stderr.count("\n") == 1


def test_help_tells_the_exit_codes_and_keys():
    done = subprocess.run(
        [sys.executable, "-m", "client", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for word in ("--source", "--server", "--headless", "--hand-model", "exit codes", "130", "Backspace"):
        assert word in done.stdout


def test_the_client_stays_in_its_room():
    program = "import sys, client.app, client.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert loaded.isdisjoint({"torch", "lightning", "mlflow", "bentoml", "onnxruntime", "stages", "service"})


@pytest.mark.parametrize(
    ("text", "committed", "after"),
    [
        ("HE", None, "HE"),
        ("HE", "L", "HEL"),
        ("HE", "space", "HE "),
        ("HE", "del", "H"),
        ("", "del", ""),
        ("H", "nothing", "H"),
    ],
)
def test_committed_labels_join_the_text(text, committed, after):
    assert extend_text(text, committed) == after


@pytest.mark.parametrize(("key", "after"), [(8, "H"), (127, "H"), (ord(" "), "HI "), (ord("x"), "HI"), (-1, "HI")])
def test_keys_edit_the_text(key, after):
    assert press_key("HI", key) == after


def test_the_window_shows_box_and_letter_and_the_text_is_told_at_the_end(service, he_video, screen):
    display, pixels = screen
    most = 0
    with subprocess.Popen(
        command(he_video, service[1]),
        cwd=ROOT,
        env={**os.environ, "DISPLAY": display},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as client:
        while client.poll() is None:
            most = max(most, int((read_screen(pixels) == STEADY).all(axis=2).sum()))
            time.sleep(0.1)
        told, trouble = client.communicate()
    assert (client.returncode, told, trouble) == (0, "HE\n", "")
    assert most > 1000
