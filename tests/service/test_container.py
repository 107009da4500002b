"""The image, built and run: podman, a base image made here, a read-only root, an ordinary user.

`make test-container` runs it; it needs root, podman, runc and debootstrap, and some minutes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from serving import CLASSES, ROOT, mask, write_model, write_words
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from benchmarks.ports import reserved_port
from stages.export.bento import build_bento

pytestmark = [pytest.mark.container, pytest.mark.timeout(1500)]

BASE = "python:3.11-slim"
IMAGE = "fingerspell:test"
NAME = "fingerspell-test"
MAX_MB = 700
READY_SECONDS = 60
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""Certificates that this machine trusts: mounted for the build, not kept in the image."""


def podman(*arguments: str, **options: object) -> str:
    result = subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False, timeout=600, **options)
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout.strip()


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """Build the image of a tiny model, as `make container` does, in a folder that has a Bento."""
    missing = [name for name in ("podman", "runc", "debootstrap") if shutil.which(name) is None]
    if missing or os.getuid() != 0:
        pytest.skip(
            f"needs root and {', '.join(missing) or 'nothing else'} (Debian: apt-get install podman runc debootstrap)"
        )
    folder = tmp_path_factory.mktemp("container")
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    build_bento(
        write_model(folder / "model.onnx"),
        write_words(folder / "vocabulary.tsv"),
        folder / "bento",
        folder / "work",
        architecture="custom_cnn",
        registered_model="fingerspell",
        version=1,
    )
    is_missing = subprocess.run(["podman", "image", "exists", BASE], check=False).returncode
    if is_missing:
        subprocess.run([Path(__file__).parent / "container/base_image.sh", BASE], check=True, timeout=900)
    trust = f"--volume {CERTIFICATES}:{CERTIFICATES}:ro" if CERTIFICATES.is_file() else ""
    options = {"CONTAINER_TOOL": "podman", "BUILD_ARGS": f"--isolation chroot --network host {trust}"}
    built = subprocess.run(
        ["sh", "scripts/container.sh", IMAGE],
        cwd=folder, env=os.environ | options, capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    yield IMAGE
    # The next `make container` would take a base image left here for the real one.
    podman("rmi", "--force", IMAGE, *([BASE] if is_missing else []))


@pytest.fixture(scope="module")
def running(image):
    """Run it as in production; yields its address and the seconds until it was ready."""
    with reserved_port() as port:
        begun = time.monotonic()
        podman(
            "--runtime", "runc", "run", "--detach", "--name", NAME, "--no-healthcheck", "--network", "host",
            "--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges",
            "--tmpfs", "/tmp",  # noqa: S108 - the container's
            "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024",
            image, "serve", "--host", "127.0.0.1", "--port", str(port), "--timeout-graceful-shutdown", "5",
        )  # fmt: skip
        try:
            while time.monotonic() - begun < READY_SECONDS:
                try:
                    if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200:
                        break
                except httpx.TransportError:
                    time.sleep(0.05)
            else:
                pytest.fail(podman("logs", NAME)[-2000:])
            yield f"127.0.0.1:{port}", time.monotonic() - begun
        finally:
            podman("rm", "--force", "--time", "5", NAME)


def inside(command: str) -> str:
    """Run a line of sh in the container; it must exit with 0."""
    return podman("exec", NAME, "sh", "-c", command)


def test_answers_from_outside(running):
    host, seconds = running
    for letter in CLASSES:
        answer = httpx.post(f"http://{host}/predict", content=mask(letter), headers={"content-type": "image/png"})
        assert answer.json()["letter"] == letter
    with connect(f"ws://{host}/stream") as stream:
        for letter in CLASSES:
            stream.send(mask(letter))
            assert json.loads(stream.recv(timeout=10))["letter"] == letter
    sys.stdout.write(f"ready after {seconds:.1f} s\n")


def test_is_small_and_has_nothing_that_it_does_not_need(running, image):
    size = int(podman("image", "inspect", "--format", "{{.Size}}", image)) / 1e6
    sys.stdout.write(f"{size:.0f} MB\n")
    assert size < MAX_MB
    # One name at a time: sh's `command -v` checks only the first. Python is there, so the search finds something.
    found = inside("for tool in gcc cc g++ as ld make git python; do command -v $tool; done; true")
    assert found.split() == ["/app/.venv/bin/python"]
    assert inside("python -c 'import importlib.util; print(importlib.util.find_spec(\"torch\"))'") == "None"


def test_runs_as_an_ordinary_user_on_a_read_only_root(running):
    assert inside("id -u") == "1034"
    # The user owns all but the first two, so only the read-only root prevents writing.
    places = "/ /app /app/.venv /home/bentoml /home/bentoml/bento /tmp"
    written = inside(f"for place in {places}; do touch $place/x 2>/dev/null && echo $place; done; true")
    assert written == "/tmp"  # noqa: S108 - the container's


def test_has_a_health_check(running, image):
    host, _ = running
    check = json.loads(podman("image", "inspect", "--format", "{{json .HealthCheck}}", image))
    assert "/readyz" in check["Test"][-1]
    command = check["Test"][-1].replace("127.0.0.1:3000", host)
    assert inside(f'python -c "{command}" && echo healthy') == "healthy"


def test_ends_on_sigterm_and_closes_its_streams(running):
    """The last test: the container does not run after it."""
    host, _ = running
    with connect(f"ws://{host}/stream") as stream:
        stream.send(mask("A"))
        assert json.loads(stream.recv(timeout=10))["letter"] == "A"
        podman("stop", "--time", "15", NAME)
        with pytest.raises(ConnectionClosed) as closed:
            stream.recv(timeout=10)
    assert closed.value.rcvd.code == 1012
    assert podman("inspect", "--format", "{{.State.ExitCode}}", NAME) == "0"
