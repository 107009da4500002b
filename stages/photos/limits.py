"""Limits of photographs and labels, for folders and raw data sets."""

from __future__ import annotations

from typing import Final

MAX_LABEL_LENGTH: Final = 64
"""Characters in a label or in a signer's name: a letter, a word, not a document."""
MIN_SIDE: Final = 16
"""Pixels; a picture smaller than this shows no hand."""
MAX_SIDE: Final = 8192
"""Pixels; a border or a square of black around a longer picture would take gigabytes."""
