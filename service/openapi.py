"""The service's description for machines: OpenAPI 3.1, https://spec.openapis.org/oas/v3.1.0."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from service.decoding import MAX_MASK_BYTES
from service.problems import MEDIA_TYPE
from service.protocol import MAX_FRAME_RATE
from service.smoothing import MAX_SECONDS, MAX_WINDOW, SmoothingParameters

Description = dict[str, Any]

MEANINGS: Final = {
    400: "No PNG, a damaged one, or a body that ended early",
    401: "The service wants a token",
    403: "Pages of this origin may not use the service",
    405: "Another method is wanted",
    408: "The body came too slowly",
    411: "The body's length was not said",
    413: "Too many bytes",
    415: "Another content type is wanted",
    422: "A picture of another size or kind, an option out of bounds, or masks of another version than the model reads",
    426: "A stream is a WebSocket",
    429: "More requests or streams than one client may have",
    503: "Too many masks wait, or too many streams are open",
}
"""What each refusal says."""
GUARDED: Final = (401, 403, 429)
"""Refusals that any path may answer with."""


def _schema(properties: Description) -> Description:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _content(media_type: str, schema: Description) -> Description:
    return {media_type: {"schema": schema}}


def _list_of(schema: Description) -> Description:
    return {"type": "array", "items": schema}


def _named(name: str) -> Description:
    return {"$ref": f"#/components/schemas/{name}"}


def _operation(name: str, summary: str, answer: Description, refusals: tuple[int, ...], **more: object) -> Description:
    responses = {"200": {"description": "The answer", "content": answer}, **_problems(*refusals)}
    return {"operationId": name, "summary": summary, "responses": responses, **more}


def _problems(*refusals: int) -> Description:
    return {
        str(status): {"description": MEANINGS[status], "content": _content(MEDIA_TYPE, _named("Problem"))}
        for status in sorted({*refusals, *GUARDED})
    }


def _option(name: str, schema: Description, description: str) -> Description:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def _options() -> list[Description]:
    """Describe what every address takes; `/predict` heeds the threshold and the mask version alone."""
    defaults = {field.name: field.default for field in fields(SmoothingParameters)}
    told = {
        "threshold": ({"type": "number", "minimum": 0, "maximum": 1}, "Least probability of a letter that counts"),
        "window": ({"type": "integer", "minimum": 1, "maximum": MAX_WINDOW}, "Frames that vote"),
        "hold": (
            {"type": "number", "minimum": 0, "maximum": MAX_SECONDS},
            "Seconds that a letter is held before it is committed",
        ),
        "release": (
            {"type": "number", "minimum": 0, "maximum": MAX_SECONDS},
            "Seconds after which the same letter may come again: without a hand, or unread",
        ),
    }
    smoothing = [_option(name, schema | {"default": defaults[name]}, text) for name, (schema, text) in told.items()]
    rate = {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_FRAME_RATE}
    return [
        *smoothing,
        _option("frame_rate", rate, "Frames a second of a film that is read at another pace than it plays"),
        _option("mask_version", {"type": "string"}, "Version of the renderer that draws the client's masks"),
    ]


_LETTER: Final[Description] = {"type": ["string", "null"]}
_SHARE: Final[Description] = {"type": "number", "minimum": 0, "maximum": 1}
_FIRST: Final = _schema({"letter": {"type": "string"}, "confidence": _SHARE})
_PREDICTION: Final = _schema(
    {"letter": _LETTER, "confidence": _SHARE, "top": _list_of(_FIRST), "model": {"type": "string"}}
)
_MODEL: Final = _schema(
    {
        "version": {"type": "string"},
        "classes": _list_of({"type": "string"}),
        "mask_version": {"type": "string"},
        "architecture": {"type": "string"},
        "data_hash": {"type": "string"},
        "provider": {"type": "string"},
    }
)
_PROBLEM: Final = _schema(
    {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    }
)
_MASK: Final[Description] = {"type": "string", "contentMediaType": "image/png", "maxLength": MAX_MASK_BYTES}
_FORM: Final[Description] = {"type": "object", "additionalProperties": {"type": "string", "format": "binary"}}

DESCRIPTION: Final[Description] = {
    "openapi": "3.1.0",
    "info": {
        "title": "Fingerspell",
        "version": "1",
        "description": "Reads masks of the ASL manual alphabet: 21 hand landmarks drawn on black, 224 x 224 RGB.",
        "license": {"name": "MIT", "identifier": "MIT"},
    },
    "paths": {
        "/predict": {
            "post": _operation(
                "predict", "Read one mask", _content("application/json", _named("Prediction")),
                (400, 408, 413, 415, 422, 503), parameters=_options(),
                requestBody={"required": True, "content": _content("image/png", _MASK)},
            )
        },
        "/predict_batch": {
            "post": _operation(
                "predict_batch", "Read up to 32 masks, the files of a form",
                _content("application/json", _schema({"predictions": _list_of(_named("Prediction"))})),
                (400, 408, 411, 413, 415, 422, 503), parameters=_options(),
                requestBody={"required": True, "content": _content("multipart/form-data", _FORM)},
            )
        },
        "/stream": {
            "get": {
                "operationId": "stream",
                "summary": "A WebSocket: a mask per binary message, an empty one for 'no hand', a JSON reply to each",
                "parameters": _options(),
                "responses": {"101": {"description": "The stream is open"}, **_problems(422, 426, 503)},
            }
        },
        "/model": {
            "get": _operation("model", "The model in use", _content("application/json", _named("Model")), ())
        },
    },
    "components": {
        "schemas": {"Prediction": _PREDICTION, "Model": _MODEL, "Problem": _PROBLEM},
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
    },
    "security": [{}, {"token": []}],
}  # fmt: skip
