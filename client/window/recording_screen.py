"""The screen for recording, drawn at the size of the window. No camera, no clock, no window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from client.capture.hints import NO_HAND
from client.mask import render_mask
from client.window.drawing import (
    STEADY,
    UNSURE,
    WAVERING,
    WRITING,
    blank,
    draw_bar,
    draw_camera,
    draw_mask,
    fit,
    shade,
    write,
)

if TYPE_CHECKING:
    from client.window.drawing import Picture, Points

SIZE: Final = (960, 720)
"""Size of the window that the lengths below are given for, in pixels; they scale with it."""
EDGE: Final = 18
SIDE: Final = 180
"""Side of the mask and of the letter's box."""
FOOT: Final = 72
"""Height of the bar with the keys."""
CAPTION: Final = "all that is kept"
START_KEYS: Final = "space: start   n: next   b: drop   q: save, quit"
PAUSE_KEYS: Final = "Hold the letter, move it a little   space: pause"
TAKE_KEYS: Final = "space, then draw it   n: next   b: drop the last   q: save, quit"
DRAW_NOW: Final = "Draw it now"
MISSED: Final = "No hand moved. Space, then draw it at once"


def draw_recording(
    rgb: Picture,
    points: Points | None,
    *,
    letter: str,
    taken: int,
    wanted: int,
    recording: bool,
    moves: bool = False,
    progress: float = 0.0,
    missed: bool = False,
    size: tuple[int, int] = SIZE,
) -> Picture:
    """Draw what is asked for and what the camera sees.

    Args:
        rgb: (H, W, 3) the frame as the camera sees it; shown as in a mirror.
        points: (21, 3) landmarks in the frame's pixels, or None if there is no hand.
        letter: the letter to sign.
        taken: how many samples or takes of it there are.
        wanted: how many are needed.
        recording: whether frames are being recorded.
        moves: whether the letter is drawn in the air.
        progress: how much of a take's time has passed, 0 to 1.
        missed: whether no hand moved in the last take.
        size: width and height of the window in pixels.

    Returns:
        The window, uint8 RGB.
    """
    width, height = max(size[0], 64), max(size[1], 64)
    unit = min(width / SIZE[0], height / SIZE[1])
    edge, side, foot = (round(length * unit) for length in (EDGE, SIDE, FOOT))
    canvas = blank(width, height)
    colour = STEADY if recording else WAVERING
    draw_camera(canvas, (0, 0, width, height), rgb, points, colour, 3 * unit, mirrored=True)

    shade(canvas, (edge, edge, edge + side, edge + side))
    big = fit(letter, 120 * unit, 0.8 * side, bold=True)
    write(canvas, letter, (edge + side / 2, edge + 0.58 * side), big, colour, "middle", bold=True)
    write(canvas, f"{taken} of {wanted}", (edge + side / 2, edge + 0.84 * side), 20 * unit, WRITING, "middle")
    bar = (edge + edge // 2, edge + round(0.9 * side), edge + side - edge // 2, edge + round(0.95 * side))
    draw_bar(canvas, bar, taken / wanted, colour)
    left = width - edge - side
    if points is not None and left > edge + side:
        draw_mask(canvas, render_mask(points), left, edge, side, mirrored=True)
        shade(canvas, (left, edge + side, left + side, edge + side + round(28 * unit)))
        write(canvas, CAPTION, (left + side / 2, edge + side + 20 * unit), 17 * unit, UNSURE, "middle")
    shade(canvas, (0, height - foot, width, height))
    if moves and recording:
        draw_bar(canvas, (0, height - foot - round(14 * unit), width, height - foot), progress, STEADY)
    if recording:
        words = NO_HAND if points is None else DRAW_NOW if moves else PAUSE_KEYS
    else:
        words = (MISSED if missed else TAKE_KEYS) if moves else START_KEYS
    write(canvas, words, (edge, height - 0.36 * foot), fit(words, 28 * unit, width - 2 * edge), colour)
    return canvas
