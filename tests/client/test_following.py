"""Two hands in view: the larger and raised one signs until the other leads clearly; a bystander's is left aside."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from drawn_hand import open_hand

from client.capture.following import Signer, find_signing, follow_hand, paint_over, palm_size
from client.frames import Frame, hand_box
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


@pytest.fixture(scope="module")
def hel_frames(shared):
    """Frames of a real hand that signs H, E and L, and leaves after each."""
    capture = cv2.VideoCapture(str(shared / "data/helloworld.mp4"))
    frames = [cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB) for _ in range(99)]
    capture.release()
    return frames


@pytest.mark.parametrize(("width", "left", "top"), [(132, 530, 200), (132, 500, 10), (198, 480, 150)])
def test_a_bystander_at_the_edge_is_not_followed_while_the_signer_is_there_or_gone_for_a_moment(
    hel_frames, shared, width, left, top
):
    """The bystander's hand is there all the time, smaller than the signer's or as large."""
    photo = cv2.imread(str(shared / "data/photos/t32rahman/W/00.jpg"), cv2.IMREAD_COLOR_RGB)[130:480, 250:470]
    other = cv2.resize(photo, (width, width * 350 // 220), interpolation=cv2.INTER_AREA)[: 480 - top, : 640 - left]
    followed = []
    with follow_hand(None, related=True) as find:
        for number, frame in enumerate(hel_frames):
            picture = frame.copy()
            picture[top : top + len(other), left : left + other.shape[1]] = other
            hand = find(Frame(picture, number, number / 15))
            followed.append(None if hand is None else crop_square(hand.landmarks)[0][0])
    assert all(x is None or x < 450 for x in followed)
    signed = [*followed[:25], *followed[33:58], *followed[66:91]]
    assert sum(x is not None for x in signed) > 70


def hand_at(x, y, size=1.0):
    return size * (open_hand() - open_hand()[9]) + np.array([x, y, 0], np.float32)


def seen(hand):
    return Signer(hand, palm_size(hand), 0.0)


SHAPE = (480, 640)
MIDDLE, EDGE = hand_at(320, 250), hand_at(560, 250)
FAR = hand_at(560, 250, 0.5)


@pytest.mark.parametrize(
    ("hands", "signer", "following", "signs"),
    [
        ([], None, False, None),
        ([FAR], None, False, FAR),
        ([FAR, MIDDLE], None, False, MIDDLE),
        ([EDGE, MIDDLE], None, False, MIDDLE),
        ([hand_at(200, 400), hand_at(440, 200)], None, False, hand_at(440, 200)),
        ([FAR, MIDDLE], MIDDLE, True, MIDDLE),
        ([hand_at(560, 120), MIDDLE], MIDDLE, True, MIDDLE),
        ([FAR, MIDDLE], FAR, True, MIDDLE),
        ([hand_at(200, 440), hand_at(440, 120)], hand_at(200, 440), True, hand_at(440, 120)),
        ([hand_at(200, 200), hand_at(440, 150)], hand_at(200, 200), True, hand_at(200, 200)),
        ([FAR], MIDDLE, False, None),
        ([hand_at(330, 230, 0.6)], MIDDLE, False, hand_at(330, 230, 0.6)),
        ([EDGE], MIDDLE, False, EDGE),
        ([FAR, hand_at(300, 260)], MIDDLE, False, hand_at(300, 260)),
    ],
    ids=[
        "no hand", "one hand", "the larger one", "of equal ones the one in the middle", "of equal ones the raised one",
        "the one that is followed", "a bystander's raised hand", "a much larger one takes over",
        "the signer's other hand is raised", "it is raised a little", "a bystander while the signer is gone",
        "the signer's hand returns as a fist", "the signer's other hand", "the signer returns beside a bystander",
    ],
)  # fmt: skip
def test_which_hand_signs(hands, signer, following, signs):
    known = None if signer is None else seen(signer)
    number = find_signing(hands, known, None, SHAPE, following=following)
    assert number is None if signs is None else np.array_equal(hands[number], signs)


def test_a_hand_that_rested_stays_a_bystanders_while_the_signer_is_gone():
    resting = hand_box(EDGE, SHAPE)
    assert find_signing([EDGE], seen(MIDDLE), resting, SHAPE, following=False) is None
    assert find_signing([EDGE], None, resting, SHAPE, following=False) == 0


def test_painting_leaves_the_frame_unchanged():
    rgb = np.full((20, 20, 3), 9, np.uint8)
    assert paint_over(rgb, None) is rgb
    assert paint_over(rgb, (5, 5, 10, 10)).sum() == rgb.sum() - 25 * 27
    assert (rgb == 9).all()
