"""Takes of letters that move: when they begin and end, which are kept, what the keys do, and the file of sequences."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_hand import drawing_hand, open_hand

from client.errors import ClientError
from client.landmarks import Hand
from client.recording.landmark_file import append, check_target, read_recorded
from client.recording.record import press_key
from client.recording.recorder import Recorder
from client.recording.sequence_file import SequenceFile, from_takes, moving_path
from client.recording.takes import MOST_TAKES, TAKE_SECONDS

SIZE = (640, 480)
START = 7.0


class Signer:
    """Signs to a recorder, with frames of 15 a second."""

    def __init__(self, letters="J", per_letter=3):
        self.recorder, self.time = Recorder(letters, per_letter), START

    def show(self, seconds, *, points=lambda _: open_hand(), lost=lambda _: False):
        for number in range(round(seconds * 15)):
            hand = None if lost(number) else Hand(points(number / 15 - 0.3), "Left", 0.9)
            self.recorder.see(self.time, hand, SIZE)
            self.time += 1 / 15

    def draw(self, seconds=2.2, **options):
        press_key(self.recorder, ord(" "))
        self.show(seconds, points=drawing_hand, **options)

    @property
    def state(self):
        return self.recorder.letter, self.recorder.taken, self.recorder.recording


def test_one_take_is_recorded_for_each_press():
    signer = Signer()
    signer.show(3, points=drawing_hand)
    assert signer.state == ("J", 0, False), "nothing before the space bar is pressed"
    signer.draw()
    assert (signer.state, signer.recorder.wanted) == (("J", 1, False), 3)
    signer.show(3, points=drawing_hand)
    assert signer.state == ("J", 1, False)
    (take,) = signer.recorder.takes
    assert (take.letter, take.image_size, len(take.frames)) == ("J", SIZE, 2 * 15 + 1)
    assert [take.frames[place][0] for place in (0, -1)] == pytest.approx([0, TAKE_SECONDS])
    assert not signer.recorder.samples


def test_a_take_begins_when_a_hand_comes_and_keeps_frames_without_one():
    signer = Signer()
    signer.draw(3, lost=lambda number: number < 3 or number == 8)
    (take,) = signer.recorder.takes
    assert len(take.frames) == 2 * 15 + 1
    assert [number for number, (_, hand) in enumerate(take.frames) if hand is None] == [5]


@pytest.mark.parametrize("lost", [lambda _: False, lambda _: True])
def test_a_take_in_which_no_hand_moves_is_missed(lost):
    signer = Signer()
    press_key(signer.recorder, ord(" "))
    signer.show(2.2, lost=lost)
    assert signer.state == ("J", 0, False)
    assert (signer.recorder.missed_take, signer.recorder.tried, signer.recorder.n_tried) == (True, 1, 0)
    signer.draw(0.5)
    assert not signer.recorder.missed_take
    signer.show(2, points=lambda time: drawing_hand(time + 0.5))
    assert (signer.recorder.n_takes_tried, signer.state) == (2, ("J", 1, False))


def test_its_progress_grows_from_its_first_frame():
    signer, shares = Signer(), []
    signer.draw(0.5, lost=lambda _: True)
    assert signer.recorder.progress == 0
    for _ in range(3):
        signer.show(0.5, points=drawing_hand)
        shares.append(signer.recorder.progress)
    assert shares == pytest.approx([0.23, 0.5, 0.75], abs=0.05)


def test_a_letter_is_complete_after_its_takes_and_there_are_ten_at_most():
    signer = Signer("JA", per_letter=100)
    for number in range(MOST_TAKES):
        assert (signer.state, signer.recorder.wanted) == (("J", number, False), MOST_TAKES)
        signer.draw()
    assert (signer.state, signer.recorder.wanted) == (("A", 0, False), 100)
    press_key(signer.recorder, ord(" "))
    signer.show(0.5)
    assert (signer.recorder.count("J"), len(signer.recorder.samples), signer.recorder.n_tried) == (10, 3, 3)


@pytest.mark.parametrize(
    ("keys", "after"),
    [(" ", ("J", 2, True)), ("  ", ("J", 2, False)), ("b", ("J", 1, False)), ("bb", ("J", 0, False)),
     ("n", ("Z", 0, False)), ("nb", ("J", 1, False)), (" b", ("J", 1, False))],
)  # fmt: skip
def test_keys(keys, after):
    signer = Signer("JZ")
    signer.draw()
    signer.draw()
    for key in keys:
        press_key(signer.recorder, ord(key))
        signer.show(0.3, points=drawing_hand)
    assert signer.state == after


def takes(*letters, rate=15):
    """A take of each letter, the second one shorter, and one frame without a hand in each."""
    recorder = Recorder("".join(letters), 1)
    for row, letter in enumerate(letters):
        recorder.go_to(letter)
        for number in range(round((1.2 if row else 2.0) * rate)):
            hand = None if number == 4 else Hand(drawing_hand(number / rate), "Right" if row else "Left", 0.9)
            recorder.see(START + row * 10 + number / rate, hand, SIZE)
        recorder.end_take()
    return recorder.takes


def test_the_file_has_sequences_that_are_filled_up_with_nan(tmp_path):
    path = moving_path(tmp_path / "anna.npz")
    assert path == tmp_path / "anna_moving.npz"
    assert append(path, from_takes(takes("J", "Z"), "anna")) == 2
    with np.load(path) as file:
        arrays = dict(file)
    shapes = {name: (array.shape, array.dtype.kind) for name, array in arrays.items()}
    assert shapes == {
        "labels": ((2,), "U"), "signers": ((2,), "U"), "handedness": ((2,), "U"), "image_size": ((2, 2), "i"),
        "landmarks": ((2, 30, 21, 3), "f"), "times": ((2, 30), "f"),
    }  # fmt: skip
    assert (arrays["landmarks"].dtype, arrays["times"].dtype) == (np.float32, np.float64)
    assert arrays["labels"].tolist() == ["J", "Z"]
    assert arrays["handedness"].tolist() == ["Left", "Right"]
    np.testing.assert_allclose(arrays["times"][0], np.arange(30) / 15, atol=1e-9)
    np.testing.assert_array_equal(arrays["landmarks"][0, 9], drawing_hand(9 / 15))
    there = np.isfinite(arrays["landmarks"]).all(axis=(2, 3))
    assert np.argwhere(~there[0]).ravel().tolist() == [4]
    assert np.argwhere(~there[1]).ravel().tolist() == [4, *range(18, 30)]
    assert np.argwhere(np.isnan(arrays["times"][1])).ravel().tolist() == [*range(18, 30)]


@pytest.mark.parametrize("rates", [(15, 30), (30, 15)])
def test_takes_of_other_frame_rates_are_added(tmp_path, rates):
    path = tmp_path / "anna_moving.npz"
    for rate in rates:
        append(path, from_takes(takes("J", rate=rate), f"at {rate}"))
    whole = read_recorded(path, SequenceFile)
    assert whole.landmarks.shape == (2, 60, 21, 3)
    assert np.isfinite(whole.times).sum(axis=1).tolist() == [2 * rate for rate in rates]
    assert whole.signers.tolist() == [f"at {rate}" for rate in rates]
    assert check_target(path, SequenceFile) == 2


def test_a_file_of_another_kind_is_not_extended(tmp_path):
    path = tmp_path / "anna_moving.npz"
    append(path, from_takes(takes("J"), "anna"))
    with pytest.raises(ClientError, match=r"it holds .*'times'.*so nothing can be added to it"):
        check_target(path)
    arrays = vars(read_recorded(path, SequenceFile))
    np.savez(path, **arrays | {"times": arrays["times"][:, :-1]})
    with pytest.raises(ClientError, match="'landmarks' is"):
        check_target(path, SequenceFile)
    np.savez(path, **arrays | {"times": np.array(1.0)})
    with pytest.raises(ClientError, match="not a file of recorded landmarks"):
        check_target(path, SequenceFile)
