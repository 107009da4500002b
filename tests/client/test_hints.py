"""Hints for the signer: one at a time, and none if all is well."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_hand import open_hand

from client.capture.hints import DARK, EDGE, FAR, NO_HAND, find_hint

LIT = np.full((480, 640, 3), 120, np.uint8)
DIM = np.full((480, 640, 3), 15, np.uint8)


@pytest.mark.parametrize(
    ("rgb", "points", "hint"),
    [
        (LIT, None, NO_HAND),
        (DIM, None, DARK),
        (LIT, open_hand(), ""),
        (DIM, open_hand(), DARK),
        (LIT, open_hand() + np.float32([400, 0, 0]), EDGE),
        (LIT, open_hand() - np.float32([0, 184, 0]), EDGE),
        (LIT, open_hand() * np.float32(0.2) + np.float32([200, 200, 0]), FAR),
    ],
)
def test_the_thing_that_would_help_most(rgb, points, hint):
    assert find_hint(rgb, points) == hint
