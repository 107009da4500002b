"""What the service adds to its model's latency, the load that it sustains, and whether its memory grows.

`make bench-service` serves the packaged champion on loopback and loads it from the same machine, so the two share its
cores. The same run measures the bare model, and a plain FastAPI endpoint around it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import psutil
from tqdm import tqdm

from benchmarks.load import Load, Survival, ask_at_a_rate, ask_in_turn, ask_through_kills, post_in_turn
from benchmarks.ports import reserved_port
from client.mask import render_mask
from client.stream.png import encode_png
from service.cores import usable_cores
from service.recogniser import Recogniser
from service.smoothing import SmoothingParameters, accept
from stages.errors import PipelineError, run_door
from stages.files import write_text
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import synthesize_hands

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

Report = dict[str, Any]

ROOT: Final = Path(__file__).resolve().parents[1]
REPORT: Final = Path("reports/bench_service.json")
BENTO: Final = ROOT / "bento"
MODEL: Final = BENTO / "src" / "champion.onnx"
TRAIL: Final = BENTO / "src" / "trail.onnx"
VOCABULARY: Final = BENTO / "src" / "vocabulary.tsv"
BATCHES: Final = (1, 2, 4, 8)
STREAMS: Final = (1, 2, 4, 8, 12, 16, 20)
FRAME_RATE: Final = 10.0
"""Frames a second of each stream that sends at a fixed rate."""
CROWD: Final = 16
"""Streams or clients that send as fast as replies come: enough to keep the model busy."""
SOAK_STREAMS: Final = 12
OURS, ADAPTIVE = "service.service:Fingerspell", "benchmarks.adaptive:Adaptive"
"""Targets of `bentoml serve`: the service, and the same stream over BentoML's own batches."""
START_SECONDS: Final = 60.0
SECONDS_PER_KILL: Final = 20.0
"""Seconds from one kill of the worker to the next: BentoML checks every ten whether it runs, then starts another."""


def main() -> None:
    """Print the tables and write `reports/bench_service.json`."""
    parser = argparse.ArgumentParser(description="Latency and throughput of the service, next to the bare model.")
    parser.add_argument("--model", type=Path, default=MODEL, help="the model to serve (default: the Bento's)")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a turn (default: 5)")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each; the report has their median (default: 7)")
    parser.add_argument("--kills", type=int, default=0, help="how often to kill the worker under load (default: 0)")
    parser.add_argument(
        "--soak", type=float, default=0.0, help="seconds of load by twelve streams at the end (default: 0)"
    )
    options = parser.parse_args()
    if not options.model.is_file():
        raise PipelineError(f"{options.model} is missing. Make it, or name another: make repro")
    report = measure(options.model.resolve(), options.seconds, options.rounds, options.kills, options.soak)
    write_text(REPORT, json.dumps(report, indent=2) + "\n")
    sys.stdout.write(as_text(report))


def measure(model: Path, seconds: float, rounds: int, kills: int, soak: float) -> Report:
    """Measure the bare model, the plain endpoint and the service, in turn."""
    masks = draw_masks()
    pngs = [encode_png(mask) for mask in masks]
    report: Report = {"machine": {"cores": usable_cores()}, "seconds": seconds, "rounds": rounds}
    turns: dict[str, list[Any]] = {name: [] for name in ("bare", "one_stream", "streams", "adaptive", "posts", "plain")}
    with serve_plain(model) as plain, serve(model, ADAPTIVE) as (adaptive, _), serve(model) as (host, process):
        for _ in tqdm(range(rounds), unit="round"):
            # Measurements to compare follow one another: a machine may be faster in one minute than in the next.
            turns["one_stream"].append(in_a_process(ask_in_turn, host, pngs, 1, seconds))
            turns["bare"].append(in_a_process(measure_bare, model, masks, seconds))
            turns["streams"].append(in_a_process(ask_in_turn, host, pngs, CROWD, seconds))
            turns["plain"].append(in_a_process(post_in_turn, plain, pngs, CROWD, seconds))
            turns["posts"].append(in_a_process(post_in_turn, host, pngs, CROWD, seconds))
            turns["adaptive"].append(in_a_process(ask_in_turn, adaptive, pngs, CROWD, seconds))
        report["bare"] = {
            str(size): {
                name: round(median(turn[size][name] for turn in turns["bare"]), 3) for name in ("rate", "p50_ms")
            }
            for size in BATCHES
        }
        report |= {name: summary(turns[name]) for name in ("one_stream", "streams", "adaptive", "posts", "plain")}
        report |= compare(turns)
        report["at_a_rate"] = {
            str(streams): summary([in_a_process(ask_at_a_rate, host, pngs, streams, seconds, FRAME_RATE)])
            for streams in STREAMS
        }
        if soak:
            report["soak"] = measure_soak(host, process, pngs, soak)
        if kills:
            report["kills"] = measure_kills(host, pngs, masks, model, kills)
    return report


def draw_masks() -> list[npt.NDArray[np.uint8]]:
    """Draw the hands of a synthetic signer."""
    hands = synthesize_hands(read_handshapes(), 2, samples_per_letter=1, seed=7, non_letters=0)
    return [render_mask(landmarks) for landmarks in hands.landmarks]


def measure_bare(model: Path, masks: Sequence[npt.NDArray[np.uint8]], seconds: float) -> dict[int, dict[str, float]]:
    """Run the model in a loop and nothing else, in batches of several sizes."""
    recogniser, rates = Recogniser(model), {}
    for size in BATCHES:
        batch, took = np.stack(masks[:size]), []
        until = time.perf_counter() + seconds / len(BATCHES)
        while (begun := time.perf_counter()) < until:
            recogniser.predict(batch)
            took.append(time.perf_counter() - begun)
        rates[size] = {"rate": size * len(took) / sum(took), "p50_ms": median(took) * 1000}
    return rates


def in_a_process(function: Any, *arguments: Any) -> Any:  # noqa: ANN401 - whatever the function takes and returns
    """Call a function in a process of its own, so that nothing it leaves behind slows the next measurement."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def summary(loads: Sequence[Load]) -> Report:
    """Summarise some turns: medians of their rates and percentiles, sums of drops and errors."""
    each = [{"rate": load.rate} | load.percentiles() for load in loads]
    medians = {name: round(median(of[name] for of in each), 2) for name in each[0]}
    counts = {name: sum(getattr(load, name) for load in loads) for name in ("sent", "dropped", "errors")}
    return medians | counts


def compare(turns: dict[str, list[Any]]) -> Report:
    """Compare the service with the bare model and the plain endpoint, turn by turn; medians of the turns."""
    bare, streams = turns["bare"], [load.rate for load in turns["streams"]]
    added = [load.percentiles()["p50_ms"] - of[1]["p50_ms"] for load, of in zip(turns["one_stream"], bare, strict=True)]
    of_bare = [rate / of[1]["rate"] for rate, of in zip(streams, bare, strict=True)]
    of_best = [rate / max(each["rate"] for each in of.values()) for rate, of in zip(streams, bare, strict=True)]
    of_plain = [rate / load.rate for rate, load in zip(streams, turns["plain"], strict=True)]
    return {
        "added_ms": round(median(added), 2),
        "of_bare": round(median(of_bare), 3),
        "of_bare_turns": [round(share, 3) for share in of_bare],
        "of_bare_best": round(median(of_best), 3),
        "of_plain": round(median(of_plain), 2),
    }


def measure_soak(host: str, process: subprocess.Popen[bytes], pngs: Sequence[bytes], seconds: float) -> Report:
    """Keep twelve streams busy, and record the memory of the service's processes.

    Returns:
        What `summary` returns; memory at the start, half-way and at the end; its slope in MiB an hour over the second
        half with a standard error that takes samples ten seconds apart as independent.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        load = pool.apply_async(ask_at_a_rate, (host, pngs, SOAK_STREAMS, seconds, FRAME_RATE))
        times, sizes = [], []
        begun = time.perf_counter()
        while not load.ready():
            load.wait(10.0)
            times.append(time.perf_counter() - begun)
            sizes.append(memory(process) / 2**20)
        result = load.get()
    half = len(times) // 2
    x, y = np.array(times[half:-1]) / 3600, np.array(sizes[half:-1])
    slope, error = fit_line(x, y)
    return summary([result]) | {
        "seconds": seconds,
        "streams": SOAK_STREAMS,
        "memory_mib": [round(size, 1) for size in (sizes[0], sizes[half], sizes[-2])],
        "slope_mib_per_hour": round(slope, 2),
        "slope_error": round(error, 2),
    }


def measure_kills(
    host: str, pngs: Sequence[bytes], masks: Sequence[npt.NDArray[np.uint8]], model: Path, kills: int
) -> Report:
    """Kill the worker again and again under sixteen streams, and check every reply they get.

    Returns:
        Kills; replies, and how many were wrong; reconnections; seconds without a reply.
    """
    recogniser = Recogniser(model)
    letters = [
        accept(recogniser.classes[row.argmax()], float(row.max()), SmoothingParameters.threshold)
        for row in recogniser.predict(np.stack(masks))
    ]
    seconds = (kills + 1) * SECONDS_PER_KILL
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        load = pool.apply_async(ask_through_kills, (host, pngs, letters, CROWD, seconds))
        for _ in range(kills):
            time.sleep(SECONDS_PER_KILL)
            find_worker(int(host.rpartition(":")[2])).kill()
        survival: Survival = load.get()
    return {
        "kills": kills,
        "streams": CROWD,
        "answered": survival.answered,
        "wrong": survival.wrong,
        "reconnected": len(survival.outages),
        "outage_s": [round(float(value), 2) for value in np.percentile(survival.outages or [np.nan], [50, 100])],
        "ready": answers(f"http://{host}/readyz"),
    }


def find_worker(port: int) -> psutil.Process:
    """Find the process that serves a port: the youngest one that listens on it."""
    holders = [process for process in psutil.process_iter() if _listens(process, port)]
    return max(holders, key=lambda process: process.create_time())


def _listens(process: psutil.Process, port: int) -> bool:
    with contextlib.suppress(psutil.Error):
        links = process.net_connections("tcp")
        return any(link.status == psutil.CONN_LISTEN and link.laddr.port == port for link in links)
    return False


def fit_line(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Fit a line by least squares.

    Returns:
        Its slope and the slope's standard error.
    """
    away = x - x.mean()
    slope = float((away * y).sum() / (away**2).sum())
    rest = y - y.mean() - slope * away
    return slope, float(np.sqrt((rest**2).sum() / max(len(x) - 2, 1) / (away**2).sum()))


def memory(process: subprocess.Popen[bytes]) -> int:
    """Add up the resident memory of a process and all its descendants, in bytes."""
    parent = psutil.Process(process.pid)
    return sum(each.memory_info().rss for each in [parent, *parent.children(recursive=True)])


@contextlib.contextmanager
def serve(model: Path, target: str = OURS, checkout: Path = ROOT) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve a model on a free port of loopback as `make serve` does, without a limit on requests a second.

    Args:
        model: the file; a trail network beside it is served, too.
        target: of `bentoml serve`.
        checkout: whose service and page it is.
    """
    command = [sys.executable, "-m", "bentoml", "serve", target, "--host", "127.0.0.1"]
    environment = {"FINGERSPELL_MODEL": str(model), "FINGERSPELL_RATE": "0"}
    if (trail := model.with_name(TRAIL.name)).is_file():
        environment["FINGERSPELL_TRAIL"] = str(trail)
    with running(command, "/readyz", environment, checkout) as (host, process):
        yield host, process


@contextlib.contextmanager
def serve_plain(model: Path) -> Iterator[str]:
    """Serve a model by the plain FastAPI endpoint."""
    command = [sys.executable, "-m", "uvicorn", "benchmarks.plain_api:app", "--host", "127.0.0.1", "--no-access-log"]
    with running(command, "/openapi.json", {"FINGERSPELL_MODEL": str(model)}) as (host, _):
        yield host


@contextlib.contextmanager
def running(
    command: list[str], path: str, more: dict[str, str], folder: Path = ROOT
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run a server on a port of its own until the block ends; gives 'host:port' and the process once `path` answers."""
    with tempfile.TemporaryFile() as log, reserved_port() as port:
        environment = os.environ | more
        process = subprocess.Popen([*command, "--port", str(port)], cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not answers(f"http://127.0.0.1:{port}{path}"):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise PipelineError(f"{command[2]} does not start: {log.read()[-2000:].decode(errors='replace')}")
                time.sleep(0.2)
            yield f"127.0.0.1:{port}", process
        finally:
            process.terminate()
            process.wait(30)


def answers(url: str) -> bool:
    """Ask whether a server is ready."""
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - loopback
        return bool(answer.status == 200)
    return False


def as_text(report: Report) -> str:
    """Write a report as tables of at most 100 columns."""
    bare, shares = report["bare"], report["of_bare_turns"]
    lines = [
        f"{report['machine']['cores']} cores, load and service on the same; {report['rounds']} turns of "
        f"{report['seconds']:g} s each, their median",
        "",
        f"{'':34}{'masks/s':>9}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'dropped':>9}{'errors':>8}",
        *(f"{f'bare model, batches of {size}':34}{of['rate']:9.1f}{of['p50_ms']:9.2f}" for size, of in bare.items()),
        _line("one stream, frame after frame", report["one_stream"]),
        _line(f"{CROWD} streams, frame after frame", report["streams"]),
        _line("the same over BentoML's batching", report["adaptive"]),
        _line(f"{CROWD} clients, POST /predict", report["posts"]),
        _line(f"{CROWD} clients, plain FastAPI", report["plain"]),
        "",
        f"added to the model, p50 of one stream: {report['added_ms']:.2f} ms (goal: at most 2)",
        f"{CROWD} streams: {report['of_bare']:.1%} of the bare loop, a mask at a time (goal: at least 85 %),",
        f"{report['of_bare_best']:.1%} of its best with batches, {report['of_plain']:.2f} times the plain endpoint's;",
        f"each compared within a turn, their median; of the bare loop {min(shares):.1%} to {max(shares):.1%}",
        "",
        f"streams of {FRAME_RATE:g} frames a second",
        *(_line(f"{streams:>2} streams", of) for streams, of in report["at_a_rate"].items()),
    ]
    if "soak" in report:
        soak = report["soak"]
        first, half, last = soak["memory_mib"]
        lines += [
            _line(f"{soak['streams']} streams for {soak['seconds']:g} s", soak),
            f"memory: {first} MiB at first, {half} half-way, {last} at the end; slope of the second half "
            f"{soak['slope_mib_per_hour']}",
            f"+- {soak['slope_error']} MiB an hour",
        ]
    if "kills" in report:
        kills = report["kills"]
        half, longest = kills["outage_s"]
        lines += [
            "",
            f"worker killed {kills['kills']} times under {kills['streams']} streams: {kills['reconnected']} "
            f"reconnections, {half} s without a reply",
            f"(median; {longest} at most), {kills['answered']:,} replies, {kills['wrong']} wrong; ready afterwards: "
            f"{'yes' if kills['ready'] else 'NO'}",
        ]
    return "\n".join(lines) + "\n"


def _line(name: str, of: Report) -> str:
    latency = "".join(f"{of[percentile]:9.2f}" for percentile in ("p50_ms", "p95_ms", "p99_ms"))
    return f"{name:34}{of['rate']:9.1f}{latency}{of['dropped']:9}{of['errors']:8}"


if __name__ == "__main__":
    run_door(main)
