"""The window on the screen."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final, Self

import cv2

from client.errors import ClientError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

TITLE: Final = "fingerspell"
PROBE: Final = """
import resource
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
import cv2
cv2.namedWindow("fingerspell")
"""
"""Opens a window and goes: where there is no display OpenCV aborts the process that does so, past any `except`."""


def check_display(instead: str = "get one JSON line a frame") -> None:
    """Find out whether a window can be opened at all, in a process that may die of it.

    Args:
        instead: what a headless run does, for the error.

    Raises:
        ClientError: there is no display, or OpenCV cannot use it.
    """
    if sys.platform != "linux":
        return
    # OpenCV's own Qt speaks X11 only, and under Wayland is shown by XWayland.
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
        said = next((line for line in probe.stderr.splitlines() if line.strip()), f"exit code {probe.returncode}")
        raise ClientError(
            f"No window can be opened on DISPLAY={display} ({said.strip()}). Run with --headless to "
            f"{instead}, or start it from a desktop session."
        )
    os.environ.setdefault("QT_LOGGING_RULES", "*.warning=false")  # it misses its own fonts, which we do not use


class Window:
    """Shows pictures and hears keys."""

    def __enter__(self) -> Self:
        # Without the toolbar and the menu that Qt would add.
        cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        self._sized = False
        return self

    def __exit__(self, *_: object) -> None:
        cv2.destroyAllWindows()

    def show(self, rgb: npt.NDArray[np.uint8], wait_ms: int) -> int | None:
        """Show a picture and wait a moment for a key.

        Args:
            rgb: (H, W, 3) uint8.
            wait_ms: how long to wait, in milliseconds, 1 or more.

        Returns:
            The key's code, -1 where none was pressed, None where the window was closed.
        """
        if not self._sized:
            cv2.resizeWindow(TITLE, rgb.shape[1], rgb.shape[0])
            self._sized = True
        cv2.imshow(TITLE, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
        key = cv2.waitKey(max(1, wait_ms))
        if cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1:
            return None
        return key & 0xFF if key >= 0 else -1
