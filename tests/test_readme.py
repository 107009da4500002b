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

from benchmarks import gate
from benchmarks.films import FilmReport, as_text

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


def load_script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"scripts/{name}.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


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


@pytest.mark.parametrize("page", ["README.md", "docs/experiments.md"])
def test_the_accuracies_in_the_pages_are_the_committed_ones(page):
    text = (ROOT / page).read_text()
    assert load_script("list_figures").update(page, text, committed) == text, "they have changed: make figures"


@pytest.mark.parametrize("kind", ["development", "test"])
def test_the_reports_on_people_and_films_are_of_the_committed_networks(kind):
    champion, people = committed("reports/register.json"), committed(f"reports/people/{kind}.json")
    assert people["kind"] == kind
    assert not people["synthetic"]
    networks = {name: network["model_hash"] for name, network in champion["models"].items()}
    assert {name: people["models"][name] for name in networks} == networks, "evaluate again: make evaluate"
    assert committed("reports/bench_films.json")["model_hash"] == champion["model_hash"], "run again: make bench-films"


def test_no_file_and_no_source_of_people_is_in_both_sets():
    development, test = (committed(f"reports/people/{kind}.json") for kind in ("development", "test"))
    assert set(development["files"]) == set(development["sources"])
    assert set(test["files"]) == set(test["sources"])
    assert not set(development["files"].values()) & set(test["files"].values())


def test_the_readme_says_which_set_the_design_was_chosen_by_and_that_the_other_was_only_reported():
    block = README.partition("<!-- figures of make figures -->")[2].partition("<!-- end of make figures -->")[0]
    test, development, synthetic = re.findall(r"^- \*\*(.*?)\n(?=- |\n)", block, re.MULTILINE | re.DOTALL)
    assert re.match(
        r"Test set of people\*\*: [\d,]+ photographs of \d+ people from \d+ sources\. .*only reported", test
    )
    assert re.match(r"Development set of people\*\*: .* people .*The design, .*was chosen by", development, re.DOTALL)
    assert re.match(r"Synthetic test signers\*\*: ", synthetic)


def test_the_output_of_the_films_of_letters_is_in_a_page():
    report = FilmReport.model_validate(committed("reports/bench_films.json"))
    assert as_text(report) in PAGES


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


def test_the_rates_of_the_gate_are_in_a_page():
    report = gate.GateReport.model_validate(committed("reports/bench_gate.json"))
    assert "\n".join(line.rstrip() for line in gate.as_text(report).splitlines()) in PAGES
    for rates in report.sets.values():
        assert rates.scenario.signers == 24
        assert rates.promoted["0"] <= gate.WRONG_AT_MOST
        assert rates.promoted["0.03"] >= gate.PROMOTED_AT_LEAST


def test_every_message_is_in_its_page():
    command = [sys.executable, "scripts/list_messages.py"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == (ROOT / "docs/messages.md").read_text(), "they have changed: make messages"


def test_messages_of_every_class_below_a_root_exception_are_listed():
    script = load_script("list_messages")
    away = 'raise errors.AwayError(f"{path}: is away. Start it.")\nraise OtherError("Not one of ours.")'
    errors = script.find_errors(["class AwayError(errors.StoreError): ...", "class StoreError(PipelineError): ..."])
    assert errors == {"ClientError", "PipelineError", "ServiceError", "StoreError", "AwayError"}
    assert script.find_messages(away, errors) == ["{path}: is away. Start it."]
