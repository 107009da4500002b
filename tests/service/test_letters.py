"""Held and drawn letters together: what a drawn one takes the place of, and that nothing changes without trails."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.letters import Letters
from service.movement import BEGINS, DRAWN
from service.segments import MOST_REPLACED, Segments
from service.smoothing import NOTHING, Smoothing, SmoothingParameters

LABELS = ("A", "D", "I", "L", "P", "X", NOTHING)
SURE, UNSURE = 0.9, 0.4


def row(shown):
    """Probabilities of a frame: 'A' a sure A, 'a' an unsure one, '.' nothing, ' ' no hand."""
    if shown == " ":
        return None
    label, share = (NOTHING, SURE) if shown == "." else (shown.upper(), SURE if shown.isupper() else UNSURE)
    probabilities = np.full(len(LABELS), (1 - share) / (len(LABELS) - 1), np.float32)
    probabilities[LABELS.index(label)] = share
    return probabilities


def trail(shown):
    """Probabilities of a trail: 'J' and 'Z' sure, 'j' and 'z' moving but not sure, '-' neither, ' ' no trail."""
    if shown == " ":
        return None
    share = {"-": 0.0}.get(shown, 0.95 if shown.isupper() else 0.4)
    return {letter: share if letter == shown.upper() else 0.02 for letter in DRAWN}


class Client:
    """The text by a client's rule: replaced segments are popped from the end while they are the same."""

    def __init__(self):
        self.told, self.text = [], ""

    def take(self, seen):
        for each in reversed(seen.replaced):
            assert self.told, "only what was told is replaced"
            assert self.told.pop() == each, "what is replaced is the last of those told, in order"
            if each.committed:
                assert self.text[-1] == each.alternatives[0][0]
                self.text = self.text[:-1]
        self.told += seen.segments
        self.text += seen.committed or ""


def play(frames, trails="", rate=15.0, **parameters):
    """Play frames and their trails; returns the client and all that it was told."""
    letters, client = Letters(SmoothingParameters(**parameters)), Client()
    told = []
    for number, shown in enumerate(frames):
        moved = trail(trails[number]) if number < len(trails) else None
        told.append(letters.update(row(shown), LABELS, number / rate, moved))
        client.take(told[-1])
    return client, told


def script(*parts):
    """Put together frames and trails from (hand, trail, count)."""
    return "".join(hand * count for hand, _, count in parts), "".join(moved * count for _, moved, count in parts)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([("I", " ", 8), ("I", "-", 2), ("A", "J", 5), (" ", " ", 8)], "J"),
        ([("I", "-", 4), ("I", "J", 6), (" ", " ", 8)], "J"),
        ([("A", " ", 8), ("i", "-", 4), (".", "J", 5), (" ", " ", 8)], "AJ"),
        ([("A", " ", 8), (".", "-", 4), (".", "J", 5), (" ", " ", 8)], "A"),
        (
            [("P", " ", 8), ("I", " ", 8), ("D", " ", 6), ("D", "-", 3), ("D", "Z", 5), (" ", " ", 9), ("A", " ", 8)],
            "PIZA",
        ),
        ([("D", " ", 8), (".", "-", 6), (".", "Z", 5), ("D", " ", 8), (" ", " ", 6)], "Z"),
        ([("D", " ", 8), ("x", "-", 6), (".", "Z", 5), (" ", " ", 6)], "Z"),
        ([("L", " ", 8), ("D", " ", 8), ("x", "-", 6), (".", "Z", 5), (" ", " ", 6)], "LZ"),
        ([("I", " ", 8), (".", "J", 5), ("I", " ", 12), (" ", " ", 6), ("I", " ", 8)], "JI"),
        ([("I", " ", 8), (".", "J", 5), ("A", " ", 8), ("I", " ", 8)], "JAI"),
        ([("D", " ", 6), ("x", "Z", 4), ("D", "-", 13), ("D", "Z", 4), ("A", " ", 8)], "ZZA"),
        ([("I", " ", 30), ("I", "j", 8), ("A", "j", 12), ("A", " ", 4)], "IA"),
        ([("A", "j", 12), (".", " ", 10)], "A"),
        ([("I", " ", 8), ("P", " ", 30), (".", "J", 4)], "IP"),
        ([("I", " ", 8), ("P", " ", 10), ("P", "J", 8), (" ", " ", 8)], "IP"),
    ],
)
def test_a_drawn_letter_takes_the_place_of_its_beginning(parts, text):
    client, _ = play(*script(*parts))
    assert client.text == text


def test_a_drawn_letter_is_shown_for_a_moment():
    _, told = play(*script(("I", " ", 8), (".", "J", 6), (".", " ", 12)))
    shown = [each.smoothed.smoothed for each in told]
    first = shown.index("J")
    assert [each.committed for each in told].index("J") == first
    assert shown[first : first + 9] == ["J"] * 9, "0.6 s at 15 frames a second"
    assert set(shown[first + 9 :]) == {None}


def test_a_letter_that_is_held_is_shown_before_a_drawn_one():
    _, told = play(*script(("I", " ", 8), ("A", "J", 4), ("A", " ", 6)))
    assert "A" in [each.smoothed.smoothed for each in told][13:17]


def test_a_drawn_letter_has_its_nearest_as_alternative():
    _, told = play(*script(("I", " ", 8), ("A", "J", 4)))
    (seen,) = [each for each in told if each.committed in DRAWN]
    ((first, share), (second, rest)) = seen.segments[-1].alternatives
    assert (first, second, seen.segments[-1].committed) == ("J", "I", True)
    assert share + rest == pytest.approx(1.0)
    assert [each.alternatives[0][0] for each in seen.replaced] == ["I"]


def test_a_false_beginning_is_taken_back_without_its_letter():
    """The I was too short for a segment: what began at most half a second ago is taken for a part of the drawing."""
    client, told = play(*script(("A", " ", 8), ("I", " ", 1), ("P", " ", 3), (".", "J", 9)), hold=0.1)
    (seen,) = [each for each in told if each.committed in DRAWN]
    assert (client.text, [each.alternatives[0][0] for each in seen.replaced]) == ("AJ", ["P"])


def test_after_a_drawn_letter_its_beginnings_are_no_weak_letters_either():
    _, told = play(*script(("I", " ", 8), (".", "J", 4), ("i", " ", 5), ("P", " ", 8), (" ", " ", 8)))
    after = [letter for each in told[9:] for segment in each.segments for letter, _ in segment.alternatives[:1]]
    assert after == ["J", "P"]


scenes = st.lists(st.tuples(st.sampled_from("AaIiDdPXx. "), st.sampled_from("JZjz- "), st.integers(1, 9)), max_size=25)
rules = st.builds(
    SmoothingParameters,
    threshold=st.floats(0.3, 0.9),
    window=st.integers(1, 8),
    hold=st.floats(0, 0.6),
    release=st.floats(0, 2),
)


@settings(deadline=None)
@given(scenes, st.sampled_from([8.0, 15.0, 30.0]), rules)
def test_the_clients_rule_gives_the_committed_letters(scene, rate, rule):
    client, told = play(*script(*scene), rate, **vars(rule))
    assert "".join(each.alternatives[0][0] for each in client.told if each.committed) == client.text
    for each in told:
        assert len(each.replaced) <= MOST_REPLACED
        assert not each.replaced or each.committed in DRAWN
        if each.committed is not None:
            assert each.segments[-1].committed
            assert each.segments[-1].alternatives[0][0] == each.committed
        assert not any(one.alternatives[0][0] in DRAWN for one in each.replaced), "no drawn letter is taken back"


shaped = st.lists(st.tuples(st.sampled_from("I. "), st.sampled_from("Jj- "), st.integers(1, 9)), max_size=25)


@settings(deadline=None)
@given(shaped, st.sampled_from([8.0, 15.0, 30.0]), rules)
def test_a_hand_that_draws_holds_no_letter(scene, rate, rule):
    frames, trails = script(*scene)
    _, told = play(frames, trails, rate, **vars(rule))
    for moved, each in zip(trails, told, strict=True):
        assert moved in "- " or each.committed in (None, *DRAWN)


@settings(deadline=None)
@given(scenes, st.sampled_from([8.0, 15.0, 30.0]), rules)
def test_straight_after_a_drawn_letter_none_that_it_begins_with_is_committed(scene, rate, rule):
    frames, trails = script(*scene)
    _, told = play(frames, trails, rate, **vars(rule))
    shown = None
    for number, (frame, each) in enumerate(zip(frames, told, strict=True)):
        if each.committed in DRAWN:
            shown, letters = number, BEGINS[each.committed]
        elif shown is not None and (frame == " " or each.committed is not None or number / rate - shown / rate >= 0.55):
            assert each.committed is None or number / rate - shown / rate >= 0.55 or each.committed not in letters
            shown = None
        elif shown is not None and frame.upper() in letters:
            shown = number


@settings(deadline=None)
@given(scenes, st.sampled_from([8.0, 15.0, 30.0]), rules, st.sampled_from(" -"))
def test_without_a_drawn_letter_everything_is_as_without_trails(scene, rate, rule, moved):
    frames, _ = script(*scene)
    smoothing, segments = Smoothing(rule), Segments(rule.release)
    _, told = play(frames, moved * len(frames), rate, **vars(rule))
    for number, (shown, each) in enumerate(zip(frames, told, strict=True)):
        probabilities, time = row(shown), number / rate
        label = None if probabilities is None else LABELS[int(probabilities.argmax())]
        confidence = 0.0 if probabilities is None else float(probabilities.max())
        smoothed = smoothing.update(label, confidence, time)
        assert each.smoothed == smoothed
        assert each.committed == smoothed.committed
        assert each.segments == segments.update(probabilities, LABELS, time, smoothed.committed)
        assert each.replaced == []
