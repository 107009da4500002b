"""Near-duplicates: frames of one video, or one photograph saved twice, which must not be on both sides of a split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix  # type: ignore[import-untyped]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]
from tqdm import tqdm

if TYPE_CHECKING:
    import numpy.typing as npt

LANDMARK_TOLERANCE: Final = 0.01
"""Largest RMS difference of x and y between near-duplicates, as a share of the hand's extent.

The median difference between frames of a video in which a hand holds its letters is half of it.
"""
MASK_TOLERANCE: Final = 0.03
"""The same for the brightness, 0 to 1, of masks of 16x16 pixels; hands at the other tolerance differ by that much."""
SMALL_SIDE: Final = 16
_PAIRS: Final = 4_000_000
"""Pairs compared at a time."""
_SEARCHED: Final = 256
"""Samples whose nearest others are searched at a time."""
_ROWS: Final = 2048
"""Samples compared with their windows at a time."""
_MANY: Final = 200_000
"""Samples above which a progress bar is shown."""


def group_duplicates(
    samples: npt.NDArray[Any], classes: npt.NDArray[np.int64], rows: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.int64]:
    """Group samples of one class that are near-duplicates, or linked by a chain of near-duplicates.

    The order of samples does not matter: frames of a video stay together even if they were shuffled.

    Args:
        samples: (N,21,3) landmarks in pixels or (N,H,W,3) uint8 masks.
        classes: (N,) indices; samples of different classes are never grouped.
        rows: (N,) which samples to compare; each of the others is its own group. All, if None.

    Returns:
        (N,) number of each sample's group, 0 and up, in the order in which groups first occur.
    """
    groups = np.arange(len(samples))
    chosen = groups.copy() if rows is None else np.flatnonzero(rows)
    features, radius = describe_samples(samples, chosen)
    with tqdm(total=len(chosen), desc="near-duplicates", unit="sample", disable=len(chosen) < _MANY) as bar:
        for index in np.unique(classes[chosen]):
            own = np.flatnonzero(classes[chosen] == index)
            groups[chosen[own]] = chosen[own][_link(features[own], radius)]
            bar.update(len(own))
    return pd.factorize(groups)[0]


def describe_samples(
    samples: npt.NDArray[Any], rows: npt.NDArray[np.int64] | None = None
) -> tuple[npt.NDArray[np.float32], float]:
    """Describe samples so that near-duplicates are near each other, wherever the hand is and however large.

    Args:
        samples: (N,21,3) landmarks in pixels or (N,H,W,3) uint8 masks.
        rows: (M,) indices of those to describe; all, if None.

    Returns:
        (M,42) or (M,256) features, and the largest distance of near-duplicates.
    """
    rows = np.arange(len(samples)) if rows is None else rows
    if samples.ndim == 4:
        features, tolerance = _mask_features(samples, rows), MASK_TOLERANCE
    else:
        features, tolerance = _landmark_features(samples[rows]), LANDMARK_TOLERANCE
    return features, float(tolerance * np.sqrt(features.shape[1]))


def mirror_features(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Turn features of samples into those of their mirror images."""
    if features.shape[1] == SMALL_SIDE * SMALL_SIDE:
        return features.reshape(-1, SMALL_SIDE, SMALL_SIDE)[:, :, ::-1].reshape(len(features), -1)
    return features * np.tile(np.array([-1, 1], dtype=np.float32), features.shape[1] // 2)


def find_nearest(
    features: npt.NDArray[np.float32], others: npt.NDArray[np.float32], radius: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Find the nearest of other samples within a radius.

    The others are sorted along their principal direction, so that a sample is compared only with those in a window of
    the radius; the distances in a window are one matrix product.

    Args:
        features: (N,F) of the samples.
        others: (M,F).
        radius: largest distance.

    Returns:
        (N,) distance of the nearest other, infinite if none is within the radius, and (N,) its index.
    """
    distances, nearest = np.full(len(features), np.inf), np.zeros(len(features), dtype=np.int64)
    middle = others.mean(axis=0)
    others, features = others - middle, features - middle
    _, directions = np.linalg.eigh(others.T @ others)
    along, positions = others @ directions[:, -1], features @ directions[:, -1]
    order, turns = np.argsort(along, kind="stable"), np.argsort(positions, kind="stable")
    others, along = others[order], along[order]
    squares = np.einsum("ij,ij->i", others, others)
    for start in range(0, len(turns), _SEARCHED):
        rows = turns[start : start + _SEARCHED]
        low, high = np.searchsorted(along, [positions[rows[0]] - radius, positions[rows[-1]] + radius])
        for first in range(int(low), int(high), _PAIRS // _SEARCHED):
            window = slice(first, min(first + _PAIRS // _SEARCHED, int(high)))
            apart = squares[window] - 2 * features[rows] @ others[window].T
            found = apart.argmin(axis=1)
            # The differences themselves, since the small ones would be lost in the rounding of large squares.
            exact = np.linalg.norm(features[rows] - others[window][found], axis=1)
            better = (exact <= radius) & (exact < distances[rows])
            distances[rows[better]], nearest[rows[better]] = exact[better], order[window][found[better]]
    return distances, nearest


def _landmark_features(landmarks: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(N,42) x and y without place and size: centred and divided by the longer side of the hand's box."""
    points = landmarks[:, :, :2].astype(np.float32)
    low, high = points.min(axis=1, keepdims=True), points.max(axis=1, keepdims=True)
    extent = (high - low).max(axis=2, keepdims=True)
    return np.asarray(((points - (low + high) / 2) / extent).reshape(len(points), 42), dtype=np.float32)


def _mask_features(masks: npt.NDArray[np.uint8], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """(M,256) brightness, 0 to 1, of some masks averaged down to 16x16 pixels."""
    features = np.empty((len(rows), SMALL_SIDE * SMALL_SIDE), dtype=np.float32)
    for number, row in enumerate(rows.tolist()):
        small = cv2.resize(masks[row], (SMALL_SIDE, SMALL_SIDE), interpolation=cv2.INTER_AREA)
        features[number] = np.asarray(small).mean(axis=2).ravel() / 255.0
    return features


def _link(features: npt.NDArray[np.float32], radius: float) -> npt.NDArray[np.int64]:
    """Number the connected components of the graph in which samples closer than a radius are neighbours.

    Samples are sorted along their principal direction, so that each is compared only with those in a window of the
    radius; the distances in a window are one matrix product.
    """
    count = len(features)
    centred = features - features.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    along = centred @ directions[:, -1]
    order = np.argsort(along, kind="stable")
    centred, along = centred[order], along[order]
    ends = np.searchsorted(along, along + radius, side="right")
    squares = np.einsum("ij,ij->i", centred, centred)
    components = np.arange(count)
    start = 0
    while start < count:
        windows = ends[start : start + _ROWS] - start
        stop = start + max(1, int(np.searchsorted(windows * np.arange(1, len(windows) + 1), _PAIRS, side="right")))
        end = int(ends[stop - 1])
        products = centred[start:stop] @ centred[start:end].T
        near = squares[start:stop, None] + squares[None, start:end] - 2 * products <= radius**2
        components = _merge(components, *(pair + start for pair in np.nonzero(near)))
        start = stop
    numbered = np.empty(count, dtype=np.int64)
    numbered[order] = components
    return numbered


def _merge(
    components: npt.NDArray[np.int64], first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Join the components of samples that are neighbours."""
    ends = np.stack([components[first], components[second]])
    ends = ends[:, ends[0] != ends[1]]
    if not ends.size:
        return components
    size = len(components)
    edges = coo_matrix((np.ones(ends.shape[1], dtype=np.bool_), tuple(ends)), shape=(size, size))
    joined: npt.NDArray[np.int64] = connected_components(edges, directed=False)[1]
    return joined[components]
