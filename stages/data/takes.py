"""Takes cut to trails: the moments of a take that are known to be just after its letter, or not to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from client.mask import TRAIL_SECONDS
from stages.data.trails import MOVING_LETTERS, Trails
from stages.hand.movements import FRAMES

if TYPE_CHECKING:
    import numpy.typing as npt

    from stages.data.sequences import RawSequences

DRAWN: Final = 0.9
"""Share of the way of the fingertip that draws, after which the letter is drawn; the rest is where the hand stops."""
SEEN: Final = 0.3
"""Seconds after that in which it counts as just drawn."""
TIPS: Final = {"J": 20, "Z": 8}
MOMENTS: Final = 4
"""Moments that a take is cut at."""
LEAST: Final = 3
"""Frames with a hand that a trail has, at least."""


def trails_of_takes(takes: RawSequences, rng: np.random.Generator) -> Trails:
    """Cut takes at moments: those of J and Z when their letter has been drawn, those of other letters anywhere.

    Args:
        takes: N takes.
        rng: chooses the moments.

    Returns:
        At most `MOMENTS` trails of each take; none of a take in which hardly any hand was found.
    """
    cut_landmarks, cut_times, labels = [], [], []
    for landmarks, times, label in zip(takes.landmarks, takes.times, takes.labels.tolist(), strict=True):
        there = np.flatnonzero(np.isfinite(landmarks[:, 0, 0]) & np.isfinite(times))
        candidates = there[LEAST - 1 :]
        if label in MOVING_LETTERS and len(candidates):
            candidates = _just_drawn(landmarks, times, there, TIPS[label])
        for moment in rng.permutation(candidates)[:MOMENTS]:
            frames = there[(there <= moment) & (times[there] >= times[moment] - TRAIL_SECONDS)][-FRAMES:]
            if len(frames) < LEAST:
                continue
            hands, seconds = np.full((FRAMES, 21, 3), np.nan, dtype=np.float32), np.full(FRAMES, np.nan)
            hands[-len(frames) :], seconds[-len(frames) :] = landmarks[frames], times[frames]
            cut_landmarks.append(hands)
            cut_times.append(seconds)
            labels.append(label)
    names = np.array(labels, dtype=np.str_)
    return Trails.of_hands(
        np.reshape(np.array(cut_landmarks, dtype=np.float32), (-1, FRAMES, 21, 3)),
        np.reshape(np.array(cut_times), (-1, FRAMES)), names, names,
    )  # fmt: skip


def _just_drawn(
    landmarks: npt.NDArray[np.float32], times: npt.NDArray[np.float64], there: npt.NDArray[np.int64], tip: int
) -> npt.NDArray[np.int64]:
    """Find the frames of a take in which its letter has just been drawn, of those with a hand."""
    steps = np.linalg.norm(np.diff(landmarks[there, tip, :2], axis=0), axis=1)
    way = np.append(0.0, np.cumsum(steps))
    drawn = there[max(int(np.searchsorted(way, DRAWN * way[-1])), LEAST - 1) :]
    return np.asarray(drawn[times[drawn] <= times[drawn[0]] + SEEN])
