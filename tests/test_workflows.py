"""The workflows run tasks and files that exist, with no more rights than they need."""

from __future__ import annotations

import os
import re
import subprocess
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


@pytest.mark.parametrize(
    ("name", "what_follows"), [("repro", None), ("release", "gh release create"), ("container", "make container")]
)
def test_what_a_run_trained_is_compared_before_anything_is_made_of_it(name, what_follows):
    (job,) = yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text())["jobs"].values()
    steps = job["steps"]
    checkout = next(step for step in steps if step.get("uses", "").startswith("actions/checkout@"))
    assert checkout["with"]["fetch-depth"] == 0, "the last release's figures are in git's history"
    commands = [step.get("run", "") for step in steps]
    trained = commands.index("make repro")
    check = steps[trained + 1]
    assert 'model=$(.ci/last_release "$RUNNER_TEMP")\n' in check["run"]
    assert 'MODEL="$model"' in check["run"]
    assert check["shell"] == "bash", "GitHub sets pipefail only if the shell is named, and `tee` would hide a fall"
    assert not check.get("continue-on-error")
    assert "if" not in check
    if what_follows:
        assert any(what_follows in command for command in commands[trained + 2 :])


def test_a_pull_request_is_compared_with_the_branch_that_it_is_for():
    (job,) = yaml.safe_load((ROOT / ".github/workflows/repro.yml").read_text())["jobs"].values()
    (check,) = (step for step in job["steps"] if "make check-figures" in step.get("run", ""))
    assert check["env"]["BASE"] == "origin/${{ github.base_ref }}", "its own commits may hold fallen figures"
    assert 'BASE="$BASE"' in check["run"]


def test_ci_compares_the_committed_figures_with_all_of_the_history():
    assert "\nmake check-figures\n" in (ROOT / ".ci/run").read_text()
    steps = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["linux"]["steps"]
    assert steps[0]["with"]["fetch-depth"] == 0


GH = """#!/bin/sh
# In place of GitHub's gh, which needs the network.
echo "$@" >> "$CALLS"
[ "$2" = list ] || exit 0
[ "$RELEASES" != none-reached ] || { echo "error connecting to api.github.com" >&2; exit 4; }
printf '%s' "$RELEASES"
"""


@pytest.mark.parametrize(
    ("releases", "own", "status", "printed"),
    [
        ("v1.2\nv1.1\n", "", 0, "folder/bento-v1.2.tar.gz\n"),
        ("v1.2\nv1.1\n", "v1.2", 0, "folder/bento-v1.1.tar.gz\n"),
        ("v1.2\n", "v1.2", 0, ""),
        ("", "", 0, ""),
        ("none-reached", "", 4, ""),
    ],
)
def test_the_last_release_is_downloaded_and_its_absence_is_no_error(tmp_path, releases, own, status, printed):
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    calls = tmp_path / "calls"
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "CALLS": str(calls), "RELEASES": releases}
    if own:
        environment |= {"GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": own}
    command = [ROOT / ".ci/last_release", "folder"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (status, printed)
    if printed:
        tag = printed.removeprefix("folder/bento-").removesuffix(".tar.gz\n")
        download = f"release download {tag} --pattern bento-{tag}.tar.gz --dir folder --clobber"
        assert calls.read_text().splitlines()[1:] == [download]
    else:
        assert ("There is no release yet" in done.stderr) == (status == 0)
