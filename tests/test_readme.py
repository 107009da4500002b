"""The README and the pages in docs/ say what is so: their tasks, modules, commands and files exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
PAGES = "\n".join([README, *(path.read_text() for path in sorted((ROOT / "docs").glob("*.md")))])
FENCED = re.findall(r"^```[a-z]*\n(.*?)^```", PAGES, re.DOTALL | re.MULTILINE)
CODE = "\n".join(
    [*FENCED, *re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", PAGES, flags=re.DOTALL | re.MULTILINE))]
)

TASKS = sorted(set(re.findall(r"^\s*make ([a-z-]+)", CODE, re.MULTILINE)))
MODULES = sorted(set(re.findall(r"python3? -m ([\w.]+)", CODE)))
DVC_COMMANDS = sorted(set(re.findall(r"^dvc ((?:[a-z]+)(?: (?:show|diff|run))?)", CODE, re.MULTILINE)))
REQUIREMENTS = sorted(set(re.findall(r"requirements/\w+\.txt", CODE)))
ROOMS = re.findall(r"^\| `([\w/.]+/)` \|", README, re.MULTILINE)


def help_of(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


def test_the_first_thing_to_type_is_two_commands():
    assert FENCED[0] == "make repro\nmake test\n"


def test_the_patterns_find_something():
    assert {"repro", "test", "serve", "client", "ui"} <= set(TASKS)
    assert {"client", "stages.import_photos"} <= set(MODULES)
    assert {"metrics show", "params diff", "exp run"} <= set(DVC_COMMANDS)
    assert len(ROOMS) >= 4


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_in_the_makefile(task):
    assert re.search(rf"^{task}:.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_shows_its_help(module):
    result = help_of(module)
    assert result.returncode == 0, result.stderr
    assert "usage" in result.stdout.lower()


@pytest.mark.parametrize("command", DVC_COMMANDS)
def test_every_dvc_command_exists(command):
    result = help_of("dvc", *command.split())
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", [*REQUIREMENTS, *ROOMS, "LICENSE"])
def test_every_file_and_folder_is_there(name):
    assert (ROOT / name).exists()


def test_every_link_into_the_checkout_leads_somewhere():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    missing = [link for link in links if not (ROOT / link).exists()]
    assert not missing


def test_every_parameter_it_names_is_in_params_yaml():
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    named = {*re.findall(r"-S (\w+)\.(\w+)=", CODE), *re.findall(r"^(preprocess)\.(\w+)$", CODE, re.MULTILINE)}
    assert ("preprocess", "raw") in named
    missing = {f"{section}.{name}" for section, name in named if name not in params[section]}
    assert not missing
