"""Stage `web`: build the page for browsers in `web/`, with everything it needs.

Without Node.js, a page that says so is written instead: the service works without it.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Final

from client.landmarks import assemble_bundle
from stages.errors import PipelineError, run_door

SOURCE: Final = Path("client/web")
WEB: Final = Path("web")
WASM: Final = SOURCE / "node_modules/@mediapipe/tasks-vision/wasm"
WASM_FILES: Final = ("vision_wasm_internal.js", "vision_wasm_internal.wasm")
"""The build with SIMD: every browser that can run the page has it."""
BUNDLE: Final = "hand_landmarker.task"
COMPRESSED: Final = (".css", ".html", ".js", ".task", ".wasm", ".webmanifest")
LIMIT: Final = 600
"""Seconds that one step of the build may take."""
NO_NODE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Fingerspell</title>
<p>The page was not built because Node.js is missing. Install version 18 or newer and type: make web</p></html>
"""


def main() -> None:
    """Build the page with Vite, then add the hand model, its WebAssembly and compressed copies of all files."""
    ArgumentParser(prog="python -m stages.web", description=main.__doc__).parse_args()
    with tempfile.TemporaryDirectory(dir=".", prefix=".web-") as folder:
        built = Path(folder) / "web"
        if shutil.which("npm") is None:
            built.mkdir()
            (built / "index.html").write_text(NO_NODE)
            sys.stderr.write(
                "warning: there is no Node.js, so the page for browsers is not built. See web/index.html.\n"
            )
        else:
            build(built)
        shutil.rmtree(WEB, ignore_errors=True)
        built.rename(WEB)
    size = sum(path.stat().st_size for path in WEB.rglob("*")) / 2**20
    sys.stdout.write(f"{WEB}/: {size:.1f} MiB\n")


def build(folder: Path) -> None:
    """Build into a new folder.

    Raises:
        PipelineError: npm or Vite fails.
    """
    _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund")
    _npm("run", "build", "--", "--outDir", str(folder.resolve()), "--emptyOutDir")
    (folder / "wasm").mkdir()
    for name in WASM_FILES:
        shutil.copy(WASM / name, folder / "wasm" / name)
    (folder / BUNDLE).write_bytes(assemble_bundle())
    for path in [path for path in folder.rglob("*") if path.suffix in COMPRESSED]:
        content = path.read_bytes()
        small = gzip.compress(content, mtime=0)
        if len(small) < 0.9 * len(content):
            path.with_name(f"{path.name}.gz").write_bytes(small)


def _npm(*arguments: str) -> None:
    try:
        done = subprocess.run(
            ["npm", *arguments], cwd=SOURCE, capture_output=True, text=True, timeout=LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        raise PipelineError(
            f"npm {arguments[0]} took longer than {LIMIT} s. Check the network and run again."
        ) from None
    if done.returncode:
        raise PipelineError(f"npm {arguments[0]} failed. Fix the cause and run again:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    run_door(main)
