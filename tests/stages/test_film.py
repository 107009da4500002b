"""The film of a rendered hand, with the mesh: MediaPipe finds the hand, and what the client has is what is rendered."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from client.landmarks import HandLandmarker
from client.letters import letter_shapes
from stages.rendering.mesh import mesh_folder

if mesh_folder() is None:
    pytest.skip("the hand mesh is not installed: make render", allow_module_level=True)

from stages.commands.render_film import SIDE, find_letters
from stages.rendering import film as rendering
from stages.rendering.poses import penetration

FREE = 0.4
"""Depth in palm lengths, summed over sample points, at which a finger may be pressed into another."""


@pytest.fixture(scope="module")
def studio():
    return rendering.Studio.open()


def test_mediapipe_finds_the_hand_in_frames_which_differ_from_one_another(studio):
    poses, wall = rendering.spell("LO", studio), rendering.draw_wall(rendering.SIZE)
    numbers = range(16, len(poses.place) - round(2.0 * rendering.RATE), 4)
    pictures = [studio.render(poses, number, wall) for number in numbers]
    assert len(pictures) > 8
    with HandLandmarker("image") as landmarker:
        assert all(landmarker.detect(picture) is not None for picture in pictures)
    assert all(not np.array_equal(one, other) for one, other in itertools.pairwise(pictures))
    assert np.array_equal(studio.render(poses, numbers[3], wall), pictures[3]), "the same film every time"


def test_no_finger_goes_through_another(studio):
    depth = penetration(studio.joints(rendering.spell("HELLO WORLD", studio)))
    assert depth.max() < FREE


def test_between_words_and_equal_letters_nobody_is_in_the_picture(studio):
    poses, wall = rendering.spell("LL", studio), rendering.draw_wall(rendering.SIZE)
    empty = (np.clip(wall, 0, 1) * 255).astype(np.uint8)
    gone = [np.array_equal(studio.render(poses, number, wall), empty) for number in range(0, len(poses.place), 3)]
    starts = [number for number in range(1, len(gone)) if gone[number] and not gone[number - 1]]
    assert len(starts) == 2
    assert sum(gone[starts[1] :]) * 3 / rendering.RATE >= 1.0, "what ends a word"


def test_the_letters_of_the_client_are_those_that_mediapipe_finds_in_rendered_hands(studio):
    found = find_letters(rendering.draw_letters(studio, SIDE))
    assert list(found) == list(letter_shapes())
    for letter, shape in letter_shapes().items():
        np.testing.assert_allclose(shape, found[letter], atol=0.02, err_msg=letter)
