"""Batches of waiting masks: every mask gets its own prediction, whatever else is in its batch."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import numpy as np
import pytest
from serving import CLASSES, COLOURS, METADATA, ROOT, write_model

from service.batching import Batcher
from service.errors import Refusal
from service.recogniser import Recogniser
from service.threads import FAILED


def painted(letter: str) -> np.ndarray:
    return np.full((224, 224, 3), COLOURS[letter], np.uint8)


@pytest.fixture
def model(tmp_path):
    return Recogniser(write_model(tmp_path / "model.onnx"))


class Gated:
    """A model that waits before it runs, so that masks gather."""

    def __init__(self, model: Recogniser) -> None:
        self.model, self.gate, self.sizes = model, threading.Event(), []
        self.begun = threading.Event()
        self.classes, self.version, self.architecture = model.classes, model.version, model.architecture
        self.fails, self.rows, self.prototypes = False, slice(None), None

    def predict(self, masks):
        self.begun.set()
        self.gate.wait(10)
        self.sizes.append(len(masks))
        if self.fails:
            raise RuntimeError("out of memory")
        return self.model.predict(masks)[self.rows]


async def ask_all(batcher, letters):
    predictions = await asyncio.gather(
        *(batcher.predict(painted(letter)) for letter in letters), return_exceptions=True
    )
    return [each if isinstance(each, Exception) else each.best[0] for each in predictions]


async def gather_behind(gated, batcher, letters):
    """Ask for letters, and wait until the model has the first of them and the others wait or have been refused."""
    asked = asyncio.create_task(ask_all(batcher, letters))
    await asyncio.to_thread(gated.begun.wait, 10)
    return asked


def test_every_mask_gets_its_own_prediction(model):
    batcher = Batcher(model)
    letters = CLASSES * 20
    assert asyncio.run(ask_all(batcher, letters)) == letters
    batcher.close()


def test_waiting_masks_are_run_together_but_no_more_than_a_batch(model):
    gated = Gated(model)
    batcher = Batcher(gated, max_batch=4)

    async def ask():
        asked = await gather_behind(gated, batcher, CLASSES * 3)
        gated.gate.set()
        return await asked

    assert asyncio.run(ask()) == CLASSES * 3
    assert max(gated.sizes) == 4
    assert sum(gated.sizes) == 9
    batcher.close()


def test_too_many_waiting_masks_are_refused(model):
    gated = Gated(model)
    batcher = Batcher(gated, max_batch=1, max_waiting=3)

    async def ask():
        asked = await gather_behind(gated, batcher, CLASSES * 4)
        gated.gate.set()
        return await asked

    answers = asyncio.run(ask())
    refused = [answer for answer in answers if isinstance(answer, Refusal)]
    assert len(refused) in (8, 9)  # the thread may have taken the first one already
    assert {refusal.status for refusal in refused} == {503}
    assert [answer for answer in answers if isinstance(answer, str)] == (CLASSES * 4)[: 12 - len(refused)]
    batcher.close()


def test_a_model_that_fails_fails_its_own_batch_only(model):
    gated = Gated(model)
    gated.gate.set()
    gated.fails = True
    batcher = Batcher(gated)
    assert [str(answer) for answer in asyncio.run(ask_all(batcher, ["A"]))] == ["out of memory"]
    gated.fails = False
    assert asyncio.run(ask_all(batcher, ["B"])) == ["B"]
    batcher.close()


def test_a_model_that_answers_with_too_few_rows_ends_nothing(model):
    gated = Gated(model)
    gated.gate.set()
    gated.rows = slice(1)
    batcher = Batcher(gated)
    answers = asyncio.run(ask_all(batcher, CLASSES * 20))
    assert any(isinstance(answer, ValueError) for answer in answers)
    gated.rows = slice(None)
    assert asyncio.run(ask_all(batcher, CLASSES)) == CLASSES
    batcher.close()


def test_a_thread_that_fails_ends_the_process_and_the_log_says_why():
    program = """
import threading
from service.logs import configure_log
from service.threads import start_thread
configure_log("text")
start_thread("inference", lambda: 1 / 0)
threading.Event().wait(60)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == FAILED
    assert "critical the thread 'inference' failed, so this worker ends and another one starts" in done.stderr
    assert "ZeroDivisionError" in done.stderr


def test_another_model_predicts_the_next_mask_with_its_own_classes(model, tmp_path):
    metadata = METADATA | {"classes": '["X", "Y", "Z"]'}
    other = Recogniser(write_model(tmp_path / "other.onnx", metadata))
    batcher = Batcher(model)
    assert asyncio.run(ask_all(batcher, CLASSES)) == CLASSES
    batcher.replace_model(other)
    assert asyncio.run(ask_all(batcher, CLASSES)) == ["X", "Y", "Z"]
    batcher.close()


def test_close_finishes_the_waiting_masks(model):
    gated = Gated(model)
    batcher = Batcher(gated, max_batch=2)

    async def ask():
        asked = await gather_behind(gated, batcher, CLASSES)
        closing = asyncio.get_running_loop().run_in_executor(None, batcher.close)
        gated.gate.set()
        answers = await asked
        await closing
        return answers

    assert asyncio.run(ask()) == CLASSES


def test_the_three_likeliest_come_first(model):
    batcher = Batcher(model)
    prediction = asyncio.run(batcher.predict(np.full((224, 224, 3), (200, 190, 10), np.uint8)))
    assert [letter for letter, _ in prediction.top(3)] == ["A", "B", "L"]
    assert prediction.top(1) == [prediction.best]
    assert prediction.best[1] == pytest.approx(prediction.probabilities.max())
    batcher.close()
