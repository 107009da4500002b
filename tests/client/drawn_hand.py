"""A hand to draw masks of, and one that draws in the air."""

from __future__ import annotations

import numpy as np

DRAWN_SECONDS = 0.8
"""Seconds that `drawing_hand` takes for a letter."""


def open_hand():
    """An open hand, fingers spread, as an (21, 3) array in pixels of a 640x480 picture."""
    points = np.zeros((21, 3), np.float32)
    points[0] = (300, 400, 0)
    for finger, angle in enumerate(np.radians([-150, -115, -97, -80, -62])):
        for joint in range(4):
            reach = (70, 110, 140, 165)[joint] if finger == 0 else (110, 160, 190, 215)[joint]
            points[1 + 4 * finger + joint] = (300 + reach * np.cos(angle), 400 + reach * np.sin(angle), -joint)
    return points


def drawing_hand(time):
    """That hand at a time in seconds: from 0 to `DRAWN_SECONDS` it moves down and in a hook to one side."""
    share = min(max(time / DRAWN_SECONDS, 0.0), 1.0)
    return open_hand() + np.float32([-90 * max(share - 0.6, 0.0), 120 * np.sin(2.2 * share), 0])
