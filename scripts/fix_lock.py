"""Remove DVC's list of locks where a full disk has cut it off: DVC writes it in place, and reads it first of all.

Only `.dvc/tmp/rwlock`, and only where it is no JSON: it names running processes, and no run is busy with half a list.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from zc.lockfile import LockError, LockFile  # type: ignore[import-untyped]

LOCKS: Final = Path(".dvc/tmp/rwlock")
GUARD: Final = Path(".dvc/tmp/rwlock.lock")
"""What DVC holds while it reads and writes the list."""


def main() -> None:
    """Mend the checkout in the working directory, and say so."""
    if not is_cut_off(LOCKS):
        return
    try:
        guard = LockFile(str(GUARD))
    except LockError:
        return  # it is being written at this moment
    try:
        if is_cut_off(LOCKS):
            LOCKS.unlink()
            sys.stderr.write(f"{LOCKS} was cut off by a full disk and is removed; nothing else is lost.\n")
    finally:
        guard.close()


def is_cut_off(path: Path) -> bool:
    """Tell whether there is a list that cannot be read."""
    try:
        json.loads(path.read_bytes())
    except FileNotFoundError:
        return False
    except ValueError:
        return True
    return False


if __name__ == "__main__":
    main()
