"""Real servers on loopback for one test run: PostgreSQL from the system's packages, S3 from moto."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import psycopg
import pytest

from benchmarks.ports import reserved_port

DEBIAN = Path("/usr/lib/postgresql")
START_WITHIN = 60.0
"""Seconds."""


@dataclass(frozen=True)
class Postgres:
    """A server without passwords."""

    port: int

    def url(self, database: str) -> str:
        return f"postgresql://fingerspell@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """Make an empty database and return its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}"')
        return self.url(database)


@dataclass(frozen=True)
class S3:
    """A server that takes any key."""

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """What an S3 client reads: where the server is, and who asks."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "MLFLOW_S3_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    @property
    def client(self):
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=self.endpoint, **keys)

    def create(self, bucket: str) -> str:
        """Make an empty bucket and return its URL."""
        self.client.create_bucket(Bucket=bucket)
        return f"s3://{bucket}"

    def keys(self, bucket: str) -> list[str]:
        return [entry["Key"] for entry in self.client.list_objects_v2(Bucket=bucket).get("Contents", [])]


@contextmanager
def postgres_server():
    programs = _postgres_programs()
    user = _unprivileged()
    # Not in pytest's own folder, which nobody but its owner may enter.
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if "user" in user:
        shutil.chown(folder, user["user"], user["group"])
    data = folder / "data"
    try:
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "fingerspell", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
            cwd=folder, capture_output=True, check=True, timeout=START_WITHIN, **user,
        )  # fmt: skip
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(folder), "fsync": "off"}
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        with (
            reserved_port() as port,
            _running([programs / "postgres", "-D", data, "-p", str(port), *options], folder, **user) as process,
        ):
            server = Postgres(port)
            _wait(process, folder, lambda: psycopg.connect(server.url("postgres"), connect_timeout=5).close())
            yield server
    finally:
        shutil.rmtree(folder)


@contextmanager
def s3_server():
    folder = Path(tempfile.mkdtemp(prefix="s3-"))
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1"]
    try:
        with reserved_port() as port, _running([*command, "-p", str(port)], folder) as process:
            _wait(process, folder, lambda: socket.create_connection(("127.0.0.1", port), timeout=5).close())
            yield S3(f"http://127.0.0.1:{port}")
    finally:
        shutil.rmtree(folder)


def _postgres_programs() -> Path:
    on_path = [Path(found).parent for name in ("postgres",) if (found := shutil.which(name))]
    for folder in [*sorted(DEBIAN.glob("*/bin"), reverse=True), *on_path]:
        if all((folder / name).exists() for name in ("initdb", "postgres")):
            return folder
    pytest.skip("PostgreSQL's server is not installed (Debian, Ubuntu: apt-get install postgresql)")


def _unprivileged() -> dict[str, object]:
    """PostgreSQL refuses to run as root: somebody who may do nothing runs it then."""
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@contextmanager
def _running(command, folder, **options):
    """Run a server that stops with SIGINT, its output in a file."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, **options
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process, folder, attempt) -> None:
    end = time.monotonic() + START_WITHIN
    while True:
        try:
            return attempt()
        except (OSError, psycopg.OperationalError):
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"the server did not start:\n{(folder / 'log').read_text(errors='replace')[-2000:]}")
            time.sleep(0.2)
