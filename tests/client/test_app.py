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
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import cv2
import pytest
from network import Proxy
from serving import application, write_letters_model, write_model

from client.mask import MASK_VERSION
from client.stream.timings import STEPS, TOTAL
from client.window.layout import SIZE

ROOT = Path(__file__).parents[2]
TOKEN = "sesame"  # noqa: S105 - of these tests


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
    done = run_client(empty_video, service, "--headless", "--fast")
    assert done.returncode == 0
    assert re.fullmatch(r"warning: no hand was found in any of 12 frames\. Check that .*\n", done.stderr)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    nothing = {"hand": None, "letter": None, "confidence": 0.0, "smoothed": None, "committed": None}
    nothing |= {"replaced": [], "word": None}
    assert lines[:-1] == [{"frame": i, "time": i / 10, **nothing} for i in range(12)]
    assert lines[-1] == {"text": ""}


def test_headless_over_a_real_hand(service, he_video):
    done = run_client(he_video, service, "--headless", "--fast")
    assert (done.returncode, done.stderr) == (0, "")
    *frames, end = [json.loads(line) for line in done.stdout.splitlines()]
    assert end == {"text": "HE"}
    assert [line["frame"] for line in frames] == list(range(66))
    assert [line["frame"] for line in frames if line["hand"] is None] == [*range(25, 33), *range(58, 66)]
    assert all(0 <= line["hand"][0] < line["hand"][2] <= 640 for line in frames if line["hand"])
    assert "".join(line["letter"] or " " for line in frames).split() == ["H" * 25, "E" * 25]


def test_only_the_text(service, he_video):
    done = run_client(he_video, service, "--text", "--fast")
    assert (done.returncode, done.stdout, done.stderr) == (0, "HE\n", "")


def test_a_word_takes_the_place_of_its_letters_when_the_hand_is_away(wishful_service, he_away_video):
    done = run_client(he_away_video, wishful_service, "--headless", "--fast")
    assert (done.returncode, done.stderr) == (0, "")
    *frames, end = [json.loads(line) for line in done.stdout.splitlines()]
    ended = [line for line in frames if line["word"] is not None]
    assert [line["word"] for line in ended] == [{"as_read": "HE", "word": "GE"}]
    last = max(line["time"] for line in frames if line["hand"])
    assert ended[0]["time"] == pytest.approx(last + 1.0, abs=0.07)
    assert end == {"text": "GE"}


@pytest.mark.parametrize(("more", "text"), [((), "GE\n"), (("--words",), "GE\n"), (("--no-words",), "HE\n")])
def test_the_end_of_the_film_ends_the_word_unless_words_are_off(wishful_service, he_video, more, text):
    done = run_client(he_video, wishful_service, "--text", "--fast", *more)
    assert (done.returncode, done.stdout, done.stderr) == (0, text, "")


def test_the_signers_own_words_are_sent_and_without_words_nothing_is(service, he_video, tmp_path):
    own = tmp_path / "own.txt"
    own.write_text("Annika\n")

    def sent(*more):
        with Proxy(service) as proxy:
            done = run_client(he_video, proxy.address, "--text", "--fast", "--own-words", str(own), *more)
        assert (done.returncode, done.stdout, done.stderr) == (0, "HE\n", "")
        return proxy.sent

    assert b'"own": ["ANNIKA"]' in sent()
    assert b"POST" not in sent("--no-words")


def test_own_words_that_cannot_be_spelled_are_an_error_at_once(he_video, tmp_path):
    own = tmp_path / "own.txt"
    own.write_text("New York\n")
    done = run_client(he_video, "http://127.0.0.1:9", "--text", "--own-words", str(own))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "own.txt: line 1, 'New York', is not one word" in done.stderr


def test_a_service_without_words_says_so_once_and_letters_go_on(he_video, tmp_path):
    with application(write_letters_model(tmp_path / "model.onnx", "HE")) as host:
        done = run_client(he_video, f"http://{host}", "--text", "--fast")
    assert (done.returncode, done.stdout) == (0, "HE\n")
    assert re.fullmatch(r"warning: .*501.*vocabulary.* Letters go on without words\.\n", done.stderr)


def test_a_film_of_what_the_window_shows_and_the_time_of_every_step(service, he_video, tmp_path):
    film, timings = tmp_path / "out.mp4", tmp_path / "out.json"
    done = run_client(he_video, service, "--text", "--fast", "--record", str(film), "--timings", str(timings))
    assert (done.returncode, done.stdout, done.stderr) == (0, "HE\n", "")
    capture = cv2.VideoCapture(str(film))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 66
    assert (capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)) == SIZE
    summary = json.loads(timings.read_text())
    assert summary["frames"] == 66
    assert set(summary["ms"]) == {*STEPS, TOTAL}
    assert 0 < summary["ms"]["landmarks"]["median"] <= summary["ms"]["landmarks"]["p95"] < summary["ms"][TOTAL]["p95"]


def test_each_picture_of_a_folder_gives_a_line(service, shared):
    done = run_client(shared / "data/photos/t32rahman/L", service, "--headless", "--fast")
    assert (done.returncode, done.stderr) == (0, "")
    *pictures, _ = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(pictures) == 12
    assert sum(picture["hand"] is not None for picture in pictures) >= 11


def test_a_demonstration_needs_no_camera_and_no_service():
    done = subprocess.run(
        [sys.executable, "-m", "client", "--demo", "--text", "--fast"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "HELLO WORLD\n", "")


def test_a_film_that_cannot_be_written_is_reported_at_once(service, empty_video):
    done = run_client(empty_video, service, "--text", "--record", "out.avi")
    assert (done.returncode, done.stdout.strip()) == (1, "")
    assert "Name one that ends in .mp4." in done.stderr


def test_options_that_the_service_receives(service, empty_video):
    def options(*arguments):
        with Proxy(service) as proxy:
            assert run_client(empty_video, proxy.address, "--text", *arguments).returncode == 0
        address = re.search(r"GET (/stream\S*) ", proxy.sent.decode("latin-1"))[1]
        return dict(parse_qsl(urlsplit(address).query))

    asked = {"mask_version": MASK_VERSION, "threshold": "0.7", "hold": "0.6", "timed": "true"}
    assert options("--fast", "--threshold", "0.7", "--hold", "0.6") == asked
    assert options() == {"mask_version": MASK_VERSION}, "the service's own options, and at its own pace its clock"


def test_a_token_comes_from_the_environment(tmp_path, empty_video):
    model = write_model(tmp_path / "model.onnx")
    with application(model, token=TOKEN) as host:
        done = run_client(empty_video, f"http://{host}", "--text", "--fast", FINGERSPELL_TOKEN=f"{TOKEN}\n")
        assert done.returncode == 0, done.stderr


def test_ctrl_c_ends_with_the_text_and_130(service, he_video):
    with subprocess.Popen(
        command(he_video, service, "--headless"), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as client:
        client.stdout.readline()
        client.send_signal(signal.SIGINT)
        rest, errors = client.communicate(timeout=20)
    assert (client.returncode, errors) == (130, "")
    assert "text" in json.loads(rest.splitlines()[-1])


def test_a_terminated_client_keeps_the_film_and_the_text(service, he_video, tmp_path):
    with subprocess.Popen(
        command(he_video, service, "--headless", "--record", str(tmp_path / "out.mp4")),
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as client:  # fmt: skip
        for _ in range(10):
            client.stdout.readline()
        client.terminate()
        rest, errors = client.communicate(timeout=20)
    assert (client.returncode, errors) == (143, "")
    assert "text" in json.loads(rest.splitlines()[-1])
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    assert cv2.VideoCapture(str(tmp_path / "out.mp4")).read()[0]


def test_a_closed_output_ends_it_quietly(service, he_video):
    with subprocess.Popen(
        command(he_video, service, "--headless"), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as client:
        client.stdout.readline()
        client.stdout.close()
        errors = client.stderr.read()
        assert client.wait(timeout=20) == 0
    assert errors == ""


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "message"),
    [
        (("97", "http://127.0.0.1:9", "--headless"), {}, 1, "error: There is no camera 97."),
        (("film.mp4", "http://127.0.0.1:9", "--headless"), {}, 1, "error: film.mp4: no such video file."),
        (("0", "http://127.0.0.1:9", "--headful"), {}, 2, "unrecognized arguments: --headful"),
        (("0", "http://127.0.0.1:9", "--threshold", "7"), {}, 2, "'7' is not a share from 0 to 1"),
    ],
)
def test_an_error_is_one_sentence_and_an_exit_code(arguments, environment, code, message):
    done = run_client(*arguments, **environment)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("library", "error", "message"),
    [
        ("cv2", "ImportError('libGL.so.1: cannot open shared object file')", "apt-get install libgl1 libglib2.0-0"),
        ("mediapipe", "ModuleNotFoundError('No module', name='mediapipe')", "mediapipe is not installed.*pip install"),
    ],
)
def test_a_missing_library_is_reported_with_the_command_to_type(tmp_path, empty_video, library, error, message):
    broken = tmp_path / library
    shutil.copytree(Path(importlib.util.find_spec("mediapipe").origin).parent / "modules", broken / "modules")
    (broken / "__init__.py").write_text(f"raise {error}")
    done = run_client(empty_video, "http://127.0.0.1:9", "--headless", PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert re.search(message, done.stderr)


def test_a_missing_service_is_reported(empty_video):
    done = run_client(empty_video, "http://127.0.0.1:9", "--headless")
    message = "error: No service at http://127.0.0.1:9. Start it with `make serve`, or name another with --server.\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", message)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
@pytest.mark.parametrize("display", ["", ":4711"])
def test_a_missing_display_is_reported_before_a_window_aborts_the_process(empty_video, display):
    done = run_client(empty_video, "http://127.0.0.1:9", DISPLAY=display)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "DISPLAY" in done.stderr
    assert "--headless" in done.stderr
    assert done.stderr.count("\n") == 1


def test_help_lists_the_exit_codes_and_keys():
    done = subprocess.run(
        [sys.executable, "-m", "client", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for word in (
        "--source",
        "--server",
        "--headless",
        "--hand-model",
        "--demo",
        "--profile",
        "enrol --help",
        "exit codes",
        "130",
        "Backspace",
    ):
        assert word in done.stdout


def test_the_client_stays_in_its_room():
    program = "import sys, client.app, client.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert loaded.isdisjoint({"torch", "lightning", "mlflow", "bentoml", "onnxruntime", "stages", "service"})


def test_the_installed_command_has_all_it_needs(tmp_path):
    target = tmp_path / "installed"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-cache-dir",
         "--disable-pip-version-check", "--target", str(target), "."],
        cwd=copied(tmp_path / "source"), check=True, timeout=120,
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, str(target / "bin" / "fingerspell"), "--demo", "--text", "--fast"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(target)}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "HELLO WORLD\n", "")


def copied(folder):
    """What the client is built from, so that nothing is built in the checkout."""
    folder.mkdir()
    for name in ("client", "service", "stages"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder
