"""Two real hands in view: the raised one signs, until the other one is raised."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from client.capture.following import find_resting, follow_hand, paint_over
from client.frames import Frame
from client.mask import crop_square

LOW, HIGH = 300, 20
"""Upper edges of a photograph placed in the picture, in pixels."""


@pytest.fixture(scope="module")
def photos(shared):
    """Two hands, 300 x 225 pixels each."""
    folder = shared / "data/photos/t32rahman"
    found = [cv2.cvtColor(cv2.imread(str(folder / name)), cv2.COLOR_BGR2RGB) for name in ("B/00.jpg", "L/00.jpg")]
    return [cv2.resize(photo, (300, 225), interpolation=cv2.INTER_AREA) for photo in found]


def place(photos, left_top, right_top):
    """Put one photograph on the left and the other, mirrored, on the right."""
    picture = np.full((540, 640, 3), 150, np.uint8)
    picture[left_top : left_top + 225, 10:310] = photos[0]
    picture[right_top : right_top + 225, 330:630] = photos[1][:, ::-1]
    return picture


def follow(find, picture, begin, seconds):
    """Show a picture for so many seconds; returns the side of the hand that signs in the end."""
    return follow_film(find, [picture] * round(seconds * 15), begin)


def follow_film(find, pictures, begin):
    hand = None
    for number, picture in enumerate(pictures):
        hand = find(Frame(picture, number, begin + number / 15))
    return None if hand is None else "left" if crop_square(hand.landmarks)[0][0] < 320 else "right"


def test_the_raised_hand_signs_until_the_other_is_raised(photos):
    with follow_hand(None, related=True) as find:
        assert follow(find, place(photos, HIGH, LOW), 0.0, 1.0) == "left"
        assert follow(find, place(photos, LOW, HIGH), 1.0, 3.4) == "right"
        assert follow(find, place(photos, LOW, HIGH), 4.4, 2.0) == "right"


def test_a_hand_as_high_as_the_other_changes_nothing(photos):
    with follow_hand(None, related=True) as find:
        assert follow(find, place(photos, LOW, HIGH), 0.0, 1.2) == "right"
        rising = [place(photos, top, HIGH) for top in range(LOW, HIGH, -8)]
        assert follow_film(find, rising, 1.2) == "right"
        assert follow(find, place(photos, HIGH, HIGH), 1.2 + len(rising) / 15, 3.0) == "right"


def test_unrelated_pictures_are_searched_separately(photos):
    with follow_hand(None, related=False) as find:
        assert find(Frame(photos[0], 0, 0.0)) is not None
        assert find(Frame(np.full((225, 300, 3), 90, np.uint8), 1, 1.0)) is None


def hand_at(x, y):
    return np.array([[x + dx, y + dy, 0] for dx in (0, 50, 100) for dy in range(0, 140, 20)], dtype=np.float32)


def test_nothing_rests_with_one_hand_or_hands_that_overlap():
    assert find_resting([hand_at(0, 0)], None, (480, 640)) is None
    assert find_resting([hand_at(0, 0), hand_at(50, 20)], None, (480, 640)) is None
    box = find_resting([hand_at(50, 50), hand_at(400, 300)], None, (480, 640))
    assert box is not None
    assert (box[0] < 400, box[2] > 500) == (True, True)


def test_painting_leaves_the_frame_unchanged():
    rgb = np.full((20, 20, 3), 9, np.uint8)
    assert paint_over(rgb, None) is rgb
    assert paint_over(rgb, (5, 5, 10, 10)).sum() == rgb.sum() - 25 * 27
    assert (rgb == 9).all()
