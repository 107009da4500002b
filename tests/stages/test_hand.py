"""The kinematic hand: its table of handshapes, its joints, its camera and its signers."""

from __future__ import annotations

import string

import numpy as np
import pytest
import tiny_models

from stages.data.raw import read_raw
from stages.errors import InputError
from stages.hand.handshapes import parse_handshapes, read_handshapes
from stages.hand.kinematics import (
    FINGER_BONES,
    FINGER_MCPS,
    THUMB_BONES,
    THUMB_CMC,
    hidden_fingertips,
    pose_hand,
    project,
    rotate,
)
from stages.hand.signers import IMAGE_SIZE, is_synthetic, synthesize_hands

LETTERS = sorted(set(string.ascii_uppercase) - set("JZ"))
ROW = "A 4 | 74 72 80 65 | 91 94 90 82 | 62 88 72 90 | -6 -4 -4 -2 | .42 1.33 .28 .47 .64 .25 | 8 20 -8 18 -8 18"
BONES = np.array([THUMB_BONES, *FINGER_BONES])
PALM = np.array([THUMB_CMC, *FINGER_MCPS])
THUMB_TIP = (0.6, 1.0, 0.5)
STRAIGHT = np.zeros((1, 3, 4))
UNSPREAD = np.zeros((1, 4))


def pose(flexion=STRAIGHT, abduction=UNSPREAD, thumb_tip=THUMB_TIP):
    """Place one hand of average anatomy; (21, 3)."""
    thumb_mcp = np.array([(0.4, 0.55, 0.3)])
    return pose_hand(flexion, abduction, np.array([thumb_tip]), thumb_mcp, BONES[None], PALM[None])[0]


def bone_lengths(points):
    """(..., 21, 3) to (..., 5, 3): the bones of thumb to little finger, from the palm out."""
    fingers = points[..., 1:, :].reshape(*points.shape[:-2], 5, 4, 3)
    return np.linalg.norm(np.diff(fingers, axis=-2), axis=-1)


def test_the_table_poses_the_24_static_letters():
    table = read_handshapes()
    assert table.alphabet == LETTERS
    rows = len(table.letters)
    assert table.flexion.shape == (rows, 3, 4)
    assert table.abduction.shape == (rows, 4)
    for columns in (table.thumb_tip, table.thumb_mcp, table.orientation, table.spread):
        assert columns.shape == (rows, 3)
    assert (table.spread > 0).all()


def test_a_row_is_read_into_its_columns():
    table = parse_handshapes(f"# a comment\n\n{ROW}\n")
    assert table.letters.tolist() == ["A"]
    assert table.weights.tolist() == [4.0]
    assert table.flexion[0].tolist() == [[74, 72, 80, 65], [91, 94, 90, 82], [62, 88, 72, 90]]
    assert table.abduction[0].tolist() == [-6, -4, -4, -2]
    assert table.thumb_tip[0].tolist() == [0.42, 1.33, 0.28]
    assert table.thumb_mcp[0].tolist() == [0.47, 0.64, 0.25]
    assert table.orientation[0].tolist() == [8, -8, -8]
    assert table.spread[0].tolist() == [20, 18, 18]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ROW.rpartition("|")[0], r"table, line 2: the fields hold \(4, 4, 4, 4, 6\) numbers"),
        (ROW.replace("82 |", "|"), r"table, line 2: the fields hold \(4, 3, 4, 4, 6, 6\) numbers"),
        (ROW.replace("74", "bent"), "table, line 2: .*'bent'"),
        (ROW.replace("A 4", "A"), "table, line 2: .*A row is 'letter weight"),
        (ROW.replace("A 4", "A 0"), "table, line 2: .*weight is not above 0"),
        (ROW.replace("A 4", "A -1"), "table, line 2: .*weight is not above 0"),
        (ROW.replace("74", "nan"), "table, line 2: "),
        (ROW.replace("A 4", "A inf"), "table, line 2: "),
        ("", "table has no row. Restore"),
    ],
)
def test_a_bad_row_is_named(text, message):
    with pytest.raises(InputError, match=message):
        parse_handshapes(f"# what the table is\n{text}", "table")


def test_bones_keep_their_lengths_in_every_handshape():
    table = read_handshapes()
    count = len(table.letters)
    points = pose_hand(
        table.flexion,
        table.abduction,
        table.thumb_tip,
        table.thumb_mcp,
        np.tile(BONES, (count, 1, 1)),
        np.tile(PALM, (count, 1, 1)),
    )
    np.testing.assert_allclose(bone_lengths(points), np.tile(BONES, (count, 1, 1)), rtol=1e-9)
    np.testing.assert_allclose(points[:, [1, 5, 9, 13, 17]], np.tile(PALM, (count, 1, 1)))
    assert (points[:, 0] == 0).all(), "the wrist is the origin"


def test_straight_fingers_point_along_y():
    points = pose()
    for finger in range(4):
        root, tip = points[5 + 4 * finger], points[8 + 4 * finger]
        np.testing.assert_allclose(tip - root, [0, BONES[1 + finger].sum(), 0], atol=1e-12)


def test_flexion_bends_toward_the_palm():
    for joint in range(3):
        flexion = STRAIGHT.copy()
        flexion[:, joint] = 90.0
        bent = pose(flexion)
        np.testing.assert_allclose(bent[[8, 12, 16, 20], 2] - PALM[1:, 2], BONES[1:, joint:].sum(axis=1))
    fist = pose(np.full((1, 3, 4), 60.0))
    assert (fist[[8, 12, 16, 20], 1] < PALM[1:, 1]).all(), "180 degrees in all: the fingertips are below the knuckles"


def test_abduction_is_toward_the_thumb():
    spread = pose(abduction=np.array([[10.0, 0.0, 0.0, -20.0]]))
    assert spread[8, 0] > pose()[8, 0]
    assert spread[20, 0] < pose()[20, 0]
    np.testing.assert_allclose(spread[[12, 16]], pose()[[12, 16]])
    assert pose()[4, 0] > pose()[8, 0], "the thumb is on the side of positive x"


def test_the_thumb_reaches_its_place():
    np.testing.assert_allclose(pose(thumb_tip=THUMB_TIP)[4], THUMB_TIP)


def test_a_thumb_out_of_reach_points_at_its_place():
    there = np.array([5.0, 3.0, 1.0])
    points = pose(thumb_tip=there)
    mcp, tip = points[2], points[4]
    assert np.linalg.norm(tip - mcp) == pytest.approx(sum(THUMB_BONES[1:]), rel=0.01)
    np.testing.assert_allclose(np.cross(tip - mcp, there - mcp), 0, atol=1e-9)


@pytest.mark.parametrize(
    ("turn", "before", "after"),
    [
        ({"roll": 90}, (0, 1, 0), (-1, 0, 0)),  # fingers up, then to the viewer's left
        ({"pitch": 90}, (0, 1, 0), (0, 0, 1)),  # fingers toward the camera
        ({"yaw": 90}, (0, 0, 1), (1, 0, 0)),  # palm to the thumb's side of the picture
        ({"yaw": 180}, (0, 0, 1), (0, 0, -1)),  # the back of the hand
        # yaw first, then pitch, then roll: z goes to x, which the pitch leaves, and the roll turns to y
        ({"yaw": 90, "pitch": 90, "roll": 90}, (0, 0, 1), (0, 1, 0)),
        ({"yaw": 90, "pitch": 90, "roll": 90}, (1, 0, 0), (-1, 0, 0)),
    ],
)
def test_rotation_is_rz_rx_ry(turn, before, after):
    angles = {name: np.array([float(turn.get(name, 0))]) for name in ("yaw", "pitch", "roll")}
    np.testing.assert_allclose(rotate(np.array([[before]], dtype=float), **angles)[0, 0], after, atol=1e-12)


def test_positive_roll_turns_the_fingers_to_the_viewers_left():
    upright = pose()[None]
    nothing, roll = np.zeros(1), np.array([30.0])
    seen = project(rotate(upright, nothing, nothing, roll), np.array([8.0]))[0]
    straight = project(upright, np.array([8.0]))[0]
    assert seen[12, 0] - seen[0, 0] < straight[12, 0] - straight[0, 0] - 0.3


def test_projection_is_mediapipes():
    hand = np.zeros((1, 21, 3))
    hand[0, 1] = (1.0, 2.0, 1.0)
    seen = project(hand, np.array([1e9]))[0]
    np.testing.assert_allclose(seen[0, 2], 0, err_msg="z is 0 at the wrist")
    np.testing.assert_allclose(seen[1] - seen[0], [1.0, -2.0, -1.0], atol=1e-6, err_msg="y is down, z away")


def test_what_is_near_looks_larger():
    bar = np.zeros((1, 21, 3))
    bar[0, 1:3, 0] = bar[0, 3:5, 0] = (-0.5, 0.5)
    bar[0, 1:3, 2] = 1.0
    seen = project(bar, np.array([4.0]))[0]
    near, far = seen[2, 0] - seen[1, 0], seen[4, 0] - seen[3, 0]
    assert near == pytest.approx(4.0 / 3.5)
    assert far == pytest.approx(4.0 / 4.5)


def test_a_fingertip_behind_another_point_is_hidden():
    seen = np.zeros((1, 21, 3))
    seen[0, :, 0] = np.arange(21) * 10.0
    assert not hidden_fingertips(seen).any()
    seen[0, 8] = (*seen[0, 4, :2], 0.5)
    assert hidden_fingertips(seen)[0].tolist() == [False, True, False, False, False]


@pytest.fixture(scope="module")
def hands():
    return synthesize_hands(read_handshapes(), signers=12, samples_per_letter=2, seed=3)


def test_the_same_seed_gives_the_same_hands(hands):
    again = synthesize_hands(read_handshapes(), signers=12, samples_per_letter=2, seed=3)
    for name in ("landmarks", "labels", "signers", "handedness"):
        np.testing.assert_array_equal(getattr(again, name), getattr(hands, name))


def test_another_seed_gives_other_hands(hands):
    other = synthesize_hands(read_handshapes(), signers=12, samples_per_letter=2, seed=4)
    assert (np.abs(other.landmarks - hands.landmarks).max(axis=(1, 2)) > 1.0).all()


def test_more_signers_leave_the_first_ones_as_they_are(hands):
    fewer = synthesize_hands(read_handshapes(), signers=5, samples_per_letter=2, seed=3)
    np.testing.assert_array_equal(fewer.landmarks, hands.landmarks[: len(fewer.landmarks)])


def test_every_signer_shows_every_letter_with_one_hand(hands):
    assert len(hands.landmarks) == 12 * 24 * 2
    for signer in np.unique(hands.signers):
        own = hands.signers == signer
        letters, counts = np.unique(hands.labels[own], return_counts=True)
        assert letters.tolist() == LETTERS
        assert (counts == 2).all()
        assert len(set(hands.handedness[own])) == 1
    assert set(hands.handedness) == {"Left", "Right"}


def test_hands_are_finite_pixels_of_the_picture(hands):
    assert hands.landmarks.dtype == np.float32
    assert np.isfinite(hands.landmarks).all()
    low, high = hands.landmarks[..., :2].min(axis=1), hands.landmarks[..., :2].max(axis=1)
    extent = (high - low).max(axis=1)
    assert ((extent > 0.3 * IMAGE_SIZE[1]) & (extent < IMAGE_SIZE[1])).all()
    outside = 0.25 * extent[:, None]  # a hand reaches a little out of a photograph, as real ones do
    assert (low > -outside).all()
    assert (high < np.array(IMAGE_SIZE) + outside).all()


def test_left_hands_are_mirror_images(hands):
    """Around the palm of an upright B, from wrist to index to little finger: one way round, or the other."""
    shown = hands.labels == "B"
    wrist, index, little = (hands.landmarks[shown, point, :2] for point in (0, 5, 17))
    turn = np.cross(index - wrist, little - wrist)
    right = hands.handedness[shown] == "Right"
    # The thumb of a right hand with its palm to the camera is on the viewer's right, so index to little finger turns
    # to the left, which is negative where y points down.
    assert (np.sign(turn) == np.where(right, -1, 1)).mean() > 0.9


def test_the_stage_writes_a_raw_data_set(tmp_path):
    tiny_models.write_params(tmp_path)
    done = tiny_models.run_stage(tmp_path, "stages.synthesize")
    assert (done.returncode, done.stderr) == (0, "")
    raw = read_raw(tmp_path / "data/raw/synthetic.npz", max_samples=1000, max_gib=1.0)
    assert (len(raw), len(set(raw.labels)), len(set(raw.signers))) == (48, 24, 2)


def test_synthetic_signers_of_another_seed_have_other_names():
    names = [set(synthesize_hands(read_handshapes(), 2, 1, seed).signers.tolist()) for seed in (1, 2)]
    assert names == [{"synthetic_1_0000", "synthetic_1_0001"}, {"synthetic_2_0000", "synthetic_2_0001"}]


def test_synthetic_signers_are_known_by_their_names():
    names = np.array(
        ["synthetic_2_0013", "synthetic_0013", "anna", "", "synthetic", "synthetic_anna", "my synthetic_1"]
    )
    assert is_synthetic(names).tolist() == [True, True, False, False, False, False, False]
