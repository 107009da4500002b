"""Setting up: the tasks of the Makefile, the pinned packages, and the messages if something is missing."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TASKS = {"help", "repro", "pretrain", "test", "lint", "serve", "client", "ui", "evaluate", "lock", "clean"}
TASKS |= {
    "bench-preprocess",
    "bench-service",
    "bench-smoothing",
    "container",
    "test-container",
    "bench-train",
    "bench-engines",
    "bench-client",
    "quantize",
    "web",
    "docs",
    "messages",
    "audit",
    "sbom",
    "licences",
    "coverage",
    "clean-room",
    "faults",
    "fuzz",
    "fuzz-service",
    "tune",
    "test-integration",
    "leave-one-out",
    "promote",
    "rollback",
}
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
PLENTY_OF_GB = str(10**9)


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without the variables that `make` adds."""
    inherited = {name: value for name, value in os.environ.items() if "MAKE" not in name and name != "MFLAGS"}
    for name in ("PYTHON", "MIN_FREE_GB", "TORCH_BACKEND", "ARGS"):
        inherited.pop(name, None)
    return inherited | variables


def make(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files for setting up, in a new folder without `.venv` that has a space in its name."""
    folder = tmp_path / "new comer"
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    for name in ("scripts", "requirements"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def check_system():
    spec = importlib.util.spec_from_file_location("check_system", ROOT / "scripts" / "check_system.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fake_python(folder: Path, version: str) -> Path:
    """A program that prints a version whenever it is called, and does nothing else."""
    path = folder / "fake python"
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return path


def packages_of(name: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / "requirements" / name).read_text()))


def test_help_lists_every_task_without_an_environment(clone):
    result = make(clone, "help")
    assert result.returncode == 0, result.stderr
    listed = set(re.findall(r"^  ([a-z-]+) {1,}[A-Z]", result.stdout, re.MULTILINE))
    assert listed == TASKS
    assert not (clone / ".venv").exists()


def test_make_without_a_task_shows_the_help(clone):
    assert make(clone).stdout == make(clone, "help").stdout


@pytest.mark.parametrize("task", sorted(TASKS - {"help", "clean", "clean-room"}))
def test_each_task_installs_the_environment_first(clone, task):
    commands = make(clone, "-n", task).stdout
    assert commands.startswith("scripts/bootstrap.sh\ntouch .venv/.installed\n"), commands


def test_another_build_of_torch_follows_the_pinned_packages(clone):
    commands = make(clone, "-n", "lint", "TORCH_BACKEND=cpu").stdout.splitlines()
    assert commands.index("touch .venv/.installed") < commands.index("scripts/choose_torch.sh cpu")


def test_usage_reports_are_off(clone):
    (clone / "Makefile").write_text((clone / "Makefile").read_text() + "\nshow:\n\t@env\n")
    shown = make(clone, "show").stdout.splitlines()
    for expected in (
        "BENTOML_DO_NOT_TRACK=True",
        "DO_NOT_TRACK=true",
        "DVC_NO_ANALYTICS=1",
        "MLFLOW_DISABLE_TELEMETRY=true",
    ):
        assert expected in shown
    assert f"BENTOML_HOME={clone}/.bentoml" in shown


@pytest.mark.parametrize("version", ["3.9", "3.13", "4.0"])
def test_a_python_that_does_not_fit_is_refused_with_the_next_step(clone, tmp_path, version):
    result = make(clone, "lint", f"PYTHON={fake_python(tmp_path, version)}")
    assert result.returncode != 0
    assert f"is not Python 3.11 or 3.12 (its version: {version}). Name one that is" in result.stderr
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize("python", ["/bin/false", "/nowhere/python3.11"])
def test_a_program_that_is_not_python_is_refused_with_the_next_step(clone, python):
    result = make(clone, "lint", f"PYTHON={python}")
    assert result.returncode != 0
    assert f"PYTHON={python} is not Python 3.11 or 3.12 (its version: none)" in result.stderr


def test_without_any_python_the_message_says_what_to_install(clone, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "dirname", "grep", "make"):
        (tools / name).symlink_to(shutil.which(name))
    result = make(clone, "lint", PATH=str(tools))
    assert result.returncode != 0
    assert "no Python 3.11 or 3.12 was found. Install one" in result.stderr


def test_a_full_disk_stops_before_anything_is_installed(clone):
    result = make(clone, "lint", f"PYTHON={sys.executable}", f"MIN_FREE_GB={PLENTY_OF_GB}")
    assert result.returncode != 0
    assert "GB free and the environment needs 1e+09 GB. Free some space" in result.stderr
    assert not (clone / ".venv").exists()


def test_a_failed_installation_does_not_count_as_complete(clone, tmp_path):
    arguments = ("lint", f"PYTHON={fake_python(tmp_path, '3.11')}", "MIN_FREE_GB=0")
    for _ in range(2):
        result = make(clone, *arguments)
        assert result.returncode != 0
        assert "error:" in result.stderr
        assert not (clone / ".venv" / ".installed").exists()


def test_disk_space_counts_what_is_already_installed(check_system, tmp_path):
    free = shutil.disk_usage(tmp_path).free / 1e9
    assert check_system.disk_problem(tmp_path, free - 1.0) is None
    assert "Free some space" in check_system.disk_problem(tmp_path, free + 1.0)
    (tmp_path / ".venv").mkdir()
    with (tmp_path / ".venv" / "half").open("wb") as sparse:
        sparse.truncate(2 * 10**9)
    assert check_system.disk_problem(tmp_path, free + 1.0) is None


def test_a_missing_library_is_named_with_the_command_to_install_it(check_system):
    problem = check_system.library_problem(("libnowhere.so.1",))
    assert "libnowhere.so.1" in problem
    assert "apt-get install libgl1 libglib2.0-0" in problem


@pytest.mark.skipif(sys.platform != "linux", reason="OpenCV's libraries are part of the other systems")
def test_installed_libraries_are_not_reported(check_system):
    assert check_system.library_problem(check_system.LIBRARIES) is None


@pytest.mark.parametrize(
    ("system", "machine", "fits"),
    [
        ("Linux", "x86_64", True),
        ("Darwin", "arm64", True),
        ("Linux", "aarch64", False),
        ("Darwin", "x86_64", False),
        ("Windows", "AMD64", False),
    ],
)
def test_platforms_without_packages_are_refused(check_system, system, machine, fits):
    assert (check_system.platform_problem(system, machine) is None) == fits


@pytest.mark.parametrize("name", ["all.txt", "client.txt", "service.txt", "uv.txt", "fuzz.txt"])
def test_every_requirement_is_pinned_with_a_hash_and_no_address(name):
    text = (ROOT / "requirements" / name).read_text()
    assert "://" not in text
    entries = re.split(r"\n(?=[^\s#])", text.strip())
    unpinned = [entry.splitlines()[0] for entry in entries if not PIN.match(entry) or "--hash=sha256:" not in entry]
    assert entries
    assert not unpinned


@pytest.mark.parametrize("part", ["client.txt", "service.txt"])
def test_client_and_service_are_parts_of_the_whole_without_torch(part):
    pins, whole = packages_of(part), packages_of("all.txt")
    assert not {name for name in pins if name.startswith(("torch", "nvidia-cu", "lightning", "mlflow", "dvc"))}
    assert {name: whole.get(name) for name in pins} == pins


def test_the_makefile_and_the_lock_name_the_same_uv():
    version = re.search(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE).group(1)
    assert packages_of("uv.txt") == {"uv": version}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("serve",), "there is no packed model in bento/. Type: make repro"),
        (("ui",), "there are no runs in mlflow.db. Type: make repro"),
        (("bench-preprocess",), "name a raw .npz of photographs. Type: make bench-preprocess DATA="),
        (("evaluate",), "name the raw .npz files. Type: make evaluate DATA="),
        (("repro",), "this folder is no git clone"),
    ],
)
def test_a_task_that_comes_too_early_names_the_next_step(clone, arguments, sentence):
    (clone / ".venv").mkdir()
    (clone / ".venv" / ".installed").touch()
    variables = {"GIT_CEILING_DIRECTORIES": str(clone.parent), "MLFLOW_TRACKING_URI": ""}
    result = make(clone, *arguments, **variables)
    assert result.returncode != 0
    assert sentence in result.stderr


def test_clean_keeps_raw_data_reports_and_the_environment(clone):
    kept = (
        "data/raw/mine.npz",
        "data/test/people.npz",
        "reports/register.json",
        ".venv/.installed",
        ".dvc/cache/files",
    )
    gone = (
        *("data/processed/train.npz", "data/test_sets/non_letters.npz", "data/predictions/resnet18/index.json"),
        *("models/resnet18/model.onnx", "bento/bento.yaml", "mlflow.db", "mlflow.db-wal"),
    )
    for name in (*kept, *gone):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).touch()
    assert make(clone, "clean").returncode == 0
    assert all((clone / name).exists() for name in kept)
    assert not any((clone / name).exists() for name in gone)


REGISTRY_PIPELINE = """\
stages:
  register:
    cmd: echo run >> runs.txt && touch mlflow.db && mkdir -p reports && echo same > reports/register.json
    deps: [model.txt]
    outs: [{reports/register.json: {cache: false}}]
  package:
    cmd: cp mlflow.db bento.txt
    deps: [reports/register.json]
    outs: [{bento.txt: {cache: false}}]
"""


@pytest.mark.slow
def test_repro_twice_does_nothing_and_a_deleted_store_comes_back(clone):
    if not (Path(sys.prefix) / ".installed").exists():
        pytest.skip("this Python is not in a .venv that `make` filled")
    (clone / ".venv").symlink_to(sys.prefix)
    shutil.copytree(ROOT / ".dvc", clone / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp", "config.local"))
    (clone / "dvc.yaml").write_text(REGISTRY_PIPELINE)
    (clone / "model.txt").write_text("model\n")
    subprocess.run(["git", "init", "-q", str(clone)], check=True)
    runs = clone / "runs.txt"
    touch_nothing = ("-o", "requirements/all.txt", "-o", "requirements/uv.txt")

    for deleted, expected_runs in (((), 1), ((), 1), (("mlflow.db",), 2), (("mlflow.db", "bento.txt"), 3), ((), 3)):
        for name in deleted:
            (clone / name).unlink()
        result = make(clone, *touch_nothing, "repro", MLFLOW_TRACKING_URI="")
        assert result.returncode == 0, result.stdout + result.stderr
        assert len(runs.read_text().splitlines()) == expected_runs
    assert "Next: make serve" in result.stdout
    (clone / "mlflow.db").unlink()
    make(clone, *touch_nothing, "repro", MLFLOW_TRACKING_URI="sqlite:///elsewhere.db")
    assert len(runs.read_text().splitlines()) == 3


def test_ci_is_a_shell_script_that_calls_make_test():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    assert "\nmake test\n" in script.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("platform", ["x86_64-unknown-linux-gnu", "aarch64-apple-darwin", "x86_64-pc-windows-msvc"])
def test_the_client_installs_from_wheels_everywhere_and_without_torch(platform, tmp_path):
    result = subprocess.run(
        [str(ROOT / ".venv/bin/uv"), "pip", "install", "--dry-run", "--only-binary", ":all:", "--require-hashes",
         "--python", sys.executable, "--python-platform", platform, "--target", str(tmp_path / "installed"),
         "-r", str(ROOT / "requirements/client.txt")],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "mediapipe==0.10.21" in result.stderr
    assert "torch" not in result.stderr
