"""The contract of `POST /words`: the letters of one word in, the words that it may be out. See docs/protocol.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from service.errors import Refusal
from service.protocol import Probability, SeenLetter
from service.vocabulary import LETTERS

if TYPE_CHECKING:
    from service.words import Reading

MAX_WORDS_BYTES: Final = 128 * 1024
"""Bytes of a request."""
MAX_SEGMENTS: Final = 64
"""Letters of one word."""
MAX_WORD: Final = 32
"""Letters of a word in a request."""
MAX_BEFORE: Final = 3
"""Words before it in a request."""
MAX_OWN: Final = 500
"""Words of the signer's own in a request."""


def _check_letters(seen: SeenLetter) -> SeenLetter:
    if any(each.letter not in LETTERS or len(each.letter) != 1 for each in seen.alternatives):
        raise ValueError("not a letter of A to Z")
    return seen


Word = Annotated[str, Field(min_length=1, max_length=MAX_WORD, pattern="^[A-Z]+$")]


class WordsRequest(BaseModel, extra="forbid", use_attribute_docstrings=True):
    """The letters of one word, as replies of a stream gave them."""

    segments: Annotated[
        list[Annotated[SeenLetter, AfterValidator(_check_letters)]], Field(min_length=1, max_length=MAX_SEGMENTS)
    ]
    """In their order; letters of A to Z."""
    before: Annotated[list[Word], Field(max_length=MAX_BEFORE)] = []
    """The words before it, the last one last."""
    own: Annotated[list[Word], Field(max_length=MAX_OWN)] = []
    """Words that the signer uses, such as names."""


class WordCandidate(BaseModel, extra="forbid", use_attribute_docstrings=True):
    """A word and the probability that it was spelled."""

    word: str
    probability: Probability


class WordsReply(BaseModel, extra="forbid", use_attribute_docstrings=True):
    """What the letters of one word may be. Nothing of it is kept."""

    words: list[WordCandidate]
    """The likeliest words, best first; the letters as read may be among them."""
    as_read: WordCandidate
    """The committed letters."""
    accepted: str | None
    """The word that replaces the letters as read; null if none is likely enough."""

    @classmethod
    def describe(cls, reading: Reading) -> WordsReply:
        """Describe what was found."""
        words = [WordCandidate(word=word, probability=probability) for word, probability in reading.words]
        word, probability = reading.as_read
        return cls(words=words, as_read=WordCandidate(word=word, probability=probability), accepted=reading.accepted)


def read_request(body: bytes) -> WordsRequest:
    """Read a request.

    Raises:
        Refusal: 422, it is something else or out of bounds.
    """
    try:
        return WordsRequest.model_validate_json(body)
    except ValidationError as invalid:
        error = invalid.errors()[0]
        where = ".".join(str(part) for part in error["loc"])[:60]
        raise Refusal(
            422,
            f"The body is no request for words ({f'{where}: ' if where else ''}{error['msg'][:80]}). "
            "Send what a stream replied as 'segments': GET /openapi.json",
        ) from None


def too_long(size: int) -> Refusal:
    """Build the refusal of `size` bytes, which are too many for a request."""
    return Refusal(413, f"{size} bytes are too many for one word, which has at most {MAX_WORDS_BYTES}.")
