"""Which committed figures to compare with: a release's, or an earlier version's; read from git."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stages.errors import InputError
from stages.registry.git import GitError, run_git
from stages.registry.results import REPORTS, TEST_REPORT

if TYPE_CHECKING:
    from pathlib import Path

RELEASES: Final = "v*"
"""Pattern of the tags that make a release."""
NEWEST_FIRST: Final = ("--sort=-version:refname", "--sort=-creatordate")
COMPARED: Final = (TEST_REPORT.as_posix(), f"{REPORTS.as_posix()}/people", f"{REPORTS.as_posix()}/*/metrics.json")
"""The reports whose figures are compared, as git's patterns."""


@dataclass(frozen=True)
class Base:
    """A commit whose figures others are compared with."""

    what: str
    """What it is, for people."""
    commit: str
    """Full hash."""

    def read(self, path: Path) -> bytes | None:
        """Read a file as it was committed; None if the commit has no such file.

        Raises:
            InputError: git cannot read it.
        """
        try:
            listed = run_git("ls-tree", self.commit, "--", path.as_posix())
            return run_git("show", f"{self.commit}:./{path.as_posix()}") if listed else None
        except GitError as error:
            raise _unreadable(error) from None


def named_base(revision: str) -> Base:
    """Find the revision that a person named.

    Raises:
        InputError: git does not know it, or cannot read the clone.
    """
    try:
        commit = _line("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    except GitError as error:
        if not error.finds_nothing:
            raise _unreadable(error) from None
        raise InputError(
            f"BASE={revision}: git knows no such commit ({error}). Name another, or fetch it: git fetch --tags origin"
        ) from None
    return Base(revision, commit)


def choose_bases() -> tuple[list[Base], str]:
    """Choose what to compare with, if nobody named a revision.

    That is HEAD, if a run has written other reports since, and the last release before HEAD; or, without either, the
    version of the reports that was committed before the present one.

    Returns:
        The bases, and a sentence on why there are none or fewer than there could be; "" if there is nothing to say.

    Raises:
        InputError: git cannot read the clone.
    """
    try:
        head = _line("rev-parse", "--verify", "HEAD")
        changed = _line("status", "--porcelain", "--untracked-files=no", "--", *COMPARED)
        tags = _lines("tag", "--merged", head, "--no-contains", head, *NEWEST_FIRST, "--list", RELEASES)
        versions = _lines("log", "-2", "--format=%H", "--", TEST_REPORT.as_posix())
        shallow = _line("rev-parse", "--is-shallow-repository") == "true"
        bases = [Base("the reports committed last", head)] if changed else []
        if tags:
            bases.append(Base(f"the last release, {tags[0]}", _line("rev-parse", f"{tags[0]}^{{commit}}")))
    except GitError as error:
        if not error.finds_nothing:
            raise _unreadable(error) from None
        return [], f"git shows no committed figures here ({error}), so there is nothing to compare with."
    if not bases and len(versions) > 1:
        bases = [Base("the reports committed before these", versions[1])]
    if not tags and shallow:
        return bases, (
            "This clone is shallow, so earlier figures are missing. To compare with them: git fetch --unshallow --tags"
        )
    if not bases:
        return [], f"git has no release ({RELEASES}) and no earlier {TEST_REPORT}, so there is nothing to compare with."
    return bases, ""


def _unreadable(error: GitError) -> InputError:
    return InputError(f"git cannot read this clone ({error}). Do as it says, and run again.")


def _lines(*arguments: str) -> list[str]:
    return run_git(*arguments).decode("utf-8", "replace").split("\n")[:-1]


def _line(*arguments: str) -> str:
    """The first line, or "" if git prints nothing."""
    return next(iter(_lines(*arguments)), "")
