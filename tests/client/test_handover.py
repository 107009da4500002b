"""Passing items from thread to thread: the newest wins, or nothing is lost, and errors arrive."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import pytest

from client.stream.handover import Handover


def count(until, pause=0.0):
    for number in range(until):
        time.sleep(pause)
        yield number


def test_a_lossless_one_gives_every_item_in_order():
    with closing(Handover(count(100), "count", lossless=True)) as numbers:
        assert list(numbers) == list(range(100))
        assert numbers.ended


def test_a_lossy_one_gives_the_newest_item():
    with closing(Handover(count(200, 0.002), "count", lossless=False)) as numbers:
        taken = []
        for number in numbers:
            taken.append(number)
            time.sleep(0.02)
    assert taken == sorted(set(taken))
    assert len(taken) < 60
    assert taken[-1] == 199


def test_a_lossless_one_waits_for_its_consumer():
    given = []

    def items():
        for number in range(10):
            given.append(number)
            yield number

    with closing(Handover(items(), "items", lossless=True)) as numbers:
        time.sleep(0.1)
        assert given == [0, 1], "one item waits, and the next one is ready"
        assert next(iter(numbers)) == 0


def test_an_error_arrives_after_the_items_before_it():
    def items():
        yield 1
        raise ValueError("out of film")

    with closing(Handover(items(), "items", lossless=True)) as numbers:
        taken = iter(numbers)
        assert next(taken) == 1
        with pytest.raises(ValueError, match="out of film"):
            next(taken)


def test_an_error_between_two_takes_is_not_mistaken_for_the_end():
    failed = threading.Event()

    def items():
        failed.set()
        yield from ()
        raise ValueError("out of film")

    with closing(Handover(items(), "items", lossless=False)) as numbers:
        failed.wait(5.0)
        numbers._thread.join(5.0)
        assert not numbers.ended
        with pytest.raises(ValueError, match="out of film"):
            numbers.take(0.01)


def test_taking_waits_no_longer_than_asked():
    begun = time.monotonic()
    with closing(Handover(count(1, 5.0), "slow", lossless=False)) as numbers:
        assert numbers.take(0.05) is None
        assert not numbers.ended
        assert time.monotonic() - begun < 1.0


def test_closing_ends_the_thread_and_the_consumer():
    endless = Handover(count(10**9), "endless", lossless=True)
    taken = []
    thread = threading.Thread(target=lambda: taken.extend(endless))
    thread.start()
    time.sleep(0.05)
    endless.close()
    thread.join(2.0)
    assert not thread.is_alive()
    assert "endless" not in [each.name for each in threading.enumerate()]
