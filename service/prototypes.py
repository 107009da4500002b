"""Prototypes: what a network computes on average for each class, kept in its file for corrections to start from."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

PROTOTYPES: Final = "prototypes"
"""Key of a model's metadata with its prototypes; models of older releases have none."""


@dataclass(frozen=True)
class Prototypes:
    """What the network computes, on average, for each class of the people that it was trained on."""

    features: Floats
    """(C, F)."""
    probabilities: Floats
    """(C, C)."""

    def pack(self) -> str:
        """Write both side by side as base64 of little-endian float16, for a model's metadata."""
        return base64.b64encode(np.hstack([self.features, self.probabilities]).astype("<f2").tobytes()).decode()

    @classmethod
    def unpack(cls, text: str, classes: int, width: int) -> Self:
        """Read what `pack` wrote, of C classes and F features; ValueError if it is something else."""
        values = np.frombuffer(base64.b64decode(text, validate=True), "<f2").astype(np.float32)
        return cls(*np.split(values.reshape(classes, width + classes), [width], axis=1))
