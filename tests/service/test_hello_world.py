"""A real hand spells HELLOWORLD, and the client and the service recognise it: at its own pace and fast."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from serving import ROOT

from benchmarks.service import serve


@pytest.fixture(scope="module")
def service(shipped_model):
    with serve(shipped_model) as (host, _):
        yield f"http://{host}"


@pytest.mark.slow
@pytest.mark.parametrize("pace", [["--fast"], pytest.param([], marks=pytest.mark.serial)], ids=["fast", "its own"])
def test_a_real_hand_is_recognised(service, shared, pace):
    done = subprocess.run(
        [sys.executable, "-m", "client", "--source", str(shared / "data/helloworld.mp4"), "--server", service, "--text",
         *pace],
        cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "HELLOWORLD\n", "")
