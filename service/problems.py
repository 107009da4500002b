"""How a refusal looks over HTTP: problem details, https://www.rfc-editor.org/rfc/rfc9457."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from service.errors import Refusal
from service.metrics import REFUSED

if TYPE_CHECKING:
    from starlette.requests import Request

MEDIA_TYPE: Final = "application/problem+json"


class Problem(BaseModel, extra="forbid", use_attribute_docstrings=True):
    """Problem details."""

    type: str
    title: str
    status: int
    detail: str
    """A sentence that says what to do."""


def refuse(refusal: Refusal) -> Response:
    """Build the response to a refused request, and count it."""
    REFUSED.labels(str(refusal.status)).inc()
    problem = Problem(
        type="about:blank", title=HTTPStatus(refusal.status).phrase, status=refusal.status, detail=str(refusal)
    )
    return Response(problem.model_dump_json(), refusal.status, refusal.headers, MEDIA_TYPE)


async def handle(_request: Request, error: Exception) -> Response:
    """Build the response to an exception of a route's, or of Starlette's."""
    if isinstance(error, HTTPException):
        error = Refusal(error.status_code, f"{error.detail}.", error.headers)
    assert isinstance(error, Refusal)  # noqa: S101 - registered for these two
    return refuse(error)
