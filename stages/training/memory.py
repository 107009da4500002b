"""How the C library keeps the memory of one training step for the next."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

M_TRIM_THRESHOLD: Final = -1
M_MMAP_MAX: Final = -4
NEVER: Final = 2**31 - 1
"""Bytes free at the heap's end before they are given back: more than ever are."""


def keep_freed_memory() -> None:
    """Let glibc keep what a step frees, instead of asking the kernel for fresh pages at each one.

    Fresh pages are cleared by the kernel when first touched, which took a third of a training step of MobileNetV2 at
    224 px. See mallopt(3). Other C libraries are left as they are.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, NEVER)
        mallopt(M_MMAP_MAX, 0)
