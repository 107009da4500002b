"""Making a profile: masks and their letters in, a correction out."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from service.batching import MAX_BATCH, RETRY
from service.correction import Samples
from service.enrolment import enrol
from service.errors import Refusal
from service.profile import ProfileReply
from service.smoothing import NOTHING
from service.stream import predict_mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.batching import Batcher, Prediction

MAX_SAMPLES: Final = 400
"""Masks of one profile."""
MAX_PER_LETTER: Final = 20
"""Masks of one letter."""


async def make_profile(sent: Sequence[tuple[str, bytes]], batcher: Batcher) -> ProfileReply:
    """Run the model on a signer's masks and fit their correction, on a thread of its own.

    Args:
        sent: letters, and a PNG for each.
        batcher: runs the model.

    Raises:
        Refusal: 422 a letter is not one of the model's, or has too many masks; 501 the model gives no features; 503 it
            has been replaced meanwhile. And see `predict_masks`.
    """
    model = batcher.model
    if model.prototypes is None:
        raise Refusal(501, "The model in use is of a release without profiles. Export it again: make repro.")
    labels = {name: label for label, name in enumerate(model.classes) if name != NOTHING}
    letters = [letter for letter, _ in sent]
    for letter, count in Counter(letters).items():
        if letter not in labels:
            raise Refusal(422, f"The model does not know the letter '{letter[:20]}'. Choose from: {' '.join(labels)}.")
        if count > MAX_PER_LETTER:
            raise Refusal(422, f"{count} masks show {letter}: at most {MAX_PER_LETTER} of one letter are read.")
    predictions = await predict_masks([mask for _, mask in sent], batcher, with_features=True)
    if any(each.model is not model for each in predictions):
        raise Refusal(503, "The model was replaced meanwhile. Try again.", RETRY)
    features = np.stack([each.features for each in predictions if each.features is not None])
    probabilities = np.stack([each.probabilities for each in predictions])
    samples = Samples(features, probabilities, np.array([labels[letter] for letter in letters]))
    nothing = model.classes.index(NOTHING) if NOTHING in model.classes else None
    return ProfileReply.describe(await asyncio.to_thread(enrol, samples, model.prototypes, nothing), letters, model)


async def predict_masks(masks: Sequence[bytes], batcher: Batcher, *, with_features: bool = False) -> list[Prediction]:
    """Run the model on several masks, a batch at a time, so that those of others do not wait for all of them.

    Raises:
        Refusal: the first one that a mask met, with its number.
    """
    predictions: list[Prediction] = []
    for start in range(0, len(masks), MAX_BATCH):
        asked = [predict_mask(mask, batcher, with_features=with_features) for mask in masks[start : start + MAX_BATCH]]
        results = await asyncio.gather(*asked, return_exceptions=True)
        for number, result in enumerate(results, start):
            if isinstance(result, Refusal):
                raise Refusal(result.status, f"mask {number}: {result}", result.headers)
            if isinstance(result, BaseException):
                raise result
            predictions.append(result)
    return predictions
