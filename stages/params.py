"""`params.yaml` as pydantic models: a stage's door reads it once, it is checked here, and passed on as values."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from client.mask import MASK_SIZE
from stages.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

Architecture = Literal["custom_cnn", "mobilenet_v2", "resnet18"]
ARCHITECTURES: Final[tuple[str, ...]] = get_args(Architecture)
REFERENCE: Final = "landmark_mlp"
"""Name of the network that sees the landmarks themselves, which is reported and not served."""
PARAMS_FILE: Final = Path("params.yaml")
PRETRAINED: Final = Path("pretrained")
"""Folder of weights that `init` may name; DVC trains again if it changes."""

Positive = Annotated[int, Field(gt=0)]
NotNegative = Annotated[int, Field(ge=0)]
BatchSize = Annotated[int, Field(gt=1)]
"""Batch normalisation needs two samples."""
Share = Annotated[float, Field(ge=0, le=1)]
Deviation = Annotated[float, Field(ge=0)]

# An integer may be given for a float; a boolean or a string may not be given for a number.
CONFIG: Final = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True)


class Synthesize(BaseModel, **CONFIG):
    """Parameters of the built-in data set of synthetic hands."""

    seed: NotNegative
    signers: Annotated[int, Field(ge=2)]
    """Hands, each with its own anatomy, habits and camera; at least two, so that one can be kept for validation."""
    samples_per_letter: Positive
    """Photographs of each letter by each signer."""
    non_letters: NotNegative
    """Photographs by each signer in which the hand shows no letter, labelled `nothing`."""


class Render(BaseModel, **CONFIG):
    """Parameters of the photographs that `make render` makes of a hand mesh."""

    seed: NotNegative
    signers: Positive
    """People, each with their own anatomy, habits and camera."""
    samples_per_letter: Positive
    """Photographs of each letter by each signer."""
    non_letters: NotNegative
    """Photographs by each signer in which the hand shows no letter, labelled `nothing`."""
    pictured: NotNegative
    """Further signers of whom the photographs themselves are kept, one of each letter and one of none."""


class Preprocess(BaseModel, **CONFIG):
    """Parameters of reading and splitting raw data."""

    raw: str
    """A raw `.npz` file, or a folder in which every `.npz` is read."""
    validation: Annotated[float, Field(gt=0, lt=1)]
    """Share of the named signers, and of the unnamed samples, kept for validation."""
    seed: NotNegative
    max_samples: Positive
    """Rows that a raw file may have; a file with more is refused before anything is decoded."""
    max_gib: Annotated[float, Field(gt=0)]
    """Uncompressed size that a raw file may have, in GiB."""


class Augment(BaseModel, **CONFIG):
    """How far a training sample may be changed before its mask is drawn."""

    mirror: Share
    """Probability of swapping left and right."""
    roll: Deviation
    """Rotation in the plane, standard deviation in degrees."""
    tilt: Deviation
    """Rotation out of the plane about each of the other two axes, standard deviation in degrees."""
    scale: Deviation
    """Change of the hand's size in the mask, standard deviation as a share of it."""
    shift: Deviation
    """Shift of the hand in the mask, standard deviation as a share of the mask's side."""
    stretch: Deviation
    """Change of the hand's width relative to its height, standard deviation of its logarithm."""
    jitter: Deviation
    """Independent noise of each landmark, standard deviation as a share of the hand's extent."""


class Phase(BaseModel, **CONFIG):
    """Epochs of training at one image size."""

    epochs: Positive
    image_size: Annotated[int, Field(ge=32)]
    """Side of the masks in pixels."""
    samples: Positive
    """Augmented samples in an epoch."""
    precision: Literal["bf16", "fp32"]
    """`bf16`, or `fp32` if bfloat16 is slower for this network; processors without bfloat16 units always use fp32."""

    def batches(self, batch_size: int) -> int:
        """Batches in an epoch; an incomplete last batch is left out."""
        return max(1, self.samples // batch_size)


class Train(BaseModel, **CONFIG):
    """Parameters of training that all networks share."""

    seed: NotNegative
    batch_size: BatchSize
    lr: Annotated[float, Field(gt=0)]
    """Peak learning rate of Adam; that of the matrices is a fixed multiple of it. Half a cosine brings both to 0."""
    warmup: Annotated[float, Field(ge=0, lt=1)]
    """Share of training, measured in pixels, in which the learning rate rises."""
    dropout: Annotated[float, Field(ge=0, lt=1)]
    patience: Positive
    """Epochs at the last image size without a better validation accuracy before training stops."""
    frozen_epochs: NotNegative
    """First epochs in which the early layers stay frozen, unless training starts from random weights."""
    fine_tuning: Annotated[float, Field(gt=0, le=1)]
    """Factor on the learning rate after those epochs."""


class Reference(BaseModel, **CONFIG):
    """Parameters of the network that sees the landmarks themselves, a yardstick for the networks that see masks."""

    seed: NotNegative
    width: Positive
    """Features of each hidden layer."""
    dropout: Annotated[float, Field(ge=0, lt=1)]
    steps: Annotated[int, Field(gt=1)]
    batch_size: BatchSize
    lr: Annotated[float, Field(gt=0)]
    """Peak learning rate of Adam."""


class Movements(BaseModel, **CONFIG):
    """Parameters of the hands that draw J and Z, or move in other ways."""

    seed: NotNegative
    train: Positive
    """Synthetic movements to learn from."""
    validation: Positive
    test: Positive
    raw: str
    """A file of takes of one's own, or a folder in which every `.npz` is read; it may be empty."""
    test_raw: str
    """The same of people that the trail network is not trained on."""


class Trail(BaseModel, **CONFIG):
    """Parameters of the training of the trail network, which predicts J, Z or neither."""

    seed: NotNegative
    architecture: Architecture
    init: str
    """`random`, or the name of a file in `pretrained/`."""
    image_size: Annotated[int, Field(ge=32)]
    """Side of the trails in pixels."""
    steps: Annotated[int, Field(gt=1)]
    batch_size: BatchSize
    lr: Annotated[float, Field(gt=0)]
    """Peak learning rate of AdamW."""
    dropout: Annotated[float, Field(ge=0, lt=1)]
    mirror: Share
    """Probability of swapping left and right."""
    roll: Deviation
    """Rotation in the plane, standard deviation in degrees."""
    stretch: Deviation
    """Change of width relative to height, standard deviation of its logarithm."""
    scale: Deviation
    """Change of the palm's length relative to the movement, standard deviation of its logarithm."""


class Range(BaseModel, **CONFIG):
    """Interval in which the search looks for a value."""

    low: float
    high: float
    log: bool
    """Whether to sample the logarithm uniformly instead of the value."""

    @model_validator(mode="after")
    def _has_values(self) -> Range:
        if self.low >= self.high:
            raise ValueError(f"low is {self.low}, but must be below high, {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"low is {self.low}, but must be above 0 if log is true")
        return self


def searchable() -> list[str]:
    """Name the parameters that a search may change, such as `train.lr`: floats, but no integers."""
    return [
        f"{section.__name__.lower()}.{name}"
        for section in (Train, Augment)
        for name, field in section.model_fields.items()
        if field.annotation is float
    ]


def _are_searchable(space: dict[str, Range]) -> dict[str, Range]:
    if unknown := [name for name in space if name not in searchable()]:
        raise ValueError(f"'{unknown[0]}' cannot be searched; choose from {', '.join(searchable())}")
    return space


class Tune(BaseModel, **CONFIG):
    """Parameters of the search for better parameters."""

    storage: str
    """SQLAlchemy URL of the database that holds the study."""
    architecture: Architecture
    trials: Positive
    """Finished trials of the whole study, all workers together."""
    samples: Positive
    """Augmented samples that one trial trains on."""
    startup: Positive
    """First trials, drawn at random and never pruned."""
    heartbeat: Positive
    """Seconds between the heartbeats of a running trial."""
    space: Annotated[dict[str, Range], Field(min_length=1), AfterValidator(_are_searchable)]
    """Ranges by dotted name, such as `train.lr`; `searchable` lists the names."""


class Test(BaseModel, **CONFIG):
    """Parameters of the test on signers that no network was trained on."""

    seed: NotNegative
    """Seed of the synthetic signers that are the test set if there is no other; none that networks learn from."""
    signers: Positive
    """How many of them."""
    samples_per_letter: Positive
    non_letters: Positive
    """Hands of each synthetic signer that show no letter; they are part of every test."""
    threshold: Share
    """Lowest probability of a prediction that counts in use: the service's threshold."""
    calibration_bins: Positive
    mistakes: Positive
    """Worst mistakes drawn."""


class Evaluate(BaseModel, **CONFIG):
    """Parameters of the report on a trained network."""

    latency_runs: Positive
    """Timed predictions of one mask, for the median and the 95th percentile."""
    mistakes: Positive
    """Worst mistakes drawn."""


class Register(BaseModel, **CONFIG):
    """Parameters of the registry."""

    experiment: str
    """Name of the MLflow experiment of the runs."""
    model: str
    """Name of the registered model whose versions and alias `champion` are kept."""
    trail_model: str
    """The same of the trail network's registered model."""


class Promote(BaseModel, **CONFIG):
    """What the gate demands of a network that is to get the alias `champion`."""

    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    """Confidence of the intervals that the differences from the champion must lie above 0 with."""
    letter_fall: Share
    """Largest drop of a letter's accuracy on unseen signers, as a share of its photographs."""
    latency_ms: Annotated[float, Field(gt=0)]
    """Longest time for one mask on this machine's CPU, the fastest of `evaluate.latency_runs`, in milliseconds."""
    ece: Share
    """Largest expected calibration error on unseen signers."""


class Vocabulary(BaseModel, **CONFIG):
    """The words that the service knows."""

    language: str
    """ISO 639 code of a language that wordfreq knows."""
    words: Positive
    """The most frequent ones."""


def _end_at_mask_size(phases: list[Phase]) -> list[Phase]:
    if (size := phases[-1].image_size) != MASK_SIZE:
        raise ValueError(f"the last image_size is {size}, but must be {MASK_SIZE}, the size in use")
    return phases


_SCHEDULE: Final = TypeAdapter(Annotated[list[Phase], Field(min_length=1), AfterValidator(_end_at_mask_size)])
Section = TypeVar("Section", bound=BaseModel)


def read_params(section: type[Section], path: Path = PARAMS_FILE) -> Section:
    """Read one section of `params.yaml`, named like its class in lower case.

    Raises:
        InputError: the file or section is missing, or a field is missing, unknown, of the wrong type or out of range.
    """
    name = section.__name__.lower()
    with _one_sentence(path, name):
        return section.model_validate(read_values(path, name))


def read_schedule(architecture: str, path: Path = PARAMS_FILE) -> list[Phase]:
    """Read the phases in which a network is trained; the last one has the image size that it is served with."""
    with _one_sentence(path, f"schedule.{architecture}"):
        return _SCHEDULE.validate_python(read_values(path, "schedule", architecture))


def read_init(architecture: str, path: Path = PARAMS_FILE) -> str:
    """Read what a network's training starts from: `random`, `imagenet` or the name of a file in `pretrained/`."""
    init = read_values(path, "init", architecture)
    if not isinstance(init, str) or init != Path(init).name or init in ("", ".."):
        raise InputError(
            f"{path}: init.{architecture} is {init!r}, but must be 'random', 'imagenet' or the name of a file in "
            "pretrained/. Fix it and run again."
        )
    return init


def changed(params: Section, **values: object) -> Section:
    """Copy parameters with some values replaced; the new values are checked like those in the file.

    Raises:
        InputError: a value is of the wrong type or out of range.
    """
    with _one_sentence(PARAMS_FILE, type(params).__name__.lower()):
        return type(params).model_validate(params.model_dump() | values)


def read_values(path: Path, *names: str) -> object:
    """Read what the file holds under some nested keys.

    Raises:
        InputError: the file or a key is missing, or the file is not YAML.
    """
    try:
        value = YAML(typ="safe").load(path)
    except FileNotFoundError:
        raise InputError(f"{path} is missing. Run this from the root of the checkout.") from None
    except YAMLError as error:
        raise InputError(f"{path} is not valid YAML ({' '.join(str(error).split())}). Fix it and run again.") from None
    for depth, name in enumerate(names, start=1):
        if not isinstance(value, dict) or name not in value:
            raise InputError(f"{path}: {'.'.join(names[:depth])} is missing. Compare the file with git's version.")
        value = value[name]
    return value


@contextmanager
def _one_sentence(path: Path, name: str) -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        problems = "; ".join(_problem(name, details) for details in error.errors(include_url=False))
        raise InputError(f"{path}: {problems}. Fix it and run again.") from None


def _problem(name: str, details: ErrorDetails) -> str:
    """Say what is wrong with one field, in pydantic's words if they fit into a sentence about YAML."""
    name += "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in details["loc"])
    match details["type"]:
        case "missing":
            return f"{name} is missing"
        case "extra_forbidden":
            return f"{name} is not a parameter"
        case "value_error":
            return f"{name}: {details['msg'].removeprefix('Value error, ')}"
    rule = re.sub(r"^(Input|List|Dictionary) should", "must", details["msg"])
    for theirs, ours in _WORDS.items():
        rule = re.sub(theirs, ours, rule)
    return f"{name} is {details['input']!r}, but {rule}"


_WORDS: Final = {
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "greater than": "above",
    "less than": "below",
    r"a valid dictionary( or instance of \w+)?": "a mapping",
    " after validation.*": "",
}
