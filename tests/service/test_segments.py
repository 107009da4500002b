"""Segments: each letter once, with its alternatives, whether it was committed or not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.segments import Segments
from service.smoothing import NOTHING, Smoothing, SmoothingParameters

LABELS = ("A", "B", "L", NOTHING)
SURE, UNSURE = 0.9, 0.4


def spell(frames, rate=15.0, **parameters):
    """Show frames: 'A' for a sure A, 'a' for an unsure one, '.' for nothing, ' ' for no hand."""
    chosen = SmoothingParameters(**parameters)
    smoothing, segments = Smoothing(chosen), Segments(chosen.release)
    found, text = [], ""
    for number, shown in enumerate(frames):
        label = {".": NOTHING, " ": None}.get(shown, shown.upper())
        share = SURE if shown.isupper() or shown == "." else UNSURE
        row = None
        if label is not None:
            row = np.full(4, (1 - share) / 3, np.float32)
            row[LABELS.index(label)] = share
        committed = smoothing.update(label, share, number / rate).committed
        text += committed or ""
        found += segments.update(row, LABELS, number / rate, committed)
    return found, text


def letters(found):
    """Write committed letters as capitals and weak ones as small letters."""
    return "".join(best if each.committed else best.lower() for each in found for best, _ in each.alternatives[:1])


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ("AAAAAAAAAA          ", "A"),
        ("AAAAAAAAAABBBBBBBBBB          ", "AB"),
        ("aaaaaaaaaa          ", "a"),
        ("AAA        ", "a"),
        ("A        ", ""),
        ("AABBLL        ", "abl"),
        ("AAAAAAAAAAbBBBBBBBBB          ", "AB"),
        ("AAAAbAAAAAAA          ", "A"),
        ("AAAAAAAAAA      AAAAAAAAAA          ", "AA"),
        ("AAAA  AAAAAA       ", "A"),
        ("..........          ", ""),
        ("aaaaaa......bbbbbb          ", "ab"),
        ("AAAAAAAAAAbbbAAAAAAAAA          ", "Aba"),
    ],
)
def test_each_letter_is_a_segment_once(frames, expected):
    assert letters(spell(frames)[0]) == expected


def test_alternatives_are_mean_probabilities_of_letters():
    (segment,), _ = spell("aaaaaaAAAA         ", hold=0.6)
    (best, share), *others = segment.alternatives
    assert best == "A"
    assert share == pytest.approx((6 * UNSURE + 4 * SURE) / 10)
    assert [letter for letter, _ in others] == ["B", "L"]
    assert segment.seconds == pytest.approx(9 / 15)


@given(st.text("AaBbLl. ", max_size=60), st.sampled_from([0.0, 0.1, 0.2, 0.3]), st.sampled_from([5.0, 15.0, 30.0]))
def test_the_committed_segments_are_the_text(frames, hold, rate):
    found, text = spell(frames, rate, hold=hold)
    assert "".join(each.alternatives[0][0] for each in found if each.committed) == text


def test_a_model_with_other_labels_begins_a_new_segment():
    segments = Segments(0.3)
    for number in range(4):
        assert segments.update(np.array([0.6, 0.4], np.float32), ("A", "B"), number / 15, None) == []
    for number in range(4, 8):
        ended = segments.update(np.array([0.2, 0.6, 0.2], np.float32), ("L", "A", "B"), number / 15, None)
        if ended:
            break
    assert [each.alternatives for each in ended] == [(("A", pytest.approx(0.6)), ("B", pytest.approx(0.4)))]
