"""The folder with the profiles of the people who use this computer, and which one was used last."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from client.errors import ClientError
from client.profile.profile_file import SUFFIX, Profile, read_profile, write_whole

LAST: Final = "last"
"""File in the folder with the path of the profile that was used last."""


@dataclass(frozen=True)
class Person:
    """Somebody whose profile can be chosen."""

    name: str
    path: Path


def profile_folder() -> Path:
    """Give the folder of this user's profiles, whether it exists or not."""
    if own := os.environ.get("XDG_DATA_HOME"):  # usual on Linux, and heeded everywhere
        base = Path(own)
    elif sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path.home() / ".local" / "share"
    return base / "fingerspell"


def find_profile(name: str) -> Path:
    """Find the file of a name: a file, or one of that name in the folder, with its suffix or without.

    Returns:
        The path, which exists unless there is no such file anywhere.
    """
    path = Path(name)
    if path.is_file() or path.name != name:
        return path
    places = [profile_folder() / name, profile_folder() / f"{name}{SUFFIX}", Path(f"{name}{SUFFIX}")]
    return next((place for place in places if place.is_file()), path)


def list_people() -> list[Person]:
    """List the people in the folder by name; files that cannot be read are left out."""
    people = []
    for path in sorted(profile_folder().glob(f"*{SUFFIX}")):
        try:
            people.append(Person(read_profile(path).name, path))
        except ClientError:
            continue
    return sorted(people, key=lambda person: person.name.casefold())


def path_for(name: str) -> Path:
    """Give the path of a new person's file in the folder: after the name, and taken by nobody."""
    stem = re.sub(r"[^\w-]+", "-", name).strip("-").lower() or "hand"
    path, number = profile_folder() / f"{stem}{SUFFIX}", 2
    while path.exists():
        path, number = profile_folder() / f"{stem}-{number}{SUFFIX}", number + 1
    return path


def free_name(name: str) -> str:
    """Give a person's name, with a number if somebody in the folder has it already."""
    taken, number, free = {person.name for person in list_people()}, 2, name
    while free in taken:
        free, number = f"{name} {number}", number + 1
    return free


def remember(path: Path) -> None:
    """Keep in mind that this profile was used last."""
    write_whole(profile_folder() / LAST, f"{path.absolute()}\n")


def last_used() -> Path | None:
    """Find the profile that was used last; None if there is none or it is gone."""
    try:
        path = Path((profile_folder() / LAST).read_text(encoding="utf-8").strip())
    except (OSError, ValueError):
        return None
    return path if path.is_file() else None


def forget(path: Path) -> str:
    """Delete a profile, and return the name of the person.

    Raises:
        ClientError: it is not a profile, or cannot be deleted.
    """
    profile: Profile = read_profile(path)
    try:
        path.unlink()
        if last_used() is None:
            (profile_folder() / LAST).unlink(missing_ok=True)
    except OSError as error:
        raise ClientError(
            f"{path}: cannot be deleted ({error.strerror}). Check that you may write to its folder, and delete it."
        ) from error
    return profile.name
