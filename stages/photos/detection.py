"""Photographs to hand landmarks, in as many processes as there are cores."""

from __future__ import annotations

import functools
import hashlib
import heapq
import multiprocessing
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import cv2
import numpy as np
from tqdm import tqdm

from client import landmarks as client_landmarks
from stages.errors import PipelineError
from stages.photos.resume import FoundChunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt


CHUNK: Final = 64
"""Photographs in a chunk: about a second's work, which is what a killed run loses in each process."""
FEW: Final = 384
"""Photographs that one process has read by the time others have loaded MediaPipe."""
MAX_SHOWN: Final = 48
"""Photographs without a hand that are kept, small, to be looked at."""
SHOWN_SIDE: Final = 160
"""Longer side of those, in pixels."""


class Pictures(Protocol):
    """Photographs that are read through in order, a few at a time."""

    def __len__(self) -> int:
        """How many there are."""

    def chunks(self, most: int) -> Iterator[npt.NDArray[np.uint8]]:
        """Read all of them, at most `most` at a time: (n,H,W,3) RGB."""


@dataclass(frozen=True)
class FoundHands:
    """What was found in the photographs of one file."""

    landmarks: npt.NDArray[np.float32]
    """(N,21,3) pixels; NaN in every place of a photograph without a hand."""
    missed: dict[int, npt.NDArray[np.uint8]]
    """Up to `MAX_SHOWN` photographs without a hand, by row: (h,w,3) RGB, the longer side `SHOWN_SIDE` pixels."""


def find_hands(
    pictures: Pictures, where: str, *, unfinished: Path | None = None, processes: int | None = None
) -> FoundHands:
    """Find the hand in each photograph with the landmarker that the client runs, showing a progress bar.

    Each photograph is looked at by itself, so the landmarks do not depend on the number of processes.

    Args:
        pictures: N photographs.
        where: file that the photographs come from, for the progress bar and the error.
        unfinished: folder in which landmarks are kept as they are found, for a next run to go on from.
        processes: how many look for hands; by default one a usable core, and this one alone for `FEW` photographs.

    Raises:
        PipelineError: MediaPipe or its networks are missing, a process was killed, or the file is damaged.
    """
    processes = processes or (1 if len(pictures) <= FEW else usable_cores())
    landmarks = np.full((len(pictures), 21, 3), np.nan, dtype=np.float32)
    missed = _Missed(len(pictures))
    try:
        store = FoundChunks(unfinished, _version())
        with (
            tqdm(total=len(pictures), desc=f"{where}: hands", unit="photo", mininterval=1.0) as bar,
            _executor(processes) as executor,
        ):
            for chunk in _find_chunks(pictures, store, executor, most_pending=2 * processes):
                landmarks[chunk.start : chunk.start + len(chunk.images)] = chunk.landmarks
                missed.look_at(chunk)
                if chunk.was_kept:
                    bar.initial += len(chunk.images)  # the rate shown is that of this run
                bar.update(len(chunk.images))
    except client_landmarks.ClientError as error:  # this room sees no more of the client
        raise PipelineError(f"{where}: photographs cannot be read without MediaPipe. {error}") from error
    except BrokenProcessPool:
        raise PipelineError(
            f"{where}: a process that looked for hands was killed, perhaps for want of memory. Close other programs "
            "and run the command again; it goes on from where it stopped."
        ) from None
    return FoundHands(landmarks, missed.pictures())


def usable_cores() -> int:
    """Count the processor's cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class _Chunk:
    start: int
    """Row of the first photograph."""
    images: npt.NDArray[np.uint8]
    landmarks: npt.NDArray[np.float32]
    was_kept: bool
    """A run before this one found the landmarks."""


_Pending = dict["Future[npt.NDArray[np.float32]]", tuple[int, "npt.NDArray[np.uint8]", str]]


def _find_chunks(pictures: Pictures, store: FoundChunks, executor: Executor, *, most_pending: int) -> Iterator[_Chunk]:
    """Yield every chunk once, in the order in which they are done; few are in memory at a time."""
    pending: _Pending = {}
    start = 0
    for images in pictures.chunks(CHUNK):
        key = store.key(images)
        kept = store.load(key, len(images))
        if kept is not None:
            yield _Chunk(start, images, kept, was_kept=True)
        else:
            pending[executor.submit(_detect, images)] = (start, images, key)
        start += len(images)
        if len(pending) >= most_pending:
            yield from _take_done(pending, store)
    while pending:
        yield from _take_done(pending, store)


def _take_done(pending: _Pending, store: FoundChunks) -> Iterator[_Chunk]:
    done, _ = wait(pending, return_when=FIRST_COMPLETED)
    for future in done:
        start, images, key = pending.pop(future)
        landmarks = future.result()
        store.save(key, landmarks)
        yield _Chunk(start, images, landmarks, was_kept=False)


class _Missed:
    """A sample, the same in every run, of the photographs in which no hand was found."""

    def __init__(self, count: int) -> None:
        # The lowest numbers of the dice are kept, so the order in which photographs come does not matter.
        self._dice = np.random.default_rng(0).permutation(count)
        self._heap: list[tuple[int, int, npt.NDArray[np.uint8]]] = []

    def look_at(self, chunk: _Chunk) -> None:
        for offset in np.flatnonzero(np.isnan(chunk.landmarks[:, 0, 0])).tolist():
            row = chunk.start + offset
            rank = -int(self._dice[row])
            if len(self._heap) < MAX_SHOWN:
                heapq.heappush(self._heap, (rank, row, _shrink(chunk.images[offset])))
            elif rank > self._heap[0][0]:
                heapq.heapreplace(self._heap, (rank, row, _shrink(chunk.images[offset])))

    def pictures(self) -> dict[int, npt.NDArray[np.uint8]]:
        return {row: picture for _, row, picture in sorted(self._heap, key=lambda entry: entry[1])}


def _shrink(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    scale = SHOWN_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _version() -> bytes:
    """Digest whatever decides where landmarks are found: MediaPipe's networks and the code that calls them."""
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


def _executor(processes: int) -> Executor:
    if processes == 1:
        return _ThisProcess()
    # MediaPipe's threads do not live on in a forked process.
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, mp_context=spawn, initializer=_start_process)


class _ThisProcess(Executor):
    """Does at once what it is given."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        if _landmarker.cache_info().currsize:
            _landmarker().close()
            _landmarker.cache_clear()


def _start_process() -> None:
    """Leave Ctrl-C to the parent, and do not outlive it: a killed parent closes no queue."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
