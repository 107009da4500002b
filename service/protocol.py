"""The contract with clients: the options of an address and every reply. See docs/protocol.md.

`service/openapi.py` takes bounds, defaults and descriptions from these classes.
"""

from __future__ import annotations

import math
import struct
import time
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, BaseModel, Field, ValidationError
from pydantic.json_schema import SkipJsonSchema

from service.errors import Refusal, explain
from service.segments import ALTERNATIVES, MOST_REPLACED, Segment
from service.smoothing import SmoothingParameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.batching import Prediction

TOP: Final = 3
"""Likeliest letters in a reply."""
DIGITS: Final = 4
"""Decimal places of a probability in a reply."""
MAX_FRAME_RATE: Final = 1000.0
MAX_SECONDS_SEEN: Final = 3600.0
"""Longest time for which a letter is said to be seen."""
_TIME: Final = struct.Struct(">d")

_SMOOTHING: Final = [field.name for field in fields(SmoothingParameters)]

Probability = Annotated[float, Field(ge=0, le=1), AfterValidator(lambda share: round(share, DIGITS))]


class StreamOptions(BaseModel, extra="forbid", use_attribute_docstrings=True):
    """What a client asks of its stream."""

    smoothing: SmoothingParameters
    frame_rate: Annotated[float, Field(gt=0, le=MAX_FRAME_RATE)] | SkipJsonSchema[None] = None
    """Frames a second of a film that is sent faster or slower than it plays; without it, frames count when they
    arrive."""
    timed: bool = False
    """Whether each message begins with its frame's time: seconds since any moment, an IEEE 754 double of 8 bytes,
    big-endian. For films whose frames are not evenly spaced."""
    mask_version: str | SkipJsonSchema[None] = None
    """Version of the renderer that draws the client's masks."""
    trail_version: str | SkipJsonSchema[None] = None
    """Version of the renderer that draws the client's trails, for a stream."""


class Candidate(BaseModel, extra="forbid", use_attribute_docstrings=True):
    """One of the likeliest letters."""

    letter: str
    confidence: Probability


class PredictionReply(BaseModel, extra="forbid", use_attribute_docstrings=True):
    """What one mask shows."""

    letter: str | None
    """Null below the threshold and for a hand that shows no letter."""
    confidence: Probability
    """Probability of the likeliest label."""
    top: list[Candidate]
    """The likeliest labels, best first."""
    model: str
    """First 12 digits of the SHA-256 of the model's file."""


class BatchReply(BaseModel, extra="forbid", use_attribute_docstrings=True):
    """What several masks show, in their order."""

    predictions: list[PredictionReply]


class SeenLetter(BaseModel, extra="forbid", use_attribute_docstrings=True):
    """One letter as a stream saw it: one that was committed, or a weak letter, stable but not sure enough."""

    alternatives: Annotated[list[Candidate], Field(min_length=1, max_length=ALTERNATIVES)]
    """The likeliest letters and their mean probabilities, best first."""
    seconds: Annotated[float, Field(ge=0, le=MAX_SECONDS_SEEN), AfterValidator(lambda seconds: round(seconds, 3))]
    """From its first to its last frame."""
    committed: bool
    """Whether it joined the text; otherwise it is a weak letter."""

    @classmethod
    def describe(cls, segment: Segment) -> SeenLetter:
        """Describe a segment."""
        return cls(
            alternatives=[Candidate(letter=letter, confidence=share) for letter, share in segment.alternatives],
            seconds=min(segment.seconds, MAX_SECONDS_SEEN),
            committed=segment.committed,
        )

    @property
    def segment(self) -> Segment:
        """The segment that it describes."""
        alternatives = tuple((each.letter, each.confidence) for each in self.alternatives)
        return Segment(alternatives, self.seconds, self.committed)


class StreamReply(BaseModel, extra="forbid", use_attribute_docstrings=True):
    """What a stream shows after a frame."""

    sequence: int
    """Number of the message, from 0."""
    dropped: int
    """Messages so far that a newer one overtook."""
    time: float
    """The service's clock, in seconds since 1970."""
    letter: str | None
    """The frame's own letter; null below the threshold and if there is none."""
    confidence: Probability
    """Probability of the frame's likeliest label; 0 without a hand."""
    top: list[Candidate]
    """The frame's likeliest labels, best first; empty without a hand."""
    smoothed: str | None
    """The letter of the last frames together."""
    progress: Probability
    """Share of the hold that has passed for the smoothed letter."""
    committed: str | None
    """The letter that joins the text, in one reply only. J and Z replace what they were taken for: see `replaced`."""
    segments: list[SeenLetter]
    """The letters that are complete with this frame, for `POST /words`: the one that is committed, and weak ones before
    it; mostly empty."""
    replaced: Annotated[list[SeenLetter], Field(max_length=MOST_REPLACED)]
    """The last of the segments told so far that a committed J or Z takes the place of, in their order; mostly
    empty."""
    model: str
    """First 12 digits of the SHA-256 of the model's file."""


class StreamError(BaseModel, extra="forbid", use_attribute_docstrings=True):
    """Why a message of a stream was refused; the stream goes on."""

    sequence: int
    dropped: int
    time: float
    error: str
    """A sentence that says what to do."""
    status: int
    """The HTTP status that says the same."""


class TrailModelReply(BaseModel, extra="forbid", from_attributes=True, use_attribute_docstrings=True):
    """The trail network in use."""

    version: str
    """First 12 digits of the SHA-256 of its file."""
    classes: list[str]
    trail_version: Annotated[str, Field(validation_alias="mask_version")]
    """Version of the renderer that drew the trails it learned from."""
    architecture: str
    provider: str
    """What it runs on, by ONNX Runtime's name."""


class ModelReply(BaseModel, extra="forbid", from_attributes=True, use_attribute_docstrings=True):
    """The model in use, and the options that hold if a stream asks for none."""

    version: str
    """First 12 digits of the SHA-256 of the model's file."""
    classes: list[str]
    mask_version: str
    architecture: str
    data_hash: str
    """MD5 of the processed data that the model learned from."""
    provider: str
    """What the model runs on, by ONNX Runtime's name."""
    smoothing: SmoothingParameters = SmoothingParameters()
    """The options of a stream that asks for no others."""
    trail: TrailModelReply | None = None
    """Null if the service has no trail network: then it recognises neither J nor Z."""


def parse_options(query: Mapping[str, str]) -> StreamOptions:
    """Read a stream's options from its address.

    Raises:
        Refusal: 422, an option is unknown, not a number, or out of its bounds.
    """
    known = [*_SMOOTHING, "frame_rate", "timed", "mask_version", "trail_version"]
    if unknown := [name for name in query if name not in known]:
        raise Refusal(422, f"There is no option '{unknown[0][:40]}'. Choose from: {', '.join(known)}.")
    rest = dict(query)
    smoothing = {name: rest.pop(name) for name in _SMOOTHING if name in rest}
    try:
        return StreamOptions.model_validate({"smoothing": smoothing, **rest})
    except ValidationError as invalid:
        error = invalid.errors()[0]
        name, (value, expected) = next(part for part in error["loc"] if part in known), explain(error)
        raise Refusal(422, f"{name} is {value}, but must be {expected}.") from None


def split_time(content: bytes) -> tuple[float, bytes]:
    """Take the time from the beginning of a timed message; returns seconds and the rest.

    Raises:
        Refusal: 400, it does not begin with a time.
    """
    if len(content) < _TIME.size or not math.isfinite(seconds := _TIME.unpack_from(content)[0]):
        raise Refusal(
            400, "The message does not begin with a time. Send 8 bytes, a big-endian double, or leave 'timed' out."
        )
    return seconds, content[_TIME.size :]


def check_mask_version(drawn: str | None, expected: str) -> None:
    """Check that a client draws the masks that the model expects; a client may leave the version out.

    Raises:
        Refusal: 422, it draws masks of another version.
    """
    if drawn not in (None, expected):
        raise Refusal(
            422,
            f"The model expects masks of version '{expected}', and this client draws '{drawn[:40]}'. "
            "Update the client, or the service, so that both come from one release.",
        )


def check_trail_version(drawn: str | None, expected: str) -> None:
    """Check that a client draws the trails that the trail network expects; a client may leave the version out.

    Raises:
        Refusal: 422, it draws trails of another version.
    """
    if drawn not in (None, expected):
        raise Refusal(
            422,
            f"The trail network expects trails of version '{expected}', and this client draws '{drawn[:40]}'. "
            "Update the client, or the service, so that both come from one release.",
        )


def now() -> float:
    """Read the service's clock: seconds since 1970."""
    return round(time.time(), 3)


def candidates(prediction: Prediction) -> list[Candidate]:
    """List the likeliest labels of a mask, best first."""
    return [Candidate(letter=letter, confidence=share) for letter, share in prediction.top(TOP)]
