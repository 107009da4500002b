"""The signer's screen, drawn at the size of the window. No camera, no clock, no window."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import cv2

from client.letters import chart_pictures
from client.window.controls import HELP, KEYS
from client.window.drawing import (
    PANEL,
    STEADY,
    TRACK,
    UNSURE,
    WAVERING,
    WRITING,
    blank,
    draw_bar,
    draw_box,
    draw_camera,
    draw_mask,
    fit,
    measure,
    shade,
    write,
)
from client.window.layout import FOOT, SIDE, SIZE, Layout, draw_buttons
from client.window.words_line import STRIP, draw_candidates, draw_line

if TYPE_CHECKING:
    from client.stream.reply import Reply
    from client.window.controls import Controls
    from client.window.drawing import Colour, Picture, Points
    from client.window.layout import Overlay

CHART_COLUMNS: Final = 7
GUTTER: Final = 8
"""Pixels between mask and trail."""
CAPTION: Final = "This is all we send"
NOTHING_SENT: Final = "Nothing is sent"


@dataclass(frozen=True)
class View:
    """What to show at one moment."""

    rgb: Picture | None = None
    """(H, W, 3) the frame as the camera sees it; None before the first one."""
    points: Points | None = None
    """(21, 3) landmarks in the frame's pixels, or None if there is no hand."""
    mask: Picture | None = None
    """(S, S, 3) RGB, what leaves the machine, or None."""
    trail: Picture | None = None
    """(S, S, 3) RGB, what leaves it besides while the hand moves, or None."""
    has_trails: bool = False
    """Whether the service is sent trails, so that there is a place for them."""
    reply: Reply | None = None
    """The newest reply, or None if there is none."""
    threshold: float | None = 0.5
    """Lowest confidence at which a letter counts; None if the service has not told yet."""
    hint: str = ""
    """What the signer can do to be recognised better."""
    problem: str = ""
    """What does not work."""
    note: str = ""
    """Says what a key has just done."""
    state: str = "connected"
    """State of the connection to the service."""
    is_ok: bool = True
    """Whether that state is as it should be."""
    rate: float = 0.0
    """Frames per second."""
    latency: float = 0.0
    """Seconds from a frame's capture to its letter on the screen."""
    hand: str = ""
    """Whose profile the letters are recognised with, or why none is in force."""
    is_own: bool = False
    """Whether one is."""
    caption: str = CAPTION
    """Caption of the mask."""


def draw_screen(
    view: View, controls: Controls, size: tuple[int, int] = SIZE, overlay: Overlay | None = None
) -> Picture:
    """Draw the whole window.

    Args:
        view: what to show.
        controls: what the signer has set.
        size: width and height in pixels.
        overlay: what has taken over the keys, if anything has.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    layout = Layout.of(size, KEYS if overlay is None else overlay.keys)
    pressed = tuple(overlay is None and _is_on(label, controls) for _, label, _ in layout.keys)
    canvas = draw_buttons(layout, pressed).copy()
    if view.rgb is not None:
        width = 3 * layout.unit
        colour = _colour(view.reply)
        draw_camera(canvas, layout.picture, view.rgb, view.points, colour, width, mirrored=controls.mirrored)
    if overlay is not None:
        overlay.draw(canvas, layout)
    elif controls.panel:
        (_draw_help if controls.panel == "Help" else _draw_chart)(canvas, layout)
    is_covered = overlay is not None or bool(controls.panel)
    strip = 0
    if not is_covered and controls.spelling.candidates:
        draw_candidates(canvas, controls.spelling, layout)
        strip = layout.px(STRIP)
    _draw_banners(canvas, view, layout, strip, quiet=is_covered or controls.paused)
    _draw_side(canvas, view, controls, layout)
    draw_line(canvas, controls.spelling.text, layout)
    return canvas


def _draw_side(canvas: Picture, view: View, controls: Controls, layout: Layout) -> None:
    """Draw the panel on the right: the state, the letter, how sure it is, how long it has been held, what is sent."""
    px, reply = layout.px, view.reply
    left, right, bottom = layout.width - px(SIDE) + px(24), layout.width - px(24), layout.height - px(FOOT)
    colour = _colour(reply)
    _draw_state(canvas, view, controls, left, layout)

    letter = None if reply is None else reply.smoothed or reply.letter
    if letter is not None:
        size = fit(letter, px(190), right - left, bold=True)
        write(canvas, letter, ((left + right) / 2, px(244)), size, colour, "middle", bold=True)
    write(canvas, _advice(reply, paused=controls.paused), ((left + right) / 2, px(280)), px(20), WRITING, "middle")

    progress = 0.0 if reply is None else reply.progress
    write(canvas, "Hold", (left, px(312)), px(16), UNSURE)
    draw_bar(canvas, (left, px(318), right, px(330)), progress, colour)
    confidence = 0.0 if reply is None else reply.confidence
    write(canvas, "Confidence", (left, px(352)), px(16), UNSURE)
    write(canvas, f"{confidence:.0%}", (right, px(352)), px(16), WRITING, "right")
    draw_bar(canvas, (left, px(358), right, px(370)), confidence, colour)
    if view.threshold is not None:
        mark = left + round((right - left) * view.threshold)
        cv2.rectangle(canvas, (mark - px(1), px(354)), (mark + px(1), px(374)), WRITING, cv2.FILLED)

    places = (view.mask, view.trail) if view.has_trails else (view.mask,)
    step = (right - left + px(GUTTER)) // len(places)
    side = min(bottom - px(394) - px(28), step - px(GUTTER))
    for number, sent in enumerate(places):
        x = left + number * step + (step - px(GUTTER) - side) // 2
        if sent is not None and not controls.paused:
            draw_mask(canvas, sent, x, px(394), side, mirrored=controls.mirrored)
        draw_box(canvas, (x, px(394), x + side, px(394) + side), TRACK, 1)
    caption = NOTHING_SENT if controls.paused or view.mask is None else view.caption
    write(canvas, caption, ((left + right) / 2, bottom - px(8)), px(16), UNSURE, "middle")


def _draw_state(canvas: Picture, view: View, controls: Controls, left: int, layout: Layout) -> None:
    px = layout.px
    state, is_ok = ("paused", False) if controls.paused else (view.state, view.is_ok)
    colour, thickness = (STEADY, cv2.FILLED) if is_ok else (WAVERING, max(1, px(3)))
    # A disc for good and a ring for bad, for people who cannot distinguish the colours.
    cv2.circle(canvas, (left + px(7), px(28)), px(7), colour, thickness, cv2.LINE_AA)
    write(canvas, state, (left + px(24), px(35)), px(20), WRITING)
    if view.rate:
        pace = f"{view.rate:.0f} frames/s" + (f", {1000 * view.latency:.0f} ms" if view.latency else "")
        write(canvas, pace, (left, px(62)), px(16), UNSURE)
    colour = STEADY if view.is_own else WAVERING
    write(canvas, view.hand, (left, px(88)), fit(view.hand, px(16), px(SIDE - 48)), colour)


def _draw_banners(canvas: Picture, view: View, layout: Layout, strip: int, *, quiet: bool) -> None:
    """Write a problem along the picture's upper edge; above the strip along its lower one a note, or a hint."""
    px = layout.px
    left, top, right, bottom = layout.picture
    bottom -= strip
    if view.problem:
        lines = textwrap.wrap(view.problem, max(20, round((right - left) / max(px(11.5), 1))))
        shade(canvas, (left, top, right, top + px(20) + px(28) * len(lines)), 0.9)
        for number, line in enumerate(lines):
            write(canvas, line, (left + px(20), top + px(34) + px(28) * number), px(20), WAVERING)
    words = view.note or ("" if quiet or view.problem else view.hint)
    if words:
        size = fit(words, px(34), right - left - px(40))
        half = measure(words, size) / 2 + px(20)
        middle = (left + right) / 2
        shade(canvas, (round(middle - half), bottom - px(64), round(middle + half), bottom - px(10)), 0.85)
        write(canvas, words, (middle, bottom - px(26)), size, WRITING, "middle")


def _draw_help(canvas: Picture, layout: Layout) -> None:
    px = layout.px
    left, top, right, bottom = layout.picture
    shade(canvas, layout.picture, 0.92)
    write(canvas, "Keys", (left + px(40), top + px(52)), px(30), WRITING, bold=True)
    step = min(px(44), (bottom - top - px(110)) // (len(HELP) - 1))
    for number, (name, words) in enumerate(HELP):
        y = top + px(92) + number * step
        write(canvas, name, (left + px(40), y), px(21), STEADY, bold=True)
        write(canvas, words, (left + px(200), y), fit(words, px(21), right - left - px(220)), WRITING)


def _draw_chart(canvas: Picture, layout: Layout) -> None:
    left, top, right, bottom = layout.picture
    canvas[top:bottom, left:right] = _render_chart(right - left, bottom - top)


@lru_cache(maxsize=2)
def _render_chart(width: int, height: int) -> Picture:
    """Draw how each letter is signed with the right hand, and how J and Z are drawn with it, as in a mirror."""
    chart, pictures = blank(width, height), chart_pictures()
    rows = -(-len(pictures) // CHART_COLUMNS)
    wide, high = width / CHART_COLUMNS, height / rows
    side = max(1, int(0.94 * min(wide, high)))
    for number, (letter, picture) in enumerate(pictures.items()):
        x, y = (number % CHART_COLUMNS) * wide, (number // CHART_COLUMNS) * high
        left, top = round(x + (wide - side) / 2), round(y + (high - side) / 2)
        small = cv2.resize(picture[:, ::-1], (side, side), interpolation=cv2.INTER_AREA)
        chart[top : top + side, left : left + side] = small
        write(chart, letter, (left + 0.06 * side, top + 0.26 * side), 0.24 * side, PANEL, bold=True)
    return chart


def _colour(reply: Reply | None) -> Colour:
    if reply is None or (reply.letter is None and reply.smoothed is None):
        return UNSURE
    return STEADY if reply.smoothed is not None and reply.letter in (reply.smoothed, None) else WAVERING


def _advice(reply: Reply | None, *, paused: bool) -> str:
    """Say in words what the colour means."""
    if paused or reply is None:
        return ""
    if reply.smoothed is not None:
        return "added" if reply.progress >= 1.0 else "hold it"
    if reply.letter is not None:
        return "keep still"
    return "not sure" if reply.confidence > 0.0 else ""


def _is_on(label: str, controls: Controls) -> bool:
    on = {"Mirror": controls.mirrored, "Pause": controls.paused, "Words": controls.spelling.is_on}
    return on.get(label, label == controls.panel)
