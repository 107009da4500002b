"""Enrolment: which frames become samples, for hands that hold, move, vanish and change, at any frame rate."""

from __future__ import annotations

import numpy as np
import pytest

from client.letters import letter_shapes
from client.profile.enrolment import SAMPLES, STILL, Enrolment
from client.profile.samples import LETTERS

PALM = 120.0
RATES = (10, 15, 30)


def hand(letter, shift=0.0, bend=0.0):
    """A letter's hand in the middle of a picture; moved right, and two fingertips moved, in palm lengths."""
    points = letter_shapes()[letter] + np.float32([shift, 0, 0])
    points[[8, 12], 1] += bend
    return (points * PALM + (320, 240, 0)).astype(np.float32)


class Signer:
    """Shows hands to an enrolment, frame by frame."""

    def __init__(self, enrolment, rate=30):
        self.enrolment, self.rate, self.frame = enrolment, rate, 0

    def show(self, seconds, pose):
        """Show what `pose` gives for each moment since now, for so long; returns the seconds until a letter is done."""
        asked = self.enrolment.asked
        for number in range(max(1, round(seconds * self.rate))):
            self.enrolment.see(pose(number / self.rate), self.frame / self.rate)
            self.frame += 1
            if self.enrolment.asked != asked:
                return (number + 1) / self.rate
        return None


def held(letter):
    """A hand that trembles as a real one does."""
    return lambda t: hand(letter, 0.02 * np.sin(9 * t), 0.03 * np.sin(5 * t))


def frozen(letter):
    return lambda _t: hand(letter)


def absent(_t):
    return None


def waving(letter):
    return lambda t: hand(letter, 1.5 * np.sin(6 * t))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("pose", [held, frozen])
def test_a_hand_that_holds_a_letter_is_done_within_two_and_a_quarter_seconds(rate, pose):
    signer = Signer(Enrolment(), rate)
    seconds = signer.show(4, pose("A"))
    assert 1.2 <= seconds <= 2.25
    assert signer.enrolment.letter == "B"
    assert [sample.letter for sample in signer.enrolment.samples] == ["A"] * SAMPLES


@pytest.mark.parametrize("rate", RATES)
def test_all_letters_one_after_the_other_without_a_pause_between(rate):
    signer = Signer(Enrolment(), rate)
    assert [signer.show(4, held(letter)) is not None for letter in LETTERS] == [True] * 24
    assert signer.enrolment.finished
    assert [sample.letter for sample in signer.enrolment.samples] == [letter for letter in LETTERS for _ in range(5)]
    assert signer.frame / rate < 60


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("pose", [held("A"), frozen("A")], ids=["held", "frozen"])
def test_the_same_hand_is_not_taken_for_the_next_letter(rate, pose):
    signer = Signer(Enrolment(), rate)
    signer.show(4, pose)
    assert signer.show(5, pose) is None
    assert (signer.enrolment.letter, signer.enrolment.phase, signer.enrolment.count) == ("B", "ready", 0)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(
    "change",
    [
        lambda signer: signer.show(0.35, absent),
        lambda signer: signer.show(0.5, waving("A")),
        lambda signer: signer.show(0.2, held("L")),
    ],
    ids=["absent", "moved", "another shape"],
)
def test_after_a_change_the_next_letter_may_look_the_same(rate, change):
    signer = Signer(Enrolment(["M", "N"]), rate)
    signer.show(4, held("A"))
    assert signer.enrolment.phase == "ready"
    change(signer)
    assert signer.show(4, held("A")) is not None
    assert signer.enrolment.finished


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("pose", [waving("A"), absent], ids=["moving", "absent"])
def test_nothing_is_taken_of_a_hand_that_moves_or_is_not_there(rate, pose):
    signer = Signer(Enrolment(), rate)
    assert signer.show(5, pose) is None
    assert (signer.enrolment.count, signer.enrolment.samples) == (0, [])


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(
    ("leave", "count"),
    [(held("L"), 0), (absent, 0)],
    ids=["another letter", "gone"],
)
def test_a_shape_that_leaves_takes_its_samples_with_it(rate, leave, count):
    signer = Signer(Enrolment(), rate)
    signer.show(0.9, held("A"))
    assert signer.enrolment.count >= 2
    signer.show(0.3, leave)
    assert signer.enrolment.count == count
    assert signer.enrolment.letter == "A"
    assert signer.show(4, held("A")) is not None
    samples = np.stack([sample.placed for sample in signer.enrolment.samples])
    assert np.abs(samples - samples[0]).mean() < 0.02, "all of the second try"


def test_one_frame_without_a_hand_does_not_drop_samples():
    signer = Signer(Enrolment())
    signer.show(0.9, held("A"))
    before = signer.enrolment.count
    signer.show(1 / 30, absent)
    signer.show(1 / 30, held("A"))
    assert signer.enrolment.count >= before >= 2


def test_the_ring_fills_while_the_hand_is_still():
    signer, rings = Signer(Enrolment()), []
    for _ in range(round(STILL * 30)):
        signer.show(1 / 30, frozen("A"))
        rings.append(signer.enrolment.ring)
    assert rings == sorted(rings)
    assert rings[0] == pytest.approx(0.0, abs=1e-3)
    assert rings[-1] < 1.0
    signer.show(1 / 30, frozen("A"))
    assert (signer.enrolment.ring, signer.enrolment.phase, signer.enrolment.count) == (1.0, "taking", 1)


def test_a_gap_between_two_frames_is_not_taken_for_stillness():
    enrolment = Enrolment()
    for time in (0.0, 3.0):
        enrolment.see(hand("A"), time)
    assert enrolment.phase == "still"
    assert enrolment.ring == pytest.approx(0.0, abs=1e-3)


def test_skip_leaves_a_letter_out_and_back_asks_again():
    signer = Signer(Enrolment(["A", "B", "C"]))
    signer.show(4, held("A"))
    signer.enrolment.skip()
    assert signer.enrolment.letter == "C"
    signer.enrolment.back()
    signer.enrolment.back()
    assert (signer.enrolment.letter, signer.enrolment.samples) == ("A", [])
    signer.enrolment.back()
    assert signer.enrolment.letter == "A"
    assert signer.show(2, held("A")) is None, "the hand as it is now was of the letter before"
    for letter in "LBC":
        signer.show(4, held(letter))
    assert signer.enrolment.finished
    assert [sample.letter for sample in signer.enrolment.samples] == list("AAAAABBBBBCCCCC")


def test_after_the_end_nothing_changes():
    signer = Signer(Enrolment(["A"]))
    signer.show(4, held("A"))
    signer.show(2, held("L"))
    signer.enrolment.skip()
    assert (signer.enrolment.letter, signer.enrolment.finished, len(signer.enrolment.samples)) == ("", True, SAMPLES)
    signer.enrolment.back()
    assert (signer.enrolment.letter, signer.enrolment.samples) == ("A", [])
