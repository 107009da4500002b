"""Threshold and vote: which readings become letters, and how often."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.smoothing import NOTHING, Smoothing, SmoothingParameters, accept

SURE, UNSURE = 0.9, 0.2


RATE = 15.0
"""Frames a second of the cases."""


def feed(
    readings: str, smoothing: Smoothing | None = None, *, confidence: float = SURE, rate: float = RATE, at: int = 0
):
    """Feed one character a frame ('.' shows no hand, '?' an unsure one, '-' no letter) and return what is shown."""
    smoothing = smoothing or Smoothing()
    meaning = {".": (None, 0.0), "?": ("A", UNSURE), "-": (NOTHING, confidence)}
    return [
        smoothing.update(*meaning.get(reading, (reading, confidence)), time=(at + number) / rate)
        for number, reading in enumerate(readings)
    ]


def committed(readings: str, **options: float) -> str:
    return "".join(frame.committed or "" for frame in feed(readings, **options))


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


@pytest.mark.parametrize("rate", [8.0, 10.0, 15.0, 24.0, 30.0, 60.0])
def test_a_word_is_the_same_at_every_rate_of_frames(rate):
    second = round(rate)
    word = ("." * second).join(letter * second for letter in "HELLOWORLD")
    assert committed(word, rate=rate) == "HELLOWORLD"


def test_progress_rises_with_time_to_the_commit_and_stays():
    shown = feed("A" * 15)
    shares = [frame.progress for frame in shown]
    assert shares == sorted(shares)
    assert shares[0] == pytest.approx(0.0, abs=1e-4)
    assert shares[3] == pytest.approx(3 / RATE / SmoothingParameters().hold, abs=1e-4)
    assert [share == 1.0 for share in shares].index(True) == [frame.committed for frame in shown].index("A")
    assert shares[-1] == 1.0
    assert feed("....")[-1].progress == 0.0


def test_a_time_that_falls_counts_as_the_last_one():
    smoothing = Smoothing()
    assert smoothing.update("A", SURE, 5.0).progress < 0.1
    assert smoothing.update("A", SURE, 1.0).progress < 0.1
    assert smoothing.update("A", SURE, 5.0 + SmoothingParameters().hold).committed == "A"


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
    shown = feed("A" * 12 + "B?")
    assert (shown[-2].letter, shown[-2].smoothed) == ("B", "A")
    assert (shown[-1].letter, shown[-1].smoothed) == (None, "A")


def test_the_window_is_empty_after_the_release():
    assert [frame.smoothed for frame in feed("A" * 12 + "....")[-4:]] == ["A", "A", "A", None]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"threshold": 1.1}, "threshold"),
        ({"threshold": float("nan")}, "threshold"),
        ({"window": 0}, "window"),
        ({"window": 101}, "window"),
        ({"hold": -0.1}, "hold"),
        ({"hold": float("nan")}, "hold"),
        ({"release": 11}, "release"),
    ],
)
def test_parameters_check_themselves(fields, says):
    with pytest.raises(ValueError, match=says):
        SmoothingParameters(**fields)


frames = st.lists(
    st.tuples(st.sampled_from(["A", "B", "L", None]), st.floats(0, 1), st.floats(0, 0.3)), max_size=120
)  # each with the seconds since the one before
parameters = st.builds(
    SmoothingParameters,
    threshold=st.floats(0, 1),
    window=st.integers(1, 15),
    hold=st.floats(0, 1),
    release=st.floats(0, 1),
)


def timed(seen):
    now = 0.0
    for letter, confidence, gap in seen:
        now += gap
        yield letter, confidence, now


@settings(deadline=None)
@given(frames, parameters)
def test_a_letter_is_committed_only_when_it_has_held_the_window_and_by_a_frame_that_shows_it(seen, rule):
    smoothing, since, before = Smoothing(rule), 0.0, None
    for letter, confidence, now in timed(seen):
        shown = smoothing.update(letter, confidence, now)
        if shown.smoothed != before:
            before, since = shown.smoothed, now
        assert 0.0 <= shown.progress <= 1.0
        if shown.committed is not None:
            assert shown.committed == shown.smoothed == shown.letter
            assert now - since >= rule.hold - 1e-5


@settings(deadline=None)
@given(frames, parameters)
def test_the_same_letter_twice_means_a_released_hand_in_between(seen, rule):
    smoothing = Smoothing(rule)
    last, gone, released = None, None, True
    for letter, confidence, now in timed(seen):
        gone = None if letter is not None else now if gone is None else gone
        released = released or (gone is not None and now - gone >= rule.release - 1e-5)
        committed = smoothing.update(letter, confidence, now).committed
        if committed is not None:
            assert committed != last or released
            last, released = committed, False


@settings(deadline=None)
@given(frames, st.text("AB", min_size=25, max_size=40))
def test_after_a_release_nothing_is_remembered(seen, later):
    used, now = Smoothing(), 0.0
    for letter, confidence, now in timed(seen):
        used.update(letter, confidence, now)
    used.update(None, 0.0, now)
    used.update(None, 0.0, now + 1.0)
    begin = round(now + 2.0) * int(RATE)
    assert feed(later, used, at=begin) == feed(later, at=begin)


@settings(deadline=None)
@given(frames)
def test_a_sure_letter_held_long_enough_is_always_committed_once(seen):
    smoothing, now = Smoothing(), 0.0
    for letter, confidence, now in timed(seen):
        smoothing.update(letter, confidence, now)
    smoothing.update(None, 0.0, now)
    smoothing.update(None, 0.0, now + 1.0)
    assert [frame.committed for frame in feed("L" * 25, smoothing, at=round(now + 2) * 15)].count("L") == 1
