"""One stream: frames in, letters out. The newest frame wins; those that it overtakes are dropped and counted."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from starlette.websockets import WebSocketDisconnect

from service.decoding import decode_mask
from service.errors import Refusal
from service.metrics import CONFIDENCES, DROPPED, REFUSED, STAGE_SECONDS, UNKNOWN
from service.protocol import describe_stream
from service.smoothing import Smoothing

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from service.batching import Batcher, Reading
    from service.protocol import StreamOptions

IDLE_SECONDS: Final = 300.0
"""A stream in which nothing is sent for so long is closed."""
SEND_SECONDS: Final = 20.0
"""A client that takes no reply for so long is given up."""

_DECODE = STAGE_SECONDS.labels("decode")
_ANSWER = STAGE_SECONDS.labels("answer")

logger = logging.getLogger("fingerspell")


@dataclass(frozen=True)
class Message:
    """What a client sent."""

    sequence: int
    """Counts the stream's messages from 0."""
    content: bytes | None
    """A PNG, nothing for 'no hand', None for a text."""
    arrived: float
    """Seconds on the clock of `time.perf_counter`."""


class Newest:
    """Room for one message; a newer one takes its place.

    Attributes:
        dropped: messages that nobody had taken when the next one came.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._message: Message | None = None
        self._ended = False
        self._changed = asyncio.Event()

    def put(self, message: Message) -> None:
        """Leave a message."""
        if self._message is not None:
            self.dropped += 1
            DROPPED.inc()
        self._message = message
        self._changed.set()

    def end(self) -> None:
        """Say that no more will come."""
        self._ended = True
        self._changed.set()

    async def take(self) -> Message | None:
        """Wait for a message; None at the end. What was left before the end is still given."""
        await self._changed.wait()
        message, self._message = self._message, None
        if not self._ended:
            self._changed.clear()
        return message


async def serve_stream(websocket: WebSocket, options: StreamOptions, batcher: Batcher) -> None:
    """Answer an accepted stream's messages until its client leaves."""
    newest, smoothing, answered = Newest(), Smoothing(options.smoothing), 0
    reader = asyncio.create_task(_read(websocket, newest))
    try:
        while (message := await newest.take()) is not None:
            answer = await _answer(message, options, smoothing, batcher)
            head = {"sequence": message.sequence, "dropped": newest.dropped, "time": round(time.time(), 3)}
            async with asyncio.timeout(SEND_SECONDS):
                await websocket.send_json(head | answer)
            _ANSWER.observe(time.perf_counter() - message.arrived)
            answered += 1
    except (WebSocketDisconnect, TimeoutError):
        pass  # the client went away while its answer was on the way, or takes none
    finally:
        reader.cancel()
        logger.info("stream ended", extra={"answered": answered, "dropped": newest.dropped})


async def _read(websocket: WebSocket, newest: Newest) -> None:
    """Take messages as they come, until the client leaves or is silent for too long."""
    sequence = 0
    try:
        while True:
            async with asyncio.timeout(IDLE_SECONDS):
                message = await websocket.receive()
            if message["type"] != "websocket.receive":
                return
            newest.put(Message(sequence, message.get("bytes"), time.perf_counter()))
            sequence += 1
    except TimeoutError:
        await websocket.close(1001, f"Nothing was sent for {IDLE_SECONDS:.0f} s. Connect again.")
    finally:
        newest.end()


async def _answer(message: Message, options: StreamOptions, smoothing: Smoothing, batcher: Batcher) -> dict[str, Any]:
    try:
        reading = await read_mask(message.content, batcher) if message.content != b"" else None
    except Refusal as refusal:
        REFUSED.labels(str(refusal.status)).inc()
        return {"error": str(refusal), "status": refusal.status}
    seen = message.arrived if options.frame_rate is None else message.sequence / options.frame_rate
    letter, confidence = reading.best if reading else (None, 0.0)
    smoothed = smoothing.update(letter, confidence, seen)
    if reading and smoothed.letter is None:
        UNKNOWN.inc()
    return describe_stream(smoothed, reading, batcher.model.version)


async def read_mask(content: bytes | None, batcher: Batcher) -> Reading:
    """Decode one mask and ask the model.

    Args:
        content: a PNG; None for a text message.
        batcher: runs the model.

    Raises:
        Refusal: it is no mask, or too many wait.
    """
    if content is None:
        raise Refusal(415, "A text message is no mask. Send a binary message: a PNG, or nothing for 'no hand'.")
    begun = time.perf_counter()
    mask = decode_mask(content)
    _DECODE.observe(time.perf_counter() - begun)
    reading = await batcher.read(mask)
    CONFIDENCES.labels(reading.best[0]).observe(reading.best[1])
    return reading
