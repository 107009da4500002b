"""One WebSocket to the service: masks out, replies in. Only a mask is ever sent, or an empty message for 'no hand'."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import struct
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from websockets.exceptions import ConnectionClosed, InvalidProxy, InvalidStatus, ProxyError, WebSocketException
from websockets.sync.client import connect

from client.errors import ClientError
from client.mask import MASK_VERSION
from client.stream.png import encode_png
from client.stream.reply import Reply, parse_reply

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
"""Hosts on this machine, where a proxy named in the environment cannot reach the service."""
TIMEOUT: Final = 5.0
"""How long the service may take to accept a connection or to reply, in seconds."""
CLOSE_TIMEOUT: Final = 1.0
"""How long the service may take to close the connection, in seconds."""
MAX_REPLY: Final = 1 << 20
"""Longer than any genuine reply of the service, in bytes."""
TOKEN_VARIABLE: Final = "FINGERSPELL_TOKEN"  # noqa: S105 - not a token
"""The environment variable with the service's token, which the service reads, too. As an option of the command line it
could be seen in the list of processes."""
_UNAUTHORIZED: Final = 401


class Connection:
    """An open stream to a service whose model was trained on the masks that this client draws."""

    def __init__(
        self,
        server: str,
        threshold: float | None = None,
        hold: float | None = None,
        token: str = "",
        *,
        timed: bool = False,
    ) -> None:
        """Check the service's model, then open the stream.

        Args:
            server: "http://127.0.0.1:3000", or https.
            threshold: lowest probability at which a letter counts, 0 to 1; None: the service's default.
            hold: seconds for which a letter is held before it is committed; None: the service's default.
            token: what the service requires of its clients; "" if nothing.
            timed: whether letters are held by the frames' own times, those of a film that may be read faster or slower
                than it plays; else by the clock.

        Raises:
            ClientError: no service answers there, it requires another token, or its model needs other masks than this
                client draws.
        """
        self._server, self._sent, self._timed = server.rstrip("/"), 0, timed
        is_loopback = _find_host(server) in LOOPBACK
        headers = {"Authorization": f"Bearer {_check_token(token)}"} if token else {}
        mask_version, usual = _ask_about_model(self._server, headers, direct=is_loopback)
        self.threshold = usual if threshold is None else threshold
        """Lowest probability at which a letter counts, if the service tells."""
        if mask_version != MASK_VERSION:
            raise ClientError(
                f"The model at {self._server} expects masks of version {mask_version!r}, this client draws "
                f"{MASK_VERSION!r}. Update the client or the service, so that both come from the same release."
            )
        options: dict[str, str | float | None] = {"mask_version": MASK_VERSION, "threshold": threshold, "hold": hold}
        options["timed"] = "true" if timed else None
        query = urlencode({name: value for name, value in options.items() if value is not None})
        try:
            self._socket = connect(
                f"ws{self._server[len('http') :]}/stream?{query}",  # http becomes ws, https wss
                open_timeout=TIMEOUT,
                close_timeout=CLOSE_TIMEOUT,
                max_size=MAX_REPLY,
                compression=None,  # a PNG is compressed already
                additional_headers=headers,
                proxy=None if is_loopback else True,
            )
        except InvalidStatus as error:
            raise _refused(self._server, error.response.status_code, error.response.body) from error
        except (OSError, InvalidProxy, ProxyError) as error:
            raise _not_found(self._server, error) from error
        except WebSocketException as error:
            if isinstance(error.__cause__, EOFError):  # the service has just ended
                raise _not_found(self._server, error) from error
            raise _not_the_service(self._server) from error

    def close(self) -> None:
        """End the stream."""
        self._socket.close()

    def ask(self, mask: npt.NDArray[np.uint8] | None, seconds: float = 0.0) -> Reply:
        """Send one mask and wait for its reply.

        Args:
            mask: (`MASK_SIZE`, `MASK_SIZE`, 3) uint8 RGB; None for 'no hand'.
            seconds: time of its frame; it counts if the stream is timed.

        Raises:
            ClientError: the service is gone, does not reply, or sends something other than a reply.
        """
        try:
            begin = struct.pack(">d", seconds) if self._timed else b""
            self._socket.send(begin + (b"" if mask is None else encode_png(mask)))
            self._sent += 1
            while True:
                reply = parse_reply(self._socket.recv(timeout=TIMEOUT), self._server)
                if reply.sequence >= self._sent - 1:  # an earlier reply belongs to an earlier mask
                    return reply
        except TimeoutError as error:
            raise ClientError(
                f"{self._server} has not answered for {TIMEOUT:.0f} s. Check the service's log and restart it."
            ) from error
        except (ConnectionClosed, OSError) as error:
            reason = f" ({error.reason})" if isinstance(error, ConnectionClosed) and error.reason else ""
            raise ClientError(
                f"The service at {self._server} closed the connection{reason}. "
                "Check whether it is still running, or start it again with `make serve`."
            ) from error


def _find_host(server: str) -> str:
    """Give the host of an http or https address; ClientError if it is not one."""
    try:
        parts = urlsplit(server)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not re.search(r"\s", server):
            return parts.hostname
    except ValueError:  # half an IPv6 address, or a port that is not a number
        pass
    raise ClientError(f"--server {server}: not an address such as http://127.0.0.1:3000.")


def _check_token(token: str) -> str:
    """Return the token if a header can carry it."""
    if not re.fullmatch(r"[!-~]+", token):
        raise ClientError(
            f"{TOKEN_VARIABLE} has a character that no token has, such as a space or the end of a line. "
            "Set it to the token that the service requires."
        )
    return token


def _ask_about_model(server: str, headers: dict[str, str], *, direct: bool) -> tuple[str, float | None]:
    """Ask `GET /model` for the version of the masks that the model expects, and for the usual threshold.

    Args:
        server: the service's address.
        headers: with the token, which is not sent to where a redirection leads.
        direct: whether to ask without a proxy.

    Raises:
        ClientError: nothing answers there, or something other than the service does.
    """
    no_proxy = [urllib.request.ProxyHandler({})] if direct else []
    request = urllib.request.Request(f"{server}/model")  # noqa: S310 - checked to be http or https
    for name, value in headers.items():
        request.add_unredirected_header(name, value)
    try:
        with urllib.request.build_opener(*no_proxy).open(request, timeout=TIMEOUT) as response:
            about = json.loads(response.read(MAX_REPLY))
            usual = about.get("smoothing", {}).get("threshold")  # an earlier release does not tell
            return str(about["mask_version"]), None if usual is None else float(usual)
    except urllib.error.HTTPError as error:
        raise _refused(server, error.code, _read_body(error)) from error
    except OSError as error:
        raise _not_found(server, error) from error
    except (http.client.HTTPException, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _not_the_service(server) from error


def _read_body(error: urllib.error.HTTPError) -> bytes:
    try:
        return error.read(MAX_REPLY)
    except (OSError, http.client.HTTPException):
        return b""


def _not_found(server: str, error: Exception) -> ClientError:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return ClientError(
            f"{server} accepts connections but has not answered for {TIMEOUT:.0f} s. Check the service's log, or name "
            "another service with --server."
        )
    if isinstance(reason, ssl.SSLError):
        return ClientError(
            f"{server} cannot be reached over https ({reason.reason or reason}). Check its certificate, or whether its "
            "address begins with http://."
        )
    return ClientError(f"No service at {server}. Start it with `make serve`, or name another with --server.")


def _not_the_service(server: str) -> ClientError:
    return ClientError(
        f"What answers at {server} is not the fingerspelling service, or one of another release. Check the port, and "
        "whether the address begins with https://, and name the service with --server."
    )


def _refused(server: str, status: int, body: bytes | bytearray | None) -> ClientError:
    """Explain a refusal with what is in its problem details."""
    if status == _UNAUTHORIZED:
        return ClientError(
            f"{server} requires a token, or another one (HTTP status {status}). Set the environment variable "
            f"{TOKEN_VARIABLE} to the service's token."
        )
    try:
        return ClientError(f"{server} refuses the client (HTTP status {status}). {json.loads(body or b'')['detail']}")
    except (ValueError, TypeError, KeyError):
        return ClientError(
            f"{server} answers with HTTP status {status}. Is it the fingerspelling service, and is it ready? "
            "Check its log, or name another with --server."
        )
