"""The service's reply to one frame, parsed and checked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, Self

from client.errors import ClientError

ACTIONS: Final = ("space", "del", "nothing")
"""Labels of some data sets that are no letters."""


class RejectedError(ClientError):
    """The service rejected a message."""


@dataclass(frozen=True)
class Segment:
    """What was seen while one handshape was held."""

    alternatives: tuple[tuple[str, float], ...]
    """Letters and their confidence, 0 to 1, best first; at least one."""
    seconds: float
    """How long it was held."""
    committed: bool
    """Whether its letter joined the text; else it is a weak letter."""

    @property
    def letter(self) -> str:
        """The likeliest letter."""
        return self.alternatives[0][0]

    @classmethod
    def certain(cls, letter: str, seconds: float = 0.0) -> Self:
        """Make the segment of a committed letter that is certain."""
        return cls(((letter, 1.0),), seconds, committed=True)


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
    segments: tuple[Segment, ...] = ()
    """What this frame has completed, weak letters before the committed one; an older service tells none."""
    replaced: tuple[Segment, ...] = ()
    """The last of the segments told before that a letter drawn in the air takes the place of, in their order."""

    @property
    def spelled(self) -> tuple[Segment, ...]:
        """What joins the current word: the segments; from an older release the committed letter alone."""
        is_told = any(segment.committed for segment in self.segments)
        if is_told or self.committed is None or self.committed in ACTIONS:
            return self.segments
        return (*self.segments, Segment.certain(self.committed))


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
            segments=tuple(_parse_segment(each) for each in fields.get("segments", ())),
            replaced=tuple(_parse_segment(each) for each in fields.get("replaced", ())),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise ClientError(
            f"{server} sent something other than a reply: {message[:80]!r}. "
            "Check that client and service come from the same release."
        ) from error


def _parse_segment(fields: dict[str, Any]) -> Segment:
    alternatives = tuple((str(each["letter"]), float(each["confidence"])) for each in fields["alternatives"])
    if not alternatives:
        raise ValueError("a segment without a letter")
    return Segment(alternatives, float(fields["seconds"]), bool(fields["committed"]))


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)
