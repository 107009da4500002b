"""The recogniser over ONNX Runtime, on real, tiny models."""

from __future__ import annotations

import json

import numpy as np
import pytest
from serving import CLASSES, COLOURS, METADATA, write_model, write_one_row_model

from service.errors import ServiceError
from service.recogniser import Recogniser, choose_providers


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory):
    return Recogniser(write_model(tmp_path_factory.mktemp("model") / "model.onnx"))


def test_has_the_metadata_of_its_file(recogniser):
    assert recogniser.classes == tuple(CLASSES)
    assert recogniser.mask_version == METADATA["mask_version"]
    assert recogniser.architecture == METADATA["architecture"]
    assert recogniser.data_hash == METADATA["data_hash"]


@pytest.mark.parametrize(
    ("available", "chosen"),
    [
        (["CPUExecutionProvider"], ["CPUExecutionProvider"]),
        (
            ["CPUExecutionProvider", "TensorrtExecutionProvider", "CUDAExecutionProvider"],
            ["CUDAExecutionProvider", "CPUExecutionProvider"],
        ),
        (["AzureExecutionProvider", "CPUExecutionProvider"], ["CPUExecutionProvider"]),
    ],
)
def test_runs_on_cuda_if_it_is_available_and_on_the_cpu_otherwise(available, chosen):
    assert choose_providers(available) == chosen


def test_says_what_it_runs_on_and_which_content_it_is(recogniser, tmp_path):
    assert recogniser.provider == "CPUExecutionProvider"
    same = Recogniser(write_model(tmp_path / "same.onnx"))
    other = Recogniser(write_model(tmp_path / "other.onnx", METADATA | {"temperature": "2.0"}))
    assert recogniser.version == same.version != other.version


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_predicts_each_mask_of_a_batch(recogniser, batch):
    letters = [CLASSES[index % 3] for index in range(batch)]
    masks = np.stack([np.full((224, 224, 3), COLOURS[letter], dtype=np.uint8) for letter in letters])
    probabilities = recogniser.predict(masks)
    assert probabilities.shape == (batch, 3)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert [CLASSES[best] for best in probabilities.argmax(axis=1)] == letters


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((224, 224, 3), np.uint8),
        ((1, 224, 224), np.uint8),
        ((1, 3, 224, 224), np.uint8),
        ((1, 64, 64, 3), np.uint8),
        ((0, 224, 224, 3), np.uint8),
        ((1, 224, 224, 3), np.float32),
    ],
)
def test_refuses_other_arrays(recogniser, shape, kind):
    with pytest.raises(ServiceError, match="masks must be an array"):
        recogniser.predict(np.zeros(shape, kind))


def without(key: str) -> dict[str, str]:
    return {name: value for name, value in METADATA.items() if name != key}


def test_a_missing_file_names_the_next_step(tmp_path):
    with pytest.raises(ServiceError, match=r"nothing.onnx: there is no model.*make repro"):
        Recogniser(tmp_path / "nothing.onnx")


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x0a"])
def test_refuses_a_file_that_is_no_model(tmp_path, content):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ServiceError, match="not an ONNX model"):
        Recogniser(path)


@pytest.mark.parametrize("key", ["classes", "mask_version", "architecture", "data_hash"])
def test_refuses_a_model_without_its_metadata(tmp_path, key):
    with pytest.raises(ServiceError, match=f"lacks {key}"):
        Recogniser(write_model(tmp_path / "model.onnx", without(key)))


@pytest.mark.parametrize("classes", ["A,B,L", "[]", "{}", "[1, 2, 3]"])
def test_refuses_classes_that_are_no_labels(tmp_path, classes):
    with pytest.raises(ServiceError, match="not a JSON list of labels"):
        Recogniser(write_model(tmp_path / "model.onnx", METADATA | {"classes": classes}))


def test_refuses_a_model_with_another_number_of_classes(tmp_path):
    path = write_model(tmp_path / "model.onnx", METADATA | {"classes": json.dumps(["A", "B"])})
    with pytest.raises(ServiceError, match="names 2 classes"):
        Recogniser(path)


@pytest.mark.parametrize(("size", "channels"), [(64, 3), (224, 1)])
def test_refuses_a_model_of_another_input(tmp_path, size, channels):
    with pytest.raises(ServiceError, match="must have the input 'masks' uint8"):
        Recogniser(write_model(tmp_path / "model.onnx", size=size, channels=channels))


def test_refuses_a_model_that_takes_a_batch_for_one_mask(tmp_path):
    with pytest.raises(ServiceError, match=r"'probabilities' of two masks is \(1, 3\).*must be \(2, 3\)"):
        Recogniser(write_one_row_model(tmp_path / "model.onnx"))
