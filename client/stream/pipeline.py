"""From frames to letters: capture, landmarks, network, each a generator in a thread of its own."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, Self

from client.mask import render_mask
from client.stream.connection import encode_png
from client.stream.handover import Handover

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np
    import numpy.typing as npt

    from client.capture.camera import Frame, Source
    from client.landmarks import Hand
    from client.stream.connection import PatientConnection, Reply
    from client.window.controls import Controls

IN_FLIGHT: Final = 1
"""Frames between capture and screen at a time, where every frame counts: with two, a third more of them are read in a
second on two cores, and each is shown half as late again."""
PAUSED: Final = 0.05
"""Seconds between two looks whether a pause is over."""


@dataclass(frozen=True)
class Seen:
    """One frame and the hand in it."""

    frame: Frame
    hand: Hand | None
    mask: npt.NDArray[np.uint8] | None
    """(224, 224, 3) RGB, what is sent; None where there is no hand."""
    begun: float
    """When the search for the hand began, found it, and had drawn the mask; by `time.perf_counter`."""
    found: float
    drawn: float


@dataclass(frozen=True)
class Reading:
    """One frame and what was read from it."""

    seen: Seen
    reply: Reply
    asked: float
    """When the mask was sent and the answer came; by `time.perf_counter`."""
    answered: float


class Landmarker(Protocol):
    """Finds the hand in a frame."""

    def find(self, frame: Frame) -> Hand | None:
        """Find it; None where there is no hand."""


class Reader(Protocol):
    """Reads masks."""

    def read(self, seen: Seen) -> Reply | None:
        """Read the mask of a frame; None where nobody is there to do so."""


def find_hands(frames: Iterable[Frame], landmarker: Landmarker, show: Callable[[Seen], None]) -> Iterator[Seen]:
    """Find the hand of each frame and draw its mask.

    Args:
        frames: one after the other.
        landmarker: finds the hands.
        show: called with what was seen as soon as it was, whether anybody reads it or not.
    """
    for frame in frames:
        begun = time.perf_counter()
        hand = landmarker.find(frame)
        found = time.perf_counter()
        mask = None if hand is None else render_mask(hand.landmarks)
        seen = Seen(frame, hand, mask, begun, found, time.perf_counter())
        show(seen)
        yield seen


def read_letters(
    hands: Iterable[Seen], reader: Reader, is_paused: Callable[[], bool], *, live: bool
) -> Iterator[Reading]:
    """Ask for the letter of each hand, one at a time.

    Args:
        hands: what was seen.
        reader: whom to ask.
        is_paused: while it says so nobody is asked.
        live: whether a pause passes over frames instead of holding them up.
    """
    for seen in hands:
        while is_paused() and not live:
            time.sleep(PAUSED)
        if is_paused():
            continue
        asked = time.perf_counter()
        reply = reader.read(seen)
        if reply is not None:
            yield Reading(seen, reply, asked, time.perf_counter())


class ServiceReader:
    """Asks the service."""

    def __init__(self, connection: PatientConnection) -> None:
        self._connection = connection

    def read(self, seen: Seen) -> Reply | None:
        """Send the mask of a frame as a PNG, or nothing for 'no hand'."""
        return self._connection.ask(b"" if seen.mask is None else encode_png(seen.mask))


class Flow:
    """Capture, landmarks and network, each in a thread of its own; the newest frame wins where the source is live."""

    def __init__(self, source: Source, landmarker: Landmarker, reader: Reader, controls: Controls) -> None:
        """Start the threads.

        Args:
            source: where frames come from.
            landmarker: finds the hands.
            reader: reads the masks.
            controls: say whether there is a pause.
        """
        lossless = not source.live
        self.newest: Seen | None = None
        """The last frame in which a hand was looked for, read or not."""
        self._permits = threading.Semaphore(IN_FLIGHT) if lossless else None
        self._frames = Handover(self._admit(source), "capture", lossless=lossless)
        hands = find_hands(self._frames, landmarker, self._see)
        self._hands = Handover(hands, "landmarks", lossless=lossless)
        readings = read_letters(self._hands, reader, lambda: controls.paused, live=source.live)
        self.readings = Handover(readings, "network", lossless=lossless)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.landed()  # nobody shall wait for what is not drawn any more
        for handover in (self.readings, self._hands, self._frames):
            handover.close()

    def landed(self) -> None:
        """Say that a reading has been drawn, so that the next frame may start."""
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

    def _see(self, seen: Seen) -> None:
        self.newest = seen
