"""A virtual display: reads its pixels, and presses keys on it with the X protocol's own test extension.

The tests of the window read films with `--fast`, as fast as this machine can, and wait for what stays on the screen
when they have ended: a slow machine takes longer, and changes nothing else.
"""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from client.window.controls import Controls
from client.window.layout import SIDE, SIZE
from client.window.screen import View, draw_screen

ROOT = Path(__file__).parents[2]
PATIENCE = 120
"""Seconds after which something that has not happened never will."""
STATE = np.s_[14:42, SIZE[0] - SIDE :]
"""Where the window says what state it is in."""

KEYCODES = {
    " ": 65,
    "1": 10,
    "2": 11,
    "r": 27,
    "v": 55,
    "b": 56,
    "c": 54,
    "h": 43,
    "l": 46,
    "m": 58,
    "n": 57,
    "p": 33,
    "q": 24,
    "x": 53,
    "backspace": 22,
    "escape": 9,
}
"""Key codes of a PC keyboard, which is what Xvfb has."""


def read_screen(path):
    """Read an X window dump: a header of big-endian words, the colours, then blue, green, red and an unused byte."""
    contents = path.read_bytes()
    header = struct.unpack(">25I", contents[:100])
    width, height, stride, colours = header[4], header[5], header[12], header[19]
    pixels = np.frombuffer(contents, np.uint8, stride * height, header[0] + 12 * colours)
    return pixels.reshape(height, stride // 4, 4)[:, :width, 2::-1]


@contextmanager
def start(screen, *arguments, **environment):
    """Run the client with its window on a screen, once it is painted; it is ended if it does not end by itself."""
    display, pixels = screen
    with subprocess.Popen(
        [sys.executable, "-m", "client", *map(str, arguments)],
        cwd=ROOT, env={**os.environ, "DISPLAY": display, **environment},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as client:  # fmt: skip
        try:
            _wait_for_paint(display, pixels, client)
            yield client
        finally:
            client.kill()


def _wait_for_paint(display, pixels, client):
    """Wait until the window is painted.

    On a busy machine without a window manager, Qt 5 can lose the event that says that its window is mapped, and never
    paints it; it does when it is mapped again, as after it was minimised.
    """
    deadline = time.monotonic() + PATIENCE
    while client.poll() is None and not read_screen(pixels)[: SIZE[1], : SIZE[0]].any(axis=2).mean() > 0.5:
        assert time.monotonic() < deadline, "the window was never painted"
        for change in ("windowunmap", "windowmap"):
            command = ["xdotool", "search", "--name", "fingerspell", change]
            subprocess.run(command, env={**os.environ, "DISPLAY": display}, capture_output=True, check=False)
        time.sleep(3)


def has_ended(pixels):
    """Whether the window says that its film has ended."""
    ended = draw_screen(View(state="film ended", is_ok=False), Controls())
    return np.array_equal(read_screen(pixels)[: SIZE[1], : SIZE[0]][STATE], ended[STATE])


def quit_and_read(client, display):
    """Press Q, and give what the client has written."""
    for _ in range(6):  # as in `press_until`
        press(display, "q")
        try:
            printed, errors = client.communicate(timeout=PATIENCE / 6)
        except subprocess.TimeoutExpired:
            continue
        assert (client.returncode, errors) == (0, "")
        return printed
    raise AssertionError("Q did not close the window")


def wait_for(condition, client):
    """Wait until a condition holds, as long as the client runs."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert client.poll() is None, client.stdout.read() + client.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def press_until(display, key, condition, client):
    """Press a key until it has an effect: OpenCV's Qt loses one that arrives while it draws."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        press(display, key)
        again = time.monotonic() + PATIENCE / 6
        while not condition() and time.monotonic() < again:
            assert client.poll() is None, client.stdout.read() + client.stderr.read()
            time.sleep(0.05)


def press(display, key):
    """Press and release a key; it goes to the window under the pointer, which is in the middle of the screen."""
    _send_events(display, [(kind, KEYCODES[key], 0, 0) for kind in (2, 3)])  # press, release


def click(display, x, y):
    """Move the pointer to a place on the screen and click there."""
    _send_events(display, [(6, 0, x, y), (4, 1, 0, 0), (5, 1, 0, 0)])  # move, press, release


def _send_events(display, events):
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(f"/tmp/.X11-unix/X{display.removeprefix(':')}")  # noqa: S108 - where X servers listen
        server.sendall(struct.pack("<cxHHHHxx", b"l", 11, 0, 0, 0))
        accepted, _, _, _, words = struct.unpack("<BBHHH", receive(server, 8))
        assert accepted == 1
        receive(server, 4 * words)
        server.sendall(struct.pack("<BxHHxx5s3x", 98, 4, 5, b"XTEST"))
        present, opcode = receive(server, 32)[8:10]
        assert present
        requests = [
            struct.pack("<BBHBBxxII8xhh7xB", opcode, 2, 9, kind, detail, 0, 0, x, y, 0) for kind, detail, x, y in events
        ]
        requests.append(struct.pack("<BxH", 43, 1))  # asks for the focus: its reply comes after the events were handled
        server.sendall(b"".join(requests))  # at once: a key held for longer than half a second repeats
        receive(server, 32)


def receive(server, count):
    received = b""
    while len(received) < count:
        received += server.recv(count - len(received))
    return received
