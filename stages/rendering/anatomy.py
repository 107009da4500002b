"""Anatomy: one person's hand, blended from the mesh's shape targets, in the frame and unit of `stages/hand`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from stages.rendering.mesh import BONES, HandMesh

Array = npt.NDArray[np.float64]

HAND_TARGETS: Final = {
    "r-hand-fingers-diameter": 0.45,
    "r-hand-fingers-length": 0.45,
    "r-hand-fingers-distance": 0.13,
    "measure-wrist-circ": 0.45,
    "r-lowerarm-fat": 0.45,
    "r-lowerarm-muscle": 0.45,
}
"""Targets with an `-incr` and a `-decr` form, and the standard deviation with which people have them."""
BONE_VARIATION: Final = 0.04
"""Standard deviation of the logarithm of a bone's length, beside what the targets vary."""
NAIL: Final = 0.5
"""From this share on a vertex is part of a nail."""


@dataclass(frozen=True)
class Anatomy:
    """A right hand at rest in the palm's frame: wrist at 0, y to the middle MCP (length 1), x toward the thumb side.

    Attributes:
        vertices: (V, 3); normals: (V, 3) unit.
        joints: (21, 3) at rest.
        bones: (5, 3) lengths of the phalanges, thumb first; stretch: (5, 3) how much longer than the mesh's they are.
        palm: (5, 3) the thumb's CMC and the fingers' MCPs.
        frames: (5, 3, 3, 3) for each phalanx at rest: direction, dorsal side, axis of flexion, as columns.
    """

    vertices: Array
    normals: Array
    joints: Array
    bones: Array
    stretch: Array
    palm: Array
    frames: Array


def average_anatomy(mesh: HandMesh) -> Anatomy:
    """Blend the hand of a young adult between the sexes and origins."""
    origins = dict.fromkeys(("african", "asian", "caucasian"), 1.0 / 3.0)
    return _settle(mesh, _body(0.5, {"young": 1.0}, 0.5, 0.5, origins), np.ones((5, 3)))


def draw_anatomy(mesh: HandMesh, rng: np.random.Generator) -> Anatomy:
    """Draw a person: sex, age, build, origin, fingers, wrist and the length of every bone."""
    male = float(rng.choice([0.0, 1.0, rng.random()], p=[0.4, 0.4, 0.2]))
    ages = dict(zip(("child", "young", "old"), rng.dirichlet([0.15, 1.2, 0.5]), strict=True))
    muscle, fat = rng.beta(2.0, 2.0, size=2)
    origins = dict(zip(("african", "asian", "caucasian"), rng.dirichlet([0.5] * 3), strict=True))
    shares = _body(male, ages, muscle, fat, origins)
    for name, deviation in HAND_TARGETS.items():
        amount = float(np.clip(deviation * rng.normal(), -1.0, 1.0))
        shares[f"{name}-{'incr' if amount > 0 else 'decr'}"] = abs(amount)
    return _settle(mesh, shares, np.exp(BONE_VARIATION * rng.normal(size=(5, 3))))


def _body(
    male: float, ages: dict[str, float], muscle: float, fat: float, origins: dict[str, float]
) -> dict[str, float]:
    """Name MakeHuman's targets of a body and their shares."""
    shares = {}
    for sex, of_sex in (("female", 1.0 - male), ("male", male)):
        for age, of_age in ages.items():
            for origin, of_origin in origins.items():
                shares[f"{origin}-{sex}-{age}"] = of_sex * of_age * of_origin
            for muscled, of_muscle in _thirds(muscle).items():
                for weighing, of_fat in _thirds(fat).items():
                    name = f"universal-{sex}-{age}-{muscled}muscle-{weighing}weight"
                    shares[name] = of_sex * of_age * of_muscle * of_fat
    return shares


def _thirds(value: float) -> dict[str, float]:
    """Split 0 to 1 into the shares of MakeHuman's least, average and most."""
    return {"min": max(0.0, 1 - 2 * value), "average": 1 - abs(2 * value - 1), "max": max(0.0, 2 * value - 1)}


def _settle(mesh: HandMesh, shares: dict[str, float], stretch: Array) -> Anatomy:
    """Blend the targets and turn the hand into the palm's frame."""
    vertices, joints = mesh.vertices.copy(), mesh.joints.copy()
    for name, share in shares.items():
        if share > 1e-4 and name in mesh.targets:
            of_vertices, of_joints = mesh.targets[name]
            vertices += share * of_vertices
            joints += share * of_joints
    wrist, index, middle, little = joints[0], joints[5], joints[9], joints[17]
    along = unit(middle - wrist)
    across = index - little
    across = unit(across - along * (across @ along))
    turn = np.stack([across, along, np.cross(across, along)])
    length = np.linalg.norm(middle - wrist)
    vertices, joints = (vertices - wrist) @ turn.T / length, (joints - wrist) @ turn.T / length
    fingers = joints[1:].reshape(5, 4, 3)
    normals = _vertex_normals(vertices, mesh.triangles)
    return Anatomy(
        vertices=vertices,
        normals=normals,
        joints=joints,
        bones=np.linalg.norm(np.diff(fingers, axis=1), axis=2) * stretch,
        stretch=stretch,
        palm=fingers[:, 0],
        frames=np.stack([_rest_frames(mesh, finger, joints, normals) for finger, joints in enumerate(fingers)]),
    )


def _rest_frames(mesh: HandMesh, finger: int, joints: Array, normals: Array) -> Array:
    """Give the frames (3, 3, 3) of a finger's phalanges; its nail shows which side is dorsal."""
    last = len(BONES) + 3 * finger + 2
    dorsal = unit(normals[(mesh.nails > NAIL) & (mesh.weights[:, last] > NAIL)].sum(axis=0))
    directions = unit(np.diff(joints, axis=0))
    side = unit(np.cross(directions[2], dorsal))
    return np.stack([bone_frame(each, np.cross(unit(side - each * (side @ each)), each)) for each in directions])


def bone_frame(direction: Array, dorsal: Array) -> Array:
    """Give the frame (3, 3) of a bone: its direction, its dorsal side and the axis between them, as columns."""
    side = unit(np.cross(direction, dorsal))
    return np.stack([direction, np.cross(side, direction), side], axis=1)


def _vertex_normals(vertices: Array, triangles: npt.NDArray[np.int32]) -> Array:
    corners = vertices[triangles]
    of_faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], of_faces)
    return unit(normals)


def unit(vectors: Array) -> Array:
    """Scale vectors (..., 3) to a length of 1."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))
