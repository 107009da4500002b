"""A kinematic hand: joint angles in, 21 points in space out, seen by a camera with perspective.

Lengths are in palm lengths (wrist to middle MCP). The hand's own frame is that of a right hand with its palm to the
camera and its fingers up: x toward the thumb side, y along the fingers, z out of the palm, toward the camera.
Points are in MediaPipe's order: wrist, thumb CMC MCP IP tip, then MCP PIP DIP tip from index to little finger.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

THUMB_CMC: Final = (0.24, 0.26, 0.17)
FINGER_MCPS: Final = ((0.24, 1.0, 0.075), (0.0, 1.0, 0.0), (-0.21, 0.935, 0.037), (-0.385, 0.745, 0.075))
FINGER_BONES: Final = ((0.31, 0.215, 0.277), (0.395, 0.284, 0.27), (0.334, 0.258, 0.24), (0.248, 0.212, 0.2))
"""Proximal, middle and distal phalanx of index, middle, ring and little finger."""
THUMB_BONES: Final = (0.345, 0.369, 0.323)
THUMB_POLE: Final = (0.75, 0.35, 0.55)
"""Direction in which the thumb's middle joint bends out."""
FINGERTIPS: Final = (4, 8, 12, 16, 20)


def pose_hand(flexion: Array, abduction: Array, thumb_tip: Array, thumb_mcp: Array, bones: Array, palm: Array) -> Array:
    """Place the 21 points of N hands in their own frame.

    Args:
        flexion: (N, 3, 4) degrees at MCP, PIP and DIP of index to little finger.
        abduction: (N, 4) degrees, positive toward the thumb.
        thumb_tip: (N, 3) target of the tip of the thumb; if it is out of reach, the nearest point in reach.
        thumb_mcp: (N, 3) target of the MCP of the thumb; the bone determines its distance from the CMC.
        bones: (N, 5, 3) bone lengths, thumb first.
        palm: (N, 5, 3) positions of the thumb's CMC and the fingers' MCPs.

    Returns:
        (N, 21, 3) points.
    """
    count = len(flexion)
    points = np.zeros((count, 21, 3))
    points[:, 1:5] = _pose_thumb(thumb_tip, thumb_mcp, bones[:, 0], palm[:, 0])
    side = np.radians(abduction)
    along = np.stack([np.sin(side), np.cos(side), np.zeros_like(side)], axis=-1)
    bend = np.radians(np.cumsum(flexion, axis=1))
    joint = palm[:, 1:]
    fingers = points[:, 5:].reshape(count, 4, 4, 3)  # a view: finger, joint
    fingers[:, :, 0] = joint
    for phalanx in range(3):
        direction = np.cos(bend[:, phalanx, :, None]) * along
        direction[..., 2] += np.sin(bend[:, phalanx])
        joint = joint + bones[:, 1:, phalanx, None] * direction
        fingers[:, :, phalanx + 1] = joint
    return points


def _pose_thumb(tip: Array, mcp: Array, bones: Array, cmc: Array) -> Array:
    """Two-bone inverse kinematics from MCP over IP to the tip; returns (N, 4, 3): CMC, MCP, IP, tip."""
    mcp = cmc + bones[:, :1] * _unit(mcp - cmc)
    reach = tip - mcp
    upper, lower = bones[:, 1:2], bones[:, 2:3]
    distance = np.linalg.norm(reach, axis=1, keepdims=True)
    distance = np.clip(distance, np.abs(upper - lower) + 1e-3, (upper + lower) * 0.999)
    axis = _unit(reach)
    pole = np.asarray(THUMB_POLE)
    outward = _unit(pole - (axis @ pole)[:, None] * axis)
    cosine = np.clip((upper**2 + distance**2 - lower**2) / (2.0 * upper * distance), -1.0, 1.0)
    ip = mcp + upper * (cosine * axis + np.sqrt(1.0 - cosine**2) * outward)
    return np.stack([cmc, mcp, ip, mcp + distance * axis], axis=1)


def rotate(points: Array, yaw: Array, pitch: Array, roll: Array) -> Array:
    """Rotate points (N, P, 3) of N hands about the wrist by Rz(roll) Rx(pitch) Ry(yaw); the angles are (N,) degrees."""
    turn = _rotation(roll, 2) @ _rotation(pitch, 0) @ _rotation(yaw, 1)
    return np.asarray(np.einsum("nij,npj->npi", turn, points))


def _rotation(degrees: Array, axis: int) -> Array:
    """(N, 3, 3) rotation matrices about one axis, right-handed."""
    angle = np.radians(degrees)
    matrix = np.zeros((len(angle), 3, 3))
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix[:, axis, axis] = 1.0
    matrix[:, first, first] = matrix[:, second, second] = np.cos(angle)
    matrix[:, second, first] = np.sin(angle)
    matrix[:, first, second] = -np.sin(angle)
    return matrix


def project(points: Array, distance: Array) -> Array:
    """Project N hands with a pinhole camera on the z axis through the centre of each hand.

    Args:
        points: (N, 21, 3) in palm lengths, y up, z toward the camera.
        distance: (N,) from the camera to the centre of the hand, in palm lengths.

    Returns:
        (N, 21, 3) as MediaPipe reports landmarks, in palm lengths: x to the right, y down, z growing away from the
        camera and 0 at the wrist.
    """
    centred = points - (points.min(axis=1, keepdims=True) + points.max(axis=1, keepdims=True)) / 2.0
    depth = np.maximum(distance[:, None] - centred[..., 2], 0.5)
    scale = distance[:, None] / depth
    away = centred[:, :1, 2] - centred[..., 2]
    return np.stack([centred[..., 0] * scale, -centred[..., 1] * scale, away], axis=-1)


def hidden_fingertips(seen: Array) -> npt.NDArray[np.bool_]:
    """Find the fingertips of N projected hands, (N, 21, 3), that lie behind another point; returns (N, 5)."""
    tips = seen[:, FINGERTIPS, None]
    others = seen[:, None]
    near = np.linalg.norm(tips[..., :2] - others[..., :2], axis=-1) < 0.25
    in_front = tips[..., 2] - others[..., 2] > 0.12
    return np.asarray((near & in_front).any(axis=-1))


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))
