"""One stream: frames in, letters out. The newest frame wins; older ones that still wait are dropped and counted."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.websockets import WebSocketDisconnect

from service.decoding import decode_mask
from service.errors import Refusal
from service.metrics import DROPPED, REFUSED, STAGE_SECONDS, UNKNOWN
from service.protocol import StreamError, StreamReply, candidates, now, split_time
from service.smoothing import Smoothing

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from service.batching import Batcher, Prediction
    from service.protocol import StreamOptions

IDLE_SECONDS: Final = 300.0
"""A stream is closed if its client sends nothing for so long."""
SEND_SECONDS: Final = 20.0
"""A stream ends if its client takes no reply for so long."""

_DECODE = STAGE_SECONDS.labels("decode")
_ANSWER = STAGE_SECONDS.labels("answer")

logger = logging.getLogger("fingerspell")


@dataclass(frozen=True)
class Message:
    """What a client sent."""

    sequence: int
    """Number in the stream, from 0."""
    dropped: int
    """Messages before it that a newer one overtook."""
    content: bytes | None
    """A PNG, empty for 'no hand', None for a text message."""
    arrived: float
    """Seconds on the clock of `time.perf_counter`."""


async def serve_stream(websocket: WebSocket, options: StreamOptions, batcher: Batcher) -> None:
    """Reply to an accepted stream's messages until its client leaves."""
    newest: asyncio.Queue[Message | None] = asyncio.Queue(maxsize=1)
    smoothing, answered, dropped = Smoothing(options.smoothing), 0, 0
    receiver = asyncio.create_task(_receive(websocket, newest))
    try:
        while (message := await newest.get()) is not None:
            reply = await _reply(message, options, smoothing, batcher)
            async with asyncio.timeout(SEND_SECONDS):
                await websocket.send_text(reply.model_dump_json())
            _ANSWER.observe(time.perf_counter() - message.arrived)
            answered, dropped = answered + 1, message.dropped
        await receiver  # raises what it failed with, if the client has not left
    except (WebSocketDisconnect, TimeoutError):
        pass  # the client left before its reply came, or takes none
    finally:
        receiver.cancel()
        logger.info("stream ended", extra={"answered": answered, "dropped": dropped})


async def _receive(websocket: WebSocket, newest: asyncio.Queue[Message | None]) -> None:
    """Receive messages until the client leaves or is silent for too long; a newer one replaces one that waits."""
    sequence = dropped = 0
    try:
        while True:
            async with asyncio.timeout(IDLE_SECONDS):
                message = await websocket.receive()
            if message["type"] != "websocket.receive":
                return
            if newest.full():
                newest.get_nowait()
                dropped += 1
                DROPPED.inc()
            newest.put_nowait(Message(sequence, dropped, message.get("bytes"), time.perf_counter()))
            sequence += 1
    except TimeoutError:
        await websocket.close(1001, f"Nothing was sent for {IDLE_SECONDS:.0f} s. Connect again.")
    finally:
        if newest.full():  # nobody would get its reply
            newest.get_nowait()
        newest.put_nowait(None)


async def _reply(
    message: Message, options: StreamOptions, smoothing: Smoothing, batcher: Batcher
) -> StreamReply | StreamError:
    content, seen = message.content, message.arrived
    if options.frame_rate is not None:
        seen = message.sequence / options.frame_rate
    try:
        if options.timed and content is not None:
            seen, content = split_time(content)
        prediction = await predict_mask(content, batcher) if content != b"" else None
    except Refusal as refusal:
        REFUSED.labels(str(refusal.status)).inc()
        return StreamError(
            sequence=message.sequence, dropped=message.dropped, time=now(), error=str(refusal), status=refusal.status
        )
    letter, confidence = prediction.best if prediction else (None, 0.0)
    smoothed = smoothing.update(letter, confidence, seen)
    if prediction and smoothed.letter is None:
        UNKNOWN.inc()
    return StreamReply(
        sequence=message.sequence,
        dropped=message.dropped,
        time=now(),
        confidence=confidence,
        top=candidates(prediction) if prediction else [],
        model=(prediction or batcher).model.version,
        **vars(smoothed),
    )


async def predict_mask(content: bytes | None, batcher: Batcher) -> Prediction:
    """Decode one mask and run the model on it.

    Args:
        content: a PNG; None for a text message.
        batcher: runs the model.

    Raises:
        Refusal: it is not a mask, or too many are waiting.
    """
    if content is None:
        raise Refusal(415, "A text message is not a mask. Send a binary message: a PNG, or nothing for 'no hand'.")
    begun = time.perf_counter()
    mask = decode_mask(content)
    _DECODE.observe(time.perf_counter() - begun)
    return await batcher.predict(mask)
