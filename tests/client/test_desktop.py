"""Clipboard and voice: the installed programs, and a message if there is none."""

from __future__ import annotations

import os
import time

import pytest

from client.window import desktop


def write_program(folder, name):
    """A voice that writes down its arguments."""
    path = folder / name
    path.write_text('#!/bin/sh\nprintf "%s|" "$@" > "$(dirname "$0")/said"\n')
    path.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="the voice of the test is a shell script")
def test_an_installed_voice_gets_the_text_and_none_of_it_is_an_option(tmp_path, monkeypatch):
    write_program(tmp_path, "espeak-ng")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(desktop, "VOICES", ["espeak-ng"])
    assert desktop.speak("-HELLO") == "Speaking"
    until = time.monotonic() + 10
    while not (tmp_path / "said").is_file() or not (tmp_path / "said").read_text():
        assert time.monotonic() < until
        time.sleep(0.02)
    assert (tmp_path / "said").read_text() == "--|-hello|"


@pytest.mark.skipif(os.name == "nt", reason="the voice of the test is a shell script")
def test_a_voice_that_cannot_speak_says_why(tmp_path, monkeypatch):
    voice = tmp_path / "espeak-ng"
    voice.write_text("#!/bin/sh\necho warning >&2\necho 'no audio device' >&2\nexit 1\n")
    voice.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(desktop, "VOICES", ["espeak-ng"])
    monkeypatch.setattr(desktop, "START_SECONDS", 10.0)
    assert desktop.speak("HELLO") == "espeak-ng cannot speak: no audio device"


def test_without_a_voice_a_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert "install espeak-ng" in desktop.speak("HELLO")
    assert desktop.speak("  ") == "Nothing to read aloud yet"


def test_without_a_clipboard_a_message_says_what_to_install(monkeypatch):
    def copy(_):
        raise desktop.pyperclip.PyperclipException("no xclip")

    monkeypatch.setattr(desktop.pyperclip, "copy", copy)
    assert "install xclip" in desktop.copy("HELLO")


def test_a_clipboard_s_own_reason_is_passed_on(monkeypatch):
    def copy(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(desktop.pyperclip, "copy", copy)
    assert desktop.copy("HELLO") == "The clipboard does not work: [Errno 13] Permission denied"
