"""Check what the environment needs from the machine before anything is installed.

Runs on a bare Python 3.11 or 3.12: it imports only the standard library.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import platform
import shutil
import sys
from pathlib import Path
from typing import Final

PLATFORMS: Final = (("Linux", "x86_64"), ("Darwin", "arm64"))
"""Systems and processors for which both mediapipe and torch publish files; on Windows, use WSL."""
LIBRARIES: Final = ("libGL.so.1", "libgthread-2.0.so.0")
"""Shared libraries that OpenCV needs on Linux to open windows."""
MIN_FREE_GB: Final = 12.0
"""The environment takes 7 GB; the rest is for unpacking, data and models."""


def platform_problem(system: str, machine: str) -> str | None:
    """Return what is wrong if a pinned package has no file for this system and processor."""
    if (system, machine) in PLATFORMS:
        return None
    return (
        f"there are no packages for {system} on {machine}. "
        "Use Linux on x86_64 (on Windows: WSL) or macOS on Apple silicon with a native Python."
    )


def venv_problem(version: str) -> str | None:
    """Return what is wrong if this Python cannot make a virtual environment, as a fresh Debian's cannot."""
    if all(importlib.util.find_spec(module) for module in ("venv", "ensurepip")):
        return None
    return (
        f"{sys.executable} cannot make a virtual environment. Type: apt-get install python{version}-venv "
        "(with sudo, unless you are root), and run the same command again."
    )


def library_problem(names: tuple[str, ...]) -> str | None:
    """Return what is wrong if a shared library cannot be loaded."""
    missing = [name for name in names if not _loads(name)]
    if not missing:
        return None
    return (
        f"OpenCV needs {' and '.join(missing)}, which this system does not have. "
        "Type: apt-get install libgl1 libglib2.0-0 (with sudo, unless you are root), and run the same command again."
    )


def disk_problem(folder: Path, min_free_gb: float) -> str | None:
    """Return what is wrong if `folder` has less than `min_free_gb` (10^9 bytes) free.

    Files that an interrupted installation left in `folder/.venv` count as free: they need not be written again.
    """
    installed = sum(file.lstat().st_size for file in (folder / ".venv").rglob("*") if file.is_file())
    free_gb = (shutil.disk_usage(folder).free + installed) / 1e9
    if free_gb >= min_free_gb:
        return None
    return (
        f"{folder} has {free_gb:.0f} GB free and the environment needs {min_free_gb:g} GB. "
        "Free some space, clone to a larger disk, or skip this check with MIN_FREE_GB=0, and run the command again."
    )


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def main() -> None:
    """Exit with status 1 and a message if anything is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--min-free-gb", type=float, default=MIN_FREE_GB)
    parser.add_argument("--folder", type=Path, default=Path.cwd())
    arguments = parser.parse_args()
    system = platform.system()
    problem = (
        platform_problem(system, platform.machine())
        or venv_problem(f"{sys.version_info.major}.{sys.version_info.minor}")
        or (library_problem(LIBRARIES) if system == "Linux" else None)
        or disk_problem(arguments.folder, arguments.min_free_gb)
    )
    if problem:
        sys.exit(f"error: {problem}")


if __name__ == "__main__":
    main()
