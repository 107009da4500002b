"""README and docs say what is so: their tasks, modules, commands and files exist, and figures are of the reports."""

from __future__ import annotations

import importlib
import json
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
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
ROOMS = re.findall(r"^\| `([\w/.]+/)` \|", ARCHITECTURE, re.MULTILINE)


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
    assert {"client", "stages.commands.import_photos"} <= set(MODULES)
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


def committed(path):
    """Read a report as it is committed: `make repro` may have written another one over it."""
    shown = subprocess.run(["git", "show", f":{path}"], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(shown.stdout)


@pytest.mark.parametrize(
    ("row", "network"),
    [("CustomCNN (champion)", "custom_cnn"), ("CustomMobileNetV2", "mobilenet_v2"), ("CustomResNet18", "resnet18"),
     ("for reference: MLP on the landmarks", "landmark_mlp")],
)  # fmt: skip
def test_the_exam_in_the_readme_is_the_committed_one(row, network):
    exam, metrics = committed("reports/exam.json")[network], committed(f"reports/{network}/metrics.json")
    sources = [source["accuracy"] for source in exam["sources"].values()]
    low, high = exam["interval"]
    cells = [f"{exam['mean']:.3f} ({low:.3f}-{high:.3f})", f"{min(sources):.3f}", f"{max(sources):.3f}"]
    cells += [f"{metrics['f1']:.3f}"]
    if "latency_ms_median" in metrics:
        cells += [f"{metrics['latency_ms_median']:.1f} ms", f"{metrics['size_mib']:.1f} MiB"]
    assert f"| {row} | {' | '.join(cells)} |" in README


@pytest.mark.parametrize(("mode", "column"), [("at its own pace", 1), ("--fast", 2)])
def test_the_speed_of_the_client_in_its_page_is_the_committed_one(mode, column):
    run = committed("reports/bench_client.json")[mode]
    total = run["ms"]["captured to drawn"]
    lines = (ROOT / "docs/client.md").read_text().splitlines()
    rows = {cells[0].strip(): cells[column].strip() for line in lines if len(cells := line[2:].split("|")) > 3}
    assert rows["frames a second"] == f"{run['frames_per_second']:.1f}"
    assert rows["from captured to drawn, median (p95)"] == f"{total['median']:.1f} ms ({total['p95']:.1f})"
    assert rows["memory at most"] == f"{run['peak_mib']:.0f} MiB"


@pytest.mark.parametrize("benchmark", ["service", "smoothing", "engines", "train"])
def test_what_a_benchmark_has_printed_stands_in_its_page(benchmark):
    printed = importlib.import_module(f"benchmarks.{benchmark}").as_text(committed(f"reports/bench_{benchmark}.json"))
    missing = [line for line in printed.splitlines() if line.rstrip() not in PAGES]
    assert not missing


def test_every_message_stands_in_its_page():
    command = [sys.executable, "scripts/list_messages.py"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == (ROOT / "docs/messages.md").read_text(), "they have changed: make messages"
