"""The real window on a virtual display: what it shows, keys and clicks, and what remains when it closes."""

from __future__ import annotations

import os
import signal
import subprocess

import numpy as np
import pytest
from display import PATIENCE, click, has_ended, press_until, quit_and_read, read_screen, start, wait_for

from client.errors import ClientError
from client.window import window
from client.window.drawing import STEADY, WRITING
from client.window.layout import FOOT, SIZE, Layout

DEMO = ("--demo", "--fast")
"""Once, as fast as possible, every frame of it."""
pytestmark = pytest.mark.serial


def picture(pixels):
    """What is where the camera's picture, the letters or the help are, except for the hint."""
    _, _, right, bottom = Layout(*SIZE).picture
    return read_screen(pixels)[: bottom - 80, :right].copy()


def cursor(pixels):
    """The column where the text's cursor ends."""
    line = read_screen(pixels)[SIZE[1] - FOOT : SIZE[1] - FOOT + 64, : SIZE[0]]
    return int((line == WRITING).all(axis=2).any(axis=0).nonzero()[0].max(initial=0))


def test_a_window_that_cannot_be_opened_says_why(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(window, "PROBE", "import cv2\nraise cv2.error('The function is not implemented')\n")
    with pytest.raises(ClientError, match=r"on DISPLAY=:0 \(cv2\.error: The function is not implemented\)"):
        window.check_display()


@pytest.fixture
def demo(screen, tmp_path):
    """The demonstration in its window, once its film has ended; the clipboard is a file."""
    display, pixels = screen
    clipboard = tmp_path / "bin" / "xclip"
    clipboard.parent.mkdir()
    clipboard.write_text('#!/bin/sh\ncat > "$0.new"\nmv "$0.new" "$0.text"\n')
    clipboard.chmod(0o755)
    with start(screen, *DEMO, PATH=f"{clipboard.parent}:{os.environ['PATH']}") as client:
        wait_for(lambda: has_ended(pixels), client)
        yield client, display, pixels, clipboard.with_name("xclip.text")


def test_when_its_film_has_ended_the_window_keeps_the_last_frame_and_its_keys_and_buttons_work(demo):
    client, display, pixels, clipboard = demo
    frame = picture(pixels)
    assert len(np.unique(frame.reshape(-1, 3), axis=0)) > 100, "not blank"
    press_until(display, "l", lambda: not np.array_equal(picture(pixels), frame), client)
    chart = picture(pixels)
    press_until(display, "h", lambda: not np.array_equal(picture(pixels), chart), client)
    press_until(display, "h", lambda: np.array_equal(picture(pixels), frame), client)
    end = cursor(pixels)
    press_until(display, "backspace", lambda: cursor(pixels) < end, client)
    press_until(display, "c", clipboard.exists, client)
    assert clipboard.read_text() == "HELLO WORLD", "without the space after it"
    press_until(display, "x", lambda: cursor(pixels) < end / 4, client)
    assert quit_and_read(client, display) == "\n"


def test_a_click_on_a_button_does_what_its_key_does(demo):
    client, display, _, _ = demo
    left, top, right, bottom = next(box for box, key, _ in Layout(*SIZE).buttons if key == ord("q"))
    click(display, (left + right) // 2, (top + bottom) // 2)  # without a window manager the window is in the corner
    printed, errors = client.communicate(timeout=PATIENCE)
    assert (client.returncode, printed, errors) == (0, "HELLO WORLD\n", "")


def test_a_window_that_is_to_quit_closes_when_its_film_ends(screen):
    with start(screen, *DEMO, "--quit") as client:
        printed, errors = client.communicate(timeout=PATIENCE)
    assert (client.returncode, printed, errors) == (0, "HELLO WORLD\n", "")


def test_the_window_shrinks_and_grows_again_with_all_that_it_shows(demo):
    client, display, pixels, _ = demo
    for size in ((700, 420), (1000, 640), (1280, 800)):
        command = ["xdotool", "search", "--name", "fingerspell", "windowsize", *map(str, size)]
        subprocess.run(command, env={**os.environ, "DISPLAY": display}, check=True)
        (left, top, right, bottom), *_ = next(each for each in Layout(*size).buttons if each[1] == ord("m"))
        place = np.s_[top + 2 : bottom - 2, [left + 2, right - 3]]
        wait_for(lambda place=place: (read_screen(pixels)[place] == STEADY).all(), client)
    assert quit_and_read(client, display) == "HELLO WORLD\n"


def test_ctrl_c_leaves_the_text(screen):
    _, pixels = screen
    with start(screen, *DEMO) as client:
        wait_for(lambda: cursor(pixels) > 80, client)  # more than the cursor alone
        client.send_signal(signal.SIGINT)
        printed, errors = client.communicate(timeout=PATIENCE)
    assert (client.returncode, errors) == (130, "")
    assert printed.strip()
    assert "HELLO WORLD".startswith(printed.strip())
