"""Threshold, vote, hold and release: which predictions become letters, when, and how often."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from service.errors import explain
from service.smoothing import NOTHING, Smoothed, Smoothing, SmoothingParameters, accept

SURE, UNSURE = 0.9, 0.2
RATES = (5, 15, 30, 60)
"""Frames a second."""
PLAIN = SmoothingParameters(threshold=0.5, window=5, hold=0.4, release=0.3)


def feed(smoothing: Smoothing, shown: str, time: float, confidence: float = SURE) -> Smoothed:
    """Feed one frame: '.' shows no hand, '-' one without a letter, '?' an unsure X, small letters are unsure, too."""
    letter = {".": None, "-": NOTHING, "?": "X"}.get(shown, shown.upper())
    return smoothing.update(letter, UNSURE if shown == "?" or shown.islower() else confidence, time)


def spell(script: str, rate: float = 15, parameters: SmoothingParameters = PLAIN, confidence: float = SURE) -> str:
    """Play a script such as 'A 1.2, . 0.5', each sign with its seconds, and join the committed letters."""
    smoothing, frame, end, text = Smoothing(parameters), 0, 0.0, ""
    for part in script.split(","):
        shown, seconds = part.split()
        end += float(seconds)
        while frame / rate < end - 1e-9:
            text += feed(smoothing, shown, frame / rate, confidence).committed or ""
            frame += 1
    return text


CASES = {
    "a word with gaps": (", . 0.6, ".join(f"{letter} 1.6" for letter in "HELLOWORLD"), "HELLOWORLD"),
    "a word without gaps": (", ".join(f"{letter} 1.6" for letter in "WORLD"), "WORLD"),
    "a letter held on": ("L 12", "L"),
    "a hand that passes by": (". 1, A 0.3, . 1", ""),
    "another letter in between": ("L 1.6, O 1.6, L 1.6", "LOL"),
    "a hand that is gone in between": ("L 1.6, . 0.6, L 1.6", "LL"),
    "a hand that shows no letter in between": ("L 1.6, - 0.8, L 1.6", "LL"),
    "an unsure hand": ("? 9", ""),
    "an unsure hand in between": ("L 1.6, ? 1.6, L 1.6", "LL"),
    "an unsure L in between": ("L 1.6, l 1.6, L 1.6", "L"),
    "a hand that shows no letter": ("- 9", ""),
    "nobody there": (". 9", ""),
    "a pause after a flicker": ("A 0.2, . 0.6, A 0.2, . 0.6", ""),
}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(("script", "letters"), CASES.values(), ids=CASES)
def test_commits_at_every_frame_rate(script, letters, rate):
    assert spell(script, rate) == letters


@pytest.mark.parametrize(
    ("script", "letters"),
    [
        pytest.param("A 1.6, S 0.2, T 1.6", "AT", id="a flicker between letters"),
        pytest.param("A 1.6, S 0.2, A 1.6", "A", id="a flicker within a letter"),
        pytest.param("S 0.2, A 1.6", "A", id="a flicker before a letter"),
        pytest.param("L 1.6, . 0.2, L 1.6", "L", id="a hand lost for less than the release"),
        pytest.param("L 1.6, - 0.2, L 1.6", "L", id="no letter for less than the release"),
        pytest.param("L 1.6, . 0.2, - 0.2, L 1.6", "LL", id="both, one after the other"),
        pytest.param("L 1.6, - 0.2, l 0.067, - 0.2, L 1.6", "L", id="a glimpse of the letter before the release"),
        pytest.param(
            "L 1.6, O 0.2, - 0.2, O 0.2, L 1.6", "LL", id="a hand that relaxes and is taken for another letter"
        ),
        pytest.param(", ".join(["L 0.267, I 0.067"] * 9), "L", id="one frame in five misclassified"),
        pytest.param(", ".join(["A 0.067, S 0.067"] * 50), "", id="two letters in turn"),
    ],
)
def test_a_flicker_is_no_letter(script, letters):
    assert spell(script) == letters


@pytest.mark.parametrize("rate", RATES)
def test_a_letter_is_committed_when_it_has_been_held(rate):
    smoothing = Smoothing(PLAIN)
    times = [frame / rate for frame in range(2 * rate)]
    commits = [time for time in times if feed(smoothing, "A", time).committed]
    assert len(commits) == 1
    assert PLAIN.hold - 1e-9 <= commits[0] < PLAIN.hold + 1 / rate


def test_the_threshold_is_inclusive():
    assert spell("A 2", confidence=0.5) == "A"
    assert spell("A 2", confidence=0.4999) == ""


@pytest.mark.parametrize(
    ("letter", "confidence", "accepted"),
    [("A", 0.6, "A"), ("A", 0.5, "A"), ("A", 0.4, None), (NOTHING, 1.0, None), (None, 0.0, None)],
)
def test_what_counts_as_a_letter(letter, confidence, accepted):
    assert accept(letter, confidence, threshold=0.5) == accepted


def test_a_frame_shows_its_own_letter_and_the_windows():
    smoothing = Smoothing(PLAIN)
    for frame in range(12):
        feed(smoothing, "A", frame / 15)
    assert (feed(smoothing, "B", 12 / 15).letter, feed(smoothing, "B", 13 / 15).smoothed) == ("B", "A")
    last = feed(smoothing, "?", 14 / 15)
    assert (last.letter, last.smoothed) == (None, None)


def test_progress_grows_to_1_while_a_letter_is_held_and_stays_there():
    smoothing = Smoothing(PLAIN)
    shown = [feed(smoothing, "A", frame / 10).progress for frame in range(7)]
    assert shown == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0, 1.0, 1.0])
    assert feed(smoothing, "B", 0.7).progress == 1.0
    feed(smoothing, "B", 0.8)
    assert [feed(smoothing, "B", time).progress for time in (0.9, 1.0)] == pytest.approx([0.0, 0.25])
    assert [feed(smoothing, ".", time).progress for time in (1.1, 1.2, 1.3, 1.4)][-1] == 0.0


def test_the_window_is_empty_after_the_release():
    smoothing = Smoothing(SmoothingParameters(threshold=0.5, window=99, hold=0.4, release=0.3))
    for frame in range(12):
        feed(smoothing, "A", frame / 10)
    assert [feed(smoothing, ".", frame / 10).smoothed for frame in range(12, 16)] == ["A", "A", "A", None]
    assert feed(smoothing, "B", 1.6).smoothed == "B"


def test_votes_that_are_left_in_a_long_window_hold_their_letter():
    rule = SmoothingParameters(threshold=0.5, window=60, hold=0.3, release=0.3)
    assert spell("L 1.6, - 0.5, L 1.6", parameters=rule) == "L"
    assert spell("L 1.6, - 2.0, L 4.0", parameters=rule) == "LL"


def test_without_hold_and_release_every_letter_counts_at_once():
    assert spell("A 0.067, . 0.067, A 0.067, B 0.067", parameters=SmoothingParameters(0.5, 1, 0.0, 0.0)) == "AAB"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"threshold": 1.1}, "threshold is 1.1"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"window": 0}, "window is 0"),
        ({"window": 101}, "window is 101"),
        ({"window": 2.5}, "window is 2.5"),
        ({"hold": -0.1}, "hold is -0.1"),
        ({"hold": float("inf")}, "hold is inf"),
        ({"release": 10.5}, "release is 10.5"),
        ({"release": float("nan")}, "release is nan"),
    ],
)
def test_an_invalid_parameter_is_named(fields, says):
    with pytest.raises(ValidationError) as invalid:
        SmoothingParameters(**fields)
    (error,) = invalid.value.errors()
    assert f"{error['loc'][0]} is {explain(error)[0]}" == says


steps = st.one_of(st.sampled_from([1 / rate for rate in RATES]), st.floats(1 / 60, 1 / 5))
"""Seconds from a frame to the next one, regular and irregular."""
frames = st.lists(st.tuples(st.sampled_from("ABLal?-."), steps), max_size=120).map(
    lambda shown: list(zip((letter for letter, _ in shown), accumulate(step for _, step in shown), strict=True))
)
"""What each frame shows, and when."""
parameters = st.builds(
    SmoothingParameters,
    threshold=st.floats(0.3, 0.9),
    window=st.integers(1, 12),
    hold=st.floats(0, 1),
    release=st.floats(0, 1),
)


@settings(deadline=None)
@given(frames, parameters)
def test_a_letter_is_committed_only_after_its_hold(stream, rule):
    smoothing = Smoothing(rule)
    shown = [(time, feed(smoothing, letter, time)) for letter, time in stream]
    for index, (time, frame) in enumerate(shown):
        if frame.committed is not None:
            begin = index
            while begin and shown[begin - 1][1].smoothed == frame.committed:
                begin -= 1
            assert frame.committed == frame.smoothed == frame.letter
            assert time - shown[begin][0] >= rule.hold - 1e-5


@settings(deadline=None)
@given(frames, parameters)
def test_the_smoothed_letter_is_that_of_more_than_half_of_the_last_frames_since_the_release(stream, rule):
    smoothing = Smoothing(rule)
    voters, gone_since = [], None
    for letter, time in stream:
        gone_since = None if letter != "." else time if gone_since is None else gone_since
        voters = [*voters, letter]
        if gone_since is not None and time - gone_since >= rule.release - 1e-6:
            voters = []
        voters = voters[-rule.window :]
        winners = [letter for letter in "ABL" if 2 * voters.count(letter) > len(voters)]
        assert feed(smoothing, letter, time).smoothed == (winners[0] if winners else None)


@settings(deadline=None)
@given(frames, parameters)
def test_the_same_letter_twice_means_a_release_in_between(stream, rule):
    smoothing = Smoothing(rule)
    last, unseen_since, released = None, None, True
    for letter, time in stream:
        unseen_since = None if letter.upper() == last else time if unseen_since is None else unseen_since
        released = released or (unseen_since is not None and time - unseen_since >= rule.release - 1e-5)
        now = feed(smoothing, letter, time).committed
        if now is not None:
            assert now != last or released
            last, unseen_since, released = now, None, False


@settings(deadline=None)
@given(frames, parameters, st.text("AB?", min_size=25, max_size=40))
def test_after_a_release_without_a_hand_nothing_is_remembered(stream, rule, later):
    used, fresh = Smoothing(rule), Smoothing(rule)
    begin = stream[-1][1] if stream else 0.0
    for letter, time in [*stream, (".", begin + 1), (".", begin + 2.1)]:
        feed(used, letter, time)
    for frame, letter in enumerate(later):
        assert feed(used, letter, begin + 3 + frame / 15) == feed(fresh, letter, begin + 3 + frame / 15)


@settings(deadline=None)
@given(frames, parameters, steps)
def test_a_letter_held_long_enough_after_a_release_is_committed_once(stream, rule, step):
    smoothing = Smoothing(rule)
    begin = stream[-1][1] if stream else 0.0
    for letter, time in [*stream, (".", begin + 1), (".", begin + 2.1)]:
        feed(smoothing, letter, time)
    times = [begin + 2.2 + frame * step for frame in range(int(3 / step))]
    assert [feed(smoothing, "L", time).committed for time in times].count("L") == 1


@settings(deadline=None)
@given(frames, parameters)
def test_progress_is_a_share_and_1_at_a_commit(stream, rule):
    smoothing = Smoothing(rule)
    shown = [feed(smoothing, letter, time) for letter, time in stream]
    for frame in shown:
        assert 0.0 <= frame.progress <= 1.0
        assert frame.smoothed is not None or frame.progress == 0.0
        assert frame.committed is None or frame.progress == 1.0
    for before, after in pairwise(shown):
        if before.smoothed == after.smoothed:
            assert after.progress >= before.progress


@settings(deadline=None)
@given(frames, parameters, st.floats(-1e6, 1e6))
def test_only_differences_of_time_count(stream, rule, shift):
    def commits(start):
        smoothing = Smoothing(rule)
        return [feed(smoothing, letter, start + round(time * 8) / 8).committed for letter, time in stream]

    assert commits(0.0) == commits(round(shift * 8) / 8)


@settings(deadline=None)
@given(frames, st.lists(st.floats(0, 5), min_size=120, max_size=120), parameters)
def test_an_earlier_time_counts_as_the_last_one(stream, delays, rule):
    late, even, latest = Smoothing(rule), Smoothing(rule), float("-inf")
    for (letter, time), delay in zip(stream, delays, strict=False):
        latest = max(latest, time - delay)
        assert feed(late, letter, time - delay) == feed(even, letter, latest)
