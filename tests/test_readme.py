"""README and docs are true: their tasks, modules, commands and files exist, and their figures are in the reports."""

from __future__ import annotations

import importlib
import importlib.util
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


def show_help(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


def test_the_first_block_of_the_readme_is_two_commands():
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
    result = show_help(module)
    assert result.returncode == 0, result.stderr
    assert "usage" in result.stdout.lower()


@pytest.mark.parametrize("command", DVC_COMMANDS)
def test_every_dvc_command_exists(command):
    result = show_help("dvc", *command.split())
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", [*REQUIREMENTS, *ROOMS, "LICENSE"])
def test_every_file_and_folder_exists(name):
    assert (ROOT / name).exists()


def test_every_link_into_the_checkout_has_a_target():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    missing = [link for link in links if not (ROOT / link).exists()]
    assert not missing


def test_every_parameter_in_the_pages_is_in_params_yaml():
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    named = {*re.findall(r"-S (\w+)\.(\w+)=", CODE), *re.findall(r"^(preprocess)\.(\w+)$", CODE, re.MULTILINE)}
    assert ("preprocess", "raw") in named
    missing = {f"{section}.{name}" for section, name in named if name not in params[section]}
    assert not missing


def committed(path):
    """Read a report as committed: `make repro` may have replaced it in the working tree."""
    shown = subprocess.run(["git", "show", f":{path}"], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(shown.stdout)


@pytest.mark.parametrize(
    ("row", "network"),
    [("CustomCNN (champion)", "custom_cnn"), ("CustomMobileNetV2", "mobilenet_v2"), ("CustomResNet18", "resnet18"),
     ("for reference: MLP on the landmarks", "landmark_mlp")],
)  # fmt: skip
def test_the_accuracies_in_the_readme_are_the_committed_ones(row, network):
    scores, metrics = (
        committed("reports/evaluation.json")["networks"][network],
        committed(f"reports/{network}/metrics.json"),
    )
    sources = [source["accuracy"] for source in scores["sources"].values()]
    low, high = scores["interval"]
    cells = [f"{scores['mean']:.3f} ({low:.3f}-{high:.3f})", f"{min(sources):.3f}", f"{max(sources):.3f}"]
    cells += [f"{metrics['f1']:.3f}"]
    if "latency_ms_median" in metrics:
        cells += [f"{metrics['latency_ms_median']:.1f} ms", f"{metrics['size_mib']:.1f} MiB"]
    assert f"| {row} | {' | '.join(cells)} |" in README


@pytest.mark.parametrize(("mode", "column"), [("at its own pace", 1), ("--fast", 2)])
def test_the_speeds_in_the_page_of_the_client_are_the_committed_ones(mode, column):
    run = committed("reports/bench_client.json")[mode]
    total = run["ms"]["captured to drawn"]
    lines = (ROOT / "docs/client.md").read_text().splitlines()
    rows = {cells[0].strip(): cells[column].strip() for line in lines if len(cells := line[2:].split("|")) > 3}
    assert rows["frames a second"] == f"{run['frames_per_second']:.1f}"
    assert rows["from captured to drawn, median (p95)"] == f"{total['median']:.1f} ms ({total['p95']:.1f})"
    assert rows["memory at most"] == f"{run['peak_mib']:.0f} MiB"


@pytest.mark.parametrize("benchmark", ["service", "smoothing", "engines", "train"])
def test_the_output_of_each_benchmark_is_in_a_page(benchmark):
    printed = importlib.import_module(f"benchmarks.{benchmark}").as_text(committed(f"reports/bench_{benchmark}.json"))
    missing = [line for line in printed.splitlines() if line.rstrip() not in PAGES]
    assert not missing


def test_every_message_is_in_its_page():
    command = [sys.executable, "scripts/list_messages.py"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == (ROOT / "docs/messages.md").read_text(), "they have changed: make messages"


def test_messages_of_every_class_below_a_root_exception_are_listed():
    spec = importlib.util.spec_from_file_location("list_messages", ROOT / "scripts/list_messages.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    away = 'raise errors.AwayError(f"{path}: is away. Start it.")\nraise OtherError("Not one of ours.")'
    errors = script.find_errors(["class AwayError(errors.StoreError): ...", "class StoreError(PipelineError): ..."])
    assert errors == {"ClientError", "PipelineError", "ServiceError", "StoreError", "AwayError"}
    assert script.find_messages(away, errors) == ["{path}: is away. Start it."]
