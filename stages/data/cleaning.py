"""Raw data to samples that can be trained on: unusable rows are dropped and counted, never repaired silently."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import pandas as pd
from tqdm import tqdm

from client.mask import MASK_SIZE
from stages.data.archive import GIB
from stages.data.dropped import drop_rows
from stages.data.preprocess_report import FileReport
from stages.data.raw import Pictures, read_raw
from stages.errors import InputError
from stages.labels import NOTHING
from stages.photos.detection import find_hands
from stages.photos.hints import LOOK, explain_misses

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

NO_HAND: Final = "no hand found"
NOT_FINITE: Final = "not finite"
NO_EXTENT: Final = "no extent"
OUT_OF_RANGE: Final = "out of range"
BLACK: Final = "all black"
MAX_COORDINATE: Final = 1e6
"""Pixels; coordinates beyond the size of any photograph are invalid."""
MANY_MISSED: Final = 0.5
"""Share of photographs without a hand above which something is wrong with all of them."""
MASK_CHUNK: Final = 256
"""Masks that are resized at a time."""
MIN_MEDIAN_EXTENT: Final = 2.0
"""Pixels; if most hands are smaller, the coordinates are shares of the picture and would draw distorted hands."""


@dataclass(frozen=True)
class Samples:
    """The usable rows of one raw file and an account of the others."""

    drawable: npt.NDArray[Any]
    """(N,21,3) float32 landmarks in pixels, finite and of some extent, or (N,224,224,3) uint8 masks, none all black."""
    labels: npt.NDArray[np.str_]
    signers: npt.NDArray[np.str_]
    dropped: pd.DataFrame
    """The other rows of the file, each with its reason: see `drop_rows`."""
    report: FileReport


def raw_files(raw: Path) -> list[Path]:
    """List what to read: the file itself, or every `.npz` of a folder by name.

    Raises:
        InputError: the folder has no `.npz`.
    """
    if not raw.is_dir():
        return [raw]
    paths = sorted(path for path in raw.glob("*.npz") if not path.name.startswith("."))
    if not paths:
        raise InputError(f"{raw}: the folder has no .npz file. Put raw data sets there or correct preprocess.raw.")
    return paths


def read_samples(path: Path, *, max_samples: int, max_gib: float, unfinished: Path | None = None) -> Samples:
    """Read a raw file, find the hands in its photographs and drop the rows that cannot be used.

    Args:
        path: the raw `.npz`.
        max_samples: rows that it may have.
        max_gib: size in GiB that its arrays may have together; the same limit holds for its resized masks.
        unfinished: folder that keeps the hands found in photographs until the run has ended.

    Raises:
        InputError: the file cannot be read (see `read_raw`), or none of its rows can be used.
    """
    raw = read_raw(path, max_samples=max_samples, max_gib=max_gib)
    shown: dict[int, npt.NDArray[np.uint8]] = {}
    hint = ""
    drawable: npt.NDArray[Any]
    if raw.pictures is None:
        assert raw.landmarks is not None  # noqa: S101 - a file has one or the other
        drawable, reasons = clean_landmarks(raw.landmarks)
    elif raw.kind == "masks":
        drawable, reasons = clean_masks(raw.pictures, max_gib=max_gib)
    else:
        found = find_hands(raw.pictures, str(path), unfinished=unfinished)
        drawable, reasons = clean_landmarks(found.landmarks, missing=NO_HAND)
        shown = found.missed
        hint = _explain(
            raw.pictures, [shown[row] for row in sorted(shown)], (reasons == NO_HAND) & (raw.labels != NOTHING)
        )
    dropped = drop_rows(path, reasons, raw.labels, raw.signers, shown)
    labels: npt.NDArray[np.str_] = raw.labels[reasons == ""]
    report = FileReport(
        path=path.as_posix(),
        kind=raw.kind,
        rows=len(raw),
        n_photos=raw.n_photos,
        kept=len(labels),
        dropped={str(reason): int(count) for reason, count in dropped.groupby("reason").size().items()},
        labels_lost=sorted(set(raw.labels.tolist()) - set(labels.tolist())),
        ignored=list(raw.ignored),
        hint=hint,
    )
    if not len(labels):
        account = ", ".join(f"{count} {reason}" for reason, count in report.dropped.items())
        raise InputError(
            f"{path}: none of its {len(raw)} rows can be used ({account}). {hint or 'Look at what was exported.'}"
        )
    if drawable.ndim == 3 and np.median(np.ptp(drawable[:, :, :2], axis=1).max(axis=1)) < MIN_MEDIAN_EXTENT:
        raise InputError(
            f"{path}: most of its hands are smaller than {MIN_MEDIAN_EXTENT:g} pixels, so 'landmarks' seems to hold "
            "shares of the picture. Multiply x and z by the picture's width and y by its height."
        )
    return Samples(drawable, labels, raw.signers[reasons == ""], dropped, report)


def _explain(pictures: Pictures, missed: Sequence[npt.NDArray[np.uint8]], without_hand: npt.NDArray[np.bool_]) -> str:
    """Say what may be wrong with photographs, and the next step, if no hand was found in most; else ""."""
    if without_hand.mean() <= MANY_MISSED:
        return ""
    hint = explain_misses(missed, *pictures.shape[1:3])
    if hint.cause == "swapped":
        order = "BGR, as OpenCV reads pictures" if pictures.channels == "rgb" else "RGB"
        other = "bgr" if pictures.channels == "rgb" else "rgb"
        return f"These look like {order}: {hint.sentence}. Save the file again with `channels='{other}'`."
    if hint.cause == "small":
        return f"It may be that {hint.sentence}. Export them larger, from the originals."
    return LOOK


def clean_landmarks(
    landmarks: npt.NDArray[np.float32], missing: str = NOT_FINITE
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.str_]]:
    """Drop hands with a coordinate that is not finite or out of range, and hands without extent in x or in y.

    Args:
        landmarks: (N,21,3) pixels.
        missing: reason given for hands that are not finite.

    Returns:
        The hands kept, and (N,) why each was dropped, "" if it was kept.
    """
    finite = np.isfinite(landmarks).all(axis=(1, 2))
    numbers = np.where(finite[:, None, None], landmarks, 0.0)
    within = np.abs(numbers).max(axis=(1, 2)) < MAX_COORDINATE
    extended = np.ptp(numbers[:, :, :2], axis=1).min(axis=1) > 0
    reasons = np.select([~finite, ~within, ~extended], [missing, OUT_OF_RANGE, NO_EXTENT], default="")
    return landmarks[reasons == ""], reasons


def clean_masks(masks: Pictures, *, max_gib: float) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.str_]]:
    """Resize masks to the size that models are served with and drop those that show nothing.

    Args:
        masks: (N,H,W,3) uint8; black is added to masks that are not square, so that hands keep their shape.
        max_gib: size in GiB that they may have after resizing.

    Returns:
        (M,224,224,3) the masks kept, and (N,) why each was dropped, "" if it was kept.

    Raises:
        InputError: the masks kept take more memory than allowed, or the file is damaged.
    """
    most = int(max_gib * GIB) // (MASK_SIZE * MASK_SIZE * 3)
    # Memory that is never written to is never allocated.
    resized = np.empty((min(len(masks), most), MASK_SIZE, MASK_SIZE, 3), dtype=np.uint8)
    shows = np.zeros(len(masks), dtype=np.bool_)
    row = kept = 0
    with tqdm(total=len(masks), desc=f"{masks.path}: masks", unit="mask", mininterval=1.0, delay=2.0) as bar:
        for chunk in masks.chunks(MASK_CHUNK):
            visible = chunk.reshape(len(chunk), -1).any(axis=1)
            if kept + visible.sum() > most:
                raise InputError(
                    f"{masks.path}: at {MASK_SIZE} pixels its masks take more than the {max_gib:g} GiB allowed. "
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
    return np.asarray(cv2.resize(square, (MASK_SIZE, MASK_SIZE), interpolation=cv2.INTER_AREA), dtype=np.uint8)
