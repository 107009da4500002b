"""The real window on a virtual display: what it shows, keys and clicks, and what remains when it closes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from display import click, press, read_screen, wait_for

from client.errors import ClientError
from client.window import window
from client.window.drawing import STEADY, WAVERING
from client.window.layout import SIZE, Layout

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.serial


def start(display, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "client", *arguments],
        cwd=ROOT, env={**os.environ, "DISPLAY": display}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def count(pixels, colour):
    return int((read_screen(pixels) == colour).all(axis=2).sum())


def test_a_window_that_cannot_be_opened_says_why(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(window, "PROBE", "import cv2\nraise cv2.error('The function is not implemented')\n")
    with pytest.raises(ClientError, match=r"on DISPLAY=:0 \(cv2\.error: The function is not implemented\)"):
        window.check_display()


@pytest.fixture
def demo(screen):
    """The demonstration in its window, once its first letter is shown."""
    display, pixels = screen
    with start(display, "--demo") as client:
        wait_for(lambda: count(pixels, STEADY) > 3000, client)
        yield client, display, pixels
        client.kill()


def test_keys_do_what_the_buttons_say(demo):
    client, display, pixels = demo
    press(display, "p")  # or letters would join the text
    wait_for(lambda: count(pixels, WAVERING) > 50, client)
    plain = read_screen(pixels).copy()
    press(display, "l")
    wait_for(lambda: not np.array_equal(read_screen(pixels)[:400, :500], plain[:400, :500]), client)
    chart = read_screen(pixels).copy()
    press(display, "h")
    wait_for(lambda: not np.array_equal(read_screen(pixels)[:400, :500], chart[:400, :500]), client)
    for key in ("x", " ", "c", "q"):
        press(display, key)
        time.sleep(0.3)  # of two keys within one frame, OpenCV keeps the last
    printed, errors = client.communicate(timeout=20)
    assert (client.returncode, printed, errors) == (0, "\n", "")


def test_a_click_on_a_button_does_what_its_key_does(demo):
    client, display, _ = demo
    left, top, right, bottom = next(box for box, key, _ in Layout(*SIZE).buttons if key == ord("q"))
    click(display, (left + right) // 2, (top + bottom) // 2)  # without a window manager the window is in the corner
    printed, errors = client.communicate(timeout=20)
    assert (client.returncode, errors) == (0, "")
    assert printed.startswith("H") or printed == "\n"


def test_ctrl_c_leaves_the_text(demo):
    client, _, pixels = demo
    wait_for(lambda: count(pixels, STEADY) > 15_000, client)  # H
    wait_for(lambda: count(pixels, STEADY) < 10_000, client)  # the hand is on its way to E
    client.send_signal(signal.SIGINT)
    printed, errors = client.communicate(timeout=20)
    assert (client.returncode, errors) == (130, "")
    assert printed.startswith("H")
