"""One WebSocket to the service: masks out, replies in. Only a mask is ever sent, or an empty message for 'no hand'."""

from __future__ import annotations

import json
import struct
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
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
THRESHOLD: Final = 0.5
"""Lowest probability at which a letter counts."""


class Connection:
    """An open stream to a service whose model was trained on the masks that this client draws."""

    def __init__(
        self, server: str, threshold: float = THRESHOLD, hold: float | None = None, *, timed: bool = False
    ) -> None:
        """Check the service's model, then open the stream.

        Args:
            server: "http://127.0.0.1:3000", or https.
            threshold: lowest probability at which a letter counts, 0 to 1.
            hold: seconds for which a letter is held before it is committed; None: the service's default.
            timed: whether letters are held by the frames' own times, those of a film that may be read faster or slower
                than it plays; else by the clock.

        Raises:
            ClientError: no service answers there, or its model needs other masks than this client draws.
        """
        self._server, self._sent, self._timed = server.rstrip("/"), 0, timed
        is_loopback = _find_host(server) in LOOPBACK
        mask_version = _fetch_mask_version(self._server, direct=is_loopback)
        if mask_version != MASK_VERSION:
            raise ClientError(
                f"The model at {self._server} expects masks of version {mask_version!r}, this client draws "
                f"{MASK_VERSION!r}. Update the client or the service, so that both come from the same release."
            )
        options = {"mask_version": MASK_VERSION, "threshold": threshold, "hold": hold}
        query = urlencode({name: value for name, value in options.items() if value is not None})
        query += "&timed=true" if timed else ""
        try:
            self._socket = connect(
                f"ws{self._server[len('http') :]}/stream?{query}",  # http becomes ws, https wss
                open_timeout=TIMEOUT,
                close_timeout=CLOSE_TIMEOUT,
                max_size=MAX_REPLY,
                compression=None,  # a PNG is compressed already
                proxy=None if is_loopback else True,
            )
        except InvalidStatus as error:
            raise ClientError(
                f"{self._server} refuses the stream (HTTP status {error.response.status_code}). "
                f"{_detail(error.response.body)}"
            ) from error
        except (OSError, InvalidHandshake) as error:
            raise _not_found(self._server) from error

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
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts.hostname
    except ValueError:  # half an IPv6 address, or a port that is not a number
        pass
    raise ClientError(f"--server {server}: not an address such as http://127.0.0.1:3000.")


def _fetch_mask_version(server: str, *, direct: bool) -> str:
    """Ask `GET /model` which version of the masks the model was trained on, `direct` or through a proxy.

    Raises:
        ClientError: nothing answers there, or something other than the service does.
    """
    no_proxy = [urllib.request.ProxyHandler({})] if direct else []
    try:
        with urllib.request.build_opener(*no_proxy).open(f"{server}/model", timeout=TIMEOUT) as response:
            return str(json.loads(response.read(MAX_REPLY))["mask_version"])
    except urllib.error.HTTPError as error:
        raise ClientError(
            f"{server}/model answers with HTTP status {error.code}. Is it the fingerspelling service, and is it "
            "ready? Check its log, or name another with --server."
        ) from error
    except OSError as error:
        raise _not_found(server) from error
    except (ValueError, TypeError, KeyError) as error:
        raise ClientError(
            f"What answers at {server} is not the fingerspelling service. Name the service with --server."
        ) from error


def _not_found(server: str) -> ClientError:
    return ClientError(f"No service at {server}. Start it with `make serve`, or name another with --server.")


def _detail(body: bytes | bytearray | None) -> str:
    """Find the explanation in the problem details that came with a refusal."""
    try:
        return str(json.loads(body or b"")["detail"])
    except (ValueError, TypeError, KeyError):
        return "Try again in a moment, or check the service's log."
