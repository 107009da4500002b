"""What is said over a stream: the options at its beginning, and the reply to each frame. See docs/protocol.md."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from service.batching import DIGITS
from service.errors import Refusal
from service.smoothing import SmoothingParameters, accept

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.batching import Reading
    from service.smoothing import Smoothed

TOP: Final = 3
"""Likeliest letters that a reply names."""
MAX_FRAME_RATE: Final = 1000.0


@dataclass(frozen=True)
class StreamOptions:
    """What a client asks of its stream."""

    smoothing: SmoothingParameters
    frame_rate: float | None
    """Frames a second of a film that is read at another pace than it plays; None: frames count when they arrive."""
    mask_version: str | None
    """Version of the renderer that draws the client's masks."""


def parse_options(query: Mapping[str, str]) -> StreamOptions:
    """Read a stream's options from its address.

    Raises:
        Refusal: 422, an option is unknown, no number, or out of its bounds.
    """
    smoothing = {field.name: field.type for field in fields(SmoothingParameters)}
    known = [*smoothing, "frame_rate", "mask_version"]
    if unknown := [name for name in query if name not in known]:
        raise Refusal(422, f"There is no option '{unknown[0][:40]}'. Choose from: {', '.join(known)}.")
    given = {name: _number(name, query[name], whole=smoothing[name] == "int") for name in smoothing if name in query}
    try:
        parameters = SmoothingParameters(**given)  # type: ignore[arg-type]
    except ValueError as error:
        raise Refusal(422, f"{str(error).rstrip('.')}.") from None
    frame_rate = _number("frame_rate", query["frame_rate"]) if "frame_rate" in query else None
    if frame_rate is not None and not 0 < frame_rate <= MAX_FRAME_RATE:
        raise Refusal(422, f"frame_rate is {frame_rate:g}, but must be more than 0 and at most {MAX_FRAME_RATE:g}.")
    return StreamOptions(parameters, frame_rate, query.get("mask_version"))


def check_mask_version(drawn: str | None, read: str) -> None:
    """See that a client draws what the model reads; one that does not say is believed.

    Raises:
        Refusal: 422, it draws other masks.
    """
    if drawn not in (None, read):
        raise Refusal(
            422,
            f"The model reads masks of version '{read}', and this client draws '{drawn[:40]}'. "
            "Update the client, or the service, so that both come from one release.",
        )


def describe(reading: Reading, threshold: float) -> dict[str, Any]:
    """Say what a mask shows: its letter where that is sure enough, and what else it may be."""
    letter, confidence = reading.best
    return {
        "letter": accept(letter, confidence, threshold),
        "confidence": round(confidence, DIGITS),
        "top": reading.top(TOP),
        "model": reading.model.version,
    }


def describe_stream(smoothed: Smoothed, reading: Reading | None, version: str) -> dict[str, Any]:
    """Say what a stream shows after a frame; None is a frame without a hand."""
    return {
        "letter": smoothed.letter,
        "confidence": round(reading.best[1], DIGITS) if reading else 0.0,
        "top": reading.top(TOP) if reading else [],
        "smoothed": smoothed.smoothed,
        "progress": round(smoothed.progress, DIGITS),
        "committed": smoothed.committed,
        "model": reading.model.version if reading else version,
    }


def _number(name: str, text: str, *, whole: bool = False) -> float:
    try:
        return int(text) if whole else float(text)
    except ValueError:
        kind = "a whole number" if whole else "a number"
        raise Refusal(422, f"{name} is '{text[:40]}', but must be {kind}.") from None
