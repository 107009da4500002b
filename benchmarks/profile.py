"""What a signer's profile costs: the time to make it, its size, and what it adds to a reply, all in one run.

`make bench-profile` enrols a synthetic signer, five samples of each letter.
"""

from __future__ import annotations

import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

import httpx
import numpy as np
from pydantic import BaseModel

from benchmarks.service import MODEL, serve
from client.profile.profile_file import Profile, write_profile
from client.profile.samples import Sample
from client.stream.png import encode_png
from service.cores import usable_cores
from service.correction import Samples
from service.enrolment import enrol
from service.profile import CorrectionMessage
from service.recogniser import Recogniser
from service.smoothing import NOTHING
from stages.errors import PipelineError, run_door
from stages.files import write_text
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import synthesize_hands

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

REPORT: Final = Path("reports/bench_profile.json")
PER_LETTER: Final = 5
FITS: Final = 5
TURNS: Final = 50
"""Pairs of turns, each with the network alone and with the correction."""
RUNS: Final = 20
"""Masks of a turn."""


class ProfileBench(BaseModel, frozen=True):
    """What `reports/bench_profile.json` holds; times are medians."""

    cores: int
    samples: int
    fit_ms: float
    """Fitting a correction to features that are there, with all fits on held-out samples."""
    request_ms: float
    """`POST /profile` on loopback, from the first byte to the last."""
    kib: float
    """The profile's file: samples and correction."""
    mask_ms: float
    """One mask by the network alone."""
    personal_ms: float
    """One mask with its features and the correction."""
    added_ms: float
    """Of the differences of neighbouring turns."""

    def __str__(self) -> str:
        """One line for reading."""
        return (
            f"{self.samples} samples, {self.cores} cores: fitted in {self.fit_ms:.0f} ms, POST /profile "
            f"{self.request_ms:.0f} ms, profile {self.kib:.1f} KiB; one mask {self.mask_ms:.2f} ms, with the "
            f"correction {self.personal_ms:.2f} ms, added {self.added_ms:.3f} ms"
        )


def main() -> None:
    """Print the figures and write `reports/bench_profile.json`."""
    parser = ArgumentParser(prog="python -m benchmarks.profile", description="What a profile costs.")
    parser.add_argument("--model", type=Path, default=MODEL, help="the model (default: the Bento's)")
    options = parser.parse_args()
    hands = synthesize_hands(read_handshapes(), signers=1, samples_per_letter=PER_LETTER, seed=9, non_letters=0)
    signer = [Sample.from_hand(letter, hand) for letter, hand in zip(hands.labels, hands.landmarks, strict=True)]
    report = measure(options.model, signer)
    write_text(REPORT, report.model_dump_json(indent=2) + "\n")
    sys.stdout.write(f"{report}\n")


def measure(path: Path, signer: list[Sample]) -> ProfileBench:
    """Make a signer's profile and use it.

    Raises:
        PipelineError: the model is of an older release.
    """
    model = Recogniser(path)
    if (prototypes := model.prototypes) is None:
        raise PipelineError(f"{path} is of a release without features. Make a new one: make repro")
    masks, nothing = [sample.mask() for sample in signer], model.classes.index(NOTHING)
    probabilities, features = zip(*(model.predict_with_features(mask[None]) for mask in masks), strict=True)
    labels = np.array([model.classes.index(sample.letter) for sample in signer])
    samples = Samples(np.concatenate(features), np.concatenate(probabilities), labels)
    correction = CorrectionMessage.pack(enrol(samples, prototypes, nothing).correction, model.version)
    alone, personal = _take_turns(model, correction, masks[:RUNS])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "signer.fingerspell"
        write_profile(file, Profile("signer", tuple(signer), correction.model_dump()))
        kib = file.stat().st_size / 1024
    return ProfileBench(
        cores=usable_cores(),
        samples=len(signer),
        fit_ms=median(_time(lambda: enrol(samples, prototypes, nothing)) for _ in range(FITS)),
        request_ms=_time_requests(path, signer, masks),
        kib=kib,
        mask_ms=median(alone),
        personal_ms=median(personal),
        added_ms=median(own - without for own, without in zip(personal, alone, strict=True)),
    )


def _take_turns(
    model: Recogniser, message: CorrectionMessage, masks: list[npt.NDArray[np.uint8]]
) -> tuple[list[float], list[float]]:
    """Time one mask by the network alone and with a correction, in turns; milliseconds."""
    correction = message.unpack(model)
    alone, personal = [], []
    for _ in range(TURNS):
        alone.append(_time(lambda: [model.predict(mask[None]) for mask in masks]) / len(masks))
        personal.append(
            _time(lambda: [correction.apply(*model.predict_with_features(mask[None])) for mask in masks]) / len(masks)
        )
    return alone, personal


def _time_requests(path: Path, signer: list[Sample], masks: list[npt.NDArray[np.uint8]]) -> float:
    """Time `POST /profile`, in milliseconds."""
    parts = [("m.png", encode_png(mask), "image/png") for mask in masks]
    files = [(sample.letter, part) for sample, part in zip(signer, parts, strict=True)]
    with serve(path.resolve()) as (host, _):
        address = f"http://{host}/profile"
        return median(
            _time(lambda: httpx.post(address, files=files, timeout=60).raise_for_status()) for _ in range(FITS)
        )


def _time(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return 1000.0 * (time.perf_counter() - begun)


if __name__ == "__main__":
    run_door(main)
