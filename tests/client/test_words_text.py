"""The text as words: how it grows, ends, is taken back and corrected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.stream.reply import Reply, Segment
from client.words.text import Text, Word, read_text, spell


def weak(letter):
    return Segment(((letter, 0.4),), 0.1, committed=False)


def text_of(words, *segments):
    """A text whose current word has these segments: upper case is committed, lower case is weak."""
    text = read_text(words)
    for letter in segments:
        text = text.add(Segment.certain(letter) if letter.isupper() else weak(letter.upper()))
    return text


SEGMENTS = st.lists(st.builds(weak, st.sampled_from("ABC")) | st.builds(Segment.certain, st.sampled_from("ABC")))
TEXTS = st.builds(
    Text,
    st.lists(st.builds(lambda letters, accepted: Word(spell(letters), accepted), st.text("ABC", min_size=1),
                       st.text("ABC"))).map(tuple),
    SEGMENTS.map(tuple),
)  # fmt: skip


@pytest.mark.parametrize(
    ("before", "accepted", "after"),
    [
        (text_of("HELLO WORKD"), "WORLD", "HELLO WORLD "),
        (text_of("HELLO WORKD"), "", "HELLO WORKD "),
        (text_of("", "H", "i"), "", "H "),
        (text_of("", "h", "i"), "HI", "HI "),
        (text_of("HELLO ", "h", "i"), "", "HELLO "),
        (text_of("HELLO "), "", "HELLO "),
        (text_of(""), "", ""),
    ],
)
def test_a_word_ends_with_one_space(before, accepted, after):
    ended = before.end_word(accepted)
    assert str(ended) == after
    assert ended.end_word() == ended
    assert not ended.current


def test_the_letters_of_the_last_word_come_back_and_go_again():
    text = text_of("HELLO WORKD").end_word("WORLD").add(Segment.certain("A"))
    assert text.words[-1].is_replaced
    assert (str(text), str(text.as_read()), str(text.as_read().as_read())) == (
        "HELLO WORLD A",
        "HELLO WORKD A",
        "HELLO WORLD A",
    )


@pytest.mark.parametrize("accepted", ["", "WORKD"])
def test_a_word_that_replaced_nothing_has_no_letters_to_bring_back(accepted):
    text = text_of("HELLO WORKD").end_word(accepted)
    assert not text.words[-1].is_replaced
    assert text.as_read() is text


@pytest.mark.parametrize(
    ("text", "after"),
    [
        (text_of("", "H", "E"), "H"),
        (text_of("", "H", "E", "l", "l"), "H"),
        (text_of("HI "), "HI"),
        (text_of("HI ", "l"), "HI"),
        (text_of("", "l"), ""),
        (text_of(""), ""),
        (text_of("WORKD").end_word("WORLDS"), "WORLDS"),
        (text_of("WORKD").end_word("WORLDS").as_read(), "WORKD"),
    ],
)
def test_delete_takes_back_a_letter_or_the_space(text, after):
    assert str(text.delete()) == after


def test_what_was_replaced_is_deleted_letter_by_letter_as_it_is_shown():
    text = text_of("", "W", "o", "R", "K", "D").end_word("WORLD").delete()
    assert text.current == spell("WORLD")
    assert str(text.delete()) == "WORL"


def test_letters_that_stayed_keep_what_else_they_may_be():
    before = text_of("", "W", "o", "R")
    assert before.end_word().delete() == before


def test_a_letter_is_replaced_where_it_is_and_its_word_is_its_letters_again():
    text = text_of("AAA AAA")
    second = text.words[0].segments[1]
    assert str(text.replace_letter(second, Segment.certain("B"))) == "ABA AAA"
    ended = text_of("WORKD").end_word("WORLDS")
    last = ended.last_letter
    assert str(ended.replace_letter(last, Segment.certain("S"))) == "WORKS "
    assert ended.replace_letter(Segment.certain("D"), Segment.certain("S")) == ended, "another D"


@pytest.mark.parametrize(
    ("text", "letter"),
    [(text_of("HI", "x"), "I"), (text_of("HI ", "x"), "I"), (text_of("HI A"), "A"), (text_of("", "x"), None)],
)
def test_the_last_letter_may_be_in_the_word_before(text, letter):
    assert (text.last_letter and text.last_letter.letter) == letter


@pytest.mark.parametrize(
    ("before", "replaced", "after"),
    [
        (("H", "I"), "I", "H"),
        (("H", "I", "x"), "Ix", "H"),
        (("H", "D", "I"), "DI", "H"),
        (("H", "I"), "", "HI"),
        (("H", "I"), "D", "HI"),
        (("H", "I", "L"), "DL", "HI"),
        (("H",), "IH", ""),
        (("H", "i"), "I", "H"),
        ((), "I", ""),
    ],
)
def test_what_a_drawn_letter_replaces_leaves_the_end_of_the_word_up_to_what_has_changed(before, replaced, after):
    text = text_of("AI ", *before)
    assert str(text.take_back(text_of("", *replaced).current)) == f"AI {after}"
    assert text.take_back(()) == text


def test_a_late_answer_counts_for_the_word_that_it_is_about():
    text = text_of("WORKD").end_word()
    word = text.words[-1]
    assert str(text.accept(word, "WORLD")) == "WORLD "
    assert str(text_of("WORKD").end_word().accept(word, "WORLD")) == "WORKD ", "another word of the same letters"
    later = text.add(Segment.certain("A"))
    assert str(later.accept(word, "WORLD")) == "WORLD A"
    assert str(later.end_word().accept(word, "WORLD")) == "WORKD A "


@given(TEXTS)
def test_deleting_empties_any_text_letter_by_letter(text):
    while text != Text():
        shorter = text.delete()
        assert str(text).startswith(str(shorter))
        assert len(str(text)) - len(str(shorter)) <= 1
        assert shorter != text
        text = shorter


@given(TEXTS, st.text("ABC"))
def test_as_read_twice_changes_nothing_and_once_the_last_word_alone(text, accepted):
    text = text.end_word(accepted)
    other = text.as_read()
    assert other.as_read() == text
    assert other.words[:-1] == text.words[:-1]


@given(st.lists(st.text("ABC", min_size=1)).map(" ".join))
def test_a_text_taken_as_spelled_is_that_text(text):
    assert str(read_text(text)) == text


@pytest.mark.parametrize(
    ("reply", "letters"),
    [
        (Reply(0, "H", 0.9, "H", "H"), "H"),
        (Reply(0, "H", 0.9, "H", None), ""),
        (Reply(0, None, 0.0, None, "space"), ""),
        (Reply(0, "H", 0.9, "H", "H", 1.0, (weak("E"), Segment.certain("H"))), "EH"),
        (Reply(0, "H", 0.9, "H", None, 0.0, (weak("E"),)), "E"),
        (Reply(0, "H", 0.9, "H", "H", 1.0, (weak("E"),)), "EH"),
    ],
)
def test_a_committed_letter_of_an_older_service_is_a_segment(reply, letters):
    assert "".join(segment.letter for segment in reply.spelled) == letters
    assert [segment.committed for segment in reply.spelled].count(True) == (reply.committed == "H")
