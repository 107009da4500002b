"""Limits of photographs, for folders and raw data sets."""

from __future__ import annotations

from typing import Final

MIN_SIDE: Final = 16
"""Pixels; a picture smaller than this shows no hand."""
SMALL_SIDE: Final = 64
"""Pixels on the shorter side from which MediaPipe finds nearly every hand: of 48 photographs of one signer, scaled down
to squares, in 48 of 64 pixels, 45 of 48, 22 of 32, 7 of 28 and none of 20."""
MAX_SIDE: Final = 8192
"""Pixels; a border or a square of black around a longer picture would take gigabytes."""
