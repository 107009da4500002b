"""How a refusal looks over HTTP: problem details, https://www.rfc-editor.org/rfc/rfc9457."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from service.errors import Refusal
from service.metrics import REFUSED

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

MEDIA_TYPE: Final = "application/problem+json"


def problem(refusal: Refusal) -> dict[str, object]:
    """Describe a refusal in plain values."""
    title = HTTPStatus(refusal.status).phrase
    return {"type": "about:blank", "title": title, "status": refusal.status, "detail": str(refusal)}


def refuse(refusal: Refusal) -> Response:
    """Answer with a refusal, and count it."""
    REFUSED.labels(str(refusal.status)).inc()
    return JSONResponse(problem(refusal), refusal.status, refusal.headers, media_type=MEDIA_TYPE)


async def handle(_request: Request, error: Exception) -> Response:
    """Answer what a route raised, or Starlette for it."""
    if isinstance(error, HTTPException):
        error = Refusal(error.status_code, f"{error.detail}.", error.headers)
    assert isinstance(error, Refusal)  # noqa: S101 - registered for these two
    return refuse(error)
