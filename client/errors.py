"""The client's root exception."""

from __future__ import annotations


class ClientError(Exception):
    """Something the user can mend: the message says what, where, and the next step."""


def explain_missing_library(error: ImportError) -> ClientError:
    """Turn a failed import of OpenCV, MediaPipe or websockets into a sentence with the line to type."""
    if "cannot open shared object file" in str(error):
        library = str(error).split(":")[0]
        return ClientError(
            f"{library}, a library of the system that OpenCV needs, is not installed. On Debian and Ubuntu: "
            "`apt-get install libgl1 libglib2.0-0`."
        )
    return ClientError(
        f"The Python package {error.name or error} is not installed. Install the client: `pip install '.[client]'`."
    )
