"""Threshold and vote: which readings become letters, and how often."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.smoothing import NOTHING, Smoothing, SmoothingParameters, accept

SURE, UNSURE = 0.9, 0.2


def committed(readings: str, confidence: float = SURE, parameters: SmoothingParameters | None = None) -> str:
    """Feed one character a frame ('.' shows no hand, '?' an unsure one, '-' no letter) and join what is committed."""
    smoothing = Smoothing(parameters)
    shown = [
        smoothing.update(None, 0.0)
        if letter == "."
        else smoothing.update(NOTHING if letter == "-" else letter, UNSURE if letter == "?" else confidence)
        for letter in readings
    ]
    return "".join(frame.committed or "" for frame in shown)


CASES = {
    "a word of 25 frames a letter and gaps of 8": (
        "........".join(letter * 25 for letter in "HELLOWORLD"),
        "HELLOWORLD",
    ),
    "a letter held on": ("L" * 200, "L"),
    "a flicker of 3": ("A" * 25 + "S" * 3 + "T" * 25, "AT"),
    "a flicker of 5": ("A" * 25 + "S" * 5 + "T" * 25, "AT"),
    "a flicker within a letter": ("A" * 25 + "S" * 5 + "A" * 25, "A"),
    "a flicker before a letter": ("S" * 5 + "A" * 25, "A"),
    "a hand that passes by": ("." * 20 + "A" * 5 + "." * 20, ""),
    "a hand lost for 3 frames": ("L" * 20 + "..." + "L" * 20, "L"),
    "a hand lost for 4 frames": ("L" * 20 + "...." + "L" * 20, "LL"),
    "another letter in between": ("L" * 20 + "O" * 20 + "L" * 20, "LOL"),
    "an unsure hand": ("?" * 100, ""),
    "an unsure hand in between": ("L" * 20 + "?" * 20 + "L" * 20, "L"),
    "a hand that shows no letter": ("-" * 100, ""),
    "a hand that relaxes in between": ("L" * 20 + "-" * 20 + "L" * 20, "L"),
    "one frame in five misread": ("LLLLI" * 5, "L"),
    "two letters in turn": ("AS" * 50, ""),
    "a pause after a flicker": ("A" * 5 + "...." + "A" * 5 + "....", ""),
    "nobody there": ("." * 100, ""),
}


@pytest.mark.parametrize(("readings", "letters"), CASES.values(), ids=CASES)
def test_commits(readings, letters):
    assert committed(readings) == letters


def test_the_threshold_is_inclusive():
    assert committed("A" * 20, confidence=0.5) == "A"
    assert committed("A" * 20, confidence=0.4999) == ""


@pytest.mark.parametrize(
    ("letter", "confidence", "accepted"),
    [("A", 0.6, "A"), ("A", 0.5, "A"), ("A", 0.4, None), (NOTHING, 1.0, None), (None, 0.0, None)],
)
def test_what_counts_as_a_letter(letter, confidence, accepted):
    assert accept(letter, confidence, threshold=0.5) == accepted


def test_a_frame_shows_its_own_letter_and_the_windows():
    smoothing = Smoothing()
    for _ in range(12):
        smoothing.update("A", SURE)
    frame = smoothing.update("B", SURE)
    assert (frame.letter, frame.smoothed) == ("B", "A")
    frame = smoothing.update("B", UNSURE)
    assert (frame.letter, frame.smoothed) == (None, "A")


def test_the_window_is_empty_after_the_release():
    smoothing = Smoothing()
    for _ in range(12):
        smoothing.update("A", SURE)
    assert [smoothing.update(None, 0.0).smoothed for _ in range(4)] == ["A", "A", "A", None]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"threshold": 1.1}, "threshold"),
        ({"threshold": float("nan")}, "threshold"),
        ({"votes": 6}, "votes"),
        ({"votes": 13}, "votes"),
        ({"window": 0, "votes": 0}, "votes"),
        ({"release": 0}, "release"),
    ],
)
def test_parameters_check_themselves(fields, says):
    with pytest.raises(ValueError, match=says):
        SmoothingParameters(**fields)


readings = st.lists(st.tuples(st.sampled_from(["A", "B", "L", None]), st.floats(0, 1)), max_size=120)
parameters = st.integers(1, 15).flatmap(
    lambda window: st.builds(
        SmoothingParameters,
        threshold=st.floats(0, 1),
        window=st.just(window),
        votes=st.integers(window // 2 + 1, window),
        release=st.integers(1, 10),
    )
)


@settings(deadline=None)
@given(readings, parameters)
def test_a_letter_is_committed_only_with_its_votes_and_only_while_it_holds_the_window(frames, rule):
    smoothing = Smoothing(rule)
    for index, (letter, confidence) in enumerate(frames):
        shown = smoothing.update(letter, confidence)
        if shown.committed is not None:
            seen = frames[max(0, index - rule.window + 1) : index + 1]
            assert shown.committed == shown.smoothed
            assert sum(one == shown.committed and sure >= rule.threshold for one, sure in seen) >= rule.votes


@settings(deadline=None)
@given(readings, parameters)
def test_the_same_letter_twice_means_a_released_hand_in_between(frames, rule):
    smoothing = Smoothing(rule)
    last, gap, released = None, 0, True
    for letter, confidence in frames:
        gap = gap + 1 if letter is None else 0
        released = released or gap >= rule.release
        now = smoothing.update(letter, confidence).committed
        if now is not None:
            assert now != last or released
            last, released = now, False


@settings(deadline=None)
@given(readings, st.text("AB", min_size=25, max_size=40))
def test_after_a_release_nothing_is_remembered(frames, later):
    used = Smoothing()
    for letter, confidence in frames:
        used.update(letter, confidence)
    for _ in range(SmoothingParameters().release):
        used.update(None, 0.0)
    fresh = Smoothing()
    assert [used.update(letter, SURE) for letter in later] == [fresh.update(letter, SURE) for letter in later]


@settings(deadline=None)
@given(readings)
def test_a_sure_letter_held_long_enough_is_always_committed(frames):
    smoothing = Smoothing()
    for letter, confidence in frames:
        smoothing.update(letter, confidence)
    for _ in range(SmoothingParameters().release):
        smoothing.update(None, 0.0)
    assert [smoothing.update("L", SURE).committed for _ in range(25)].count("L") == 1
