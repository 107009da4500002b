"""Passing items from thread to thread: the newest wins, or nothing is lost, and errors arrive."""

from __future__ import annotations

import itertools
import threading
from contextlib import closing

import pytest

from client.stream.handover import Handover

WAIT = 10


def test_a_lossless_one_gives_every_item_in_order():
    with closing(Handover(range(100), "count", lossless=True)) as numbers:
        assert list(numbers) == list(range(100))
        assert numbers.ended


def test_a_lossy_one_gives_the_newest_item():
    taken, counted = threading.Event(), threading.Event()

    def count():
        yield 0
        assert taken.wait(WAIT)
        yield from range(1, 200)
        counted.set()

    with closing(Handover(count(), "count", lossless=False)) as numbers:
        assert numbers.take(WAIT) == 0
        taken.set()
        assert counted.wait(WAIT)
        assert list(numbers) == [199]


def test_a_lossless_one_waits_for_its_consumer():
    given = []

    def items():
        for number in range(100):
            given.append(number)
            yield number

    with closing(Handover(items(), "items", lossless=True)) as numbers:
        for taken, number in enumerate(numbers, 1):
            assert number == taken - 1
            assert len(given) <= taken + 2, "one item waits, and the next one is ready"


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
    film = threading.Event()

    def items():
        assert film.wait(WAIT)
        yield 1

    with closing(Handover(items(), "slow", lossless=False)) as numbers:
        assert numbers.take(0.05) is None
        assert not numbers.ended
        film.set()
        assert numbers.take(WAIT) == 1


def test_closing_ends_the_thread_and_the_consumer():
    endless = Handover(itertools.count(), "endless", lossless=True)
    taking, taken = threading.Event(), []

    def take():
        for number in endless:
            taken.append(number)
            taking.set()

    thread = threading.Thread(target=take)
    thread.start()
    assert taking.wait(WAIT)
    endless.close()
    thread.join(WAIT)
    assert not thread.is_alive()
    assert "endless" not in [each.name for each in threading.enumerate()]
