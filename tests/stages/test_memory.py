"""Memory that a step frees is kept for the next one."""

from __future__ import annotations

import subprocess
import sys

import pytest

STEPS = """
import resource
import sys
import torch
from stages.training.memory import keep_freed_memory

if sys.argv[1] == "keep":
    keep_freed_memory()
for _ in range(20):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    a = torch.ones(40, 1 << 20)
    b = a + 1
    del a, b
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(mode):
    """Fresh pages that the last of 20 equal steps asked the kernel for."""
    done = subprocess.run([sys.executable, "-c", STEPS, mode], capture_output=True, text=True, check=True, timeout=120)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt is glibc's")
def test_a_step_takes_no_fresh_pages():
    assert page_faults("leave") > 1000, "320 MB of fresh pages at each step"
    assert page_faults("keep") < 100
