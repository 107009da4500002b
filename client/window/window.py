"""The window on the screen."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final, Self

import cv2
import numpy as np

from client.errors import ClientError

if TYPE_CHECKING:
    import numpy.typing as npt

TITLE: Final = "fingerspell"
SETTLE_MS: Final = 50
"""For how long Qt handles the events of a window that is opened or closed, in milliseconds."""
GROWTH: Final = 1.5
"""How many times as large as the window's known size a picture is shown now and then."""
GROWTH_SECONDS: Final = 1.0
"""Seconds between two such pictures: the longest that a window that has grown keeps its old size, if they suffice."""
PROBE: Final = """
import resource
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
import cv2
cv2.namedWindow("fingerspell")
"""
"""Opens a window and exits: without a display, OpenCV aborts the process, and no `except` can catch that."""


def check_display(instead: str = "get one JSON line per frame") -> None:
    """Find out whether a window can be opened at all, in a process of its own, which an abort may end.

    Args:
        instead: what a headless run does, for the error message.

    Raises:
        ClientError: there is no display, or OpenCV cannot use it.
    """
    if sys.platform != "linux":
        return
    # OpenCV's own Qt supports X11 only; under Wayland, XWayland shows its windows.
    if os.environ.get("QT_QPA_PLATFORM", "").startswith("wayland"):
        os.environ["QT_QPA_PLATFORM"] = "xcb"
    display = os.environ.get("DISPLAY", "")
    if not display:
        raise ClientError(
            f"There is no display to open a window on (DISPLAY is not set). Run with --headless to {instead}, "
            "or start it from a desktop session."
        )
    probe = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        # Of an exception, the line that names it; Qt's abort has the reason in its first line.
        lines = (line for line in probe.stderr.splitlines() if line.strip() and not line.startswith(("Traceback", " ")))
        said = next(lines, f"exit code {probe.returncode}")
        raise ClientError(
            f"No window can be opened on DISPLAY={display} ({said.strip()}). Run with --headless to "
            f"{instead}, or start it from a desktop session."
        )
    os.environ.setdefault("QT_LOGGING_RULES", "*.warning=false")  # Qt warns about missing fonts, which are not used


class Window:
    """Shows pictures and receives keys and clicks."""

    def __init__(self, size: tuple[int, int]) -> None:
        """Set the size that the window opens with: width and height in pixels."""
        self._first_size = size
        self._clicks: list[tuple[int, int]] = []
        self._scale, self._grows_at = 1.0, 0.0

    def __enter__(self) -> Self:
        # Without the toolbar and the menu that Qt adds by default.
        flags = cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL
        # On a busy machine Qt 5 loses events of its first moments. Without the one that says that a window is mapped,
        # it never paints that window, so the first one is not the one that is used.
        cv2.namedWindow(TITLE, flags)
        cv2.waitKey(SETTLE_MS)
        cv2.destroyWindow(TITLE)
        cv2.waitKey(SETTLE_MS)
        cv2.namedWindow(TITLE, flags)
        width, height = self._first_size
        cv2.imshow(TITLE, np.zeros((height, width, 3), np.uint8))  # before that, its size cannot be set
        cv2.resizeWindow(TITLE, width, height)
        cv2.setMouseCallback(TITLE, self._on_mouse)
        return self

    def __exit__(self, *_: object) -> None:
        cv2.destroyAllWindows()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of what can be shown, in pixels."""
        _, _, width, height = cv2.getWindowImageRect(TITLE)
        return (width, height) if width > 0 and height > 0 else self._first_size

    def show(self, rgb: npt.NDArray[np.uint8] | None, wait_ms: int) -> int | None:
        """Show a picture and wait a moment for a key.

        Args:
            rgb: (H, W, 3) uint8, in the size of the window; None leaves the window as it is.
            wait_ms: how long to wait, in milliseconds, 1 or more.

        Returns:
            The key's code, -1 if none was pressed, None if the window was closed.
        """
        if rgb is not None:
            bgr, self._scale = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), 1.0
            if time.monotonic() >= self._grows_at:
                self._grows_at, self._scale = time.monotonic() + GROWTH_SECONDS, GROWTH
                # OpenCV's Qt fills a window that has grown only with a picture that is larger than it was, and fits
                # it into the window: it looks as before, and `size` is the true one from then on.
                bgr = cv2.resize(bgr, None, fx=GROWTH, fy=GROWTH)
            cv2.imshow(TITLE, bgr)
        key = cv2.waitKey(max(1, wait_ms))
        if cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1:
            return None
        return key & 0xFF if key >= 0 else -1

    def take_clicks(self) -> list[tuple[int, int]]:
        """Give the clicks since the last call, x and y in pixels of the picture shown."""
        clicks, self._clicks = self._clicks, []
        return clicks

    def _on_mouse(self, event: int, x: int, y: int, *_: object) -> None:
        if event == cv2.EVENT_LBUTTONDOWN:
            self._clicks.append((round(x / self._scale), round(y / self._scale)))
