"""A photograph of one posed hand: the mesh, turned to the camera, lit and developed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from stages.hand.kinematics import rotate
from stages.rendering.anatomy import Anatomy, unit
from stages.rendering.mesh import HandMesh
from stages.rendering.poses import PosedHands
from stages.rendering.rasteriser import Camera, rasterise
from stages.rendering.scene import Lighting, Look, develop, draw_background, draw_lighting
from stages.rendering.skinning import skin

Array = npt.NDArray[np.float64]

SIZE: Final = 288
"""Width and height of a photograph in pixels."""
OVERSAMPLING: Final = 1.5
"""Side of the rendered picture relative to the photograph's."""
SHARE: Final = (0.35, 0.75)
"""Range of the hand's extent as a share of the photograph."""
FOREARM: Final = (10.0, 60.0)
"""Range of the most that a signer's wrist bends so that the arm comes from below, degrees."""


@dataclass(frozen=True)
class Placement:
    """Where a hand is in a picture: its extent and its middle, in pixels, and the camera's distance in palm lengths."""

    extent: float
    middle: tuple[float, float]
    distance: float


def turned(orientation: Array) -> Array:
    """Give the rotation (3, 3) of yaw, pitch and roll (3,) in degrees, as `stages.hand` turns hands."""
    yaw, pitch, roll = orientation[:, None]
    return np.asarray(rotate(np.eye(3)[None], yaw, pitch, roll)[0].T)


def draw_forearm(turn: Array, rng: np.random.Generator) -> Array:
    """Draw the rotation (3, 3) of a forearm in the palm's frame: signers bend the wrist so that it comes from below."""
    now = turn @ np.array([0.0, -1.0, 0.0])
    wanted = unit(np.array([rng.normal(scale=0.35), -1.0, rng.normal(scale=0.3) - 0.2]))
    angle = min(np.arccos(np.clip(now @ wanted, -1, 1)), np.radians(rng.uniform(*FOREARM))) * rng.uniform(0.5, 1)
    axis = np.cross(now, wanted)
    if np.linalg.norm(axis) < 1e-3:
        return np.eye(3)
    bend, _ = cv2.Rodrigues(unit(axis) * angle)
    return np.asarray(turn.T @ bend @ turn)


def draw_placement(distance: float, rng: np.random.Generator) -> Placement:
    """Draw where in a square photograph a hand is."""
    extent = rng.uniform(*SHARE) * SIZE
    middle = SIZE / 2 + rng.uniform(-0.5, 0.5, 2) * (SIZE - extent)
    return Placement(extent, (float(middle[0]), float(middle[1])), distance)


def photograph(
    mesh: HandMesh, anatomy: Anatomy, hands: PosedHands, number: int, look: Look, distance: float,
    rng: np.random.Generator,
) -> npt.NDArray[np.uint8]:  # fmt: skip
    """Photograph one of a signer's right hands: (SIZE, SIZE, 3) uint8 RGB.

    Args:
        mesh: triangles and weights.
        anatomy: the signer's.
        hands: the signer's poses.
        number: which of them.
        look: skin and sleeve.
        distance: of the camera, palm lengths.
        rng: source of randomness: forearm, place, light, background, camera.
    """
    turn = turned(hands.orientation[number])
    forearm = draw_forearm(turn, rng)
    picture, cover = render_hand(
        mesh, anatomy, hands, number, turn, forearm, look, draw_lighting(rng), draw_placement(distance, rng),
        (SIZE, SIZE),
    )  # fmt: skip
    return develop(picture, cover, draw_background((SIZE, SIZE), rng), rng)


def render_hand(
    mesh: HandMesh, anatomy: Anatomy, hands: PosedHands, number: int, turn: Array, forearm: Array, look: Look,
    lighting: Lighting, placement: Placement, size: tuple[int, int],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:  # fmt: skip
    """Render a hand for a picture of a size (W, H), `OVERSAMPLING` times as large: linear RGB and cover."""
    joints = hands.joints[number] @ turn.T
    vertices = skin(mesh, anatomy, hands.joints[number], hands.flexion[number], hands.abduction[number], forearm)
    middle = (joints.min(axis=0) + joints.max(axis=0)) / 2
    joints, vertices = joints - middle, vertices @ turn.T - middle
    seen = joints[:, :2] * (placement.distance / np.maximum(placement.distance - joints[:, 2:], 0.5))
    scale = placement.extent / np.ptp(seen, axis=0).max()
    # The hand as the camera sees it is around `placement.middle`, not the joints' own middle.
    offset = (seen.min(axis=0) + seen.max(axis=0)) / 2 * np.array([1, -1]) * scale
    x, y = (np.array(placement.middle) - offset) * OVERSAMPLING
    camera = Camera(placement.distance, scale * OVERSAMPLING, (float(x), float(y)))
    return rasterise(
        vertices, mesh.triangles, look.colours, look.shine, camera,
        (int(size[0] * OVERSAMPLING), int(size[1] * OVERSAMPLING)),
        lighting.lamps, lighting.ambient, wrap=lighting.wrap, gloss=lighting.gloss,
    )  # fmt: skip
