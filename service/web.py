"""What the service answers over HTTP and WebSocket: `POST /predict`, `WS /stream` and `GET /model`.

Errors are problem details (RFC 9457). The model runs in a thread of its own, so that no stream waits on the event
loop for another's inference.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from service.decoding import MAX_MASK_BYTES, DecodingError, decode_mask, too_large
from service.smoothing import Smoothing, SmoothingParameters, accept

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import numpy as np
    import numpy.typing as npt
    from starlette.requests import Request
    from starlette.responses import Response

    from service.recogniser import Recogniser

MAX_DRAINED_BYTES: Final = 8 * 1024 * 1024
"""Bytes of an oversized body that are read and dropped, so that its sender gets to see the answer."""
PNG: Final = "image/png"

_WELCOME: Final = """Fingerspell reads masks of the ASL manual alphabet.
POST /predict   one mask (image/png, 224 x 224 RGB)
WS   /stream    one mask per binary message, an empty message for 'no hand'
GET  /model     the model behind it
GET  /livez /readyz /metrics
"""


def build_app(parameters: SmoothingParameters | None = None) -> Starlette:
    """Build the ASGI application; `install` gives it its model before the first request.

    Args:
        parameters: threshold and window of every stream; the threshold holds for `/predict` too.
    """
    app = Starlette(
        routes=[
            Route("/", _welcome, methods=["GET"]),
            Route("/predict", _predict, methods=["POST"]),
            Route("/model", _model, methods=["GET"]),
            WebSocketRoute("/stream", _stream),
        ],
        exception_handlers={DecodingError: _refuse_mask, HTTPException: _refuse_request},
    )
    app.state.parameters = parameters or SmoothingParameters()
    return app


def install(app: Starlette, recogniser: Recogniser) -> None:
    """Give the application its model and the one thread that runs it: inferences side by side only share the cores."""
    app.state.recogniser = recogniser
    app.state.executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inference")


async def _welcome(_request: Request) -> Response:
    return PlainTextResponse(_WELCOME)


async def _model(request: Request) -> Response:
    recogniser: Recogniser = request.app.state.recogniser
    return JSONResponse(
        {
            "classes": list(recogniser.classes),
            "mask_version": recogniser.mask_version,
            "architecture": recogniser.architecture,
            "data_hash": recogniser.data_hash,
        }
    )


async def _predict(request: Request) -> Response:
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != PNG:
        raise HTTPException(415, f"The body's content type is '{content_type}', but must be '{PNG}'.")
    probabilities = await _read_mask(request.app, await _read_body(request))
    classes = request.app.state.recogniser.classes
    best = int(probabilities.argmax())
    confidence = float(probabilities[best])
    return JSONResponse(
        {
            "letter": accept(classes[best], confidence, request.app.state.parameters.threshold),
            "confidence": confidence,
            "probabilities": dict(zip(classes, probabilities.tolist(), strict=True)),
        }
    )


async def _read_body(request: Request) -> bytes:
    """Read a body, keeping no more of it than a mask may have.

    Raises:
        DecodingError: the body is larger than a mask.
        HTTPException: the body ended early, or is so large that the connection is closed.
    """
    body, size = bytearray(), 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            body += chunk[: MAX_MASK_BYTES + 1 - len(body)]
            if size > MAX_DRAINED_BYTES:
                raise HTTPException(413, f"{size} bytes are too many for a mask.", {"connection": "close"})
    except ClientDisconnect:
        raise HTTPException(400, "The body ended early.") from None
    if size > MAX_MASK_BYTES:
        raise too_large(size)
    return bytes(body)


async def _read_mask(app: Starlette, data: bytes) -> npt.NDArray[np.float32]:
    """Decode a mask and ask the model, away from the event loop: (C,) float32 probabilities."""

    def read() -> npt.NDArray[np.float32]:
        probabilities: npt.NDArray[np.float32] = app.state.recogniser.predict(decode_mask(data)[None])[0]
        return probabilities

    return await asyncio.get_running_loop().run_in_executor(app.state.executor, read)


async def _stream(websocket: WebSocket) -> None:
    await websocket.accept()
    smoothing = Smoothing(websocket.app.state.parameters)
    sequence = 0
    try:
        async for message in _messages(websocket):
            reply = await _answer(websocket.app, smoothing, message)
            await websocket.send_json({"sequence": sequence} | reply)
            sequence += 1
    except WebSocketDisconnect:
        pass  # the client went away while its answer was on the way


async def _messages(websocket: WebSocket) -> AsyncIterator[bytes | None]:
    """Yield each binary message, and None for a text, until the client leaves."""
    while (message := await websocket.receive())["type"] == "websocket.receive":
        yield message.get("bytes")


async def _answer(app: Starlette, smoothing: Smoothing, message: bytes | None) -> dict[str, Any]:
    if message is None:
        return {"error": "A text message is no mask. Send a binary message: a PNG, or nothing for 'no hand'."}
    letter, confidence = None, 0.0
    if message:
        try:
            probabilities = await _read_mask(app, message)
        except DecodingError as error:
            return {"error": str(error)}
        best = int(probabilities.argmax())
        letter, confidence = app.state.recogniser.classes[best], float(probabilities[best])
    shown = smoothing.update(letter, confidence)
    return {
        "letter": shown.letter,
        "confidence": confidence,
        "smoothed": shown.smoothed,
        "committed": shown.committed,
    }


async def _refuse_mask(_request: Request, error: Exception) -> Response:
    assert isinstance(error, DecodingError)  # noqa: S101 - registered for this class alone
    return _problem(error.status, str(error), None)


async def _refuse_request(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone
    return _problem(error.status_code, error.detail, error.headers)


def _problem(status: int, detail: str, headers: Any) -> Response:  # noqa: ANN401 - Starlette's mapping or None
    title = HTTPStatus(status).phrase
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(content, status, headers, media_type="application/problem+json")
