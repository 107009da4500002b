"""`params.yaml` as dataclasses: read once by a stage's door, checked here, passed on as plain values."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, TypeVar, get_type_hints

import yaml

from client.mask import MASK_SIZE
from stages.errors import PipelineError

ARCHITECTURES: Final = ("custom_cnn", "mobilenet_v2", "resnet18")
PARAMS_FILE: Final = Path("params.yaml")
SERVED_SIZE: Final = MASK_SIZE
"""Side in pixels of the masks that every network ends its training with and is served with."""


@dataclass(frozen=True)
class Synthesize:
    """Parameters of the embedded data set of synthetic hands."""

    seed: int
    signers: int
    """Hands with anatomy, habits and a camera of their own."""
    samples_per_letter: int
    """Photographs of each letter by each signer."""
    non_letters: int
    """Photographs by each signer in which the hand shows no letter, labelled `nothing`."""

    def __post_init__(self) -> None:
        _check(self.seed >= 0, "synthesize.seed", self.seed, "0 or more")
        _check(self.signers >= 2, "synthesize.signers", self.signers, "at least 2, so that one can validate")
        _check(self.samples_per_letter >= 1, "synthesize.samples_per_letter", self.samples_per_letter, "at least 1")
        _check(self.non_letters >= 0, "synthesize.non_letters", self.non_letters, "0 or more")


@dataclass(frozen=True)
class Preprocess:
    """Parameters of reading and splitting raw data."""

    raw: str
    """A raw `.npz` file, or a folder in which every `.npz` is read."""
    validation: float
    """Share of the signers (of the samples, where signers are unknown) kept for validation."""
    seed: int
    max_samples: int
    """Rows that a raw file may have; more is refused before anything is decoded."""
    max_gib: float
    """Uncompressed size that a raw file may have, in GiB."""

    def __post_init__(self) -> None:
        _check(self.seed >= 0, "preprocess.seed", self.seed, "0 or more")
        _check(0.0 < self.validation < 1.0, "preprocess.validation", self.validation, "between 0 and 1")
        _check(self.max_samples > 0, "preprocess.max_samples", self.max_samples, "above 0")
        _check(self.max_gib > 0, "preprocess.max_gib", self.max_gib, "above 0")


@dataclass(frozen=True)
class Augment:
    """How far a training sample may be changed before its mask is drawn."""

    mirror: float
    """Probability of mirroring left and right."""
    roll: float
    """Rotation in the plane, standard deviation in degrees."""
    tilt: float
    """Rotation out of the plane about each of the other two axes, standard deviation in degrees."""
    scale: float
    """Change of the hand's size in the mask, standard deviation as a share of it."""
    shift: float
    """Shift of the hand in the mask, standard deviation as a share of the mask's side."""
    stretch: float
    """Change of the hand's width against its height, standard deviation of its logarithm."""
    jitter: float
    """Independent error of each landmark, standard deviation as a share of the hand's extent."""

    def __post_init__(self) -> None:
        _check(0.0 <= self.mirror <= 1.0, "augment.mirror", self.mirror, "a probability, 0 to 1")
        for name in ("roll", "tilt", "scale", "shift", "stretch", "jitter"):
            _check(getattr(self, name) >= 0.0, f"augment.{name}", getattr(self, name), "0 or more")


@dataclass(frozen=True)
class Phase:
    """Epochs of training at one size of the masks."""

    epochs: int
    image_size: int
    """Side of the masks in pixels."""
    views: int
    """Augmented samples seen in an epoch."""
    precision: str
    """`bf16`, or `fp32` where the processor is slower with bfloat16; without bfloat16 units fp32 is taken."""

    def batches(self, batch_size: int) -> int:
        """Batches in an epoch; a last smaller one is left out."""
        return max(1, self.views // batch_size)

    def __post_init__(self) -> None:
        _check(self.epochs > 0, "schedule: epochs", self.epochs, "above 0")
        _check(self.image_size >= 32, "schedule: image_size", self.image_size, "at least 32 pixels")
        _check(self.views > 0, "schedule: views", self.views, "above 0")
        _check(self.precision in ("bf16", "fp32"), "schedule: precision", self.precision, "bf16 or fp32")


@dataclass(frozen=True)
class Train:
    """Parameters of training that all networks share."""

    seed: int
    batch_size: int
    lr: float
    """Highest learning rate of Adam, to which the matrices' is in a fixed ratio; half a cosine brings it to 0."""
    warmup: float
    """Share of training, by pixels seen, in which the learning rate rises."""
    dropout: float
    patience: int
    """Epochs at the last image size without a better validation accuracy before training stops."""
    frozen_epochs: int
    """First epochs in which the early layers stay as they are, where training does not start from random weights."""
    fine_tuning: float
    """Share of the learning rate after those epochs."""

    def __post_init__(self) -> None:
        _check(self.frozen_epochs >= 0, "train.frozen_epochs", self.frozen_epochs, "0 or more")
        _check(0 < self.fine_tuning <= 1, "train.fine_tuning", self.fine_tuning, "above 0, at most 1")
        _check(self.seed >= 0, "train.seed", self.seed, "0 or more")
        _check(self.batch_size > 1, "train.batch_size", self.batch_size, "above 1: batch norm needs two samples")
        _check(self.lr > 0, "train.lr", self.lr, "above 0")
        _check(0 <= self.warmup < 1, "train.warmup", self.warmup, "from 0 to below 1")
        _check(0 <= self.dropout < 1, "train.dropout", self.dropout, "from 0 to below 1")
        _check(self.patience > 0, "train.patience", self.patience, "above 0")


@dataclass(frozen=True)
class Reference:
    """Parameters of the network on the landmarks themselves, which the networks on masks are measured by."""

    seed: int
    width: int
    """Features of each hidden layer."""
    dropout: float
    steps: int
    batch_size: int
    lr: float
    """Highest learning rate of Adam."""

    def __post_init__(self) -> None:
        _check(self.seed >= 0, "reference.seed", self.seed, "0 or more")
        _check(self.width > 0, "reference.width", self.width, "above 0")
        _check(0 <= self.dropout < 1, "reference.dropout", self.dropout, "from 0 to below 1")
        _check(self.steps > 1, "reference.steps", self.steps, "above 1")
        _check(self.batch_size > 1, "reference.batch_size", self.batch_size, "above 1: batch norm needs two samples")
        _check(self.lr > 0, "reference.lr", self.lr, "above 0")


@dataclass(frozen=True)
class Range:
    """Where the search looks for a value."""

    low: float
    high: float
    log: bool
    """Whether equal ratios are equally likely, and not equal differences."""

    def __post_init__(self) -> None:
        _check(self.low < self.high, "tune.space: low", self.low, f"below high, {self.high}")
        _check(self.low > 0 or not self.log, "tune.space: low", self.low, "above 0 where log is true")


@dataclass(frozen=True)
class Tune:
    """Parameters of the search for better parameters."""

    storage: str
    """SQLAlchemy URL of the database that the study is kept in."""
    architecture: str
    trials: int
    """Trials of the whole study that came to an end, all workers together."""
    views: int
    """Augmented samples that one trial sees."""
    startup: int
    """First trials, drawn at random and not ended early."""
    heartbeat: int
    """Seconds between a running trial's signs of life."""
    space: dict[str, Range]
    """Ranges by dotted name, such as `train.lr`; `searchable` has all that there are."""

    def __post_init__(self) -> None:
        _check(self.architecture in ARCHITECTURES, "tune.architecture", self.architecture, f"one of {ARCHITECTURES}")
        _check(self.trials > 0, "tune.trials", self.trials, "above 0")
        _check(self.views > 0, "tune.views", self.views, "above 0")
        _check(self.startup > 0, "tune.startup", self.startup, "above 0")
        _check(self.heartbeat > 0, "tune.heartbeat", self.heartbeat, "above 0")
        _check(len(self.space) > 0, "tune.space", self.space, "one range or more")
        for name in self.space:
            _check(name in searchable(), "tune.space", name, f"one of {', '.join(searchable())}")


@dataclass(frozen=True)
class Test:
    """Parameters of the exam on signers that no network was trained on."""

    seed: int
    """Of the synthetic signers that are examined where there are no others; not `synthesize.seed`."""
    signers: int
    """How many of them."""
    samples_per_letter: int
    non_letters: int
    """Hands of each synthetic signer that show no letter, which every exam asks about too."""
    threshold: float
    """Least probability of a reading that counts in use: the service's threshold."""
    calibration_bins: int
    mistakes: int
    """Worst mistakes drawn."""

    def __post_init__(self) -> None:
        _check(self.seed >= 0, "test.seed", self.seed, "0 or more")
        _check(self.signers >= 1, "test.signers", self.signers, "at least 1")
        _check(self.samples_per_letter >= 1, "test.samples_per_letter", self.samples_per_letter, "at least 1")
        _check(self.non_letters >= 1, "test.non_letters", self.non_letters, "at least 1")
        _check(0.0 <= self.threshold <= 1.0, "test.threshold", self.threshold, "a probability, 0 to 1")
        _check(self.calibration_bins > 0, "test.calibration_bins", self.calibration_bins, "above 0")
        _check(self.mistakes > 0, "test.mistakes", self.mistakes, "above 0")


@dataclass(frozen=True)
class Evaluate:
    """Parameters of the report on a trained network."""

    calibration_bins: int
    latency_runs: int
    """Timed predictions of one mask, for the median and the 95th percentile."""
    mistakes: int
    """Worst mistakes drawn."""

    def __post_init__(self) -> None:
        _check(self.calibration_bins > 0, "evaluate.calibration_bins", self.calibration_bins, "above 0")
        _check(self.latency_runs > 0, "evaluate.latency_runs", self.latency_runs, "above 0")
        _check(self.mistakes > 0, "evaluate.mistakes", self.mistakes, "above 0")


@dataclass(frozen=True)
class Register:
    """Parameters of the registry."""

    experiment: str
    """Name of the MLflow experiment that the runs stand in."""
    model: str
    """Name of the registered model whose versions and alias `champion` are kept."""


@dataclass(frozen=True)
class Promote:
    """Budgets of the gate that a network passes on its way to the alias `champion`."""

    letter_fall: float
    """Largest fall of a letter's accuracy on strangers, as a share of its photographs."""
    latency_ms: float
    """Longest time for one mask on this machine's CPU, the fastest of `evaluate.latency_runs`, in milliseconds."""
    ece: float
    """Largest expected calibration error, on strangers and in validation."""

    def __post_init__(self) -> None:
        _check(0.0 <= self.letter_fall <= 1.0, "promote.letter_fall", self.letter_fall, "a share, 0 to 1")
        _check(self.latency_ms > 0, "promote.latency_ms", self.latency_ms, "above 0")
        _check(0.0 <= self.ece <= 1.0, "promote.ece", self.ece, "a share, 0 to 1")


Section = TypeVar("Section")


def read_params(section: type[Section], path: Path = PARAMS_FILE) -> Section:
    """Read one section of `params.yaml`, named as its dataclass in lower case.

    Raises:
        PipelineError: the file or section is missing, a field is missing, unknown, of another type or out of range.
    """
    name = section.__name__.lower()
    return build(section, _load(path, name), f"{path}: {name}")


def _load(path: Path, name: str) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text())[name]
    except FileNotFoundError:
        raise PipelineError(f"{path} is missing. Run this from the root of the checkout.") from None
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise PipelineError(
            f"{path}: section '{name}' cannot be read ({error}). Compare it with git's version."
        ) from None
    if not isinstance(values, dict):
        raise PipelineError(f"{path}: section '{name}' is {values!r}, not a mapping. Compare it with git's version.")
    return values


def read_schedule(architecture: str, path: Path = PARAMS_FILE) -> list[Phase]:
    """Read the phases in which one network is trained, the last one at the size that it is served with."""
    phases = _load(path, "schedule").get(architecture)
    if not isinstance(phases, list) or not phases:
        raise PipelineError(f"{path}: schedule.{architecture} is no list of phases. Compare it with git's version.")
    schedule = [
        build(Phase, phase, f"{path}: schedule.{architecture}[{number}]") for number, phase in enumerate(phases)
    ]
    _check(
        schedule[-1].image_size == SERVED_SIZE,
        f"schedule.{architecture}: the last image_size",
        schedule[-1].image_size,
        f"{SERVED_SIZE}, the size in use",
    )
    return schedule


def read_init(architecture: str, path: Path = PARAMS_FILE) -> str:
    """Read what a network's training starts from: `random`, `imagenet` or the name of a file in `pretrained/`."""
    init = _load(path, "init").get(architecture)
    _check(
        isinstance(init, str) and init == Path(init).name not in ("", ".."),
        f"init.{architecture}",
        init,
        "'random', 'imagenet' or the name of a file in pretrained/",
    )
    return str(init)


def read_tune(path: Path = PARAMS_FILE) -> Tune:
    """Read the section `tune` with its ranges."""
    values = _load(path, "tune")
    space = values.get("space")
    if isinstance(space, dict):
        ranges = {name: build(Range, ends, f"{path}: tune.space.{name}") for name, ends in space.items()}
        return build(Tune, values | {"space": ranges}, f"{path}: tune")
    raise PipelineError(f"{path}: tune.space is {space!r}, not a mapping of ranges. Compare it with git's version.")


def searchable() -> list[str]:
    """Name the numbers that a search may change, such as `train.lr`; whole numbers are none of them."""
    return [
        f"{section.__name__.lower()}.{name}"
        for section in (Train, Augment)
        for name, kind in get_type_hints(section).items()
        if kind is float
    ]


def build(section: type[Section], values: object, where: str) -> Section:
    """Make a dataclass of a mapping, refusing fields that are missing, unknown or of another type."""
    hints = get_type_hints(section)
    expected = [field.name for field in fields(section)]  # type: ignore[arg-type]
    if not isinstance(values, dict) or set(values) != set(expected):
        given = sorted(values) if isinstance(values, dict) else values
        raise PipelineError(
            f"{where}: the fields must be {sorted(expected)}, not {given}. Mend the file and run again."
        )
    return section(**{key: _typed(values[key], hints[key], f"{where}.{key}") for key in expected})


def _typed(value: Any, kind: Any, where: str) -> Any:  # noqa: ANN401 - a YAML value has any type
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind in (int, float, str, bool) and type(value) is not kind:
        raise PipelineError(f"{where} is {value!r}, but must be of type {kind.__name__}. Mend it and run again.")
    return value


def _check(holds: bool, where: str, value: object, rule: str) -> None:
    if not holds:
        raise PipelineError(f"{PARAMS_FILE}: {where} is {value}, but must be {rule}. Mend it and run again.")
