"""The film: one rendered hand spells a text before a plain wall, the same film every time."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation, Slerp  # type: ignore[import-untyped]

from stages.hand.kinematics import pose_hand
from stages.rendering.anatomy import Anatomy, average_anatomy, unit
from stages.rendering.mesh import BONES, PHALANGES, HandMesh, read_mesh
from stages.rendering.photograph import OVERSAMPLING, turned
from stages.rendering.poses import TOUCHING, mesh_handshapes, penetration
from stages.rendering.rasteriser import Camera, rasterise
from stages.rendering.scene import FLUSHED, GAMMA, PALE_PALM, SKIN, Lighting, Look
from stages.rendering.skinning import skin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stages.hand.handshapes import Handshapes

Array = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]

SIZE: Final = (640, 480)
"""Width and height in pixels."""
RATE: Final = 30.0
HOLD, MOVE, RAISE, GONE, AWAY = 0.75, 0.4, 0.4, 0.3, 1.3
"""Seconds: in a letter, between two, into or out of the picture, out of it between equal letters and after a word."""
ROWS: Final = {
    "A": 2, "B": 1, "E": 3, "H": 2, "I": 1, "K": 1, "M": 8, "N": 4, "O": 3, "P": 4, "Q": 2, "S": 0, "T": 7,
}  # fmt: skip
"""Row of the table that shows a letter most clearly, among the rows of that letter; the first one for the others."""
TURNS: Final = {"H": (175.0, 20.0, -82.0), "P": (110.0, 40.0, -100.0), "Q": (60.0, 10.0, -140.0)}
"""Yaw, pitch and roll of letters whose fingers are seen more clearly than from where they are seen on average."""
TOUCH: Final = 0.12
"""Palm lengths between the bones of two fingertips that touch."""
OPEN_FLEXION: Final = (16.0, 14.0, 8.0)
"""Degrees at MCP, PIP and DIP of an open hand."""
OPEN_ABDUCTION: Final = (12.0, 2.0, -8.0, -18.0)
OPEN_THUMB_TIP: Final = (0.95, 0.85, 0.35)
OPEN_THUMB_MCP: Final = (0.5, 0.55, 0.2)
OPENINGS: Final = (0.0, 0.2, 0.4, 0.6)
"""How far a hand may open between two letters so that no finger goes through another: the least that is enough."""
FREE: Final = 0.05
"""Depth in palm lengths that counts as a touch."""
PALM: Final = 128.0
"""Pixels of a palm length."""
DISTANCE: Final = 7.0
"""Of the camera, palm lengths."""
CENTRED: Final = (0.7, 0.35)
"""How much of the way across and up a hand's middle, not its wrist, is kept in the middle of the picture."""
LOWER: Final = 60.0
"""Pixels by which that middle is below the picture's, so that the forearm reaches out of it."""
BELOW: Final = 520.0
"""Pixels that a hand is lowered by to leave the picture."""
SWAY: Final = 4.0
"""Pixels that a hand is never still by."""
LETTER: Final = 0.445
"""Palm's length in the picture of a letter, as a share of the picture's side."""
TILT: Final = 1.5
"""Degrees that a hand is never still by."""
WRIST: Final = 60.0
"""Degrees that the wrist bends at most so that the forearm comes from below."""
ARM: Final = (-0.05, -1.0, -0.5)
"""Direction from the wrist to the elbow."""
SLEEVE: Final = 0.85
"""Palm lengths below the wrist at which the sleeve begins."""
TONE: Final = 2.5
"""Of the skin, a place between two of `scene.SKIN`."""
EXPOSURE: Final = 0.62
SLEEVE_COLOUR, WALL_COLOUR = (0.16, 0.24, 0.36), (0.66, 0.69, 0.70)
"""sRGB."""


@dataclass(frozen=True)
class Poses:
    """N poses of one hand: what `pose_hand` takes, and where the hand is.

    Attributes:
        flexion: (N, 3, 4) and abduction: (N, 4) degrees.
        thumb_tip: (N, 3) and thumb_mcp: (N, 3) palm lengths.
        turn: (N, 3, 3) rotation of the palm to the camera.
        place: (N, 2) pixels to the right and down from where a hand signs.
    """

    flexion: Array
    abduction: Array
    thumb_tip: Array
    thumb_mcp: Array
    turn: Array
    place: Array

    def take(self, rows: npt.ArrayLike) -> Poses:
        """Select poses by their indices."""
        return Poses(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True)
class Studio:
    """The hand, its look and its light."""

    mesh: HandMesh
    anatomy: Anatomy
    look: Look
    lighting: Lighting

    @classmethod
    def open(cls) -> Studio:
        """Read the mesh and set up the light.

        Raises:
            InputError: there is no mesh.
        """
        mesh = read_mesh()
        anatomy = average_anatomy(mesh)
        return cls(mesh, anatomy, _look(mesh, anatomy), _lighting())

    def joints(self, poses: Poses) -> Array:
        """Give the joints (N, 21, 3) of N poses in the palm's frame."""
        count = len(poses.flexion)
        anatomies = [np.tile(each, (count, 1, 1)) for each in (self.anatomy.bones, self.anatomy.palm)]
        return pose_hand(poses.flexion, poses.abduction, poses.thumb_tip, poses.thumb_mcp, *anatomies)

    def letters(self, letters: str) -> Poses:
        """Give the pose of each letter, as the table of handshapes has it on average."""
        table = mesh_handshapes()
        shapes = table.take(np.array([_find_row(table, letter) for letter in letters]))
        turns = [TURNS.get(letter, row) for letter, row in zip(letters, shapes.orientation, strict=True)]
        poses = Poses(
            shapes.flexion, shapes.abduction, shapes.thumb_tip, shapes.thumb_mcp,
            np.stack([turned(np.array(turn)) for turn in turns]), np.zeros((len(letters), 2)),
        )  # fmt: skip
        joints, tip = self.joints(poses), shapes.thumb_tip.copy()
        for letter, fingertips in TOUCHING.items():
            rows = np.flatnonzero(shapes.letters == letter)
            goal = joints[rows][:, fingertips].mean(axis=1)
            tip[rows] = goal + TOUCH * unit(joints[rows, 2] - goal)
        return replace(poses, thumb_tip=tip)

    def render(
        self, poses: Poses, number: int, background: npt.NDArray[np.float32], palm: float = PALM,
        centred: tuple[float, float] = CENTRED,
    ) -> Picture:  # fmt: skip
        """Render one of N poses: (H, W, 3) uint8 RGB.

        Args:
            poses: the poses.
            number: which of them.
            background: what is behind the hand, (H, W, 3) sRGB from 0 to 1.
            palm: pixels of a palm length.
            centred: how much of the way the hand's middle is kept in the middle; the rest of it the wrist is.
        """
        one, size = poses.take([number]), background.shape[1::-1]
        turn, joints = one.turn[0], self.joints(one)[0]
        bones = one.flexion[0], one.abduction[0]
        vertices = skin(self.mesh, self.anatomy, joints, *bones, _bend_forearm(turn)) @ turn.T
        seen = joints @ turn.T
        vertices -= (*centred, 1.0) * (seen.min(axis=0) + seen.max(axis=0)) / 2
        x, y = (np.array(size) / 2 + one.place[0]) * OVERSAMPLING
        hand, cover = rasterise(
            vertices, self.mesh.triangles, self.look.colours, self.look.shine,
            Camera(DISTANCE, palm * OVERSAMPLING, (float(x), float(y))),
            (int(size[0] * OVERSAMPLING), int(size[1] * OVERSAMPLING)),
            self.lighting.lamps, self.lighting.ambient, wrap=self.lighting.wrap, gloss=self.lighting.gloss,
        )  # fmt: skip
        hand = np.clip(hand * np.float32(EXPOSURE), 0, 1) ** np.float32(1 / GAMMA)
        share = cv2.resize(cover, size, interpolation=cv2.INTER_AREA)[..., None]
        picture = cv2.resize(hand, size, interpolation=cv2.INTER_AREA) + background * (1 - share)
        return np.asarray(np.clip(picture, 0, 1) * 255, dtype=np.uint8)


def film(text: str, studio: Studio) -> Iterator[Picture]:
    """Yield the pictures of a film in which a hand spells a text, (480, 640, 3) uint8 RGB, `RATE` a second."""
    poses, background = spell(text, studio), draw_wall(SIZE)
    for number in range(len(poses.flexion)):
        yield studio.render(poses, number, background)


def spell(text: str, studio: Studio) -> Poses:
    """Plan the poses of a film, one a frame: held letters, what is between them, and no hand between words."""
    parts = []
    for word in text.split():
        letters = studio.letters(word)
        parts.append(_enter(letters.take([0])))
        for number, letter in enumerate(word):
            now = letters.take([number])
            if number and letter == word[number - 1]:
                parts += [_leave(now), _still(now, GONE, BELOW), _enter(now)]
            elif number:
                parts.append(_move(letters.take([number - 1]), now, studio))
            parts.append(_still(now, HOLD))
        parts += [_leave(now), _still(now, AWAY, BELOW)]
    return _sway(_join(parts))


def _find_row(table: Handshapes, letter: str) -> int:
    return int(np.flatnonzero(table.letters == letter)[ROWS.get(letter, 0)])


def _join(parts: list[Poses]) -> Poses:
    return Poses(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Poses)))


def _still(pose: Poses, seconds: float, below: float = 0.0) -> Poses:
    """Hold one pose, lowered by so many pixels."""
    held = pose.take(np.zeros(round(seconds * RATE), dtype=np.int64))
    return replace(held, place=held.place + np.array([0.0, below]))


def _leave(pose: Poses) -> Poses:
    """Lower the hand out of the picture, faster and faster."""
    height = np.linspace(0.0, 1.0, round(RAISE * RATE)) ** 3
    return replace(_still(pose, RAISE), place=BELOW * height[:, None] * (0.0, 1.0))


def _enter(pose: Poses) -> Poses:
    """Raise the hand into the picture, slower and slower: half a hand at the edge may be taken for another letter."""
    poses = _leave(pose)
    return poses.take(np.arange(len(poses.place))[::-1])


def _move(before: Poses, after: Poses, studio: Studio) -> Poses:
    """Pass from one letter to the next; the fingers open as far as they need to pass one another."""
    share = _ease(MOVE)
    ends = max(penetration(studio.joints(each))[0] for each in (before, after))
    moves = [_blend(before, after, share, opening * np.sin(np.pi * share) ** 2) for opening in OPENINGS]
    deepest = [max(float(penetration(studio.joints(each)).max()), ends + FREE) for each in moves]
    return moves[int(np.argmin(deepest))]


def _ease(seconds: float) -> Array:
    """Give shares from 0 to 1, one a frame, that start and end slowly (Flash and Hogan 1985, minimum jerk)."""
    share = (np.arange(round(seconds * RATE)) + 0.5) / round(seconds * RATE)
    return np.asarray(share**3 * (10.0 - 15.0 * share + 6.0 * share**2))


def _blend(before: Poses, after: Poses, share: Array, opened: Array) -> Poses:
    """Blend two poses by shares (N,), and these with an open hand by shares (N,)."""
    turn = Slerp([0.0, 1.0], Rotation.from_matrix(np.concatenate([before.turn, after.turn])))

    def mix(name: str, opening: tuple[float, ...] | Array) -> Array:
        start, end = getattr(before, name), getattr(after, name)
        shape = (-1, *(1,) * (start.ndim - 1))
        between = start + (end - start) * share.reshape(shape)
        return np.asarray(between + (opening - between) * opened.reshape(shape))

    return Poses(
        mix("flexion", np.array(OPEN_FLEXION)[:, None]),
        mix("abduction", OPEN_ABDUCTION),
        mix("thumb_tip", OPEN_THUMB_TIP),
        mix("thumb_mcp", OPEN_THUMB_MCP),
        turn(share).as_matrix(),
        mix("place", (0.0, 0.0)),
    )


def _sway(poses: Poses) -> Poses:
    """Place a hand in the picture, and move and turn it a little all the time, as nobody's is still."""
    seconds = np.arange(len(poses.place)) / RATE
    place = SWAY * np.stack([np.sin(1.7 * seconds), np.cos(1.3 * seconds)], axis=1) + np.array([0.0, LOWER])
    angles = TILT * np.stack([np.sin(1.1 * seconds), np.sin(1.9 * seconds), np.cos(1.5 * seconds)], axis=1)
    tilt = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    return replace(poses, place=poses.place + place, turn=tilt @ poses.turn)


def _bend_forearm(turn: Array) -> Array:
    """Give the rotation (3, 3) of the forearm in the palm's frame that has it come from below."""
    now, wanted = turn @ np.array([0.0, -1.0, 0.0]), unit(np.array(ARM))
    angle = min(float(np.arccos(np.clip(now @ wanted, -1, 1))), np.radians(WRIST))
    bend = Rotation.from_rotvec(unit(np.cross(now, wanted)) * angle).as_matrix()
    return np.asarray(turn.T @ bend @ turn)


def _look(mesh: HandMesh, anatomy: Anatomy) -> Look:
    """Colour skin, palm, fingertips, nails and sleeve."""
    tone = (SKIN[int(TONE)] + (SKIN[int(TONE) + 1] - SKIN[int(TONE)]) * (TONE % 1)) ** GAMMA
    palm = 0.75 * tone + 0.25 * np.array(PALE_PALM) ** GAMMA
    colours = tone + (palm - tone) * np.clip(anatomy.normals[:, 2:] * 1.5 + 0.3, 0, 1)
    tips = [len(BONES) + number for number, name in enumerate(PHALANGES) if name.endswith("-3")]
    colours *= 1 + 0.6 * (np.array(FLUSHED) - 1) * mesh.weights[:, tips].max(axis=1)[:, None]
    colours += 0.6 * mesh.nails[:, None] * (palm * (1.12, 1.0, 1.0) + 0.05 - colours)
    covered = -anatomy.vertices[:, 1] > SLEEVE
    colours = np.where(covered[:, None], np.array(SLEEVE_COLOUR) ** GAMMA, colours)
    return Look(colours, np.where(covered, 0.0, 0.05 + 0.12 * mesh.nails))


def _lighting() -> Lighting:
    """Set up a lamp above the camera that casts shadows, a weaker one beside it and one behind."""
    lamps = [((-0.55, 0.75, 0.75), 0.95, True), ((0.8, 0.1, 0.6), 0.3, False), ((0.2, 0.6, -0.7), 0.35, False)]
    rows = [[*unit(np.array(towards)), *[strength] * 3, float(shadow)] for towards, strength, shadow in lamps]
    return Lighting(np.array(rows), np.full(3, 0.3), wrap=0.3, gloss=20.0)


def draw_wall(size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Draw a wall out of focus, lit from the upper left: (H, W, 3) sRGB from 0 to 1."""
    x, y = np.meshgrid(*(np.linspace(0.0, 1.0, each) for each in size))
    light = 1.05 - 0.14 * y - 0.10 * x + 0.05 * np.exp(-((x - 0.25) ** 2 + (y - 0.2) ** 2) / 0.08)
    return np.asarray(light[..., None] * WALL_COLOUR, dtype=np.float32)


def draw_letters(studio: Studio, side: int) -> dict[str, Picture]:
    """Render each letter in the middle of a square picture before a plain wall, (side, side, 3) uint8 RGB."""
    alphabet = "".join(mesh_handshapes().alphabet)
    poses, wall = studio.letters(alphabet), np.full((side, side, 3), WALL_COLOUR, dtype=np.float32)
    return {
        letter: studio.render(poses, number, wall, LETTER * side, centred=(1.0, 1.0))
        for number, letter in enumerate(alphabet)
    }
