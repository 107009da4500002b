"""The service's reply to one frame, parsed and checked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from client.errors import ClientError


class RejectedError(ClientError):
    """The service rejected a message."""


@dataclass(frozen=True)
class Reply:
    """The service's reply to one frame."""

    sequence: int
    """Counts the messages of this connection from 0."""
    letter: str | None
    """The letter of this frame, if the model is sure enough."""
    confidence: float
    """Probability of the likeliest letter, 0 to 1; 0.0 if no hand was sent."""
    smoothed: str | None
    """The letter of the last few frames together."""
    committed: str | None
    """The letter to add to the text, given once."""
    progress: float = 0.0
    """How much of its hold time the smoothed letter has completed, 0 to 1."""


def parse_reply(message: str | bytes, server: str) -> Reply:
    """Parse one message of the stream.

    Args:
        message: as it was received.
        server: the service's address, for the error message.

    Raises:
        ClientError: the service rejected the mask, or the message is not a reply.
    """
    try:
        fields: dict[str, Any] = json.loads(message)
        if "error" in fields:
            raise RejectedError(
                f"{server} rejects a mask: {fields['error']} Check that client and service come from the same release."
            )
        return Reply(
            sequence=int(fields["sequence"]),
            letter=_text_or_none(fields["letter"]),
            confidence=float(fields["confidence"]),
            smoothed=_text_or_none(fields["smoothed"]),
            committed=_text_or_none(fields["committed"]),
            progress=float(fields.get("progress", 0.0)),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise ClientError(
            f"{server} sent something other than a reply: {message[:80]!r}. "
            "Check that client and service come from the same release."
        ) from error


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)
