"""The same stream over BentoML's adaptive batching, to compare with our own: the model in a service of its own."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")

import aiohttp
import bentoml
import numpy as np
from bentoml.exceptions import BentoMLException
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from service.batching import MAX_BATCH
from service.decoding import decode_mask
from service.recogniser import Recogniser

MAX_LATENCY_MS = 1000


@bentoml.service(name="Predictor")
class Predictor:
    """Runs the model on batches that BentoML assembles."""

    def __init__(self) -> None:
        self._recogniser = Recogniser(Path(os.environ["FINGERSPELL_MODEL"]))

    @bentoml.api(batchable=True, max_batch_size=MAX_BATCH, max_latency_ms=MAX_LATENCY_MS)
    def predict(self, masks: np.ndarray) -> np.ndarray:
        """Map (N, 224, 224, 3) uint8 to (N, C) float32."""
        return self._recogniser.predict(masks)


async def stream(websocket: WebSocket) -> None:
    """Reply to each mask with the index of its likeliest letter."""
    await websocket.accept()
    predictor = bentoml.get_current_service().predictor
    sequence = 0
    try:
        while True:
            mask = decode_mask(await websocket.receive_bytes())
            reply: dict[str, object] = {"sequence": sequence}
            try:
                probabilities = (await predictor.to_async.predict(mask[None]))[0]
                reply["best"] = int(probabilities.argmax())
            except (
                BentoMLException,
                aiohttp.ClientError,
            ) as error:  # it refuses masks that would take long, and loses some
                reply["error"] = str(error)
            await websocket.send_json(reply)
            sequence += 1
    except WebSocketDisconnect:
        pass


@bentoml.service(name="Adaptive", traffic={"timeout": 30, "max_concurrency": 64})
@bentoml.asgi_app(Starlette(routes=[WebSocketRoute("/stream", stream)]))
class Adaptive:
    """Streams whose masks go to the other service."""

    predictor = bentoml.depends(Predictor)
