"""The desktop's clipboard, and its voice if one is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import Final

import pyperclip  # type: ignore[import-untyped]

VOICES: Final = ("spd-say", "espeak-ng", "espeak", "say")
"""Programs of Linux and macOS that read aloud."""
POWERSHELL: Final = (
    "Add-Type -AssemblyName System.Speech; "
    "(New-Object System.Speech.Synthesis.SpeechSynthesizer).Speak([Console]::In.ReadToEnd())"
)


def copy(text: str) -> str:
    """Copy text to the clipboard; returns a message that says whether it worked."""
    try:
        pyperclip.copy(text)
    except (pyperclip.PyperclipException, OSError):
        return "No clipboard available: install xclip or wl-clipboard"
    return "Copied"


def speak(text: str) -> str:
    """Start reading text aloud, as words; returns a message that says whether it worked."""
    if not text.strip():
        return "Nothing to read aloud yet"
    for program in VOICES:
        if path := shutil.which(program):
            subprocess.Popen([path, "--", text.lower()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return "Speaking"
    if sys.platform == "win32":
        voice = subprocess.Popen(["powershell", "-NoProfile", "-Command", POWERSHELL], stdin=subprocess.PIPE, text=True)
        if voice.stdin is not None:
            voice.stdin.write(text.lower())
            voice.stdin.close()
        return "Speaking"
    return "No voice is installed: install espeak-ng or speech-dispatcher"
