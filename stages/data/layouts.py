"""The arrays of a raw data set, and what to do about a file that has others: guesses are only told, never acted on."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np

from stages.errors import InputError
from stages.photos.limits import MAX_SIDE, MIN_SIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stages.data.archive import Archive, Header

Kind = Literal["images", "masks", "landmarks"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
LAYOUTS: Final = {
    "labels": "(N,) text",
    "signers": "(N,) text",
    "images": f"(N,H,W,3) uint8, height and width {MIN_SIDE} to {MAX_SIDE}",
    "masks": f"(N,H,W,3) uint8, height and width {MIN_SIDE} to {MAX_SIDE}",
    "channels": "one text, 'rgb' or 'bgr'",
    "landmarks": "(N,21,3) float32",
    "image_size": "(N,2) integers",
    "handedness": "(N,) text",
    "n_photos": "one integer",
}
ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
STILL_LETTERS: Final = "ABCDEFGHIKLMNOPQRSTUVWXY"
"""Without J and Z, which move."""

_EXPORT: Final = "Convert it and export the file again."
_MOST_CLASSES: Final = 64
"""Columns of one-hot labels; a wider array of numbers is something else."""
_LEAST_FLAT: Final = 256
"""Values of a picture in one row: 16 x 16."""
_HEAD: Final = 4096
"""Bytes of a file that tell its kind."""
_NOT_ARCHIVES: Final = (
    (
        b"\x93NUMPY",
        "this is one array, an .npy file. Save it together with its labels: "
        "np.savez_compressed('raw.npz', images=np.load('one.npy'), labels=np.array(['A', ...])).",
    ),
    (
        b"\x80",
        "this is a pickle, which may run any program when it is loaded, so it never is. Load it where it was made, and "
        "save its arrays with np.savez_compressed('raw.npz', images=..., labels=...).",
    ),
    (
        b"\x89HDF",
        "this is an HDF5 file. Save its arrays with np.savez_compressed('raw.npz', images=..., labels=...).",
    ),
)
"""How files begin that are often given instead of an `.npz`, and what to do with each."""


def refuse_other_files(path: Path) -> None:
    """Refuse files that are known not to be an `.npz`; `open_archive` finds all others.

    Raises:
        InputError: the file is of another kind.
    """
    if not path.is_file():
        return
    try:
        with path.open("rb") as stream:
            start = stream.read(_HEAD)
    except OSError:
        return
    for magic, sentence in _NOT_ARCHIVES:
        if start.startswith(magic):
            raise InputError(f"{path}: {sentence}")
    if _is_table(start):
        raise InputError(
            f"{path}: this is text. If it is a table of hand landmarks, read it with "
            f"`python -m stages.commands.import_landmarks {path}`."
        )


def find_kind(path: Path, archive: Archive) -> Kind:
    """Find what a raw data set holds.

    Raises:
        InputError: the names of its arrays are not those of a raw data set; the message guesses what is meant.
    """
    names = archive.names
    for name in names:
        close = difflib.get_close_matches(name, LAYOUTS, n=1, cutoff=0.8)
        if name not in LAYOUTS and close and close[0] not in names:
            raise InputError(f"{path}: it holds '{name}', which is not a known name. Call it '{close[0]}'.")
    held = f"it holds {_listed(names)}" if names else "it holds nothing"
    kinds = [kind for kind in KINDS if kind in names]
    if any(PurePosixPath(name).suffix.lower() in (".jpg", ".jpeg", ".png", ".bmp", ".webp") for name in names):
        raise InputError(
            f"{path}: {held}: pictures, not arrays. Unpack it and run: "
            f"`python -m stages.commands.import_photos FOLDER {path.name}`."
        )
    if ("labels" not in names or not kinds) and (guess := _guess(archive)):
        raise InputError(f"{path}: {held}. {guess}")
    if "labels" not in names:
        raise InputError(f"{path}: 'labels' is missing; {held}. Add the letter of each row as (N,) text.")
    if not kinds:
        raise InputError(f"{path}: {held}, but no samples. Add one of 'images', 'masks' and 'landmarks'.")
    if len(kinds) > 1:
        raise InputError(f"{path}: it holds {_listed(kinds)}, but one file has one kind. Export one of them.")
    return kinds[0]


def check_layout(path: Path, archive: Archive, name: str, header: Header) -> None:
    """Check dtype and shape of an array.

    Raises:
        InputError: they are others; the message says how to convert the array, if that can be seen.
    """
    if not _fits(name, header.dtype, header.shape):
        raise InputError(
            f"{path}: '{name}' is {header.shape} {header.dtype}, but must be {LAYOUTS[name]}. "
            f"{_advise(archive, name, header)}"
        )


def _is_table(start: bytes) -> bool:
    """Whether the first bytes of a file are text with columns."""
    try:
        first = start.decode("utf-8-sig", "strict" if len(start) < _HEAD else "ignore").partition("\n")[0]
    except UnicodeDecodeError:
        return False
    return any(separator in first for separator in ",;\t") and first.replace("\t", "").strip().isprintable()


def _fits(name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> bool:
    if name in ("images", "masks"):
        return dtype == np.uint8 and len(shape) == 4 and shape[3] == 3 and _has_sides(shape)
    if name == "channels":
        return dtype.kind in "US" and shape in ((), (1,)) and dtype.itemsize <= _MOST_CLASSES
    if name == "landmarks":
        return dtype == np.float32 and len(shape) == 3 and shape[1:] == (21, 3)
    if name == "image_size":
        return dtype.kind in "iu" and len(shape) == 2 and shape[1] == 2
    if name == "n_photos":
        return dtype.kind in "iu" and shape in ((), (1,))
    return dtype.kind in "US" and len(shape) == 1


def _has_sides(shape: tuple[int, ...]) -> bool:
    return min(shape[1:3]) >= MIN_SIDE and max(shape[1:3]) <= MAX_SIDE


def _advise(archive: Archive, name: str, header: Header) -> str:
    """Say how to convert an array, as code that can be copied."""
    if name in ("images", "masks"):
        return _advise_pictures(archive, name, header)
    if name == "landmarks":
        return _advise_landmarks(header)
    if name == "labels" and header.shape:
        return _advise_labels(archive, header)
    if name in ("signers", "handedness") and header.dtype.kind in "iu":
        return f"Save it again with `{name} = {name}.astype(str)`."
    return _EXPORT


def _advise_pictures(archive: Archive, name: str, header: Header) -> str:
    shape, code, notes = header.shape, name, []
    if len(shape) == 2 and (flat := _unflattened(shape[1])):
        code, shape = f"{code}.reshape{(-1, *flat)}", (shape[0], *flat)
        notes.append("each picture is one row of numbers")
    if len(shape) == 4 and shape[1] in (1, 3, 4) and shape[3] not in (1, 3, 4):
        code, shape = f"{code}.transpose(0, 2, 3, 1)", (shape[0], *shape[2:], shape[1])
        notes.append("the channels come before height and width")
    if len(shape) == 4 and shape[3] == 4:
        code, shape = f"{code}[..., :3]", (*shape[:3], 3)
        notes.append("the fourth channel is transparency")
    is_grey = len(shape) == 3 or (len(shape) == 4 and shape[3] == 1)
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (1, 3)) or not _has_sides(shape):
        return _EXPORT
    if header.dtype.kind not in "iufb" or header.fortran_order:  # whose first picture is all over the array
        return _EXPORT
    highest = float(max((chunk.max(initial=0) for chunk in _first(archive, name)), default=0))
    if header.dtype != np.uint8:
        code, note = _to_bytes(code, highest)
        notes.append(note)
    if is_grey:
        code = f"np.repeat({code}{'[..., None]' if len(shape) == 3 else ''}, 3, axis=3)"
        notes.append("the pictures are grey")
    cast = "" if header.dtype == np.uint8 else ".astype(np.uint8)"
    return f"It seems that {', '.join(notes)}: save it again with `{name} = {code}{cast}`."


def _to_bytes(code: str, highest: float) -> tuple[str, str]:
    if highest <= 1:
        return f"({code} * 255)", "its values are 0 to 1"
    if highest <= 255:
        return f"{code}.clip(0, 255)", "its values are 0 to 255"
    return f"({code} / {highest:g} * 255)", f"its values are 0 to {highest:g}"


def _unflattened(values: int) -> tuple[int, ...] | None:
    """Say how a picture of so many values is shaped, if it is square: (side, side) or (side, side, 3)."""
    for channels, last in ((1, ()), (3, (3,))):
        side = math.isqrt(values // channels)
        if side >= MIN_SIDE and side * side * channels == values:
            return (side, side, *last)
    return None


def _advise_landmarks(header: Header) -> str:
    shape, code = header.shape, "landmarks"
    if len(shape) == 2 and shape[1] in (42, 63):
        code, shape = f"{code}.reshape(-1, 21, {shape[1] // 21})", (shape[0], 21, shape[1] // 21)
    if len(shape) == 3 and shape[1] in (2, 3) and shape[2] == 21:
        code, shape = f"{code}.transpose(0, 2, 1)", (shape[0], 21, shape[1])
    if len(shape) == 3 and shape[1] == 21 and shape[2] in (4, 5):
        code, shape = f"{code}[..., :3]", (*shape[:2], 3)
    if len(shape) == 3 and shape[1:] == (21, 2):
        code, shape = f"np.pad({code}, ((0, 0), (0, 0), (0, 1)))", (*shape[:2], 3)
    if len(shape) != 3 or shape[1:] != (21, 3) or header.dtype.kind not in "iuf":
        return _EXPORT
    return f"Save it again with `landmarks = {code}.astype(np.float32)`."


def _advise_labels(archive: Archive, header: Header) -> str:
    shape, code = header.shape, "labels"
    if len(shape) == 2 and shape[1] == 1:
        code, shape = f"{code}.ravel()", shape[:1]
    if header.dtype.kind in "US":
        return f"Save it again with `labels = {code}`." if len(shape) == 1 else _EXPORT
    if header.dtype.kind not in "iufb":
        return _EXPORT
    if len(shape) == 2 and 2 <= shape[1] <= _MOST_CLASSES:
        return f"Each row seems to mark one of {shape[1]} letters. " + _letters_of(
            f"{code}.argmax(axis=1)", range(shape[1])
        )
    if len(shape) != 1:
        return _EXPORT
    numbers: set[float] = set()
    for chunk in archive.chunks("labels", 65_536):
        numbers.update(np.unique(chunk).tolist())
        if len(numbers) > _MOST_CLASSES or not all(float(number).is_integer() for number in numbers):
            return "Write the letter of each row as text, and export the file again."
    return _letters_of(
        f"{code}.astype(int)" if header.dtype.kind in "fb" else code, sorted(int(number) for number in numbers)
    )


@dataclass(frozen=True)
class NumberedLetters:
    """What labels that are numbers may mean."""

    first: int
    """Number of the first letter."""
    letters: str
    meaning: str
    """The same in words, for a sentence that begins with 'If'."""


def guess_letters(numbers: Sequence[int]) -> NumberedLetters | None:
    """Guess which letters numbers are; None if they cannot be.

    Args:
        numbers: those that occur, sorted.
    """
    if not numbers or numbers[0] < 0 or numbers[-1] > len(ALPHABET):
        return None
    first = 1 if numbers[0] == 1 and numbers[-1] in (len(STILL_LETTERS), len(ALPHABET)) else 0
    if numbers[-1] - first >= len(ALPHABET):
        return None
    j = first + ALPHABET.index("J")
    letters = STILL_LETTERS if numbers[-1] - first == len(STILL_LETTERS) - 1 and j in numbers else ALPHABET
    meaning = f"{first} is A and {first + len(letters) - 1} is {letters[-1]}"
    if letters == STILL_LETTERS:
        meaning += " (J and Z left out)"
    elif j not in numbers and numbers[-1] > j:
        meaning += f" ({j} would be J, and is left out, as in Sign Language MNIST)"
    return NumberedLetters(first, letters, meaning)


def _letters_of(code: str, numbers: Sequence[int]) -> str:
    """Say how labels that are numbers become letters; `code` gives the numbers."""
    guess = guess_letters(numbers)
    if guess is None:
        return "Write the letter of each row as text, and export the file again."
    index = f"{code} - {guess.first}" if guess.first else code
    return (
        f"Nothing says which letter each number from {numbers[0]} to {numbers[-1]} is. If {guess.meaning}, save it "
        f"again with `labels = np.array(list('{guess.letters}'))[{index}]`."
    )


def _first(archive: Archive, name: str) -> list[Any]:
    """Read the first row of an array, if there is one."""
    return [chunk for chunk, _ in zip(archive.chunks(name, 1), range(1), strict=False)]


def _guess(archive: Archive) -> str:
    """Say which arrays look like samples and labels, by shape alone; "" if none do."""
    roles: dict[str, str] = {}
    rows: dict[str, int] = {}
    for name in archive.names:
        try:
            header = archive.header(name)
        except InputError:
            continue
        if role := name if name in LAYOUTS else _role(header):
            roles[name], rows[name] = role, header.shape[0] if header.shape else 0
    labels = [name for name, role in roles.items() if role == "labels"]
    pairs: list[tuple[str, str]] = []
    for name in (name for name, role in roles.items() if role in KINDS):
        if fitting := [other for other in labels if rows[other] == rows[name]]:
            labels.remove(fitting[0])
            pairs.append((name, fitting[0]))
    if not pairs:
        return ""
    (samples, answers), *others = pairs
    also = "".join(f", and '{one}' with '{other}' in a file of their own" for one, other in others)
    return (
        f"'{samples}' looks like {roles[samples]} and '{answers}' like labels: save them again with "
        f"`np.savez_compressed('raw.npz', {roles[samples]}=data['{samples}'], labels=data['{answers}'])`{also}."
    )


def _role(header: Header) -> str:
    """Say what an array may be: "labels", "images", "landmarks" or ""."""
    shape, kind = header.shape, header.dtype.kind
    if len(shape) == 1 or (len(shape) == 2 and shape[1] == 1):
        return "labels" if kind in "USiufb" else ""
    if kind not in "iufb" or len(shape) < 2:
        return ""
    if shape[1:] in ((21, 3), (21, 2), (63,), (42,)):
        return "landmarks" if kind == "f" else ""
    if len(shape) == 4 or (len(shape) == 3 and min(shape[1:]) >= MIN_SIDE):
        return "images"
    if len(shape) == 2:
        return "images" if shape[1] >= _LEAST_FLAT else "labels" if shape[1] <= _MOST_CLASSES else ""
    return ""


def _listed(names: list[str] | list[Kind]) -> str:
    return ", ".join(repr(name) for name in names[:12]) + (" and more" if len(names) > 12 else "")
