"""One thread that runs the model on whatever masks wait, of all connections together.

Nothing is held back for a batch to fill: a lone mask is read at once, and while one batch is being read the next one
gathers. How long a mask can wait is bounded by how many may.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from service.errors import Refusal
from service.metrics import BATCH_SIZE, MODEL, STAGE_SECONDS, WAITING

if TYPE_CHECKING:
    from service.recogniser import Recogniser

MAX_BATCH: Final = 8
"""Masks of one inference: more only make the first one wait longer on a processor."""
MAX_WAITING: Final = 256
"""Masks that may wait: about two seconds' work for two cores."""
RETRY: Final = {"Retry-After": "1"}
DIGITS: Final = 4
"""Decimal places of a probability in a reply."""

_WAIT = STAGE_SECONDS.labels("wait")
_INFERENCE = STAGE_SECONDS.labels("inference")


@dataclass(frozen=True)
class Reading:
    """What the model says of one mask."""

    probabilities: npt.NDArray[np.float32]
    """(C,), in the order of `model.classes`."""
    model: Recogniser
    """The one that was asked: another may have taken its place since."""

    @property
    def best(self) -> tuple[str, float]:
        """The likeliest label and its probability."""
        index = int(self.probabilities.argmax())
        return self.model.classes[index], float(self.probabilities[index])

    def top(self, count: int) -> list[dict[str, object]]:
        """The likeliest labels and their probabilities, best first."""
        order = np.argsort(self.probabilities)[::-1][:count]
        return [
            {"letter": self.model.classes[i], "confidence": round(float(self.probabilities[i]), DIGITS)} for i in order
        ]


@dataclass(frozen=True)
class _Waiting:
    mask: npt.NDArray[np.uint8]
    answer: asyncio.Future[Reading]
    loop: asyncio.AbstractEventLoop
    since: float


class Batcher:
    """Reads masks, in batches where several wait, with a model that may be exchanged meanwhile.

    Attributes:
        model: the recogniser in use; assign another, and the next batch is read by it.
    """

    def __init__(self, model: Recogniser, max_batch: int = MAX_BATCH, max_waiting: int = MAX_WAITING) -> None:
        self._max_batch, self._max_waiting = max_batch, max_waiting
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._model = model
        self.model = model
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)
        self._thread.start()

    @property
    def model(self) -> Recogniser:
        """The recogniser in use."""
        return self._model

    @model.setter
    def model(self, model: Recogniser) -> None:
        MODEL.labels(self._model.version, self._model.architecture).set(0)
        MODEL.labels(model.version, model.architecture).set(1)
        self._model = model

    async def read(self, mask: npt.NDArray[np.uint8]) -> Reading:
        """Ask the model.

        Args:
            mask: (224, 224, 3) uint8 RGB.

        Raises:
            Refusal: 503, too many masks wait already.
        """
        if self._waiting.qsize() >= self._max_waiting:
            raise Refusal(503, "Too many masks wait for the model. Send fewer, or try again in a second.", RETRY)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Reading] = loop.create_future()
        self._waiting.put(_Waiting(mask, answer, loop, time.perf_counter()))
        return await answer

    def close(self) -> None:
        """Answer what waits, then end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while batch := self._next_batch():
            begun, model = time.perf_counter(), self._model
            try:
                rows = model.predict(np.stack([each.mask for each in batch]))
            except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to those who wait
                for each in batch:
                    each.loop.call_soon_threadsafe(_fail, each.answer, error)
                continue
            ended = time.perf_counter()
            for each, row in zip(batch, rows, strict=True):
                each.loop.call_soon_threadsafe(_deliver, each.answer, Reading(row, model))
            BATCH_SIZE.observe(len(batch))
            WAITING.set(self._waiting.qsize())
            _WAIT.observe(begun - batch[0].since)
            _INFERENCE.observe(ended - begun)

    def _next_batch(self) -> list[_Waiting]:
        """Wait for a mask and take the others that are there; nothing at the end."""
        first = self._waiting.get()
        batch = [] if first is None else [first]
        while batch and len(batch) < self._max_batch:
            try:
                other = self._waiting.get_nowait()
            except queue.Empty:
                break
            if other is None:
                self._waiting.put(None)  # the end comes after this batch
                break
            batch.append(other)
        return batch


def _deliver(answer: asyncio.Future[Reading], reading: Reading) -> None:
    if not answer.done():  # its connection may have gone
        answer.set_result(reading)


def _fail(answer: asyncio.Future[Reading], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
