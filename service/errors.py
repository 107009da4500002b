"""The service's exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class ServiceError(Exception):
    """Something the user or the client can mend: the message says what, where, and the next step."""


class Refusal(ServiceError):  # noqa: N818 - a refusal is what a sender gets, no fault of the service
    """A request or message that is not answered as its sender hoped.

    Attributes:
        status: the HTTP status that says so.
        headers: what HTTP wants beside the status, such as `Retry-After`.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
