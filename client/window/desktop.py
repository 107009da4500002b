"""What the client asks of the desktop: the clipboard, and a voice where one is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import Final

import pyperclip  # type: ignore[import-untyped]

VOICES: Final = (("spd-say", "--"), ("espeak-ng", "--"), ("espeak", "--"), ("say", "--"))
"""Programs that read aloud, with the argument after which the text stands: Linux's and macOS's."""
POWERSHELL: Final = (
    "Add-Type -AssemblyName System.Speech; "
    "(New-Object System.Speech.Synthesis.SpeechSynthesizer).Speak([Console]::In.ReadToEnd())"
)


def copy(text: str) -> str:
    """Put text on the clipboard; returns a sentence on how it went."""
    try:
        pyperclip.copy(text)
    except (pyperclip.PyperclipException, OSError):
        return "No clipboard to be had: install xclip or wl-clipboard"
    return "Copied"


def speak(text: str) -> str:
    """Begin to read text aloud, letters as a word; returns a sentence on how it went."""
    if not text.strip():
        return "Nothing to read aloud yet"
    for program, separator in VOICES:
        if path := shutil.which(program):
            subprocess.Popen([path, separator, text.lower()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return "Speaking"
    if sys.platform == "win32":
        voice = subprocess.Popen(["powershell", "-NoProfile", "-Command", POWERSHELL], stdin=subprocess.PIPE, text=True)
        if voice.stdin is not None:
            voice.stdin.write(text.lower())
            voice.stdin.close()
        return "Speaking"
    return "No voice is installed: install espeak-ng or speech-dispatcher"
