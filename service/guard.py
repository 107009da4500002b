"""Checks before anything of a request is read: rate limit, host, the page's origin, token, the size of messages."""

from __future__ import annotations

import hmac
import ipaddress
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from service.batching import RETRY
from service.decoding import MAX_MASK_BYTES
from service.errors import Refusal
from service.page import is_of_page
from service.problems import refuse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from service.settings import Settings

BURST_SECONDS: Final = 2.0
"""A client may send this many seconds' worth of requests at once."""
MAX_CLIENTS: Final = 10_000
"""Clients that are remembered; the one that has been silent longest is forgotten first."""
OPEN: Final = ("/livez", "/readyz", "/healthz")
"""Paths of health checks, which are always answered: a probe has no token and may use any name."""
OWN_HOST: Final = "localhost"
"""The name of this machine that no other can have."""
TOKEN_PROTOCOL: Final = "bearer."  # noqa: S105 - not a token
"""Prefix of the token in a WebSocket's subprotocol: a page in a browser cannot set headers."""


class RateLimit:
    """A token bucket for each client: a request takes a token, and tokens come back at a steady rate."""

    def __init__(self, rate: float) -> None:
        """Allow each client `rate` requests a second; 0 allows any number."""
        self._rate = rate
        self._size = max(1.0, rate * BURST_SECONDS)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allow(self, client: str, now: float) -> bool:
        """Take one of the client's tokens; return whether it had any.

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
    """ASGI middleware that passes a request on, or refuses it with problem details."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._limit = RateLimit(settings.rate)
        self._token = settings.token.get_secret_value().encode()
        self._hosts = {OWN_HOST, *settings.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, then pass on."""
        if scope["type"] in ("http", "websocket") and scope["path"] not in OPEN:
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
        host = headers.get("host", "")
        if not self._is_answered(host):
            raise Refusal(
                421,
                f"This service is not known as '{host[:200]}'. Its operator can add the name: FINGERSPELL_HOSTS.",
            )
        origin = headers.get("origin")
        own = urlsplit(origin or "").netloc == host
        if origin is not None and not own and {"*", origin}.isdisjoint(self._settings.origins):
            raise Refusal(
                403,
                f"Pages of {origin[:200]} may not use this service. Its operator can allow them: FINGERSPELL_ORIGINS.",
            )
        if self._token and not (is_of_page(scope["path"]) or self._has_token(headers, scope.get("subprotocols", []))):
            raise Refusal(
                401,
                "The service requires a token. Send it as 'Authorization: Bearer TOKEN'.",
                {"WWW-Authenticate": "Bearer"},
            )

    def _is_answered(self, host: str) -> bool:
        """Whether a request for a host is answered: one that is named in the settings, or an address in numbers.

        A web page can have its own name resolved to this machine's address, and would then be of this origin (DNS
        rebinding). It cannot do so with an address.
        """
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:  # half an IPv6 address
            return False
        return not self._hosts.isdisjoint({"*", name}) or _is_address(name)

    def _has_token(self, headers: Headers, subprotocols: list[str]) -> bool:
        kind, _, sent = headers.get("authorization", "").partition(" ")
        offered = [sent.strip()] if kind.lower() == "bearer" else []
        offered += [name.removeprefix(TOKEN_PROTOCOL) for name in subprotocols if name.startswith(TOKEN_PROTOCOL)]
        return any(hmac.compare_digest(token.encode(), self._token) for token in offered)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class MessageLimits:
    """ASGI middleware: no message of this server is larger than a mask, and none is compressed.

    uvicorn's own limits are 16 MiB a message, counted after decompression, so 16 kB can become 16 MiB. BentoML starts
    uvicorn without a setting for them (`_bentoml_impl/worker/service.py`), and uvicorn applies them before it calls the
    application. It reads them from its configuration for each connection, however, and it starts the application before
    it accepts the first one: the lifespan protocol's `receive` is a method of the object that holds the configuration
    (`uvicorn/lifespan/on.py`). If a server has no such object, the application does not start: no model is opened.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set the limits when the server starts; pass everything on."""
        if scope["type"] == "lifespan":
            config = cast(Any, receive).__self__.config
            config.ws_max_size, config.ws_per_message_deflate = MAX_MASK_BYTES, False
        await self._app(scope, receive, send)


def client_address(scope: Scope) -> str:
    """Return the address of a request's sender, from the connection or from a proxy that the server trusts."""
    client = scope.get("client")
    return str(client[0]) if client else ""
