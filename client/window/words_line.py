"""The line of text at the foot of the window, and the candidates for the current word above it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2

from client.window.controls import CHOICE_KEYS
from client.window.drawing import (
    PANEL,
    STEADY,
    TRACK,
    UNSURE,
    WAVERING,
    WRITING,
    draw_box,
    fit,
    measure,
    shade,
    write,
)
from client.window.layout import FOOT, Layout

if TYPE_CHECKING:
    from client.frames import Box
    from client.window.drawing import Picture
    from client.words.spelling import Spelling
    from client.words.text import Text

LETTERS: Final = 50
"""Height of the text's letters."""
EDGE: Final = 20
STRIP: Final = 76
"""Height of the strip with the candidates, along the picture's lower edge."""
READ_KEY: Final = ord("r")


@dataclass(frozen=True)
class Line:
    """What is written of a text, and where."""

    words: str
    """The text with a cursor, or its end if it is longer than the line."""
    size: float
    left: int
    baseline: int
    underline: tuple[int, int] | None
    """From where to where, in pixels, the last word is underlined; None unless one replaced its letters."""


def place_line(text: Text, layout: Layout) -> Line:
    """Find out how much of the text fits, and where its last word is."""
    edge, size = layout.px(EDGE), layout.px(LETTERS)
    whole = f"{text}_"
    words = whole
    while len(words) > 1 and measure(words, size, bold=True) > layout.width - 2 * edge:
        words = words[1:]
    line = Line(words, size, edge, layout.height - layout.px(FOOT) + layout.px(56), None)
    if not text.words or not text.words[-1].is_replaced:
        return line
    end = len(words) - len(text.spelled) - 2  # the space and the cursor
    begin = max(0, end - len(text.words[-1].shown))
    if end <= 0:
        return line
    span = (edge + round(measure(words[:begin], size, bold=True)), edge + round(measure(words[:end], size, bold=True)))
    return Line(words, size, edge, line.baseline, span)


def draw_line(canvas: Picture, text: Text, layout: Layout) -> None:
    """Write the text. A word that replaced its letters is underlined: in blue, in orange if they are back."""
    line = place_line(text, layout)
    write(canvas, line.words, (line.left, line.baseline), line.size, WRITING, bold=True)
    if line.underline is not None:
        left, right = line.underline
        top = line.baseline + layout.px(8)
        colour = WAVERING if text.words[-1].is_as_read else STEADY
        cv2.rectangle(canvas, (left, top), (right - 1, top + max(1, layout.px(5)) - 1), colour, cv2.FILLED)


def place_candidates(count: int, layout: Layout) -> list[Box]:
    """Give the boxes of this number of candidates, which are always in the same places."""
    left, _, right, bottom = layout.picture
    gap = layout.px(10)
    wide = (right - left - gap) / len(CHOICE_KEYS)
    top = bottom - layout.px(STRIP) + gap
    return [
        (left + gap + round(number * wide), top, left + round((number + 1) * wide), bottom - gap)
        for number in range(count)
    ]


def draw_candidates(canvas: Picture, spelling: Spelling, layout: Layout) -> None:
    """Draw the candidates with their keys; the one that the word becomes by itself has a blue edge."""
    words, accepted = spelling.candidates, spelling.accepted
    if not words:
        return
    left, _, right, bottom = layout.picture
    shade(canvas, (left, bottom - layout.px(STRIP), right, bottom), 0.85)
    for key, word, box in zip(CHOICE_KEYS, words, place_candidates(len(words), layout), strict=False):
        x0, y0, x1, y1 = box
        cv2.rectangle(canvas, (x0, y0), (x1 - 1, y1 - 1), PANEL, cv2.FILLED)
        draw_box(canvas, box, STEADY if word == accepted else TRACK, layout.px(4 if word == accepted else 2))
        baseline = y1 - layout.px(17)
        write(canvas, chr(key), (x0 + layout.px(16), baseline), layout.px(26), UNSURE, bold=True)
        size = fit(word, layout.px(34), x1 - x0 - layout.px(64), bold=True)
        write(canvas, word, (x0 + layout.px(48), baseline), size, WRITING, bold=True)


def find_word_key(x: int, y: int, size: tuple[int, int], spelling: Spelling) -> int | None:
    """Find the key of the candidate or the underlined word at (x, y), if there is one, in a window of this size."""
    layout = Layout.of(size)
    boxes = place_candidates(len(spelling.candidates), layout)
    for key, (left, top, right, bottom) in zip(CHOICE_KEYS, boxes, strict=False):
        if left <= x < right and top <= y < bottom:
            return key
    line = place_line(spelling.text, layout)
    if line.underline is None or not line.underline[0] <= x < line.underline[1]:
        return None
    top = layout.height - layout.px(FOOT)
    return READ_KEY if top <= y < line.baseline + layout.px(EDGE) else None
