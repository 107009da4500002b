"""What the signer sees: drawing on a frame, nothing else. No camera, no clock, no window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from client.mask import FINGER_COLOURS, FINGERS, PALM, PALM_COLOUR, crop_square

if TYPE_CHECKING:
    import numpy.typing as npt

    Picture = npt.NDArray[np.uint8]
    Colour = tuple[int, int, int]

STEADY: Final = (96, 220, 120)
"""RGB of the box and letter where the last frames agree."""
WAVERING: Final = (255, 190, 60)
"""RGB of the box and letter where only this frame says so."""
UNSURE: Final = (170, 170, 170)
"""RGB of the box where the model is not sure."""
PANEL: Final = (18, 18, 22)
WRITING: Final = (240, 240, 240)
FONT: Final = cv2.FONT_HERSHEY_DUPLEX
HEIGHT: Final = 480
"""Sizes below are in pixels of a picture of this height, and grow with it."""
BAR: Final = 56
"""Height of the bar with the text."""
MASK_SIDE: Final = 112
"""Side of the mask in its corner."""
CAPTION: Final = "all that is sent"
KEPT: Final = "all that is kept"
BEGIN_KEYS: Final = "space: begin   n: next   b: drop   q: save, quit"
PAUSE_KEYS: Final = "Hold it, move it a little   space: pause"
NO_HAND: Final = "Show one hand to the camera"


def hand_box(points: npt.NDArray[np.float32], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Find the square that the mask shows, in whole pixels and cut to the picture.

    Args:
        points: (21, 3) or (21, 2) landmarks in pixels.
        shape: the picture's shape, height first.

    Returns:
        x0, y0, x1, y1, with x1 and y1 exclusive.
    """
    middle, side = crop_square(points)
    limits = np.array([shape[1], shape[0]])
    low = np.clip(np.floor(middle - side / 2), 0, limits).astype(int)
    high = np.clip(np.ceil(middle + side / 2), 0, limits).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def draw_overlay(
    rgb: Picture,
    points: npt.NDArray[np.float32] | None,
    mask: Picture | None,
    *,
    letter: str | None,
    smoothed: str | None,
    confidence: float,
    text: str,
) -> Picture:
    """Draw what was read onto a frame, as in a mirror.

    Args:
        rgb: (H, W, 3) the frame as the camera sees it; left as it is.
        points: (21, 3) landmarks in the frame's pixels, or None where there is no hand.
        mask: (S, S, 3) RGB, what left the machine, or None.
        letter: the letter of this frame, or None.
        smoothed: the letter of the last frames together, or None.
        confidence: 0 to 1.
        text: what was spelled so far.

    Returns:
        (H, W, 3) uint8 RGB, mirrored, so that the signer's right hand is on the right; the writing is not.
    """
    picture = np.asarray(cv2.flip(rgb, 1), dtype=np.uint8)
    scale = picture.shape[0] / HEIGHT
    colour = UNSURE if letter is None else STEADY if letter == smoothed else WAVERING
    if points is not None:
        mirrored = _mirror(points, picture.shape[1])
        _draw_hand(picture, mirrored, scale)
        _draw_box(picture, hand_box(mirrored, picture.shape), colour, scale)
        _draw_letter(picture, letter, confidence, f"{confidence:.0%}", colour, scale)
    if mask is not None:
        _draw_mask(picture, mask, CAPTION, scale)
    _draw_text(picture, text, points is None, scale)
    return picture


def draw_recording(
    rgb: Picture,
    points: npt.NDArray[np.float32] | None,
    mask: Picture | None,
    *,
    letter: str,
    taken: int,
    wanted: int,
    recording: bool,
) -> Picture:
    """Draw what is asked for and what is seen onto a frame, as in a mirror.

    Args:
        rgb: (H, W, 3) the frame as the camera sees it; left as it is.
        points: (21, 3) landmarks in the frame's pixels, or None where there is no hand.
        mask: (S, S, 3) RGB, the hand as it is drawn, or None.
        letter: the letter to sign.
        taken: how many samples of it there are.
        wanted: how many there shall be.
        recording: whether frames are being kept.

    Returns:
        (H, W, 3) uint8 RGB, mirrored; the writing is not.
    """
    picture = np.asarray(cv2.flip(rgb, 1), dtype=np.uint8)
    scale = picture.shape[0] / HEIGHT
    colour = STEADY if recording else WAVERING
    if points is not None:
        mirrored = _mirror(points, picture.shape[1])
        _draw_hand(picture, mirrored, scale)
        _draw_box(picture, hand_box(mirrored, picture.shape), colour, scale)
    _draw_letter(picture, letter, taken / wanted, f"{taken} of {wanted}", colour, 1.5 * scale)
    if mask is not None:
        _draw_mask(picture, mask, KEPT, scale)
    height, width = picture.shape[:2]
    _shade(picture, 0, height - round(BAR * scale), width, height)
    hint = NO_HAND if recording and points is None else PAUSE_KEYS if recording else BEGIN_KEYS
    _write(picture, hint, (round(14 * scale), height - round(0.36 * BAR * scale)), 0.6 * scale, colour)
    return picture


def _mirror(points: npt.NDArray[np.float32], width: int) -> npt.NDArray[np.float32]:
    mirrored = np.array(points[:, :2], dtype=np.float32)
    mirrored[:, 0] = width - 1 - mirrored[:, 0]
    return mirrored


def _draw_hand(picture: Picture, points: npt.NDArray[np.float32], scale: float) -> None:
    pixels = np.round(points).astype(np.int32)
    width = max(1, round(2 * scale))
    cv2.polylines(picture, [pixels[list(PALM)]], True, PALM_COLOUR, width, cv2.LINE_AA)
    for finger, colour in zip(FINGERS, FINGER_COLOURS, strict=True):
        cv2.polylines(picture, [pixels[list(finger)]], False, colour, width, cv2.LINE_AA)


def _draw_box(picture: Picture, box: tuple[int, int, int, int], colour: Colour, scale: float) -> None:
    cv2.rectangle(picture, box[:2], (box[2] - 1, box[3] - 1), colour, max(1, round(2 * scale)), cv2.LINE_AA)


def _draw_letter(
    picture: Picture, letter: str | None, share: float, caption: str, colour: Colour, scale: float
) -> None:
    """Draw the letter large, with a share (0 to 1) as words and a bar, in the upper left corner."""
    side, edge = round(MASK_SIDE * scale), round(12 * scale)
    _shade(picture, edge, edge, edge + side, edge + side)
    if letter is not None:
        size = 2.6 * scale
        (width, height), _ = cv2.getTextSize(letter, FONT, size, _stroke(size))
        size *= min(1.0, 0.85 * side / width)  # a label may be a word
        (width, height), _ = cv2.getTextSize(letter, FONT, size, _stroke(size))
        origin = (edge + (side - width) // 2, edge + round(0.42 * side) + height // 2)
        cv2.putText(picture, letter, origin, FONT, size, colour, _stroke(size), cv2.LINE_AA)
    left, right, top = edge + round(10 * scale), edge + side - round(10 * scale), edge + side - round(14 * scale)
    full = left + round((right - left) * min(max(share, 0.0), 1.0))
    cv2.rectangle(picture, (left, top), (right, top + round(5 * scale)), (70, 70, 76), cv2.FILLED)
    cv2.rectangle(picture, (left, top), (full, top + round(5 * scale)), colour, cv2.FILLED)
    _write(picture, caption, (left, top - round(5 * scale)), 0.42 * scale, WRITING)


def _draw_mask(picture: Picture, mask: Picture, caption: str, scale: float) -> None:
    """Show in the upper right corner, mirrored like the picture, all that leaves the machine or is kept."""
    side, edge = round(MASK_SIDE * scale), round(12 * scale)
    left = picture.shape[1] - edge - side
    if side < 1 or left < 0 or edge + side > picture.shape[0]:
        return
    shown = cv2.resize(mask[:, ::-1], (side, side), None, 0, 0, cv2.INTER_AREA)
    picture[edge : edge + side, left : left + side] = shown
    _shade(picture, left, edge + side, left + side, edge + side + round(20 * scale))
    _write(picture, caption, (left + round(6 * scale), edge + side + round(14 * scale)), 0.4 * scale, WRITING)


def _draw_text(picture: Picture, text: str, no_hand: bool, scale: float) -> None:
    """Write the text into a bar along the lower edge: its end where it is longer than the bar."""
    height, width = picture.shape[:2]
    bar, edge, size = round(BAR * scale), round(14 * scale), 1.0 * scale
    _shade(picture, 0, height - bar, width, height)
    baseline = height - round(0.32 * bar)
    if no_hand and not text:
        _write(picture, NO_HAND, (edge, baseline), 0.7 * scale, UNSURE)
        return
    line = text + "_"
    while len(line) > 1 and cv2.getTextSize(line, FONT, size, _stroke(size))[0][0] > width - 2 * edge:
        line = line[1:]
    _write(picture, line, (edge, baseline), size, WRITING)


def _write(picture: Picture, text: str, origin: tuple[int, int], size: float, colour: Colour) -> None:
    cv2.putText(picture, text, origin, FONT, size, colour, _stroke(size), cv2.LINE_AA)


def _stroke(size: float) -> int:
    return max(1, round(1.6 * size))


def _shade(picture: Picture, left: int, top: int, right: int, bottom: int) -> None:
    """Darken a rectangle so that writing on it can be read on any background."""
    area = picture[max(0, top) : bottom, max(0, left) : right]
    area[:] = (area * 0.3 + np.array(PANEL) * 0.7).astype(np.uint8)
