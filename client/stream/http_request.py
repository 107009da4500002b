"""Requests to the service over HTTP, and what is said when nobody answers, or somebody else does. JSON comes back."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import urllib.error
import urllib.request
from typing import Any, Final
from urllib.parse import urlsplit

from client.errors import ClientError

LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
"""Hosts on this machine, where a proxy named in the environment cannot reach the service."""
TIMEOUT: Final = 5.0
"""How long the service may take to accept a connection or to reply, in seconds."""
MAX_REPLY: Final = 1 << 20
"""Longer than any genuine reply of the service, in bytes."""
TOKEN_VARIABLE: Final = "FINGERSPELL_TOKEN"  # noqa: S105 - not a token
"""The environment variable with the service's token, which the service reads, too. As an option of the command line it
could be seen in the list of processes."""
_UNAUTHORIZED: Final = 401


class RefusedError(ClientError):
    """The service answered with an HTTP status that is an error."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def ask_json(
    server: str, path: str, token: str = "", body: bytes | None = None, kind: str = "", timeout: float | None = None
) -> dict[str, Any]:
    """Ask the service, and parse its reply.

    Args:
        server: the service's address, without a slash at its end.
        path: of the request, with its slash.
        token: what the service requires of its clients; "" if nothing. It is not sent to where a redirection leads.
        body: what to post; None: it is a GET.
        kind: content type of the body.
        timeout: seconds in which an answer must begin; None: `TIMEOUT`.

    Raises:
        ClientError: nothing answers there, it refuses, or something other than the service does.
    """
    no_proxy = [urllib.request.ProxyHandler({})] if find_host(server) in LOOPBACK else []
    headers = {"Content-Type": kind} if body is not None else {}
    request = urllib.request.Request(f"{server}{path}", body, headers)  # noqa: S310 - checked to be http or https
    for name, value in authorization(token).items():
        request.add_unredirected_header(name, value)
    try:
        with urllib.request.build_opener(*no_proxy).open(request, timeout=timeout or TIMEOUT) as response:
            fields = json.loads(response.read(MAX_REPLY))
    except urllib.error.HTTPError as error:
        raise refused(server, error.code, _read_body(error)) from error
    except OSError as error:
        raise not_found(server, error, timeout or TIMEOUT) from error
    except (http.client.HTTPException, ValueError) as error:
        raise not_the_service(server) from error
    if not isinstance(fields, dict):
        raise not_the_service(server)
    return fields


def authorization(token: str) -> dict[str, str]:
    """Give the header that carries the token, if there is one; ClientError if no header can carry it."""
    return {"Authorization": f"Bearer {check_token(token)}"} if token else {}


def find_host(server: str) -> str:
    """Give the host of an http or https address; ClientError if it is not one."""
    try:
        parts = urlsplit(server)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not re.search(r"\s", server):
            return parts.hostname
    except ValueError:  # half an IPv6 address, or a port that is not a number
        pass
    raise ClientError(f"--server {server}: not an address such as http://127.0.0.1:3000.")


def check_token(token: str) -> str:
    """Return the token if a header can carry it."""
    if not re.fullmatch(r"[!-~]+", token):
        raise ClientError(
            f"{TOKEN_VARIABLE} has a character that no token has, such as a space or the end of a line. "
            "Set it to the token that the service requires."
        )
    return token


def _read_body(error: urllib.error.HTTPError) -> bytes:
    try:
        return error.read(MAX_REPLY)
    except (OSError, http.client.HTTPException):
        return b""


def not_found(server: str, error: Exception, waited: float = TIMEOUT) -> ClientError:
    """Explain why nothing answers."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return ClientError(
            f"{server} accepts connections but has not answered for {waited:.0f} s. Check the service's log, or name "
            "another service with --server."
        )
    if isinstance(reason, ssl.SSLError):
        return ClientError(
            f"{server} cannot be reached over https ({reason.reason or reason}). Check its certificate, or whether its "
            "address begins with http://."
        )
    return ClientError(f"No service at {server}. Start it with `make serve`, or name another with --server.")


def not_the_service(server: str) -> ClientError:
    """Explain that something else answers."""
    return ClientError(
        f"What answers at {server} is not the fingerspelling service, or one of another release. Check the port, and "
        "whether the address begins with https://, and name the service with --server."
    )


def refused(server: str, status: int, body: bytes | bytearray | None) -> RefusedError:
    """Explain a refusal with what is in its problem details."""
    if status == _UNAUTHORIZED:
        return RefusedError(
            f"{server} requires a token, or another one (HTTP status {status}). Set the environment variable "
            f"{TOKEN_VARIABLE} to the service's token.",
            status,
        )
    try:
        said = json.loads(body or b"")["detail"]
        return RefusedError(f"{server} refuses the client (HTTP status {status}). {said}", status)
    except (ValueError, TypeError, KeyError):
        return RefusedError(
            f"{server} answers with HTTP status {status}. Is it the fingerspelling service, and is it ready? "
            "Check its log, or name another with --server.",
            status,
        )
