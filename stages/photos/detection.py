"""Photographs to hand landmarks, in one process for each core."""

from __future__ import annotations

import functools
import hashlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import cv2
import numpy as np
from tqdm import tqdm

from client import landmarks as client_landmarks
from service.cores import usable_cores
from stages.errors import PipelineError
from stages.photos.resume import Found, load_or_find

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

CHUNK: Final = 64
"""Photographs in a chunk: about a second of work, which is what each process of a killed run loses."""
FEW: Final = 384
"""Photographs that one process finishes while others would still be loading MediaPipe."""
MAX_SHOWN: Final = 48
"""Small copies of photographs without a hand that are kept for inspection."""
SHOWN_SIDE: Final = 160
"""Longer side of those, in pixels."""


class Pictures(Protocol):
    """Photographs that are read in order, a few at a time."""

    def __len__(self) -> int:
        """How many there are."""

    def chunks(self, most: int) -> Iterator[npt.NDArray[np.uint8]]:
        """Read all of them, at most `most` at a time: (n,H,W,3) RGB."""


@dataclass(frozen=True)
class FoundHands:
    """What was found in the photographs of one file."""

    landmarks: npt.NDArray[np.float32]
    """(N,21,3) pixels; NaN for a photograph without a hand."""
    missed: dict[int, npt.NDArray[np.uint8]]
    """Up to `MAX_SHOWN` photographs without a hand, by row: (h,w,3) RGB, the longer side `SHOWN_SIDE` pixels."""


def find_hands(
    pictures: Pictures, where: str, *, unfinished: Path | None = None, processes: int | None = None
) -> FoundHands:
    """Find the hand in each photograph with the landmarker that the client runs, showing a progress bar.

    Each photograph is processed on its own, so the landmarks do not depend on the number of processes.

    Args:
        pictures: N photographs.
        where: file that the photographs come from, for the progress bar and the error.
        unfinished: folder that keeps landmarks as they are found, so that another run can resume.
        processes: how many look for hands; by default one for each usable core, or only this one for up to `FEW`
            photographs.

    Raises:
        PipelineError: MediaPipe or its networks are missing, or a process was killed.
        InputError: the file is damaged.
    """
    processes = processes or (1 if len(pictures) <= FEW else usable_cores())
    landmarks = np.full((len(pictures), 21, 3), np.nan, dtype=np.float32)
    missed: dict[int, npt.NDArray[np.uint8]] = {}
    ranks = np.random.default_rng(0).permutation(len(pictures)).tolist()  # the lowest are shown, the same in every run
    start = 0
    try:
        with tqdm(total=len(pictures), desc=f"{where}: hands", unit="photo", mininterval=1.0) as bar:
            for images, (found, was_kept) in _find_chunks(pictures, unfinished, processes):
                landmarks[start : start + len(images)] = found
                for offset in np.flatnonzero(np.isnan(found[:, 0, 0])).tolist():
                    missed[start + offset] = _shrink(images[offset])
                    if len(missed) > MAX_SHOWN:
                        del missed[max(missed, key=ranks.__getitem__)]
                start += len(images)
                if was_kept:
                    bar.initial += len(images)  # the rate shown is that of this run
                bar.update(len(images))
    except client_landmarks.ClientError as error:  # stages import nothing else of the client
        raise PipelineError(f"{where}: photographs cannot be read without MediaPipe. {error}") from error
    except BrokenProcessPool:
        raise PipelineError(
            f"{where}: a process that looked for hands was killed, perhaps for lack of memory. Close other programs "
            "and run the command again; it resumes where it stopped."
        ) from None
    return FoundHands(landmarks, missed)


def _find_chunks(
    pictures: Pictures, unfinished: Path | None, processes: int
) -> Iterator[tuple[npt.NDArray[np.uint8], Found]]:
    """Yield every chunk in order with what was found in it; few are in memory at a time."""
    pending: deque[tuple[npt.NDArray[np.uint8], Future[Found]]] = deque()
    version = _version()
    try:
        with process_executor(processes) as executor:
            for images in pictures.chunks(CHUNK):
                pending.append((images, executor.submit(load_or_find, images, _detect, unfinished, version)))
                if len(pending) >= 2 * processes:
                    first, found = pending.popleft()
                    yield first, found.result()
            for images, found in pending:
                yield images, found.result()
    finally:
        if _landmarker.cache_info().currsize:
            _landmarker().close()
            _landmarker.cache_clear()


def _shrink(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    scale = SHOWN_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _version() -> bytes:
    """Digest what determines the landmarks: MediaPipe's networks and the code that calls them."""
    networks = client_landmarks.assemble_bundle()
    return hashlib.blake2b(networks + Path(client_landmarks.__file__).read_bytes()).digest()


@functools.cache
def _landmarker() -> client_landmarks.HandLandmarker:
    return client_landmarks.HandLandmarker("image")


def _detect(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Find the hands of a chunk with this process's landmarker."""
    landmarks = np.full((len(images), 21, 3), np.nan, dtype=np.float32)
    for row, rgb in enumerate(images):
        hand = _landmarker().detect(rgb)
        if hand is not None:
            landmarks[row] = hand.landmarks
    return landmarks


def process_executor(processes: int) -> Executor:
    """Start so many processes that may run MediaPipe; a thread for one, or where there can be no processes."""
    if processes == 1:
        return ThreadPoolExecutor(1)
    # MediaPipe's threads do not survive in a forked process.
    spawn = multiprocessing.get_context("spawn")
    try:
        return ProcessPoolExecutor(processes, mp_context=spawn, initializer=_start_process)
    except OSError:  # a container without a /dev/shm that can be written, in which processes share their locks
        return ThreadPoolExecutor(1)


def _start_process() -> None:
    """Leave Ctrl-C to the parent, and do not outlive it: a killed parent closes no queue."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
