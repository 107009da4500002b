"""One WebSocket to the service: masks and trails out, replies in.

Only a mask is ever sent, a mask above its trail, an empty message for 'no hand', or the correction that the service
made for the signer.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlencode

import numpy as np
from websockets.exceptions import ConnectionClosed, InvalidProxy, InvalidStatus, ProxyError, WebSocketException
from websockets.sync.client import connect

from client.errors import ClientError
from client.mask import MASK_VERSION, TRAIL_VERSION
from client.stream import http_request
from client.stream.correction import CorrectionLink, ProfileAnswer, parse_message
from client.stream.http_request import (
    LOOPBACK,
    MAX_REPLY,
    ask_json,
    authorization,
    find_host,
    not_found,
    not_the_service,
    refused,
)
from client.stream.png import encode_png
from client.stream.reply import RejectedError

if TYPE_CHECKING:
    import numpy.typing as npt

    from client.stream.reply import Reply

CLOSE_TIMEOUT: Final = 1.0
"""How long the service may take to close the connection, in seconds."""


class Connection:
    """An open stream to a service whose networks were trained on the masks and trails that this client draws."""

    def __init__(
        self,
        server: str,
        threshold: float | None = None,
        hold: float | None = None,
        token: str = "",
        *,
        timed: bool = False,
        link: CorrectionLink | None = None,
    ) -> None:
        """Check the service's model, then open the stream.

        Args:
            server: "http://127.0.0.1:3000", or https.
            threshold: lowest probability at which a letter counts, 0 to 1; None: the service's default.
            hold: seconds for which a letter is held before it is committed; None: the service's default.
            token: what the service requires of its clients; "" if nothing.
            timed: whether letters are held by the frames' own times, those of a film that may be read faster or slower
                than it plays; else by the clock.
            link: which correction to send, and where its answers go.

        Raises:
            ClientError: no service answers there, it requires another token, or its networks need other masks or
                trails than this client draws.
        """
        self._server, self._sent, self._timed = server.rstrip("/"), 0, timed
        self._link = link
        self._sent_correction: dict[str, Any] | None = None
        is_loopback = find_host(server) in LOOPBACK
        mask_version, trail_version, usual = _ask_about_model(self._server, token)
        self.has_trails = trail_version is not None
        """Whether the service has a network that reads trails."""
        self.threshold = usual if threshold is None else threshold
        """Lowest probability at which a letter counts, if the service tells."""
        if mask_version != MASK_VERSION:
            raise ClientError(
                f"The model at {self._server} expects masks of version {mask_version!r}, this client draws "
                f"{MASK_VERSION!r}. Update the client or the service, so that both come from the same release."
            )
        if trail_version not in (None, TRAIL_VERSION):
            raise ClientError(
                f"The trail network at {self._server} expects trails of version {trail_version!r}, this client draws "
                f"{TRAIL_VERSION!r}. Update the client or the service, so that both come from the same release."
            )
        options: dict[str, str | float | None] = {"mask_version": MASK_VERSION, "trail_version": trail_version}
        options |= {"threshold": threshold, "hold": hold, "timed": "true" if timed else None}
        query = urlencode({name: value for name, value in options.items() if value is not None})
        try:
            self._socket = connect(
                f"ws{self._server[len('http') :]}/stream?{query}",  # http becomes ws, https wss
                open_timeout=http_request.TIMEOUT,
                close_timeout=CLOSE_TIMEOUT,
                max_size=MAX_REPLY,
                compression=None,  # a PNG is compressed already
                additional_headers=authorization(token),
                proxy=None if is_loopback else True,
            )
        except InvalidStatus as error:
            raise refused(self._server, error.response.status_code, error.response.body) from error
        except (OSError, InvalidProxy, ProxyError) as error:
            raise not_found(self._server, error, http_request.TIMEOUT) from error
        except WebSocketException as error:
            if isinstance(error.__cause__, EOFError):  # the service has just ended
                raise not_found(self._server, error, http_request.TIMEOUT) from error
            raise not_the_service(self._server) from error

    def close(self) -> None:
        """End the stream."""
        self._socket.close()

    def ask(
        self, mask: npt.NDArray[np.uint8] | None, seconds: float = 0.0, trail: npt.NDArray[np.uint8] | None = None
    ) -> Reply:
        """Send one mask, and the trail to a service that reads it, and wait for the reply.

        Args:
            mask: (`MASK_SIZE`, `MASK_SIZE`, 3) uint8 RGB; None for 'no hand'.
            seconds: time of its frame; it counts if the stream is timed.
            trail: as large as the mask; None while the hand is still.

        Raises:
            ClientError: the service is gone, does not reply, or sends something other than a reply.
        """
        if mask is not None and trail is not None and self.has_trails:
            mask = np.concatenate([mask, trail])
        try:
            self._send_correction()
            begin = struct.pack(">d", seconds) if self._timed else b""
            self._socket.send(begin + (b"" if mask is None else encode_png(mask)))
            self._sent += 1
            while True:
                got = self._receive()
                if isinstance(got, ProfileAnswer):
                    self._tell(got)
                elif got.sequence >= self._sent - 1:  # an earlier reply belongs to an earlier mask
                    return got
        except TimeoutError as error:
            raise ClientError(
                f"{self._server} has not answered for {http_request.TIMEOUT:.0f} s. "
                "Check the service's log and restart it."
            ) from error
        except (ConnectionClosed, OSError) as error:
            reason = f" ({error.reason})" if isinstance(error, ConnectionClosed) and error.reason else ""
            raise ClientError(
                f"The service at {self._server} closed the connection{reason}. "
                "Check whether it is still running, or start it again with `make serve`."
            ) from error

    def _send_correction(self) -> None:
        """Send the signer's correction if it has changed, and wait for the answer, so that it holds from here on."""
        correction = None if self._link is None else self._link.correction
        if correction is self._sent_correction:
            return
        self._sent_correction = correction
        self._socket.send(json.dumps({"profile": correction}))
        while True:
            try:
                got = self._receive()
            except RejectedError:  # an older release takes it for a mask, and counts it
                self._sent += 1
                got = ProfileAnswer("unsupported")
            if isinstance(got, ProfileAnswer):
                self._tell(got)
                return

    def _receive(self) -> Reply | ProfileAnswer:
        return parse_message(self._socket.recv(timeout=http_request.TIMEOUT), self._server)

    def _tell(self, answer: ProfileAnswer) -> None:
        if self._link is not None:
            self._link.heard(answer)


class _About(NamedTuple):
    mask_version: str
    trail_version: str | None
    """None if the service has no trail network."""
    threshold: float | None
    """The usual one, if the service tells."""


def _ask_about_model(server: str, token: str) -> _About:
    """Ask `GET /model` which masks and trails the networks expect, and for the usual threshold.

    Raises:
        ClientError: nothing answers there, or something other than the service does.
    """
    about = ask_json(server, "/model", token)
    try:
        usual = about.get("smoothing", {}).get("threshold")  # an earlier release tells neither this nor `trail`
        trail = about.get("trail")
        return _About(
            str(about["mask_version"]),
            None if trail is None else str(trail["trail_version"]),
            None if usual is None else float(usual),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise not_the_service(server) from error
