"""The signer's own words, such as names, which the service adds to its vocabulary: one a line in a text file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from client.errors import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MOST: Final = 500
"""Words that the service takes."""
LONGEST: Final = 32
"""Letters of a word."""
_WORD: Final = re.compile(rf"[A-Z]{{1,{LONGEST}}}")


def read_own_words(path: Path) -> tuple[str, ...]:
    """Read a file with a word in each line; empty lines and capitals do not matter.

    Raises:
        ClientError: it cannot be read, has something other than words of the letters A to Z, or too many of them.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise ClientError(
            f"{path}: cannot be read ({error.strerror}). Name a text file with one word a line."
        ) from error
    except UnicodeDecodeError as error:
        raise ClientError(f"{path}: not a text file in UTF-8. Save it as one, with one word a line.") from error
    for number, line in enumerate(lines, 1):
        if line.strip() and not is_word(line.strip().upper()):
            raise ClientError(
                f"{path}: line {number}, {line.strip()[:40]!r}, is not one word of 1 to {LONGEST} letters from A to Z. "
                "Write it with these letters, or delete the line."
            )
    words = unique(line.strip().upper() for line in lines if line.strip())
    if len(words) > MOST:
        raise ClientError(
            f"{path}: {len(words)} words, of which {MOST} can be sent. Delete those that you rarely spell."
        )
    return words


def words_in_names(names: Iterable[str]) -> tuple[str, ...]:
    """Take the words out of people's names that can be spelled: "Anna Lee" has two, "Zoë" none."""
    return unique(word for name in names for word in name.upper().split() if is_word(word) and len(word) > 1)


def is_word(word: str) -> bool:
    """Whether it consists of letters that can be spelled."""
    return _WORD.fullmatch(word) is not None


def unique(words: Iterable[str]) -> tuple[str, ...]:
    """Leave out what has come before."""
    return tuple(dict.fromkeys(words))
