"""The pipeline's root exception and how a stage's door turns it into an exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class PipelineError(Exception):
    """Something the user can mend: the message says what, where, and the next step."""


def run_door(main: Callable[[], None]) -> None:
    """Run a stage; exit with status 1 and one sentence where it raises `PipelineError`, with 130 on Ctrl-C."""
    try:
        main()
    except PipelineError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.errno == 28:
            sys.exit(f"error: no space left on the disk ({error.filename}). Free some space and run the command again.")
        raise
    except KeyboardInterrupt:
        sys.exit(130)
