"""Exported networks: loading them, predicting with them and timing them."""

from __future__ import annotations

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when ONNX Runtime is loaded

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from tqdm import tqdm

from client.mask import MASK_VERSION
from service.cores import usable_cores
from service.prototypes import PROTOTYPES, Prototypes
from stages.data.loader import draw_masks
from stages.data.people import read_people
from stages.errors import InputError, MaskVersionError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from stages.data.people import People

BATCH_SIZE: Final = 64
WARM_UP_RUNS: Final = 5
"""Predictions before the clock starts: the first ones allocate memory."""


@dataclass(frozen=True)
class Network:
    """An exported network and what its file says about it."""

    architecture: str
    classes: tuple[str, ...]
    """Labels in the order of the network's output."""
    data_hash: str
    """Hash of the processed data that the network was trained on."""
    temperature: float
    """What the network divides its logits by."""
    input_name: str
    """"masks", or "landmarks" for the reference."""
    session: onnxruntime.InferenceSession
    prototypes: Prototypes | None = None
    """What signers' own corrections are fitted with; None if an older file has none."""
    trained_on: People | None = None
    """Hashes of everybody in the data of its training, and of that of the weights it started from; None if an older or
    foreign file does not say."""


def load_network(path: Path, mask_version: str = MASK_VERSION) -> Network:
    """Load `model.onnx` for the CPU.

    Args:
        path: the file.
        mask_version: version of the masks, or trails, that this checkout draws for it.

    Raises:
        InputError: the file is missing or no exported network.
        MaskVersionError: it was trained on masks of another version.
    """
    if not path.is_file():
        raise InputError(f"{path} is missing. Train it first: dvc repro train.")
    try:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = usable_cores()
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        metadata = session.get_modelmeta().custom_metadata_map
        network = Network(
            architecture=metadata["architecture"],
            classes=_classes(metadata["classes"], session.get_outputs()[0].shape[-1]),
            data_hash=metadata["data_hash"],
            temperature=float(metadata["temperature"]),
            input_name=session.get_inputs()[0].name,
            session=session,
            prototypes=_prototypes(metadata, session),
            trained_on=read_people(metadata),
        )
        learned = metadata["mask_version"] if network.input_name == "masks" else mask_version
    except KeyError as error:
        raise InputError(f"{path}: the metadata has no {error}. Export it again: dvc repro train.") from None
    except Exception as error:  # ONNX Runtime's own exceptions share no base class
        raise InputError(f"{path} cannot be loaded ({error}). Export it again: dvc repro train.") from error
    if learned != mask_version:
        raise MaskVersionError(
            f"{path} was trained on masks '{learned}', but this checkout draws '{mask_version}'. "
            "Train it again: dvc repro train."
        )
    return network


def _classes(text: str, outputs: int) -> tuple[str, ...]:
    labels = json.loads(text)
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels) or len(labels) != outputs:
        raise ValueError(f"its metadata names no {outputs} classes")
    return tuple(labels)


def _prototypes(metadata: dict[str, str], session: onnxruntime.InferenceSession) -> Prototypes | None:
    if PROTOTYPES not in metadata:
        return None
    return Prototypes.unpack(metadata[PROTOTYPES], *(output.shape[-1] for output in session.get_outputs()))


def predict(
    network: Network, samples: npt.NDArray[Any], description: str, batch_size: int = BATCH_SIZE
) -> npt.NDArray[np.float32]:
    """Predict samples in batches; landmarks are drawn as masks for a network that takes masks.

    Args:
        network: an exported network.
        samples: (N, 21, 3) float32 landmarks in pixels, or (N, 224, 224, 3) uint8 RGB masks; a network that takes
            landmarks needs the former.
        description: written before the progress bar.
        batch_size: masks held and predicted at a time.

    Returns:
        (N, C) probabilities.
    """
    return predict_outputs(network, samples, description, ["probabilities"], batch_size)[0]


def predict_outputs(
    network: Network, samples: npt.NDArray[Any], description: str, outputs: list[str], batch_size: int = BATCH_SIZE
) -> list[npt.NDArray[np.float32]]:
    """Predict as `predict` does, and return several outputs of the network, an array (N, ...) for each."""
    widths = {output.name: output.shape[-1] for output in network.session.get_outputs()}
    batches = [[np.zeros((0, widths[name]), np.float32) for name in outputs]]
    with tqdm(total=len(samples), desc=description, unit="mask") as bar:
        for start in range(0, len(samples), batch_size):
            batch = samples[start : start + batch_size]
            inputs = draw_masks(batch) if network.input_name == "masks" else batch
            batches.append(network.session.run(outputs, {network.input_name: inputs}))
            bar.update(len(batch))
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]


def run(network: Network, inputs: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Predict one batch of N masks, or of N landmarks: probabilities (N, C)."""
    (probabilities,) = network.session.run(["probabilities"], {network.input_name: inputs})
    return np.asarray(probabilities, dtype=np.float32)


def measure_latency(network: Network, mask: npt.NDArray[np.uint8], runs: int) -> npt.NDArray[np.float64]:
    """Time predictions of one mask (224, 224, 3), one after the other; returns (runs,) milliseconds."""
    batch = mask[None]
    for _ in range(WARM_UP_RUNS):
        run(network, batch)
    milliseconds = np.empty(runs)
    for index in range(runs):
        start = time.perf_counter()
        run(network, batch)
        milliseconds[index] = (time.perf_counter() - start) * 1000.0
    return milliseconds
