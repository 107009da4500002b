"""Files of weights, and the weights that training starts from: random, ImageNet's, or those of an earlier training."""

from __future__ import annotations

import json
import struct
import sys
from typing import TYPE_CHECKING, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn
from torchvision.models import MobileNet_V2_Weights, ResNet18_Weights  # type: ignore[import-untyped]

from stages.data.people import TRAINED_ON, pack_people, people_in, people_of_weights
from stages.errors import InputError, PipelineError
from stages.files import atomic_write, content_hash
from stages.models.build import build_network, output_layers
from stages.params import PRETRAINED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torchvision.models import WeightsEnum

    from stages.data.people import People
    from stages.data.processed import Processed
    from stages.models.build import Network

RANDOM: Final = "random"
IMAGENET: Final = "imagenet"
IMAGENET_WEIGHTS: Final[dict[str, WeightsEnum]] = {
    "mobilenet_v2": MobileNet_V2_Weights.IMAGENET1K_V1,
    "resnet18": ResNet18_Weights.IMAGENET1K_V1,
}


def start_network(
    architecture: str, init: str, classes: Sequence[str], dropout: float
) -> tuple[Network, list[nn.Module]]:
    """Build a network with the weights that `init` names.

    Returns:
        The network, and the early layers that training freezes at first: none if all weights are random.

    Raises:
        InputError: see `load_initial`.
    """
    network = build_network(architecture, len(classes), dropout)
    load_initial(network, architecture, init, classes)
    return network, [] if init == RANDOM else network.early_layers()


def load_initial(network: nn.Module, architecture: str, init: str, classes: Sequence[str]) -> None:
    """Load the weights that `init` names into a network (transfer learning, seed text, section 4.4.7).

    Args:
        network: changed in place. With `imagenet`, channel attention stays random.
        architecture: its name.
        init: `random`, `imagenet`, or the name of a safetensors file in `pretrained/`.
        classes: labels in the order of the logits. If those of the file differ, the last layers keep the rows of the
            labels that both have; the other rows stay random.

    Raises:
        InputError: the weights are missing, damaged or of another architecture.
        PipelineError: they cannot be downloaded.
    """
    if init == IMAGENET:
        _load_imagenet(network, architecture)
    elif init != RANDOM:
        _load(network, PRETRAINED / init, classes)


def weights_hash(init: str) -> str:
    """Identify the weights that `init` names: SHA-256 of the file, or `init` itself if it names none."""
    path = PRETRAINED / init
    return content_hash(path) if path.is_file() else init


def people_trained_on(init: str, data: Processed) -> People | None:
    """Hash everybody on whom a network is trained: those of the data, and those of the weights that it starts from.

    Returns:
        Hashes, or None, with a warning, if the file that `init` names does not say.

    Raises:
        InputError: the file is missing or damaged.
    """
    before = frozenset() if init in (RANDOM, IMAGENET) else people_of_weights(PRETRAINED / init)
    if before is None:
        sys.stderr.write(
            f"warning: {PRETRAINED / init} does not say on whom it was trained, so the new network will not say it "
            "either, and may be evaluated on the same people.\n"
        )
        return None
    return before | people_in(data)


def save_weights(
    weights: Mapping[str, torch.Tensor], path: Path, classes: Sequence[str], trained_on: People | None = None
) -> None:
    """Write a network's weights as safetensors; the same arguments give the same bytes.

    Args:
        weights: tensors by name.
        path: the file.
        classes: labels of the last layer.
        trained_on: hashes of everybody that they were trained on; None if it is not known.
    """
    tensors = {name: tensor.contiguous() for name, tensor in weights.items()}
    metadata = {"classes": json.dumps(list(classes))}
    if trained_on is not None:
        metadata[TRAINED_ON] = pack_people(trained_on)
    with atomic_write(path) as partial:
        partial.write_bytes(with_metadata(save(tensors), metadata))


def with_metadata(content: bytes, metadata: Mapping[str, str]) -> bytes:
    """Put metadata into a safetensors file, sorted: the library writes several entries in an order of chance."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    text = json.dumps({"__metadata__": dict(sorted(metadata.items()))} | header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + content[8 + length :]


def halve(source: Path, destination: Path) -> None:
    """Rewrite a file of weights in float16, half the size.

    Raises:
        InputError: the file is missing or damaged.
    """
    weights, classes = _read(source)
    halved = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in weights.items()}
    save_weights(halved, destination, classes, people_of_weights(source))


def _load_imagenet(network: nn.Module, architecture: str) -> None:
    if architecture not in IMAGENET_WEIGHTS:
        raise InputError(
            f"params.yaml: init.{architecture} is 'imagenet', but torchvision has no weights for it. "
            f"Choose 'random' or a file in {PRETRAINED}/."
        )
    try:
        # Kept in torch's cache; torchvision compares the download with the hash in its name.
        weights = IMAGENET_WEIGHTS[architecture].get_state_dict(progress=True, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise PipelineError(
            f"The ImageNet weights of {architecture} cannot be downloaded ({error}). Check the network and run again, "
            f"or choose 'random' or a file in {PRETRAINED}/ as init.{architecture} in params.yaml."
        ) from None
    own = network.state_dict()
    backbone = {name: tensor for name, tensor in weights.items() if name in own and not name.startswith("classifier")}
    network.load_state_dict(own | backbone)


def _read(path: Path) -> tuple[dict[str, torch.Tensor], list[str]]:
    """Read a file's tensors as float32, and the labels of its last layer if it names them."""
    if not path.is_file():
        raise InputError(
            f"{path} is missing. Put it there, or choose other weights to start from, such as 'random', as init in "
            "params.yaml."
        )
    try:
        with safe_open(path, "pt") as file:
            known = json.loads((file.metadata() or {}).get("classes", "[]"))
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path} is not a complete safetensors file ({error}). Copy it again.") from None
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in weights.items()}, known


def _load(network: nn.Module, path: Path, classes: Sequence[str]) -> None:
    weights, known = _read(path)
    own = network.state_dict()
    heads = [f"{name}.{part}" for name in output_layers(network) for part in ("weight", "bias")]

    def fits(name: str) -> bool:
        kept, first = weights.get(name), 1 if name in heads else 0
        return kept is not None and kept.shape[first:] == own[name].shape[first:]

    if strange := sorted({name for name in own if not fits(name)} | set(weights) - set(own)):
        raise InputError(
            f"{path} holds weights of another architecture: '{strange[0]}' does not fit. Name a file of this one as "
            "init in params.yaml."
        )
    if any(len(weights[name]) != len(known) for name in heads):
        known = []
    for name in heads:
        trained, weights[name] = weights[name], own[name].clone()
        for row, label in enumerate(classes):
            if label in known:
                weights[name][row] = trained[known.index(label)]
    network.load_state_dict(weights)
