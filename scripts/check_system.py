"""What the environment needs of the machine, checked before anything is installed.

Runs on a bare Python 3.11 or 3.12: only the standard library is imported.
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
"""Where mediapipe and torch both publish files; Windows goes through WSL."""
LIBRARIES: Final = ("libGL.so.1", "libgthread-2.0.so.0")
"""Shared libraries that OpenCV with windows needs of a Linux system."""
MIN_FREE_GB: Final = 12.0
"""The environment takes 7 GB; the rest is room to unpack, and for data and models."""


def platform_problem(system: str, machine: str) -> str | None:
    """Say what is wrong where a pinned package has no file for this system and processor."""
    if (system, machine) in PLATFORMS:
        return None
    return (
        f"there are no packages for {system} on {machine}. "
        "Use Linux on x86_64 (on Windows: WSL) or macOS on Apple silicon with a native Python."
    )


def venv_problem(version: str) -> str | None:
    """Say what is wrong where this Python cannot make a virtual environment, as Debian's own cannot at first."""
    if all(importlib.util.find_spec(module) for module in ("venv", "ensurepip")):
        return None
    return (
        f"{sys.executable} cannot make a virtual environment. Type: apt-get install python{version}-venv "
        "(with sudo, unless you are root), and run the same command again."
    )


def library_problem(names: tuple[str, ...]) -> str | None:
    """Say what is wrong where a shared library cannot be loaded."""
    missing = [name for name in names if not _loads(name)]
    if not missing:
        return None
    return (
        f"OpenCV needs {' and '.join(missing)}, which this system does not have. "
        "Type: apt-get install libgl1 libglib2.0-0 (with sudo, unless you are root), and run the same command again."
    )


def disk_problem(folder: Path, min_free_gb: float) -> str | None:
    """Say what is wrong where `folder` has less than `min_free_gb` (10^9 bytes) free.

    What an interrupted installation left in `folder/.venv` counts as free: it need not be written again.
    """
    installed = sum(file.lstat().st_size for file in (folder / ".venv").rglob("*") if file.is_file())
    free_gb = (shutil.disk_usage(folder).free + installed) / 1e9
    if free_gb >= min_free_gb:
        return None
    return (
        f"{folder} has {free_gb:.0f} GB free and the environment needs {min_free_gb:g} GB. "
        "Free some space, clone to a larger disk, or try all the same with MIN_FREE_GB=0, and run the command again."
    )


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def main() -> None:
    """Exit with one sentence and status 1 at the first thing that is missing."""
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
