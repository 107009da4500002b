"""The service's root exception."""

from __future__ import annotations


class ServiceError(Exception):
    """Something the user or the client can mend: the message says what, where, and the next step."""
