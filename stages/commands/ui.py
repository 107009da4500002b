"""Show the networks side by side in MLflow: serve its pages from the registry, unless that is a server itself.

The link is printed when the pages answer, and opened in a browser where there is a screen.

Usage: python -m stages.commands.ui [--port 5000] [--no-browser]
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
import webbrowser
from argparse import ArgumentParser
from contextlib import suppress
from typing import Final

from stages.commands.check_port import LOOPBACK, check_port
from stages.errors import InputError, PipelineError, run_door
from stages.params import Register, read_params
from stages.registry.location import SERVERS, sqlite_file, store_name, store_uri
from stages.registry.runs_page import find_runs_page

POLL_SECONDS: Final = 0.5


def main() -> None:
    """Print the link to the runs and open it; serve until Ctrl-C."""
    parser = ArgumentParser(prog="python -m stages.commands.ui", description=main.__doc__)
    parser.add_argument("--port", default="5000", help="of the pages on this machine (default: %(default)s)")
    parser.add_argument("--no-browser", action="store_true", help="only print the link")
    arguments = parser.parse_args()
    browser = not arguments.no_browser and _has_screen()
    file = sqlite_file()
    if file is not None and not file.exists():
        raise InputError(f"there are no runs in {file.name}. Type: make repro")
    if store_uri().startswith(SERVERS):
        _show(store_name().rstrip("/") + find_runs_page(read_params(Register).experiment), browser=browser)
        return
    address = f"http://{LOOPBACK}:{check_port(arguments.port, 'make ui UI_PORT')}"
    page = find_runs_page(read_params(Register).experiment)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the server ends, too
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", store_uri(), "--host", LOOPBACK]
    with subprocess.Popen([*command, "--port", arguments.port, "--workers", "1"]) as server:
        try:
            while not _answers(address):
                if server.poll() is not None:
                    raise PipelineError("MLflow's server ended (the reason is above). Fix the cause and run again.")
                time.sleep(POLL_SECONDS)
            _show(address + page, browser=browser)
            server.wait()
        finally:
            server.terminate()


def _show(link: str, *, browser: bool) -> None:
    sys.stdout.write(f"The runs: {link}\n")
    sys.stdout.flush()
    if browser:
        webbrowser.open(link)


def _has_screen() -> bool:
    """Whether a browser can be opened; without a screen, Python would start one of the terminal."""
    return sys.stdout.isatty() and (
        sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    )


def _answers(address: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"{address}/health", timeout=2) as answer:  # noqa: S310 - loopback
        return bool(answer.status == 200)
    return False


if __name__ == "__main__":
    run_door(main)
