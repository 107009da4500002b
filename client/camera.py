"""Where pictures come from: a camera, a video file or an address, read by OpenCV.

A file gives every frame, in order. A camera or an address is live: whoever is slower than it gets the newest
frame and misses the ones between.
"""

from __future__ import annotations

import os
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, Self

# OpenCV's FFmpeg reads this when it is first used. What it has to say is said in our own sentences.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2
import numpy as np

from client.errors import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

TIMEOUT_MS: Final = 5000
"""How long an address may take to answer, and later to give the next frame, in milliseconds."""
DEFAULT_FRAME_RATE: Final = 30.0
"""Frames per second of a file that does not say."""
_ADDRESS: Final = re.compile(r"^(https?|rtsps?)://", re.IGNORECASE)

cv2.setLogLevel(0)


@dataclass(frozen=True)
class Frame:
    """One picture of a source."""

    rgb: npt.NDArray[np.uint8]
    """(H, W, 3), as the camera sees it: not mirrored."""
    index: int
    """Counts from 0. Frames of a live source that nobody had time for leave gaps."""
    time: float
    """Seconds since the first frame: by the frame rate for a file, by the clock for a live source."""


class Source(Protocol):
    """What `open_source` gives: frames one after the other, until the source ends or is closed."""

    live: bool
    """Whether frames come at their own pace, from a camera or an address."""
    frame_rate: float
    """Frames per second as the source says."""

    def __iter__(self) -> Iterator[Frame]: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


def open_source(name: str) -> Source:
    """Open a camera by its number, an http or rtsp address, or a video file.

    Args:
        name: "0", "http://phone.local:8080/video" or "film.mp4".

    Returns:
        The frames, to be used in a `with` statement.

    Raises:
        ClientError: there is no such camera, address or file, or it is not a video.
    """
    if name.isascii() and name.isdigit():
        return LiveSource(_open_camera(int(name)), f"Camera {name}")
    if _ADDRESS.match(name):
        capture = _open_address(name)
        # Only a film knows its length.
        return Film(capture) if capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0 else LiveSource(capture, name)
    return Film(_open_file(Path(name)))


class Film:
    """Every frame of a file, in order, as fast as they are asked for."""

    live = False

    def __init__(self, capture: cv2.VideoCapture) -> None:
        """Read from the beginning.

        Args:
            capture: opened; it belongs to this source from now on.
        """
        self._capture = capture
        self.frame_rate = _frame_rate(capture)

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        while (rgb := _read(self._capture)) is not None:
            yield Frame(rgb, index, index / self.frame_rate)
            index += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.release()


class LiveSource:
    """The newest frame of a camera or an address: a thread reads them all and keeps the last one."""

    live = True

    def __init__(self, capture: cv2.VideoCapture, name: str) -> None:
        """Start to read.

        Args:
            capture: opened; it belongs to this source from now on.
            name: what error messages call it.
        """
        self._capture = capture
        self._name = name
        self.frame_rate = _frame_rate(capture)
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._ended = False
        self._closed = False
        self._thread = threading.Thread(target=self._read_all, name="camera", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Frame]:
        frame = self._wait_for_frame(0)
        while frame is not None:
            yield frame
            frame = self._wait_for_frame(frame.index + 1)
        if not self._closed:
            raise ClientError(
                f"{self._name} gives no pictures any more. Check that it is plugged in or switched on and that no "
                "other program uses it, then start again."
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._thread.join(timeout=1.0)  # a dead address may hold it longer; it is a daemon

    def _wait_for_frame(self, index: int) -> Frame | None:
        """Wait for the frame of this index or a later one; None where the source has ended before."""
        with self._changed:
            while self._newest is None or self._newest.index < index:
                if self._ended:
                    return None
                self._changed.wait()
            return self._newest

    def _read_all(self) -> None:
        index = 0
        started = 0.0
        while not self._closed and (rgb := _read(self._capture)) is not None:
            now = time.monotonic()
            started = started or now
            with self._changed:
                self._newest = Frame(rgb, index, now - started)
                self._changed.notify_all()
            index += 1
        self._capture.release()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


def _open_camera(number: int) -> cv2.VideoCapture:
    capture = cv2.VideoCapture(number)
    if capture.isOpened():
        return capture
    device = Path(f"/dev/video{number}")
    if device.exists():
        raise ClientError(
            f"Camera {number} ({device}) does not open. Close other programs that use it, and check that you may read "
            f"it (`ls -l {device}`; on most systems: `sudo usermod -aG video $USER`, then log in again)."
        )
    raise ClientError(
        f"There is no camera {number}. Plug one in, try another number (--source {number + 1}), "
        "or read a video file (--source film.mp4)."
    )


def _open_address(address: str) -> cv2.VideoCapture:
    timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, TIMEOUT_MS]
    capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, timeouts)
    if capture.isOpened():
        return capture
    raise ClientError(
        f"No video comes from {address} (waited up to {TIMEOUT_MS // 1000} s). Check the address in a browser or a "
        "player, and that the camera is switched on and in the same network."
    )


def _open_file(path: Path) -> cv2.VideoCapture:
    if not path.is_file():
        raise ClientError(
            f"{path}: no such video file. --source takes a camera's number (0), a video file, "
            "or an address that begins with http://, https:// or rtsp://."
        )
    capture = cv2.VideoCapture(str(path))
    if capture.isOpened():
        return capture
    raise ClientError(
        f"{path}: no video that OpenCV can read. Convert it, for example with `ffmpeg -i {path} film.mp4`."
    )


def _frame_rate(capture: cv2.VideoCapture) -> float:
    rate = capture.get(cv2.CAP_PROP_FPS)
    return rate if 0.0 < rate < 1000.0 else DEFAULT_FRAME_RATE


def _read(capture: cv2.VideoCapture) -> npt.NDArray[np.uint8] | None:
    there, bgr = capture.read()
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8) if there else None
