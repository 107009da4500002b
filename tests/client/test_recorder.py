"""Which frames are kept, at what interval, and what the keys do."""

from __future__ import annotations

import pytest
from drawn_hand import open_hand

from client.landmarks import Hand
from client.recording.record import press_key
from client.recording.recorder import Recorder

HAND = Hand(open_hand(), "Right", 0.9)
SIZE = (640, 480)


def see(recorder, *times, hand=HAND):
    return [recorder.see(time, hand, SIZE) for time in times]


def state(recorder):
    return recorder.letter, recorder.taken, recorder.recording


def test_nothing_is_recorded_before_it_starts():
    recorder = Recorder("AB", per_letter=2)
    assert see(recorder, 0.0, 1.0) == [False, False]
    assert (state(recorder), recorder.n_tried) == (("A", 0, False), 0)


def test_frames_of_a_film_are_recorded_a_fifth_of_a_second_apart():
    recorder = Recorder("A", per_letter=100)
    recorder.start()
    taken = see(recorder, *(frame / 15 for frame in range(25)))
    assert [frame for frame, kept in enumerate(taken) if kept] == list(range(0, 25, 3))


def test_a_complete_letter_is_followed_by_the_next_and_a_pause():
    recorder = Recorder("AB", per_letter=2)
    recorder.start()
    assert see(recorder, 0.0, 0.3, 0.6) == [True, True, False]
    assert state(recorder) == ("B", 0, False)
    recorder.start()
    see(recorder, 1.0, 1.3)
    assert recorder.finished
    assert state(recorder) == ("", 0, False)
    assert [(sample.letter, sample.image_size) for sample in recorder.samples] == [(letter, SIZE) for letter in "AABB"]


def test_a_missed_hand_counts_as_tried_at_the_same_pace():
    recorder = Recorder("A", per_letter=5)
    recorder.start()
    see(recorder, 0.0, 0.1, 0.2, 0.3, hand=None)
    see(recorder, 0.4)
    assert (recorder.taken, recorder.tried, recorder.n_tried) == (1, 3, 3)


@pytest.mark.parametrize(
    ("keys", "after"),
    [
        (" ", ("B", 1, True)),
        ("  ", ("B", 1, False)),
        ("n", ("C", 0, False)),
        (" n", ("C", 0, False)),
        ("b", ("B", 0, False)),
        ("bb", ("A", 0, False)),
        ("bbb", ("A", 0, False)),
        ("nb", ("B", 0, False)),
        ("nn", ("", 0, False)),
        ("x", ("B", 1, False)),
    ],
)
def test_keys(keys, after):
    recorder = Recorder("ABC", per_letter=2)
    recorder.start()
    see(recorder, 0.0, 0.2)
    recorder.start()
    see(recorder, 0.4)
    recorder.pause()
    for key in keys:
        press_key(recorder, ord(key))
    assert state(recorder) == after


def test_dropped_frames_do_not_count_as_tried():
    recorder = Recorder("AB", per_letter=2)
    recorder.start()
    see(recorder, 0.0, hand=None)
    see(recorder, 0.2)
    recorder.go_back()
    assert (recorder.samples, recorder.n_tried) == ([], 0)


def test_a_film_may_return_to_a_letter():
    recorder = Recorder("LO", per_letter=2)
    recorder.go_to("L")
    see(recorder, 0.0)
    recorder.go_to("O")
    see(recorder, 1.0)
    recorder.go_to("L")
    assert see(recorder, 2.0, 2.2, 2.4) == [True, False, False]  # the letter is complete
    assert [recorder.count(letter) for letter in "LO"] == [2, 1]
