"""From frames to letters: capture, landmarks and network, each a generator in a thread of its own."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from client.mask import render_mask
from client.status import Search
from client.stream.handover import Handover
from client.trail import Trail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np
    import numpy.typing as npt

    from client.frames import Frame
    from client.landmarks import Hand
    from client.stream.reply import Reply

    Recognise = Callable[["Detection"], Reply | None]
    """Predicts the letter of a detection; None if it cannot reach the network."""

IN_FLIGHT: Final = 1
"""Frames between capture and screen at a time if every frame counts: two would raise throughput by a third on two
cores, and the latency by half."""
PAUSED: Final = 0.05
"""Seconds between two checks whether a pause is over."""


@dataclass(frozen=True)
class Detection:
    """One frame and the hand in it."""

    frame: Frame
    hand: Hand | None
    mask: npt.NDArray[np.uint8] | None
    """(`MASK_SIZE`, `MASK_SIZE`, 3) RGB, as it is sent; None if there is no hand."""
    begun: float
    """When the search for the hand began, when it ended, and when mask and trail were drawn; by `time.perf_counter`."""
    found: float
    drawn: float
    trail: npt.NDArray[np.uint8] | None = None
    """(`MASK_SIZE`, `MASK_SIZE`, 3) RGB, the trail of a hand that moves; None while it is still."""


@dataclass(frozen=True)
class Prediction:
    """One frame and the letter that was recognised in it."""

    detection: Detection
    reply: Reply
    asked: float
    """When the mask was sent and when the reply came; by `time.perf_counter`."""
    answered: float


def find_hands(
    frames: Iterable[Frame], find: Callable[[Frame], Hand | None], show: Callable[[Detection], None]
) -> Iterator[Detection]:
    """Find the hand of each frame and draw its mask, and its trail while it moves.

    Args:
        frames: one after the other.
        find: finds the hand in a frame; None if there is none.
        show: called with each detection as soon as it is made, whether or not its letter is recognised.
    """
    trail = Trail()
    for frame in frames:
        begun = time.perf_counter()
        hand = find(frame)
        found = time.perf_counter()
        mask = None if hand is None else render_mask(hand.landmarks)
        trail.add(frame.time, None if hand is None else hand.landmarks)
        path = None if hand is None else trail.draw()
        detection = Detection(frame, hand, mask, begun, found, time.perf_counter(), path)
        show(detection)
        yield detection


def recognise_letters(
    detections: Iterable[Detection], recognise: Recognise, is_paused: Callable[[], bool], *, live: bool
) -> Iterator[Prediction]:
    """Recognise the letter of each frame, one at a time.

    Args:
        detections: one for each frame.
        recognise: predicts the letter of a detection, or gives None.
        is_paused: whether the signer has paused; nothing is recognised during a pause.
        live: whether a pause drops frames instead of holding them back.
    """
    for detection in detections:
        while is_paused() and not live:
            time.sleep(PAUSED)
        if is_paused():
            continue
        asked = time.perf_counter()
        reply = recognise(detection)
        if reply is not None:
            yield Prediction(detection, reply, asked, time.perf_counter())


class Pipeline:
    """Capture, landmarks and network, each in a thread of its own; the newest frame wins if the source is live."""

    def __init__(
        self,
        source: Iterable[Frame],
        find: Callable[[Frame], Hand | None],
        recognise: Recognise,
        is_paused: Callable[[], bool],
        *,
        live: bool,
    ) -> None:
        """Start the threads.

        Args:
            source: where frames come from.
            find: finds the hand in a frame.
            recognise: predicts the letter of a detection.
            is_paused: whether the signer has paused.
            live: whether frames are dropped if nothing is ready for them.
        """
        lossless = not live
        self.newest: Detection | None = None
        """The last detection, whether or not its letter was recognised."""
        self.search = Search()
        self._permits = threading.Semaphore(IN_FLIGHT) if lossless else None
        self._frames = Handover(self._admit(source), "capture", lossless=lossless)
        detections = find_hands(self._frames, find, self._keep_newest)
        self._detections = Handover(detections, "landmarks", lossless=lossless)
        predictions = recognise_letters(self._detections, recognise, is_paused, live=live)
        self.predictions = Handover(predictions, "network", lossless=lossless)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.frame_done()  # or capture would wait for a frame that is no longer drawn
        for handover in (self.predictions, self._detections, self._frames):
            handover.close()

    def frame_done(self) -> None:
        """Let the next frame start, now that one has been drawn."""
        if self._permits is not None:
            self._permits.release()

    def _admit(self, source: Iterable[Frame]) -> Iterator[Frame]:
        frames = iter(source)
        while True:
            if self._permits is not None:
                self._permits.acquire()
            if (frame := next(frames, None)) is None:
                return
            yield frame

    def _keep_newest(self, detection: Detection) -> None:
        self.newest = detection
        self.search.add(detection.frame.time, found=detection.hand is not None)
