"""Raw data to samples that can be trained on: unusable rows are dropped and counted, never mended in silence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
from tqdm import tqdm

from stages.data.archive import GIB
from stages.data.dropped import DroppedRows
from stages.data.processed import MASK_SIDE
from stages.data.raw import Kind, Pictures, RawData, read_raw
from stages.errors import PipelineError
from stages.photos.detection import find_hands

if TYPE_CHECKING:
    import numpy.typing as npt

NO_HAND: Final = "no hand found"
NOT_FINITE: Final = "not finite"
NO_EXTENT: Final = "no extent"
OUT_OF_RANGE: Final = "out of range"
BLACK: Final = "all black"
MAX_COORDINATE: Final = 1e6
"""Pixels; a hand farther out than any photograph reaches is a fault of its coordinates."""
MASK_CHUNK: Final = 256
"""Masks that are brought to the model's size at a time."""
MIN_MEDIAN_EXTENT: Final = 2.0
"""Pixels; where most hands are smaller, the coordinates are shares of the picture and would draw hands distorted."""


@dataclass(frozen=True)
class Samples:
    """The usable rows of one raw file and an account of the others."""

    path: Path
    kind: Kind
    """Kind of the raw file; photographs have become landmarks."""
    labels: npt.NDArray[np.str_]
    signers: npt.NDArray[np.str_]
    landmarks: npt.NDArray[np.float32] | None
    """(N,21,3) pixels, finite and of some extent; None where the file has masks."""
    masks: npt.NDArray[np.uint8] | None
    """(N,224,224,3), none all black; None where the file has photographs or landmarks."""
    rows: int
    """Rows of the raw file, kept or not."""
    n_photos: int | None
    dropped: DroppedRows
    """The other rows of the file, each with its reason."""
    labels_lost: tuple[str, ...]
    """Labels of the file of which no row was usable."""
    ignored: tuple[str, ...]
    """Arrays of the file that are no part of a raw data set."""

    @property
    def drawable(self) -> npt.NDArray[Any]:
        """The landmarks or the masks, whichever there are."""
        drawable = self.masks if self.landmarks is None else self.landmarks
        assert drawable is not None  # noqa: S101 - samples are one or the other
        return drawable


def raw_files(raw: Path) -> list[Path]:
    """List what to read: the file itself, or every `.npz` of a folder by name.

    Raises:
        PipelineError: the folder has no `.npz`.
    """
    if not raw.is_dir():
        return [raw]
    paths = sorted(path for path in raw.glob("*.npz") if not path.name.startswith("."))
    if not paths:
        raise PipelineError(f"{raw}: the folder has no .npz file. Put raw data sets there or mend preprocess.raw.")
    return paths


def read_samples(path: Path, *, max_samples: int, max_gib: float, unfinished: Path | None = None) -> Samples:
    """Read a raw file, find the hands in its photographs and drop the rows that cannot be used.

    Args:
        path: the raw `.npz`.
        max_samples: rows that it may have.
        max_gib: size in GiB that its arrays may have together, and its masks at the size of the model.
        unfinished: folder in which the hands found in photographs are kept until the run has ended.

    Raises:
        PipelineError: the file cannot be read (see `read_raw`), or none of its rows can be used.
    """
    raw = read_raw(path, max_samples=max_samples, max_gib=max_gib)
    landmarks = masks = None
    shown: dict[int, npt.NDArray[np.uint8]] = {}
    if raw.kind == "masks":
        masks, reasons = clean_masks(_pictures(raw), max_gib=max_gib)
    elif raw.kind == "images":
        found = find_hands(_pictures(raw), str(path), unfinished=unfinished)
        landmarks, reasons = clean_landmarks(found.landmarks, missing=NO_HAND)
        shown = found.missed
    else:
        assert raw.landmarks is not None  # noqa: S101 - the kind says so
        landmarks, reasons = clean_landmarks(raw.landmarks)
    kept = reasons == ""
    dropped = DroppedRows.of(path, reasons, raw.labels, raw.signers, shown)
    if not kept.any():
        account = ", ".join(f"{count} {reason}" for reason, count in dropped.counts().items())
        raise PipelineError(f"{path}: none of its {len(raw)} rows can be used ({account}). Look at what was exported.")
    if landmarks is not None and np.median(np.ptp(landmarks[:, :, :2], axis=1).max(axis=1)) < MIN_MEDIAN_EXTENT:
        raise PipelineError(
            f"{path}: most of its hands are smaller than {MIN_MEDIAN_EXTENT:g} pixels, so 'landmarks' seems to hold "
            "shares of the picture. Multiply x and z by the picture's width and y by its height."
        )
    return _account(raw, landmarks, masks, kept, dropped)


def clean_landmarks(
    landmarks: npt.NDArray[np.float32], missing: str = NOT_FINITE
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.str_]]:
    """Drop hands with a coordinate that is no number or out of range, and hands without extent in x or in y.

    Args:
        landmarks: (N,21,3) pixels.
        missing: what to call hands that are not finite.

    Returns:
        The hands kept, and (N,) why each was dropped, "" where it was kept.
    """
    finite = np.isfinite(landmarks).all(axis=(1, 2))
    numbers = np.where(finite[:, None, None], landmarks, 0.0)
    within = np.abs(numbers).max(axis=(1, 2)) < MAX_COORDINATE
    extended = np.ptp(numbers[:, :, :2], axis=1).min(axis=1) > 0
    reasons = np.select([~finite, ~within, ~extended], [missing, OUT_OF_RANGE, NO_EXTENT], default="")
    return landmarks[reasons == ""], reasons


def clean_masks(masks: Pictures, *, max_gib: float) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.str_]]:
    """Bring masks to the size that models are served with and drop those that show nothing.

    Args:
        masks: (N,H,W,3) uint8; where they are not square, black is added so that hands keep their shape.
        max_gib: size in GiB that they may have at the size of the model.

    Returns:
        (M,224,224,3) the masks kept, and (N,) why each was dropped, "" where it was kept.

    Raises:
        PipelineError: the masks kept take more memory than allowed, or the file is damaged farther in.
    """
    most = int(max_gib * GIB) // (MASK_SIDE * MASK_SIDE * 3)
    # Memory that is never written to is never taken.
    resized = np.empty((min(len(masks), most), MASK_SIDE, MASK_SIDE, 3), dtype=np.uint8)
    shows = np.zeros(len(masks), dtype=np.bool_)
    row = kept = 0
    with tqdm(total=len(masks), desc=f"{masks.path}: masks", unit="mask", mininterval=1.0, delay=2.0) as bar:
        for chunk in masks.chunks(MASK_CHUNK):
            visible = chunk.reshape(len(chunk), -1).any(axis=1)
            if kept + visible.sum() > most:
                raise PipelineError(
                    f"{masks.path}: at {MASK_SIDE} pixels its masks take more than the {max_gib:g} GiB allowed. "
                    "Split the file, or raise preprocess.max_gib in params.yaml."
                )
            shows[row : row + len(chunk)] = visible
            for mask in chunk[visible]:
                resized[kept] = _resize(mask)
                kept += 1
            row += len(chunk)
            bar.update(len(chunk))
    return resized[:kept], np.where(shows, "", BLACK)


def _resize(mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    height, width = mask.shape[:2]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    square = cv2.copyMakeBorder(mask, top, side - height - top, left, side - width - left, cv2.BORDER_CONSTANT)
    return np.asarray(cv2.resize(square, (MASK_SIDE, MASK_SIDE), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _pictures(raw: RawData) -> Pictures:
    assert raw.pictures is not None  # noqa: S101 - the kind says so
    return raw.pictures


def _account(
    raw: RawData,
    landmarks: npt.NDArray[np.float32] | None,
    masks: npt.NDArray[np.uint8] | None,
    kept: npt.NDArray[np.bool_],
    dropped: DroppedRows,
) -> Samples:
    labels: npt.NDArray[Any] = raw.labels[kept]
    return Samples(
        path=raw.path,
        kind=raw.kind,
        labels=labels,
        signers=raw.signers[kept],
        landmarks=landmarks,
        masks=masks,
        rows=len(raw),
        n_photos=raw.n_photos,
        dropped=dropped,
        labels_lost=tuple(sorted(set(raw.labels.tolist()) - set(labels.tolist()))),
        ignored=raw.ignored,
    )
