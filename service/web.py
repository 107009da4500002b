"""The routes of the service, HTTP and WebSocket; docs/protocol.md and `GET /openapi.json` describe them.

Every refusal is problem details (RFC 9457); an accepted stream gets `error` in its replies instead.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute

from service.batching import RETRY
from service.decoding import MAX_MASK_BYTES, too_large
from service.errors import Refusal
from service.guard import TOKEN_PROTOCOL, Guard, MessageLimits, client_address
from service.making import MAX_SAMPLES, make_profile, predict_masks
from service.metrics import OPEN_STREAMS, STAGE_SECONDS, UNKNOWN
from service.openapi import DESCRIPTION
from service.page import FILES, PREFIX, VERSION_HEADER, page_version, wants_page
from service.problems import handle, refuse
from service.profile import read_correction
from service.protocol import (
    BatchReply,
    ModelReply,
    PredictionReply,
    TrailModelReply,
    candidates,
    check_mask_version,
    check_trail_version,
    parse_options,
)
from service.smoothing import accept
from service.spelling import MAX_WORDS_BYTES, WordsReply, read_request, too_long
from service.stream import predict_mask, serve_stream
from service.words import read_word

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from pydantic import BaseModel
    from starlette.requests import HTTPConnection, Request
    from starlette.websockets import WebSocket

    from service.batching import Batcher, Prediction
    from service.protocol import StreamOptions
    from service.settings import Settings

MAX_DRAINED_BYTES: Final = 8 * 1024 * 1024
"""Bytes of an oversized body that are read and discarded, so that its sender sees the refusal."""
MAX_MASKS: Final = 32
"""Masks of one `/predict_batch`."""
BODY_SECONDS: Final = 10.0
"""Seconds in which a body must arrive."""
MAX_ENROLMENTS: Final = 2
"""Profiles that are made at a time."""
PNG: Final = "image/png"
FORM: Final = "multipart/form-data"
JSON: Final = "application/json"

_WELCOME: Final = """Fingerspell recognises the ASL manual alphabet in masks.
GET  /               a page to sign at, for browsers
POST /predict        one mask (image/png, 224 x 224 RGB)
POST /predict_batch  up to 32 masks (multipart/form-data)
POST /profile        a signer's masks by letter (multipart/form-data): a correction for their hand
POST /words          the letters of a word with their alternatives (application/json): the words that it may be
WS   /stream         one mask per binary message, with its trail below it while the hand moves; empty for 'no hand'
GET  /model          the model in use
GET  /openapi.json   all of this in detail
GET  /livez /readyz /metrics
"""

logger = logging.getLogger("fingerspell")


class Streams:
    """Number of open streams, in all and of each client."""

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


def build_middleware(settings: Settings) -> list[Middleware]:
    """Build what every request passes first, in this order, also those for BentoML's own routes, such as `/metrics`."""
    pages = Middleware(
        CORSMiddleware, allow_origins=settings.origins, allow_methods=["GET", "POST"], allow_headers=["*"]
    )
    return [Middleware(MessageLimits), *([pages] if settings.origins else []), Middleware(Guard, settings=settings)]


def build_app(settings: Settings) -> Starlette:
    """Build the ASGI application.

    Its model, `app.state.batcher`, its trail network, `app.state.trail_batcher`, and its vocabulary,
    `app.state.vocabulary`, are set before the first request.
    """
    app = Starlette(
        routes=[
            Route("/", _welcome, methods=["GET"]),
            Route("/predict", _predict, methods=["POST"]),
            Route("/predict_batch", _predict_batch, methods=["POST"]),
            Route("/profile", _profile, methods=["POST"]),
            Route("/words", _words, methods=["POST"]),
            Route("/model", _model, methods=["GET"]),
            Route("/openapi.json", JSONResponse(DESCRIPTION), methods=["GET"]),
            Route("/stream", _stream_without_upgrade, methods=["GET"]),
            WebSocketRoute("/stream", _stream),
            Mount(PREFIX, FILES),
        ],
        exception_handlers={Refusal: handle, HTTPException: handle},
    )
    app.state.streams = Streams(settings)
    app.state.enrolments = 0
    app.state.trail_batcher = None
    app.state.vocabulary = None
    return app


async def _welcome(request: Request) -> Response:
    if wants_page(request):
        return await FILES.get_response("index.html", request.scope)
    return PlainTextResponse(_WELCOME)


async def _model(request: Request) -> Response:
    about, trail = ModelReply.model_validate(request.app.state.batcher.model), request.app.state.trail_batcher
    if trail is not None:
        about.trail = TrailModelReply.model_validate(trail.model)
    response = _json(about)
    response.headers[VERSION_HEADER] = page_version()
    return response


async def _predict(request: Request) -> Response:
    batcher, options = _prepare(request)
    if _content_type(request) != FORM:
        _check_content_type(request, PNG)
        return _json(
            _describe(await predict_mask(await _read_body(request, MAX_MASK_BYTES, too_large), batcher), options)
        )
    form = dict(await _read_form(request, max_files=2))
    if form.keys() != {"mask", "profile"}:
        raise Refusal(422, "The form must have two files: 'mask', a PNG, and 'profile', what POST /profile replied.")
    personal = read_correction(form["profile"], batcher.model)
    return _json(_describe(await predict_mask(form["mask"], batcher, personal), options))


async def _predict_batch(request: Request) -> Response:
    _check_content_type(request, FORM)
    batcher, options = _prepare(request)
    masks = [mask for _, mask in await _read_form(request, MAX_MASKS)]
    predictions = await predict_masks(masks, batcher)
    return _json(BatchReply(predictions=[_describe(each, options) for each in predictions]))


async def _profile(request: Request) -> Response:
    _check_content_type(request, FORM)
    batcher, _ = _prepare(request)
    with _one_enrolment(request.app):
        samples = await _read_form(request, MAX_SAMPLES)
        return _json(await make_profile(samples, batcher))


async def _words(request: Request) -> Response:
    _check_content_type(request, JSON)
    if (vocabulary := request.app.state.vocabulary) is None:
        raise Refusal(501, "This service was packaged without a vocabulary. Package it again: make repro")
    asked = read_request(await _read_body(request, MAX_WORDS_BYTES, too_long))
    segments = [each.segment for each in asked.segments]
    with STAGE_SECONDS.labels("words").time():
        reading = await asyncio.to_thread(read_word, segments, vocabulary, asked.own)
    return _json(WordsReply.describe(reading))


@contextmanager
def _one_enrolment(app: Starlette) -> Iterator[None]:
    """Count an enrolment while it is computed: each costs as much as hundreds of masks."""
    if app.state.enrolments >= MAX_ENROLMENTS:
        raise Refusal(503, "Other profiles are being made. Try again in a second.", RETRY)
    app.state.enrolments += 1
    try:
        yield
    finally:
        app.state.enrolments -= 1


def _json(reply: BaseModel) -> Response:
    return Response(reply.model_dump_json(), media_type="application/json")


def _prepare(connection: HTTPConnection) -> tuple[Batcher, StreamOptions]:
    """Check the options of a request or a stream; return what runs the model, and the options."""
    batcher: Batcher = connection.app.state.batcher
    options = parse_options(connection.query_params)
    check_mask_version(options.mask_version, batcher.model.mask_version)
    return batcher, options


def _check_content_type(request: Request, expected: str) -> None:
    if (content_type := _content_type(request)) != expected:
        raise Refusal(415, f"The body's content type is '{content_type}', but must be '{expected}'.")


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _describe(prediction: Prediction, options: StreamOptions) -> PredictionReply:
    best, confidence = prediction.best
    letter = accept(best, confidence, options.smoothing.threshold)
    if letter is None:
        UNKNOWN.inc()
    top, model = candidates(prediction), prediction.model.version
    return PredictionReply(letter=letter, confidence=confidence, top=top, model=model)


async def _read_body(request: Request, most: int, too_large: Callable[[int], Refusal]) -> bytes:
    """Read a body and keep no more of it than `most` bytes.

    Raises:
        Refusal: 413 it is larger than `most`, 408 it comes too slowly, 400 it ends early.
    """
    body, size = bytearray(), 0
    async with _arriving():
        async for chunk in request.stream():
            size += len(chunk)
            body += chunk[: most + 1 - len(body)]
            if size > MAX_DRAINED_BYTES:
                raise Refusal(413, f"{size} bytes are too many to read.", {"Connection": "close"})
    if size > most:
        raise too_large(size)
    return bytes(body)


async def _read_form(request: Request, max_files: int) -> list[tuple[str, bytes]]:
    """Read the files of a form and their names, in their order.

    Raises:
        Refusal: 411 there is no Content-Length, 413 it is too large, 408 it comes too slowly, 400 it is not a form,
            422 it has no files.
    """
    length = request.headers.get("content-length")
    if length is None:
        raise Refusal(411, "The request has no Content-Length. Send one.", {"Connection": "close"})
    if int(length) > MAX_DRAINED_BYTES:
        raise Refusal(
            413, f"{length} bytes are too many: at most {MAX_DRAINED_BYTES} are read.", {"Connection": "close"}
        )
    parser = MultiPartParser(request.headers, request.stream(), max_files=max_files, max_fields=0)
    try:
        async with _arriving():
            form = await parser.parse()
    except (MultiPartException, KeyError, ValueError, LookupError) as error:
        message = getattr(error, "message", str(error)).rstrip(".")
        raise Refusal(400, f"The body is not a form of at most {max_files} files ({message}).") from None
    files = [(name, value) for name, value in form.multi_items() if isinstance(value, UploadFile)]
    try:
        if not files:
            raise Refusal(422, "The form has no files. Send each mask as a separate file.")
        return [(name, await file.read()) for name, file in files]
    finally:
        await form.close()


@asynccontextmanager
async def _arriving() -> AsyncIterator[None]:
    """Refuse a body that comes too slowly or ends early."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            yield
    except ClientDisconnect:
        raise Refusal(400, "The body ended early.") from None
    except TimeoutError:
        message = f"The body has not arrived within {BODY_SECONDS:.0f} s."
        raise Refusal(408, message, {"Connection": "close"}) from None


async def _stream_without_upgrade(_request: Request) -> Response:
    raise Refusal(426, "A stream is a WebSocket. Connect with ws:// or wss://.", {"Upgrade": "websocket"})


async def _stream(websocket: WebSocket) -> None:
    try:
        batcher, options = _prepare(websocket)
        trail: Batcher | None = websocket.app.state.trail_batcher
        if trail is not None:
            check_trail_version(options.trail_version, trail.model.mask_version)
        with websocket.app.state.streams.one_more(client_address(websocket.scope)):
            # The subprotocol that carries the token: a browser closes the stream if none of its own is accepted.
            offered: list[str] = websocket.scope.get("subprotocols", [])
            await websocket.accept(next((name for name in offered if name.startswith(TOKEN_PROTOCOL)), None))
            await serve_stream(websocket, options, batcher, trail)
    except Refusal as refusal:
        await websocket.send_denial_response(refuse(refusal))
