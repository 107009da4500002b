"""The workflows run tasks and files that exist, with no more rights than they need."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
MAKEFILE = (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_step_names_existing_tasks_and_files_and_rights_are_minimal(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert all(job["timeout-minutes"] for job in workflow["jobs"].values())
    commands = "\n".join(step.get("run", "") for step in steps)
    for task in re.findall(r"\bmake ([a-z-]+)", commands):
        assert re.search(rf"^{task}:.*## ", MAKEFILE, re.MULTILINE), task
    for file in re.findall(r"(?:^|\s)(\.ci/\w+|requirements/\w+\.txt)", commands):
        assert (ROOT / file).is_file(), file
    unpinned = [line for line in path.read_text().splitlines() if "uses: " in line and not PINNED.search(line)]
    assert not unpinned


def test_every_workflow_is_there():
    assert {path.stem for path in WORKFLOWS} == {"ci", "repro", "container", "release", "audit"}
