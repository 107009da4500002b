"""A connection that is opened again when it is lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from client.errors import ClientError
from client.status import retry_pauses

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.status import Status
    from client.stream.connection import Connection
    from client.stream.pipeline import Detection
    from client.stream.reply import Reply


class RetryingConnection:
    """A stream that is opened again when it is lost."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        status: Status,
        patience: float,
        *,
        lossless: bool,
        strict: bool,
        opened: Callable[[], None] = lambda: None,
    ) -> None:
        """Connect.

        Args:
            connect: opens the stream, or raises ClientError.
            status: where the loss and the return of the service are reported.
            patience: seconds for which to try to reach a service that was lost.
            lossless: whether to wait, however long it takes, for a reply to every mask; else masks are dropped during
                an outage.
            strict: whether the service must be there at the start.
            opened: called each time when a stream has been opened.

        Raises:
            ClientError: the service must be there, and is not.
        """
        self._connect, self._status, self._patience, self._lossless = connect, status, patience, lossless
        self._opened = opened
        self._connection: Connection | None = None
        self._pauses = retry_pauses()
        self._next_try = 0.0
        self._give_up = float("inf")
        self.threshold: float | None = None
        """Lowest probability at which a letter counts; None before the service has told."""
        self.has_trails = False
        """Whether the service is sent trails."""
        self.waiting_since: float | None = None
        """When the mask was sent whose reply is outstanding, by `time.monotonic`."""
        if strict:
            self._connection = self._open()

    def recognise(self, detection: Detection) -> Reply | None:
        """Send the mask of a frame, or 'no hand', and wait for the reply; None if there is no service.

        Raises:
            ClientError: the service has been gone for longer than `patience`.
        """
        while True:
            try:
                if (reply := self._ask_once(detection)) is not None:
                    return reply
            except ClientError as error:
                self._report_lost(error)
            if not self._lossless:
                return None
            time.sleep(max(0.0, self._next_try - time.monotonic()))

    def _ask_once(self, detection: Detection) -> Reply | None:
        if self._connection is None:
            if time.monotonic() < self._next_try:
                return None
            self._connection = self._open()
        self.waiting_since = time.monotonic()
        reply = self._connection.ask(detection.mask, detection.frame.time, detection.trail)
        self.waiting_since = None
        self._status.found("service")
        self._pauses = retry_pauses()
        self._give_up = float("inf")
        return reply

    def _open(self) -> Connection:
        connection = self._connect()
        self.threshold, self.has_trails = connection.threshold, connection.has_trails
        self._opened()
        return connection

    def _report_lost(self, error: ClientError) -> None:
        self.close()
        now = time.monotonic()
        self._give_up = min(self._give_up, now + self._patience)
        if now >= self._give_up:
            raise error
        self._status.lost("service", str(error))
        self._next_try = now + next(self._pauses)

    def close(self) -> None:
        """End the stream, if there is one."""
        self.waiting_since = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None
