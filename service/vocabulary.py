"""Words and how often they are used, as a trie that is searched level by level with NumPy.

The pipeline's stage `vocabulary` writes the file; `docs/words.md` says where its words come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from service.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.settings import Settings

    Floats = npt.NDArray[np.float32]
    Indices = npt.NDArray[np.int32]

BUNDLED: Final = Path(__file__).absolute().parents[1] / "vocabulary.tsv"
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LONGEST: Final = 64
"""Letters of a word, at most."""
NEVER: Final = np.float32(-1e9)
"""Log probability of what is no word."""
_END: Final = len(LETTERS)
_BACK_OFF: Final = 5.0
"""Counts of the shorter context that are added to those of a longer one."""
_MAKE_AGAIN: Final = "Make it again: dvc repro vocabulary"


class Level(NamedTuple):
    """The N prefixes of one length, in alphabetical order."""

    letters: npt.NDArray[np.int8]
    """(N,) the last letter of each, 0 for A."""
    first: Indices
    """(M + 1,) where the prefixes begin that continue each of the M shorter ones; the last is N."""
    log_p: Floats
    """(N,) log probability of the prefix as a word; `NEVER` if it is none."""
    best: Floats
    """(N,) log probability of the likeliest word that begins with it."""
    words: Indices
    """(N,) number of the word; -1 if it is none."""


@dataclass(frozen=True)
class Trie:
    """Words by their beginnings."""

    words: tuple[str, ...]
    levels: tuple[Level, ...]

    @classmethod
    def build(cls, words: Sequence[str], log_p: npt.ArrayLike) -> Trie:
        """Build it.

        Args:
            words: different ones, of A to Z, 1 to `LONGEST` letters.
            log_p: (W,) their log probabilities.
        """
        order = sorted(range(len(words)), key=words.__getitem__)
        chosen = tuple(words[index] for index in order)
        weights = np.asarray(log_p, np.float32)[order]
        lengths = np.array([len(word) for word in chosen])
        table = _as_table(chosen)
        levels, parent = [], np.zeros(len(chosen), np.int32)
        parents, begins = 1, np.zeros(len(chosen), np.bool_)
        for depth in range(table.shape[1]):
            # A prefix begins where a letter up to this one differs from the word before.
            begins[1:] |= table[1:, depth] != table[:-1, depth]
            begins[0] = True
            rows = np.flatnonzero(lengths > depth)
            starts = np.flatnonzero(np.diff(parent[rows], prepend=-1) | begins[rows])
            node = np.cumsum(np.isin(np.arange(len(rows)), starts)) - 1
            count = len(starts)
            log_word, best = np.full(count, NEVER), np.full(count, NEVER)
            number = np.full(count, -1, np.int32)
            np.maximum.at(best, node, weights[rows])
            ends = lengths[rows] == depth + 1
            log_word[node[ends]], number[node[ends]] = weights[rows[ends]], rows[ends]
            first = np.searchsorted(parent[rows[starts]], np.arange(parents + 1)).astype(np.int32)
            levels.append(Level(table[rows[starts], depth], first, log_word, best, number))
            parent = np.full(len(chosen), -1, np.int32)
            parent[rows] = node
            parents = count
        return cls(chosen, tuple(levels))


class Vocabulary:
    """The words of a language, and how letters follow one another in it.

    Attributes:
        trie: the words with their log probabilities.
    """

    def __init__(self, words: Sequence[str], frequencies: Sequence[float]) -> None:
        """Take words, as `Trie.build` does, and how often they are used relative to one another."""
        shares = np.array(frequencies) / np.sum(frequencies)
        self.trie = Trie.build(words, np.log(shares))
        self._follows = _count_trigrams(_as_table(self.trie.words))

    @classmethod
    def read(cls, path: Path) -> Vocabulary:
        """Read the file that the stage `vocabulary` writes: a word, a tab and its frequency in each line.

        Raises:
            ServiceError: it is missing or something else.
        """
        words: list[str] = []
        frequencies: list[float] = []
        try:
            with path.open(encoding="ascii") as lines:  # one at a time: all of them would take as much memory again
                for word, frequency in (line.split("\t") for line in lines if not line.startswith("#")):
                    words.append(word)
                    frequencies.append(float(frequency))
        except OSError as error:
            raise ServiceError(f"{path}: there is no vocabulary to read ({error.strerror}). {_MAKE_AGAIN}") from None
        except ValueError:
            raise ServiceError(f"{path}: the file is no vocabulary of words and frequencies. {_MAKE_AGAIN}") from None
        if not words or len(set(words)) < len(words) or not all(map(is_word, words)) or min(frequencies) <= 0:
            raise ServiceError(f"{path}: a word is no word, comes twice, or is never used. {_MAKE_AGAIN}")
        return cls(words, frequencies)

    def spelling(self, letters: str) -> float:
        """Give the log probability of letters as a word that nobody has heard of, by how letters follow in words."""
        codes = [_END, _END, *(LETTERS.index(letter) for letter in letters), _END]
        return float(self._follows[codes[:-2], codes[1:-1], codes[2:]].sum())


def open_vocabulary(settings: Settings) -> Vocabulary | None:
    """Open the vocabulary that the settings name, or the Bento's; None if it has none.

    Raises:
        ServiceError: it is missing or damaged.
    """
    if not settings.vocabulary and not BUNDLED.is_file():
        return None
    return Vocabulary.read(Path(settings.vocabulary or BUNDLED))


def is_word(text: str) -> bool:
    """Whether a text can be in a vocabulary."""
    return 1 <= len(text) <= LONGEST and not text.strip(LETTERS)


def _as_table(words: Sequence[str]) -> npt.NDArray[np.int8]:
    """Write words as (W, L) numbers of their letters, -1 behind a word's end."""
    width = max(map(len, words))
    raw = np.array([word.encode("ascii") for word in words], f"S{width}").view(np.uint8).reshape(len(words), width)
    return np.where(raw > 0, raw.astype(np.int16) - ord("A"), -1).astype(np.int8)


def _count_trigrams(table: npt.NDArray[np.int8]) -> Floats:
    """Estimate log probabilities of a letter after two others, (27, 27, 27); 26 is a word's begin and end.

    Each distinct word counts once: what is not in the vocabulary resembles its rare words more than `THE`.
    """
    padded = np.pad(table, ((0, 0), (2, 1)), constant_values=-1)
    padded[padded < 0] = _END
    counts = np.zeros((_END + 1,) * 3)
    lengths = (table >= 0).sum(axis=1)
    for place in range(table.shape[1] + 1):
        rows = lengths >= place
        np.add.at(counts, tuple(padded[rows, place + step] for step in range(3)), 1.0)
    pairs = counts.sum(axis=0)
    single = (pairs.sum(axis=0) + 1.0) / (pairs.sum() + _END + 1)
    double = (pairs + _BACK_OFF * single) / (pairs.sum(axis=1, keepdims=True) + _BACK_OFF)
    triple = (counts + _BACK_OFF * double) / (counts.sum(axis=2, keepdims=True) + _BACK_OFF)
    return np.asarray(np.log(triple), np.float32)
