"""The doors between the rooms: who may import what."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

ROOMS = {
    "client": ("client",),
    "service": ("service",),
    "stages": (
        "stages",
        "client.landmarks",
        "client.mask",
        "client.trail",
        "service.cores",
        "service.correction",
        "service.enrolment",
        "service.movement",
        "service.prototypes",
    ),
}
"""What each room may import of the project."""

TORCH = ("stages/models", "stages/training", "stages/export", "stages/train.py")
LIBRARIES = {
    "torch": TORCH,
    "torchvision": TORCH,
    "lightning": ("stages/training",),
    "pytorch_lightning": (),
    "mlflow": ("stages/registry", "stages/search/mlflow_runs.py"),
    "mediapipe": ("client/landmarks.py",),
    "optuna": ("stages/search/study.py",),
    "psycopg": (),
    "boto3": (),
    "bentoml": ("service/service.py",),
}
"""Where each library may be imported: a module, or a folder and all below it."""

PAGE = (ROOT / "docs/architecture.md").read_text()


def read_levels(room: str) -> list[list[str]]:
    """Modules and rooms inside a room, lowest first: each row of its table in docs/architecture.md is a level."""
    section = PAGE.partition(f"## Levels in `{room}/`\n")[2].partition("\n## ")[0]
    return [re.findall(r"`(\w+)/?`", cell) for cell in re.findall(r"^\| \d+ \| ([^|]+) \|", section, re.MULTILINE)]


LEVELS = {room: read_levels(room) for room in ("client", "stages")}
"""Each module imports of its own level only its own room, and nothing above."""


def upward_imports(path: str, source: str) -> list[str]:
    """What the module at `path` imports from its own level's other rooms or from a level above."""
    parts = Path(path).with_suffix("").parts
    room, own = parts[0], parts[1]
    level = {name: number for number, names in enumerate(LEVELS[room]) for name in names}
    found = []
    for name in imported_names(source, ".".join(Path(path).parent.parts)):
        below = name.split(".")
        if below[0] != room or len(below) < 2 or below[1] == own:
            continue
        in_hall = (ROOT / room / f"{below[1]}.py").exists() and len(parts) == 2
        if level[below[1]] > level[own] or (level[below[1]] == level[own] and not in_hall):
            found.append(f"{path}: imports {name}, which is not below it")
    return found


def imported_names(source: str, package: str) -> list[str]:
    """Absolute dotted names that `source`, a module of `package`, imports anywhere, by statement or by call."""
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = [*parents, node.module] if node.module else parents
            names += [".".join([*base, alias.name]) for alias in node.names]
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = ast.unparse(node.func)
            if called in {"__import__", "import_module", "importlib.import_module"}:
                names.append(str(node.args[0].value))
    return names


def is_below(name: str, allowed: tuple[str, ...], separator: str) -> bool:
    return any(name == entry or name.startswith(entry + separator) for entry in allowed)


def violations(path: str, source: str) -> list[str]:
    """What the module at `path` ('room/folder/module.py') imports and may not."""
    package = ".".join(Path(path).parent.parts)
    room = package.split(".")[0]
    found = []
    for name in imported_names(source, package):
        top = name.split(".")[0]
        if top in ROOMS and not is_below(name, ROOMS[room], "."):
            found.append(f"{path}: {room}/ may not import {name}")
        homes = LIBRARIES.get(top)
        if homes is not None and not is_below(path, homes, "/") and not is_below(path.removesuffix(".py"), homes, "/"):
            found.append(f"{path}: {top} may only be imported in {', '.join(homes) or 'no room'}")
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_imports_what_it_may_not(room):
    modules = sorted((ROOT / room).rglob("*.py"))
    assert modules, f"{room}/ has no modules"
    found = [line for path in modules for line in violations(path.relative_to(ROOT).as_posix(), path.read_text())]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("room", LEVELS)
def test_every_module_has_a_level(room):
    own = {path.stem for path in (ROOT / room).glob("*.py")} | {
        path.parent.name for path in (ROOT / room).glob("*/*.py")
    }
    assert own - {"__init__"} <= {name for names in LEVELS[room] for name in names}


@pytest.mark.parametrize("room", LEVELS)
def test_no_import_runs_upwards(room):
    modules = [path for path in sorted((ROOT / room).rglob("*.py")) if path != ROOT / room / "__init__.py"]
    found = [line for path in modules for line in upward_imports(path.relative_to(ROOT).as_posix(), path.read_text())]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("stages/data/raw.py", "from stages.evaluation.plots import png"),
        ("stages/training/fit.py", "from stages.evaluation import scores"),
        ("stages/files.py", "from stages.data.raw import read_raw"),
        ("stages/registry/gate.py", "from stages import register"),
        ("client/mask.py", "from client.capture.camera import open_source"),
        ("client/capture/demo.py", "from client.stream.reply import Reply"),
        ("client/stream/pipeline.py", "from client.capture.camera import open_source"),
        ("client/stream/pipeline.py", "from client.window.window import Window"),
        ("client/words/spelling.py", "from client.profile.people import list_people"),
        ("client/words/text.py", "from client.window.controls import Controls"),
    ],
)
def test_a_planted_upward_import_is_found(path, source):
    assert upward_imports(path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("client/capture/camera.py", "import service"),
        ("client/capture/camera.py", "from stages.params import read_params"),
        ("client/capture/camera.py", "import torch"),
        ("client/capture/camera.py", "import mediapipe as mp"),
        ("service/service.py", "from client.mask import render_mask"),
        ("service/recogniser.py", "import torch.nn.functional as F"),
        ("service/recogniser.py", "import bentoml"),
        ("stages/preprocess.py", "import client"),
        ("stages/preprocess.py", "from client import screen"),
        ("stages/preprocess.py", "from client import maskwork"),
        ("stages/package.py", "from service.service import Fingerspell"),
        ("stages/package.py", "import bentoml"),
        ("stages/evaluate.py", "def late():\n    import torch"),
        ("stages/evaluate.py", "import importlib\nimportlib.import_module('torch')"),
        ("stages/register.py", "from mlflow.tracking import MlflowClient"),
        ("stages/train.py", "import lightning"),
        ("stages/trainingday.py", "import torch"),
        ("stages/training/loop.py", "import pytorch_lightning"),
        ("stages/data/readers.py", "from ... import service"),
    ],
)
def test_a_planted_violation_is_found(path, source):
    assert violations(path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("client/capture/camera.py", "from client.mask import render_mask\nfrom . import landmarks\nimport cv2"),
        ("client/landmarks.py", "from mediapipe.tasks.python import vision"),
        ("service/service.py", "import bentoml\nfrom service import smoothing"),
        ("stages/data/images.py", "from client.landmarks import find_hand\nfrom client import mask"),
        ("stages/data/images.py", "from ..errors import PipelineError\nfrom . import readers"),
        ("stages/models/resnet18.py", "import torch\nfrom torchvision import models"),
        ("stages/training.py", "import lightning as L\nimport torch"),
        ("stages/export/graph.py", "import torch"),
        ("stages/registry/store.py", "import mlflow"),
    ],
)
def test_what_the_table_allows_passes(path, source):
    assert violations(path, source) == []
