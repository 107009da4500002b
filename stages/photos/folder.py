"""Photographs in folders: which file shows which letter by which signer, and the pictures themselves."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from PIL import Image

from stages.errors import PipelineError
from stages.photos.limits import MAX_LABEL_LENGTH, MIN_SIDE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
MAX_MEGAPIXELS: Final = 64
"""A larger picture is left out: by its header, before any of it is decoded."""
LAYOUTS: Final = (
    "The folder must hold a folder for each letter (A/one.jpg), or a folder for each signer with those in it "
    "(anna/A/one.jpg)."
)
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP")
"""What pictures of these suffixes may be inside; others that OpenCV knows would pass with their size unread."""
_DEPTH: Final = 4
"""Folders are read one level deeper than either layout goes, so that pictures down there are told and not missed."""

cv2.setLogLevel(0)  # what it has to say of damaged files is said in our own sentences


class UnreadablePhotoError(Exception):
    """A file that is no usable picture: the message says why, in a few words."""


@dataclass(frozen=True)
class Photo:
    """One file and what its folders say of it."""

    path: Path
    label: str
    signer: str
    """The signer's name, "" where it is unknown."""


@dataclass(frozen=True)
class PhotoFolder:
    """What a folder of photographs holds."""

    photos: tuple[Photo, ...]
    """By signer, letter and name."""
    others: dict[str, int]
    """Files that are no pictures by their suffix, counted by it."""


def list_photos(folder: Path, signer: str | None = None) -> PhotoFolder:
    """Find the pictures of a folder that has a folder for each letter, or for each signer and letter.

    Names that begin with a dot are passed over. A letter's folder may be named in lower case: `a` is read as `A`.

    Args:
        folder: where the photographs are.
        signer: who signed all of them; only where the folders do not say it.

    Raises:
        PipelineError: there is no such folder, it has no pictures, its nesting fits neither layout or its names
            cannot be letters and signers.
    """
    if not folder.is_dir():
        raise PipelineError(f"{folder}: no such folder. Name the folder that holds the folders of the letters.")
    files = list(_files(folder, _DEPTH))
    pictures = [path for path in files if path.suffix.lower() in SUFFIXES]
    others = Counter(path.suffix.lower() or path.name for path in files if path.suffix.lower() not in SUFFIXES)
    if not pictures:
        raise PipelineError(f"{folder}: no picture ({', '.join(SUFFIXES)}) is in it{_held(others)}. {LAYOUTS}")
    per_signer = _is_per_signer(folder, pictures)
    if per_signer and signer is not None:
        raise PipelineError(
            f"{folder}: its folders name the signers ({pictures[0].parent.parent.name}), and --signer {signer} "
            "another. Leave --signer out, or name the folder of one signer."
        )
    photos = tuple(_photo(path, path.parent.parent.name if per_signer else signer or "") for path in pictures)
    return PhotoFolder(photos, dict(sorted(others.items())))


def read_photo(path: Path) -> npt.NDArray[np.uint8]:
    """Decode a picture, turned upright as its EXIF orientation says.

    Returns:
        (H,W,3) uint8 RGB.

    Raises:
        UnreadablePhotoError: the file cannot be read, is no picture or a damaged one, or has fewer than 16 pixels on
            a side or more than `MAX_MEGAPIXELS`.
    """
    try:
        _check_size(*_size(path))
        contents = np.fromfile(path, dtype=np.uint8)  # OpenCV opens no path with an umlaut on Windows
        bgr = cv2.imdecode(contents, cv2.IMREAD_COLOR)
    except OSError as error:  # Pillow's words for damage are OSErrors, too
        raise UnreadablePhotoError(error.strerror or "no picture, or a damaged one") from None
    except cv2.error as error:
        raise UnreadablePhotoError("damaged") from error
    if bgr is None:
        raise UnreadablePhotoError("damaged")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _size(path: Path) -> tuple[int, int]:
    """Read width and height from the header alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own limit lies elsewhere
        try:
            with Image.open(path, formats=_FORMATS) as picture:
                return picture.size
        except Image.DecompressionBombError:
            raise UnreadablePhotoError(f"more than {MAX_MEGAPIXELS} megapixels") from None
        except (SyntaxError, ValueError, EOFError) as error:  # what Pillow lets through of damaged headers
            raise UnreadablePhotoError("damaged") from error


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        raise UnreadablePhotoError(f"{width}x{height}, more than {MAX_MEGAPIXELS} megapixels")
    if min(width, height) < MIN_SIDE:
        raise UnreadablePhotoError(f"{width}x{height}, fewer than {MIN_SIDE} pixels on a side")


def _files(folder: Path, depth: int) -> Iterator[Path]:
    """Files of a folder and of those in it, in the order of their names; bounded, so that links cannot lead around."""
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
        raise PipelineError(f"{misplaced[0]}: a picture at this place has no letter and signer. {LAYOUTS}")
    if len(depths) == 2:
        raise PipelineError(
            f"{folder}: {depths[2]} is in a folder of its own and {depths[3]} in two. {LAYOUTS} Use one of the two."
        )
    per_signer = 3 in depths
    if per_signer and all(len(path.parent.parent.name) == 1 < len(path.parent.name) for path in pictures):
        raise PipelineError(
            f"{depths[3]}: the outer folders are named like letters and the inner ones are not. {LAYOUTS}"
        )
    return per_signer


def _photo(path: Path, signer: str) -> Photo:
    label, signer = path.parent.name.strip(), signer.strip()
    for name in (label, signer):
        if len(name) > MAX_LABEL_LENGTH or not name.isprintable():
            raise PipelineError(
                f"{path}: the name {name[:MAX_LABEL_LENGTH]!a} is longer than {MAX_LABEL_LENGTH} characters or not "
                "printable. Rename the folder or signer."
            )
    if not label:
        raise PipelineError(f"{path}: its folder has no name but spaces. Call it by the letter that it shows.")
    return Photo(path, label.upper() if len(label) == 1 else label, signer)


def _held(others: dict[str, int]) -> str:
    return f", but {', '.join(f'{count} {suffix}' for suffix, count in others.items())}" if others else ""
