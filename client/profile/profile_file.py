"""The file of one person's hand, `NAME.fingerspell`: the page for browsers reads and writes the same."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from client.errors import ClientError
from client.mask import MASK_VERSION
from client.profile.samples import MOST_OF_A_LETTER, Sample, newest_of_each

if TYPE_CHECKING:
    from collections.abc import Iterable

    Correction = dict[str, Any]
    """What the service made of the samples: kept and sent back as it is."""

FORMAT: Final = "fingerspell profile"
VERSION: Final = 1
SUFFIX: Final = ".fingerspell"
MAX_BYTES: Final = 1 << 20
"""Size limit of a file that is read; 240 samples and a correction are a tenth of it."""
MAX_NAME_LENGTH: Final = 60
"""Characters in a person's name."""
_HINT: Final = "Nothing was changed. Name another file with --profile, or show your hand again (key y in the window)."


@dataclass(frozen=True)
class Profile:
    """One person's hand."""

    name: str
    samples: tuple[Sample, ...] = ()
    correction: Correction | None = None
    """None: not made yet."""

    def __post_init__(self) -> None:
        """Check the bounds.

        Raises:
            ValueError: the name is not a name, or there are too many samples of a letter.
        """
        if not self.name.strip() or len(self.name) > MAX_NAME_LENGTH or not self.name.isprintable():
            raise ValueError(f"a name has 1 to {MAX_NAME_LENGTH} printable characters, not {self.name[:80]!a}")
        letter, count = max(self.counts.items(), key=lambda item: item[1], default=("", 0))
        if count > MOST_OF_A_LETTER:
            raise ValueError(f"{count} samples of {letter}, more than {MOST_OF_A_LETTER}")

    @property
    def counts(self) -> Counter[str]:
        """How many samples there are of each letter."""
        return Counter(sample.letter for sample in self.samples)

    def adding(self, samples: Iterable[Sample]) -> Self:
        """Add samples; the oldest of a letter make room. The correction has to be made again."""
        return replace(self, samples=newest_of_each([*self.samples, *samples]), correction=None)

    def enrolling(self, samples: Iterable[Sample]) -> Self:
        """Replace all samples of the letters of these ones. The correction has to be made again."""
        new = list(samples)
        letters = {sample.letter for sample in new}
        kept = [sample for sample in self.samples if sample.letter not in letters]
        return replace(self, samples=newest_of_each([*kept, *new]), correction=None)


def read_profile(path: Path) -> Profile:
    """Read a file that this client or the page wrote.

    A correction for masks of another version is left out: it has to be made again from the landmarks.

    Raises:
        ClientError: it cannot be read, is damaged, or is of another version.
    """
    try:
        with path.open("rb") as stream:
            contents = stream.read(MAX_BYTES + 1)
        if len(contents) > MAX_BYTES:
            raise ClientError(f"{path}: larger than {MAX_BYTES >> 10} KiB, which no profile is. {_HINT}")
        return _parse(json.loads(contents.decode("utf-8")))
    except FileNotFoundError as error:
        raise ClientError(
            f"{path}: there is no such profile. Leave --profile out and press y in the window to show your hand, or "
            "make one from a film with `fingerspell enrol`."
        ) from error
    except OSError as error:
        raise ClientError(f"{path}: the profile cannot be read ({error.strerror}). {_HINT}") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise ClientError(f"{path}: not a profile, or a damaged one ({why}). {_HINT}") from error


def write_profile(path: Path, profile: Profile) -> None:
    """Write a profile; the new content replaces the old one only once it is complete.

    Raises:
        ClientError: the file cannot be written.
    """
    samples = [{"letter": sample.letter, "landmarks": sample.encode()} for sample in profile.samples]
    fields = {
        "format": FORMAT,
        "version": VERSION,
        "name": profile.name,
        "mask_version": MASK_VERSION,
        "samples": samples,
        "correction": profile.correction,
    }
    write_whole(path, json.dumps(fields, ensure_ascii=False) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a small text file, all or nothing; create its folder if it is missing.

    Raises:
        ClientError: the file cannot be written.
    """
    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as stream:
            partial = Path(stream.name)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        if partial is not None:
            partial.unlink(missing_ok=True)
        raise ClientError(
            f"{path}: cannot be written ({error.strerror}). What was there before still is. Free some space, or name "
            "a file in a folder that you may write to."
        ) from error


def _parse(fields: Any) -> Profile:  # noqa: ANN401 - JSON has any type
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise ValueError(f'it has no "format": "{FORMAT}"')
    if type(fields.get("version")) is not int or fields["version"] != VERSION:
        raise ValueError(f"its version is {str(fields.get('version'))[:20]}, this client reads {VERSION}: update it")
    name, samples, correction = fields.get("name"), fields.get("samples"), fields.get("correction")
    if not isinstance(name, str):
        raise TypeError("its name is not text")
    if not isinstance(samples, list) or not all(isinstance(sample, dict) for sample in samples):
        raise TypeError("its samples are not a list of objects")
    if correction is not None and not isinstance(correction, dict):
        raise TypeError("its correction is not an object")
    return Profile(
        name.strip(),
        tuple(_parse_sample(number, sample) for number, sample in enumerate(samples)),
        correction if fields.get("mask_version") == MASK_VERSION else None,
    )


def _parse_sample(number: int, fields: dict[str, Any]) -> Sample:
    try:
        return Sample.decode(fields.get("letter"), fields.get("landmarks"))
    except ValueError as error:
        raise ValueError(f"sample {number}: {error}") from error
