"""Parameters: errors name the parameter and its rule; the shipped file is valid."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from client.mask import MASK_SIZE
from service.smoothing import SmoothingParameters
from stages.errors import InputError
from stages.params import (
    ARCHITECTURES,
    Augment,
    Evaluate,
    Preprocess,
    Promote,
    Reference,
    Register,
    Synthesize,
    Test,
    Train,
    Tune,
    changed,
    read_init,
    read_params,
    read_schedule,
)

SHIPPED = Path(__file__).resolve().parents[2] / "params.yaml"
SECTIONS = (Synthesize, Preprocess, Augment, Train, Reference, Evaluate, Register, Promote, Test)


@pytest.fixture
def params(tmp_path):
    """Write the shipped parameters with some of them changed; `...` removes one."""

    def write(section=None, **changes):
        values = YAML(typ="safe").load(SHIPPED)
        for name, value in changes.items():
            if value is ...:
                del values[section][name]
            else:
                values[section][name] = value
        path = tmp_path / "params.yaml"
        YAML(typ="safe").dump(values, path)
        return path

    return write


def phases(*sizes, **changes):
    return [{"epochs": 1, "image_size": size, "samples": 10, "precision": "fp32"} | changes for size in sizes]


@pytest.mark.parametrize("section", SECTIONS)
def test_the_shipped_sections_are_read(section):
    assert isinstance(read_params(section, SHIPPED), section)


def test_the_test_set_has_another_seed_and_the_threshold_in_use():
    test = read_params(Test, SHIPPED)
    assert test.threshold == SmoothingParameters().threshold
    assert test.seed != read_params(Synthesize, SHIPPED).seed


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_shipped_schedules_have_ten_epochs_and_end_at_the_size_in_use(architecture):
    schedule = read_schedule(architecture, SHIPPED)
    assert sum(phase.epochs for phase in schedule) == 10
    assert schedule[-1].image_size == MASK_SIZE == 224


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_shipped_weights_to_start_from_are_there(architecture):
    init = read_init(architecture, SHIPPED)
    assert init in ("random", "imagenet") or (SHIPPED.parent / "pretrained" / init).is_file()


@pytest.mark.parametrize("init", [3, "", "..", "models/other.safetensors", None])
def test_weights_to_start_from_are_named_by_a_word_or_a_file_name(params, init):
    with pytest.raises(InputError, match=r"init\.resnet18 is .*, but must be 'random', 'imagenet' or the name of"):
        read_init("resnet18", params("init", resnet18=init))


def test_values_are_passed_on(params):
    train = read_params(Train, params("train", lr=1, batch_size=7))
    assert (train.lr, type(train.lr), train.batch_size) == (1.0, float, 7)
    schedule = read_schedule("resnet18", params("schedule", resnet18=phases(64, 224)))
    assert [(phase.image_size, phase.samples, phase.precision) for phase in schedule] == [
        (64, 10, "fp32"),
        (224, 10, "fp32"),
    ]


@pytest.mark.parametrize(("samples", "batches"), [(99, 3), (75, 3), (24, 1), (100, 4)])
def test_batches_of_an_epoch(params, samples, batches):
    (phase,) = read_schedule("resnet18", params("schedule", resnet18=phases(224, samples=samples)))
    assert phase.batches(25) == batches


@pytest.mark.parametrize(
    ("section", "changes", "message"),
    [
        (Train, {"lr": ...}, r"params\.yaml: train\.lr is missing\. Fix it and run again\.$"),
        (Train, {"speed": 1}, r"params\.yaml: train\.speed is not a parameter\. Fix it and run again\.$"),
        (Train, {"seed": "one"}, r"train\.seed is 'one', but must be a valid integer"),
        (Train, {"seed": 1.5}, r"train\.seed is 1\.5, but must be a valid integer"),
        (Train, {"seed": True}, r"train\.seed is True, but must be a valid integer"),
        (Train, {"lr": True}, r"train\.lr is True, but must be a valid number"),
        (Train, {"lr": None}, r"train\.lr is None, but must be a valid number"),
        (Train, {"lr": "1e-3"}, r"train\.lr is '1e-3', but must be a valid number"),
        (Train, {"lr": 0.0}, r"train\.lr is 0\.0, but must be above 0"),
        (Train, {"lr": float("nan")}, r"train\.lr is nan, but must be a finite number"),
        (Train, {"batch_size": 1}, r"train\.batch_size is 1, but must be above 1"),
        (Train, {"warmup": 1.0}, r"train\.warmup is 1\.0, but must be below 1"),
        (Train, {"dropout": -0.1}, r"train\.dropout is -0\.1, but must be at least 0"),
        (Train, {"patience": 0}, r"train\.patience is 0"),
        (Train, {"seed": -1}, r"train\.seed is -1"),
        (Synthesize, {"signers": 1}, r"synthesize\.signers is 1, but must be at least 2"),
        (Synthesize, {"samples_per_letter": 0}, r"synthesize\.samples_per_letter is 0"),
        (Synthesize, {"seed": -1}, r"synthesize\.seed is -1"),
        (Preprocess, {"raw": 3}, r"preprocess\.raw is 3, but must be a valid string"),
        (Preprocess, {"validation": 1.0}, r"preprocess\.validation is 1\.0, but must be below 1"),
        (Preprocess, {"validation": 0}, r"preprocess\.validation is 0, but must be above 0"),
        (Preprocess, {"max_samples": 0}, r"preprocess\.max_samples is 0"),
        (Preprocess, {"max_gib": -1}, r"preprocess\.max_gib is -1"),
        (Preprocess, {"seed": -1}, r"preprocess\.seed is -1"),
        (Evaluate, {"latency_runs": 0}, r"evaluate\.latency_runs is 0"),
        (Promote, {"letter_fall": 1.1}, r"promote\.letter_fall is 1\.1, but must be at most 1"),
        (Promote, {"latency_ms": 0.0}, r"promote\.latency_ms is 0\.0, but must be above 0"),
        (Promote, {"ece": -0.1}, r"promote\.ece is -0\.1"),
        (Evaluate, {"mistakes": 0}, r"evaluate\.mistakes is 0"),
        (Reference, {"seed": -1}, r"reference\.seed is -1"),
        (Reference, {"width": 0}, r"reference\.width is 0"),
        (Reference, {"dropout": 1}, r"reference\.dropout is 1, but must be below 1"),
        (Reference, {"steps": 1}, r"reference\.steps is 1"),
        (Reference, {"batch_size": 1}, r"reference\.batch_size is 1"),
        (Reference, {"lr": 0}, r"reference\.lr is 0, but must be above 0"),
        (Test, {"seed": -1}, r"test\.seed is -1"),
        (Test, {"signers": 0}, r"test\.signers is 0"),
        (Test, {"samples_per_letter": 0}, r"test\.samples_per_letter is 0"),
        (Test, {"threshold": 1.5}, r"test\.threshold is 1\.5, but must be at most 1"),
        (Test, {"calibration_bins": 0}, r"test\.calibration_bins is 0"),
        (Test, {"mistakes": 0}, r"test\.mistakes is 0"),
        (Register, {"model": 1}, r"register\.model is 1, but must be a valid string"),
        (Augment, {"mirror": 1.5}, r"augment\.mirror is 1\.5"),
        (Augment, {"roll": -1.0}, r"augment\.roll is -1\.0"),
    ],
)
def test_an_invalid_value_is_refused_by_name(params, section, changes, message):
    path = params(section.__name__.lower(), **changes)
    with pytest.raises(InputError, match=message):
        read_params(section, path)


RANGE = {"low": 0.1, "high": 0.2, "log": False}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trials": ...}, r"params\.yaml: tune\.trials is missing"),
        ({"storage": 3}, r"tune\.storage is 3, but must be a valid string"),
        (
            {"architecture": "vgg"},
            r"architecture is 'vgg', but must be 'custom_cnn', 'mobilenet_v2' or 'resnet18'",
        ),
        ({"trials": 0}, r"tune\.trials is 0, but must be above 0"),
        ({"samples": 0}, r"tune\.samples is 0, but must be above 0"),
        ({"startup": 0}, r"tune\.startup is 0, but must be above 0"),
        ({"heartbeat": 0}, r"tune\.heartbeat is 0, but must be above 0"),
        ({"space": ...}, r"tune\.space is missing"),
        ({"space": 3}, r"tune\.space is 3, but must be a mapping"),
        ({"space": {}}, r"tune\.space is \{\}, but must have at least 1 item\. Fix"),
        ({"space": {"train.lr": 3}}, r"tune\.space\.train\.lr is 3, but must be a mapping\. Fix"),
        ({"space": {"train.lr": RANGE | {"log": 1}}}, r"tune\.space\.train\.lr\.log is 1, but must be a valid boolean"),
        (
            {"space": {"train.lr": RANGE | {"low": 0.2}}},
            r"space\.train\.lr: low is 0\.2, but must be below high, 0\.2",
        ),
        ({"space": {"train.lr": RANGE | {"low": 0, "log": True}}}, r"low is 0\.0, but must be above 0 if log"),
        ({"space": {"train.seed": RANGE}}, r"tune\.space: 'train\.seed' cannot be searched; choose from train\.lr, "),
    ],
)
def test_an_invalid_search_is_refused(params, changes, message):
    with pytest.raises(InputError, match=message):
        read_params(Tune, params("tune", **changes))


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (..., "schedule.resnet18 is missing"),
        ([], r"schedule.resnet18 is \[\], but must have at least 1 item"),
        ("short", "schedule.resnet18 is 'short', but must be a valid list"),
        ([7], r"schedule\.resnet18\[0\] is 7, but must be a mapping"),
        (phases(64), "the last image_size is 64, but must be 224"),
        (phases(224, 128), "the last image_size is 128, but must be 224"),
        (phases(64, 224, epochs=0), "epochs is 0, but must be above 0"),
        (phases(64, 224, samples=0), "samples is 0, but must be above 0"),
        (phases(16, 224), "image_size is 16, but must be at least 32"),
        (phases(224, precision="int8"), "precision is 'int8', but must be 'bf16' or 'fp32'"),
        (phases(224, epochs="ten"), r"schedule\.resnet18\[0\]\.epochs is 'ten', but must be a valid integer"),
        (phases(224, lr=1), r"schedule\.resnet18\[0\]\.lr is not a parameter"),
    ],
)
def test_an_invalid_schedule_is_refused(params, schedule, message):
    path = params("schedule", resnet18=schedule)
    with pytest.raises(InputError, match=message):
        read_schedule("resnet18", path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"params\.yaml is missing\. Run this from the root of the checkout"),
        ("", r"params\.yaml: train is missing\. Compare"),
        ("evaluate: {}", r"params\.yaml: train is missing\. Compare"),
        ("train: [1, 2", r"params\.yaml is not valid YAML \(.*\)\. Fix it"),
        ("train: {lr: 1, lr: 2}", r"params\.yaml is not valid YAML \(.*duplicate key \"lr\".*\)\. Fix it"),
        ("train: 3", "train is 3, but must be a mapping"),
        ("train:", "train is None, but must be a mapping"),
        ("train: {}", r"train\.seed is missing; train\.batch_size is missing; "),
    ],
)
def test_an_unreadable_file_names_the_next_step(tmp_path, text, message):
    path = tmp_path / "params.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_params(Train, path)


def test_a_changed_copy_is_checked():
    train = read_params(Train, SHIPPED)
    assert changed(train, lr=1).lr == 1.0
    assert changed(train, lr=train.lr) == train
    with pytest.raises(
        InputError, match=r"params\.yaml: train\.lr is -1, but must be above 0\. Fix it and run again\."
    ):
        changed(train, lr=-1)
