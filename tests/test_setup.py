"""Setting up: the tasks of the Makefile, the pinned packages, and the messages if something is missing."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TASKS = {"help", "repro", "render", "pretrain", "test", "lint", "serve", "client", "ui", "evaluate", "lock", "clean"}
TASKS |= {
    "bench-preprocess",
    "bench-service",
    "bench-smoothing",
    "container",
    "test-container",
    "bench-train",
    "bench-engines",
    "bench-client",
    "bench-page",
    "bench-films",
    "bench-moving",
    "bench-own-films",
    "bench-profile",
    "bench-days",
    "bench-words",
    "bench-gate",
    "render-film",
    "figures",
    "quantize",
    "web",
    "docs",
    "messages",
    "audit",
    "sbom",
    "licences",
    "coverage",
    "clean-room",
    "deps",
    "faults",
    "fuzz",
    "fuzz-service",
    "fuzz-profiles",
    "tune",
    "test-integration",
    "leave-one-out",
    "promote",
    "rollback",
    "check-figures",
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
        (("bench-preprocess",), "name a raw .npz of photographs. Type: make bench-preprocess DATA="),
        (("evaluate",), "name the raw .npz files. Type: make evaluate DATA="),
        (("evaluate", "DATA=one.npz"), "say which set of people these are. Type SET=development"),
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


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("clone", "this folder is no git clone, and DVC needs one. Clone the project, or type: git init"),
        ("commit", "this clone has no commit, and an experiment begins from one. Type: git add --all && git commit"),
        ("user.name", "git does not know who you are, and DVC keeps an experiment as a commit. Type: git config"),
        ("user.email", "git does not know who you are, and DVC keeps an experiment as a commit. Type: git config"),
        ("nothing", ""),
    ],
)
def test_an_experiment_without_what_it_needs_of_git_says_what_to_type(clone, missing, sentence):
    nobody = {"HOME": str(clone), "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    nobody |= {"GIT_CEILING_DIRECTORIES": str(clone.parent)}

    def git(*arguments):
        subprocess.run(["git", *arguments], cwd=clone, env=environment(**nobody), check=True, capture_output=True)

    if missing != "clone":
        git("init", "-q")
        settings = {"user.name": "Someone", "user.email": "someone@example.org"}
        if missing != "commit":
            identity = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
            git(*identity, "commit", "--allow-empty", "-mx")
        for name, value in settings.items():
            if name != missing:
                git("config", name, value)
    python = clone / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho called\n")
    python.chmod(0o755)
    (clone / ".venv/.installed").touch()
    result = make(clone, "pretrain", **nobody)
    assert sentence in result.stderr
    assert ("called" in result.stdout) == (missing == "nothing")


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("config", "git cannot read this clone, and DVC needs it. Do as git says, and run again:\nfatal: bad"),
        ("missing", "git is not installed, and DVC needs it"),
        pytest.param(
            "owner",
            "git config --global --add safe.directory",
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user"),
        ),
    ],
)
def test_git_s_own_reason_is_passed_on(clone, tmp_path, fault, sentence):
    subprocess.run(["git", "init", "-q"], cwd=clone, check=True)
    variables = {"HOME": str(tmp_path), "GIT_CEILING_DIRECTORIES": str(clone.parent)}
    if fault == "config":
        (clone / ".git/config").write_text("[core")
    elif fault == "owner":
        for path in (clone, clone / ".git"):
            os.chown(path, 12345, 12345)
    else:
        tools = tmp_path / "tools"
        tools.mkdir()
        (tools / "sh").symlink_to(shutil.which("sh"))
        variables |= {"PATH": str(tools)}
    done = subprocess.run(
        [shutil.which("sh"), "scripts/check_git.sh"],
        cwd=clone,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "no git clone" not in done.stderr


def test_the_reason_why_no_image_can_be_built_is_passed_on(clone, tmp_path):
    (clone / "bento/env/docker").mkdir(parents=True)
    (clone / "bento/env/docker/Dockerfile").touch()
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "dirname"):
        (tools / name).symlink_to(shutil.which(name))
    command = [shutil.which("sh"), "scripts/container.sh", "image"]
    variables = {"cwd": clone, "env": environment(PATH=str(tools), CONTAINER_TOOL="")}
    none = subprocess.run(command, **variables, capture_output=True, text=True, check=False)
    assert (none.returncode, "neither docker, podman nor buildah is installed" in none.stderr) == (1, True)
    (tools / "docker").write_text("#!/bin/sh\necho 'permission denied on /var/run/docker.sock' >&2\nexit 1\n")
    (tools / "docker").chmod(0o755)
    refused = subprocess.run(command, **variables, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "Fix the cause:\ndocker: permission denied on /var/run/docker.sock" in refused.stderr


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("reports/proposed/0123456789ab/metrics.json", id="promote"),
        pytest.param("data/predictions/proposed-0123456789ab/index.json", id="promote, predictions"),
        pytest.param("models/champion/predictions/index.json", id="register"),
        pytest.param(".bentoml/build/home", id="package"),
        pytest.param("models/custom_cnn/model.int8.onnx", id="quantize"),
        pytest.param("tune.db-journal", id="tune"),
        pytest.param("mlflow.db.lock", id="ui"),
        pytest.param("site/index.html", id="docs"),
        pytest.param("docs/.messages.md", id="messages, killed"),
        pytest.param("reports/.register.json.partial", id="register, killed"),
        pytest.param("sbom.json", id="sbom"),
        pytest.param(".coverage.host.1.X", id="coverage"),
    ],
)
def test_git_ignores_what_a_task_leaves_that_is_no_report(path):
    ignored = subprocess.run(["git", "check-ignore", "--quiet", "--no-index", path], cwd=ROOT, check=False)
    assert ignored.returncode == 0


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


REGISTER = """\
import json, sqlite3, sys
from pathlib import Path

name, report = sys.argv[1:]
with Path(f"runs of {name}.txt").open("a") as runs:
    runs.write("run\\n")
store = sqlite3.connect("mlflow.db")
store.execute("CREATE TABLE IF NOT EXISTS registered_model_aliases (name, alias, version)")
store.execute("CREATE TABLE IF NOT EXISTS model_version_tags (name, version, key, value)")
if not store.execute("SELECT * FROM registered_model_aliases WHERE name = ?", (name,)).fetchall():
    store.execute("INSERT INTO registered_model_aliases VALUES (?, 'champion', 1)", (name,))
    for key, value in (("architecture", "custom_cnn"), ("model_hash", "first")):
        store.execute("INSERT INTO model_version_tags VALUES (?, 1, ?, ?)", (name, key, value))
store.commit()
query = "SELECT value FROM model_version_tags WHERE key = 'model_hash' AND name = ?"
(champion,) = store.execute(query, (name,)).fetchone()
Path("reports").mkdir(exist_ok=True)
Path(report).write_text(json.dumps({"model_hash": champion}))
"""
REGISTRY_PIPELINE = """\
stages:
  register:
    cmd: python register.py fingerspell reports/register.json
    deps: [model.txt]
    outs: [{reports/register.json: {cache: false}}]
  register_trail:
    cmd: python register.py fingerspell-trail reports/register_trail.json
    deps: [model.txt]
    outs: [{reports/register_trail.json: {cache: false}}]
  package:
    cmd: cat reports/register.json reports/register_trail.json > bento.txt && cat mlflow.db >/dev/null
    deps: [reports/register.json, reports/register_trail.json]
    outs: [{bento.txt: {cache: false}}]
"""


@pytest.mark.slow
def test_repro_twice_does_nothing_and_registers_again_for_another_registry_or_champion(clone):
    if not (Path(sys.prefix) / ".installed").exists():
        pytest.skip("this Python is not in a .venv that `make` filled")
    (clone / ".venv").symlink_to(sys.prefix)
    for room in ("stages", "client"):
        (clone / room).symlink_to(ROOT / room)
    shutil.copy(ROOT / "params.yaml", clone)
    shutil.copytree(ROOT / ".dvc", clone / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp", "config.local"))
    (clone / "dvc.yaml").write_text(REGISTRY_PIPELINE)
    (clone / "register.py").write_text(REGISTER)
    (clone / "model.txt").write_text("model\n")
    subprocess.run(["git", "init", "-q", str(clone)], check=True)
    touch_nothing = ("-o", "requirements/all.txt", "-o", "requirements/uv.txt")

    def repro(store=""):
        """Type `make repro`; returns how often the letters' and the trail networks have been registered by now."""
        result = make(clone, *touch_nothing, "repro", MLFLOW_TRACKING_URI=store)
        assert result.returncode == 0, result.stdout + result.stderr
        assert "Next: make serve" in result.stdout
        names = "fingerspell", "fingerspell-trail"
        return tuple(len((clone / f"runs of {name}.txt").read_text().splitlines()) for name in names)

    assert [repro(), repro()] == [(1, 1), (1, 1)]
    (clone / "mlflow.db").unlink()
    assert repro() == (2, 2), "the registry is gone"
    with sqlite3.connect(clone / "mlflow.db") as store:
        store.execute(
            "UPDATE model_version_tags SET value = 'second' WHERE key = 'model_hash' AND name = 'fingerspell'"
        )
    assert [repro(), repro()] == [(3, 2)] * 2, "it has another champion, from an experiment's copy or another clone"
    with sqlite3.connect(clone / "mlflow.db") as store:
        store.execute(
            "UPDATE model_version_tags SET value = 'third' WHERE key = 'model_hash' AND name != 'fingerspell'"
        )
    assert [repro(), repro()] == [(3, 3)] * 2, "another champion among the trail networks"
    assert "second" in (clone / "bento.txt").read_text()
    (clone / "mlflow.db").unlink()
    assert repro("http://127.0.0.1:9") == (3, 3), "a server is not asked"


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


def test_a_clone_with_windows_line_ends_has_the_same_bytes(tmp_path):
    """Git for Windows converts line ends unless told otherwise: shells stop at them, and DVC runs every stage again."""
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    (origin / "scripts").mkdir(parents=True)
    for name in (".gitattributes", "params.yaml", "scripts/check_git.sh"):
        shutil.copy(ROOT / name, origin / name)
    identity = ["-c", "user.name=anna", "-c", "user.email=anna@example.org"]
    for arguments in (["init", "--quiet"], ["add", "--all"], [*identity, "commit", "--quiet", "--message", "first"]):
        subprocess.run(["git", *arguments], cwd=origin, check=True)
    subprocess.run(["git", "clone", "--quiet", "--config", "core.autocrlf=true", origin, clone], check=True)
    for name in ("params.yaml", "scripts/check_git.sh"):
        assert (clone / name).read_bytes() == (ROOT / name).read_bytes()


def test_an_image_is_built_of_files_and_not_of_links_to_the_cache(tmp_path):
    """DVC links outputs to its cache, read-only, if `cache.type` says so; the script adds to BentoML's Dockerfile."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/container.sh", tmp_path / "scripts")
    cached = tmp_path / "cached"
    cached.write_text("FROM python\n")
    cached.chmod(0o444)
    (tmp_path / "bento/env/docker").mkdir(parents=True)
    (tmp_path / "bento/env/docker/Dockerfile").symlink_to(cached)
    tool = tmp_path / "tool"
    tool.write_text('#!/bin/sh\nfor last; do :; done\nfind "$last" -type l\ncat "$last/env/docker/Dockerfile"\n')
    tool.chmod(0o755)
    built = subprocess.run(
        ["sh", "scripts/container.sh", "name"],
        cwd=tmp_path, env=environment(CONTAINER_TOOL=str(tool)), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert built.stdout.startswith("FROM python\nENV BENTOML_HOME=")
    assert cached.read_text() == "FROM python\n"
