"""What the service answers over HTTP and WebSocket; docs/protocol.md and `GET /openapi.json` describe it.

A refusal is problem details (RFC 9457) everywhere; a stream that was accepted gets `error` in its replies instead.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute

from service.batching import MAX_BATCH, RETRY
from service.decoding import MAX_MASK_BYTES, too_large
from service.errors import Refusal
from service.guard import TOKEN_PROTOCOL, Guard, client_address
from service.metrics import OPEN_STREAMS, UNKNOWN
from service.openapi import DESCRIPTION
from service.page import FILES, PREFIX, wants_page
from service.problems import handle, refuse
from service.protocol import check_mask_version, describe, parse_options
from service.stream import read_mask, serve_stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket

    from service.batching import Batcher, Reading
    from service.settings import Settings

MAX_DRAINED_BYTES: Final = 8 * 1024 * 1024
"""Bytes of an oversized body that are read and dropped, so that its sender gets to see the answer."""
MAX_MASKS: Final = 32
"""Masks of one `/predict_batch`."""
BODY_SECONDS: Final = 10.0
"""A body has to arrive within so many seconds."""
PNG: Final = "image/png"
FORM: Final = "multipart/form-data"

_WELCOME: Final = """Fingerspell reads masks of the ASL manual alphabet.
GET  /               a page to sign at, for browsers
POST /predict        one mask (image/png, 224 x 224 RGB)
POST /predict_batch  up to 32 masks (multipart/form-data)
WS   /stream         one mask per binary message, an empty message for 'no hand'
GET  /model          the model behind it
GET  /openapi.json   all of this in detail
GET  /livez /readyz /metrics
"""

logger = logging.getLogger("fingerspell")


class Streams:
    """How many streams are open, in all and of each client."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: Counter[str] = Counter()

    @contextmanager
    def one_more(self, client: str) -> Iterator[None]:
        """Count a stream while it is open.

        Raises:
            Refusal: 429 the client has enough of them, 503 the service has.
        """
        if self._open[client] >= self._settings.streams_per_client:
            raise Refusal(429, f"{self._open[client]} streams of this client are open. Close one.", RETRY)
        if self._open.total() >= self._settings.streams:
            raise Refusal(503, "Too many streams are open. Try again in a moment.", RETRY)
        self._open[client] += 1
        OPEN_STREAMS.inc()
        try:
            yield
        finally:
            OPEN_STREAMS.dec()
            self._open[client] -= 1
            self._open += Counter()  # forgets clients that have none


def build_app(settings: Settings) -> Starlette:
    """Build the ASGI application; it gets its model, `app.state.batcher`, before the first request."""
    middleware = [Middleware(Guard, settings=settings)]
    if settings.origins:
        pages = Middleware(
            CORSMiddleware, allow_origins=settings.origins, allow_methods=["GET", "POST"], allow_headers=["*"]
        )
        middleware.insert(0, pages)
    app = Starlette(
        routes=[
            Route("/", _welcome, methods=["GET"]),
            Route("/predict", _predict, methods=["POST"]),
            Route("/predict_batch", _predict_batch, methods=["POST"]),
            Route("/model", _model, methods=["GET"]),
            Route("/openapi.json", _openapi, methods=["GET"]),
            Route("/stream", _stream_without_upgrade, methods=["GET"]),
            WebSocketRoute("/stream", _stream),
            Mount(PREFIX, FILES),
        ],
        middleware=middleware,
        exception_handlers={Refusal: handle, HTTPException: handle},
    )
    app.state.streams = Streams(settings)
    return app


async def _welcome(request: Request) -> Response:
    if wants_page(request):
        return await FILES.get_response("index.html", request.scope)
    return PlainTextResponse(_WELCOME)


async def _openapi(_request: Request) -> Response:
    return JSONResponse(DESCRIPTION)


async def _model(request: Request) -> Response:
    model = request.app.state.batcher.model
    return JSONResponse(
        {
            "version": model.version,
            "classes": list(model.classes),
            "mask_version": model.mask_version,
            "architecture": model.architecture,
            "data_hash": model.data_hash,
            "provider": model.provider,
        }
    )


async def _predict(request: Request) -> Response:
    content_type = _content_type(request)
    if content_type != PNG:
        raise Refusal(415, f"The body's content type is '{content_type}', but must be '{PNG}'.")
    batcher, threshold = _prepare(request)
    reading = await read_mask(await _read_body(request), batcher)
    return JSONResponse(_prediction(reading, threshold))


async def _predict_batch(request: Request) -> Response:
    content_type = _content_type(request)
    if content_type != FORM:
        raise Refusal(415, f"The body's content type is '{content_type}', but must be '{FORM}'.")
    batcher, threshold = _prepare(request)
    readings = []
    masks = await _read_form(request)
    for start in range(0, len(masks), MAX_BATCH):
        asked = [read_mask(mask, batcher) for mask in masks[start : start + MAX_BATCH]]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        for number, answer in enumerate(answers, start):
            if isinstance(answer, Refusal):
                raise Refusal(answer.status, f"mask {number}: {answer}", answer.headers)
            if isinstance(answer, BaseException):
                raise answer
            readings.append(answer)
    return JSONResponse({"predictions": [_prediction(reading, threshold) for reading in readings]})


def _prepare(request: Request) -> tuple[Batcher, float]:
    """Read a request's options before its body, and find what runs the model."""
    batcher: Batcher = request.app.state.batcher
    options = parse_options(request.query_params)
    check_mask_version(options.mask_version, batcher.model.mask_version)
    return batcher, options.smoothing.threshold


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _prediction(reading: Reading, threshold: float) -> dict[str, object]:
    prediction = describe(reading, threshold)
    if prediction["letter"] is None:
        UNKNOWN.inc()
    return prediction


async def _read_body(request: Request) -> bytes:
    """Read a body, keeping no more of it than a mask may have.

    Raises:
        Refusal: 413 it is larger than a mask, 408 it comes too slowly, 400 it ended early.
    """
    body, size = bytearray(), 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                body += chunk[: MAX_MASK_BYTES + 1 - len(body)]
                if size > MAX_DRAINED_BYTES:
                    raise Refusal(413, f"{size} bytes are too many for a mask.", {"Connection": "close"})
    except ClientDisconnect:
        raise Refusal(400, "The body ended early.") from None
    except TimeoutError:
        raise _too_slow() from None
    if size > MAX_MASK_BYTES:
        raise too_large(size)
    return bytes(body)


async def _read_form(request: Request) -> list[bytes]:
    """Read the masks of a form, in their order.

    Raises:
        Refusal: 411 nobody says how long it is, 413 it is too long, 408 too slow, 400 no form, 422 no masks in it.
    """
    length = request.headers.get("content-length")
    if length is None:
        raise Refusal(411, "Say how long the body is: Content-Length.", {"Connection": "close"})
    if int(length) > MAX_DRAINED_BYTES:
        raise Refusal(
            413, f"{length} bytes are too many: at most {MAX_DRAINED_BYTES} are read.", {"Connection": "close"}
        )
    try:
        async with asyncio.timeout(BODY_SECONDS):
            form = await MultiPartParser(request.headers, request.stream(), max_files=MAX_MASKS, max_fields=0).parse()
    except ClientDisconnect:
        raise Refusal(400, "The body ended early.") from None
    except TimeoutError:
        raise _too_slow() from None
    except (MultiPartException, KeyError, ValueError, LookupError) as error:
        message = getattr(error, "message", str(error)).rstrip(".")
        raise Refusal(400, f"The body is no form of at most {MAX_MASKS} files ({message}).") from None
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    try:
        if not files:
            raise Refusal(422, "The form has no file. Send each mask as a file of its own.")
        return [await file.read() for file in files]
    finally:
        await form.close()


def _too_slow() -> Refusal:
    return Refusal(408, f"The body has not arrived within {BODY_SECONDS:.0f} s.", {"Connection": "close"})


async def _stream_without_upgrade(_request: Request) -> Response:
    raise Refusal(426, "A stream is a WebSocket. Connect with ws:// or wss://.", {"Upgrade": "websocket"})


async def _stream(websocket: WebSocket) -> None:
    batcher: Batcher = websocket.app.state.batcher
    streams: Streams = websocket.app.state.streams
    try:
        options = parse_options(websocket.query_params)
        check_mask_version(options.mask_version, batcher.model.mask_version)
        with streams.one_more(client_address(websocket.scope)):
            await websocket.accept(_agreed_protocol(websocket))
            await serve_stream(websocket, options, batcher)
    except Refusal as refusal:
        await websocket.send_denial_response(refuse(refusal))


def _agreed_protocol(websocket: WebSocket) -> str | None:
    """Take the subprotocol that carries the token: a browser gives up where none of its own is taken."""
    offered: list[str] = websocket.scope.get("subprotocols", [])
    return next((name for name in offered if name.startswith(TOKEN_PROTOCOL)), None)
