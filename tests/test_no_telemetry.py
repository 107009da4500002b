"""Nothing sends usage reports: ONNX Runtime does by default, and keeps a file of what it has not sent yet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RUN = """
import sys, tempfile
from pathlib import Path
import {module}
import onnxruntime
sys.path.insert(0, "tests/service")
from serving import write_model
with tempfile.TemporaryDirectory() as folder:
    onnxruntime.InferenceSession(write_model(Path(folder) / "model.onnx"))
"""


@pytest.mark.parametrize("module", ["service.recogniser", "stages.evaluation.networks", "stages.export.onnx"])
def test_every_module_that_loads_onnx_runtime_switches_its_reports_off(tmp_path, module):
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / ".cache")}
    subprocess.run(
        [sys.executable, "-c", RUN.format(module=module)], cwd=ROOT, env=environment, check=True, timeout=120
    )
    assert not [path for path in tmp_path.rglob("*") if "onnxruntime" in path.name.lower()]
