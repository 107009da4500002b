"""Batches of what waits: every mask gets its own answer, whoever asks beside it."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest
from serving import CLASSES, COLOURS, METADATA, write_model

from service.batching import Batcher
from service.errors import Refusal
from service.recogniser import Recogniser


def painted(letter: str) -> np.ndarray:
    return np.full((224, 224, 3), COLOURS[letter], np.uint8)


@pytest.fixture
def model(tmp_path):
    return Recogniser(write_model(tmp_path / "model.onnx"))


class Gated:
    """A model that waits before it reads, so that masks gather."""

    def __init__(self, model: Recogniser) -> None:
        self.model, self.gate, self.sizes = model, threading.Event(), []
        self.classes, self.version, self.architecture = model.classes, model.version, model.architecture
        self.fails = False

    def predict(self, masks):
        self.gate.wait(10)
        self.sizes.append(len(masks))
        if self.fails:
            raise RuntimeError("out of memory")
        return self.model.predict(masks)


async def ask_all(batcher, letters):
    readings = await asyncio.gather(*(batcher.read(painted(letter)) for letter in letters), return_exceptions=True)
    return [reading if isinstance(reading, Exception) else reading.best[0] for reading in readings]


def test_everyone_gets_the_answer_to_his_own_mask(model):
    batcher = Batcher(model)
    letters = CLASSES * 20
    assert asyncio.run(ask_all(batcher, letters)) == letters
    batcher.close()


def test_what_waits_is_read_together_but_no_more_than_a_batch(model):
    gated = Gated(model)
    batcher = Batcher(gated, max_batch=4)

    async def ask():
        asked = asyncio.create_task(ask_all(batcher, CLASSES * 3))
        await asyncio.sleep(0.1)
        gated.gate.set()
        return await asked

    assert asyncio.run(ask()) == CLASSES * 3
    assert max(gated.sizes) == 4
    assert sum(gated.sizes) == 9
    batcher.close()


def test_too_many_that_wait_are_refused(model):
    gated = Gated(model)
    batcher = Batcher(gated, max_batch=1, max_waiting=3)

    async def ask():
        asked = asyncio.create_task(ask_all(batcher, CLASSES * 4))
        await asyncio.sleep(0.1)
        gated.gate.set()
        return await asked

    answers = asyncio.run(ask())
    refused = [answer for answer in answers if isinstance(answer, Refusal)]
    assert len(refused) in (8, 9)  # the thread may have taken the first one already
    assert {refusal.status for refusal in refused} == {503}
    assert [answer for answer in answers if isinstance(answer, str)] == (CLASSES * 4)[: 12 - len(refused)]
    batcher.close()


def test_a_model_that_fails_fails_those_who_asked_and_goes_on(model):
    gated = Gated(model)
    gated.gate.set()
    gated.fails = True
    batcher = Batcher(gated)
    assert [str(answer) for answer in asyncio.run(ask_all(batcher, ["A"]))] == ["out of memory"]
    gated.fails = False
    assert asyncio.run(ask_all(batcher, ["B"])) == ["B"]
    batcher.close()


def test_another_model_reads_the_next_mask_by_its_own_classes(model, tmp_path):
    metadata = METADATA | {"classes": '["X", "Y", "Z"]'}
    other = Recogniser(write_model(tmp_path / "other.onnx", metadata))
    batcher = Batcher(model)
    assert asyncio.run(ask_all(batcher, CLASSES)) == CLASSES
    batcher.model = other
    assert asyncio.run(ask_all(batcher, CLASSES)) == ["X", "Y", "Z"]
    batcher.close()


def test_close_answers_what_waits(model):
    gated = Gated(model)
    batcher = Batcher(gated, max_batch=2)

    async def ask():
        asked = asyncio.create_task(ask_all(batcher, CLASSES))
        await asyncio.sleep(0.1)
        closing = asyncio.get_running_loop().run_in_executor(None, batcher.close)
        gated.gate.set()
        answers = await asked
        await closing
        return answers

    assert asyncio.run(ask()) == CLASSES


def test_the_three_likeliest_come_first(model):
    batcher = Batcher(model)
    reading = asyncio.run(batcher.read(np.full((224, 224, 3), (200, 190, 10), np.uint8)))
    assert [first["letter"] for first in reading.top(3)] == ["A", "B", "L"]
    assert reading.top(1)[0]["confidence"] == pytest.approx(reading.best[1], abs=1e-4)
    batcher.close()
