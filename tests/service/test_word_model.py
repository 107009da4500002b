"""The word model: what is found is what an exhaustive search finds, and what was read survives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service import words
from service.errors import ServiceError
from service.segments import Segment
from service.vocabulary import Trie, Vocabulary
from service.words import read_word

FREQUENCIES = {
    "ALL": 2e-3, "A": 2e-2, "BALL": 1e-4, "LAB": 5e-5, "BALLAD": 2e-6, "HELLO": 1e-4, "WORLD": 4e-4, "WORD": 3e-4,
    "THE": 5e-2, "MINE": 1e-4, "NINE": 1e-4, "PEOPLE": 1e-3, "UP": 2e-3, "BEEN": 2e-3, "BEN": 3e-4,
}  # fmt: skip
VOCABULARY = Vocabulary([*FREQUENCIES], [*FREQUENCIES.values()])


def seen(letters):
    """Write a sure committed letter as a capital, a weak and unsure one as a small letter."""
    return [
        Segment(
            ((letter.upper(), 0.98 if letter.isupper() else 0.4),), 0.3 if letter.isupper() else 0.1, letter.isupper()
        )
        for letter in letters
    ]


def align(word, sight):
    """Find the log probability that a word looks like the segments, one cell at a time."""
    count = len(sight.noise)
    before = np.append(0.0, np.cumsum(sight.noise))
    for last, letter in zip(" " + word, word, strict=False):
        column = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(letter)
        after = before + (words.LOST_DOUBLE if letter == last else words.LOST)
        for row in range(count):
            after[row + 1] = max(
                after[row + 1], before[row] + sight.letters[row, column], after[row] + sight.more[row, column]
            )
        before = after
    return before[-1]


segments = st.lists(
    st.builds(
        lambda letters, seconds, committed: Segment(
            tuple((letter, share) for letter, share in zip(letters, (0.5, 0.3, 0.1), strict=False)), seconds, committed
        ),
        st.lists(st.sampled_from("ABCELOP"), min_size=1, max_size=3, unique=True),
        st.floats(0, 2),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)
some_words = st.lists(st.text("ABCELOP", min_size=1, max_size=5), min_size=1, max_size=20, unique=True)


@given(segments, some_words, st.data())
@settings(max_examples=200)
def test_the_search_finds_what_an_exhaustive_one_finds(shown, known, data):
    log_p = [data.draw(st.floats(-20, -1)) for _ in known]
    sight = words._Sight.of(shown)
    exact = {word: align(word, sight) + words.FREQUENCY * weight for word, weight in zip(known, log_p, strict=True)}
    close = {word: score for word, score in exact.items() if score > max(exact.values()) - words._BEAM + 0.01}
    found = dict(sight.search(Trie.build(known, log_p)))
    assert close.items() <= {word: pytest.approx(found.get(word), abs=1e-2) for word in close}.items()
    assert found.keys() <= exact.keys()


@given(segments, st.lists(st.text("ABCELOP", min_size=1, max_size=8), max_size=5))
def test_probabilities_are_shares_best_first(shown, own):
    reading = read_word(shown, VOCABULARY, own)
    shares = [share for _, share in reading.words]
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 1 + 1e-6
    assert 0 <= reading.as_read[1] <= 1
    assert reading.as_read[0] == "".join(each.alternatives[0][0] for each in shown if each.committed)
    assert reading.accepted in (None, reading.words[0][0])


@pytest.mark.parametrize("word", [word for word in FREQUENCIES if len(word) > 1])
def test_a_word_that_is_read_surely_stays(word):
    reading = read_word(seen(word), VOCABULARY)
    assert reading.words[0][0] == word
    assert reading.accepted is None


@pytest.mark.parametrize(
    ("shown", "word"),
    [
        ("HELLo", "HELLO"),
        ("WoRLD", "WORLD"),
        ("PEOpLE", "PEOPLE"),
        ("wORLD", "WORLD"),
        ("hello", "HELLO"),
        ("BEeN", "BEEN"),
    ],
)
def test_weak_and_lost_letters_are_found(shown, word):
    assert read_word(seen(shown), VOCABULARY).accepted == word


@pytest.mark.parametrize("name", ["OWEN", "KAROL", "ZOE", "ABEBE"])
def test_a_name_that_is_read_surely_survives(name):
    reading = read_word(seen(name), VOCABULARY)
    assert reading.accepted is None
    assert reading.words[0] == (name, pytest.approx(reading.as_read[1]))


def test_a_single_letter_stays():
    assert all(read_word(seen(letter), VOCABULARY).accepted is None for letter in "ABLU")


def test_words_of_the_signer_are_known():
    shown = [*seen("S"), Segment((("T", 0.5), ("V", 0.2)), 0.1, committed=False), *seen("EN")]
    assert read_word(shown, VOCABULARY, ["SVEN"]).words[0][0] == "SVEN"


def test_equal_letters_may_be_seen_once_but_cost_something():
    once, twice = (dict(read_word(seen(letters), VOCABULARY).words) for letters in ("BEN", "BEEN"))
    assert once["BEN"] > once["BEEN"]
    assert twice["BEEN"] > twice.get("BEN", 0.0)


def test_a_letter_of_which_nothing_is_known_may_be_any():
    shown = [*seen("W"), Segment((("A", 0.0),), 0.1, committed=False), *seen("RLD")]
    assert read_word(shown, VOCABULARY).words[0][0] == "WORLD"


@pytest.mark.parametrize("count", [1, 2, 64])
def test_the_longest_words_are_read(count):
    assert read_word(seen("A" * count), VOCABULARY).as_read[0] == "A" * count


@pytest.mark.parametrize(
    "content", ["", "WORD", "WORD\tx", "word\t0.1", "WORD\t0.1\nWORD\t0.2", "WORD\t0", "WÖRD\t0.1", "A" * 65 + "\t0.1"]
)
def test_what_is_no_vocabulary_is_refused(tmp_path, content):
    path = tmp_path / "vocabulary.tsv"
    path.write_text(content)
    with pytest.raises(ServiceError, match=r"vocabulary\.tsv: .* Make it again: dvc repro vocabulary"):
        Vocabulary.read(path)


@given(some_words)
def test_a_trie_has_every_word_once(known):
    trie = Trie.build(known, np.arange(-1.0, -1.0 - len(known), -1.0))
    found = [trie.words[word] for level in trie.levels for word in level.words if word >= 0]
    assert sorted(found) == sorted(known)
    for level, following in itertools.pairwise(trie.levels):
        assert following.first[-1] == len(following.letters)
        assert len(following.first) == len(level.letters) + 1
