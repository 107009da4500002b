"""Movement ready to draw trails from: the paths of three points of a hand over the last 1.5 seconds, and their letter.

A trail is drawn by the renderer in use (`client.mask`), after augmentation, so what the network learns from is what
clients send.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import numpy.typing as npt

from client.mask import MASK_SIZE, TRAIL_POINTS, TRAIL_SECONDS, draw_trail, palm_length, place_in_trail
from stages.data.archive import open_archive, write_archive
from stages.errors import InputError
from stages.labels import NOTHING

if TYPE_CHECKING:
    from stages.params import Trail

TRAILS: Final = Path("data/trails")
MOVING_LETTERS: Final = ("J", "Z")
TRAIL_CLASSES: Final = (*MOVING_LETTERS, NOTHING)
PLACES: Final = 7
"""Points along each of the three paths that a network learns to locate: 21 in all, as a hand has landmarks."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Trails:
    """N trails of at most T frames.

    Attributes:
        paths: (N, T, 3, 2) float32 in palm lengths, x to the right and y down; NaN where there is no frame.
        times: (N, T) float64 seconds, ascending; NaN where there is no frame. The last one is now.
        classes: (N,) indices of `TRAIL_CLASSES`.
        kinds: (N,) text, the movement or the label of the take that it comes from.
    """

    paths: npt.NDArray[np.float32]
    times: npt.NDArray[np.float64]
    classes: npt.NDArray[np.int64]
    kinds: npt.NDArray[np.str_]

    def __len__(self) -> int:
        """Trails."""
        return len(self.classes)

    def join(self, other: Trails) -> Trails:
        """Append the trails of another set, of as many frames."""
        return Trails(*(np.concatenate([getattr(self, each.name), getattr(other, each.name)]) for each in fields(self)))

    @classmethod
    def of_hands(
        cls,
        landmarks: npt.NDArray[np.float32],
        times: npt.NDArray[np.float64],
        labels: npt.NDArray[np.str_],
        kinds: npt.NDArray[np.str_],
    ) -> Trails:
        """Take the paths of N sequences of hands, which are moments' last frames.

        Args:
            landmarks: (N, T, 21, 3); NaN where no hand was found or there is no frame.
            times: (N, T) seconds, ascending; NaN where there is no frame.
            labels: (N,) text; those that are none of `MOVING_LETTERS` count as `nothing`.
            kinds: (N,) text.
        """
        palms = palm_length(landmarks)
        palm = np.nanmedian(palms, axis=1)
        paths = (landmarks[:, :, TRAIL_POINTS, :2] / np.maximum(palm, 1e-6)[:, None, None, None]).astype(np.float32)
        there = np.isfinite(paths).all(axis=(2, 3))
        order = {label: number for number, label in enumerate(TRAIL_CLASSES)}
        classes = [order.get(label, order[NOTHING]) for label in labels.tolist()]
        return cls(paths, np.where(there, times, np.nan), np.array(classes, dtype=np.int64), kinds)


def draw_trails(trails: Trails, rows: npt.NDArray[np.int64], size: int = MASK_SIZE) -> npt.NDArray[np.uint8]:
    """Draw some trails as they are: (n, size, size, 3) uint8 RGB."""
    return np.stack([_draw(*_frames(trails, int(row)), 1.0, size)[0] for row in rows])


def draw_augmented(
    trails: Trails, rows: npt.NDArray[np.int64], size: int, augment: Trail, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Draw some trails, each changed at random.

    Args:
        trails: where they are from.
        rows: (n,) which.
        size: side of the pictures, in pixels.
        augment: how far they are changed.
        rng: source of randomness.

    Returns:
        (n, size, size, 3) uint8 RGB, and (n, 21, 2) float32: where `PLACES` moments of each path are, oldest first, as
        shares of the side.
    """
    drawn = []
    for row in rows:
        paths, times = _frames(trails, int(row))
        paths = paths * (np.exp(augment.stretch * rng.standard_normal()), 1.0)
        if rng.random() < augment.mirror:
            paths = paths * (-1.0, 1.0)
        angle = np.radians(augment.roll) * rng.standard_normal()
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        drawn.append(_draw(paths @ turn, times, float(np.exp(augment.scale * rng.standard_normal())), size))
    return np.stack([picture for picture, _ in drawn]), np.stack([places for _, places in drawn])


def _frames(trails: Trails, row: int) -> tuple[Array, Array]:
    there = np.isfinite(trails.times[row])
    return trails.paths[row][there].astype(np.float64), trails.times[row][there]


def _draw(paths: Array, times: Array, palm: float, size: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    placed = place_in_trail(paths, palm)
    picture = draw_trail(placed, times)
    if size != MASK_SIZE:
        picture = np.asarray(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    moments = times[-1] + np.linspace(-TRAIL_SECONDS, 0.0, PLACES)
    places = [np.interp(moments, times, placed[:, point, axis]) for point in range(3) for axis in range(2)]
    return picture, np.stack(places).reshape(3, 2, PLACES).transpose(0, 2, 1).reshape(-1, 2).astype(np.float32)


def write_trails(path: Path, trails: Trails) -> None:
    """Write trails as an `.npz`, atomically and with the same bytes every time."""
    write_archive(path, {each.name: getattr(trails, each.name) for each in fields(trails)})


def read_trails(path: Path) -> Trails:
    """Read what `write_trails` wrote.

    Raises:
        InputError: the file is missing, damaged, or holds something else.
    """
    names = [each.name for each in fields(Trails)]
    with open_archive(path) as archive:
        if sorted(archive.names) != sorted(names):
            raise _unusable(path, f"it holds {archive.names}")
        headers = {name: archive.header(name) for name in names}
        rows, frames = (*headers["times"].shape, 0, 0)[:2]
        shapes = {"paths": (rows, frames, 3, 2), "times": (rows, frames), "classes": (rows,), "kinds": (rows,)}
        kinds = {"paths": "f4", "times": "f8", "classes": "i8", "kinds": "U"}
        for name, header in headers.items():
            if header.shape != shapes[name] or not header.dtype.str[1:].startswith(kinds[name]) or not rows:
                raise _unusable(path, f"'{name}' is {header.shape} {header.dtype}")
        return Trails(*(archive.read(name) for name in names))


def trails_hash(folder: Path = TRAILS) -> str:
    """Compute the md5 hex digest of the training and validation trails; the trail network carries it."""
    digest = hashlib.md5(usedforsecurity=False)
    for name in ("train.npz", "validation.npz"):
        try:
            digest.update((folder / name).read_bytes())
        except OSError as error:
            raise _unusable(folder / name, str(error.strerror)) from None
    return digest.hexdigest()


def _unusable(path: Path, why: str) -> InputError:
    return InputError(f"{path}: cannot be read ({why}). Make it again with `dvc repro trails`.")
