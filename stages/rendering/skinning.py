"""Skinning: the mesh follows the skeleton that `stages/hand` poses."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from stages.hand.kinematics import THUMB_POLE
from stages.rendering.anatomy import Anatomy, bone_frame, unit
from stages.rendering.mesh import BONES, HandMesh

Array = npt.NDArray[np.float64]

TWIST: Final = 0.5
"""Share of its twist that the thumb's metacarpal takes; the skin of the palm takes the rest."""


def skin(mesh: HandMesh, anatomy: Anatomy, joints: Array, flexion: Array, abduction: Array, forearm: Array) -> Array:
    """Move the vertices of one hand by linear blend skinning.

    Args:
        mesh: weights.
        anatomy: the hand at rest.
        joints: (21, 3) where `pose_hand` puts the joints of this anatomy.
        flexion: (3, 4) degrees, what it was given.
        abduction: (4,) degrees, likewise.
        forearm: (3, 3) rotation of the forearm about the wrist.

    Returns:
        (V, 3) in the palm's frame.
    """
    moves = np.zeros((len(BONES) + 15, 3, 4))
    moves[:, :, :3] = np.eye(3)
    moves[BONES.index("lowerarm"), :, :3] = forearm
    bend = np.radians(np.cumsum(flexion, axis=0))
    aside = np.radians(abduction)
    fingers, resting = joints[1:].reshape(5, 4, 3), anatomy.joints[1:].reshape(5, 4, 3)
    for finger in range(5):
        for phalanx in range(3):
            start = fingers[finger, phalanx]
            direction = unit(fingers[finger, phalanx + 1] - start)
            rest = anatomy.frames[finger, phalanx]
            if finger == 0:
                posed = bone_frame(direction, np.array(THUMB_POLE))
            else:
                angle, side = bend[phalanx, finger - 1], aside[finger - 1]
                along = np.array([np.sin(side), np.cos(side), 0.0])
                posed = bone_frame(direction, np.sin(angle) * along - np.array([0.0, 0.0, np.cos(angle)]))
            stretch = np.diag([anatomy.stretch[finger, phalanx], 1.0, 1.0])
            if finger == 0 and phalanx == 0:
                posed = _half_twisted(posed, rest)
            turn = posed @ stretch @ rest.T
            move = moves[len(BONES) + 3 * finger + phalanx]
            move[:, :3] = turn
            move[:, 3] = start - turn @ resting[finger, phalanx]
    blended = np.asarray(mesh.weights @ moves.reshape(len(moves), 12)).reshape(-1, 3, 4)
    return np.asarray(np.einsum("vij,vj->vi", blended[:, :, :3], anatomy.vertices) + blended[:, :, 3])


def _half_twisted(posed: Array, rest: Array) -> Array:
    """Give a posed frame a twist half-way between its own and that of the shortest turn from the rest."""
    start, end = rest[:, 0], posed[:, 0]
    axis, cosine = np.cross(start, end), start @ end
    cross = np.array([[0.0, -axis[2], axis[1]], [axis[2], 0.0, -axis[0]], [-axis[1], axis[0], 0.0]])
    shortest = np.eye(3) + cross + cross @ cross / (1.0 + cosine + 1e-6)
    relative = posed.T @ shortest @ rest
    angle = np.arctan2(relative[2, 1], relative[1, 1]) * (1.0 - TWIST)
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.asarray(posed @ np.array([[1.0, 0.0, 0.0], [0.0, cosine, -sine], [0.0, sine, cosine]]))
