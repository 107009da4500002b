"""The desktop's clipboard, and its voice if one is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from typing import Final

import pyperclip  # type: ignore[import-untyped]

VOICES: Final = ("spd-say", "espeak-ng", "espeak", "say")
"""Programs of Linux and macOS that read aloud."""
START_SECONDS: Final = 0.2
"""Time in which a voice that cannot speak has ended; the window waits for it."""
POWERSHELL: Final = (
    "Add-Type -AssemblyName System.Speech; "
    "(New-Object System.Speech.Synthesis.SpeechSynthesizer).Speak([Console]::In.ReadToEnd())"
)


def copy(text: str) -> str:
    """Copy text to the clipboard; returns a message that says whether it worked."""
    try:
        pyperclip.copy(text)
    except pyperclip.PyperclipException:
        return "No clipboard available: install xclip or wl-clipboard"
    except OSError as error:
        return f"The clipboard does not work: {error}"
    return "Copied"


def speak(text: str) -> str:
    """Start reading text aloud, as words; returns a message that says whether it worked."""
    if not text.strip():
        return "Nothing to read aloud yet"
    for program in VOICES:
        if path := shutil.which(program):
            return _start([path, "--", text.lower()], program)
    if sys.platform == "win32":
        voice = subprocess.Popen(["powershell", "-NoProfile", "-Command", POWERSHELL], stdin=subprocess.PIPE, text=True)
        if voice.stdin is not None:
            voice.stdin.write(text.lower())
            voice.stdin.close()
        return "Speaking"
    return "No voice is installed: install espeak-ng or speech-dispatcher"


def _start(command: list[str], program: str) -> str:
    """Start a voice; returns its own reason if it ends with an error at once."""
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        voice = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        try:
            status = voice.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            return "Speaking"
        if not status:
            return "Speaking"
        said.seek(0)
        reason = (said.read().strip() or f"exit status {status}").splitlines()[-1]
        return f"{program} cannot speak: {reason}"
