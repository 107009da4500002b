"""The service's exceptions, and the words for pydantic's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

_NUMBERS: Final = {
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "{ge:g} or more",
    "less_than_equal": "{le:g} or less",
    "int_from_float": "a whole number",
}
_WORDS: Final = {"int_parsing": "a whole number", "float_parsing": "a number", "literal_error": "{expected}"}
"""What a value must be, by pydantic's name of the error; words are quoted, numbers are not."""


class ServiceError(Exception):
    """Something the user or the client can fix: the message says what, where, and the next step."""


class Refusal(ServiceError):  # noqa: N818 - the sender's request is refused; the service itself has not failed
    """A request or message that is refused.

    Attributes:
        status: the HTTP status of the refusal.
        headers: further HTTP headers, such as `Retry-After`.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


def explain(error: ErrorDetails) -> tuple[str, str]:
    """Return an invalid value as it is shown, and what it must be."""
    value, kind, bounds = str(error["input"])[:40], error["type"], error.get("ctx", {})
    if kind in _NUMBERS:
        return value, _NUMBERS[kind].format(**bounds)
    return f"'{value}'", _WORDS.get(kind, "valid text").format(**bounds)
