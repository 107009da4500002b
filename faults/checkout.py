"""A scratch clone of the project with tiny parameters: its state before each stage, and the results to compare."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[1]
PHASES: Final = [
    {"epochs": 2, "image_size": 56, "samples": 40, "precision": "fp32"},
    {"epochs": 2, "image_size": 224, "samples": 20, "precision": "fp32"},
]
TINY: Final[dict[str, dict[str, Any]]] = {
    "synthesize": {"signers": 12, "samples_per_letter": 1, "non_letters": 1},
    "preprocess": {"raw": "data/raw/synthetic.npz", "validation": 0.15},
    "train": {"batch_size": 20},
    "schedule": {
        "custom_cnn": [phase | {"samples": 3 * phase["samples"]} for phase in PHASES],
        "mobilenet_v2": PHASES,
        "resnet18": PHASES,
    },
    "reference": {"steps": 60, "batch_size": 100},
    "evaluate": {"latency_runs": 3},
    "test": {"signers": 1, "non_letters": 4},
}
"""Parameters of a run that takes a minute on two idle cores."""
STORE: Final = ("mlflow.db", "mlartifacts")
TIMES: Final = ("latency",)
"""Prefixes of the names of numbers that differ from run to run."""
OF_A_RUN: Final = ("run_id",)
WHOLE_FILES: Final = (
    "data/raw/*",
    "data/processed/*",
    "models/*/*",
    "reports/*/per_letter.csv",
    "reports/*/confusion.csv",
    "reports/dropped.csv",
    "bento/src/champion.onnx",
)
"""Files whose bytes depend on the parameters alone."""
NUMBERS: Final = ("reports/*.json", "reports/*/metrics.json")


@dataclass(frozen=True)
class Checkout:
    """The clone at `folder`, and a copy of it after an undisturbed run at `finished`."""

    folder: Path
    finished: Path

    @property
    def environment(self) -> dict[str, str]:
        """What `make` runs with: one thread, MLflow's default store, and a folder of its own for temporary files."""
        scratch = self.folder.parent / "tmp"
        scratch.mkdir(exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if name not in ("MLFLOW_TRACKING_URI", "MAKEFLAGS")}
        return kept | {
            "DVC_SITE_CACHE_DIR": str(self.folder.parent / "dvc"),
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(scratch),
        }

    def keep(self) -> None:
        """Save the current state as the one that cases start from."""
        _copy(self.folder, self.finished)

    def begin_before(self, *stages: str) -> None:
        """Restore the finished state without the outputs of some stages: the next `make repro` must run them."""
        _copy(self.finished, self.folder)
        lock = self.folder / "dvc.lock"
        state = yaml.safe_load(lock.read_text())
        for stage in stages:
            for out in state["stages"].pop(stage)["outs"]:
                _remove(self.folder / out["path"])
            if stage == "register":
                for name in STORE:
                    _remove(self.folder / name)
        lock.write_text(yaml.safe_dump(state, sort_keys=False))
        # Otherwise DVC would restore the outputs from its run cache instead of running the stage.
        _remove(self.folder / ".dvc/cache/runs")

    def results(self, store: Path | None = None) -> dict[str, Any]:
        """Collect the results that a run after a fault must share with an undisturbed one.

        Args:
            store: sqlite file of MLflow; without it, the one in the checkout.
        """
        folder = self.folder
        files = {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for pattern in WHOLE_FILES
            for path in sorted(folder.glob(pattern))
            if path.is_file() and path.parent.name != "champion"
        }
        numbers = {
            path.relative_to(folder).as_posix(): _lasting(json.loads(path.read_text()))
            for pattern in NUMBERS
            for path in sorted(folder.glob(pattern))
        }
        return {"files": files, "numbers": numbers, "registry": _registry(store or folder / "mlflow.db")}

    def leftovers(self) -> list[str]:
        """Half-written files and checkpoints left by the last run."""
        found = [
            path
            for room in ("data", "models", "reports", ".bentoml", ".")
            for path in (self.folder / room).glob("**/*" if room != "." else "*")
            if ".partial" in path.name or path.suffix == ".ckpt" or path.name == "build"
        ]
        return sorted({path.relative_to(self.folder).as_posix() for path in found})


def make_checkout(work: Path) -> Checkout:
    """Clone the project's last commit into `work`, with tiny parameters and without results."""
    folder = work / "checkout"
    _git(work, "clone", "--quiet", str(ROOT), str(folder))
    (folder / ".venv").symlink_to((ROOT / ".venv").resolve())
    for requirements in (folder / "requirements").iterdir():
        os.utime(requirements, (0, 0))  # older than the environment, which is complete
    _git(folder, "rm", "-r", "--quiet", "reports", "dvc.lock")
    params = folder / "params.yaml"
    values = yaml.safe_load(params.read_text())
    for section, tiny in TINY.items():
        values[section] |= tiny
    params.write_text(yaml.safe_dump(values, sort_keys=False))
    _git(folder, "-c", "user.name=faults", "-c", "user.email=faults@localhost", "commit", "-qam", "Tiny parameters")
    return Checkout(folder, work / "finished")


def differences(expected: dict[str, Any], found: dict[str, Any], place: str = "") -> list[str]:
    """Name the places where two results differ."""
    names = [*expected, *(name for name in found if name not in expected)]
    lines = []
    for name in names:
        here = f"{place}{name}"
        one, other = expected.get(name), found.get(name)
        if isinstance(one, dict) and isinstance(other, dict):
            lines += differences(one, other, f"{here}: ")
        elif one != other:
            lines.append(here)
    return lines


def _lasting(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Leave out times and MLflow's random names."""
    if not isinstance(value, dict):
        return value
    return {name: _lasting(each) for name, each in value.items() if not name.startswith(TIMES) and name not in OF_A_RUN}


def _registry(store: Path) -> dict[str, str]:
    """Read the hash of each model version and the champion's version from MLflow's tables."""
    if not store.is_file():
        return {}
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as database:
        hashes = database.execute("SELECT version, value FROM model_version_tags WHERE key = 'model_hash'")
        contents = {f"version {version}": content for version, content in hashes}
        aliases = database.execute("SELECT alias, version FROM registered_model_aliases")
        return contents | {alias: str(version) for alias, version in aliases}


def _copy(source: Path, destination: Path) -> None:
    destination.mkdir(exist_ok=True)
    for path in destination.iterdir():  # not the folder itself, which may be a mount point
        _remove(path)
    shutil.copytree(source, destination, symlinks=True, dirs_exist_ok=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, timeout=120, stdout=subprocess.DEVNULL)
