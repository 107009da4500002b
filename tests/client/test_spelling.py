"""Spelling: letters become words when the hand is away, by keys and by choosing; off, they stay letters."""

from __future__ import annotations

import io
import threading
import time

import pytest

from client.status import Status
from client.stream.reply import Reply, Segment
from client.stream.words_request import Candidates
from client.words.completion import Completion
from client.words.spelling import Spelling
from client.words.text import Text, read_text

WORDS = {"WORKD": ("WORLD", "WORKED", "WORD", "WORK"), "HELO": ("HELLO",), "WORKS": ("WORKS",)}


class Speller:
    """Spells to a service that knows a few words, a frame every tenth of a second."""

    def __init__(self, *, is_on=True, background=False, text=""):
        self.asked, self.seconds, self.goes = [], 0.0, threading.Event()
        self.goes.set()
        completion = Completion(self.find, Status(io.StringIO()), background=background)
        self.spelling = Spelling(read_text(text), completion, is_on=is_on)

    def find(self, query):
        self.asked.append(query)
        self.goes.wait(30)
        letters = "".join(segment.letter for segment in query.segments)
        words = WORDS.get(letters, ())
        return Candidates(words, words[0] if words else "")

    @property
    def text(self):
        return str(self.spelling.text)

    def show(self, *segments, has_hand=True, committed=None, replaced=()):
        self.seconds += 0.1
        reply = Reply(0, None, 0.0, None, committed, 0.0, segments, replaced)
        return self.spelling.see(reply, self.seconds, has_hand=has_hand)

    def spell(self, letters):
        for letter in letters:
            self.show(Segment.certain(letter))

    def leave(self, seconds):
        """Take the hand away for a time; returns the words that end meanwhile."""
        ended = [self.show(has_hand=False) for _ in range(round(seconds * 10))]
        return [(word.as_read, word.shown) for word in ended if word is not None]


def test_a_hand_that_is_away_ends_the_word_once():
    speller = Speller()
    speller.spell("HELO")
    assert speller.leave(0.9) == []
    speller.spell("")
    assert speller.leave(0.2) == [("HELO", "HELLO")]
    assert speller.leave(3.0) == []
    assert speller.text == "HELLO "


def test_a_hand_that_is_away_for_less_ends_nothing():
    speller = Speller()
    for letter in "WORKD":
        speller.spell(letter)
        assert speller.leave(0.9) == []
    assert speller.text == "WORKD"


def test_a_word_that_is_reopened_while_the_hand_is_away_stays_open_until_it_is_away_again():
    speller = Speller()
    speller.spell("HELO")
    speller.leave(2.0)
    speller.spelling.delete(5.0)
    assert (speller.leave(2.0), speller.text) == ([], "HELLO")
    speller.show()
    assert (speller.leave(1.5), speller.text) == ([("HELLO", "HELLO")], "HELLO ")


def test_space_ends_the_word_and_no_second_space_follows():
    speller = Speller(text="A ")
    speller.spell("WORKD")
    speller.spelling.end_word()
    speller.spelling.end_word()
    speller.leave(2.0)
    assert speller.text == "A WORLD "


def test_candidates_are_those_of_the_current_state_and_three_at_most():
    speller = Speller(text="THE LAST WORDS OF ")
    speller.spell("WORKD")
    assert (speller.spelling.candidates, speller.spelling.accepted) == (("WORLD", "WORKED", "WORD"), "WORLD")
    assert [len(query.segments) for query in speller.asked] == [1, 2, 3, 4, 5]
    speller.spell("S")
    assert speller.spelling.candidates == ()


@pytest.mark.parametrize(("number", "text"), [(2, "WORKED "), (4, "WORKD"), (0, "WORKD")])
def test_a_candidate_is_taken_by_its_number(number, text):
    speller = Speller()
    speller.spell("WORKD")
    speller.spelling.choose(number)
    assert speller.text == text


def test_a_weak_letter_alone_comes_out_only_as_a_word_that_is_accepted():
    speller = Speller()
    for letter in "HELO":
        speller.show(Segment(((letter, 0.4),), 0.1, committed=False))
    assert speller.text == ""
    assert speller.leave(1.5) == [("", "HELLO")]
    speller.show(Segment((("X", 0.4),), 0.1, committed=False))
    assert speller.leave(1.5) == []
    assert speller.text == "HELLO "


def test_switched_off_letters_stay_letters_and_nothing_is_asked():
    speller = Speller(is_on=False)
    speller.spell("HELO")
    assert speller.leave(3.0) == []
    speller.spelling.end_word()
    speller.spell("HI")
    for seconds in (5.0, 5.1):
        speller.spelling.delete(seconds)
    speller.spelling.conclude()
    assert (speller.text, speller.asked) == ("HELO ", [])
    speller.spelling.switch()
    speller.spell("HELO")
    assert speller.spelling.candidates == ("HELLO",)


def test_labels_of_some_data_sets_are_heeded():
    speller = Speller()
    speller.spell("HELO")
    word = speller.show(committed="space")
    assert (word.shown, speller.text) == ("HELLO", "HELLO ")
    speller.show(committed="del")
    speller.show(committed="nothing")
    assert speller.text == "HELLO"


def test_the_second_delete_at_once_takes_back_the_word_and_a_third_the_space():
    speller = Speller(text="HELLO WORLD")
    for seconds, text in ((1.0, "HELLO WORL"), (1.2, "HELLO "), (1.3, "HELLO"), (1.8, "HELL"), (2.1, "")):
        speller.spelling.delete(seconds)
        assert speller.text == text


def test_a_drawn_letter_takes_the_place_of_those_that_its_movement_looked_like():
    speller, other = Speller(), Segment((("X", 0.4),), 0.1, committed=False)
    read, drawn = (
        Segment((("I", 0.9), ("Y", 0.1)), 0.3, committed=True),
        Segment((("J", 0.8), ("I", 0.2)), 0.9, committed=True),
    )
    speller.spell("HO")
    speller.show(read)
    speller.show(other)
    speller.show(drawn, replaced=(read, other), committed="J")
    assert speller.text == "HOJ"
    assert [segment.letter for segment in speller.asked[-1].segments] == list("HOJ")


def test_what_the_signer_has_corrected_or_deleted_meanwhile_stays_so():
    read, drawn = Segment((("I", 0.9),), 0.3, committed=True), Segment.certain("J")
    for change, text in (
        (lambda spelling: spelling.delete(1.0), "HJ"),
        (lambda spelling: spelling.end_word(), "HI J"),
        (lambda spelling: spelling.correct(spelling.text.last_letter, "Y"), "HYJ"),
    ):
        speller = Speller()
        speller.spell("H")
        speller.show(read)
        change(speller.spelling)
        speller.show(drawn, replaced=(read,), committed="J")
        assert speller.text == text


def test_a_corrected_letter_is_certain_and_the_service_is_asked_anew():
    speller = Speller()
    speller.spell("WORKD")
    speller.spelling.correct(speller.spelling.text.last_letter, "S")
    assert (speller.text, speller.spelling.candidates) == ("WORKS", ("WORKS",))
    speller.spelling.end_word()
    last = speller.spelling.text.last_letter
    corrected = speller.spelling.correct(last, "D")
    assert speller.text == "WORLD ", "in a word that has ended, too"
    speller.spelling.put(corrected, last)
    assert speller.text == "WORKS "


def test_the_run_ends_the_word_with_the_answer_to_it():
    speller = Speller(background=True)
    speller.spelling.text = read_text("THE WORKD")
    speller.spelling.conclude()
    assert speller.text == "THE WORLD "


def test_an_answer_that_comes_after_the_word_has_ended_still_counts():
    speller = Speller(background=True)
    speller.goes.clear()
    speller.spell("WORKD")
    assert speller.leave(1.2) == [("WORKD", "WORKD")]
    assert speller.text == "WORKD "
    speller.goes.set()
    deadline = time.monotonic() + 30
    while speller.text != "WORLD ":
        assert time.monotonic() < deadline
        speller.spelling.update()


@pytest.mark.parametrize("text", [Text(), read_text("A" * 65), read_text("Ä"), read_text("AB5")])
def test_what_the_service_does_not_take_is_not_asked(text):
    speller = Speller()
    speller.spelling.replace(text)
    speller.spelling.conclude()
    assert speller.asked == []
