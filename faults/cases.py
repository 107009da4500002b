"""The faults, one case each: what is done to a run, which message its user gets, and the results of the next run."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from faults.checkout import Checkout, differences
from faults.processes import Missed, Repro, Server, message_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import psutil

TRIES: Final = 3
"""How often a case is tried if it misses its moment."""
QUIET_SECONDS: Final = 240.0
"""Longest time until a run must report that MLflow's server is unreachable, on a busy machine and with other stages."""
TMPFS_MIB: Final = 900
KIB: Final = 1024
RIGHT, WRONG, SKIPPED = "right", "wrong", "skipped"


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    case: str
    done: str
    seen: str
    """First line of the message; "" if no process was left to print one."""
    status: int
    """Exit status of the disturbed run."""
    again: int
    """Exit status of the next `make repro`."""
    same: bool
    """Whether that run ended with the results of an undisturbed one."""
    verdict: str
    why: str = ""
    """What is wrong, or why it was skipped."""


@dataclass(frozen=True)
class Case:
    """A fault."""

    name: str
    done: str
    run: Callable[[Checkout, dict[str, Any]], Row]


class Skip(Exception):  # noqa: N818 - not an error
    """This machine does not permit the case."""


WRITES: Final = {
    "synthesize": "data/raw/*synthetic.npz*",
    "preprocess": "data/*processed*",
    "train@custom_cnn": "models/custom_cnn/*",
    "reference": "models/landmark_mlp/*",
    "test_sets": "data/*test_sets*",
    "predict@custom_cnn": "data/predictions/*custom_cnn*",
    "evaluate@custom_cnn": "reports/custom_cnn/*metrics.json*",
    "register": "models/champion/*",
    "test": "reports/test/*metrics.json*",
    "speed": "reports/*speed.json*",
    "draw": "reports/custom_cnn/*.png*",
    "compare": "reports/comparison/*",
    "package": "bento/*",
}
"""First output that each stage writes."""
WORKS: Final = {
    "train@custom_cnn": "models/unfinished/custom_cnn-*/last.ckpt",
    "register": "mlartifacts/**/model.onnx",
    "package": ".bentoml/build",
}
"""Intermediate files of a stage; the others are killed `EARLY_SECONDS` after their start."""
EARLY_SECONDS: Final = 0.3


def run_case(case: Case, checkout: Checkout, expected: dict[str, Any]) -> Row:
    """Run a case; try again if it misses its moment."""
    blank = partial(Row, case.name, case.done)
    for _ in range(TRIES):
        with suppress(Missed):
            try:
                return case.run(checkout, expected)
            except Skip as reason:
                return blank("", 0, 0, same=False, verdict=SKIPPED, why=str(reason))
    return blank("", 0, 0, same=False, verdict=WRONG, why=f"the stage ended before the fault came, {TRIES} times")


def judge(
    case: str, done: str, run: Repro, status: int, checkout: Checkout, expected: dict[str, Any], *,
    reports: bool, environment: Mapping[str, str] | None = None, store: Path | None = None,
    faults: tuple[str, ...] = (),
) -> Row:  # fmt: skip
    """Run `make repro` once more, undisturbed, and compare.

    Args:
        case: its name.
        done: what was done.
        run: the disturbed run.
        status: its exit status.
        checkout: where.
        expected: results of an undisturbed run.
        reports: whether a failed run must print what to do.
        environment: of the run, if it is not the checkout's.
        store: sqlite file of MLflow, if it is not the checkout's.
        faults: what is already known to be wrong.
    """
    output, why = run.output, list(faults)
    if reports and "Traceback (most recent call last)" in output:
        why.append("a traceback")
    if reports and status and not message_of(output):
        why.append("no message that says what to do")
    if status == 124:
        why.append("it hung")
    after = Repro(checkout.folder, environment or checkout.environment, checkout.folder.parent / "again.log")
    again = after.wait()
    if again:
        why.append(f"the next run failed: {message_of(after.output)}")
    different = differences(expected, checkout.results(store))
    if different:
        why.append("other results: " + ", ".join(different[:4]))
    seen = message_of(output).replace(str(checkout.folder), "CHECKOUT")
    if left := checkout.leftovers():
        why.append("left behind: " + ", ".join(left[:4]))
    return Row(
        case, done, seen, status, again, not different, WRONG if why else RIGHT, "; ".join(why)
    )  # fmt: skip


def kill_stage(
    stage: str, sign: str, least: int, name: str, done: str, checkout: Checkout, expected: dict[str, Any]
) -> Row:
    """Kill the stage's own process at work: when a file of some bytes appears, or after a while."""
    checkout.begin_before(stage)
    run = start(checkout)
    with stopping(run):
        process = run.stage(stage)
        await_file(run, process, checkout, sign, least) if sign else time.sleep(EARLY_SECONDS)
        if not process.is_running():
            raise Missed
        process.kill()
        return judge(name, done, run, run.wait(), checkout, expected, reports=False)


def kill_all(stage: str, name: str, done: str, checkout: Checkout, expected: dict[str, Any]) -> Row:
    """Kill make, DVC and the stage when its first output appears."""
    checkout.begin_before(stage)
    run = start(checkout)
    with stopping(run):
        process = run.stage(stage)
        await_file(run, process, checkout, WRITES[stage])
        run.kill_all()
        return judge(name, done, run, -9, checkout, expected, reports=False)


def fill_disk(
    stage: str, sign: str, free_kib: int, name: str, done: str, checkout: Checkout, expected: dict[str, Any]
) -> Row:
    """Leave little space on the file system of the checkout, and free it afterwards."""
    with small_disk(checkout.folder):
        checkout.begin_before(stage)
        run = start(checkout)
        with stopping(run):
            process = run.stage(stage)
            if sign:
                await_file(run, process, checkout, sign)
            ballast = checkout.folder / "ballast"
            fill(ballast, free_kib)
            status = run.wait()
            halves = half_written(checkout, expected)
            ballast.unlink()
            faults = (*(["it did not fail"] if not status else []), *(f"half-written: {half}" for half in halves))
            return judge(name, done, run, status, checkout, expected, reports=True, faults=faults)


def fill(ballast: Path, free_kib: int) -> None:
    """Fill a file system with one file, to its last page, and free some of it."""
    with ballast.open("wb", buffering=0) as file:
        space = os.statvfs(ballast)
        # A file system's free space is not exact to the page.
        os.posix_fallocate(file.fileno(), 0, space.f_bavail * space.f_frsize - KIB * KIB)
        file.seek(0, os.SEEK_END)
        with suppress(OSError):
            while True:
                file.write(bytes(4 * KIB))
        file.truncate(file.tell() - free_kib * KIB)


def half_written(checkout: Checkout, expected: dict[str, Any]) -> list[str]:
    """Name files at their final places that differ from those of an undisturbed run."""
    found = checkout.results()["files"]
    return [name for name, content in found.items() if content != expected["files"].get(name)]


@contextmanager
def mlflow_server(checkout: Checkout) -> Iterator[tuple[Server, dict[str, str]]]:
    """Provide an empty MLflow server, not yet started, and the environment of runs that use it."""
    folder = checkout.folder.parent / "server"
    shutil.rmtree(folder, ignore_errors=True)
    server = Server(folder, checkout.environment)
    try:
        yield server, {**checkout.environment, "MLFLOW_TRACKING_URI": server.uri}
    finally:
        server.kill()


def server_away(back_after: float | None, name: str, done: str, checkout: Checkout, expected: dict[str, Any]) -> Row:
    """Kill MLflow's server before `register` needs it; start it again while the stage runs, or after its end."""
    checkout.begin_before("register")
    with mlflow_server(checkout) as (server, environment):
        server.start()  # creates its tables
        server.kill()
        run = Repro(checkout.folder, environment, checkout.folder.parent / "run.log")
        with stopping(run):
            run.stage("register")
            begun = time.monotonic()
            if back_after is not None:
                time.sleep(back_after)
                server.start()
            status = run.wait()
            silent = status and time.monotonic() - begun > QUIET_SECONDS
            if back_after is None:
                server.start()
            return judge(
                name, done, run, status, checkout, expected, reports=True, environment=environment,
                store=server.database, faults=("it printed nothing for minutes",) if silent else (),
            )  # fmt: skip


def server_lost(name: str, done: str, checkout: Checkout, expected: dict[str, Any]) -> Row:
    """Kill MLflow's server while `register` writes to it, and start it again after a while."""
    checkout.begin_before("register")
    with mlflow_server(checkout) as (server, environment):
        server.start()
        run = Repro(checkout.folder, environment, checkout.folder.parent / "run.log")
        with stopping(run):
            process = run.stage("register")
            run.wait_for(lambda: next(server.files.glob("**/metrics.json"), None), process)
            server.kill()
            time.sleep(20)
            server.start()
            status = run.wait()
            return judge(
                name,
                done,
                run,
                status,
                checkout,
                expected,
                reports=True,
                environment=environment,
                store=server.database,
            )


def two_at_once(stages: tuple[str, ...], name: str, done: str, checkout: Checkout, expected: dict[str, Any]) -> Row:
    """Start the same run twice."""
    checkout.begin_before(*stages)
    first = start(checkout)
    second = Repro(checkout.folder, checkout.environment, checkout.folder.parent / "second.log")
    with stopping(first), stopping(second):
        statuses = first.wait(), second.wait()
        refused = second if statuses[1] else first
        return judge(name, done, refused, max(statuses), checkout, expected, reports=True)


def start(checkout: Checkout) -> Repro:
    """Start `make repro` in the checkout."""
    return Repro(checkout.folder, checkout.environment, checkout.folder.parent / "run.log")


def await_file(run: Repro, process: psutil.Process, checkout: Checkout, pattern: str, least: int = 0) -> None:
    """Wait for a file that the stage writes, and for some bytes of it."""

    def find() -> Path | None:
        with suppress(FileNotFoundError):
            return next((path for path in checkout.folder.glob(pattern) if path.stat().st_size >= least), None)
        return None

    run.wait_for(find, process)


@contextmanager
def stopping(run: Repro) -> Iterator[None]:
    """Kill what is left of a run."""
    try:
        yield
    finally:
        run.kill_all()


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a small file system in place of a folder.

    Raises:
        Skip: mounting is not permitted here.
    """
    command = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_MIB}m", "faults", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except OSError as error:
        raise Skip(f"mount cannot be run: {error}") from None
    if mounted.returncode:
        raise Skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True, timeout=60)


def _named(name: str, done: str, run: Callable[..., Row]) -> Case:
    return Case(name, done, partial(run, name, done))


CASES: Final = [
    *(
        _named(
            f"kill-{stage}", f"{stage}: kill -9 of its process at work",
            partial(kill_stage, stage, WORKS.get(stage, ""), 0),
        )
        for stage in WRITES
    ),
    _named(
        "kill-tables", "register: kill -9 of its process while MLflow creates its tables",
        partial(kill_stage, "register", "mlflow.db*", 200_000),
    ),
    *(
        _named(f"power-{stage}", f"{stage}: kill -9 of everything at its first output", partial(kill_all, stage))
        for stage in WRITES
    ),
    _named("disk-synthesize", "synthesize: disk full while it writes", partial(fill_disk, "synthesize", "", 16)),
    _named("disk-preprocess", "preprocess: disk full while it writes", partial(fill_disk, "preprocess", "", 24)),
    _named(
        "disk-checkpoint", "train@custom_cnn: disk full at a checkpoint",
        partial(fill_disk, "train@custom_cnn", "", 1500),
    ),
    _named(
        "disk-weights", "train@custom_cnn: disk full after training, at the export",
        partial(fill_disk, "train@custom_cnn", "models/custom_cnn/.model.onnx.partial", 1500),
    ),
    _named("disk-register", "register: disk full while MLflow writes", partial(fill_disk, "register", "", 300)),
    _named(
        "disk-cache",
        "synthesize: disk full when DVC records its output",
        partial(fill_disk, "synthesize", "data/raw/synthetic.npz", 4),
    ),
    _named("disk-package", "package: disk full while it builds", partial(fill_disk, "package", "", 300)),
    _named("server-back", "MLflow's server unreachable, back 20 s later", partial(server_away, 20.0)),
    _named("server-gone", "MLflow's server unreachable until the run has ended", partial(server_away, None)),
    _named("server-lost", "MLflow's server killed while register writes, back 20 s later", server_lost),
    _named("two-training", "two make repro at once, at training", partial(two_at_once, ("train@custom_cnn",))),
    _named("two-register", "two make repro at once, at the registry", partial(two_at_once, ("register",))),
]  # fmt: skip
