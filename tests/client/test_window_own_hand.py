"""The real window on a virtual display: enrolment goes by itself, and is kept when it is stopped."""

from __future__ import annotations

import pytest
from display import PATIENCE, has_ended, press, press_until, read_screen, start, wait_for

from client.profile.profile_file import read_profile
from client.window.drawing import STEADY
from client.window.layout import SIZE, Layout

pytestmark = pytest.mark.serial


def letters_done(pixels):
    """How far the bar along the panel's lower edge is filled, in pixels."""
    row = read_screen(pixels)[Layout(*SIZE).picture[3] - 7, :400]
    return int((row == STEADY).all(axis=1).sum())


def is_usual(pixels):
    """Whether the usual buttons are there, of which Mirror is on."""
    left, top, _, bottom = next(box for box, _, label in Layout(*SIZE).buttons if label == "Mirror")
    return bool((read_screen(pixels)[top:bottom, left] == STEADY).all())


def test_a_letter_is_taken_without_a_key_and_kept_when_the_enrolment_stops(screen, service, h_video, tmp_path):
    display, pixels = screen
    path = tmp_path / "anna.fingerspell"
    arguments = ("enrol", path, "--signer", "Anna", "--source", h_video, "--fast", "--server", service)
    with start(screen, *arguments, XDG_DATA_HOME=str(tmp_path)) as client:
        wait_for(lambda: has_ended(pixels), client)
        assert letters_done(pixels) > 10, "A is done, and B waits for another handshape"
        assert not path.exists()
        press_until(display, "escape", path.exists, client)
        press_until(display, "escape", lambda: is_usual(pixels), client)
        press(display, "q")
        printed, errors = client.communicate(timeout=PATIENCE)
    assert (client.returncode, printed) == (0, "\n"), "nothing joins the text meanwhile"
    assert errors.count("\n") == 1
    assert "release without profiles" in errors, "this small model has none"
    profile = read_profile(path)
    assert (profile.name, profile.counts["A"], profile.correction) == ("Anna", 5, None)
