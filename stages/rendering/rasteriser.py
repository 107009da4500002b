"""The rasteriser: triangles to pixels, compiled by numba, on one core and without a GPU.

A z-buffer with smooth normals, diffuse light that wraps around the edge, a highlight, and shadows that the hand casts
on itself (shadow maps, Williams 1978, https://doi.org/10.1145/965139.807402, softened over 3 x 3 samples).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float32]

SHADOW_SIDE: Final = 192
"""Side of a shadow map in samples."""
SHADOW_BIAS: Final = 0.02
"""Depth, in palm lengths, below which a surface does not shade itself."""
LIGHT: Final = 7
"""Numbers of a light: direction to it, red, green, blue, and 1 if it casts shadows."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera on the z axis that looks at the origin.

    Attributes:
        distance: to the origin, in palm lengths.
        scale: pixels of one palm length at the origin.
        middle: pixel (x, y) of the origin.
    """

    distance: float
    scale: float
    middle: tuple[float, float]


def rasterise(
    vertices: npt.NDArray[np.float64],
    triangles: npt.NDArray[np.int32],
    colours: npt.NDArray[np.float64],
    shine: npt.NDArray[np.float64],
    camera: Camera,
    size: tuple[int, int],
    lights: npt.NDArray[np.float64],
    ambient: npt.NDArray[np.float64],
    *,
    wrap: float,
    gloss: float,
) -> tuple[Floats, Floats]:
    """Render one mesh.

    Args:
        vertices: (V, 3) in palm lengths, y up, z toward the camera.
        triangles: (F, 3).
        colours: (V, 3) linear RGB.
        shine: (V,) strength of the highlight.
        camera: where from.
        size: width and height of the picture in pixels.
        lights: (L, 7), see `LIGHT`.
        ambient: (3,) light from everywhere.
        wrap: how far light reaches around the edge, 0 to 1.
        gloss: exponent of the highlight.

    Returns:
        (H, W, 3) linear RGB, and (H, W) 1 where the mesh covers a pixel, else 0.
    """
    return _render(
        np.ascontiguousarray(vertices, np.float32),
        triangles,
        np.ascontiguousarray(colours, np.float32),
        np.ascontiguousarray(shine, np.float32),
        np.float32(camera.distance),
        np.float32(camera.scale * camera.distance),
        np.float32(camera.middle[0]),
        np.float32(camera.middle[1]),
        size[0],
        size[1],
        np.ascontiguousarray(lights, np.float32),
        np.ascontiguousarray(ambient, np.float32),
        np.float32(wrap),
        np.float32(gloss),
    )


@njit(cache=True, fastmath=True)
def _normals(points: Floats, triangles: npt.NDArray[np.int32]) -> Floats:
    normals = np.zeros_like(points)
    for face in range(len(triangles)):
        a, b, c = triangles[face, 0], triangles[face, 1], triangles[face, 2]
        u0, u1, u2 = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
        v0, v1, v2 = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
        n0, n1, n2 = u1 * v2 - u2 * v1, u2 * v0 - u0 * v2, u0 * v1 - u1 * v0
        for vertex in (a, b, c):
            normals[vertex, 0] += n0
            normals[vertex, 1] += n1
            normals[vertex, 2] += n2
    for vertex in range(len(points)):
        length = np.sqrt(normals[vertex, 0] ** 2 + normals[vertex, 1] ** 2 + normals[vertex, 2] ** 2) + 1e-12
        for axis in range(3):
            normals[vertex, axis] /= length
    return normals


@njit(cache=True, fastmath=True)
def _fill(
    x: Floats, y: Floats, near: Floats, triangles: npt.NDArray[np.int32], depth: Floats, faces: npt.NDArray[np.int32]
) -> None:
    """Keep, for each pixel, the largest `near` (V,) of the triangles that cover it, and that triangle's number."""
    height, width = depth.shape
    for face in range(len(triangles)):
        a, b, c = triangles[face, 0], triangles[face, 1], triangles[face, 2]
        area = (x[b] - x[a]) * (y[c] - y[a]) - (x[c] - x[a]) * (y[b] - y[a])
        if abs(area) < 1e-9:
            continue
        left, right = max(0, int(np.ceil(min(x[a], x[b], x[c])))), min(width - 1, int(np.floor(max(x[a], x[b], x[c]))))
        top, bottom = max(0, int(np.ceil(min(y[a], y[b], y[c])))), min(height - 1, int(np.floor(max(y[a], y[b], y[c]))))
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                second = ((column - x[a]) * (y[c] - y[a]) - (x[c] - x[a]) * (row - y[a])) / area
                third = ((x[b] - x[a]) * (row - y[a]) - (column - x[a]) * (y[b] - y[a])) / area
                first = 1.0 - second - third
                if first < 0.0 or second < 0.0 or third < 0.0:
                    continue
                value = first * near[a] + second * near[b] + third * near[c]
                if value > depth[row, column]:
                    depth[row, column] = value
                    faces[row, column] = face


@njit(cache=True, fastmath=True)
def _shadow_map(points: Floats, triangles: npt.NDArray[np.int32], light: Floats) -> tuple[Floats, Floats, Floats]:
    """Render the depth (S, S) as a distant light sees it; also the light's frame (3, 3), and origin and scale (3,)."""
    frame = np.zeros((3, 3), np.float32)
    frame[2] = light[:3]
    up = np.array([0.0, 1.0, 0.0], np.float32) if abs(light[1]) <= 0.9 else np.array([1.0, 0.0, 0.0], np.float32)
    across = np.cross(up, frame[2])
    frame[0] = across / np.sqrt((across**2).sum())
    frame[1] = np.cross(frame[2], frame[0])
    seen = points @ frame.T
    low0, low1 = seen[:, 0].min(), seen[:, 1].min()
    extent = max(seen[:, 0].max() - low0, seen[:, 1].max() - low1)
    scale = np.float32((SHADOW_SIDE - 3) / extent)
    depth = np.full((SHADOW_SIDE, SHADOW_SIDE), -1e9, np.float32)
    faces = np.full((SHADOW_SIDE, SHADOW_SIDE), -1, np.int32)
    _fill((seen[:, 0] - low0) * scale + 1, (seen[:, 1] - low1) * scale + 1, seen[:, 2].copy(), triangles, depth, faces)
    return depth, frame, np.array([low0, low1, scale], np.float32)


@njit(cache=True, fastmath=True)
def _lit(point: Floats, depth: Floats, frame: Floats, place: Floats, bias: float) -> float:
    """Say how much of a light reaches a point, 0 to 1, from 4 x 4 samples of its shadow map."""
    u = frame[0, 0] * point[0] + frame[0, 1] * point[1] + frame[0, 2] * point[2]
    v = frame[1, 0] * point[0] + frame[1, 1] * point[1] + frame[1, 2] * point[2]
    w = frame[2, 0] * point[0] + frame[2, 1] * point[1] + frame[2, 2] * point[2] + bias
    column, row = (u - place[0]) * place[2] + 1, (v - place[1]) * place[2] + 1
    left, top = int(np.floor(column)), int(np.floor(row))
    right_share, bottom_share = column - left, row - top
    total = 0.0
    for down in range(-1, 3):
        of_row = 1 - bottom_share if down == -1 else (bottom_share if down == 2 else 1.0)
        at_row = min(max(top + down, 0), SHADOW_SIDE - 1)
        for right in range(-1, 3):
            of_column = 1 - right_share if right == -1 else (right_share if right == 2 else 1.0)
            if depth[at_row, min(max(left + right, 0), SHADOW_SIDE - 1)] <= w:
                total += of_row * of_column
    return total / 9.0


@njit(cache=True, fastmath=True)
def _render(  # noqa: C901, PLR0912, PLR0915 - one loop over pixels, which numba compiles as a whole
    points: Floats,
    triangles: npt.NDArray[np.int32],
    colours: Floats,
    shine: Floats,
    distance: np.float32,
    focal: np.float32,
    middle_x: np.float32,
    middle_y: np.float32,
    width: int,
    height: int,
    lights: Floats,
    ambient: Floats,
    wrap: np.float32,
    gloss: np.float32,
) -> tuple[Floats, Floats]:
    normals = _normals(points, triangles)
    count = len(lights)
    maps = np.zeros((count, SHADOW_SIDE, SHADOW_SIDE), np.float32)
    frames = np.zeros((count, 3, 3), np.float32)
    places = np.zeros((count, 3), np.float32)
    for number in range(count):
        if lights[number, 6] > 0:
            maps[number], frames[number], places[number] = _shadow_map(points, triangles, lights[number])
    near = 1.0 / np.maximum(distance - points[:, 2], np.float32(0.05))
    x, y = middle_x + focal * points[:, 0] * near, middle_y - focal * points[:, 1] * near
    depth = np.zeros((height, width), np.float32)
    faces = np.full((height, width), -1, np.int32)
    _fill(x, y, near, triangles, depth, faces)
    picture = np.zeros((height, width, 3), np.float32)
    cover = np.zeros((height, width), np.float32)
    normal, point, colour, view = (
        np.zeros(3, np.float32),
        np.zeros(3, np.float32),
        np.zeros(3, np.float32),
        np.zeros(3, np.float32),
    )
    for row in range(height):
        for column in range(width):
            face = faces[row, column]
            if face < 0:
                continue
            cover[row, column] = 1.0
            a, b, c = triangles[face, 0], triangles[face, 1], triangles[face, 2]
            area = (x[b] - x[a]) * (y[c] - y[a]) - (x[c] - x[a]) * (y[b] - y[a])
            second = ((column - x[a]) * (y[c] - y[a]) - (x[c] - x[a]) * (row - y[a])) / area
            third = ((x[b] - x[a]) * (row - y[a]) - (column - x[a]) * (y[b] - y[a])) / area
            first = (1.0 - second - third) * near[a]
            second, third = second * near[b], third * near[c]
            whole = first + second + third
            first, second, third = first / whole, second / whole, third / whole
            for axis in range(3):
                normal[axis] = first * normals[a, axis] + second * normals[b, axis] + third * normals[c, axis]
                point[axis] = first * points[a, axis] + second * points[b, axis] + third * points[c, axis]
                colour[axis] = first * colours[a, axis] + second * colours[b, axis] + third * colours[c, axis]
                view[axis] = -point[axis]
            view[2] += distance
            normal /= np.sqrt(normal[0] ** 2 + normal[1] ** 2 + normal[2] ** 2) + np.float32(1e-9)
            view /= np.sqrt(view[0] ** 2 + view[1] ** 2 + view[2] ** 2)
            strength = first * shine[a] + second * shine[b] + third * shine[c]
            for axis in range(3):
                picture[row, column, axis] = colour[axis] * ambient[axis]
            for number in range(count):
                light = lights[number]
                facing = normal[0] * light[0] + normal[1] * light[1] + normal[2] * light[2]
                diffuse = (facing + wrap) / (1.0 + wrap)
                if diffuse <= 0.0:
                    continue
                reaching = 1.0
                if light[6] > 0:
                    bias = SHADOW_BIAS * (1.0 + 2.0 * (1.0 - max(facing, 0.0)))
                    reaching = _lit(point, maps[number], frames[number], places[number], bias)
                highlight = 0.0
                if facing > 0.0 and strength > 0.0:
                    h0, h1, h2 = light[0] + view[0], light[1] + view[1], light[2] + view[2]
                    half = (normal[0] * h0 + normal[1] * h1 + normal[2] * h2) / (np.sqrt(h0**2 + h1**2 + h2**2) + 1e-9)
                    if half > 0.0:
                        highlight = strength * half**gloss
                for axis in range(3):
                    picture[row, column, axis] += light[3 + axis] * reaching * (colour[axis] * diffuse + highlight)
    return picture, cover
