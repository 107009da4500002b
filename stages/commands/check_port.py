"""Make sure that a server can have its port; if it cannot, BentoML writes a traceback and MLflow ends with status 0.

Usage: python -m stages.commands.check_port PORT "make serve PORT"
"""

from __future__ import annotations

import errno
import socket
from argparse import ArgumentParser
from contextlib import suppress
from typing import Final

import psutil  # type: ignore[import-untyped]

from stages.errors import InputError, run_door

LOOPBACK: Final = "127.0.0.1"
LARGEST: Final = 65535


def main() -> None:
    """Say who has the port, and how to name another."""
    parser = ArgumentParser(prog="python -m stages.commands.check_port", description=main.__doc__)
    parser.add_argument("port")
    parser.add_argument("variable", help="what names another port, for the error message")
    arguments = parser.parse_args()
    check_port(arguments.port, arguments.variable)


def check_port(text: str, variable: str) -> int:
    """Check that a port of loopback is free.

    Args:
        text: the port's number.
        variable: what names another port, for the error message.

    Returns:
        The number.

    Raises:
        InputError: it is no number of a port, is in use, or may not be used.
    """
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LARGEST:
        raise InputError(f"'{text}' is no port. Name one from 1 to {LARGEST}: {variable}=3001")
    port = int(text)
    with socket.socket() as probe:
        # As the servers do: a port whose last connections are only just closed is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise InputError(
                    f"port {port} is in use{_user(port)}. End what uses it, or name another port: {variable}={port + 1}"
                ) from None
            raise InputError(f"port {port}: {error.strerror}. Name another port: {variable}=3001") from None
    return port


def _user(port: int) -> str:
    """The program that listens, if the system tells: that of another user it does not."""
    with suppress(psutil.Error, StopIteration):
        listens = (link for link in psutil.net_connections("tcp") if link.status == psutil.CONN_LISTEN)
        process = psutil.Process(next(link.pid for link in listens if link.laddr.port == port and link.pid))
        command = " ".join(" ".join(process.cmdline()).split())
        return f" by process {process.pid} ({command[:80]})"
    return ""


if __name__ == "__main__":
    run_door(main)
