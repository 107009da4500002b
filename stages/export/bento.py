"""Build a Bento: the service's files, two models and the vocabulary, with the service's pinned requirements."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from stages.errors import PipelineError

CHECKOUT: Final = Path(__file__).resolve().parents[2]
SERVICE: Final = CHECKOUT / "service"
WEB: Final = CHECKOUT / "web"
"""The page for browsers, if it was built."""
REQUIREMENTS: Final = CHECKOUT / "requirements" / "service.txt"
MODEL_FILE: Final = "champion.onnx"
"""Name that the service looks for beside its package."""
TRAIL_FILE: Final = "trail.onnx"
"""The same of the trail network."""
VOCABULARY_FILE: Final = "vocabulary.tsv"
"""The same of the vocabulary."""
BENTO: Final = Path("bento")
PACKED_MODEL: Final = BENTO / "src" / MODEL_FILE
"""The model in a Bento, where BentoML puts it."""
PACKED_TRAIL: Final = BENTO / "src" / TRAIL_FILE
BUILD_SECONDS: Final = 300

_NAME: Final = "fingerspell"


def build_bento(
    model: Path,
    trail: Path,
    vocabulary: Path,
    destination: Path,
    work: Path,
    *,
    architecture: str,
    registered_model: str,
    version: int,
) -> None:
    """Build a Bento and put it at `destination`, in the place of an older one.

    BentoML runs in a process and a store of its own, so nothing of this one's modules or of the user's store gets in.

    Args:
        model: the champion's `.onnx` file.
        trail: the same of the champion among the trail networks.
        vocabulary: what the stage `vocabulary` wrote.
        destination: folder of the Bento, for `bentoml serve`.
        work: folder for BentoML's store, on the file system of `destination`; emptied before and after.
        architecture: name of the network, a label of the Bento.
        registered_model: name of the registered model, a label.
        version: version of the registered model, a label and the Bento's own version.

    Raises:
        PipelineError: a model, the vocabulary, the requirements or uv are missing, or BentoML refuses.
    """
    for path in (model, trail, vocabulary, REQUIREMENTS):
        if not path.is_file():
            raise PipelineError(f"{path} is missing. Run the whole pipeline in a complete checkout: make repro")
    if not (shutil.which("uv") or find_spec("uv")):
        raise PipelineError(
            "bentoml build needs uv, which is not installed. Install it: pip install -r requirements/uv.txt"
        )
    shutil.rmtree(work, ignore_errors=True)
    try:
        # Not in `work`: BentoML reads no build file below a folder whose name begins with a dot.
        with tempfile.TemporaryDirectory() as folder:
            labels = {"architecture": architecture, "model": registered_model, "version": str(version)}
            context = _lay_out(
                {MODEL_FILE: model, TRAIL_FILE: trail, VOCABULARY_FILE: vocabulary}, labels, Path(folder) / "context"
            )
            built = _run_bentoml(context, f"v{version}", work.resolve() / "home")
        _replace(destination, built, work / "previous")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _lay_out(files: dict[str, Path], labels: dict[str, str], context: Path) -> Path:
    """Copy what goes into the Bento to a folder of its own."""
    shutil.copytree(SERVICE, context / "service", ignore=shutil.ignore_patterns("__pycache__"))
    if WEB.is_dir():
        shutil.copytree(WEB, context / "web")
    for name, path in files.items():
        shutil.copy(path, context / name)
    shutil.copy(REQUIREMENTS, context / "requirements.txt")
    options = {
        "service": "service.service:Fingerspell",
        "name": _NAME,
        "description": "Recognises the ASL manual alphabet from masks: "
        "{architecture}, version {version} of the registered model {model}.".format(**labels),
        "labels": labels,
        "include": ["service/", "web/", *files],
        "exclude": ["__pycache__/"],
        "python": {"requirements_txt": "requirements.txt", "lock_packages": False},
    }
    (context / "bentofile.yaml").write_text(json.dumps(options))
    return context


def _run_bentoml(context: Path, version: str, home: Path) -> Path:
    """Build in a store at `home`, which is new, and return the Bento's folder in it."""
    environment = os.environ | {"BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True", "DO_NOT_TRACK": "true"}
    command = [sys.executable, "-m", "bentoml", "build", ".", "--version", version]
    home.mkdir(parents=True)
    try:
        result = subprocess.run(
            command, cwd=context, env=environment, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise PipelineError(
            f"bentoml build took longer than {BUILD_SECONDS} s. Run it again on a quieter machine."
        ) from None
    built = home / "bentos" / _NAME / version
    if result.returncode or not built.is_dir():
        raise PipelineError(f"bentoml build failed. Fix what it reports and run again:\n{result.stdout}{result.stderr}")
    shutil.copymode(home, built)  # BentoML makes it with mkdtemp, so nobody else could read it, whatever the umask
    return built


def _replace(destination: Path, built: Path, previous: Path) -> None:
    if destination.exists():
        destination.rename(previous)
    destination.parent.mkdir(parents=True, exist_ok=True)
    built.rename(destination)
