"""`make repro` as a user starts it, watched and killed by process id; and MLflow's server."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

T = TypeVar("T")
REPRO_SECONDS: Final = 3600.0
"""Longest time for a whole run; a longer one hangs."""
SIGN_SECONDS: Final = 900.0
"""Longest wait for the moment of a fault."""
POLL_SECONDS: Final = 0.002
STAGE_POLL_SECONDS: Final = 0.05
"""Longer, because listing all processes takes a while."""
SERVER_SECONDS: Final = 180.0


class Missed(Exception):  # noqa: N818 - not an error: the moment of a fault was missed
    """The stage had ended before the fault came."""


class Repro:
    """A running `make repro`, in its own session."""

    def __init__(self, folder: Path, environment: Mapping[str, str], log: Path) -> None:
        self._log, self._begun = log, time.monotonic()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                ["make", "repro"], cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    @property
    def output(self) -> str:
        """What the user sees."""
        return self._log.read_text(errors="replace").replace("\r", "\n")

    def stage(self, name: str) -> psutil.Process:
        """Wait for the python process of a stage, named as in `dvc.yaml`."""
        module, _, item = name.partition("@")
        wanted = [f"stages.{module}", *([item] if item else [])]

        def find() -> psutil.Process | None:
            for process in self._family():
                with suppress(psutil.Error):
                    if process.cmdline()[-len(wanted) :] == wanted:
                        return process
            return None

        return self.wait_for(find, pause=STAGE_POLL_SECONDS)

    def wait_for(
        self, sign: Callable[[], T | None], while_runs: psutil.Process | None = None, pause: float = POLL_SECONDS
    ) -> T:
        """Poll until `sign` returns something.

        Raises:
            Missed: the run, or the process given, ended first.
        """
        end = time.monotonic() + SIGN_SECONDS
        while time.monotonic() < end:
            if (found := sign()) is not None:
                return found
            if self._process.poll() is not None or not (while_runs is None or while_runs.is_running()):
                break
            time.sleep(pause)
        raise Missed

    def kill_all(self) -> None:
        """Send SIGKILL to `make`, DVC and the stage, like a power failure."""
        family = self._family()
        for process in [*family, self._process]:
            with suppress(psutil.Error, ProcessLookupError):
                process.kill()
        self._process.wait(timeout=60)
        # DVC takes them for alive until the system has removed them; no user types the next command so soon.
        psutil.wait_procs(family, timeout=60)

    def wait(self, seconds: float = REPRO_SECONDS) -> int:
        """Wait for the end; a run that takes longer is killed and counts as hanging (status 124)."""
        try:
            return self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill_all()
            return 124

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._begun

    def _family(self) -> list[psutil.Process]:
        with suppress(psutil.Error):
            return psutil.Process(self._process.pid).children(recursive=True)
        return []


def message_of(output: str) -> str:
    """Find the line that reports what happened: the stage's own, else DVC's; "" if there is none."""
    for pattern in (r"error: (.*)", r"(MLflow at .*)", r"ERROR: (.*)"):
        if found := re.search(pattern, output):
            return found[1].strip()
    return ""


class Server:
    """`mlflow server` on loopback, with its own database and files."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        folder.mkdir()
        self.database, self.files = folder / "mlflow.db", folder / "files"
        self._folder, self._environment = folder, dict(environment)
        # It stays bound, so that no other program is given the port while this server is down; Linux lets the server
        # listen on it all the same, since both set SO_REUSEADDR.
        self._holder = socket.socket()
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._holder.bind(("127.0.0.1", 0))
        self._port = int(self._holder.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """Value of `MLFLOW_TRACKING_URI`."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        switched_off = {
            "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }  # fmt: skip
        command = [
            sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self._port),
            "--workers", "1",
            "--backend-store-uri", f"sqlite:///{self.database}", "--artifacts-destination", str(self.files),
        ]  # fmt: skip
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self._folder, env=self._environment | switched_off, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + SERVER_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            with suppress(OSError), urllib.request.urlopen(f"{self.uri}/health", timeout=5):  # noqa: S310
                return
            time.sleep(0.2)
        self.kill()
        raise TimeoutError(f"mlflow server did not answer within {SERVER_SECONDS:.0f} s: see {self._folder / 'log'}")

    def kill(self) -> None:
        """Kill it and its workers."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=60)
