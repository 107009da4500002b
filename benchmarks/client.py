"""The client and its window on a film, with the service on the same machine: text, speed, latency, memory, start.

`make bench-client FILM=film.mp4` on a display, or `xvfb-run make bench-client ...`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.service import MODEL, ROOT, serve
from service.cores import usable_cores
from stages.errors import PipelineError, run_door
from stages.files import write_text

REPORT: Final = Path("reports/bench_client.json")
MODES: Final[dict[str, list[str]]] = {"at its own pace": [], "--fast": ["--fast"]}


def main() -> None:
    """Print the tables and write `reports/bench_client.json`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.client", description="The client on a film.")
    parser.add_argument("film", type=Path, help="a video of a hand that spells")
    parser.add_argument("--model", type=Path, default=MODEL, help="the model to serve (default: the Bento's)")
    parser.add_argument("--environment", action="store_true", help="also install the client alone and measure its size")
    options = parser.parse_args()
    for path in (options.film, options.model):
        if not path.is_file():
            raise PipelineError(f"{path} is missing. Name another, or make the model: make repro")
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        raise PipelineError("There is no display for the window. Put xvfb-run before the command.")
    report: dict[str, Any] = {"cores": usable_cores(), "film": options.film.name}
    with serve(options.model.resolve()) as (host, _):
        for mode, arguments in MODES.items():
            report[mode] = run_client(options.film.resolve(), f"http://{host}", arguments)
    if options.environment:
        report["environment_mib"] = measure_environment()
    write_text(REPORT, json.dumps(report, indent=2) + "\n")
    sys.stdout.write(as_text(report))


def run_client(film: Path, server: str, arguments: list[str]) -> dict[str, Any]:
    """Run the client on a film, with its window.

    Returns:
        The text, the times of each step, seconds from the start to the first letter on the screen, and the peak
        memory in MiB.
    """
    with tempfile.TemporaryDirectory() as folder:
        timings = Path(folder) / "timings.json"
        command = [sys.executable, "-m", "client", "--source", str(film), "--server", server, "--quit", *arguments]
        begun = time.time()
        process = subprocess.Popen([*command, "--timings", str(timings)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None  # noqa: S101 - requested above
        text = process.stdout.read().strip()
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise PipelineError(f"{' '.join(command)} ended with status {os.waitstatus_to_exitcode(status)}.")
        times = json.loads(timings.read_text())
    started = round(times.pop("first_drawn") - begun, 2)
    return {"text": text, "started_s": started, "peak_mib": round(usage.ru_maxrss / 1024, 1), **times}


def measure_environment() -> float:
    """Install what the client needs, and nothing else, into a new environment; returns its size in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / "bin" / "python"
        uv = [str(ROOT / ".venv" / "bin" / "uv")]
        subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
        needed = ["--require-hashes", "-r", str(ROOT / "requirements" / "client.txt")]
        subprocess.run(
            [*uv, "pip", "install", "--quiet", "--link-mode", "copy", "--python", str(python), *needed], check=True
        )
        return round(sum(path.lstat().st_size for path in Path(folder).rglob("*")) / 2**20, 1)


def as_text(report: dict[str, Any]) -> str:
    """Write a report as tables."""
    lines = [f"{report['cores']} cores, client and service on the same; {report['film']}"]
    for mode in MODES:
        of = report[mode]
        lines += [
            "",
            f"{mode}: {of['text']!r}, {of['frames']} frames, {of['frames_per_second']} a second; first letter after "
            f"{of['started_s']} s,",
            f"at most {of['peak_mib']} MiB of memory",
            f"{'ms':24}{'median':>9}{'p95':>9}",
            *(f"{step:24}{times['median']:9.2f}{times['p95']:9.2f}" for step, times in of["ms"].items()),
        ]
    if "environment_mib" in report:
        lines += ["", f"the client's own environment: {report['environment_mib']} MiB"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    run_door(main)
