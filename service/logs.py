"""The service's own log: one line per event, as text or as JSON; never a mask, a letter or a token."""

from __future__ import annotations

import json
import logging
import sys
from typing import Final

_KNOWN: Final = set(vars(logging.makeLogRecord({}))) | {"message", "taskName"}


class Lines(logging.Formatter):
    """Time, level and message, then the fields of `extra`."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as one line."""
        fields = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        more = {name: value for name, value in vars(record).items() if name not in _KNOWN}
        if record.exc_info:
            more["exception"] = self.formatException(record.exc_info)
        if self._as_json:
            return json.dumps(fields | more, default=str)
        return " ".join([*fields.values(), *(f"{name}={value}" for name, value in more.items())])


def configure_log(form: str) -> None:
    """Send the service's log to stderr.

    Args:
        form: `text` or `json`.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(as_json=form == "json"))
    logger = logging.getLogger("fingerspell")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
