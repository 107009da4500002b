"""The exported model: torch's own probabilities, any number of masks, and nothing left of a failure."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from client.mask import MASK_VERSION
from stages.data.loader import draw_masks
from stages.data.people import hash_name
from stages.errors import PipelineError
from stages.evaluation.networks import load_network
from stages.export.onnx import TOLERANCE, Typical, export_model
from stages.hand.handshapes import read_handshapes
from stages.hand.signers import synthesize_hands
from stages.models.build import build_network, output_layers
from stages.models.custom_cnn import LANDMARK_SCALE
from stages.models.masks import normalise, normalise_small
from stages.params import ARCHITECTURES

CLASSES = ["A", "B", "Ñ", "space", "Y"]
FACTS = {"classes": CLASSES, "architecture": "small", "data_hash": "0" * 32}


@pytest.fixture(scope="module")
def masks():
    return draw_masks(synthesize_hands(read_handshapes(), signers=1, samples_per_letter=1, seed=0).landmarks[:6])


def settle(network, masks):
    """Let batch norm see the masks once, and widen the nearly even probabilities, so that a difference can show."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        network.train()(normalise(torch.from_numpy(masks)))
        for layer in output_layers(network).values():
            layer.weight *= 5.0
    return network


class Small(nn.Module):
    """A network that is exported in a second."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.convolution = nn.Conv2d(3, 8, 5, stride=4)
        self.classifier = nn.Sequential(nn.Linear(8, len(CLASSES)))

    def embed(self, x):
        # The left half counts twice, so that a mirror image gives other logits.
        features = torch.relu(self.convolution(x))
        half = features.shape[3] // 2
        return features.mean((2, 3)) + features[..., :half].mean((2, 3))

    def classify(self, features):
        return self.classifier(features)

    def forward(self, x):
        return self.classify(self.embed(x))


def expected(network, masks, temperature=1.0):
    """What the exported model should say, written out plainly."""
    network.eval()
    with torch.inference_mode():
        pictures = normalise_small(torch.from_numpy(masks))
        mask, mirror = (torch.softmax(network(each) / temperature, dim=1) for each in (pictures, pictures.flip(3)))
        return ((mask + mirror) / 2).numpy()


def run(path, masks, output="probabilities"):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run([output], {"masks": masks})[0]


@pytest.fixture(scope="module", params=ARCHITECTURES)
def exported(request, masks, tmp_path_factory):
    """A network with random weights and its file."""
    torch.manual_seed(3)
    network = settle(build_network(request.param, len(CLASSES), dropout=0.2), masks)
    path = tmp_path_factory.mktemp("export") / request.param / "model.onnx"
    difference = export_model(
        network, path, classes=CLASSES, architecture=request.param, data_hash="f" * 32, examples=masks
    )
    assert 0 <= difference <= TOLERANCE
    return network, path


def test_any_number_of_masks_gives_the_probabilities_of_torch(exported, masks):
    network, path = exported
    for count in (1, 2, 5):
        probabilities = run(path, masks[:count])
        assert probabilities.shape == (count, len(CLASSES))
        assert probabilities.dtype == np.float32
        np.testing.assert_allclose(probabilities, expected(network, masks[:count]), atol=TOLERANCE)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)
    assert np.ptp(probabilities, axis=0).max() > 10 * TOLERANCE, "masks differ, or agreeing would mean nothing"


def test_the_features_are_what_the_output_layers_read_for_the_mask_and_its_mirror_image(exported, masks):
    network, path = exported
    read = {name: [] for name in output_layers(network)}
    hooks = [
        layer.register_forward_pre_hook(lambda _, inputs, seen=read[name]: seen.append(inputs[0].numpy()))
        for name, layer in output_layers(network).items()
    ]
    pictures = normalise(torch.from_numpy(masks))
    with torch.inference_mode():
        network.eval()(pictures)
        network(pictures.flip(3))
    for hook in hooks:
        hook.remove()
    halves = np.split(np.asarray(run(path, masks, "features")), 2, axis=1)
    for view, half in zip(zip(*read.values(), strict=True), halves, strict=True):
        seen = np.concatenate(view, axis=1)
        np.testing.assert_allclose(half[:, : seen.shape[1]], seen, atol=TOLERANCE * np.abs(seen).max())
    features = np.concatenate(halves)
    assert np.ptp(features, axis=0).max() > 0.01, "masks differ"


def test_the_landmarks_that_custom_cnn_located_are_among_its_features(masks):
    torch.manual_seed(3)
    network = settle(build_network("custom_cnn", len(CLASSES), dropout=0.2), masks).eval()
    pictures = normalise(torch.from_numpy(masks))
    with torch.inference_mode():
        located = network.run_heads(pictures)[2]
        features = network.embed(pictures)[:, -42:].reshape(-1, 21, 2)
    extent = (located.amax(1) - located.amin(1)).amax(1)
    expected = LANDMARK_SCALE * (located - (located.amin(1) + located.amax(1))[:, None] / 2) / extent[:, None, None]
    torch.testing.assert_close(features, expected, atol=1e-4, rtol=1e-4)


def test_prototypes_are_the_means_of_what_the_graph_computes_for_each_class(masks, tmp_path):
    hands = synthesize_hands(read_handshapes(), signers=2, samples_per_letter=1, seed=0).landmarks[:9]
    classes = np.array([0, 0, 1, 1, 1, 2, 2, 4, 4])
    path = tmp_path / "model.onnx"
    export_model(Small(), path, **FACTS, examples=masks, typical=Typical(hands, classes))
    packed = {entry.key: entry.value for entry in onnx.load(path).metadata_props}["prototypes"]
    table = np.frombuffer(base64.b64decode(packed), "<f2").reshape(len(CLASSES), -1).astype(np.float32)
    computed = [run(path, draw_masks(hands), output) for output in ("features", "probabilities")]
    rows = np.concatenate(computed, axis=1)
    for label in (0, 1, 2, 4):
        np.testing.assert_allclose(table[label], rows[classes == label].mean(axis=0), rtol=2e-3, atol=1e-3)
    np.testing.assert_allclose(table[3], rows.mean(axis=0), rtol=2e-3, atol=1e-3)


def test_a_mirror_image_gives_the_same_probabilities(exported, masks):
    network, path = exported
    np.testing.assert_allclose(run(path, masks), run(path, masks[:, :, ::-1].copy()), atol=1e-5)
    pictures = normalise(torch.from_numpy(masks))
    with torch.inference_mode():
        assert (network(pictures) - network(pictures.flip(3))).abs().max() > 1e-3, "the network alone does not"


def test_the_file_says_what_it_is(exported):
    _, path = exported
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(facts["classes"]) == CLASSES
    assert facts["mask_version"] == MASK_VERSION
    assert facts["architecture"] == path.parent.name
    assert facts["data_hash"] == "f" * 32
    assert facts["temperature"] == "1.0"
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (masks,), (probabilities, features) = session.get_inputs(), session.get_outputs()
    assert (masks.name, masks.type, masks.shape[1:]) == ("masks", "tensor(uint8)", [224, 224, 3])
    assert isinstance(masks.shape[0], str), "the number of masks is free"
    assert (probabilities.name, probabilities.type) == ("probabilities", "tensor(float)")
    assert probabilities.shape[1] == len(CLASSES)
    assert (features.name, features.type) == ("features", "tensor(float)")
    assert (
        features.shape[1]
        == int(facts["features"])
        == {"custom_cnn": 1108, "mobilenet_v2": 2560, "resnet18": 1024}[path.parent.name]
    )


def test_the_file_names_no_folder_of_the_machine_that_made_it(exported):
    content = exported[1].read_bytes()
    for folder in (Path(__file__).parents[2], Path(torch.__file__).parent):
        assert str(folder).encode() not in content


def test_the_file_is_all_there_is(exported):
    _, path = exported
    assert list(path.parent.iterdir()) == [path], "no weights beside it, nothing half-written"


def test_temperature_divides_the_logits(masks, tmp_path):
    network = settle(Small(), masks)
    path = tmp_path / "model.onnx"
    export_model(network, path, **FACTS, examples=masks, temperature=2.5)
    np.testing.assert_allclose(run(path, masks), expected(network, masks, 2.5), atol=TOLERANCE)
    assert np.abs(expected(network, masks, 2.5) - expected(network, masks)).max() > 10 * TOLERANCE
    facts = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert float(facts["temperature"]) == 2.5


def test_the_file_says_on_whom_the_network_was_trained(masks, tmp_path):
    path, people = tmp_path / "model.onnx", frozenset({hash_name("ann"), hash_name("bo")})
    export_model(Small(), path, **FACTS, examples=masks, trained_on=people)
    assert load_network(path).trained_on == people
    export_model(Small(), path, **FACTS, examples=masks)
    assert load_network(path).trained_on is None, "not known, which is not nobody"


def test_an_older_file_gives_way(masks, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"an older model")
    export_model(Small(), path, **FACTS, examples=masks)
    assert run(path, masks[:1]).shape == (1, len(CLASSES))


class Forgetful(Small):
    """A network whose answer changes after it was traced."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def classify(self, features):
        self.calls += 1
        return super().classify(features) + (0.0 if torch.compiler.is_exporting() else torch.arange(len(CLASSES)))


class ForgetfulFeatures(Small):
    """A network whose features change after it was traced, and nothing else."""

    def embed(self, x):
        features = super().embed(x)
        return features if torch.compiler.is_exporting() else 1.01 * features

    def classify(self, features):
        return super().classify(features if torch.compiler.is_exporting() else features / 1.01)


class Broken(Small):
    """A network whose weights have become NaN."""

    def __init__(self):
        super().__init__()
        with torch.no_grad():
            self.convolution.weight.fill_(float("nan"))


class TwoMasksOnly(Small):
    """A network that cannot be traced for any number of masks."""

    def embed(self, x):
        return super().embed(x) + len(x.sum((1, 2, 3)).tolist())


@pytest.mark.parametrize(
    ("network", "error"),
    [
        (Forgetful, PipelineError),
        (ForgetfulFeatures, PipelineError),
        (Broken, PipelineError),
        (TwoMasksOnly, Exception),
    ],
)
def test_a_failure_leaves_the_older_file_and_nothing_else(masks, tmp_path, network, error):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"an older model")
    with pytest.raises(error) as raised:
        export_model(network(), path, **FACTS, examples=masks)
    if error is PipelineError:
        assert str(path) in str(raised.value)
        assert "differs from torch" in str(raised.value)
    assert path.read_bytes() == b"an older model"
    assert list(tmp_path.iterdir()) == [path]
