"""Where pictures come from: a camera, a video file, a folder of pictures or an address, read by OpenCV."""

from __future__ import annotations

import os
import re
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, Self

# OpenCV's FFmpeg reads this when it is first used. What it has to say is said in our own sentences.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2
import numpy as np

from client.errors import ClientError
from client.stream.status import BackOff, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

ANY_CAMERA: Final = "camera"
"""Name of the first camera that works."""
CAMERAS: Final = 4
"""Numbers that are tried for a camera where the system does not list them."""
TIMEOUT_MS: Final = 5000
"""How long an address may take to answer, and later to give the next frame, in milliseconds."""
DEFAULT_FRAME_RATE: Final = 30.0
"""Frames per second of a file that does not say."""
PICTURE_RATE: Final = 1.0
"""Pictures of a folder that are shown in a second."""
PICTURES: Final = (".bmp", ".jpeg", ".jpg", ".png", ".webp")
_ADDRESS: Final = re.compile(r"^(https?|rtsps?)://", re.IGNORECASE)

cv2.setLogLevel(0)


@dataclass(frozen=True)
class Frame:
    """One picture of a source."""

    rgb: npt.NDArray[np.uint8]
    """(H, W, 3), as the camera sees it: not mirrored."""
    index: int
    """Counts from 0."""
    time: float
    """Seconds since the first frame: by the frame rate for a file, by the clock for a camera or an address."""
    captured: float = 0.0
    """When it was there, by `time.perf_counter`."""


class Source(Protocol):
    """What `open_source` gives: frames one after the other, until the source ends."""

    live: bool
    """Whether frames come at their own pace, and those that nobody has time for are passed over."""
    frame_rate: float
    """Frames per second as the source says."""
    related: bool
    """Whether frames follow one another as in a film."""

    def __iter__(self) -> Iterator[Frame]: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


def open_source(name: str, *, fast: bool = False, status: Status | None = None, patience: float = 0.0) -> Source:
    """Open a camera by its number, an http or rtsp address, a video file or a folder of pictures.

    Args:
        name: "camera" for the first that works, "0", "http://phone.local:8080/video", "film.mp4" or "photos/".
        fast: whether a file is read as fast as its frames are asked for; else it has its own pace, as a camera has.
        status: told when a camera or an address is lost and found.
        patience: seconds for which a camera or an address that was lost is tried again.

    Returns:
        The frames, to be used in a `with` statement.

    Raises:
        ClientError: there is no such camera, address, file or folder, or it is not a video.
    """
    if name == ANY_CAMERA:
        return Camera(_open_any_camera, "The camera", status, patience)
    if name.isascii() and name.isdigit():
        return Camera(partial(_open_camera, int(name)), f"Camera {name}", status, patience)
    if _ADDRESS.match(name):
        capture = _open_address(name)
        if capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0:  # only a film knows its length
            return Film(capture, live=not fast)
        return Camera(partial(_open_address, name), name, status, patience, capture)
    path = Path(name)
    return Pictures(path, live=not fast) if path.is_dir() else Film(_open_file(path), live=not fast)


class Film:
    """Every frame of a file, in order; at its own pace, or as fast as they are asked for."""

    related = True

    def __init__(self, capture: cv2.VideoCapture, *, live: bool) -> None:
        """Read from the beginning.

        Args:
            capture: opened; it belongs to this source from now on.
            live: whether a frame is given no sooner than it is due.
        """
        self._capture = capture
        self.live = live
        self.frame_rate = _frame_rate(capture)

    def __iter__(self) -> Iterator[Frame]:
        return _at_a_rate(_read_all(self._capture), self.frame_rate, live=self.live)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.release()


class Pictures:
    """The pictures of a folder in the order of their names; they need not have to do with one another."""

    related = False
    frame_rate = PICTURE_RATE

    def __init__(self, folder: Path, *, live: bool) -> None:
        """List the pictures.

        Raises:
            ClientError: there are none.
        """
        self.live = live
        self._paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
        if not self._paths:
            raise ClientError(f"{folder}: no picture in this folder. Name one with {', '.join(PICTURES)} files.")

    def __iter__(self) -> Iterator[Frame]:
        return _at_a_rate(map(_read_picture, self._paths), self.frame_rate, live=self.live)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Camera:
    """A camera or an address. One that is lost is opened again as long as there is patience."""

    live = True
    related = True

    def __init__(
        self,
        connect: Callable[[], cv2.VideoCapture],
        name: str,
        status: Status | None = None,
        patience: float = 0.0,
        capture: cv2.VideoCapture | None = None,
    ) -> None:
        """Open it.

        Args:
            connect: opens it, or raises ClientError.
            name: what sentences call it.
            status: told when it is lost and found.
            patience: seconds for which it is tried again.
            capture: it, where it is open already.
        """
        self._connect, self._name = connect, name
        self._status, self._patience = status or Status(sys.stderr), patience
        self._capture = capture or connect()
        self._closed = False
        self.frame_rate = _frame_rate(self._capture)

    def __iter__(self) -> Iterator[Frame]:
        index, started = 0, 0.0
        while not self._closed:
            rgb = _read(self._capture)
            if rgb is None:
                self._open_again()
                continue
            captured = time.perf_counter()
            started = started or captured
            yield Frame(rgb, index, captured - started, captured)
            index += 1
        self._capture.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True  # whoever reads it may be in the driver, and lets it go

    def _open_again(self) -> None:
        sentence = (
            f"{self._name} gives no pictures any more. Check that it is plugged in or switched on and that no other "
            "program uses it."
        )
        self._capture.release()
        until, pauses = time.monotonic() + self._patience, BackOff()
        while not self._closed:
            if time.monotonic() >= until:
                raise ClientError(f"{sentence} Then start again.")
            self._status.lost("camera", sentence)
            time.sleep(pauses.next())
            try:
                self._capture = self._connect()
            except ClientError:
                continue
            self._status.found("camera")
            return


def _at_a_rate(pictures: Iterator[npt.NDArray[np.uint8]], rate: float, *, live: bool) -> Iterator[Frame]:
    started = time.perf_counter()
    for index, rgb in enumerate(pictures):
        if live:
            time.sleep(max(0.0, started + index / rate - time.perf_counter()))
        yield Frame(rgb, index, index / rate, time.perf_counter())


def _open_any_camera() -> cv2.VideoCapture:
    """Open the first camera that gives a picture."""
    listed = sorted(int(path.name[5:]) for path in Path("/dev").glob("video*") if path.name[5:].isdigit())
    for number in range(CAMERAS) if sys.platform != "linux" else listed:
        capture = cv2.VideoCapture(number)
        if capture.isOpened() and capture.read()[0]:
            return capture
        capture.release()
    if listed:
        return _open_camera(listed[0])
    raise ClientError(
        "There is no camera. Plug one in, read a video file (--source film.mp4), or see how it looks without one: "
        "--demo."
    )


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
            f"{path}: no such video file. --source takes a camera's number (0), a video file, a folder of pictures, "
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


def _read_all(capture: cv2.VideoCapture) -> Iterator[npt.NDArray[np.uint8]]:
    while (rgb := _read(capture)) is not None:
        yield rgb


def _read_picture(path: Path) -> npt.NDArray[np.uint8]:
    bgr = cv2.imread(str(path))
    if bgr is None:
        raise ClientError(f"{path}: no picture that OpenCV can read. Take it out of the folder, or convert it.")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)
