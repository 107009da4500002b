"""The real window on a virtual display reads the film of a rendered hand with a real service and its words."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from display import read_screen

from client.capture.demo import FILM
from client.window.drawing import STEADY

ROOT = Path(__file__).parents[2]


@pytest.mark.serial
@pytest.mark.slow
def test_the_window_reads_hello_world(words_service, screen):
    display, pixels = screen
    most = 0
    with subprocess.Popen(
        [sys.executable, "-m", "client", "--source", FILM, "--fast", "--server", words_service],
        cwd=ROOT, env={**os.environ, "DISPLAY": display}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as client:  # fmt: skip
        while client.poll() is None:
            most = max(most, int((read_screen(pixels) == STEADY).all(axis=2).sum()))
            time.sleep(0.2)
        printed, errors = client.communicate()
    assert (client.returncode, printed, errors) == (0, "HELLO WORLD\n", "")
    assert most > 1000, "the letter in blue"
