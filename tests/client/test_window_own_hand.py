"""The real window on a virtual display: enrolment goes by itself, and is kept when it is stopped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from display import press, read_screen, wait_for

from client.profile.profile_file import read_profile
from client.window.drawing import STEADY
from client.window.layout import SIZE, Layout

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.serial


def start(display, folder, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "client", *map(str, arguments)],
        cwd=ROOT, env={**os.environ, "DISPLAY": display, "XDG_DATA_HOME": str(folder)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def letters_done(pixels):
    """How far the bar along the panel's lower edge is filled, in pixels."""
    row = read_screen(pixels)[Layout(*SIZE).picture[3] - 7, :400]
    return int((row == STEADY).all(axis=1).sum())


def is_usual(pixels):
    """Whether the usual buttons are there, of which Mirror is on."""
    left, top, _, bottom = next(box for box, _, label in Layout(*SIZE).buttons if label == "Mirror")
    return bool((read_screen(pixels)[top:bottom, left] == STEADY).all())


def test_a_letter_is_taken_without_a_key_and_kept_when_the_enrolment_stops(screen, service, long_h_video, tmp_path):
    display, pixels = screen
    path = tmp_path / "anna.fingerspell"
    arguments = ("enrol", path, "--signer", "Anna", "--source", long_h_video, "--server", service)
    with start(display, tmp_path, *arguments) as client:
        wait_for(lambda: letters_done(pixels) > 10, client)
        assert not path.exists()
        press(display, "escape")
        wait_for(path.exists, client)
        press(display, "escape")
        wait_for(lambda: letters_done(pixels) == 0, client)
        press(display, "q")
        printed, errors = client.communicate(timeout=20)
    assert client.returncode == 0
    assert printed in ("\n", "H\n"), "nothing joins the text meanwhile"
    assert errors.count("\n") == 1
    assert "release without profiles" in errors, "this small model has none"
    profile = read_profile(path)
    assert (profile.name, profile.counts["A"], profile.correction) == ("Anna", 5, None)
