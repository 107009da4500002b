"""The client's end of the service: masks out, letters in. The only module that opens a connection.

Nothing but a mask goes out, and an empty message where there is no hand.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlencode, urlsplit

import cv2
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import connect

from client.errors import ClientError
from client.mask import MASK_VERSION
from client.stream.status import BackOff, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

TIMEOUT: Final = 5.0
"""How long the service may take to accept a connection or to answer one mask, in seconds."""
CLOSE_TIMEOUT: Final = 1.0
"""How long the service may take to say goodbye, in seconds."""
THRESHOLD: Final = 0.5
"""Least probability of a letter that counts."""
MAX_REPLY: Final = 1 << 20
"""No honest answer of the service is longer, in bytes."""
PNG_LEVEL: Final = 1
"""zlib's quickest level: a mask becomes less than 10 kB in less than a millisecond."""
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Model:
    """What the service says of its model."""

    classes: tuple[str, ...]
    mask_version: str
    architecture: str


@dataclass(frozen=True)
class Reply:
    """The service's answer to one frame."""

    sequence: int
    """Counts the messages of this connection from 0."""
    letter: str | None
    """The letter of this frame, where the model is sure enough."""
    confidence: float
    """Probability of the likeliest letter, 0 to 1; 0.0 where no hand was sent."""
    smoothed: str | None
    """The letter of the last few frames together."""
    committed: str | None
    """The letter that joins the text, told once."""
    progress: float = 0.0
    """How much of its hold the smoothed letter has behind it, 0 to 1."""


class Connection:
    """An open stream to a service whose model reads the masks that this client draws."""

    def __init__(
        self, server: str, frame_rate: float | None = None, threshold: float = THRESHOLD, hold: float | None = None
    ) -> None:
        """Ask the service for its model, then open the stream.

        Args:
            server: "http://127.0.0.1:3000", or https.
            frame_rate: frames a second of a film, which may be read faster or slower than it plays; None: letters are
                held by the clock.
            threshold: least probability of a letter that counts, 0 to 1.
            hold: seconds for which a letter is held before it is committed; None: as the service has it.

        Raises:
            ClientError: no service answers there, or its model wants other masks than this client draws.
        """
        self._server = server.rstrip("/")
        parts = urlsplit(self._server)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ClientError(f"--server {server}: not an address such as http://127.0.0.1:3000.")
        self.model = fetch_model(self._server)
        if self.model.mask_version != MASK_VERSION:
            raise ClientError(
                f"The model at {self._server} reads masks of version {self.model.mask_version!r}, this client draws "
                f"{MASK_VERSION!r}. Update the client, or the service, so that both come from one release."
            )
        wanted = {"mask_version": MASK_VERSION, "threshold": threshold, "frame_rate": frame_rate, "hold": hold}
        options = {name: value for name, value in wanted.items() if value is not None}
        self._sent = 0
        address = f"{'wss' if parts.scheme == 'https' else 'ws'}{self._server[len(parts.scheme) :]}/stream"
        try:
            self._socket = connect(
                f"{address}?{urlencode(options)}",
                open_timeout=TIMEOUT,
                close_timeout=CLOSE_TIMEOUT,
                max_size=MAX_REPLY,
                compression=None,  # a PNG is compressed already
                proxy=None if parts.hostname in LOOPBACK else True,
            )
        except InvalidStatus as error:
            raise ClientError(
                f"{self._server} refuses the stream (HTTP status {error.response.status_code}). "
                f"{_detail(error.response.body)}"
            ) from error
        except (OSError, InvalidHandshake) as error:
            raise _no_service(self._server) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the stream."""
        self._socket.close()

    def ask(self, png: bytes) -> Reply:
        """Send one mask and wait for its answer.

        Args:
            png: the mask; empty for 'no hand'.

        Raises:
            ClientError: the service is gone, does not answer, or says what it should not.
        """
        try:
            self._socket.send(png)
            self._sent += 1
            while True:
                reply = parse_reply(self._socket.recv(timeout=TIMEOUT), self._server)
                if reply.sequence >= self._sent - 1:  # an older one was overtaken on its way
                    return reply
        except TimeoutError as error:
            raise ClientError(
                f"{self._server} has not answered for {TIMEOUT:.0f} s. Look at the service's log and start it again."
            ) from error
        except (ConnectionClosed, OSError) as error:
            reason = f" ({error.reason})" if isinstance(error, ConnectionClosed) and error.reason else ""
            raise ClientError(
                f"The service at {self._server} closed the connection{reason}. "
                "See whether it still runs, or start it again with `make serve`."
            ) from error


class PatientConnection:
    """A stream that is opened again when it is lost."""

    def __init__(
        self, connect: Callable[[], Connection], status: Status, patience: float, *, lossless: bool, strict: bool
    ) -> None:
        """Connect.

        Args:
            connect: opens the stream, or raises ClientError.
            status: told when the service is lost and found.
            patience: seconds for which a service that was lost is tried again.
            lossless: whether every mask is answered, however long it takes; else those of an outage are passed over.
            strict: whether there must be a service to begin with.

        Raises:
            ClientError: there must be a service, and there is none.
        """
        self._connect, self._status, self._patience, self._lossless = connect, status, patience, lossless
        self._connection: Connection | None = None
        self._pauses = BackOff()
        self._next_try = 0.0
        self._give_up = float("inf")
        self.waiting_since: float | None = None
        """When the mask was sent that has not been answered yet, by `time.monotonic`."""
        if strict:
            self._connection = connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up()

    def ask(self, png: bytes) -> Reply | None:
        """Send one mask, empty for 'no hand', and wait for its answer; None where there is no service to ask.

        Raises:
            ClientError: the service has been away for longer than there is patience.
        """
        while True:
            reply = None
            try:
                reply = self._ask_once(png)
            except ClientError as error:
                self._lose(error)
            if reply is not None or not self._lossless:
                return reply
            time.sleep(max(0.0, self._next_try - time.monotonic()))

    def _ask_once(self, png: bytes) -> Reply | None:
        if self._connection is None:
            if time.monotonic() < self._next_try:
                return None
            self._connection = self._connect()
        self.waiting_since = time.monotonic()
        reply = self._connection.ask(png)
        self.waiting_since = None
        self._status.found("service")
        self._pauses.reset()
        self._give_up = float("inf")
        return reply

    def _lose(self, error: ClientError) -> None:
        self._hang_up()
        now = time.monotonic()
        self._give_up = min(self._give_up, now + self._patience)
        if now >= self._give_up:
            raise error
        self._status.lost("service", str(error))
        self._next_try = now + self._pauses.next()

    def _hang_up(self) -> None:
        self.waiting_since = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def fetch_model(server: str) -> Model:
    """Read `GET /model`.

    Args:
        server: the service's address, without a slash at its end.

    Raises:
        ClientError: nothing answers there, or something else than the service does.
    """
    # A proxy of the environment cannot reach this machine's own loopback.
    direct = [urllib.request.ProxyHandler({})] if urlsplit(server).hostname in LOOPBACK else []
    try:
        with urllib.request.build_opener(*direct).open(f"{server}/model", timeout=TIMEOUT) as response:
            about = json.loads(response.read(MAX_REPLY))
        return Model(tuple(map(str, about["classes"])), str(about["mask_version"]), str(about["architecture"]))
    except urllib.error.HTTPError as error:
        raise ClientError(
            f"{server}/model answers with HTTP status {error.code}. Is it the fingerspelling service, and is it ready? "
            "Read its log, or name another with --server."
        ) from error
    except OSError as error:
        raise _no_service(server) from error
    except (ValueError, TypeError, KeyError) as error:
        raise ClientError(
            f"What answers at {server} is not the fingerspelling service. Name the service with --server."
        ) from error


def encode_png(mask: npt.NDArray[np.uint8]) -> bytes:
    """Encode an (H, W, 3) uint8 RGB mask as a PNG."""
    done, png = cv2.imencode(".png", cv2.cvtColor(mask, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL])
    if not done:
        message = f"OpenCV cannot encode a picture of shape {mask.shape}"
        raise ValueError(message)
    return png.tobytes()


def parse_reply(answer: str | bytes, server: str) -> Reply:
    """Check one answer of the stream.

    Args:
        answer: the message as it came.
        server: the service's address, for the error message.

    Raises:
        ClientError: the service refused the mask, or the answer is not one of ours.
    """
    try:
        fields: dict[str, Any] = json.loads(answer)
        if "error" in fields:
            raise ClientError(
                f"{server} refuses a mask: {fields['error']} Check that the client and the service are of one release."
            )
        return Reply(
            sequence=int(fields["sequence"]),
            letter=_text_or_none(fields["letter"]),
            confidence=float(fields["confidence"]),
            smoothed=_text_or_none(fields["smoothed"]),
            committed=_text_or_none(fields["committed"]),
            progress=float(fields.get("progress", 0.0)),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise ClientError(
            f"{server} answers with something else than a letter: {answer[:80]!r}. "
            "Check that the client and the service are of one release."
        ) from error


def _detail(body: bytes | bytearray | None) -> str:
    """Find the sentence in the problem details that came with a refusal."""
    try:
        return str(json.loads(body or b"")["detail"])
    except (ValueError, TypeError, KeyError):
        return "Try again in a moment, or read the service's log."


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)


def _no_service(server: str) -> ClientError:
    return ClientError(f"No service at {server}. Start it with `make serve`, or name another with --server.")
