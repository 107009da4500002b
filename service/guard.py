"""Who may come in: the token, the page's origin, and how often a client asks; before anything else is read."""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from service.batching import RETRY
from service.errors import Refusal
from service.page import is_of_page
from service.problems import refuse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from service.settings import Settings

BURST_SECONDS: Final = 2.0
"""A client may ask for so many seconds' worth at once."""
MAX_CLIENTS: Final = 10_000
"""Clients that are remembered; the one that has asked for nothing for the longest time is forgotten first."""
TOKEN_PROTOCOL: Final = "bearer."  # noqa: S105 - no token
"""Before the token in a WebSocket's subprotocol: a page in a browser can set no header."""


class RateLimit:
    """A bucket of tokens for each client: a request takes one, and they come back at a steady rate (token bucket)."""

    def __init__(self, rate: float) -> None:
        """Allow `rate` requests a second of each client; 0 allows any number."""
        self._rate = rate
        self._size = max(1.0, rate * BURST_SECONDS)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allow(self, client: str, now: float) -> bool:
        """Take a token of the client's, if it has one.

        Args:
            client: its address.
            now: seconds, rising.
        """
        if not self._rate:
            return True
        left, since = self._buckets.pop(client, (self._size, now))
        left = min(self._size, left + (now - since) * self._rate)
        self._buckets[client] = (left - 1.0, now) if left >= 1.0 else (left, now)
        if len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return left >= 1.0


class Guard:
    """ASGI middleware that lets a request through, or refuses it with problem details."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._limit = RateLimit(settings.rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, then pass on."""
        if scope["type"] in ("http", "websocket"):
            try:
                self._check(scope)
            except Refusal as refusal:
                await refuse(refusal)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        if not self._limit.allow(client_address(scope), time.monotonic()):
            raise Refusal(429, f"More than {self._settings.rate:g} requests a second. Wait a moment.", RETRY)
        origin = headers.get("origin")
        if origin is not None and not self._may_come_from(origin, headers.get("host", "")):
            raise Refusal(403, f"Pages of {origin[:200]} may not use this service. Its operator may name them.")
        if self._settings.token and not (
            is_of_page(scope["path"]) or self._has_token(headers, scope.get("subprotocols", []))
        ):
            raise Refusal(
                401,
                "The service wants a token. Send it as 'Authorization: Bearer TOKEN'.",
                {"WWW-Authenticate": "Bearer"},
            )

    def _may_come_from(self, origin: str, host: str) -> bool:
        allowed = self._settings.origins
        return "*" in allowed or origin in allowed or urlsplit(origin).netloc == host

    def _has_token(self, headers: Headers, subprotocols: list[str]) -> bool:
        kind, _, sent = headers.get("authorization", "").partition(" ")
        offered = [sent.strip()] if kind.lower() == "bearer" else []
        offered += [name.removeprefix(TOKEN_PROTOCOL) for name in subprotocols if name.startswith(TOKEN_PROTOCOL)]
        wanted = self._settings.token.encode()
        return any(hmac.compare_digest(token.encode(), wanted) for token in offered)


def client_address(scope: Scope) -> str:
    """Return the address of a request's sender, as told by the server or a proxy that it trusts."""
    client = scope.get("client")
    return str(client[0]) if client else ""
