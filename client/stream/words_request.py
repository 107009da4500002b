"""Asking the service which word some letters are: `POST /words`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from client.errors import ClientError
from client.stream.http_request import RefusedError, ask_json, not_the_service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client.stream.reply import Segment

TIMEOUT: Final = 2.0
"""How long the service may take, in seconds: whoever spells does not wait."""
MOST_SEGMENTS: Final = 64
"""Segments of a word that the service takes."""
_NO_SUCH_DOOR: Final = (404, 405)
"""HTTP statuses of a service without `/words`."""
_NO_VOCABULARY: Final = 501
"""HTTP status of a service that was packaged without a vocabulary."""


class NoWordsError(ClientError):
    """The service knows no words."""


@dataclass(frozen=True)
class Query:
    """A word as far as it was spelled."""

    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Candidates:
    """Which word it may be."""

    words: tuple[str, ...]
    """The likeliest first; the letters as they were read may be among them."""
    accepted: str
    """The word that takes the place of the letters when the word ends; "" if they stay."""


def find_words(server: str, token: str, own: Sequence[str], query: Query) -> Candidates:
    """Ask for the words that a query may be.

    Args:
        server: address of the service.
        token: what it requires of its clients; "" if nothing.
        own: the signer's own words.
        query: what was spelled.

    Raises:
        NoWordsError: the service knows no words.
        ClientError: it is not there, or refuses.
    """
    server = server.rstrip("/")
    body = json.dumps({
        "segments": [_describe(segment) for segment in query.segments],
        "own": list(own),
    })  # fmt: skip
    try:
        fields = ask_json(server, "/words", token, body.encode(), "application/json", TIMEOUT)
    except RefusedError as error:
        if error.status in _NO_SUCH_DOOR:
            raise NoWordsError(f"{server} is of an older release, which knows no words.") from error
        if error.status == _NO_VOCABULARY:
            raise NoWordsError(str(error)) from error
        raise
    try:
        words = tuple(str(each["word"]) for each in fields["words"])
        return Candidates(words, str(fields["accepted"] or ""))
    except (TypeError, KeyError) as error:
        raise not_the_service(server) from error


def _describe(segment: Segment) -> dict[str, Any]:
    return {
        "alternatives": [
            {"letter": letter, "confidence": confidence} for letter, confidence in segment.alternatives
        ],
        "seconds": segment.seconds,
        "committed": segment.committed,
    }  # fmt: skip
