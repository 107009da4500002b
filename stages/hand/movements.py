"""Synthetic movement: hands that draw J and Z in the air, and hands that move in other ways.

A hand passes through key poses, from each to the next as people move (minimum jerk: Flash and Hogan 1985,
https://doi.org/10.1523/JNEUROSCI.05-07-01688.1985). A camera takes some of its pictures, evenly or not, and a landmark
detector finds its 21 points, worse where the hand is fast. What is kept is the last `TRAIL_SECONDS` up to a moment
which may be any: the hand came in before, it goes on to the next letter, or it stops.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from client.mask import TRAIL_SECONDS
from stages.hand.kinematics import pose_hand, project, rotate
from stages.hand.signers import CAMERA_DISTANCE, JITTER, draw_anatomy
from stages.labels import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stages.hand.handshapes import Handshapes

Array = npt.NDArray[np.float64]
Vector = Array | tuple[float, ...]

FRAMES: Final = 46
"""Frames of a sequence: 30 a second for `TRAIL_SECONDS`; fewer are at its end."""
RATE: Final = (6.0, 30.0)
"""Frames a second that the landmarks of a sequence come with."""
UNEVEN: Final = 0.2
"""Share of the time between two frames by which they are early or late."""
LOST: Final = 0.15
"""Largest share of frames without a hand."""
LEFT_OVER: Final = 0.08
"""Share of sequences whose first frame shows the hand elsewhere: a detector that jumps, a film that was cut."""
MISTAKEN: Final = 0.12
"""Share of sequences in some frames of which the detector takes the fingers for others."""
FLEXION, ABDUCTION, THUMB, TURN = slice(0, 12), slice(12, 16), slice(16, 22), slice(22, 25)
PLACE: Final = slice(25, 27)
"""Parts of a pose: 12 degrees of flexion, 4 of abduction, thumb tip and MCP in palm lengths, yaw, pitch and roll in
degrees, x and y of the wrist in palm lengths."""
POSE: Final = 27
REACH: Final = 2.0
"""Palm lengths from the wrist to the tip of a finger that draws."""
STEPS: Final = 8
"""Key poses of a way that is curved."""
SEEN: Final = 0.3
"""Seconds after its end for which a letter counts as just drawn; after `FORGOTTEN` it does not."""
FORGOTTEN: Final = 0.5
BARELY: Final = 0.8
"""Share of what has to be drawn of a letter up to which it is not drawn."""


@dataclass(frozen=True)
class Movements:
    """N sequences of T frames, as MediaPipe would report them.

    Attributes:
        landmarks: (N, T, 21, 3) float32 palm lengths; NaN where there is no frame or no hand. T is `FRAMES`.
        times: (N, T) float64 seconds, ascending; the last one is the moment that the label is about.
        labels: (N,) `J` or `Z` if one has just been drawn, else `nothing`.
        kinds: (N,) names of the movements.
    """

    landmarks: npt.NDArray[np.float32]
    times: npt.NDArray[np.float64]
    labels: npt.NDArray[np.str_]
    kinds: npt.NDArray[np.str_]


@dataclass(frozen=True)
class _Plan:
    """The key poses of one hand, and when it is in them."""

    poses: Array
    """(K, 27)."""
    times: Array
    """(K,) seconds, ascending."""
    drawn: tuple[float, float, float] | None = None
    """When the drawing of a letter begins, when enough of it is there to tell, and when it is complete; or None."""
    again: bool = False
    """Whether another one was drawn before it."""


class _Hand:
    """One signer's way of holding letters."""

    def __init__(self, table: Handshapes, rng: np.random.Generator) -> None:
        self.rng = rng
        self._table = table
        self._habit = rng.normal(size=POSE) * 0.7
        self._deviation = np.concatenate([
            np.full(12, 6.0), np.full(4, 3.5), np.full(6, 0.07), np.full(3, 14.0), np.zeros(2)
        ])  # fmt: skip

    def letter(self, letter: str = "") -> Array:
        """Give the pose of a letter, or of any of them."""
        table = self._table
        rows = np.flatnonzero(table.letters == letter) if letter else np.arange(len(table.letters))
        shares = table.weights[rows] / table.weights[rows].sum()
        row = int(self.rng.choice(rows, p=shares))
        pose = np.concatenate([
            table.flexion[row].ravel(), table.abduction[row], table.thumb_tip[row], table.thumb_mcp[row],
            table.orientation[row], np.zeros(2),
        ])  # fmt: skip
        return np.asarray(pose + (self._habit + 0.4 * self.rng.normal(size=POSE)) * self._deviation)

    def index(self) -> Array:
        """Give the pose of a hand that points upwards: D, X less bent, or the index finger alone."""
        kind = self.rng.random()
        pose = self.letter("D" if kind < 0.5 else "X")
        if kind >= 0.5:  # the other fingers as in X, the index finger nearly straight
            bend = self.rng.uniform(0.0, 1.0)
            pose[[0, 4, 8]] = np.array([5.0, 10.0, 12.0]) + bend * np.array([10.0, 35.0, 25.0])
        return pose

    def rest(self) -> Array:
        """Give the pose of a loose hand."""
        pose = self.letter("C" if self.rng.random() < 0.5 else "B")
        pose[FLEXION] += self.rng.normal(size=12) * 20.0
        pose[TURN] += self.rng.normal(size=3) * 40.0
        return pose


def synthesize_movements(table: Handshapes, count: int, seed: int, part: int = 0) -> Movements:
    """Let hands move; the same seed gives the same movements.

    Args:
        table: handshapes of the still letters.
        count: how many sequences, N.
        seed: of all random numbers.
        part: movements of another part are others.
    """
    rng = np.random.default_rng([seed, part])
    plans, ends, kinds, labels = [], np.zeros(count), [], []
    for number in range(count):
        kind, draw = _choose(rng)
        plan = draw(_Hand(table, rng))
        plans.append(plan)
        kinds.append(kind)
        ends[number], label = _choose_end(plan, kind, rng)
        labels.append(label)
    times = _sample_times(ends, rng)
    poses = np.stack([_pose_at(plan, own) for plan, own in zip(plans, times, strict=True)])
    landmarks = _photograph(poses, times, rng)
    return Movements(landmarks, times, np.array(labels), np.array(kinds))


def _choose(rng: np.random.Generator) -> tuple[str, Callable[[_Hand], _Plan]]:
    names = list(_DRAW)
    weights = np.array([_DRAW[name][0] for name in names])
    name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
    return name, _DRAW[name][1]


def _choose_end(plan: _Plan, kind: str, rng: np.random.Generator) -> tuple[float, str]:
    """Choose the moment that a sequence ends with, and what has just been drawn then."""
    if plan.drawn is None:
        return float(rng.uniform(min(0.4, plan.times[-1]), plan.times[-1])), NOTHING
    begin, enough, end = plan.drawn
    if plan.again or rng.random() < 0.8:
        return float(rng.uniform(enough, end + SEEN)), kind
    early = begin + BARELY * (enough - begin)
    late = end + FORGOTTEN
    if rng.random() < 0.6 or late >= plan.times[-1]:
        return float(rng.uniform(min(0.3, early), early)), NOTHING
    return float(rng.uniform(late, plan.times[-1])), NOTHING


def _pose_at(plan: _Plan, times: Array) -> Array:
    """Give the poses (T, 27) at times (T,)."""
    number = np.clip(np.searchsorted(plan.times, times, side="right") - 1, 0, len(plan.times) - 2)
    begin, end = plan.times[number], plan.times[number + 1]
    share = np.clip((times - begin) / np.maximum(end - begin, 1e-6), 0.0, 1.0)
    share = share**3 * (10.0 - 15.0 * share + 6.0 * share**2)
    return np.asarray(plan.poses[number] + (plan.poses[number + 1] - plan.poses[number]) * share[:, None])


def _sample_times(ends: Array, rng: np.random.Generator) -> Array:
    """Choose when frames are taken: (N, T), NaN before the first one; the last ones are `ends`."""
    count = len(ends)
    step = 1.0 / np.exp(rng.uniform(np.log(RATE[0]), np.log(RATE[1]), size=(count, 1)))
    back = np.arange(FRAMES)[::-1] * step
    back[:, :-1] += rng.uniform(-UNEVEN, UNEVEN, size=(count, FRAMES - 1)) * step
    back[back > TRAIL_SECONDS] = np.nan
    return np.asarray(ends[:, None] - back)


def _photograph(poses: Array, times: Array, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Give the landmarks (N, T, 21, 3) of poses (N, T, 27) as a detector finds them, in palm lengths."""
    count = len(poses)
    flat = poses.reshape(-1, POSE)
    bones, palm = (np.repeat(each, FRAMES, axis=0) for each in draw_anatomies(count, rng))
    points = pose_hand(
        flat[:, FLEXION].reshape(-1, 3, 4),
        flat[:, ABDUCTION],
        flat[:, THUMB][:, :3],
        flat[:, THUMB][:, 3:],
        bones,
        palm,
    )
    turned = rotate(points, *flat[:, TURN].T)
    distance = np.repeat(
        np.exp(rng.uniform(np.log(CAMERA_DISTANCE[0]), np.log(CAMERA_DISTANCE[1]), size=count)), FRAMES
    )
    seen = project(turned, distance)
    seen -= seen[:, :1]  # the wrist, which moves by itself
    seen = seen.reshape(count, FRAMES, 21, 3)
    seen[..., :2] += poses[:, :, None, PLACE] * (1.0, -1.0)
    # Errors: of every frame, those that last, and those of fast frames.
    jitter = rng.uniform(*JITTER, size=(count, 1, 1, 1))
    noise = rng.normal(size=seen.shape) * jitter
    step = np.diff(times, axis=1, prepend=np.nan)
    speed = np.linalg.norm(np.diff(seen[..., :2], axis=1, prepend=np.nan), axis=-1) / np.maximum(step, 1e-3)[..., None]
    speed = np.nan_to_num(speed)
    blur = rng.uniform(0.0, 0.015, size=(count, 1, 1)) * speed
    noise += rng.normal(size=seen.shape) * np.minimum(blur, 0.3)[..., None]
    seen = seen + noise
    # A tracker lags behind.
    seen[:, 1:] -= rng.uniform(0.0, 0.25, size=(count, 1, 1, 1)) * np.nan_to_num(np.diff(seen, axis=1))
    seen = _mistake(seen, rng)
    first = np.argmax(np.isfinite(times), axis=1)
    jumping = np.flatnonzero(rng.random(count) < LEFT_OVER)
    seen[jumping, first[jumping]] += np.append(rng.normal(size=2) * 1.2, 0.0)
    lost = rng.random((count, FRAMES)) < rng.uniform(0.0, LOST, size=(count, 1))
    lost[:, -1] = False
    seen[lost | ~np.isfinite(times)] = np.nan
    return seen.astype(np.float32)


def _mistake(seen: Array, rng: np.random.Generator) -> Array:
    """Let the detector see another hand for a few frames: each finger elsewhere, the palm of another size."""
    count = len(seen)
    begin = rng.integers(0, FRAMES, size=count)
    length = np.where(rng.random(count) < MISTAKEN, rng.integers(1, 6, size=count), 0)
    frames = np.arange(FRAMES)
    rows, columns = np.nonzero((frames >= begin[:, None]) & (frames < (begin + length)[:, None]))
    offset = np.zeros((count, 21, 3))
    offset[:, 5:, :2] = np.repeat(rng.normal(size=(count, 4, 2)) * 0.35, 4, axis=1)
    middle = seen[rows, columns].mean(axis=1, keepdims=True)
    size = np.exp(0.25 * rng.normal(size=(count, 1, 1)))[rows]
    seen[rows, columns] = middle + (seen[rows, columns] - middle) * size + offset[rows]
    return seen


def draw_anatomies(count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw N signers' bone lengths (N, 5, 3) and palms (N, 5, 3)."""
    each = [draw_anatomy(1, rng) for _ in range(count)]
    return np.concatenate([bones for bones, _ in each]), np.concatenate([palm for _, palm in each])


def _path(keys: Sequence[tuple[Array, float]], drawn: tuple[int, int, int] | None = None) -> _Plan:
    """Make a plan of key poses and the seconds that the way to each takes; `drawn`: numbers of its keys."""
    times = np.cumsum([seconds for _, seconds in keys])
    poses = np.stack([pose for pose, _ in keys])
    if drawn is None:
        return _Plan(poses, times)
    begin, enough, end = (float(times[key]) for key in drawn)
    return _Plan(poses, times, (begin, enough, end))


def _moved(pose: Array, place: Vector = (0.0, 0.0), turn: Vector = (0.0, 0.0, 0.0)) -> Array:
    """Move a pose by x and y, in palm lengths, and turn it by yaw, pitch and roll, in degrees."""
    moved = pose.copy()
    moved[PLACE] += place
    moved[TURN] += turn
    return moved


def _before(hand: _Hand, pose: Array) -> list[tuple[Array, float]]:
    """Come to a pose: from the letter before, from outside the picture, or be in it already; then hold it a while."""
    rng, keys = hand.rng, []
    kind = rng.random()
    if kind < 0.45:
        other = _moved(hand.letter(), rng.normal(size=2) * 0.4)
        keys = [(other, 0.0), (other, rng.uniform(0.0, 0.5)), (pose, rng.uniform(0.15, 0.5))]
    elif kind < 0.7:
        away = _moved(hand.rest() if rng.random() < 0.5 else pose, (rng.normal() * 1.5, -rng.uniform(1.0, 4.0)))
        keys = [(away, 0.0), (pose, rng.uniform(0.2, 0.6))]
    else:
        keys = [(pose, 0.0)]
    return [*keys, (_moved(pose, rng.normal(size=2) * 0.05), rng.exponential(0.25))]


def _after(hand: _Hand, pose: Array) -> list[tuple[Array, float]]:
    """Go on from a pose: hold it, then go to the next letter, or away."""
    rng = hand.rng
    keys = [(_moved(pose, rng.normal(size=2) * 0.06), rng.exponential(0.3))]
    kind = rng.random()
    if kind < 0.5:
        other = _moved(hand.letter(), pose[PLACE] * rng.uniform(0.0, 1.0) + rng.normal(size=2) * 0.3)
        keys += [(other, rng.uniform(0.2, 0.5)), (other, rng.uniform(0.2, 0.8))]
    elif kind < 0.75:
        away = _moved(hand.rest() if rng.random() < 0.5 else pose, (rng.normal() * 1.5, -rng.uniform(1.0, 4.0)))
        keys += [(away, rng.uniform(0.25, 0.6)), (away, 0.4)]
    else:
        keys += [(_moved(pose, rng.normal(size=2) * 0.1), rng.uniform(0.3, 1.0))]
    return keys


def _draw_j(hand: _Hand) -> _Plan:
    """Draw a J: the little fingertip goes down and hooks towards the thumb; wrist, arm or finger move it, or all."""
    rng = hand.rng
    start = hand.letter("I")
    seconds = rng.uniform(0.3, 1.3)
    while True:
        drop = rng.uniform(0.2, 1.4) if rng.random() < 0.5 else rng.uniform(0.0, 0.3)
        across = rng.uniform(0.0, 0.9) * (0.3 + drop)
        up = rng.uniform(0.0, 0.6) * drop
        twist = rng.uniform(60.0, 210.0) if rng.random() < 0.75 else rng.uniform(0.0, 60.0)
        dip = rng.uniform(20.0, 95.0) if rng.random() < 0.7 else rng.uniform(0.0, 30.0)
        lean = -rng.uniform(0.0, 110.0) if rng.random() < 0.6 else rng.normal() * 20.0
        if drop + twist / 120.0 + dip / 90.0 - min(lean, 0.0) / 120.0 > 1.0:
            break
    left = rng.uniform(-0.1, 0.5) * dip  # how much of the dip is left at the end
    bend = rng.uniform(0.0, 60.0) if rng.random() < 0.3 else 0.0  # the finger flicks by itself
    first = _moved(start, (rng.normal() * 0.1, -0.6 * drop), (twist * rng.uniform(0.1, 0.4), dip * 0.6, lean * 0.2))
    low = _moved(start, (0.4 * across, -drop), (twist * rng.uniform(0.4, 0.7), dip, lean * rng.uniform(0.3, 0.6)))
    end = _moved(start, (across, -drop + up), (twist, left, lean))
    low[[3, 7]] += bend
    end[[3, 7]] += bend * rng.uniform(0.0, 1.0)
    keys = _before(hand, start)
    begin = len(keys) - 1
    # Between the two keys a hand does not stop: one smooth way through them.
    ways = _smooth([start, first, low, end], seconds)
    keys += ways
    return _path([*keys, *_after(hand, end)], (begin, begin + len(ways) - 1, begin + len(ways)))


def _smooth(poses: list[Array], seconds: float) -> list[tuple[Array, float]]:
    """Pass poses without a stop: key poses of a curve through them (uniform Catmull-Rom), slow at both ends."""
    points = np.stack([poses[0], *poses, poses[-1]])
    steps = STEPS * (len(poses) - 1)
    share = (np.arange(steps) + 1.0) / steps
    eased = share**3 * (10.0 - 15.0 * share + 6.0 * share**2)
    eased = 0.6 * eased + 0.4 * share
    at = eased * (len(poses) - 1)
    number = np.minimum(at.astype(int), len(poses) - 2)
    t = (at - number)[:, None]
    a, b, c, d = (points[number + each] for each in range(4))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return [(pose, seconds / steps) for pose in curve]


def _draw_z(hand: _Hand) -> _Plan:
    """Draw a Z: strokes across, down and back, and across again, by the arm, the wrist, or both."""
    rng = hand.rng
    start = hand.index()
    start[TURN] += rng.normal(size=3) * (18.0, 14.0, 20.0) + (0.0, rng.uniform(0.0, 45.0), 0.0)
    seconds = rng.uniform(0.3, 1.2) if rng.random() < 0.7 else rng.uniform(1.2, 2.3)
    width, height = np.exp(rng.uniform(np.log(0.6), np.log(3.2))), np.exp(rng.uniform(np.log(0.45), np.log(2.4)))
    corners = np.array([[0.0, 0.0], [-1.0, 0.0], [0.0, -1.0], [-rng.uniform(0.5, 1.3), -1.0]])
    corners += rng.normal(size=(4, 2)) * (0.15, 0.13)
    corners = (corners - corners[0]) * (width, height)
    slant = np.radians(rng.normal() * 15.0)
    corners = corners @ np.array([[np.cos(slant), np.sin(slant)], [-np.sin(slant), np.cos(slant)]])
    if rng.random() < 0.1:  # as the signer sees it in a mirrored picture
        corners[:, 0] *= -1.0
    strokes = int(rng.choice([1, 2, 3], p=[0.03, 0.22, 0.75]))
    if strokes == 1:
        corners = (corners[1:3] - corners[1]) * rng.uniform(1.0, 1.6)
    elif strokes == 2:
        corners = corners[:3] if rng.random() < 0.6 else corners[1:] - corners[1]
    # What the wrist does of it by turning: often nearly all.
    share = float(rng.choice([0.0, rng.uniform(0.0, 0.5), rng.uniform(0.5, 1.0)], p=[0.25, 0.25, 0.5]))
    turn = np.clip(np.degrees(corners * share / REACH), -70.0, 70.0)
    start[TURN.stop - 1] -= rng.uniform(0.0, 0.8) * np.ptp(turn[:, 0])  # a wrist begins on the other side
    arm = corners - np.radians(turn) * REACH
    poses = [
        _moved(start, place, (rng.normal() * 5.0, -0.9 * angle[1], -angle[0]))
        for place, angle in zip(arm, turn, strict=True)
    ]
    keys = _before(hand, start)
    begin = len(keys) - 1
    lengths = np.linalg.norm(np.diff(corners, axis=0), axis=1) + 0.3
    if rng.random() < 0.4:  # round its corners without a stop
        ways = _smooth(poses, seconds)
        enough = begin + int(np.ceil(len(ways) * min(2, len(lengths)) / len(lengths)))
    else:
        pause, ways = rng.uniform(0.0, 0.06), []
        for number, length in enumerate(lengths, start=1):
            middle = (poses[number - 1] + poses[number]) / 2.0
            middle[PLACE] += rng.normal(size=2) * 0.06 * length
            ways += _through(poses[number - 1], middle, poses[number], seconds * length / lengths.sum())
            ways.append((poses[number], pause))
        enough = begin + min(2, len(lengths)) * (STEPS + 1) - 1
    again = rng.random() < 0.12
    if again:  # as in PIZZA
        keys += [*ways, (start, rng.uniform(0.15, 0.5))]
        enough += len(ways) + 1
        begin += len(ways) + 1
    return replace(_path([*keys, *ways, *_after(hand, poses[-1])], (begin, enough, begin + len(ways))), again=again)


def _through(before: Array, middle: Array, after: Array, seconds: float) -> list[tuple[Array, float]]:
    """Go from one pose to another past a third, slowly at both ends: key poses of a parabola."""
    share = (np.arange(STEPS) + 1.0) / STEPS
    share = (share**3 * (10.0 - 15.0 * share + 6.0 * share**2))[:, None]
    bulge = 4.0 * share * (1.0 - share)
    curve = before + (after - before) * share + (middle - (before + after) / 2.0) * bulge
    return [(pose, seconds / STEPS) for pose in curve]


def _still(hand: _Hand) -> _Plan:
    """Hold a letter, drifting slowly."""
    rng = hand.rng
    pose = hand.letter("" if rng.random() < 0.6 else str(rng.choice(["I", "D", "X", "Y"])))
    end = _moved(pose, rng.normal(size=2) * 0.5, rng.normal(size=3) * 12.0)
    return _path([*_before(hand, pose), (end, rng.uniform(0.5, 2.0))])


def _spell(hand: _Hand) -> _Plan:
    """Go from letter to letter."""
    rng = hand.rng
    keys: list[tuple[Array, float]] = []
    place = np.zeros(2)
    for _ in range(5):
        special = rng.random() < 0.35
        letter = str(rng.choice(["I", "D", "X", "G", "Y", "L"])) if special else ""
        place = place * 0.7 + rng.normal(size=2) * 0.35
        pose = _moved(hand.letter(letter), place)
        keys += [(pose, rng.uniform(0.15, 0.5)), (_moved(pose, rng.normal(size=2) * 0.05), rng.uniform(0.05, 0.5))]
    return _path(keys)


def _come_and_go(hand: _Hand) -> _Plan:
    """Come in with a letter, hold it, and leave."""
    rng = hand.rng
    pose = hand.letter("" if rng.random() < 0.6 else str(rng.choice(["I", "D", "X"])))
    ways = [rng.normal(size=2) * (1.5, 1.0) - (0.0, 3.0 * rng.random()) for _ in range(2)]
    tilts = [rng.normal(size=3) * 30.0 for _ in range(2)]
    outside = [
        _moved(pose if rng.random() < 0.5 else hand.rest(), way, tilt) for way, tilt in zip(ways, tilts, strict=True)
    ]
    return _path([
        (outside[0], 0.0), (pose, rng.uniform(0.2, 0.7)), (pose, rng.uniform(0.1, 0.9)),
        (outside[1], rng.uniform(0.2, 0.7)), (outside[1], 0.3),
    ])  # fmt: skip


def _wander(hand: _Hand) -> _Plan:
    """Move and turn any handshape in any way: wave, circle, scratch, point, conduct."""
    rng = hand.rng
    kind = rng.random()
    pose = hand.letter("" if kind < 0.7 else str(rng.choice(["D", "X", "I", "Y", "L", "G"])))
    pace = rng.uniform(0.08, 0.5)
    if kind < 0.25:  # wave: back and forth along a line, or about the wrist
        axis = rng.normal(size=2) * 0.6
        turn = rng.normal(size=3) * 20.0
        signs = [(-1.0) ** number for number in range(10)]
        return _path([
            (_moved(pose, axis * sign + rng.normal(size=2) * 0.1, turn * sign), pace * rng.uniform(0.7, 1.3))
            for sign in signs
        ])  # fmt: skip
    if kind < 0.4:  # circle
        radius = rng.uniform(0.3, 1.2, size=2)
        way = rng.choice([-1.0, 1.0])
        return _path([
            (_moved(pose, radius * (np.cos(angle), np.sin(angle))), pace * 0.6)
            for angle in way * np.arange(16) * np.pi / 4.0 + rng.uniform(0.0, 2.0 * np.pi)
        ])  # fmt: skip
    size, turn_size = rng.uniform(0.1, 1.2), rng.uniform(5.0, 70.0)
    keys = []
    for _ in range(8):
        turned = rng.normal(size=3) * turn_size
        keys.append((_moved(pose, rng.normal(size=2) * size, turned), pace * rng.uniform(0.6, 2.5)))
    return _path(keys)


def _slow(hand: _Hand) -> _Plan:
    """Hold I, D or X and move it slowly, or only part of the way of J and Z."""
    rng = hand.rng
    letter = str(rng.choice(["I", "D", "X"]))
    pose = hand.index() if letter == "D" else hand.letter(letter)
    way = rng.normal(size=2)
    length = rng.uniform(0.2, 1.5)
    end = _moved(pose, way / np.linalg.norm(way) * length, rng.normal(size=3) * 20.0)
    keys = [*_before(hand, pose), (end, rng.uniform(0.3, 2.0)), (end, rng.uniform(0.0, 0.6))]
    if rng.random() < 0.5:
        keys.append((_moved(pose, rng.normal(size=2) * 0.2), rng.uniform(0.2, 1.0)))
    return _path([*keys, *_after(hand, keys[-1][0])])


def _turn_other(hand: _Hand) -> _Plan:
    """Turn another letter's hand as a J is turned, or draw strokes with it."""
    rng = hand.rng
    while (letter := str(rng.choice(hand._table.letters))) in "IJDXZ":
        pass
    start = hand.letter(letter)
    plan = _draw_j(hand) if rng.random() < 0.5 else _draw_z(hand)
    poses = plan.poses.copy()
    poses[:, :22] = start[:22]
    return _Plan(poses, plan.times)


_DRAW: Final[dict[str, tuple[float, Callable[[_Hand], _Plan]]]] = {
    "J": (0.21, _draw_j),
    "Z": (0.21, _draw_z),
    "still": (0.05, _still),
    "spelling": (0.25, _spell),
    "coming": (0.10, _come_and_go),
    "wandering": (0.07, _wander),
    "slow": (0.07, _slow),
    "turned": (0.04, _turn_other),
}
