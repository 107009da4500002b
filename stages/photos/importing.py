"""Photographs in files to the rows of a raw data set of landmarks, and a summary of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from client import landmarks as client_landmarks
from stages.errors import InputError, PipelineError
from stages.labels import NOTHING
from stages.photos.folder import UnreadablePhotoError, read_photo
from stages.photos.hints import LOOK, MOST_TRIED, explain_misses

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from stages.photos.folder import Photo


@dataclass(frozen=True)
class FoundHand:
    """The hand of one photograph."""

    photo: Photo
    landmarks: npt.NDArray[np.float32]
    """(21,3) pixels of the photograph."""
    handedness: str
    image_size: tuple[int, int]
    """Width and height of the photograph, upright, in pixels."""


@dataclass(frozen=True)
class Import:
    """What became of the photographs."""

    hands: tuple[FoundHand, ...]
    missed: tuple[Photo, ...]
    """Photographs in which no hand was found."""
    unreadable: tuple[tuple[Photo, str], ...]
    """Files that could not be read, and why."""
    hint: str = ""
    """What may be wrong, and the next step, if no hand was found in most photographs; else ""."""

    @property
    def n_photos(self) -> int:
        """Photographs tried.

        Files that could not be read do not count, nor do photographs that are to show nothing, and show no hand.
        """
        return len(self.hands) + sum(photo.label != NOTHING for photo in self.missed)


def import_hands(photos: Sequence[Photo], where: str) -> Import:
    """Find the hand in each file with the landmarker that the client runs, showing a progress bar.

    Args:
        photos: files of any size; some may turn out not to be pictures.
        where: folder of the files, for the progress bar and the errors.

    Raises:
        PipelineError: MediaPipe or its networks are missing.
        InputError: no file shows a hand.
    """
    hands: list[FoundHand] = []
    missed: list[Photo] = []
    unreadable: list[tuple[Photo, str]] = []
    shown: list[npt.NDArray[np.uint8]] = []
    try:
        with client_landmarks.HandLandmarker(mode="image") as landmarker:
            for photo in tqdm(photos, desc=f"{where}: hands", unit="photo", mininterval=1.0):
                try:
                    rgb = read_photo(photo.path)
                except UnreadablePhotoError as error:
                    unreadable.append((photo, str(error)))
                    continue
                hand = landmarker.detect(rgb)
                if hand is None:
                    missed.append(photo)
                    if photo.label != NOTHING and len(shown) < MOST_TRIED:
                        shown.append(rgb)
                else:
                    hands.append(FoundHand(photo, hand.landmarks, hand.handedness, (rgb.shape[1], rgb.shape[0])))
    except client_landmarks.ClientError as error:  # stages import nothing else of the client
        raise PipelineError(f"{where}: photographs cannot be read without MediaPipe. {error}") from error
    imported = Import(tuple(hands), tuple(missed), tuple(unreadable))
    if shown and 2 * len(hands) < imported.n_photos:
        imported = replace(imported, hint=_explain(shown))
    if not hands:
        raise InputError(
            f"{where}: no hand was found in any of {len(missed)} photographs, and {len(unreadable)} files could not be "
            f"read. {imported.hint or LOOK}"
        )
    return imported


def _explain(shown: Sequence[npt.NDArray[np.uint8]]) -> str:
    height, width = np.median([rgb.shape[:2] for rgb in shown], axis=0).astype(int).tolist()
    hint = explain_misses(shown, height, width)
    if hint.cause == "swapped":
        return (
            f"They look like RGB that OpenCV saved as if it were BGR: {hint.sentence}. Save them again with "
            "`cv2.imwrite(name, picture[..., ::-1])`."
        )
    if hint.cause == "small":
        return f"It may be that {hint.sentence}. Use larger ones."
    return LOOK


def summarise(imported: Import, others: dict[str, int]) -> str:
    """Write the lines that the command prints: what was found for each letter, and what was left out.

    Args:
        imported: hands, missed photographs and files that could not be read.
        others: counts of files with other suffixes, by suffix.
    """
    lines = [f"not read: {photo.path}: {why}" for photo, why in imported.unreadable]
    lines += _per_letter(imported)
    if imported.hint:
        lines.append(f"warning: in most photographs no hand was found. {imported.hint}")
    if others:
        counted = ", ".join(f"{count} {suffix}" for suffix, count in others.items())
        lines.append(f"not looked at: {counted}. Save pictures as .jpg or .png to have them read.")
    names = sorted({hand.photo.signer for hand in imported.hands} - {""})
    shown = ", ".join(names[:6]) + (" and more" if len(names) > 6 else "")
    lines.append(f"signers: {shown}" if names else "signers: not named. Name one with --signer NAME.")
    lines.append(
        f"all: hands in {len(imported.hands)} of {imported.n_photos} photographs; files that could not be read: "
        f"{len(imported.unreadable)}"
    )
    return "\n".join(lines) + "\n"


def _per_letter(imported: Import) -> list[str]:
    found = Counter(hand.photo.label for hand in imported.hands)
    tried = found + Counter(photo.label for photo in imported.missed)
    labels = sorted(tried | Counter(photo.label for photo, _ in imported.unreadable))
    lines = [f"{label}: hands in {found[label]} of {tried[label]} photographs" for label in labels]
    if without := [label for label in labels if not found[label] and label != NOTHING]:
        lines.append(f"warning: no hand for {', '.join(without)}; no model will learn it from these")
    return lines
