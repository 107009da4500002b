"""The signer's correction on its way: what a stream sends of it, and what the service answers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from client.errors import ClientError
from client.stream.reply import Reply, parse_reply

if TYPE_CHECKING:
    from collections.abc import Callable

ProfileState = Literal["in force", "none", "refused", "outdated", "unsupported"]
"""What the service says of a correction; "unsupported" means a service of an older release."""
_STATES: Final = get_args(ProfileState)


@dataclass(frozen=True)
class ProfileAnswer:
    """What the service says of the correction, asked or not."""

    state: ProfileState
    model: str = ""
    """The model in use."""
    error: str = ""
    """Why it is refused."""


@dataclass
class CorrectionLink:
    """Between the keeper of the signer's correction and the stream: either side may run in a thread of its own."""

    correction: dict[str, Any] | None = None
    """What is to be in force; another object is sent before the next mask. None: nothing."""
    heard: Callable[[ProfileAnswer], None] = field(default=lambda _: None)
    """Called with each answer."""


def parse_message(message: str | bytes, server: str) -> Reply | ProfileAnswer:
    """Parse one message of the stream: a reply to a mask, or what the service says of the correction.

    Raises:
        ClientError: it is neither.
    """
    try:
        fields = json.loads(message)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict) or "profile" not in fields:
        return parse_reply(message, server)
    if fields["profile"] not in _STATES:
        raise ClientError(
            f"{server} says {str(fields['profile'])[:40]!r} of your hand's profile, which this client does not know. "
            "Check that client and service come from the same release."
        )
    return ProfileAnswer(fields["profile"], str(fields.get("model") or ""), str(fields.get("error") or ""))
