"""The pipeline's exceptions, and how a stage's door turns them into an exit code."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_FULL_NUMBERS: Final = (errno.ENOSPC, errno.EDQUOT)
_FULL_WORDS: Final = ("no space left on device", "disk is full", "disk quota exceeded")
"""How libraries and programs that write files themselves (sqlite, safetensors) report a full disk."""


class PipelineError(Exception):
    """Something the user can fix: the message says what, where, and the next step."""


class InputError(PipelineError):
    """Data, parameters or arguments are not what they should be; the same call fails again until they are corrected."""


class MaskVersionError(InputError):
    """A network was trained on other masks than this checkout draws, so it cannot be evaluated or served here."""


class StoreError(PipelineError):
    """A store (MLflow's, or the database of a search) cannot be used now; what is in it is kept."""


class ChampionMovedError(PipelineError):
    """Another version became the champion while this one was being compared; compare it again."""


def run_door(main: Callable[[], None]) -> None:
    """Run a stage; exit with status 1 and one sentence if it raises `PipelineError`, with 130 on Ctrl-C.

    A full disk is reported as such, whatever raised because of it.
    """
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if is_full(error):
            sys.exit(
                f"error: no space left on the disk{_place(error)}. Free some space and run the command again; what was "
                "finished before is kept."
            )
        if isinstance(error, PipelineError):
            sys.exit(f"error: {error}")
        raise


def is_full(error: BaseException | None) -> bool:
    """Whether an exception, or one that led to it, is due to a full disk."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL_NUMBERS:
            return True
        if any(words in str(error).lower() for words in _FULL_WORDS):
            return True
        error = error.__cause__ or error.__context__
    return False


def _place(error: Exception) -> str:
    """Name the file if the exception does; a failed write does not, but stages write to the checkout."""
    name = error.filename if isinstance(error, OSError) else None
    return f" ({name or Path.cwd()})"
