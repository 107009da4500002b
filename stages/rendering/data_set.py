"""The data set: signers of the mesh are photographed, MediaPipe looks for their hands, and what it finds is kept.

A signer is the unit of work: the same seed and number give the same photographs, on any core and in any order. What is
done is kept beside, a file a block of signers, so that a run that was killed resumes.
"""

from __future__ import annotations

import functools
import hashlib
import json
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from client.landmarks import HandLandmarker
from service.cores import usable_cores
from stages.data.archive import write_archive
from stages.errors import PipelineError
from stages.hand.signers import CAMERA_DISTANCE
from stages.photos.detection import process_executor
from stages.rendering.anatomy import Anatomy, average_anatomy, draw_anatomy
from stages.rendering.kept import Found, Order, Photograph, signer_name
from stages.rendering.mesh import HandMesh, read_mesh
from stages.rendering.photograph import photograph
from stages.rendering.poses import PosedHands, mesh_handshapes, pose_signer
from stages.rendering.scene import draw_look

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

BLOCK: Final = 10
"""Signers in a block: a quarter of a minute's work on one core."""
OTHER_LOOK: Final = 0.5
"""Share of photographs in which a signer has another skin and sleeve: hands teach shapes, looks do not."""
STEPS: Final = 1024
"""Landmarks are rounded to this part of the hand's extent, far below MediaPipe's error, to take less space."""


@dataclass(frozen=True)
class Signer:
    """One signer of the mesh, in front of the camera."""

    anatomy: Anatomy
    hands: PosedHands
    distance: float
    """Logarithm of the camera's distance."""
    left: bool


def draw_signer(mesh: HandMesh, order: Order, number: int) -> tuple[Signer, np.random.Generator]:
    """Draw a signer's anatomy and poses; returns also the source of randomness for the photographs."""
    rng = np.random.default_rng([order.seed, number])
    anatomy = draw_anatomy(mesh, rng)
    hands = pose_signer(mesh_handshapes(), anatomy, order.samples_per_letter, order.non_letters, rng)
    return Signer(anatomy, hands, rng.uniform(*np.log(CAMERA_DISTANCE)), left=bool(rng.random() < 0.5)), rng


def photographs(mesh: HandMesh, signer: Signer, rng: np.random.Generator) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield a photograph of each of a signer's hands, (288, 288, 3) uint8 RGB."""
    average = average_anatomy(mesh)
    look = draw_look(mesh, average, rng)
    for number in range(len(signer.hands.labels)):
        if rng.random() < OTHER_LOOK:
            look = draw_look(mesh, average, rng)
        distance = float(np.exp(signer.distance + 0.1 * rng.normal()))
        picture = photograph(mesh, signer.anatomy, signer.hands, number, look, distance, rng)
        yield np.ascontiguousarray(picture[:, ::-1]) if signer.left else picture


def render(order: Order, unfinished: Path, *, processes: int | None = None) -> Found:
    """Photograph all signers of an order and find their hands, showing a progress bar.

    Args:
        order: what to render.
        unfinished: folder that keeps the blocks that are done; the caller removes it when it has kept the result.
        processes: how many work; by default one for each usable core.

    Raises:
        InputError: there is no mesh.
        PipelineError: a process was killed.
    """
    read_mesh()
    unfinished.mkdir(parents=True, exist_ok=True)
    blocks = [range(start, min(start + BLOCK, order.signers)) for start in range(0, order.signers, BLOCK)]
    done = []
    try:
        with (
            process_executor(processes or usable_cores()) as executor,
            tqdm(total=order.signers, desc="render", unit="signer", mininterval=1.0) as bar,
        ):
            waiting: list[Future[Path]] = [executor.submit(render_block, order, block, unfinished) for block in blocks]
            for block, one in zip(blocks, waiting, strict=True):
                done.append(one.result())
                bar.update(len(block))
    except BrokenProcessPool:
        raise PipelineError(
            "A process that rendered hands was killed, perhaps for lack of memory. Close other programs and run the "
            "command again; it resumes where it stopped."
        ) from None
    found = [_read_block(path) for path in done]
    return Found(*(np.concatenate([getattr(one, field.name) for one in found]) for field in fields(Found)))


def render_block(order: Order, block: range, folder: Path) -> Path:
    """Photograph some signers and write what was found; a block that is there already is left as it is."""
    key = hashlib.blake2b(json.dumps(asdict(order)).encode() + code_hash(), digest_size=8).hexdigest()
    path = folder / f"{key}-{block.start:06d}-{block.stop:06d}.npz"
    if path.exists():
        return path
    found = [find_signer(order, number) for number in block]
    arrays = {field.name: np.concatenate([getattr(one, field.name) for one in found]) for field in fields(Found)}
    write_archive(path, arrays)
    return path


def find_signer(order: Order, number: int) -> Found:
    """Photograph one signer and find the hand in each photograph."""
    cv2.setNumThreads(1)  # every core has a process of its own
    mesh = read_mesh()
    signer, rng = draw_signer(mesh, order, number)
    count = len(signer.hands.labels)
    landmarks = np.full((count, 21, 3), np.nan, dtype=np.float16)
    for row, picture in enumerate(photographs(mesh, signer, rng)):
        if (hand := _landmarker().detect(picture)) is not None:
            landmarks[row] = compact(hand.landmarks)
    return Found(
        labels=signer.hands.labels,
        signers=np.full(count, number, dtype=np.int32),
        handedness=np.full(count, "L" if signer.left else "R"),
        rows=signer.hands.rows.astype(np.int16),
        landmarks=landmarks,
    )


def picture_signers(order: Order, numbers: range) -> Iterator[Photograph]:
    """Photograph some signers and yield the photographs themselves, in an order that does not sort the letters."""
    mesh = read_mesh()
    for number in numbers:
        signer, rng = draw_signer(mesh, order, number)
        for label, picture in zip(signer.hands.labels.tolist(), photographs(mesh, signer, rng), strict=True):
            yield Photograph(label, signer_name(order.seed, number), picture)


def compact(landmarks: npt.NDArray[np.float32]) -> npt.NDArray[np.float16]:
    """Centre a hand (21, 3) on 0, give it an extent of 1 and round it."""
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    extent = max(float((high - low)[:2].max()), 1e-6)
    return np.asarray(np.round((landmarks - (low + high) / 2) / extent * STEPS) / STEPS, dtype=np.float16)


@functools.cache
def code_hash() -> bytes:
    """Digest what determines the photographs, beside the order: the code and tables of this folder and the hand's."""
    folders = (Path(__file__).parent, Path(__file__).parents[1] / "hand")
    files = sorted(path for folder in folders for path in folder.iterdir() if path.suffix in (".py", ".txt"))
    return hashlib.blake2b(b"".join(path.read_bytes() for path in files), digest_size=16).digest()


@functools.cache
def _landmarker() -> HandLandmarker:
    return HandLandmarker("image")


def _read_block(path: Path) -> Found:
    with np.load(path) as arrays:
        return Found(*(arrays[field.name] for field in fields(Found)))
