"""Raw sequences: an `.npz` of moving hands, checked before it is decoded as a raw data set of still ones is.

A row is one take: somebody signs one letter, from before it to just after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from stages.data.archive import GIB, open_archive, write_archive
from stages.errors import InputError
from stages.labels import MAX_LABEL_LENGTH, clean_label

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from stages.data.archive import Archive, Header

LAYOUT: Final = (
    "landmarks (N,T,21,3) floats in pixels, NaN where there is no hand; times (N,T) seconds, or frame_rate, one number "
    "or (N,); labels (N,) text; and, if known, signers (N,) text"
)
MOST_FRAMES: Final = 1000
"""Frames of a take: half a minute at 30 a second."""
FRAME_RATES: Final = (1.0, 1000.0)
MOST_SECONDS: Final = 120.0
LEAST_FRAMES: Final = 3
_READ: Final = ("landmarks", "times", "frame_rate", "labels", "signers")
_TEXT_BYTES: Final = 4 * MAX_LABEL_LENGTH


@dataclass(frozen=True)
class RawSequences:
    """N takes of at most T frames.

    Attributes:
        landmarks: (N, T, 21, 3) float32 pixels; NaN where no hand was found.
        times: (N, T) float64 seconds, ascending within a take; NaN after its end.
        labels: (N,) text as `clean_label` returns it.
        signers: (N,) text, "" if unknown.
    """

    landmarks: npt.NDArray[np.float32]
    times: npt.NDArray[np.float64]
    labels: npt.NDArray[np.str_]
    signers: npt.NDArray[np.str_]

    def __len__(self) -> int:
        """Takes."""
        return len(self.labels)


def read_sequences(path: Path, *, max_samples: int, max_gib: float) -> RawSequences:
    """Read a file of takes; names, dtypes, shapes and sizes are checked before any array is decoded.

    Args:
        path: the `.npz`.
        max_samples: frames that the file may have.
        max_gib: uncompressed size that its arrays may have together, in GiB.

    Raises:
        InputError: the file is missing, damaged, too large, or is no file of takes.
    """
    with open_archive(path) as archive:
        names = [name for name in archive.names if name in _READ]
        headers = {name: archive.header(name) for name in names}
        _check(path, archive, headers)
        frames = headers["landmarks"].shape[0] * headers["landmarks"].shape[1]
        if frames > max_samples or archive.size(names) > max_gib * GIB:
            raise InputError(
                f"{path}: it has {frames} frames and unpacks to {archive.size(names) / GIB:.2f} GiB; {max_samples} and "
                f"{max_gib:g} GiB are allowed. Split the file, or raise preprocess.max_samples or preprocess.max_gib "
                "in params.yaml."
            )
        arrays = {name: archive.read(name) for name in names}
    landmarks = arrays["landmarks"].astype(np.float32)
    landmarks[~np.isfinite(landmarks).all(axis=(2, 3))] = np.nan
    rows, length = landmarks.shape[:2]
    times = _check_times(path, arrays, rows, length)
    labels, signers = (_clean(path, name, arrays.get(name), rows) for name in ("labels", "signers"))
    if (empty := np.flatnonzero(labels == "")).size:
        raise InputError(f"{path}: the label of take {empty[0]} is empty. Name the letter, or leave the take out.")
    return RawSequences(landmarks, times, labels, signers)


def write_sequences(path: Path, sequences: RawSequences) -> None:
    """Write takes whose bytes depend on the arrays alone."""
    write_archive(path, vars(sequences), compressed=True)


def _check(path: Path, archive: Archive, headers: dict[str, Header]) -> None:
    """Check which arrays there are, their dtypes and shapes."""
    timing = [name for name in ("times", "frame_rate") if name in headers]
    missing = [name for name in ("landmarks", "labels") if name not in headers]
    if missing or len(timing) != 1:
        what = f"'{missing[0]}' is missing" if missing else f"it has {' and '.join(timing) or 'no times'}"
        raise InputError(
            f"{path}: {what}; its arrays are {', '.join(archive.names)[:200]}. A file of takes has {LAYOUT}. "
            "Export it again."
        )
    shape = headers["landmarks"].shape
    rows, length = (*shape, 0, 0)[:2]
    if len(shape) != 4 or shape[2:] != (21, 3) or headers["landmarks"].dtype.kind != "f" or not rows:
        advice = " It looks like still hands: put it into the folder of preprocess.raw." if len(shape) == 3 else ""
        raise InputError(
            f"{path}: 'landmarks' is {shape} {headers['landmarks'].dtype}, but must be (N,T,21,3) floats with N at "
            f"least 1.{advice} Convert it and export the file again."
        )
    if not LEAST_FRAMES <= length <= MOST_FRAMES:
        raise InputError(
            f"{path}: its takes have {length} frames, but {LEAST_FRAMES} to {MOST_FRAMES} are allowed. Cut each letter "
            "to a take of its own."
        )
    allowed: dict[str, tuple[str, tuple[tuple[int, ...], ...]]] = {
        "times": ("f", ((rows, length),)),
        "frame_rate": ("fiu", ((), (1,), (rows,))),
        "labels": ("US", ((rows,),)),
        "signers": ("US", ((rows,),)),
    }
    for name, (kinds, shapes) in allowed.items():
        header = headers.get(name)
        if header is None:
            continue
        if (
            header.dtype.kind not in kinds
            or header.shape not in shapes
            or (kinds == "US" and header.dtype.itemsize > _TEXT_BYTES)
        ):
            raise InputError(
                f"{path}: '{name}' is {header.shape} {header.dtype}, which does not fit {rows} takes of {length} "
                f"frames. A file of takes has {LAYOUT}. Export it again."
            )


def _check_times(path: Path, arrays: dict[str, npt.NDArray[Any]], rows: int, length: int) -> npt.NDArray[np.float64]:
    if "frame_rate" in arrays:
        rates = np.broadcast_to(arrays["frame_rate"].astype(np.float64).ravel(), rows)
        low, high = FRAME_RATES
        if not ((rates >= low) & (rates <= high)).all():
            raise InputError(f"{path}: 'frame_rate' is not within {low:g} to {high:g} frames a second. Correct it.")
        return np.asarray(np.arange(length) / rates[:, None])
    times = arrays["times"].astype(np.float64)
    there = np.isfinite(times)
    ends = there.sum(axis=1)
    in_front = (there == (np.arange(length) < ends[:, None])).all(axis=1)
    steps = np.where(there[:, 1:], np.diff(times, axis=1), 1.0)
    good = in_front & (ends >= 1) & (steps > 0).all(axis=1)
    good &= np.nan_to_num(np.nanmax(np.where(there, times, -np.inf), axis=1) - times[:, 0]) <= MOST_SECONDS
    if not good.all():
        raise InputError(
            f"{path}: the times of take {int(np.argmin(good))} do not rise from frame to frame, have a gap, or last "
            f"longer than {MOST_SECONDS:g} s. They are seconds; NaN only follows the last frame. Export it again."
        )
    return times


def _clean(path: Path, name: str, given: npt.NDArray[Any] | None, rows: int) -> npt.NDArray[np.str_]:
    if given is None:
        return np.full(rows, "", dtype=np.str_)
    try:
        texts = (np.char.decode(given, "utf-8") if given.dtype.kind == "S" else given).tolist()
    except (ValueError, SystemError) as error:
        raise InputError(f"{path}: '{name}' is not readable text ({error}). Save it with dtype=str.") from None
    cleaned = [clean_label(text) if name == "labels" else text.strip() for text in texts]
    for row, text in enumerate(cleaned):
        if len(text) > MAX_LABEL_LENGTH or not (text.isprintable() or not text):
            raise InputError(
                f"{path}: '{name}' of take {row} is {text[:MAX_LABEL_LENGTH]!a}, which is longer than "
                f"{MAX_LABEL_LENGTH} characters or not printable. Shorten or correct it."
            )
    return np.array(cleaned, dtype=np.str_)
