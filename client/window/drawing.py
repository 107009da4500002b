"""Drawing on a picture: text, panels, hands, masks. What goes where is up to the screens."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from client.frames import hand_box
from client.mask import FINGER_COLOURS, FINGERS, PALM, PALM_COLOUR

if TYPE_CHECKING:
    import numpy.typing as npt

    from client.frames import Box

    Picture = npt.NDArray[np.uint8]
    Points = npt.NDArray[np.float32]
    Colour = tuple[int, int, int]

# Okabe and Ito's colours, which colour-blind people can distinguish, too: https://jfly.uni-koeln.de/color/
STEADY: Final = (86, 180, 233)
"""Sky blue: the last frames agree on the letter; also anything that works."""
WAVERING: Final = (230, 159, 0)
"""Orange: only this frame shows the letter; also anything that needs attention."""
UNSURE: Final = (160, 160, 166)
"""Grey: no letter."""
PANEL: Final = (20, 20, 24)
TRACK: Final = (66, 66, 74)
"""The empty part of a bar."""
WRITING: Final = (240, 240, 240)


def write(
    picture: Picture, text: str, place: tuple[float, float], size: float, colour: Colour, align: str = "left",
    *, bold: bool = False,
) -> None:  # fmt: skip
    """Write a line of text, clipped at the picture's edges.

    Args:
        picture: (H, W, 3) to write on.
        text: a line.
        place: x of its left edge, middle or right edge, depending on `align`, and y of its baseline; in pixels.
        size: of the letters, in pixels.
        colour: RGB.
        align: "left", "middle" or "right".
        bold: whether the strokes are thick.
    """
    if not text or size < 1:
        return
    ink, above = _render(text, max(1, round(size)), bold)
    left = round(place[0] - {"left": 0.0, "middle": 0.5, "right": 1.0}[align] * ink.shape[1])
    _blend(picture, ink, left, round(place[1]) - above, colour)


def blank(width: int, height: int) -> Picture:
    """Return an empty window: (height, width, 3) uint8."""
    window = np.empty((height, width, 3), dtype=np.uint8)
    cv2.rectangle(window, (0, 0), (width, height), PANEL, cv2.FILLED)  # NumPy would need milliseconds
    return window


@lru_cache(maxsize=1024)
def measure(text: str, size: float, *, bold: bool = False) -> float:
    """Measure how wide a line of text is, in pixels."""
    return float(_font(max(1, round(size)), bold).getlength(text))


def fit(text: str, size: float, width: float, *, bold: bool = False) -> float:
    """Find the largest size up to `size` at which a line of text is no wider than `width`, in pixels."""
    return size * min(1.0, width / max(measure(text, size, bold=bold), 1.0))


def shade(picture: Picture, box: Box, opacity: float = 0.75) -> None:
    """Darken a box, (x0, y0, x1, y1) in pixels, so that text on it is readable on any background."""
    area = picture[max(0, box[1]) : max(0, box[3]), max(0, box[0]) : max(0, box[2])]
    if area.size:
        flat = np.full_like(area, PANEL)
        cv2.addWeighted(area, 1.0 - opacity, flat, opacity, 0.0, dst=area)


def draw_bar(picture: Picture, box: Box, share: float, colour: Colour) -> None:
    """Draw a bar that is filled to a share, 0 to 1."""
    left, top, right, bottom = box
    full = left + round((right - left) * min(max(share, 0.0), 1.0))
    cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), TRACK, cv2.FILLED)
    if full > left:
        cv2.rectangle(picture, (left, top), (full - 1, bottom - 1), colour, cv2.FILLED)


def draw_round(picture: Picture, inside: Picture, centre: tuple[int, int], radius: int) -> None:
    """Draw the disc in the middle of a square picture, as far as it is inside the other one."""
    radius = max(1, radius)
    side = 2 * radius + 1
    small = cv2.resize(inside, (side, side), interpolation=cv2.INTER_AREA)
    disc = np.zeros((side, side), dtype=np.uint8)
    cv2.circle(disc, (radius, radius), radius, (255,), cv2.FILLED)
    left, top = centre[0] - radius, centre[1] - radius
    rows = slice(max(0, -top), max(0, min(side, picture.shape[0] - top)))
    columns = slice(max(0, -left), max(0, min(side, picture.shape[1] - left)))
    area = picture[max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)]
    inside_disc = disc[rows, columns] > 0
    area[inside_disc] = small[rows, columns][inside_disc]


def draw_hand(picture: Picture, points: Points, width: float) -> None:
    """Draw a hand's bones in the colours of the mask.

    Args:
        picture: (H, W, 3) to draw on.
        points: (21, 2) or (21, 3) in its pixels.
        width: of the lines, in pixels.
    """
    pixels = np.round(points[:, :2]).astype(np.int32)
    thickness = max(1, round(width))
    cv2.polylines(picture, [pixels[list(PALM)]], True, PALM_COLOUR, thickness, cv2.LINE_AA)
    for finger, colour in zip(FINGERS, FINGER_COLOURS, strict=True):
        cv2.polylines(picture, [pixels[list(finger)]], False, colour, thickness, cv2.LINE_AA)


def draw_box(picture: Picture, box: Box, colour: Colour, width: float) -> None:
    """Draw the edges of a box."""
    cv2.rectangle(picture, box[:2], (box[2] - 1, box[3] - 1), colour, max(1, round(width)), cv2.LINE_AA)


def draw_camera(
    canvas: Picture, area: Box, rgb: Picture, points: Points | None, colour: Colour, width: float, *, mirrored: bool
) -> None:
    """Draw the camera's picture as large as fits into an area, with the hand and its box.

    Args:
        canvas: (H, W, 3) to draw on.
        area: x0, y0, x1, y1 of the place for the picture.
        rgb: (h, w, 3) the frame as the camera sees it.
        points: (21, 3) landmarks in the frame's pixels, or None if there is no hand.
        colour: of the box.
        width: of the lines, in pixels of the canvas.
        mirrored: whether the picture is shown as in a mirror, the signer's right hand on the right.
    """
    left, top, right, bottom = area
    scale = min((right - left) / rgb.shape[1], (bottom - top) / rgb.shape[0])
    size = max(1, int(rgb.shape[1] * scale)), max(1, int(rgb.shape[0] * scale))
    shown = cv2.flip(rgb, 1) if mirrored else rgb  # before it is enlarged
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    picture = np.asarray(cv2.resize(shown, size, None, 0, 0, way), dtype=np.uint8)
    if points is not None:
        placed = points[:, :2] * np.float32(scale)
        if mirrored:
            placed[:, 0] = size[0] - 1 - placed[:, 0]
        draw_hand(picture, placed, width)
        draw_box(picture, hand_box(placed, picture.shape), colour, width)
    x, y = left + (right - left - size[0]) // 2, top + (bottom - top - size[1]) // 2
    canvas[y : y + size[1], x : x + size[0]] = picture


def draw_mask(canvas: Picture, mask: Picture, left: int, top: int, side: int, *, mirrored: bool) -> None:
    """Draw a mask (S, S, 3) as a square of this side, if that is positive, mirrored if the picture is."""
    if side > 0:
        shown = mask[:, ::-1] if mirrored else mask
        canvas[top : top + side, left : left + side] = cv2.resize(shown, (side, side), None, 0, 0, cv2.INTER_AREA)


@lru_cache(maxsize=64)
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    # MediaPipe installs matplotlib, which includes a typeface with the letters of most languages.
    spec = importlib.util.find_spec("matplotlib")
    if spec is not None and spec.origin is not None:
        name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
        path = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / name
        if path.is_file():
            return ImageFont.truetype(str(path), size)
    return ImageFont.load_default(size)


@lru_cache(maxsize=512)
def _render(text: str, size: int, bold: bool) -> tuple[npt.NDArray[np.float32], int]:
    """Render a line of text: its ink, (H, W, 1) from 0 to 1, and how many of its rows are above the baseline."""
    font = _font(size, bold)
    left, top, right, bottom = font.getbbox(text, anchor="ls")
    paper = Image.new("L", (max(1, int(right - min(left, 0)) + 1), max(1, int(bottom - top))))
    ImageDraw.Draw(paper).text((-min(left, 0), -top), text, fill=255, font=font, anchor="ls")
    return np.asarray(paper, dtype=np.float32)[..., None] / 255.0, int(-top)


def _blend(picture: Picture, ink: npt.NDArray[np.float32], left: int, top: int, colour: Colour) -> None:
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + ink.shape[1]), min(height, top + ink.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    area, part = picture[y0:y1, x0:x1], ink[y0 - top : y1 - top, x0 - left : x1 - left]
    area[:] = area + part * (np.array(colour, dtype=np.float32) - area)
