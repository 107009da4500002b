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

LIKELIER: Final = 8.0
"""A word replaces the letters as they were read if it is so many times likelier than they are."""
LEAST: Final = 0.2
"""And if its probability is at least this."""
SHOWN: Final = 5
"""Words that are returned."""

OTHER: Final = 0.02
"""Probability that a letter is taken for any other one, whatever the network believes."""
ALIKE: Final = 0.013
"""Probability that it is taken for one that is signed alike."""
CONFUSED: Final = 0.5
"""Factor on the shares of `_CONFUSIONS`: other people's letters are confused less in the same way."""
SHARPNESS: Final = 0.7
"""Exponent of the network's probabilities: below 1 it is believed less."""
LOST: Final = -6.5
"""Log probability that a letter is not seen, and that the second of two equal letters is not."""
LOST_DOUBLE: Final = -2.0
COMMITTED_NOISE: Final = -6.2
"""Log probability that a committed letter was none."""
WEAK_NOISE: Final = -2.4
"""The same of a weak letter of one frame interval, and for each e-fold of its length."""
LONGER_NOISE: Final = -1.2
SPLIT: Final = -5.8
"""Log probability that a letter is seen as one more segment."""
FREQUENCY: Final = 0.53
"""Exponent of a word's frequency: below 1 rare words are believed more."""
UNKNOWN: Final = -3.0
"""Log probability that a word is not in the vocabulary."""
OWN: Final = -8.0
"""Log probability, before that exponent, of a word of the signer's own."""

_GROUPS: Final = ("AEMNST", "STNX", "KRUV", "GHPQ", "CEO", "DGLX", "IY", "BF", "DR")
"""Letters that are signed alike."""
_CONFUSIONS: Final = {
    "N": {"S": 0.24}, "C": {"O": 0.17}, "M": {"S": 0.16, "E": 0.05}, "T": {"S": 0.11}, "P": {"H": 0.09, "G": 0.09},
    "R": {"U": 0.09}, "K": {"X": 0.09}, "Y": {"A": 0.05},
}  # fmt: skip
"""How often the network takes a letter for another one, if it does so for several people of the development set."""
_INTERVAL: Final = 1 / 15
"""Seconds from frame to frame of an ordinary camera."""
_BEAM: Final = 14.0
"""A beginning is dropped if no word that it can become is within this log probability of the best word so far."""
_WIDTH: Final = 500
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
    scores = _score(segments, as_read, vocabulary, own)
    highest = max(scores.values())
    likely = {word: float(np.exp(score - highest)) for word, score in scores.items()}
    total = sum(likely.values())
    share = {word: of / total for word, of in likely.items()}
    of_read = share.get(as_read, 0.0)
    words = sorted(((word, of) for word, of in share.items() if word), key=lambda item: (-item[1], item[0]))[:SHOWN]
    best, of_best = words[0]
    replaces = best != as_read and of_best >= max(LEAST, LIKELIER * of_read) and min(len(segments), len(best)) > 1
    return Reading(tuple(words), (as_read, of_read), best if replaces else None)


def _score(segments: Sequence[Segment], as_read: str, vocabulary: Vocabulary, own: Sequence[str]) -> dict[str, float]:
    """Give log probabilities of words: the vocabulary's, the signer's own, and the letters themselves."""
    seen = "".join(each.alternatives[0][0] for each in segments)
    extra = dict.fromkeys(own, OWN)
    for letters in {as_read, seen} - {""}:
        unknown = UNKNOWN / FREQUENCY + vocabulary.spelling(letters)
        extra[letters] = float(np.logaddexp(extra.get(letters, -np.inf), unknown))
    sight = _Sight.of(segments)
    # If no letter was committed, the hand may just have moved.
    scores = {} if as_read else {"": float(sight.noise.sum())}
    for trie in (vocabulary.trie, Trie.build([*extra], [*extra.values()])):
        for word, score in sight.search(trie):
            scores[word] = float(np.logaddexp(scores.get(word, -np.inf), score))
    return scores


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
        belief[belief.sum(axis=1) == 0.0] = 1.0  # nothing is known
        belief /= belief.sum(axis=1, keepdims=True)
        letters = np.log(belief @ _SEEN_AS.T)
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


_CONFUSED: Final = np.array([[_CONFUSIONS.get(letter, {}).get(seen, 0.0) for seen in LETTERS] for letter in LETTERS])
_SEEN_AS: Final = (
    (1 - OTHER - ALIKE) * np.eye(len(LETTERS)) + ALIKE * _count_alike() + CONFUSED * _CONFUSED + OTHER / len(LETTERS)
)
"""(26, 26) weights: for each letter what it may be seen as."""
