"""`dvc.yaml` tells the truth: what each stage imports is what it depends on, as DVC itself sees it."""

from __future__ import annotations

import ast
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("dvc.yaml", "params.yaml", ".dvc", ".dvcignore", "requirements", "stages", "client", "service", "pretrained")
PICTURES = {
    *(f"reports/{name}/{picture}.png" for name in ("custom_cnn", "mobilenet_v2", "resnet18")
      for picture in ("calibration", "confusion", "curves", "mistakes", "per_letter")),
    *(f"reports/test/{picture}.png"
      for picture in ("calibration", "confusion", "detection", "letters", "mistakes", "selection", "sources")),
}  # fmt: skip


@pytest.fixture(scope="module")
def list_deps():
    spec = importlib.util.spec_from_file_location("list_deps", ROOT / "scripts/list_deps.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def stages():
    return yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def tracked(*paths: str) -> list[str]:
    """The project's files as git knows them: a working tree may have others."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *paths],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from stages.room.low import x", {"stages/room/low.py"}),
        ("from stages.room import low, other", {"stages/room/low.py", "stages/room/other.py"}),
        ("import stages.room.low", {"stages/room/low.py"}),
        ("def late():\n    from stages.room.low import x", {"stages/room/low.py"}),
        ("import importlib\nimportlib.import_module('stages.room.low')", {"stages/room/low.py"}),
        ("from stages.room.middle import x", {"stages/room/middle.py", "stages/room/low.py"}),
        ("from stages.room.table import x", {"stages/room/table.py", "stages/room/table.txt"}),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from stages.room.low import x", set()),
    ],
)
def test_the_closure_follows_every_import_that_runs(list_deps, tmp_path, source, expected):
    room = {
        "stages/room/__init__.py": "",
        "stages/room/low.py": "import numpy.linalg\nfrom scipy import stats",
        "stages/room/middle.py": "from stages.room.low import x",
        "stages/room/other.py": "",
        "stages/room/table.py": "TABLE = 'table.txt'",
        "stages/room/table.txt": "",
        "stages/room/unread.txt": "",
    }
    found = list_deps.find_closure("stages.door", write(tmp_path, room | {"stages/door.py": source}))
    assert found.files == {"stages/door.py"} | expected
    assert ({"numpy", "scipy"} <= found.libraries) == ("stages/room/low.py" in expected)


def test_what_a_person_wrote_stays_and_code_is_brought_up_to_date(list_deps, tmp_path):
    before = (
        "stages:\n  door:\n    cmd: python -m stages.door ${item}\n    deps:\n      - stages/gone.py\n"
        "      # by hand\n      - data/raw\n    params: [seed]\n    outs: [x]  # a comment\n"
    )
    write(tmp_path, {"stages/door.py": "import torch", "stages/room/a.py": "", "stages/room/b.py": ""})
    after = list_deps.update(before, tmp_path)
    assert yaml.safe_load(after)["stages"]["door"] == {
        "cmd": "python -m stages.door ${item}",
        "deps": ["stages/door.py", "data/raw"],
        "params": ["seed", {"requirements/versions.yaml": ["torch"]}],
        "outs": ["x"],
    }
    assert "# a comment" in after
    assert "# by hand\n      - data/raw" in after
    (tmp_path / "stages/door.py").write_text("from stages.room import a, b")
    assert "- stages/room\n" in list_deps.update(after, tmp_path), "all of a folder"
    (tmp_path / "stages/door.py").write_text("from stages.room import a")
    assert "- stages/room/a.py\n" in list_deps.update(after, tmp_path), "a part of a folder"
    assert list_deps.update(after, tmp_path) == list_deps.update(list_deps.update(after, tmp_path), tmp_path)


def test_every_stage_depends_on_the_code_and_the_versions_that_it_imports(list_deps):
    text = (ROOT / "dvc.yaml").read_text()
    assert list_deps.update(text, ROOT) == text, "Type: make deps"


def test_the_versions_are_those_of_the_lock_file(list_deps):
    expected = list_deps.list_versions((ROOT / list_deps.LOCK).read_text())
    assert (ROOT / list_deps.VERSIONS).read_text() == expected, "Type: make deps"
    pins = list_deps.PIN.findall((ROOT / list_deps.LOCK).read_text())
    names = [name for name, _ in pins if name in yaml.safe_load(expected)]
    assert len(names) == len(set(names)), "a package with two versions, for two systems"


def test_a_package_s_init_is_no_more_than_a_docstring():
    """So stages need not depend on it."""
    for room in ("client", "service", "stages"):
        for path in (ROOT / room).rglob("__init__.py"):
            assert all(isinstance(node, ast.Expr) for node in ast.parse(path.read_text()).body), path


def test_the_package_depends_on_all_of_the_service_since_it_copies_it(stages):
    assert "service" in stages["package"]["deps"]


def test_metrics_hold_nothing_that_two_runs_of_the_same_pipeline_differ_in(stages):
    metrics = {name for stage in stages.values() for each in stage.get("metrics", []) for name in each}
    assert "reports/speed.json" not in metrics
    assert stages["speed"]["outs"] == [{"reports/speed.json": {"cache": False}}]


def test_one_stage_draws_all_pictures_but_those_of_the_comparison(stages):
    drawn = {
        name: stage
        for stage, about in stages.items()
        for each in about.get("plots", [])
        for name in each
        if name.endswith(".png") and stage != "compare"
    }
    assert drawn == dict.fromkeys(PICTURES, "draw") | {"reports/trail/confusion.png": "evaluate_trail"}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A copy of the checkout whose pipeline DVC takes to have run: a file in the place of each output."""
    folder = tmp_path_factory.mktemp("scratch")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("DVC_NO_ANALYTICS", "1")
        patch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path_factory.mktemp("dvc")))
        for name in tracked(*COPIED):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        (folder / "dvc.lock").unlink(missing_ok=True)
        folders = ("data/test", "data/sequences", "data/test_sequences", "reports/people")
        write(folder, {f"{name}/README.md": "" for name in folders} | {".git/info/exclude": ""})
        subprocess.run(["git", "init", "-q", "."], check=True)
        from dvc.repo import Repo

        repo = Repo()
        for out in repo.index.outs:
            path = Path(out.fs_path)
            path = path if path.suffix else path / "file"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(out))
        repo.commit(None, force=True)
        yield folder


@pytest.fixture
def changed(scratch):
    """Which dependencies and parameters of which stages DVC finds changed once some files are; then they are restored.

    A file in which text is replaced is written as it then is, any other gets a line more.
    """
    originals = {}

    def status(*names: str, replace: tuple[str, str] = ("", "")) -> dict[str, set[str]]:
        from dvc.repo import Repo

        for name in names:
            path = scratch / name
            originals[path] = path.read_bytes()
            text = originals[path].decode()
            assert replace[0] in text
            path.write_text(text.replace(*replace) if replace[0] else f"{text}\n# changed\n")
        found = {
            stage: {name for entry in entries for value in entry.values() for name in value}
            for stage, entries in Repo().status().items()
        }
        restore()
        return found

    def restore() -> None:
        for path, content in originals.items():
            path.write_bytes(content)

    yield status
    restore()


@pytest.mark.slow
def test_dvc_sees_each_change_of_a_stage_s_code_and_no_other(list_deps, stages, changed):
    code = [
        name
        for name in tracked("stages", "client")
        if not name.startswith("client/web")
        and Path(name).suffix in (".py", ".txt")
        and Path(name).name != "__init__.py"
    ]
    assert changed() == {}
    for stage, found in changed(*code).items():
        closure = list_deps.find_closure(f"stages.{stage.partition('@')[0]}", ROOT)
        seen = {
            name for dep in found for name in code if name == dep or name.startswith(f"{dep}/")
        }  # fmt: skip
        assert seen == closure.files & set(code), stage
    unused = set(code) - set().union(*(list_deps.find_closure(f"stages.{stage}", ROOT).files for stage in stages))
    assert any(name.startswith("stages/commands/") for name in unused)
    assert changed(*unused) == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("stages/evaluation/calibration.py", {"train", "reference", "train_trail"}),
        ("stages/evaluation/signer_plots.py", {"draw", "compare"}),
        ("stages/photos/detection.py", {"preprocess", "test_sets"}),
        ("stages/training/muon.py", {"train"}),
        ("client/errors.py", {"preprocess", "test_sets", "web"}),
        ("service/decoding.py", {"package"}),
    ],
)  # fmt: skip
def test_a_changed_file_runs_the_stages_that_import_it(changed, file, expected):
    assert {stage.partition("@")[0] for stage in changed(file)} == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "replace", "expected"),
    [
        ("params.yaml", ("mistakes: 24", "mistakes: 25"), {"draw"}),
        ("params.yaml", ("latency_runs: 100", "latency_runs: 99"), {"speed", "register"}),
        ("params.yaml", ("threshold: 0.5", "threshold: 0.6"), {"test"}),
        ("requirements/versions.yaml", ("torch: ", "torch: 9"), {"train", "reference", "train_trail"}),
        ("requirements/versions.yaml", ("mediapipe: ", "mediapipe: 9"), {"preprocess", "test_sets", "web"}),
    ],
)  # fmt: skip
def test_a_changed_parameter_or_version_runs_the_stages_whose_results_it_changes(changed, file, replace, expected):
    assert {stage.partition("@")[0] for stage in changed(file, replace=replace)} == expected
