"""Remove DVC's list of locks if a full disk has truncated it: DVC writes it in place, and cannot start without it.

Only `.dvc/tmp/rwlock`, and only if it is not JSON. It names running processes, and no run can be using half a list.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from zc.lockfile import LockError, LockFile  # type: ignore[import-untyped]

LOCKS: Final = Path(".dvc/tmp/rwlock")
GUARD: Final = Path(".dvc/tmp/rwlock.lock")
"""Lock that DVC holds while it reads and writes the list."""


def main() -> None:
    """Fix the checkout in the working directory, and say so."""
    if not is_truncated(LOCKS):
        return
    try:
        guard = LockFile(str(GUARD))
    except LockError:
        return  # it is being written right now
    try:
        if is_truncated(LOCKS):
            LOCKS.unlink()
            sys.stderr.write(f"{LOCKS} was truncated by a full disk and has been removed; nothing else is lost.\n")
    finally:
        guard.close()


def is_truncated(path: Path) -> bool:
    """Whether there is a list that cannot be read."""
    try:
        json.loads(path.read_bytes())
    except FileNotFoundError:
        return False
    except ValueError:
        return True
    return False


if __name__ == "__main__":
    main()
