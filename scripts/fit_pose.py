"""Fit the small network of Practise, which estimates a hand's pose from its landmarks, and the pose of each letter.

The network is trained on synthetic hands, in half of which some fingers are posed as in other letters, so that it
judges each finger by itself, and on the rendered hands that MediaPipe found. No photograph of a person is used.

Usage: python scripts/fit_pose.py (takes five minutes; writes client/web/src/practise/pose.json)
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, smooth_l1_loss

from stages.files import write_text
from stages.hand import signers
from stages.hand.handshapes import Handshapes, read_handshapes
from stages.hand.kinematics import FINGER_BONES, FINGER_MCPS, THUMB_BONES, THUMB_CMC, pose_hand, project, rotate
from stages.rendering.poses import mesh_handshapes

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.int64]

POSE: Final = Path("client/web/src/practise/pose.json")
RENDERED: Final = Path("pretrained/rendered.npz")
SYNTHETIC: Final = 400_000
MIXED: Final = 0.5
"""Share of the synthetic hands whose fingers are of several letters."""
SWAPPED: Final = 0.35
"""Share of the fingers of such a hand that are another letter's."""
HANDS_A_SIGNER: Final = 20
WIDTH: Final = 64
STEPS: Final = 8_000
BATCH: Final = 2_048
RENDERED_SHARE: Final = 0.4
"""Share of a batch that is rendered hands."""
RATE: Final = 4e-3
LETTER_WEIGHT: Final = 0.1
SMOOTHING: Final = 0.05
FEWEST: Final = 30
"""Hands that a row of the table needs for its pose to be kept."""
ALIKE: Final = 0.35
"""Distance below which two poses of a letter are kept as one, in standard deviations over all hands."""
TIPS: Final = (8, 12, 16, 20)
POSE_SIZE: Final = 20
DIGITS: Final = 3


def main() -> None:
    """Train the network and write it, with the poses that it sees in the letters, as JSON."""
    ArgumentParser(prog="python scripts/fit_pose.py", description=main.__doc__).parse_args()
    torch.manual_seed(0)
    own, mesh = read_handshapes(), mesh_handshapes()
    table = own.join(mesh)
    alphabet = own.alphabet
    ideal = _ideal_poses(table)
    seen, poses, rows = synthesize(table, SYNTHETIC, MIXED, seed=1)
    letters = np.where(rows >= 0, np.searchsorted(alphabet, table.letters[rows]), -100)
    rendered, rendered_rows = read_rendered(len(own.letters))
    inputs = torch.tensor(np.concatenate([normalise(seen), normalise(rendered)]))
    targets = torch.tensor(np.concatenate([poses, ideal[rendered_rows]]), dtype=torch.float32)
    labels = torch.tensor(np.concatenate([letters, np.searchsorted(alphabet, table.letters[rendered_rows])]))
    mean, deviation = targets.mean(0), targets.std(0)
    network = train(inputs, (targets - mean) / deviation, labels, len(seen), len(alphabet))
    _fold_scale(network, mean, deviation)
    pure, _, pure_rows = synthesize(table, SYNTHETIC // 2, 0.0, seed=2)
    shapes = find_shapes(
        estimate(network, np.concatenate([pure, rendered])),
        np.concatenate([pure_rows, rendered_rows + len(table.letters)]),  # MediaPipe sees a rendered hand otherwise
        np.concatenate([table.letters, table.letters]),
        deviation.numpy(),
    )
    write_text(POSE, as_json(network, alphabet, shapes))
    sys.stdout.write(f"{POSE}: {POSE.stat().st_size / 1024:.0f} KiB, {sum(map(len, shapes.values()))} poses\n")


def synthesize(table: Handshapes, count: int, mixed: float, seed: int) -> tuple[Floats, Floats, Indices]:
    """Pose hands as `stages.hand.signers` does, some with fingers of several letters.

    Returns:
        What is seen of them (N, 21, 2), their poses (N, 20), and their rows of the table (N,), -1 for a mixed hand.
    """
    rng = np.random.default_rng(seed)
    rows = _draw_rows(table, count, rng)
    mix = rng.random(count) < mixed
    swapped = mix[:, None] & (rng.random((count, 5)) < SWAPPED)
    fingers = np.where(swapped, rng.integers(0, len(table.letters), (count, 5)), rows[:, None])
    signer = rng.integers(0, max(1, count // HANDS_A_SIGNER), count)

    def vary(deviation: float | Floats, *shape: int) -> Floats:
        habit = rng.normal(size=(signer.max() + 1, *shape))[signer] * np.sqrt(signers.HABIT)
        moment = rng.normal(size=(count, *shape)) * np.sqrt(1.0 - signers.HABIT)
        return np.asarray((habit + moment) * deviation)

    flexion = np.stack([table.flexion[fingers[:, finger], :, finger] for finger in range(4)], axis=-1)
    whole = table.flexion[rows]
    part = np.where(swapped[:, None, :4], rng.uniform(0.4, 1.0, (count, 1, 4)), 1.0)  # half bent is wrong, too
    flexion = whole + part * (flexion - whole)
    factor = np.array([1.0, 1.0, signers.DIP_FACTOR])[:, None]
    flexion += vary(signers.SHARED_FLEXION, 1, 1) + vary(signers.FLEXION, 3, 4) * factor
    abduction = np.stack([table.abduction[fingers[:, finger], finger] for finger in range(4)], axis=-1)
    anatomies = [signers.draw_anatomy(1, rng) for _ in range(signer.max() + 1)]
    bones, palms = (np.concatenate(each)[signer] for each in zip(*anatomies, strict=True))
    points = pose_hand(
        flexion,
        abduction + vary(signers.ABDUCTION, 4),
        table.thumb_tip[fingers[:, 4]] + vary(signers.THUMB_TIP, 3),
        table.thumb_mcp[fingers[:, 4]] + vary(signers.THUMB_MCP, 3),
        bones,
        palms,
    )
    orientation = table.orientation[rows] + vary(signers.SPREAD_FACTOR * table.spread[rows], 3)
    distance = np.exp(rng.uniform(np.log(signers.CAMERA_DISTANCE[0]), np.log(signers.CAMERA_DISTANCE[1]), count))
    seen = signers._add_noise(project(rotate(points, *orientation.T), distance), rng)
    return seen[..., :2], describe(flexion, points, orientation), np.where(mix, -1, rows)


def _draw_rows(table: Handshapes, count: int, rng: np.random.Generator) -> Indices:
    """Draw a letter for each hand and a row of it, the rarer ones a little more often than signers use them."""
    rows = np.empty(count, dtype=np.int64)
    letters = rng.choice(table.alphabet, size=count)
    for letter in table.alphabet:
        of_letter = np.flatnonzero(table.letters == letter)
        shares = np.sqrt(table.weights[of_letter])
        here = letters == letter
        rows[here] = rng.choice(of_letter, size=int(here.sum()), p=shares / shares.sum())
    return rows


def describe(flexion: Floats, points: Floats, orientation: Floats) -> Floats:
    """Describe poses by 20 numbers each, as `Pose` in client/web/src/practise/pose.ts lists them.

    Args:
        flexion: (N, 3, 4) degrees.
        points: (N, 21, 3) in the hand's frame.
        orientation: (N, 3) yaw, pitch and roll in degrees.
    """
    axes = rotate(np.tile(np.eye(3)[1:], (len(points), 1, 1)), *orientation.T)  # along the fingers, out of the palm
    aside = points[:, TIPS, 0]
    return np.concatenate(
        [
            flexion[:, 0] / 90.0,
            flexion[:, 1] / 90.0,
            aside[:, :-1] - aside[:, 1:],
            points[:, 4],
            axes[:, 0],
            axes[:, 1],
        ],
        axis=1,
    )


def _ideal_poses(table: Handshapes) -> Floats:
    count = len(table.letters)
    bones = np.tile(np.array([THUMB_BONES, *FINGER_BONES]), (count, 1, 1))
    palm = np.tile(np.array([THUMB_CMC, *FINGER_MCPS]), (count, 1, 1))
    points = pose_hand(table.flexion, table.abduction, table.thumb_tip, table.thumb_mcp, bones, palm)
    return describe(table.flexion, points, table.orientation)


def read_rendered(first: int) -> tuple[Floats, Indices]:
    """Read the rendered letters that MediaPipe found, as right hands; `first` is their table's first row."""
    with np.load(RENDERED) as file:
        seen, rows = file["landmarks"].astype(np.float64)[..., :2], file["rows"].astype(np.int64)
        seen[file["handedness"] == "L", :, 0] *= -1.0
        fits = (rows >= 0) & np.isfinite(seen).all(axis=(1, 2))
        fits &= mesh_handshapes().letters[rows] == file["labels"]
    return seen[fits], rows[fits] + first


def normalise(points: Floats) -> npt.NDArray[np.float32]:
    """Move N hands (N, 21, 2) to 0 and to a mean square distance of 1 from there; returns (N, 42)."""
    centred = points - points.mean(axis=1, keepdims=True)
    size = np.sqrt((centred**2).sum(axis=-1).mean(axis=1))
    return (centred / size[:, None, None]).reshape(len(points), -1).astype(np.float32)


def train(
    inputs: torch.Tensor, poses: torch.Tensor, letters: torch.Tensor, synthetic: int, alphabet: int
) -> nn.Sequential:
    """Train the network: the pose of each hand, and its letter unless that is -100."""
    network = nn.Sequential(
        nn.Linear(42, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, POSE_SIZE + alphabet)
    )
    optimiser = torch.optim.AdamW(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS)
    rendered = int(RENDERED_SHARE * BATCH)
    for _ in range(STEPS):
        chosen = torch.cat(
            [torch.randint(synthetic, (BATCH - rendered,)), torch.randint(synthetic, len(inputs), (rendered,))]
        )
        output = network(inputs[chosen])
        loss = smooth_l1_loss(output[:, :POSE_SIZE], poses[chosen]) + LETTER_WEIGHT * cross_entropy(
            output[:, POSE_SIZE:], letters[chosen], label_smoothing=SMOOTHING
        )
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return network


def _fold_scale(network: nn.Sequential, mean: torch.Tensor, deviation: torch.Tensor) -> None:
    """Have the last layer return poses in their own units."""
    last = [layer for layer in network if isinstance(layer, nn.Linear)][-1]
    with torch.no_grad():
        last.weight[:POSE_SIZE] *= deviation[:, None]
        last.bias[:POSE_SIZE] = last.bias[:POSE_SIZE] * deviation + mean


def estimate(network: nn.Sequential, seen: Floats) -> npt.NDArray[np.float32]:
    """Estimate the poses (N, 20) of hands (N, 21, 2)."""
    with torch.no_grad():
        return np.asarray(network(torch.tensor(normalise(seen)))[:, :POSE_SIZE], dtype=np.float32)


def find_shapes(
    poses: npt.NDArray[np.float32], rows: Indices, letters: npt.NDArray[np.str_], deviation: npt.NDArray[np.float32]
) -> dict[str, list[list[float]]]:
    """Find the mean pose of each row, and keep one of those of a letter that are alike."""
    shapes: dict[str, list[list[float]]] = {}
    for row, letter in enumerate(letters.tolist()):
        of_row = poses[rows == row]
        kept = shapes.setdefault(letter, [])
        if len(of_row) < FEWEST:
            continue
        mean = of_row.mean(axis=0)
        others = np.array(kept).reshape(-1, POSE_SIZE)
        if (np.sqrt((((others - mean) / deviation) ** 2).mean(axis=1)) >= ALIKE).all():
            kept.append(np.round(mean.astype(np.float64), 2).tolist())
    return {letter: shapes[letter] for letter in sorted(shapes)}


def as_json(network: nn.Sequential, alphabet: list[str], shapes: dict[str, list[list[float]]]) -> str:
    """Write the layers, each a row of weights for each output with its bias at the end, the letters and the poses."""
    layers = [
        torch.cat([layer.weight, layer.bias[:, None]], dim=1).detach().double().numpy().round(DIGITS).tolist()
        for layer in network
        if isinstance(layer, nn.Linear)
    ]
    return json.dumps({"layers": layers, "letters": alphabet, "shapes": shapes}, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    main()
