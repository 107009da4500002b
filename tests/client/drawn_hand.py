"""A hand to draw masks of."""

from __future__ import annotations

import numpy as np


def open_hand():
    """An open hand, fingers spread, as an (21, 3) array in pixels of a 640x480 picture."""
    points = np.zeros((21, 3), np.float32)
    points[0] = (300, 400, 0)
    for finger, angle in enumerate(np.radians([-150, -115, -97, -80, -62])):
        for joint in range(4):
            reach = (70, 110, 140, 165)[joint] if finger == 0 else (110, 160, 190, 215)[joint]
            points[1 + 4 * finger + joint] = (300 + reach * np.cos(angle), 400 + reach * np.sin(angle), -joint)
    return points
