"""A short run of the service's benchmark: every figure is there, and the line fit is right."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import service as bench

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))
from serving import write_model


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    model = write_model(tmp_path_factory.mktemp("bench") / "model.onnx")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "STREAMS", (1, 2))
        patch.setattr(bench, "SECONDS_PER_KILL", 14.0)  # BentoML looks for dead workers every 10 s
        return bench.measure(model, seconds=0.5, rounds=1, kills=1, soak=0.0)


@pytest.mark.slow
def test_everything_is_measured_without_errors(report):
    assert {of["errors"] for of in (report["one_stream"], report["streams"], report["posts"], report["plain"])} == {0}
    assert all(of["rate"] > 0 for of in (*report["bare"].values(), report["one_stream"], report["streams"]))
    assert set(report["at_a_rate"]) == {"1", "2"}
    assert report["at_a_rate"]["2"]["sent"] == 10
    assert report["added_ms"] == pytest.approx(report["one_stream"]["p50_ms"] - report["bare"]["1"]["p50_ms"], abs=0.02)


def test_a_worker_that_is_killed_under_load_comes_back_and_no_reply_is_wrong(report):
    kills = report["kills"]
    assert (kills["kills"], kills["wrong"], kills["ready"]) == (1, 0, True)
    assert kills["reconnected"] == kills["streams"] == bench.CROWD
    assert 0 < kills["outage_s"][0] <= kills["outage_s"][1] < bench.SECONDS_PER_KILL


def test_the_report_is_json_and_its_table_fits_a_terminal(report):
    lines = bench.as_text(json.loads(json.dumps(report))).splitlines()
    assert max(len(line) for line in lines) <= 100
    assert any(line.startswith(f"{bench.CROWD} clients, plain FastAPI") for line in lines)


def test_a_line_is_fitted_with_its_error():
    x = np.arange(50.0)
    assert bench.fit_line(x, 3.0 * x + 7.0) == pytest.approx((3.0, 0.0), abs=1e-9)
    slope, error = bench.fit_line(x, np.random.default_rng(0).normal(size=50))
    assert abs(slope) < 3 * error
