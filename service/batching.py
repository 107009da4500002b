"""One thread of each network runs it on the masks that are waiting, of all connections together.

No mask waits for a batch to fill: a single mask is run at once, and during one batch the next one gathers. A limit on
the number of waiting masks bounds how long any of them can wait.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from service.errors import Refusal
from service.metrics import BATCH_SIZE, MODEL, STAGE_SECONDS, WAITING
from service.threads import start_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.recogniser import Recogniser

MAX_BATCH: Final = 8
"""Masks of one inference: on a processor, a larger batch only makes its first mask wait longer."""
MAX_WAITING: Final = 256
"""Masks that may wait: about two seconds' work for two cores."""
RETRY: Final = {"Retry-After": "1"}

Network = Literal["letters", "trail"]
"""What a model predicts: the letter that a mask shows, or the one that a trail draws."""

_STAGES: Final[dict[Network, str]] = {"letters": "", "trail": "trail_"}
"""Prefix of a network's stages in the metrics."""

logger = logging.getLogger("fingerspell")


@dataclass(frozen=True)
class Prediction:
    """The model's output for one mask."""

    probabilities: npt.NDArray[np.float32]
    """(C,), in the order of `model.classes`."""
    model: Recogniser
    """The model that made it: another may be in use by now."""
    features: npt.NDArray[np.float32] | None = None
    """(F,), if they were asked for."""

    @property
    def best(self) -> tuple[str, float]:
        """The likeliest label and its probability."""
        index = int(self.probabilities.argmax())
        return self.model.classes[index], float(self.probabilities[index])

    def top(self, count: int) -> list[tuple[str, float]]:
        """The likeliest labels and their probabilities, best first."""
        order = np.argsort(self.probabilities)[::-1][:count]
        return [(self.model.classes[index], float(self.probabilities[index])) for index in order]


class _Waiting(NamedTuple):
    mask: npt.NDArray[np.uint8]
    with_features: bool
    result: Future[Prediction]
    since: float


class Batcher:
    """Runs the model on masks, in batches if several wait; the model can be replaced meanwhile.

    Attributes:
        model: the recogniser in use.
        network: which one it is; a trail is run like a mask.
    """

    def __init__(
        self,
        model: Recogniser,
        network: Network = "letters",
        *,
        max_batch: int = MAX_BATCH,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self.network: Network = network
        self._wait = STAGE_SECONDS.labels(f"{_STAGES[network]}wait")
        self._inference = STAGE_SECONDS.labels(f"{_STAGES[network]}inference")
        self._max_batch, self._max_waiting = max_batch, max_waiting
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self.model = model
        MODEL.labels(network, model.version, model.architecture).set(1)
        self._thread = start_thread(f"inference of {network}", self._run)

    def replace_model(self, model: Recogniser) -> None:
        """Run another model on the next batch."""
        MODEL.labels(self.network, self.model.version, self.model.architecture).set(0)
        MODEL.labels(self.network, model.version, model.architecture).set(1)
        self.model = model

    async def predict(self, mask: npt.NDArray[np.uint8], *, with_features: bool = False) -> Prediction:
        """Run the model on one mask.

        Args:
            mask: (224, 224, 3) uint8 RGB.
            with_features: whether the prediction has its features, too, if the model gives them.

        Raises:
            Refusal: 503, too many masks are waiting already.
        """
        if self._waiting.qsize() >= self._max_waiting:
            raise Refusal(503, "Too many masks are waiting. Send fewer, or try again in a second.", RETRY)
        result: Future[Prediction] = Future()
        result.set_running_or_notify_cancel()  # from here on only the waiting ends if the connection closes
        self._waiting.put(_Waiting(mask, with_features, result, time.perf_counter()))
        return await asyncio.wrap_future(result)

    def close(self) -> None:
        """Finish the waiting masks, then end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while batch := self._next_batch():
            try:
                self._predict(batch)
            except Exception as error:
                unanswered = [each for each in batch if not each.result.done()]
                for each in unanswered:  # the error belongs to those who wait
                    each.result.set_exception(error)
                if not unanswered:
                    logger.exception("the metrics of a batch cannot be recorded")

    def _predict(self, batch: list[_Waiting]) -> None:
        begun, model = time.perf_counter(), self.model
        masks = np.stack([each.mask for each in batch])
        features: Sequence[npt.NDArray[np.float32] | None] = [None] * len(batch)
        if model.prototypes is not None and any(each.with_features for each in batch):
            rows, computed = model.predict_with_features(masks)
            features = list(computed)
        else:
            rows = model.predict(masks)
        ended = time.perf_counter()
        for each, row, own in zip(batch, rows, features, strict=True):
            each.result.set_result(Prediction(row, model, own if each.with_features else None))
        BATCH_SIZE.labels(self.network).observe(len(batch))
        WAITING.labels(self.network).set(self._waiting.qsize())
        self._wait.observe(begun - batch[0].since)
        self._inference.observe(ended - begun)

    def _next_batch(self) -> list[_Waiting]:
        """Wait for a mask and take the others that are there; an empty batch at the end."""
        batch: list[_Waiting] = []
        while (waiting := self._waiting.get()) is not None:
            batch.append(waiting)
            if len(batch) == self._max_batch or self._waiting.empty():
                return batch
        if batch:
            self._waiting.put(None)  # the end comes after this batch
        return batch
