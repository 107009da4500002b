"""Where things are in the window, and its row of buttons. No camera, no clock, no window."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import cv2

from client.window.controls import KEYS, Key, name_key
from client.window.drawing import PANEL, STEADY, TRACK, WRITING, blank, fit, measure, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.frames import Box
    from client.window.drawing import Picture

SIZE: Final = (1280, 720)
"""Size of the window that the lengths below are given for, in pixels; they scale with it."""
SMALLEST: Final = (320, 180)
SIDE: Final = 320
"""Width of the panel with the letter."""
FOOT: Final = 140
"""Height of the bar with the text and the buttons."""
BUTTON: Final = 52
"""Height of a button."""
LABEL: Final = 18
"""Height of a button's letters."""
WORD: Final = 3
"""How many times as wide as the button of a letter a button with a word is, where there are both."""


@dataclass(frozen=True)
class Layout:
    """Where things are in a window of one size."""

    width: int
    height: int
    keys: tuple[Key, ...] = KEYS
    """The buttons from left to right: code of the key, label, what it does."""

    @classmethod
    def of(cls, size: tuple[int, int], keys: tuple[Key, ...] = KEYS) -> Layout:
        """Lay out a window of this width and height, or the smallest one."""
        return cls(max(size[0], SMALLEST[0]), max(size[1], SMALLEST[1]), keys)

    @property
    def unit(self) -> float:
        """Pixels of this window per pixel of a window of `SIZE`."""
        return min(self.width / SIZE[0], self.height / SIZE[1])

    def px(self, length: float) -> int:
        """Scale a length."""
        return round(length * self.unit)

    @property
    def picture(self) -> Box:
        """Where the camera's picture is."""
        return 0, 0, self.width - self.px(SIDE), self.height - self.px(FOOT)

    @property
    def buttons(self) -> list[tuple[Box, int, str]]:
        """Box, key and label of every button."""
        edge, gap = self.px(16), self.px(6)
        if any(len(label) == 1 for _, label, _ in self.keys):
            gap = self.px(3)
            widths = [float(1 if len(label) == 1 else WORD) for _, label, _ in self.keys]
        else:  # the room beside a word is the same in all buttons
            words = [measure(label, LABEL) for _, label, _ in self.keys]
            room = max(0.0, SIZE[0] - sum(words)) / len(words)
            widths = [word + room for word in words]
        scale = (self.width - 2 * edge + gap) / sum(widths)
        bottom = self.height - self.px(12)
        top = bottom - self.px(BUTTON)
        placed, left = [], 0.0
        for (key, label, _), width in zip(self.keys, widths, strict=True):
            box = edge + round(left * scale), top, edge + round((left + width) * scale) - gap, bottom
            placed.append((box, key, label))
            left += width
        return placed


@dataclass(frozen=True)
class Overlay:
    """What takes over the keys and the row of buttons, and is drawn over the picture."""

    keys: tuple[Key, ...]
    draw: Callable[[Picture, Layout], None]


def find_button(x: int, y: int, size: tuple[int, int], keys: tuple[Key, ...] = KEYS) -> int | None:
    """Find the key of the button at (x, y) in a window of this width and height, in pixels; None if there is none."""
    for (left, top, right, bottom), key, _ in Layout.of(size, keys).buttons:
        if left <= x < right and top <= y < bottom:
            return key
    return None


@lru_cache(maxsize=8)
def draw_buttons(layout: Layout, pressed: tuple[bool, ...]) -> Picture:
    """Draw a window that is empty except for its buttons."""
    canvas = blank(layout.width, layout.height)
    for (box, key, label), is_pressed in zip(layout.buttons, pressed, strict=True):
        left, top, right, bottom = box
        background, colour = (STEADY, PANEL) if is_pressed else (TRACK, WRITING)
        cv2.rectangle(canvas, (left, top), (right - 1, bottom - 1), background, cv2.FILLED)
        middle, room = (left + right) / 2, right - left - layout.px(8 if len(label) > 1 else 2)
        name = name_key(key)
        if name == label:
            write(canvas, label, (middle, top + layout.px(35)), fit(label, layout.px(24), room), colour, "middle")
            continue
        write(canvas, label, (middle, top + layout.px(25)), fit(label, layout.px(LABEL), room), colour, "middle")
        write(canvas, name, (middle, top + layout.px(44)), fit(name, layout.px(13), room), colour, "middle")
    return canvas
