"""One stream: frames in, letters out. The newest frame wins; older ones that still wait are dropped and counted."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from starlette.websockets import WebSocketDisconnect

from service.decoding import decode_mask, decode_message
from service.errors import Refusal
from service.letters import Letters
from service.metrics import DROPPED, REFUSED, STAGE_SECONDS, UNKNOWN
from service.movement import DRAWN
from service.profile import OutdatedProfile, ProfileState, read_message
from service.protocol import SeenLetter, StreamError, StreamReply, candidates, now, split_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import numpy as np
    import numpy.typing as npt
    from starlette.websockets import WebSocket

    from service.batching import Batcher, Prediction
    from service.profile import Personal
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
    """A PNG, empty for 'no hand'; None if the client sent only a text."""
    arrived: float
    """Seconds on the clock of `time.perf_counter`."""
    text: str | None = None
    """A text that came before it, or instead of it."""


async def serve_stream(
    websocket: WebSocket, options: StreamOptions, batcher: Batcher, trail: Batcher | None = None
) -> None:
    """Reply to an accepted stream's messages until its client leaves.

    Args:
        websocket: the stream.
        options: what its client asks for.
        batcher: runs the letters' network.
        trail: runs the trail network, if there is one.
    """
    newest: asyncio.Queue[Message | None] = asyncio.Queue(maxsize=1)
    stream, answered, dropped = _Stream(options, batcher, trail, Letters(options.smoothing)), 0, 0
    receiver = asyncio.create_task(_receive(websocket, newest))
    try:
        while (message := await newest.get()) is not None:
            async for reply in stream.replies(message):
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
            content, text = message.get("bytes"), message.get("text")
            if newest.full():
                waiting = newest.get_nowait()
                if waiting is not None and content is None:
                    newest.put_nowait(replace(waiting, text=text))
                    continue
                if waiting is not None and waiting.content is not None:
                    dropped += 1
                    DROPPED.inc()
                text = None if waiting is None else waiting.text  # a mask never replaces a text
            newest.put_nowait(Message(sequence, dropped, content, time.perf_counter(), text))
            sequence += content is not None
    except TimeoutError:
        await websocket.close(1001, f"Nothing was sent for {IDLE_SECONDS:.0f} s. Connect again.")
    finally:
        if newest.full():  # nobody would get its reply
            newest.get_nowait()
        newest.put_nowait(None)


@dataclass
class _Stream:
    """The state of one stream."""

    options: StreamOptions
    batcher: Batcher
    trail: Batcher | None
    """Runs the trail network; without one, trails are decoded and not used."""
    letters: Letters
    personal: Personal | None = None
    """The signer's correction in force."""

    async def replies(self, message: Message) -> AsyncIterator[ProfileState | StreamReply | StreamError]:
        """Reply to a message: about the profile, if there is news of it, and to the mask."""
        if message.text is not None:
            yield self._take_profile(message.text)
        if message.content is None:
            return
        try:
            prediction, drawn, seen = await self._predict(message, message.content)
        except Refusal as refusal:
            REFUSED.labels(str(refusal.status)).inc()
            number, dropped = message.sequence, message.dropped
            yield StreamError(sequence=number, dropped=dropped, time=now(), error=str(refusal), status=refusal.status)
            return
        model = (prediction or self.batcher).model.version
        if self.personal is not None and self.personal.model != model:
            self.personal = None
            yield ProfileState(profile="outdated", model=model)
        told = self.letters.update(
            prediction.probabilities if prediction else None,
            prediction.model.classes if prediction else (),
            seen,
            drawn,
        )
        if prediction and told.smoothed.letter is None:
            UNKNOWN.inc()
        yield StreamReply(
            sequence=message.sequence,
            dropped=message.dropped,
            time=now(),
            letter=told.smoothed.letter,
            confidence=prediction.best[1] if prediction else 0.0,
            top=candidates(prediction) if prediction else [],
            smoothed=told.smoothed.smoothed,
            progress=told.smoothed.progress,
            committed=told.committed,
            segments=[SeenLetter.describe(each) for each in told.segments],
            replaced=[SeenLetter.describe(each) for each in told.replaced],
            model=model,
        )

    async def _predict(
        self, message: Message, content: bytes
    ) -> tuple[Prediction | None, dict[str, float] | None, float]:
        """Predict a mask, None for no hand, and the trail below it, if there is one; say when its frame was seen."""
        seen = message.arrived
        if self.options.frame_rate is not None:
            seen = message.sequence / self.options.frame_rate
        if self.options.timed:
            seen, content = split_time(content)
        if not content:
            return None, None, seen
        with _DECODE.time():
            mask, trail = decode_message(content)
        held = _predict(mask, self.batcher, self.personal)
        if trail is None or self.trail is None:
            return await held, None, seen
        # Both networks run at once: the reply takes as long as the slower one.
        prediction, drawn = await asyncio.gather(held, self.trail.predict(trail))
        shares = {letter: float(drawn.probabilities[drawn.model.classes.index(letter)]) for letter in DRAWN}
        return prediction, shares, seen

    def _take_profile(self, text: str) -> ProfileState:
        model = self.batcher.model
        try:
            self.personal = read_message(text, model)
        except OutdatedProfile as outdated:
            self.personal = None
            return ProfileState(profile="outdated", model=model.version, error=str(outdated))
        except Refusal as refusal:
            REFUSED.labels(str(refusal.status)).inc()
            return ProfileState(profile="refused", model=model.version, error=str(refusal))
        return ProfileState(profile="none" if self.personal is None else "in force", model=model.version)


async def predict_mask(
    content: bytes, batcher: Batcher, personal: Personal | None = None, *, with_features: bool = False
) -> Prediction:
    """Decode one mask, run the model on it, and correct what it predicts.

    Args:
        content: a PNG.
        batcher: runs the model.
        personal: the signer's correction, if there is one.
        with_features: whether the prediction has its features, too.

    Raises:
        Refusal: it is not a mask, or too many are waiting.
    """
    with _DECODE.time():
        mask = decode_mask(content)
    return await _predict(mask, batcher, personal, with_features=with_features)


async def _predict(
    mask: npt.NDArray[np.uint8], batcher: Batcher, personal: Personal | None, *, with_features: bool = False
) -> Prediction:
    prediction = await batcher.predict(mask, with_features=with_features or personal is not None)
    return prediction if personal is None else personal.correct(prediction)
