"""Photographs in folders: which file shows which letter of which signer, and how to decode it."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from PIL import Image, ImageOps

from stages.errors import InputError
from stages.labels import MAX_LABEL_LENGTH, clean_label
from stages.photos.limits import MIN_SIDE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
MAX_MEGAPIXELS: Final = 64
"""A larger picture is left out after a look at its header, before it is decoded."""
LAYOUTS: Final = (
    "The folder must hold a folder for each letter (A/one.jpg), or a folder for each signer with those in it "
    "(anna/A/one.jpg)."
)
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP")
"""Formats that files with these suffixes may have; OpenCV would decode others without a check of their size."""
_DEPTH: Final = 4
"""Folders are read one level deeper than either layout, so that misplaced pictures are reported and not missed."""

cv2.setLogLevel(0)  # damaged files have error messages of their own here


class UnreadablePhotoError(Exception):
    """A file that is not a usable picture; the message says why in a few words."""


@dataclass(frozen=True)
class Photo:
    """One file and what its folders say about it."""

    path: Path
    label: str
    signer: str
    """The signer's name, "" if it is unknown."""


@dataclass(frozen=True)
class PhotoFolder:
    """The contents of a folder of photographs."""

    photos: tuple[Photo, ...]
    """Sorted by signer, letter and name."""
    others: dict[str, int]
    """Counts of files with other suffixes, by suffix."""


def list_photos(folder: Path, signer: str | None = None) -> PhotoFolder:
    """Find the pictures of a folder that has a folder for each letter, or for each signer and letter.

    Names that begin with a dot are skipped. A letter's folder may be named in lower case: see `clean_label`.

    Args:
        folder: where the photographs are.
        signer: who signed all of them; only if the folders do not name the signers.

    Raises:
        InputError: there is no such folder, it has no pictures, its nesting fits neither layout or its names
            cannot be letters and signers.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder. Name the folder that holds the folders of the letters.")
    files = list(_files(folder, _DEPTH))
    pictures = [path for path in files if path.suffix.lower() in SUFFIXES]
    others = Counter(path.suffix.lower() or path.name for path in files if path.suffix.lower() not in SUFFIXES)
    if not pictures:
        raise InputError(f"{folder}: no picture ({', '.join(SUFFIXES)}) is in it{_held(others)}. {LAYOUTS}")
    per_signer = _is_per_signer(folder, pictures)
    if per_signer and signer is not None:
        raise InputError(
            f"{folder}: its folders name the signers ({pictures[0].parent.parent.name}), and --signer {signer} "
            "names another. Leave --signer out, or name the folder of one signer."
        )
    photos = tuple(_photo(path, path.parent.parent.name if per_signer else signer or "") for path in pictures)
    return PhotoFolder(photos, dict(sorted(others.items())))


def read_photo(path: Path) -> npt.NDArray[np.uint8]:
    """Decode a picture, turned upright as its EXIF orientation says.

    Returns:
        (H,W,3) uint8 RGB.

    Raises:
        UnreadablePhotoError: the file cannot be read, is not a picture or is damaged, or has fewer than 16 pixels on a
            side or more than `MAX_MEGAPIXELS`.
    """
    try:
        _check_size(*_size(path))
        if path.suffix.lower() == ".webp":  # whose orientation OpenCV leaves aside
            with Image.open(path, formats=_FORMATS) as picture:
                return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
        contents = np.fromfile(path, dtype=np.uint8)  # OpenCV opens no path with an umlaut on Windows
        bgr = cv2.imdecode(contents, cv2.IMREAD_COLOR)
    except OSError as error:  # Pillow reports damage as OSError, too
        raise UnreadablePhotoError(error.strerror or "not a picture, or a damaged one") from None
    except cv2.error as error:
        raise UnreadablePhotoError("damaged") from error
    if bgr is None:
        raise UnreadablePhotoError("damaged")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _size(path: Path) -> tuple[int, int]:
    """Read width and height from the header alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own limit is another one
        try:
            with Image.open(path, formats=_FORMATS) as picture:
                return picture.size
        except Image.DecompressionBombError:
            raise UnreadablePhotoError(f"more than {MAX_MEGAPIXELS} megapixels") from None
        except (SyntaxError, ValueError, EOFError) as error:  # what Pillow raises for damaged headers
            raise UnreadablePhotoError("damaged") from error


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        raise UnreadablePhotoError(f"{width}x{height}, more than {MAX_MEGAPIXELS} megapixels")
    if min(width, height) < MIN_SIDE:
        raise UnreadablePhotoError(f"{width}x{height}, fewer than {MIN_SIDE} pixels on a side")


def _files(folder: Path, depth: int) -> Iterator[Path]:
    """Files of a folder and of those in it, sorted by name; the depth is limited, because links may lead in circles."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "__MACOSX":
            continue
        if path.is_file():
            yield path
        elif path.is_dir() and depth > 1:
            yield from _files(path, depth - 1)


def _is_per_signer(folder: Path, pictures: list[Path]) -> bool:
    depths: dict[int, Path] = {}
    for path in pictures:
        depths.setdefault(len(path.relative_to(folder).parts), path)
    if misplaced := [path for depth, path in depths.items() if depth not in (2, 3)]:
        raise InputError(f"{misplaced[0]}: a picture at this place has no letter and signer. {LAYOUTS}")
    if len(depths) == 2:
        raise InputError(
            f"{folder}: {depths[2]} is in a folder of its own and {depths[3]} in two. {LAYOUTS} Use one of the two."
        )
    per_signer = 3 in depths
    if per_signer and all(len(path.parent.parent.name) == 1 < len(path.parent.name) for path in pictures):
        raise InputError(f"{depths[3]}: the outer folders are named like letters and the inner ones are not. {LAYOUTS}")
    return per_signer


def _photo(path: Path, signer: str) -> Photo:
    label, signer = path.parent.name.strip(), signer.strip()
    for name in (label, signer):
        if len(name) > MAX_LABEL_LENGTH or not name.isprintable():
            raise InputError(
                f"{path}: the name {name[:MAX_LABEL_LENGTH]!a} is longer than {MAX_LABEL_LENGTH} characters or not "
                "printable. Rename the folder or signer."
            )
    if not label:
        raise InputError(f"{path}: its folder has no name but spaces. Call it by the letter that it shows.")
    return Photo(path, clean_label(label), signer)


def _held(others: dict[str, int]) -> str:
    return f", but {', '.join(f'{count} {suffix}' for suffix, count in others.items())}" if others else ""
