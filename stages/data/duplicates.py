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
_ROWS: Final = 2048
"""Samples compared with their windows at a time."""
_MANY: Final = 200_000
"""Samples above which a progress bar is shown."""


def group_duplicates(samples: npt.NDArray[Any], classes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Group samples of one class that are near-duplicates, or linked by a chain of near-duplicates.

    The order of samples does not matter: frames of a video stay together even if they were shuffled.

    Args:
        samples: (N,21,3) landmarks in pixels or (N,H,W,3) uint8 masks.
        classes: (N,) indices; samples of different classes are never grouped.

    Returns:
        (N,) number of each sample's group, 0 and up, in the order in which groups first occur.
    """
    features, tolerance = (
        (_mask_features(samples), MASK_TOLERANCE)
        if samples.ndim == 4
        else (_landmark_features(samples), LANDMARK_TOLERANCE)
    )
    groups = np.zeros(len(samples), dtype=np.int64)
    found = 0
    with tqdm(total=len(samples), desc="near-duplicates", unit="sample", disable=len(samples) < _MANY) as bar:
        for index in np.unique(classes):
            rows = np.flatnonzero(classes == index)
            groups[rows] = found + _link(features[rows], tolerance * np.sqrt(features.shape[1]))
            found += len(rows)
            bar.update(len(rows))
    return pd.factorize(groups)[0]


def _landmark_features(landmarks: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(N,42) x and y without place and size: centred and divided by the longer side of the hand's box."""
    points = landmarks[:, :, :2].astype(np.float32)
    low, high = points.min(axis=1, keepdims=True), points.max(axis=1, keepdims=True)
    extent = (high - low).max(axis=2, keepdims=True)
    return np.asarray(((points - (low + high) / 2) / extent).reshape(len(points), -1), dtype=np.float32)


def _mask_features(masks: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(N,256) brightness, 0 to 1, of masks averaged down to 16x16 pixels."""
    features = np.empty((len(masks), SMALL_SIDE * SMALL_SIDE), dtype=np.float32)
    for row, mask in enumerate(masks):
        small = cv2.resize(mask, (SMALL_SIDE, SMALL_SIDE), interpolation=cv2.INTER_AREA)
        features[row] = np.asarray(small).mean(axis=2).ravel() / 255.0
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
