"""Having the service make a correction of a signer's masks: `POST /profile`."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from client.errors import ClientError
from client.mask import MASK_VERSION
from client.stream.http_request import RefusedError, ask_json, not_the_service
from client.stream.png import encode_png

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

TIMEOUT: Final = 60.0
"""How long the service may take to read all masks, in seconds."""
_NO_SUCH_DOOR: Final = (404, 405)
"""HTTP statuses of a service without `/profile`."""
_OLD_MODEL: Final = 501
"""HTTP status of a service whose model is older than itself."""
_BUSY: Final = 503
TRIES: Final = 3
"""Times that a service is asked which makes the profiles of others at the moment, `PAUSE` seconds apart."""
PAUSE: Final = 1.5


class NoProfilesError(ClientError):
    """The service is of a release that makes no corrections."""


@dataclass(frozen=True)
class LetterResult:
    """How a letter fares with the correction."""

    letter: str
    samples: int
    used: int
    """Samples that are like the others."""
    before: float
    """Share of the used samples that the network alone recognises."""
    after: float | None
    """The same with a correction that was made without the sample; None if there is only one."""


@dataclass(frozen=True)
class DroppedSample:
    """A sample that is like none of the person's others."""

    letter: str
    reads: str | None
    """The letter that it looks like."""


@dataclass(frozen=True)
class Made:
    """A correction, and what it does for each letter."""

    correction: dict[str, Any]
    letters: tuple[LetterResult, ...] = ()
    dropped: tuple[DroppedSample, ...] = ()
    alike: tuple[tuple[str, str], ...] = ()
    """Pairs of letters that the person signs alike."""


def make_correction(server: str, token: str, masks: Sequence[tuple[str, npt.NDArray[np.uint8]]]) -> Made:
    """Send masks and receive the correction that makes the network recognise them.

    Args:
        server: address of the service.
        token: what it requires of its clients; "" if nothing.
        masks: letter and mask, (`MASK_SIZE`, `MASK_SIZE`, 3) RGB, of each sample.

    Raises:
        NoProfilesError: the service makes no corrections.
        ClientError: it is not there, or refuses.
    """
    server = server.rstrip("/")
    boundary = secrets.token_hex(16)
    body = _encode_form([(letter, encode_png(mask)) for letter, mask in masks], boundary)
    fields = _ask(server, token, body, f"multipart/form-data; boundary={boundary}")
    try:
        return _parse(fields)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise not_the_service(server) from error


def _ask(server: str, token: str, body: bytes, kind: str) -> dict[str, Any]:
    """Post the form, again if the service is busy."""
    tries = 1
    while True:
        try:
            return ask_json(server, f"/profile?mask_version={MASK_VERSION}", token, body, kind, TIMEOUT)
        except RefusedError as error:
            if error.status == _OLD_MODEL:
                raise NoProfilesError(f"{error} Letters go on without your hand.") from error
            if error.status in _NO_SUCH_DOOR:
                raise older_release(server) from error
            if error.status != _BUSY or tries == TRIES:
                raise
        tries += 1
        time.sleep(PAUSE)


def older_release(service: str) -> NoProfilesError:
    """Explain that a service, by its address or otherwise, makes no corrections."""
    return NoProfilesError(
        f"{service} is of an older release, which does not learn a signer's own hand. Letters go on without it; update "
        "the service to use it."
    )


def _encode_form(files: Sequence[tuple[str, bytes]], boundary: str) -> bytes:
    """Encode PNG files as a form; each field's name is the letter."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{letter}"; filename="{number}.png"\r\n'
        "Content-Type: image/png\r\n\r\n".encode()
        + png
        + b"\r\n"
        for number, (letter, png) in enumerate(files)
    ]
    return b"".join([*parts, f"--{boundary}--\r\n".encode()])


def _parse(fields: dict[str, Any]) -> Made:
    if not isinstance(fields["correction"], dict):
        raise TypeError("the correction is not an object")
    return Made(
        fields["correction"],
        tuple(
            LetterResult(
                str(each["letter"]),
                int(each["samples"]),
                int(each["used"]),
                float(each["before"]),
                None if each["after"] is None else float(each["after"]),
            )
            for each in fields["letters"]
        ),
        tuple(
            DroppedSample(str(each["letter"]), None if each["reads"] is None else str(each["reads"]))
            for each in fields["dropped"]
        ),
        tuple((str(one), str(other)) for one, other in fields["alike"]),
    )
