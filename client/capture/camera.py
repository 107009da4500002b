"""Sources of frames: a camera, a video file, a folder of pictures or a network address, read by OpenCV."""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

# OpenCV's FFmpeg reads this when it is first used. Its messages are replaced by ours.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2
import numpy as np
from PIL import Image, ImageOps

from client.errors import ClientError
from client.frames import Frame
from client.status import Status, retry_pauses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy.typing as npt

    TimedPicture = tuple[npt.NDArray[np.uint8], float]

ANY_CAMERA: Final = "camera"
"""Name for the first camera that works."""
CAMERAS: Final = 4
"""How many camera numbers are tried if the system does not list them."""
TIMEOUT_MS: Final = 5000
"""How long an address may take to answer, and later to deliver the next frame, in milliseconds."""
DEFAULT_FRAME_RATE: Final = 30.0
"""Frames per second to assume for a file that does not specify them."""
PICTURE_RATE: Final = 1.0
"""Pictures of a folder that are shown per second."""
MOST_DAMAGED: Final = 300
"""Frames of a film in succession that may be damaged before it is taken to have ended."""
COMPLETE: Final = 0.8
"""Share of a film's frames and seconds without which it is incomplete: a track of sound may outlast the pictures."""
LONGEST_STEP: Final = 10.0
"""The most seconds from one frame of a film to the next; more is an error in the file, and a run would wait for it."""
PICTURES: Final = (".bmp", ".jpeg", ".jpg", ".png", ".webp")
_ADDRESS: Final = re.compile(r"^(https?|rtsps?)://", re.IGNORECASE)

cv2.setLogLevel(0)


def open_source(name: str, *, fast: bool = False, status: Status | None = None, patience: float = 0.0) -> Film | Camera:
    """Open a camera by its number, an http or rtsp address, a video file or a folder of pictures.

    Args:
        name: "camera" for the first that works, "0", "http://phone.local:8080/video", "film.mp4" or "photos/".
        fast: whether a file is read as fast as its frames are consumed; else it plays at its own pace, like a camera.
        status: where the loss and the return of a camera or an address are reported.
        patience: seconds for which to try to reopen a camera or an address that was lost.

    Returns:
        The frames; close them.

    Raises:
        ClientError: there is no such camera, address, file or folder, or it is not a video.
    """
    if name == ANY_CAMERA:
        return Camera(_open_any_camera, "The camera", status, patience)
    if name.isascii() and name.isdigit():
        return Camera(partial(_open_camera, int(name)), f"Camera {name}", status, patience)
    if _ADDRESS.match(name):
        capture = _open_address(name)
        if capture.get(cv2.CAP_PROP_FRAME_COUNT) <= 0:  # only a film has a length
            return Camera(partial(_open_address, name), name, status, patience, capture)
    elif (path := Path(name)).is_dir():
        # macOS keeps a file `._A.jpg`, which is no picture, beside each `A.jpg` on a stick or a share.
        paths = sorted(each for each in path.glob("[!.]*") if each.suffix.lower() in PICTURES)
        if not paths:
            raise ClientError(f"{path}: no picture in this folder. Name one with {', '.join(PICTURES)} files.")
        pictures = at_even_times(map(_read_picture, paths), PICTURE_RATE)
        return Film(pictures, PICTURE_RATE, live=not fast, related=False)
    else:
        capture = _open_file(path)
    frame_rate = read_frame_rate(capture)
    return Film(_read_all(name, capture, frame_rate), frame_rate, live=not fast)


class Film:
    """Pictures in their order: every frame of a video file, the pictures of a folder, or drawn ones."""

    def __init__(
        self, pictures: Iterable[TimedPicture], frame_rate: float, *, live: bool, related: bool = True
    ) -> None:
        """Begin with the first picture.

        Args:
            pictures: (H, W, 3) uint8 RGB each, and seconds since the first one, increasing.
            frame_rate: pictures per second, on average.
            live: whether a frame is given no sooner than it is due, instead of as fast as they are consumed.
            related: whether they follow one another as in a film.
        """
        self._pictures, self.frame_rate, self.live, self.related = pictures, frame_rate, live, related

    def __iter__(self) -> Iterator[Frame]:
        started = time.perf_counter()
        for index, (rgb, seconds) in enumerate(self._pictures):
            if self.live:
                time.sleep(max(0.0, started + seconds - time.perf_counter()))
            yield Frame(rgb, index, seconds, time.perf_counter())

    def close(self) -> None:
        """Do nothing: a file is closed at its end, or with the process."""


class Camera:
    """A camera or an address. If it is lost, it is opened again."""

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
            name: its name in messages.
            status: where its loss and its return are reported.
            patience: seconds for which to try to reopen it.
            capture: the open camera, if it is open already.
        """
        self._connect, self._name = connect, name
        self._status, self._patience = status or Status(sys.stderr), patience
        self._capture = capture or connect()
        self._closed = False
        self.frame_rate = read_frame_rate(self._capture)

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

    def close(self) -> None:
        """Give no more frames."""
        self._closed = True  # the reading thread may be in the driver, and releases it

    def _open_again(self) -> None:
        message = (
            f"{self._name} has stopped sending pictures. Check that it is plugged in or switched on and that no other "
            "program uses it."
        )
        self._capture.release()
        until, pauses = time.monotonic() + self._patience, retry_pauses()
        while not self._closed:
            if time.monotonic() >= until:
                raise ClientError(f"{message} Then start again.")
            self._status.lost("camera", message)
            time.sleep(next(pauses))
            try:
                self._capture = self._connect()
            except ClientError:
                continue
            self._status.found("camera")
            return


def _open_any_camera() -> cv2.VideoCapture:
    """Open the first camera that delivers a picture."""
    listed = sorted(int(path.name[5:]) for path in Path("/dev").glob("video*") if path.name[5:].isdigit())
    for number in range(CAMERAS) if sys.platform != "linux" else listed:
        capture = cv2.VideoCapture(number)
        if capture.isOpened() and capture.read()[0]:
            return capture
        capture.release()
    if listed:
        return _open_camera(listed[0])
    raise ClientError(
        "There is no camera. Plug one in, use a video file (--source film.mp4), or try the demonstration: --demo."
    )


def _open_camera(number: int) -> cv2.VideoCapture:
    capture = cv2.VideoCapture(number)
    if capture.isOpened():
        return capture
    device = Path(f"/dev/video{number}")
    if device.exists():
        raise ClientError(
            f"Camera {number} ({device}) cannot be opened. Close other programs that use it, and check that you may "
            f"read it (`ls -l {device}`; on most systems: `sudo usermod -aG video $USER`, then log in again)."
        )
    raise ClientError(
        f"There is no camera {number}. Plug one in, try another number (--source {number + 1}), "
        "or use a video file (--source film.mp4)."
    )


def _open_address(address: str) -> cv2.VideoCapture:
    timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, TIMEOUT_MS]
    capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, timeouts)
    if capture.isOpened():
        return _turned_upright(capture)
    raise ClientError(
        f"No video from {address} (waited up to {TIMEOUT_MS // 1000} s). Check the address in a browser or a "
        "player, and that the camera is switched on and in the same network."
    )


def _open_file(path: Path) -> cv2.VideoCapture:
    if not path.is_file():
        raise ClientError(
            f"{path}: no such video file. --source takes a camera's number (0), a video file, a folder of pictures, "
            "or an address that starts with http://, https:// or rtsp://."
        )
    if not os.access(path, os.R_OK):
        raise ClientError(
            f"{path}: you may not read this file. Change its permissions, for example `chmod u+r {path}`."
        )
    capture = cv2.VideoCapture(str(path))
    if capture.isOpened():
        return _turned_upright(capture)
    raise ClientError(
        f"{path}: not a video that OpenCV can read, or not a whole one. Copy it again, or convert it, for example "
        f"with `ffmpeg -i {path} film.mp4`."
    )


def _turned_upright(capture: cv2.VideoCapture) -> cv2.VideoCapture:
    """Have frames turned as the file says: a phone that is held upright films sideways."""
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)  # OpenCV 4.11 forgets it unless it is set after opening
    return capture


def at_even_times(pictures: Iterable[npt.NDArray[np.uint8]], rate: float) -> Iterator[TimedPicture]:
    """Give pictures their times, in seconds, at a rate per second."""
    return ((rgb, index / rate) for index, rgb in enumerate(pictures))


def read_frame_rate(capture: cv2.VideoCapture) -> float:
    """Give the frames per second of an opened capture, or a default if it does not specify them."""
    rate = capture.get(cv2.CAP_PROP_FPS)
    return rate if 0.0 < rate < 1000.0 else DEFAULT_FRAME_RATE


def _read(capture: cv2.VideoCapture) -> npt.NDArray[np.uint8] | None:
    is_read, bgr = capture.read()
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8) if is_read else None


def _read_all(name: str, capture: cv2.VideoCapture, frame_rate: float) -> Iterator[TimedPicture]:
    """Read a film's frames and their times, which phones and screen recorders do not space evenly.

    Raises:
        ClientError: the film has no frames, or ends long before it should.
    """
    rate, whole = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
    start, seconds, frames = float("inf"), -1.0 / frame_rate, 0
    while (rgb := _read_whole(capture)) is not None:
        at = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if not 0.0 < at - start - seconds <= LONGEST_STEP:
            # Of the first frame, and if the file's times are missing or wrong.
            start = at - (seconds + 1.0 / frame_rate)
        seconds, frames = at - start, frames + 1
        yield rgb, seconds
    capture.release()
    if frames == 0:
        raise ClientError(f"{name}: no frame of this film can be read. Record or export it again.")
    # Either may be an estimate, or mislead: a last picture may be shown for a minute.
    if frames < COMPLETE * whole and seconds < COMPLETE * whole / rate - 1.0:
        raise ClientError(
            f"{name}: the film breaks off after {seconds:.1f} of {whole / rate:.1f} s. Copy or download it again."
        )


def _read_whole(capture: cv2.VideoCapture) -> npt.NDArray[np.uint8] | None:
    """Read a film's next frame that is not damaged; None at its end, which looks like damage to OpenCV."""
    until = time.monotonic() + TIMEOUT_MS / 1000  # for a film at an address that no longer answers
    for _ in range(MOST_DAMAGED):
        rgb = _read(capture)
        if rgb is not None or time.monotonic() > until:
            return rgb
    return None


def _read_picture(path: Path) -> npt.NDArray[np.uint8]:
    with suppress(OSError):
        if path.suffix.lower() == ".webp":  # whose orientation OpenCV leaves aside
            with Image.open(path) as picture:
                return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    rgb = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if rgb is None:
        raise ClientError(f"{path}: not a picture that OpenCV can read. Move it out of the folder, or convert it.")
    return np.asarray(rgb, dtype=np.uint8)
