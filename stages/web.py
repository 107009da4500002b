"""Stage `web`: build the page for browsers in `web/`, with everything it needs.

Without Node.js, a page that says so is written instead: the service works without it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Final

from client.landmarks import assemble_bundle
from stages.errors import PipelineError, run_door
from stages.export.packing import pack_weights, round_weights

SOURCE: Final = Path("client/web")
WEB: Final = Path("web")
MODEL: Final = SOURCE / "generated/hand_landmarker.packed"
"""The hand model, where the page's source imports it from."""
VERSION: Final = "version.txt"
"""File that holds the version of the page: a hash of all its files."""
WORKER: Final = "sw.js"
"""The service worker, which keeps the page's files in the browser."""
COMPRESSED: Final = (".css", ".html", ".js", ".json", ".packed", ".wasm", ".webmanifest")
SMALL_ENOUGH: Final = 0.9
"""Share of a file's size that its compressed copy has at most."""
BROTLI: Final = SOURCE / "brotli.mjs"
LIMIT: Final = 600
"""Seconds that one step of the build may take."""
NO_NODE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Fingerspell</title>
<p>The page was not built because Node.js is missing. Install version 18 or newer and type: make web</p></html>
"""


def main() -> None:
    """Build the page with Vite, with the hand model in it, then add compressed copies of all files."""
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
        PipelineError: npm, Vite or Node.js fails.
    """
    _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    MODEL.parent.mkdir(exist_ok=True)
    MODEL.write_bytes(pack_weights(round_weights(assemble_bundle())))
    _run("npm", "run", "build", "--", "--outDir", str(folder.resolve()), "--emptyOutDir")
    _name_files(folder)
    compressed = [path for path in folder.rglob("*") if path.suffix in COMPRESSED]
    for path in compressed:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    _run("node", str(BROTLI.resolve()), *(str(path.resolve()) for path in compressed))
    for path in compressed:
        for copy in (path.with_name(f"{path.name}.gz"), path.with_name(f"{path.name}.br")):
            if copy.stat().st_size > SMALL_ENOUGH * path.stat().st_size:
                copy.unlink()


def _name_files(folder: Path) -> None:
    """Tell the service worker the addresses of all files and their version, and keep the version for the service."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != WORKER)
    hashes = {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    worker = folder / WORKER
    code = worker.read_text()
    version = hashlib.sha256((json.dumps(hashes) + code).encode()).hexdigest()[:12]
    addresses = ["/" if name == "index.html" else f"/web/{name}" for name in hashes]
    worker.write_text(f"self.VERSION={json.dumps(version)};self.FILES={json.dumps(addresses)};\n{code}")
    (folder / VERSION).write_text(version)


def _run(*command: str) -> None:
    what = " ".join(command[:2])
    try:
        done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        raise PipelineError(f"{what} took longer than {LIMIT} s. Check the network and run again.") from None
    if done.returncode:
        raise PipelineError(f"{what} failed. Fix the cause and run again:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    run_door(main)
