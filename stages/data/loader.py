"""Masks for training: a batch of landmarks is augmented and drawn at the image size of the epoch."""

from __future__ import annotations

import math
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from client.mask import MASK_SIZE, draw_mask, place_in_mask, render_mask
from stages.data.augmentation import augment_landmarks, augment_masks, draw_crops

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from concurrent.futures import Future

    from stages.data.processed import Split
    from stages.params import Augment

Batch = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
"""Masks (B, S, S, 3) uint8 RGB and class indices (B,)."""
TrainingBatch = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.float32]]
"""A batch and its landmarks: (B, 21, 2) shares of the mask's side; (B, 0, 2) for ready-made masks."""


@dataclass
class TrainingBatches:
    """The batches of one epoch, by number: the same seed and epoch give the same masks, in any order of access."""

    split: Split
    augment: Augment
    """How far a sample may be changed."""
    image_size: int
    """Side of the masks in pixels."""
    batches: int
    """Batches in this epoch; if they need more samples than there are, another shuffle follows."""
    batch_size: int
    seed: int
    """Determines shuffle and augmentation, together with the epoch."""
    epoch: int
    part: tuple[int, int] = (0, 1)
    """Which part of every batch is drawn, and out of how many: each of several processes draws its own."""

    def __post_init__(self) -> None:
        rng = np.random.default_rng((self.seed, self.epoch))
        samples = self.batches * self.batch_size
        shuffles = [rng.permutation(len(self.split)) for _ in range(math.ceil(samples / len(self.split)))]
        self._order = np.concatenate(shuffles)[:samples].reshape(self.batches, self.batch_size)

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, number: int) -> TrainingBatch:
        """Draw batch `number`."""
        rng = np.random.default_rng((self.seed, self.epoch, number))
        rows, own = self._order[number], slice(self.part[0], None, self.part[1])
        samples, classes = self.split.samples[rows], self.split.classes[rows][own]
        if self.split.kind == "masks":
            masks = augment_masks(samples, self.augment, rng, self.image_size)[own]
            return masks, classes, np.empty((len(masks), 0, 2), dtype=np.float32)
        hands = augment_landmarks(samples, self.augment, rng)
        zooms, shifts = draw_crops(len(rows), self.augment, rng)
        placed = [
            place_in_mask(hand, zoom=zoom, shift=shift)
            for hand, zoom, shift in zip(hands[own], zooms[own], shifts[own], strict=True)
        ]
        masks = np.stack([draw_mask(landmarks, self.image_size) for landmarks in placed])
        return masks, classes, np.stack(placed).astype(np.float32)


@dataclass
class ValidationBatches:
    """The samples of a split in order, not augmented, in batches by number."""

    split: Split
    image_size: int
    batch_size: int

    def __len__(self) -> int:
        return math.ceil(len(self.split) / self.batch_size)

    def __getitem__(self, number: int) -> Batch:
        """Draw batch `number`."""
        rows = slice(number * self.batch_size, (number + 1) * self.batch_size)
        return draw_masks(self.split.samples[rows], self.image_size), self.split.classes[rows]


class DrawnAhead:
    """Batches in order, drawn ahead by threads while the network computes.

    Threads are enough, since OpenCV draws without holding Python's lock, and they start an epoch at once: processes
    would be forked for each epoch and then copy their parent's memory page by page.
    """

    def __init__(self, batches: TrainingBatches | ValidationBatches, threads: int, ahead: int = 8) -> None:
        """Draw with `threads` threads, at most `ahead` batches in advance."""
        self._batches, self._threads, self._ahead = batches, threads, ahead
        self._drawing: Generator[Batch | TrainingBatch] | None = None

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Batch | TrainingBatch]:
        """Yield every batch once; an error in a thread is raised here."""
        self._drawing = self._draw()
        return self._drawing

    def close(self) -> None:
        """End the threads if the batches are no longer needed."""
        if self._drawing is not None:
            self._drawing.close()

    def _draw(self) -> Generator[Batch | TrainingBatch]:
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="draw")
        try:
            waiting: deque[Future[Batch | TrainingBatch]] = deque()
            for number in range(len(self)):
                waiting.append(pool.submit(self._batches.__getitem__, number))
                if len(waiting) > self._ahead:
                    yield waiting.popleft().result()
            pool.shutdown(wait=False)  # the threads end with the last batch, even if nobody asks for more than that
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def draw_masks(samples: npt.NDArray[Any], size: int = MASK_SIZE) -> npt.NDArray[np.uint8]:
    """Draw landmarks (N, 21, 3) as masks (N, size, size, 3) uint8 RGB; ready-made masks are resized."""
    masks = np.zeros((len(samples), size, size, 3), dtype=np.uint8)
    for mask, sample in zip(masks, samples, strict=True):
        if samples.ndim == 3:
            mask[:] = render_mask(sample, size)
        else:
            mask[:] = sample if len(sample) == size else cv2.resize(sample, (size, size), interpolation=cv2.INTER_AREA)
    return masks
