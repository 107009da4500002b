"""Spelling: what replies, keys and an absent hand do to the text, and the candidates for the current word."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from client.stream.reply import Segment
from client.stream.words_request import MOST_SEGMENTS, Query
from client.words.own_words import is_word
from client.words.text import Text, Word

if TYPE_CHECKING:
    from client.stream.reply import Reply
    from client.stream.words_request import Candidates
    from client.words.completion import Completion

AWAY: Final = 1.0
"""Seconds without a hand that end a word."""
TWICE: Final = 0.4
"""Seconds within which a second Delete takes back the whole word."""
STEPS: Final = 50
"""Changes of the text that can be undone."""
CHOICES: Final = 3
"""Candidates that can be chosen."""


class Spelling:
    """Keeps the text. Of the times passed in, those of frames and those of keys may have clocks of their own."""

    def __init__(self, text: Text | None = None, completion: Completion | None = None, *, is_on: bool = True) -> None:
        """Start with a text.

        Args:
            text: what has been spelled so far.
            completion: who knows words; None: nobody, so letters stay as they are read.
            is_on: whether letters become words; else they stay letters, and spaces come from keys alone.
        """
        self._text = Text() if text is None else text
        self._past: deque[Text] = deque(maxlen=STEPS)
        """The text before each of the last changes that show, the oldest first."""
        self.is_on = is_on
        self._completion = completion
        self._seen = float("-inf")
        """When a hand was last seen."""
        self._is_away = True
        """Whether the hand has been away for long enough to end a word, which it does once."""
        self._deleted = float("-inf")
        self._late: tuple[Query, Word] | None = None
        """The last word, if it ended before the answer to its query had come."""

    @property
    def text(self) -> Text:
        """What has been spelled so far."""
        return self._text

    @text.setter
    def text(self, text: Text) -> None:
        if str(text) != str(self._text):
            self._past.append(self._text)
        self._text = text

    def undo(self) -> bool:
        """Take back the last change of the text that shows; returns whether there was one."""
        if not self._past:
            return False
        self._text, self._late = self._past.pop(), None
        self.update()
        return True

    @property
    def candidates(self) -> tuple[str, ...]:
        """The words that the current one may be, at most `CHOICES`."""
        answer = self._answer
        return () if answer is None else answer.words[:CHOICES]

    @property
    def accepted(self) -> str:
        """The word that takes the place of the letters when the current word ends now; "" if none does."""
        answer = self._answer
        return "" if answer is None else answer.accepted

    @property
    def trouble(self) -> str:
        """Why there are no candidates, in a few words; "" if nothing is wrong."""
        return "" if self._completion is None or not self.is_on else self._completion.trouble

    def see(self, reply: Reply, seconds: float, *, has_hand: bool) -> Word | None:
        """Handle the reply to a frame of this time, and return the word that it ends, if it ends one."""
        text = self.text.take_back(reply.replaced)
        for segment in reply.spelled:
            text = text.add(segment)
        self.text = text
        self.update()
        ended = self.end_word() if reply.committed == "space" else None
        if reply.committed == "del":
            self.replace(self.text.delete())
        if has_hand:
            self._seen, self._is_away = seconds, False
        elif not self._is_away and seconds - self._seen >= AWAY:
            self._is_away = True
            ended = (self.end_word() if self.is_on else None) or ended
        return ended

    def end_word(self) -> Word | None:
        """End the current word, as the service accepts it, and return it; None if there is none."""
        query, answer, count = self._query, self._answer, len(self.text.words)
        self.text = self.text.end_word("" if answer is None else answer.accepted)
        if len(self.text.words) == count:
            return None
        word = self.text.words[-1]
        self._late = (query, word) if query is not None and answer is None else None
        return word

    def conclude(self) -> None:
        """End the current word at the end of the run, waiting for the answer to it."""
        query = self._query
        answer = None if query is None or self._completion is None else self._completion.answer_now(query)
        self.text = self.text.end_word("" if answer is None else answer.accepted)

    def choose(self, number: int) -> None:
        """End the current word as a candidate, from 1; nothing if there is no such candidate."""
        if 0 < number <= len(self.candidates):
            self.text = self.text.end_word(self.candidates[number - 1])

    def as_read(self) -> None:
        """Bring back the letters of the last word; again: the word."""
        self.replace(self.text.as_read())

    def delete(self, now: float) -> None:
        """Take back a letter or a space; with words, the second time within `TWICE` seconds, the whole word."""
        if self.is_on and now - self._deleted < TWICE:
            self.text, self._deleted = self.text.delete_word(), float("-inf")
        else:
            self.text, self._deleted = self.text.delete(), now
        self.update()

    def replace(self, text: Text) -> None:
        """Go on with another text."""
        self.text = text
        self.update()

    def correct(self, segment: Segment, letter: str) -> Segment:
        """Put a letter that is certain in the place of this very segment, and return its segment."""
        other = Segment.certain(letter, segment.seconds)
        self.put(segment, other)
        return other

    def put(self, segment: Segment, other: Segment) -> None:
        """Put a segment in the place of another, wherever that is; the service is asked anew about the last word."""
        self.text = self.text.replace_letter(segment, other)
        words = self.text.words
        if self.is_on and not self.text.spelled and words and any(each is other for each in words[-1].segments):
            query = _make_query(words[-1].segments)
            if query is not None and self._completion is not None:
                self._completion.ask(query)
                self._late = query, words[-1]
        self.update()

    def switch(self) -> None:
        """Switch words on or off."""
        self.is_on = not self.is_on
        self.update()

    def update(self) -> None:
        """Ask about the current word if it has changed, and take an answer that has come late."""
        if self._completion is None:
            return
        if self._late is not None and (answer := self._completion.answer_to(self._late[0])) is not None:
            self.text, self._late = self.text.accept(self._late[1], answer.accepted), None
        if (query := self._query) is not None:
            self._completion.ask(query)

    @property
    def _query(self) -> Query | None:
        """What to ask about the current word; None if there is nothing to ask."""
        return _make_query(self.text.current) if self.is_on else None

    @property
    def _answer(self) -> Candidates | None:
        """What the service says of the current word; None if it has not said anything, or about an older state."""
        query = self._query
        return None if query is None or self._completion is None else self._completion.answer_to(query)


def _make_query(segments: tuple[Segment, ...]) -> Query | None:
    """Make the query of a word; None if the service would not take it."""
    letters = "".join(letter for segment in segments for letter, _ in segment.alternatives)
    if not 0 < len(segments) <= MOST_SEGMENTS or not all(is_word(letter) for letter in letters):
        return None
    return Query(segments)
