"""The text as words: those that have ended, and the one being spelled. No clock, no service."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from client.stream.reply import Segment

if TYPE_CHECKING:
    from collections.abc import Iterable


def join_letters(segments: Iterable[Segment]) -> str:
    """Join the committed letters, which are what is shown of a word while it is spelled."""
    return "".join(segment.letter for segment in segments if segment.committed)


@dataclass(frozen=True)
class Word:
    """A word that has ended."""

    segments: tuple[Segment, ...]
    accepted: str = ""
    """The word that took the place of its letters; "" if they stay."""
    is_as_read: bool = False
    """Whether the signer wants the letters all the same."""

    @property
    def as_read(self) -> str:
        """Its committed letters."""
        return join_letters(self.segments)

    @property
    def is_replaced(self) -> bool:
        """Whether there is a word that differs from the letters."""
        return self.accepted not in ("", self.as_read)

    @property
    def shown(self) -> str:
        """What is in the text."""
        return self.as_read if self.is_as_read or not self.accepted else self.accepted

    def reopen(self) -> tuple[Segment, ...]:
        """Give the segments of the word as it is shown, to spell it on."""
        return self.segments if self.shown == self.as_read else spell(self.shown)


@dataclass(frozen=True)
class Text:
    """Words that have ended, each with a space after it, and the segments of the current word."""

    words: tuple[Word, ...] = ()
    current: tuple[Segment, ...] = ()

    def __str__(self) -> str:
        """Write it as it is shown."""
        return "".join(f"{word.shown} " for word in self.words) + self.spelled

    @property
    def spelled(self) -> str:
        """What is shown of the current word."""
        return join_letters(self.current)

    @property
    def last_letter(self) -> Segment | None:
        """The last committed letter, in the current word or in the one before; None if there is none."""
        last = self.words[-1].segments if self.words else ()
        return next((segment for segment in reversed((*last, *self.current)) if segment.committed), None)

    def add(self, segment: Segment) -> Text:
        """Add a segment to the current word."""
        return replace(self, current=(*self.current, segment))

    def take_back(self, segments: tuple[Segment, ...]) -> Text:
        """Take these segments off the end of the current word, the last one first, up to one that has changed since."""
        kept = list(self.current)
        for segment in reversed(segments):
            if not kept or kept[-1] != segment:
                break
            kept.pop()
        return replace(self, current=tuple(kept))

    def end_word(self, accepted: str = "") -> Text:
        """End the current word: as another one if it is `accepted`, else as its letters.

        Without committed letters and another word, nothing joins the text.
        """
        if not (self.spelled or accepted):
            return replace(self, current=())
        return Text((*self.words, Word(self.current, accepted)))

    def accept(self, word: Word, accepted: str) -> Text:
        """Put another word in the place of the letters of the last word, if `word` still is that one."""
        if not self.words or self.words[-1] is not word:
            return self
        return replace(self, words=(*self.words[:-1], replace(word, accepted=accepted)))

    def as_read(self) -> Text:
        """Bring back the letters of the last word that were replaced; again: the word."""
        if not self.words or not self.words[-1].is_replaced:
            return self
        last = self.words[-1]
        return replace(self, words=(*self.words[:-1], replace(last, is_as_read=not last.is_as_read)))

    def delete(self) -> Text:
        """Take back the last letter and the weak ones after it; in an empty word the space before it."""
        if self.spelled:
            last = max(place for place, segment in enumerate(self.current) if segment.committed)
            return replace(self, current=self.current[:last])
        if not self.words:
            return Text()
        return Text(self.words[:-1], self.words[-1].reopen())

    def delete_word(self) -> Text:
        """Take back the whole current word."""
        return replace(self, current=())

    def replace_letter(self, segment: Segment, other: Segment) -> Text:
        """Put another segment in the place of this very one, wherever it is; its word is its letters again."""
        words = tuple(
            Word(_swap(word.segments, segment, other)) if _has(word.segments, segment) else word for word in self.words
        )
        return Text(words, _swap(self.current, segment, other))


def spell(letters: str) -> tuple[Segment, ...]:
    """Give a segment for each letter, which is certain."""
    return tuple(Segment.certain(letter) for letter in letters)


def read_text(text: str) -> Text:
    """Take a text, words with a space after each but the last, as it would be after it was spelled."""
    *words, current = text.split(" ")
    return Text(tuple(Word(spell(word)) for word in words), spell(current))


def _has(segments: tuple[Segment, ...], one: Segment) -> bool:
    return any(segment is one for segment in segments)


def _swap(segments: tuple[Segment, ...], one: Segment, other: Segment) -> tuple[Segment, ...]:
    return tuple(other if segment is one else segment for segment in segments)
