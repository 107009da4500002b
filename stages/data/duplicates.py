"""Near-duplicates: frames of one video, or one photograph saved twice, which must not sit on both sides of a split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from scipy.sparse import coo_matrix  # type: ignore[import-untyped]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]
from tqdm import tqdm

if TYPE_CHECKING:
    import numpy.typing as npt

LANDMARK_TOLERANCE: Final = 0.01
"""Root mean square of the differences of x and y, as a share of the hand's extent, up to which two hands are one.

Half of it is what one frame of a video differs from the next by, in the median, where a hand holds its letters.
"""
MASK_TOLERANCE: Final = 0.03
"""The same of the brightness, 0 to 1, of masks of 16x16 pixels; what masks of hands at that tolerance differ by."""
MASK_SIDE: Final = 16
_PAIRS: Final = 4_000_000
"""Pairs compared at a time."""
_ROWS: Final = 2048
"""Samples compared with their windows at a time."""
_MANY: Final = 200_000
"""Samples from which a progress bar is shown."""


def group_duplicates(samples: npt.NDArray[Any], classes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Group samples of one class that are near-duplicates, or linked by a chain of near-duplicates.

    Wherever the samples stand: frames of a video stay together also where they were shuffled.

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
            found = int(groups[rows].max()) + 1
            bar.update(len(rows))
    return _numbered_by_occurrence(groups)


def _landmark_features(landmarks: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Place and size taken away: (N,42) x and y, centred and divided by the longer side of the hand's box."""
    points = landmarks[:, :, :2].astype(np.float32)
    low, high = points.min(axis=1, keepdims=True), points.max(axis=1, keepdims=True)
    extent = (high - low).max(axis=2, keepdims=True)
    return np.asarray(((points - (low + high) / 2) / extent).reshape(len(points), -1), dtype=np.float32)


def _mask_features(masks: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(N,256) brightness, 0 to 1, of masks averaged down to 16x16 pixels."""
    features = np.empty((len(masks), MASK_SIDE * MASK_SIDE), dtype=np.float32)
    for row, mask in enumerate(masks):
        small = cv2.resize(mask, (MASK_SIDE, MASK_SIDE), interpolation=cv2.INTER_AREA)
        features[row] = np.asarray(small).mean(axis=2).ravel() / 255.0
    return features


def _link(features: npt.NDArray[np.float32], radius: float) -> npt.NDArray[np.int64]:
    """Number the connected components of the graph in which samples closer than a radius are neighbours.

    Samples are sorted along the direction in which they spread most, so that each is compared with those in a window
    of the radius only; distances in the window are one matrix product.
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
    return np.unique(numbered, return_inverse=True)[1].astype(np.int64)


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


def _numbered_by_occurrence(groups: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    _, firsts, inverse = np.unique(groups, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(firsts))[inverse].astype(np.int64)
