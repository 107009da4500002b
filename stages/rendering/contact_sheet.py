"""A contact sheet: every letter by several signers, with what MediaPipe finds in each photograph."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from client.landmarks import HandLandmarker
from client.mask import FINGERS
from stages.rendering.data_set import picture_signers
from stages.rendering.kept import Order

SIGNERS: Final = 6
SIDE: Final = 96
"""Of each photograph in pixels."""
COLUMNS: Final = 2
"""Letters side by side."""
INK: Final = (255, 32, 32)
WHITE: Final = (255, 255, 255)


def draw_contact_sheet(order: Order) -> bytes:
    """Photograph the first signers of an order and draw a PNG, a row of them for each label."""
    rows: dict[str, list[npt.NDArray[np.uint8]]] = {}
    with HandLandmarker("image") as landmarker:
        for each in picture_signers(order, range(SIGNERS)):
            hand = landmarker.detect(each.picture)
            rows.setdefault(each.label, []).append(_shrink(each.picture, None if hand is None else hand.landmarks))
    strips = [_strip(label, rows[label][:SIGNERS]) for label in sorted(rows)]
    strips += [np.full_like(strips[0], 255)] * (-len(strips) % COLUMNS)
    height = len(strips) // COLUMNS
    columns = [np.vstack(strips[start : start + height]) for start in range(0, len(strips), height)]
    sheet = cv2.cvtColor(np.hstack(columns), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".png", sheet)[1].tobytes()


def _shrink(picture: npt.NDArray[np.uint8], landmarks: npt.NDArray[np.float32] | None) -> npt.NDArray[np.uint8]:
    """Shrink a photograph and draw the fingers found in it; a red cross if there are none."""
    small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    if landmarks is None:
        cv2.drawMarker(small, (SIDE - 10, 10), INK, cv2.MARKER_TILTED_CROSS, 12, 2)
        return small.astype(np.uint8)
    points = np.round(landmarks[:, :2] * 4 * SIDE / len(picture)).astype(np.int32)
    for finger in FINGERS:
        cv2.polylines(small, [points[list(finger)]], False, INK, 1, cv2.LINE_AA, shift=2)
    return small.astype(np.uint8)


def _strip(label: str, pictures: list[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8]:
    name = np.full((SIDE, SIDE * 3 // 4, 3), WHITE, dtype=np.uint8)
    size = 1.2 if len(label) == 1 else 0.45
    cv2.putText(name, label, (8, SIDE // 2 + 12), cv2.FONT_HERSHEY_SIMPLEX, size, (0, 0, 0), 1, cv2.LINE_AA)
    return np.hstack([name, *pictures]).astype(np.uint8)
