"""From the letters of one word, as they were seen, to the words that they may be.

A noisy channel: how likely a word is, times how likely its spelling looks like the segments. Segments are aligned to
spellings as in an edit distance: a letter is seen as one segment or as several in a row, a letter may be lost, a
segment may be of no letter. The letters as they were read compete as a word that nobody has heard of, by how letters
follow one another, so that names survive. `docs/words.md` says how the numbers here were chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from service.vocabulary import LETTERS, Trie

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.segments import Segment
    from service.vocabulary import Vocabulary

    Floats = npt.NDArray[np.float32]

ACCEPT: Final = 0.5
"""Least probability of a word that replaces the letters as they were read."""
SHOWN: Final = 5
"""Words that are returned."""

OTHER: Final = 0.02
"""Probability that a letter is taken for any other one, whatever the network believes."""
ALIKE: Final = 0.05
"""Probability that it is taken for one that is signed alike."""
SHARPNESS: Final = 0.83
"""Exponent of the network's probabilities: below 1 it is believed less."""
LOST: Final = -7.0
"""Log probability that a letter is not seen, and that the second of two equal letters is not."""
LOST_DOUBLE: Final = -2.0
COMMITTED_NOISE: Final = -7.5
"""Log probability that a committed letter was none."""
WEAK_NOISE: Final = -1.2
"""The same of a weak letter of one frame interval, and for each e-fold of its length."""
LONGER_NOISE: Final = -0.5
SPLIT: Final = -3.7
"""Log probability that a letter is seen as one more segment."""
FREQUENCY: Final = 0.5
"""Exponent of a word's frequency: below 1 rare words are believed more."""
UNKNOWN: Final = -2.3
"""Log probability that a word is not in the vocabulary."""
OWN: Final = -8.0
"""Log probability, before that exponent, of a word of the signer's own."""

_GROUPS: Final = ("AEMNST", "STNX", "KRUV", "GHPQ", "CEO", "DGLX", "IY", "BF", "DR")
"""Letters that are signed alike."""
_INTERVAL: Final = 1 / 15
"""Seconds from frame to frame of an ordinary camera."""
_BEAM: Final = 14.0
"""A beginning is dropped if no word that it can become is within this log probability of the best word so far."""
_WIDTH: Final = 1500
"""Beginnings of one length that are kept."""


@dataclass(frozen=True)
class Reading:
    """What a word's letters may be."""

    words: tuple[tuple[str, float], ...]
    """The likeliest words and their probabilities, best first."""
    as_read: tuple[str, float]
    """The committed letters and the probability that they are the word."""
    accepted: str | None
    """The word that replaces them; None if none is likely enough."""


def read_word(segments: Sequence[Segment], vocabulary: Vocabulary, own: Sequence[str] = ()) -> Reading:
    """Find the words that one word's segments may be.

    Args:
        segments: at least one, in their order; their letters are of A to Z.
        vocabulary: the words of the language.
        own: words of the signer's, of A to Z.
    """
    as_read = "".join(each.alternatives[0][0] for each in segments if each.committed)
    seen = "".join(each.alternatives[0][0] for each in segments)
    extra: dict[str, float] = dict.fromkeys(own, OWN)
    for letters in {as_read, seen} - {""}:
        extra[letters] = float(
            np.logaddexp(extra.get(letters, -np.inf), UNKNOWN / FREQUENCY + vocabulary.spelling(letters))
        )
    sight = _Sight.of(segments)
    scores: dict[str, float] = {}
    for trie in (vocabulary.trie, Trie.build([*extra], [*extra.values()])):
        for word, score in sight.search(trie):
            scores[word] = float(np.logaddexp(scores.get(word, -np.inf), score))
    ranked = sorted(scores, key=lambda word: (-scores[word], word))
    highest = scores[ranked[0]]
    likely = {word: float(np.exp(scores[word] - highest)) for word in ranked}
    total = sum(likely.values())
    words = tuple((word, likely[word] / total) for word in ranked[:SHOWN])
    best, probability = words[0]
    accepted = best if best != as_read and probability >= ACCEPT and len(segments) > 1 and len(best) > 1 else None
    return Reading(words, (as_read, likely.get(as_read, 0.0) / total), accepted)


@dataclass(frozen=True)
class _Sight:
    """The log probabilities of what was seen, N segments of 26 letters."""

    letters: Floats
    """(N, 26) that each segment shows each letter."""
    more: Floats
    """(N, 26) that it is no letter, or shows the letter before it once more."""
    noise: Floats
    """(N,) that it is no letter."""

    @classmethod
    def of(cls, segments: Sequence[Segment]) -> _Sight:
        belief = np.zeros((len(segments), len(LETTERS)))
        for row, segment in enumerate(segments):
            for letter, probability in segment.alternatives:
                belief[row, LETTERS.index(letter)] = probability**SHARPNESS
        belief /= np.maximum(belief.sum(axis=1, keepdims=True), 1e-9)
        letters = np.log((1 - OTHER - ALIKE) * belief + ALIKE * belief @ _ALIKE + OTHER / len(LETTERS))
        noise = np.array(
            [
                COMMITTED_NOISE
                if each.committed
                else WEAK_NOISE + LONGER_NOISE * np.log(max(each.seconds / _INTERVAL, 1.0))
                for each in segments
            ]
        )
        more = np.maximum(noise[:, None], letters + SPLIT)
        return cls(*(part.astype(np.float32) for part in (letters, more, noise)))

    def search(self, trie: Trie) -> list[tuple[str, float]]:
        """Find the words of a trie that look like the segments, and their log probabilities.

        A beam search, one letter of all words at a time. `state[i]` of a beginning is the log probability that it
        looks like the first i segments; `rest[i]` is the best that the others can add.
        """
        rest = np.append(np.cumsum(np.maximum(self.letters.max(axis=1), self.noise)[::-1])[::-1], 0.0)
        state = np.append(0.0, np.cumsum(self.noise)).astype(np.float32)[:, None]
        kept, last = np.zeros(1, np.int64), np.array([-1])
        found: list[tuple[str, float]] = []
        highest = -np.inf
        for level in trie.levels:
            parents, nodes = _children(level.first, kept)
            if not len(nodes):
                break
            letters = level.letters[nodes]
            state = self._spell(state[:, parents], letters, letters == last[parents])
            score = state[-1] + FREQUENCY * level.log_p[nodes]
            highest = max(highest, float(score.max()))
            able = np.flatnonzero((score > highest - _BEAM) & (level.words[nodes] >= 0))
            found += zip((trie.words[word] for word in level.words[nodes[able]]), score[able].tolist(), strict=True)
            bound = (state + rest[:, None]).max(axis=0) + FREQUENCY * level.best[nodes]
            beam = np.flatnonzero(bound > highest - _BEAM)
            if len(beam) > _WIDTH:
                beam = np.sort(beam[np.argpartition(-bound[beam], _WIDTH)[:_WIDTH]])
            kept, last, state = nodes[beam], letters[beam], state[:, beam]
        return [(word, score) for word, score in found if score > highest - _BEAM]

    def _spell(self, before: Floats, letters: npt.NDArray[np.int8], doubled: npt.NDArray[np.bool_]) -> Floats:
        """Append a letter to each of K beginnings; `before` is (N + 1, K)."""
        after: Floats = before + np.where(doubled, np.float32(LOST_DOUBLE), np.float32(LOST))
        np.maximum(after[1:], before[:-1] + self.letters[:, letters], out=after[1:])
        more = self.more[:, letters]
        for row in range(len(more)):
            np.maximum(after[row + 1], after[row] + more[row], out=after[row + 1])
        return after


def _children(first: npt.NDArray[np.int32], kept: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], ...]:
    """List the prefixes that continue those that were kept: which of these each one continues, and its number."""
    begins = first[kept]
    counts = first[kept + 1] - begins
    parents = np.repeat(np.arange(len(kept)), counts)
    within = np.arange(len(parents)) - np.repeat(np.cumsum(counts) - counts, counts)
    return parents, begins[parents] + within


def _count_alike() -> npt.NDArray[np.float64]:
    """Say with which probability a letter is taken for each other one that is signed alike: (26, 26)."""
    table = np.zeros((len(LETTERS),) * 2)
    for group in _GROUPS:
        rows = [LETTERS.index(letter) for letter in group]
        table[np.ix_(rows, rows)] = 1.0
    np.fill_diagonal(table, 0.0)
    return np.asarray(table / np.maximum(table.sum(axis=1, keepdims=True), 1.0))


_ALIKE: Final = _count_alike()
