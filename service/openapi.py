"""The service's description for machines: OpenAPI 3.1, https://spec.openapis.org/oas/v3.1.0."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from service.decoding import MAX_MASK_BYTES
from service.problems import MEDIA_TYPE, Problem
from service.profile import CorrectionMessage, ProfileMessage, ProfileReply, ProfileState
from service.protocol import BatchReply, ModelReply, PredictionReply, StreamError, StreamOptions, StreamReply
from service.smoothing import SmoothingParameters
from service.spelling import WordsReply, WordsRequest

Description = dict[str, Any]

MEANINGS: Final = {
    400: "Not a PNG, a damaged one, or a body that ended early",
    401: "The service requires a token",
    403: "Pages of this origin may not use the service",
    405: "Method not allowed",
    408: "The body came too slowly",
    409: "The profile is for another model than the one in use",
    411: "The request has no Content-Length",
    413: "Too many bytes",
    415: "Wrong content type",
    421: "The service is not known by this host name",
    422: "A picture of another size or kind, an option out of bounds, or masks or trails of another version",
    426: "A stream is a WebSocket",
    429: "More requests or streams than one client may have",
    501: "The model in use is of a release without profiles, or the service has no vocabulary",
    503: "Too many masks are waiting, or too many streams are open",
}
"""What each refusal means."""
GUARDED: Final = (401, 403, 421, 429)
"""Statuses that any path may answer with."""
REPLIES: Final = (
    PredictionReply, BatchReply, ProfileReply, WordsReply, StreamReply, StreamError, ProfileState, ProfileMessage,
    ModelReply, Problem,
)  # fmt: skip
_NAME: Final = "#/components/schemas/{model}"


def _content(media_type: str, schema: Description | type[BaseModel]) -> Description:
    named = schema if isinstance(schema, dict) else {"$ref": _NAME.format(model=schema.__name__)}
    return {media_type: {"schema": named}}


def _operation(
    name: str, summary: str, reply: type[BaseModel], refusals: tuple[int, ...], **more: object
) -> Description:
    answer = {"description": reply.__doc__, "content": _content("application/json", reply)}
    return {"operationId": name, "summary": summary, "responses": {"200": answer, **_problems(*refusals)}, **more}


def _problems(*refusals: int) -> Description:
    return {
        str(status): {"description": MEANINGS[status], "content": _content(MEDIA_TYPE, Problem)}
        for status in sorted({*refusals, *GUARDED})
    }


def _options() -> list[Description]:
    """Describe the options of every address; only a stream uses others than the threshold and the mask version."""
    smoothing, stream = (TypeAdapter(kind).json_schema()["properties"] for kind in (SmoothingParameters, StreamOptions))
    del stream["smoothing"]
    for option in stream.values():
        del option["default"]  # None: the option is left out
    return [
        {"name": name, "in": "query", "required": False, "description": schema.pop("description"), "schema": schema}
        for name, schema in (smoothing | stream).items()
    ]


_MASK: Final[Description] = {"type": "string", "contentMediaType": "image/png", "maxLength": MAX_MASK_BYTES}
_MASK_AND_PROFILE: Final[Description] = {
    "type": "object",
    "required": ["mask", "profile"],
    "properties": {"mask": _MASK, "profile": {"$ref": _NAME.format(model=CorrectionMessage.__name__)}},
}
_FORM: Final[Description] = {"type": "object", "additionalProperties": {"type": "string", "format": "binary"}}

DESCRIPTION: Final[Description] = {
    "openapi": "3.1.0",
    "info": {
        "title": "Fingerspell",
        "version": "1",
        "description": "Recognises the ASL manual alphabet in masks: 21 hand landmarks drawn on black, 224 x 224 RGB.",
        "license": {"name": "MIT", "identifier": "MIT"},
    },
    "paths": {
        "/predict": {
            "post": _operation(
                "predict", "Recognise one mask, or a form of a mask and a profile", PredictionReply,
                (400, 408, 409, 411, 413, 415, 422, 503), parameters=_options(),
                requestBody={
                    "required": True,
                    "content": _content("image/png", _MASK) | _content("multipart/form-data", _MASK_AND_PROFILE),
                },
            )
        },
        "/predict_batch": {
            "post": _operation(
                "predict_batch", "Recognise up to 32 masks, the files of a form", BatchReply,
                (400, 408, 411, 413, 415, 422, 503), parameters=_options(),
                requestBody={"required": True, "content": _content("multipart/form-data", _FORM)},
            )
        },
        "/profile": {
            "post": _operation(
                "profile", "Fit a correction to a signer's masks, the files of a form, named by their letters; "
                "at most 400, and 20 of a letter", ProfileReply, (400, 408, 411, 413, 415, 422, 501, 503),
                parameters=_options(),
                requestBody={"required": True, "content": _content("multipart/form-data", _FORM)},
            )
        },
        "/words": {
            "post": _operation(
                "words", "Find the words that the letters of one word may be", WordsReply,
                (400, 408, 413, 415, 422, 501),
                requestBody={"required": True, "content": _content("application/json", WordsRequest)},
            )
        },
        "/stream": {
            "get": {
                "operationId": "stream",
                "summary": "A WebSocket: a mask per binary message, with its trail below it while the hand moves, "
                "224 x 448, and an empty one for 'no hand'; a StreamReply or StreamError to each. "
                "A text message is a ProfileMessage; a ProfileState answers it",
                "parameters": _options(),
                "responses": {"101": {"description": "The stream is open"}, **_problems(422, 426, 503)},
            }
        },
        "/model": {"get": _operation("model", "The model in use", ModelReply, ())},
    },
    "components": {
        "schemas": models_json_schema(
            [(WordsRequest, "validation"), *((reply, "serialization") for reply in REPLIES)], ref_template=_NAME
        )[1]["$defs"],
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
    },
    "security": [{}, {"token": []}],
}  # fmt: skip
