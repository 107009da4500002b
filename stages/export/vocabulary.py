"""The words that the service knows, with their frequencies.

They come from wordfreq (Robyn Speer, https://github.com/rspeer/wordfreq), which counted them in subtitles, the web,
books and other texts of many languages. Its data may be shared under CC BY-SA 4.0, which holds for the file, too.
"""

from __future__ import annotations

import unicodedata
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import wordfreq

from stages.errors import InputError
from stages.files import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping

VOCABULARY: Final = Path("data/vocabulary.tsv")
LONGEST: Final = 24
"""Letters of a word."""
ALONE: Final = {"en": "AIO", "fr": "AOY", "es": "AEOUY", "it": "AEIO", "pt": "AEO"}
"""Letters that are words in some languages; all others are taken for abbreviations."""


def list_words(language: str, count: int) -> dict[str, float]:
    """List the most frequent words of a language as they are spelled with the manual alphabet.

    Apostrophes, hyphens and accents are left out, as in DONT and CAFE; two words that are then spelled alike are one.

    Args:
        language: its ISO 639 code, one that wordfreq knows.
        count: of words.

    Returns:
        Words of A to Z and their frequencies, the most frequent first.

    Raises:
        InputError: the language is not known, or it has fewer words.
    """
    known = sorted(wordfreq.available_languages("best"))
    if language not in known:
        raise InputError(f"params.yaml: vocabulary.language is '{language}'. Choose from: {', '.join(known)}.")
    words: dict[str, float] = {}
    for word in wordfreq.iter_wordlist(language, "best"):
        spelled = _spell(word)
        if spelled is None or (len(spelled) == 1 and spelled not in ALONE.get(language, "")):
            continue
        if spelled not in words and len(words) == count:
            break
        words[spelled] = words.get(spelled, 0.0) + wordfreq.word_frequency(word, language, "best")
    if len(words) < count:
        raise InputError(
            f"params.yaml: vocabulary.words is {count}, but '{language}' has {len(words)} that can be spelled with A "
            "to Z. Ask for fewer."
        )
    return dict(sorted(words.items(), key=lambda item: (-item[1], item[0])))


def write_vocabulary(path: Path, words: Mapping[str, float], language: str) -> None:
    """Write words as `service.vocabulary` reads them, a tab and the frequency behind each."""
    heading = f"# language: {language}; wordfreq {version('wordfreq')}, its data is under CC BY-SA 4.0\n"
    write_text(path, heading + "".join(f"{word}\t{frequency:.3g}\n" for word, frequency in words.items()))


def _spell(word: str) -> str | None:
    """Write a word in A to Z; None if it has digits, or letters of another alphabet."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))
    spelled = plain.upper().translate({ord(mark): None for mark in "'\u2019-"})
    return spelled if 1 <= len(spelled) <= LONGEST and spelled.isascii() and spelled.isalpha() else None
