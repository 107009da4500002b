"""The benchmark of words: films of photographs show what they say, and words are counted right."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.photo_films import CALM, FAST, film_words, read_people
from benchmarks.votes import edit_distance
from benchmarks.words import LISTS, Read, spell, summarise
from service.smoothing import SmoothingParameters
from service.words import Reading
from stages.errors import InputError
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import synthesize_hands


@pytest.fixture
def people(tmp_path):
    """Two synthetic people with six photographs of each letter; the second has no E."""
    hands = synthesize_hands(read_handshapes(), signers=2, samples_per_letter=6, seed=1, non_letters=0)
    kept = (hands.signers == hands.signers[0]) | (hands.labels != "E")
    path = tmp_path / "two.npz"
    np.savez(path, landmarks=hands.landmarks[kept], labels=hands.labels[kept], signers=hands.signers[kept])
    return read_people([path], sorted(set(hands.labels.tolist())))


def test_what_is_enrolled_is_never_shown(people):
    for person in people:
        for letter, shown in person.shown.items():
            enrolled = {photograph.tobytes() for photograph in person.enrolled[letter]}
            assert enrolled.isdisjoint(photograph.tobytes() for photograph in shown)


def test_a_word_is_spelled_by_somebody_who_has_its_letters(people):
    films = film_words(["LED", "BAD", "BED", "DAB"], people, CALM, 15.0)
    assert [film.person for film in films] == [people[0].name, people[1].name, people[0].name, people[1].name]
    with pytest.raises(InputError, match="letters of JAM"):
        film_words(["JAM"], people, CALM, 15.0)


@pytest.mark.parametrize("rate", [15.0, 30.0])
def test_the_hand_is_away_before_an_equal_letter_and_after_a_word(people, rate):
    (film,) = film_words(["ALL"], people, CALM, rate)
    found = ~np.isnan(film.landmarks[:, 0, 0])
    gaps = np.flatnonzero(np.diff(found.astype(int)))
    away = [(film.times[a], film.times[b]) for a, b in zip(gaps[1::2], gaps[2::2], strict=False)]
    assert any(0.35 < end - begin < 0.9 for begin, end in away)
    assert not found[film.times > film.times[-1] - 1.0].any()
    assert np.diff(film.times) == pytest.approx(1 / rate)


def test_a_fast_speller_shows_five_letters_a_second(people):
    (film,) = film_words(["COUNTRY"], people, FAST, 30.0)
    assert (~np.isnan(film.landmarks[:, 0, 0])).sum() / 30 == pytest.approx(7 / 5, rel=0.15)


def test_a_film_gives_what_a_stream_gives(people):
    (film,) = film_words(["ABBA"], people, CALM, 15.0)
    rows = np.full((len(film.times), 3), np.nan, np.float32)
    seen = ~np.isnan(film.landmarks[:, 0, 0])
    rows[seen] = [0.9, 0.05, 0.05]
    segments, text = spell(film, rows, ("A", "B", "nothing"), SmoothingParameters(hold=0.2))
    assert text == "AA", "the hand is away once"
    assert [each.committed for each in segments] == [True, True]


@pytest.mark.parametrize(
    ("text", "word", "edits"),
    [("", "ABC", 3), ("ABC", "ABC", 0), ("ABD", "ABC", 1), ("BC", "ABC", 1), ("XABC", "ABC", 1)],
)
def test_edits_are_counted(text, word, edits):
    assert edit_distance(text, word) == edits


def test_words_are_counted(people):
    films = film_words(["ALL", "BALL", "CAT", "DOG"], people, CALM, 15.0)

    def found(text, accepted):
        return Read(text, Reading(((accepted or text, 0.9),), (text, 0.1), accepted))

    of = summarise(films, [found("ALL", None), found("BLL", "BALL"), found("CAT", "CUT"), Read("", None)])
    assert (of.exact_as_read, of.exact, of.changed, of.among_three) == (0.5, 0.5, 1, 0.5)
    assert of.errors_as_read == pytest.approx(4 / 13)
    assert of.errors == pytest.approx(4 / 13)


def test_the_lists_are_of_200_words_that_stand_still():
    for path in LISTS.values():
        words = path.read_text().split()
        assert len(words) == len(set(words)) == 200
        assert all(word.isascii() and word.isalpha() and word.isupper() and not set(word) & set("JZ") for word in words)
