"""Masks for training: a batch of landmarks is augmented and drawn at the size that the epoch asks for."""

from __future__ import annotations

import math
from collections import deque
from concurrent.futures import ThreadPoolExecutor
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
"""A batch and where its landmarks lie: (B, 21, 2) shares of the mask's side; (B, 0, 2) where masks came ready-made."""


class TrainingBatches:
    """The batches of one epoch, by number: the same seed and epoch give the same masks, in any order of asking."""

    def __init__(
        self,
        split: Split,
        augment: Augment,
        *,
        image_size: int,
        batches: int,
        batch_size: int,
        seed: int,
        epoch: int,
        part: tuple[int, int] = (0, 1),
    ) -> None:
        """Plan an epoch.

        Args:
            split: the samples.
            augment: how far each view of a sample may be changed.
            image_size: side of the masks in pixels.
            batches: batches in this epoch; where they hold more samples than there are, the next shuffle begins.
            batch_size: samples in a batch.
            seed: chooses shuffle and changes, together with the epoch.
            epoch: number of the epoch.
            part: which part of every batch is drawn, and of how many: each of several processes draws its own.
        """
        self._split, self._augment, self._size = split, augment, image_size
        self._own = slice(part[0], None, part[1])
        self._key = (seed, epoch)
        rng = np.random.default_rng(self._key)
        views = batches * batch_size
        shuffles = [rng.permutation(len(split)) for _ in range(math.ceil(views / len(split)))]
        self._order = np.concatenate(shuffles)[:views].reshape(batches, batch_size)

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, number: int) -> TrainingBatch:
        """Draw batch `number`."""
        rng = np.random.default_rng((*self._key, number))
        rows, own = self._order[number], self._own
        if self._split.landmarks is None:
            assert self._split.masks is not None  # noqa: S101 - a split holds one of the two
            drawn = augment_masks(self._split.masks[rows], self._augment, rng, self._size)
            return drawn[own], self._split.classes[rows][own], np.empty((len(drawn[own]), 0, 2), dtype=np.float32)
        hands = augment_landmarks(self._split.landmarks[rows], self._augment, rng)
        zooms, shifts = draw_crops(len(rows), self._augment, rng)
        placed = [
            place_in_mask(hand, zoom=zoom, shift=shift)
            for hand, zoom, shift in zip(hands[own], zooms[own], shifts[own], strict=True)
        ]
        masks = np.stack([draw_mask(landmarks, self._size) for landmarks in placed])
        return masks, self._split.classes[rows][own], np.stack(placed).astype(np.float32)


class ValidationBatches:
    """The samples of a split in order, as they are, in batches by number."""

    def __init__(self, split: Split, *, image_size: int, batch_size: int) -> None:
        self._split, self._size, self._batch_size = split, image_size, batch_size

    def __len__(self) -> int:
        return math.ceil(len(self._split) / self._batch_size)

    def __getitem__(self, number: int) -> Batch:
        """Draw batch `number`."""
        rows = slice(number * self._batch_size, (number + 1) * self._batch_size)
        return draw_masks(self._split.samples[rows], self._size), self._split.classes[rows]


class DrawnAhead:
    """Batches in order, the next ones drawn by threads while the network computes on the one before.

    Threads are enough, since OpenCV draws outside of Python's lock, and an epoch begins at once: processes would be
    forked anew for each, from a parent whose memory they then copy page by page.
    """

    def __init__(self, batches: TrainingBatches | ValidationBatches, threads: int, ahead: int = 8) -> None:
        """Draw with so many threads, at most `ahead` batches before they are asked for."""
        self._batches, self._threads, self._ahead = batches, threads, ahead
        self._drawing: Generator[Batch | TrainingBatch] | None = None

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Batch | TrainingBatch]:
        """Yield every batch once; an error of a thread is raised here."""
        self._drawing = self._draw()
        return self._drawing

    def close(self) -> None:
        """End the threads, where whoever asked for batches has broken off."""
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
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def draw_masks(samples: npt.NDArray[Any], size: int = MASK_SIZE) -> npt.NDArray[np.uint8]:
    """Draw landmarks (N, 21, 3) as masks (N, size, size, 3) uint8 RGB; ready-made masks are brought to that size."""
    masks = np.zeros((len(samples), size, size, 3), dtype=np.uint8)
    for mask, sample in zip(masks, samples, strict=True):
        if samples.ndim == 3:
            mask[:] = render_mask(sample, size)
        else:
            mask[:] = sample if len(sample) == size else cv2.resize(sample, (size, size), interpolation=cv2.INTER_AREA)
    return masks
