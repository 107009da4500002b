"""How many cores this process may use; `stages` counts them here, too."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def usable_cores(root: Path = Path("/")) -> int:
    """Count the cores this process may use: fewer than the machine has under `taskset` or a container's limit.

    More threads than that only wait for each other. Of a group of processes and all groups that it is in, the least
    limit holds: https://docs.kernel.org/admin-guide/cgroup-v2.html

    Args:
        root: where Linux has `proc/` and `sys/`.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([cores, *(max(1, math.ceil(limit)) for limit in _limits(root))])


def _limits(root: Path) -> Iterator[float]:
    """Read how many cores' time the groups of this process may use, those that have a limit."""
    for folder in _groups(root):
        with suppress(OSError, ValueError):  # a group without a limit has no such file, or "max" in it
            quota, period = (folder / "cpu.max").read_text().split()
            yield int(quota) / int(period)
        with suppress(OSError, ValueError):  # version 1 of the interface; -1 is no limit
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
            if int(quota) > 0:
                yield int(quota) / int(period)


def _groups(root: Path) -> Iterator[Path]:
    """List the folders of the groups that this process is in, with those above them; some do not exist.

    A container often sees its own group as the top one, whatever `proc/self/cgroup` calls it.
    """
    with suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, group = line.split(":", 2)
            if controllers and "cpu" not in controllers.split(","):
                continue
            for mount in ("sys/fs/cgroup", f"sys/fs/cgroup/{controllers}", "sys/fs/cgroup/cpu"):
                inner = Path(group).relative_to("/")
                yield from (root / mount / above for above in (inner, *inner.parents))
