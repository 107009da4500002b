"""Write into `dvc.yaml` the code and the versions of libraries that each stage depends on: `make deps`.

A stage depends on every module of the project that its own imports, directly or not, and on the data files that these
read from beside them. It also depends on the versions of the libraries that they import, if those decide the results.
These are in `requirements/versions.yaml`, taken from the lock file. Everything else in `dvc.yaml` stays as it is,
comments included.
"""

from __future__ import annotations

import ast
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT: Final = Path(__file__).resolve().parents[1]
PIPELINE: Final = "dvc.yaml"
LOCK: Final = "requirements/all.txt"
VERSIONS: Final = "requirements/versions.yaml"
ROOMS: Final = ("client", "service", "stages")
LIBRARIES: Final[dict[str, tuple[str, ...]]] = {
    "cv2": ("opencv-python", "opencv-contrib-python"),  # both install the same module
    "lightning": ("lightning",),
    "mediapipe": ("mediapipe",),
    "numpy": ("numpy",),
    "onnx": ("onnx", "onnxscript"),  # torch exports with the latter
    "onnxruntime": ("onnxruntime",),
    "scipy": ("scipy",),
    "sklearn": ("scikit-learn",),
    "torch": ("torch",),
    "torchvision": ("torchvision",),
    "wordfreq": ("wordfreq",),
}
"""The packages that decide what a module which is imported by this name computes.

Left out are those that only carry, store or show results: pandas, pydantic, ruamel.yaml, safetensors, tqdm, tabulate,
matplotlib (the same numbers in another drawing), Pillow (reads photographs for `import_photos`, which is no stage),
filelock and MLflow. BentoML and Node.js packages have lock files of their own, on which their stages depend.
"""
HEAD: Final = f"# Versions that results depend on, from {LOCK}: parameters of the stages in dvc.yaml (make deps).\n"
PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


@dataclass(frozen=True)
class Closure:
    """What a module needs to run."""

    files: frozenset[str]
    """Modules and data files of the project, by path from its root."""
    libraries: frozenset[str]
    """Top-level names of other packages' modules."""


def main() -> None:
    """Update both files of the checkout."""
    versions, pipeline = ROOT / VERSIONS, ROOT / PIPELINE
    versions.write_text(list_versions((ROOT / LOCK).read_text()))
    pipeline.write_text(update(pipeline.read_text(), ROOT))


def list_versions(lock: str) -> str:
    """List the locked versions of the packages in `LIBRARIES` as YAML."""
    pins = dict(PIN.findall(lock))
    names = sorted({name for names in LIBRARIES.values() for name in names})
    return HEAD + "".join(f"{name}: {pins[name]}\n" for name in names)


def update(text: str, root: Path) -> str:
    """Put code and libraries into each stage of a `dvc.yaml` whose command is `python -m MODULE`."""
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    pipeline = yaml.load(text)
    for stage in pipeline["stages"].values():
        if found := re.match(r"python -m (\S+)", stage["cmd"]):
            _update_stage(stage, find_closure(found[1], root), root)
    stream = io.StringIO()
    yaml.dump(pipeline, stream)
    return stream.getvalue()


def find_closure(module: str, root: Path) -> Closure:
    """Follow the imports of a module, by statement or by call, at the top of a module or in a function."""
    waiting, files, libraries = [module], set[str](), set[str]()
    while waiting:
        name = waiting.pop()
        path = _path(name)
        if path in files:
            continue
        files.add(path)
        source = (root / path).read_text(encoding="utf-8")
        files |= {
            data.relative_to(root).as_posix()
            for data in (root / path).parent.iterdir()
            if data.is_file() and data.suffix not in ("", ".py") and data.name in _texts(source)
        }
        for names in imported_names(source):
            own = [each for each in names if each.partition(".")[0] in ROOMS and (root / _path(each)).is_file()]
            # `from a.b import c` names the module a.b.c if there is one, or something in a.b.
            waiting += own[:1]
            if not own:
                libraries.add(names[0].partition(".")[0])
    return Closure(frozenset(files), frozenset(libraries))


def imported_names(source: str) -> list[list[str]]:
    """List what a module imports, but not what only type checkers import; each import as what it may mean."""
    imports: list[list[str]] = []
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            imports += [[alias.name] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imports += [[f"{node.module}.{alias.name}", node.module] for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            imports += [[str(each.value)] for each in node.args[:1] if isinstance(each, ast.Constant)]
    return imports


def list_code(files: Iterable[str], root: Path) -> list[str]:
    """Name a folder instead of its files if it is a room of a room and all that is in it are among them."""
    files = set(files)
    for folder in sorted({path.rpartition("/")[0] for path in files if path.count("/") == 2}):
        inside = {
            path.relative_to(root).as_posix()
            for path in (root / folder).rglob("*")
            if path.is_file() and path.name != "__init__.py" and "__pycache__" not in path.parts
        }
        if len(inside) > 1 and inside <= files:
            files = files - inside | {folder}
    return sorted(files, key=lambda path: (not path.startswith("stages/"), path.count("/") == 2, path))


def _update_stage(stage: CommentedMap, closure: Closure, root: Path) -> None:
    kept = stage["deps"]
    code = list_code(closure.files, root)
    written = [place for place, dep in enumerate(kept) if is_code(dep) or dep in code]
    # A comment belongs to the entry before it: that of the last one written stays before the first one kept.
    comment = next((kept.ca.items[place] for place in reversed(written) if place in kept.ca.items), None)
    for place in reversed(written):
        del kept[place]
    for path in reversed(code):
        kept.insert(0, path)
    if comment:
        kept.ca.items[len(code) - 1] = comment
    params = stage.get("params")
    versions = sorted({name for each in closure.libraries for name in LIBRARIES.get(each, ())})
    own = [each for each in params or [] if not (isinstance(each, dict) and VERSIONS in each)]
    if versions:
        names = CommentedSeq(versions)
        names.fa.set_flow_style()
        own.append(CommentedMap({VERSIONS: names}))
    if params is None:
        if not own:
            return
        stage.insert(list(stage).index("deps") + 1, "params", CommentedSeq(own))
    else:
        params[:] = own


def is_code(dep: str) -> bool:
    """Whether a dependency is one that this script writes."""
    return dep.startswith("stages/") or dep.endswith(".py")


def _path(module: str) -> str:
    return f"{module.replace('.', '/')}.py"


def _texts(source: str) -> set[str]:
    """All strings in a module."""
    nodes = ast.walk(ast.parse(source))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


if __name__ == "__main__":
    main()
