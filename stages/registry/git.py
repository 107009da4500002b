"""What git says of the checkout: its commit, whether sources differ from it, and why if it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Final

UNKNOWN: Final = "unknown"
SECONDS: Final = 60
"""Longest time that one command may take."""


class GitError(Exception):
    """What git said against a command, in one line."""

    @property
    def finds_nothing(self) -> bool:
        """Whether there is no repository or no such commit in it; if not, git could not look."""
        return any(words in str(self) for words in ("not a git repository", "Needed a single revision"))


@dataclass(frozen=True)
class Revision:
    """State of the source code."""

    commit: str
    """Full hash, or "unknown"."""
    dirty: str
    """"true" if tracked sources were changed since; or "unknown"."""


def run_git(*arguments: str) -> bytes:
    """Run git in the current folder; returns what it prints.

    Raises:
        GitError: it fails, is missing, or takes too long.
    """
    english = os.environ | {"LC_ALL": "C"}
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False, timeout=SECONDS, env=english)
    except (OSError, subprocess.SubprocessError) as error:
        raise GitError(str(error)) from None
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())
        raise GitError(said or f"git {arguments[0]}: exit status {done.returncode}")
    return done.stdout


def read_revision() -> Revision:
    """Ask for the commit and whether sources differ from it; reports and `dvc.lock` are outputs, not sources.

    If git does not say, a warning tells why, and both are "unknown".
    """
    try:
        commit = run_git("rev-parse", "--verify", "HEAD").decode().strip()
        changed = run_git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!reports", ":!dvc.lock")
    except GitError as error:
        sys.stderr.write(f"warning: git does not name the commit ({error}), so MLflow shows it as '{UNKNOWN}'.\n")
        return Revision(UNKNOWN, UNKNOWN)
    return Revision(commit, "true" if changed else "false")
