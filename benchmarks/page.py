"""The page in a real Chromium: the time to the first letter on slow lines, bytes of a visit, and how busy it is.

`make bench-page BEFORE=folder` also measures another checkout, with its page built in `web/`, in the same run.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import cv2

from benchmarks.service import MODEL, ROOT, serve
from benchmarks.throttle import slow_line
from client.capture.demo import FILM
from service.cores import usable_cores
from stages.errors import PipelineError, run_door
from stages.files import write_text

if TYPE_CHECKING:
    from benchmarks.throttle import Line

REPORT: Final = Path("reports/bench_page.json")
DRIVER: Final = ROOT / "client" / "web"
LINES: Final = {"10 Mbit/s": 10e6, "1.6 Mbit/s": 1.6e6}
LATENCY: Final = 0.02
"""Seconds to the other end: 40 ms there and back."""
HELD: Final = 95
"""Frame of the demonstration's film in which a letter is held: the camera of the visits that load the page."""
STREAMED: Final = ("/stream", "/model")
"""Paths that a page asks at each visit, whatever it has kept."""
LIMIT: Final = 420
"""Seconds that a visit may take, those that it is watched aside."""


def main() -> None:
    """Print the tables and write `reports/bench_page.json`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description="The page, loading and reading.")
    parser.add_argument("--model", type=Path, default=MODEL, help="the model to serve (default: the Bento's)")
    parser.add_argument("--before", type=Path, help="another checkout, with web/ built, to measure beside this one")
    parser.add_argument(
        "--visits", type=int, default=3, help="visits at each speed; the report has medians (default: 3)"
    )
    parser.add_argument("--seconds", type=float, default=120, help="how long the page is watched (default: 120)")
    options = parser.parse_args()
    checkouts = {"now": ROOT} | ({"before": options.before.resolve()} if options.before else {})
    for path in (options.model, *(checkout / "web" / "index.html" for checkout in checkouts.values())):
        if not path.is_file():
            raise PipelineError(f"{path} is missing. Make it, or name another: make repro")
    if (chromium := shutil.which("chromium") or shutil.which("chromium-browser")) is None:
        raise PipelineError("There is no Chromium. Install it (Debian: apt-get install chromium).")
    report: dict[str, Any] = {"cores": usable_cores(), "latency_ms": 1000 * LATENCY, "visits": options.visits}
    with tempfile.TemporaryDirectory() as folder:
        held, film = Path(folder) / "held.mjpeg", Path(folder) / "film.mjpeg"
        write_camera(held, [HELD])
        write_camera(film)
        for name, checkout in checkouts.items():
            with serve(options.model.resolve(), checkout=checkout) as (host, _):
                report[name] = {
                    speed: measure_loading(host, rate, options.visits, held, chromium) for speed, rate in LINES.items()
                }
                if options.seconds:
                    with slow_line(host, math.inf, 0.0) as (address, line):
                        profile = Path(folder) / f"{name} reading"
                        reading, _ = visit(address, line, film, chromium, profile, options.seconds)
                    report[name]["reading"] = reading
    write_text(REPORT, json.dumps(report, indent=2) + "\n")
    sys.stdout.write(as_text(report))


def write_camera(path: Path, frames: list[int] | None = None) -> None:
    """Write the demonstration's film, or some of its frames, in the format of Chromium's fake camera: JPEGs."""
    capture, pictures = cv2.VideoCapture(FILM), []
    while (got := capture.read())[0]:
        pictures.append(cv2.imencode(".jpg", got[1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes())
    path.write_bytes(b"".join(pictures if frames is None else [pictures[frame] for frame in frames]))


def measure_loading(host: str, rate: float, visits: int, film: Path, chromium: str) -> dict[str, Any]:
    """Visit the page twice, the second time with what the browser has kept, several times over."""
    turns = []
    for _ in range(visits):
        with tempfile.TemporaryDirectory() as profile, slow_line(host, rate, LATENCY) as (address, line):
            turns.append([visit(address, line, film, chromium, Path(profile)) for _ in range(2)])
    report: dict[str, Any] = {}
    for number, which in enumerate(("first", "second")):
        times = [turn[number][0]["first_letter_s"] for turn in turns]
        counts = [turn[number][1] for turn in turns]
        report[f"{which}_visit"] = {
            "first_letter_s": round(median(times), 2),
            "bytes": int(median(sum(count.values()) for count in counts)),
            "bytes_of": dict(counts[-1].most_common()),
        }
    return report


def visit(
    address: str, line: Line, film: Path, chromium: str, profile: Path, seconds: float = 0
) -> tuple[dict[str, Any], Counter[str]]:
    """Open the page through a line until it shows a letter, and for some seconds more.

    Returns:
        What the browser measured, and the bytes of each path but those of the stream.
    """
    line.received.clear()
    environment = {
        "FINGERSPELL_URL": f"http://{address}", "FINGERSPELL_FILM": str(film), "CHROMIUM": chromium,
        "PROFILE": str(profile), "SECONDS": str(seconds),
    }  # fmt: skip
    done = subprocess.run(
        ["npx", "vite-node", "bench/visit.ts"],
        cwd=DRIVER, env=os.environ | environment, capture_output=True, text=True, timeout=LIMIT + seconds, check=False,
    )  # fmt: skip
    if done.returncode:
        raise PipelineError(f"The page was not measured. Fix the cause and run again:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout), Counter({path: n for path, n in line.received.items() if path not in STREAMED})


def as_text(report: dict[str, Any]) -> str:
    """Write a report as tables of at most 100 columns."""
    lines = [f"{report['cores']} cores, browser and service on the same; medians of {report['visits']} visits", ""]
    lines.append(f"{'':34}{'first letter s':>16}{'MB':>8}")
    builds = [name for name in ("before", "now") if name in report]
    for speed in LINES:
        for which in ("first", "second"):
            for name in builds:
                of = report[name][speed][f"{which}_visit"]
                row = f"{speed}, {which} visit, {name}"
                lines.append(f"{row:34}{of['first_letter_s']:16.2f}{of['bytes'] / 1e6:8.3f}")
    for name in builds:
        if reading := report[name].get("reading"):
            lines += [
                "",
                f"reading, {name}: {reading['animation_frames_a_second']:.1f} animation frames a second, main thread "
                f"{reading['main_thread_busy']:.1%} busy, {len(reading['long_tasks_ms'])} long tasks, heap "
                f"{reading['heap_start_mb']:.1f} MB at the start and {reading['heap_end_mb']:.1f} MB at the end",
            ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    run_door(main)
