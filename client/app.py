"""Frames in, letters out: what the window and the headless run have in common, and both of them."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TextIO

from client.camera import Frame, open_source
from client.connection import Connection, Reply
from client.landmarks import Hand, HandLandmarker
from client.mask import render_mask
from client.overlay import draw_overlay, hand_box
from client.window import Window, check_display

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

ESCAPE: Final = 27
BACKSPACE: Final = (8, 127)


@dataclass(frozen=True)
class Reading:
    """One frame and what was read from it."""

    frame: Frame
    hand: Hand | None
    mask: npt.NDArray[np.uint8] | None
    """(224, 224, 3) RGB, what was sent; None where there was no hand."""
    reply: Reply


def run(source: str, server: str, headless: bool, hand_model: Path | None, out: TextIO) -> None:
    """Read a source to its end, or until the user quits.

    Args:
        source: a camera's number, a video file or an address.
        server: the service's address.
        headless: write one JSON line a frame instead of opening a window.
        hand_model: a `.task` bundle, or None for MediaPipe's own.
        out: where the lines of the headless run, or the text of the window, are written.

    Raises:
        ClientError: anything the user can mend, found as early as it can be.
    """
    if not headless:
        check_display()
    with ExitStack() as stack:
        frames = stack.enter_context(open_source(source))
        connection = stack.enter_context(Connection(server, None if frames.live else frames.frame_rate))
        landmarker = stack.enter_context(HandLandmarker("video", hand_model))
        readings = read_frames(frames, landmarker, connection)
        if headless:
            write_lines(readings, out)
        else:
            show_window(readings, 0.0 if frames.live else 1.0 / frames.frame_rate, out)


def read_frames(frames: Iterable[Frame], landmarker: HandLandmarker, connection: Connection) -> Iterator[Reading]:
    """Turn frames into readings, one by one: landmarks, mask, answer."""
    for frame in frames:
        hand = landmarker.detect_in_video(frame.rgb, round(frame.time * 1000))
        mask = None if hand is None else render_mask(hand.landmarks)
        yield Reading(frame, hand, mask, connection.ask(mask))


def extend_text(text: str, committed: str | None) -> str:
    """Add a committed label to the text. Data sets with `space`, `del` and `nothing` mean what they say."""
    match committed:
        case None | "nothing":
            return text
        case "space":
            return text + " "
        case "del":
            return text[:-1]
        case letter:
            return text + letter


def write_lines(readings: Iterable[Reading], out: TextIO) -> None:
    """Write a JSON line for each reading and, however it ends, one with the text."""
    text = ""
    try:
        for reading in readings:
            text = extend_text(text, reading.reply.committed)
            _write_json(out, describe(reading))
    except KeyboardInterrupt:
        _write_json(out, {"text": text})
        raise
    _write_json(out, {"text": text})


def describe(reading: Reading) -> dict[str, object]:
    """Say in plain values what a headless run tells of a frame."""
    frame, hand, reply = reading.frame, reading.hand, reading.reply
    return {
        "frame": frame.index,
        "time": round(frame.time, 3),
        "hand": None if hand is None else list(hand_box(hand.landmarks, frame.rgb.shape)),
        "letter": reply.letter,
        "confidence": round(reply.confidence, 4),
        "smoothed": reply.smoothed,
        "committed": reply.committed,
    }


def show_window(readings: Iterable[Reading], seconds_per_frame: float, out: TextIO) -> None:
    """Show readings in a window until they end or the user quits, then write the text.

    Args:
        readings: one for each frame.
        seconds_per_frame: how long a frame of a film stays; 0.0 for a live source, which has its own pace.
        out: where the text goes.
    """
    text = ""
    due = time.monotonic()
    with Window() as window:
        for reading in readings:
            text = extend_text(text, reading.reply.committed)
            picture = draw_overlay(
                reading.frame.rgb,
                None if reading.hand is None else reading.hand.landmarks,
                reading.mask,
                letter=reading.reply.letter,
                smoothed=reading.reply.smoothed,
                confidence=reading.reply.confidence,
                text=text,
            )
            due = max(due + seconds_per_frame, time.monotonic())
            key = window.show(picture, round((due - time.monotonic()) * 1000))
            if key is None or key == ESCAPE or key == ord("q"):
                break
            text = press_key(text, key)
    out.write(text + "\n")
    out.flush()


def press_key(text: str, key: int) -> str:
    """Apply a key to the text: Backspace deletes, the space bar adds a space, other keys do nothing."""
    if key in BACKSPACE:
        return text[:-1]
    return text + " " if key == ord(" ") else text


def _write_json(out: TextIO, fields: dict[str, object]) -> None:
    out.write(json.dumps(fields) + "\n")
    out.flush()
