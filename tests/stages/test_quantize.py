"""An exported network in int8: it predicts as before, is smaller, and has the same metadata."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

from service.recogniser import Recogniser
from stages.commands.quantize import quantize
from stages.data.loader import draw_masks
from stages.data.people import hash_name
from stages.errors import PipelineError
from stages.evaluation.networks import load_network
from stages.export.onnx import export_model
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import synthesize_hands
from stages.models.build import build_network
from stages.models.landmark_mlp import LandmarkMLP
from stages.models.masks import normalise

CLASSES = ("A", "B", "C")
FACTS = {"classes": CLASSES, "architecture": "custom_cnn", "data_hash": "0" * 32}
PEOPLE = frozenset({hash_name("ann")})


@pytest.fixture(scope="module")
def hands():
    return synthesize_hands(read_handshapes(), signers=2, samples_per_letter=1, seed=3).landmarks


@pytest.fixture(scope="module")
def model(hands, tmp_path_factory):
    torch.manual_seed(0)
    network = build_network("custom_cnn", len(CLASSES), dropout=0.0)
    masks = draw_masks(hands[:16])
    with torch.no_grad():  # batch norm sees the masks once, as after a training
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None
        network.train()(normalise(torch.from_numpy(masks)))
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    export_model(network, path, examples=masks[:4], trained_on=PEOPLE, **FACTS)
    return path


def test_int8_predicts_as_float32_does_and_is_smaller(model, hands, tmp_path):
    quantize(model, tmp_path / "int8.onnx")
    before, after = Recogniser(model), Recogniser(tmp_path / "int8.onnx")
    masks = draw_masks(hands)
    difference = np.abs(before.predict(masks) - after.predict(masks))
    assert 0 < difference.max() < 0.05
    assert (tmp_path / "int8.onnx").stat().st_size < model.stat().st_size / 3
    assert (after.classes, after.mask_version, after.data_hash) == (before.classes, before.mask_version, "0" * 32)
    assert after.version != before.version
    assert load_network(tmp_path / "int8.onnx").trained_on == PEOPLE


def test_a_network_on_landmarks_is_refused_and_nothing_is_written(hands, tmp_path):
    path = tmp_path / "model.onnx"
    export_model(LandmarkMLP(len(CLASSES), width=8, dropout=0.0), path, examples=hands[:4], **FACTS)
    with pytest.raises(PipelineError, match="takes landmarks"):
        quantize(path, tmp_path / "int8.onnx")
    (tmp_path / "damaged.onnx").write_bytes(json.dumps([]).encode())
    with pytest.raises(PipelineError, match="cannot be loaded"):
        quantize(tmp_path / "damaged.onnx", tmp_path / "int8.onnx")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["damaged.onnx", "model.onnx"]
