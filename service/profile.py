"""A signer's profile as it travels: what `POST /profile` replies, and what a stream takes and checks.

Whatever a client sends is checked before it is used: numbers of a bounded size, in the shape of the model in use, never
code. It changes nothing but the client's own stream, and ends with it.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, Field, ValidationError

from service.correction import Correction
from service.errors import Refusal
from service.smoothing import NOTHING

if TYPE_CHECKING:
    from service.batching import Prediction
    from service.enrolment import Enrolment
    from service.recogniser import Recogniser

MAX_PROFILE_BYTES: Final = 512 * 1024
"""Longest correction that is read, the limit of every message: several times that of the widest network."""
LEVELS: Final = 127
"""Steps of a weight on each side of 0."""
MAX_WEIGHT: Final = 1000.0
"""Largest weight and bias: hundreds of times those that a fit gives."""
MAX_CLASSES: Final = 1000

_MAKE_AGAIN: Final = "Make the profile anew: POST /profile."

Message = TypeVar("Message", bound=BaseModel)
Share = Annotated[float, Field(ge=0, le=1)]
Bounded = Annotated[float, Field(ge=-MAX_WEIGHT, le=MAX_WEIGHT, allow_inf_nan=False)]


class CorrectionMessage(BaseModel, extra="forbid", use_attribute_docstrings=True):
    """A correction: clients keep it as it is and send it back."""

    model: Annotated[str, Field(max_length=64)]
    """Version of the model that it is for."""
    counts: Annotated[list[bool], Field(max_length=MAX_CLASSES)]
    """For which of the model's classes it speaks."""
    bias: Annotated[list[Bounded], Field(max_length=MAX_CLASSES)]
    scale: Annotated[list[Bounded], Field(max_length=MAX_CLASSES)]
    """The weights of a class are its whole numbers times this."""
    weights: str
    """Base64 of int8 (C, F), a row for each class."""

    @classmethod
    def pack(cls, correction: Correction, model: str) -> CorrectionMessage:
        """Round a correction to 8 bits a weight, as many as its accuracy needs."""
        rows = correction.weights.T
        scale = np.abs(rows).max(axis=1) / LEVELS
        levels = np.round(rows / np.where(scale > 0, scale, 1.0)[:, None]).astype(np.int8)
        return cls(
            model=model,
            counts=correction.counts.tolist(),
            bias=np.clip(correction.bias, -MAX_WEIGHT, MAX_WEIGHT).tolist(),
            scale=np.minimum(scale, MAX_WEIGHT).tolist(),
            weights=base64.b64encode(levels.tobytes()).decode(),
        )

    def unpack(self, model: Recogniser) -> Correction:
        """Check it against the model that it is for.

        Raises:
            Refusal: 422, it does not fit.
        """
        classes = len(model.classes)
        width = 0 if model.prototypes is None else model.prototypes.features.shape[1]
        try:
            levels = np.frombuffer(base64.b64decode(self.weights, validate=True), np.int8)
        except ValueError:
            raise Refusal(422, f"The profile's weights are not base64. {_MAKE_AGAIN}") from None
        if {len(self.counts), len(self.bias), len(self.scale)} != {classes} or len(levels) != classes * width:
            raise Refusal(422, f"The profile has not the size of the model's {classes} classes. {_MAKE_AGAIN}")
        weights = levels.reshape(classes, width) * np.array(self.scale, np.float32)[:, None]
        return Correction(weights.T.copy(), np.array(self.bias, np.float32), np.array(self.counts))


class LetterReply(BaseModel, extra="forbid", use_attribute_docstrings=True):
    """What an enrolment is worth for one letter."""

    letter: str
    samples: int
    """Samples sent."""
    used: int
    """Samples that were not dropped."""
    before: Share
    """Share of the used samples that the network alone recognises."""
    after: Share | None
    """The same with a correction made without them; null for a letter with one sample."""


class DroppedReply(BaseModel, extra="forbid", use_attribute_docstrings=True):
    """A sample that fits none of the signer's others."""

    sample: int
    """Number of the file in the form, from 0."""
    letter: str
    reads: str | None
    """What it looks like; null if that is no letter."""


class ProfileReply(BaseModel, extra="forbid", use_attribute_docstrings=True):
    """A signer's correction and what to know about it. The service keeps nothing of it."""

    model: str
    """First 12 digits of the SHA-256 of the model's file."""
    correction: CorrectionMessage
    letters: list[LetterReply]
    dropped: list[DroppedReply]
    alike: list[tuple[str, str]]
    """Pairs of letters that this person signs alike."""

    @classmethod
    def describe(cls, enrolment: Enrolment, sent: list[str], model: Recogniser) -> ProfileReply:
        """Describe an enrolment.

        Args:
            enrolment: of the samples in the order in which they were sent.
            sent: their letters.
            model: the model that read them.
        """
        names = model.classes
        return cls(
            model=model.version,
            correction=CorrectionMessage.pack(enrolment.correction, model.version),
            letters=[LetterReply(letter=names[label], **vars(check)) for label, check in enrolment.letters.items()],
            dropped=[
                DroppedReply(sample=row, letter=sent[row], reads=None if names[label] == NOTHING else names[label])
                for row, label in enrolment.dropped.items()
            ],
            alike=[(names[one], names[other]) for one, other in enrolment.alike],
        )


class ProfileState(BaseModel, extra="forbid", use_attribute_docstrings=True):
    """Whether a profile is in force on a stream: the reply to a text message, and news after a change of the model."""

    profile: Literal["in force", "none", "refused", "outdated"]
    """`refused`: what was in force before still is. `outdated`: it is for another model; make it anew."""
    model: str
    """The model in use."""
    error: str | None = None
    """Why it was refused, and what to do."""


class ProfileMessage(BaseModel, extra="forbid"):
    """A text message of a stream."""

    profile: CorrectionMessage | None


@dataclass(frozen=True)
class Personal:
    """A correction and the model that it is for."""

    correction: Correction
    model: str

    def correct(self, prediction: Prediction) -> Prediction:
        """Correct a prediction; one of another model, or without features, stays as it is."""
        if prediction.features is None or prediction.model.version != self.model:
            return prediction
        corrected = self.correction.apply(prediction.probabilities[None], prediction.features[None])[0]
        return replace(prediction, probabilities=corrected)


class OutdatedProfile(Refusal):
    """The correction was made for another model: the client makes it anew."""

    def __init__(self, made_for: str, in_use: str) -> None:
        super().__init__(409, f"The profile is for model '{made_for[:12]}', but {in_use} is in use. {_MAKE_AGAIN}")


def read_message(text: str, model: Recogniser) -> Personal | None:
    """Read a stream's text message; None if no profile is to be in force. Errors are those of `read_correction`."""
    message = _parse(ProfileMessage, text).profile
    return None if message is None else _open(message, model)


def read_correction(text: str | bytes, model: Recogniser) -> Personal:
    """Read a correction.

    Raises:
        OutdatedProfile: it is for another model than the one in use.
        Refusal: 413 it is too long, 422 it is no correction or does not fit the model.
    """
    return _open(_parse(CorrectionMessage, text), model)


def _open(message: CorrectionMessage, model: Recogniser) -> Personal:
    if message.model != model.version:
        raise OutdatedProfile(message.model, model.version)
    return Personal(message.unpack(model), model.version)


def _parse(kind: type[Message], text: str | bytes) -> Message:
    if len(text) > MAX_PROFILE_BYTES:
        raise Refusal(413, f"{len(text)} bytes are too many for a profile. {_MAKE_AGAIN}")
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])[:40]
        raise Refusal(
            422,
            f"The message is no profile{f' ({where})' if where else ''}. "
            "Send what POST /profile replied as 'correction'.",
        ) from None
