"""The client's root exception."""

from __future__ import annotations


class ClientError(Exception):
    """An error that the user can fix: the message says what is wrong, where, and what to do next."""


def explain_missing_library(error: ImportError) -> ClientError:
    """Turn a failed import of OpenCV, MediaPipe or websockets into a message with the command to type."""
    if "cannot open shared object file" in str(error):
        library = str(error).split(":")[0]
        return ClientError(
            f"{library}, a system library that OpenCV needs, is not installed. On Debian and Ubuntu: "
            "`apt-get install libgl1 libglib2.0-0`."
        )
    return ClientError(
        f"The Python package {error.name or error} is not installed. Install the client: `pip install '.[client]'`."
    )
