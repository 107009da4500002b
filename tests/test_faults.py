"""The faults script on a tiny pipeline: it kills and fills the disk in time, and finds what is wrong afterwards."""

from __future__ import annotations

import sys
from functools import partial

import pytest

from faults.__main__ import table, with_table
from faults.cases import Case, fill_disk, kill_all, kill_stage, run_case
from faults.checkout import Checkout, differences
from faults.processes import message_of

OUT = "data/raw/synthetic.npz"
STAGE = """
import sys, time
from pathlib import Path

out = Path("data/raw/synthetic.npz")
partial = out.with_name(".synthetic.npz.partial")
if out.exists():
    sys.exit()
out.parent.mkdir(parents=True, exist_ok=True)
time.sleep(5)
try:
    partial.write_bytes(b"x" * 200_000)
    time.sleep(0.5)
    partial.replace(out)
except OSError:
    sys.exit("error: no space left on the disk. Free some space and run the command again.")
finally:
    partial.unlink(missing_ok=True)
"""
FAULTS = {
    "killed": partial(kill_stage, "synthesize", "", 0),
    "power": partial(kill_all, "synthesize"),
    "disk": partial(fill_disk, "synthesize", "", 16),
}


@pytest.fixture
def checkout(tmp_path):
    """A folder with one stage, which `make repro` runs if its output is missing."""
    folder = tmp_path / "checkout"
    (folder / "stages").mkdir(parents=True)
    (folder / "stages/synthesize.py").write_text(STAGE)
    (folder / "Makefile").write_text(f"repro:\n\t@{sys.executable} -m stages.synthesize\n")
    (folder / "dvc.lock").write_text(f"stages: {{synthesize: {{outs: [{{path: {OUT}}}]}}}}\n")
    (folder / OUT).parent.mkdir(parents=True)
    (folder / OUT).write_bytes(b"x" * 200_000)
    made = Checkout(folder, tmp_path / "finished")
    made.keep()
    return made


@pytest.mark.parametrize("fault", FAULTS)
def test_a_pipeline_that_loses_nothing_is_right(checkout, fault):
    expected = checkout.results()
    assert list(expected["files"]) == [OUT]
    row = run_case(Case(fault, fault, partial(FAULTS[fault], fault, fault)), checkout, expected)
    if row.verdict == "skipped":
        pytest.skip(row.why)
    assert (row.verdict, row.why) == ("right", "")
    assert row.same
    assert row.status
    assert row.again == 0
    assert row.seen.startswith("no space left" if fault == "disk" else "")


def test_other_results_are_wrong(checkout):
    other = {"files": {OUT: "another hash"}, "numbers": {}, "registry": {}}
    row = run_case(Case("power", "power", partial(FAULTS["power"], "power", "power")), checkout, other)
    assert row.verdict == "wrong"
    assert f"other results: files: {OUT}" in row.why
    assert f"| power |  | -9 | 0, other results | wrong: other results: files: {OUT} |" in table([row])


def test_a_stage_that_has_ended_before_the_fault_came_counts_as_wrong(checkout):
    late = partial(kill_stage, "synthesize", "data/never", 0)
    row = run_case(Case("late", "late", partial(late, "late", "late")), checkout, checkout.results())
    assert row.verdict == "wrong"
    assert "ended before the fault came" in row.why


def test_differences_are_named():
    assert differences({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}, "d": 4}) == ["a: c", "d"]


def test_the_message_is_found_behind_a_progress_bar():
    assert message_of("50%|##  |ERROR: failed to run\nmake: *** Error 255") == "failed to run"
    assert message_of("ERROR: failed to run\nerror: no space left.") == "no space left."
    assert message_of("Killed") == ""


def test_a_table_replaces_the_previous_one():
    page = "before\n<!-- table -->\nold\n<!-- end of table -->\nafter\n"
    assert with_table(page, "new\n") == "before\n<!-- table -->\nnew\n<!-- end of table -->\nafter\n"
