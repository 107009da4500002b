"""Files that appear whole or not at all, JSON files as models, and the hash of a file."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from stages.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Model = TypeVar("Model", bound=BaseModel)


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Name a temporary file beside `path`: it is renamed to `path` if the block succeeds and removed if it fails.

    The folder is created if it is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Name an empty folder beside `folder`: it replaces `folder` if the block succeeds and is removed if it fails."""
    partial, old = (folder.with_name(f".{folder.name}.{kind}") for kind in ("partial", "old"))
    for stale in (partial, old):
        shutil.rmtree(stale, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        # A rename alone cannot replace a folder that holds files.
        if folder.exists():
            folder.rename(old)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a small text file in UTF-8, atomically."""
    with atomic_write(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, each atomically."""
    for name, contents in files.items():
        with atomic_write(folder / name) as partial:
            partial.write_bytes(contents)


def read_model(model: type[Model], path: Path, command: str) -> Model:
    """Read a JSON file as a pydantic model.

    Args:
        model: what the file holds.
        path: the file.
        command: what writes the file again, for the error.

    Raises:
        InputError: the file is missing, damaged or holds something else.
    """
    try:
        return model.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path} is missing. Run: {command}") from None
    except (OSError, ValidationError) as error:
        raise InputError(f"{path}: cannot be read ({' '.join(str(error).split())[:200]}). Run: {command}") from None


def content_hash(path: Path) -> str:
    """SHA-256 of a file, as hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
