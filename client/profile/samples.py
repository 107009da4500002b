"""Samples of a signer's hand: the landmarks as they lie in the mask, small enough to keep and exact enough to draw."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from client.letters import letter_shapes
from client.mask import draw_mask, place_in_mask

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

MOST_OF_A_LETTER: Final = 10
"""Samples of a letter that a profile keeps; further ones replace the oldest."""
LETTERS: Final = tuple(letter_shapes())
"""The letters that can be enrolled, in the order of the alphabet: J and Z are drawn in the air."""
SCALE: Final = 65535
"""Landmarks are kept as shares of the mask's side times this."""
_BYTES: Final = 21 * 2 * 2


@dataclass(frozen=True, eq=False)
class Sample:
    """One hand of the signer."""

    letter: str
    """A to Z."""
    landmarks: npt.NDArray[np.uint16]
    """(21, 2): x and y in the mask, shares of its side times `SCALE`."""

    @classmethod
    def from_hand(cls, letter: str, points: npt.NDArray[np.float32]) -> Self:
        """Take a hand, (21, 3) or (21, 2) in pixels of its picture."""
        return cls(letter, np.clip(np.round(place_in_mask(points) * SCALE), 0, SCALE).astype(np.uint16))

    @classmethod
    def decode(cls, letter: object, text: object) -> Self:
        """Read a sample as a file has it.

        Raises:
            ValueError: it is not a capital letter, or not 21 points in base64.
        """
        if not isinstance(letter, str) or len(letter) != 1 or not "A" <= letter <= "Z":
            raise ValueError(f"letter {str(letter)[:20]!r} is not one of A to Z")
        try:
            packed = base64.b64decode(text if isinstance(text, str) else "", validate=True)
        except (binascii.Error, ValueError) as error:
            raise ValueError(f"landmarks are not base64 ({error})") from error
        if len(packed) != _BYTES:
            raise ValueError(f"landmarks are {len(packed)} bytes, not {_BYTES}")
        return cls(letter, np.frombuffer(packed, "<u2").reshape(21, 2).astype(np.uint16))

    def encode(self) -> str:
        """Write the landmarks as a file has them: base64 of 42 little-endian integers of 16 bits."""
        return base64.b64encode(self.landmarks.astype("<u2").tobytes()).decode("ascii")

    @property
    def placed(self) -> npt.NDArray[np.float64]:
        """(21, 2) x and y, as shares of the mask's side."""
        return self.landmarks.astype(np.float64) / SCALE

    def mask(self) -> npt.NDArray[np.uint8]:
        """Draw the mask again, (`MASK_SIZE`, `MASK_SIZE`, 3) RGB, as it was when the hand was seen."""
        return draw_mask(self.placed)


def newest_of_each(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """Keep the last `MOST_OF_A_LETTER` samples of each letter, in their order."""
    kept: list[Sample] = []
    counts: dict[str, int] = {}
    for sample in reversed(list(samples)):
        counts[sample.letter] = counts.get(sample.letter, 0) + 1
        if counts[sample.letter] <= MOST_OF_A_LETTER:
            kept.append(sample)
    return tuple(reversed(kept))
