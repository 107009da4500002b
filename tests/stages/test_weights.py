"""Weights to start from: labels in the file keep their rows, files that do not fit are refused with the next step."""

from __future__ import annotations

import json
import socket
import sys

import numpy as np
import pytest
import tiny_models
import torch
from safetensors import safe_open
from torch import nn

from stages.commands import keep_weights
from stages.data.people import hash_name
from stages.data.processed import Processed, Split
from stages.errors import InputError, PipelineError
from stages.models.build import NETWORKS, build_network, output_layers
from stages.params import PRETRAINED, Augment, Phase, Train
from stages.training import weights
from stages.training.fit import fit

LETTERS = ("A", "B", "C", "nothing")


@pytest.fixture(autouse=True)
def pretrained(tmp_path, monkeypatch):
    """An empty folder of weights, in a checkout without others."""
    monkeypatch.chdir(tmp_path)
    PRETRAINED.mkdir()
    return PRETRAINED


def trained(architecture, classes=LETTERS, seed=1):
    torch.manual_seed(seed)
    network = build_network(architecture, len(classes), dropout=0.0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
    return network


def last_layer(network):
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear)][-1]


@pytest.mark.parametrize("architecture", NETWORKS)
def test_kept_weights_start_the_next_training(architecture, pretrained, tmp_path, monkeypatch):
    before, after = trained(architecture), trained(architecture, seed=2)
    whole, kept = tmp_path / "models" / architecture / "weights.safetensors", pretrained / f"{architecture}.safetensors"
    whole.parent.mkdir(parents=True)
    weights.save_weights(before.state_dict(), whole, LETTERS)
    monkeypatch.setattr(sys, "argv", ["keep_weights", architecture])
    keep_weights.main()
    weights.load_initial(after, architecture, kept.name, LETTERS)
    assert kept.stat().st_size < 0.6 * whole.stat().st_size
    assert list(pretrained.iterdir()) == [kept]
    for name, tensor in before.state_dict().items():
        torch.testing.assert_close(after.state_dict()[name], tensor, rtol=1e-3, atol=1e-6)


def test_the_same_weights_give_the_same_bytes(tmp_path):
    """The library writes the entries of the metadata in an order of chance."""
    people = frozenset({hash_name("ann"), hash_name("bo")})
    contents = set()
    for number in range(8):
        path = tmp_path / f"{number}.safetensors"
        weights.save_weights({"b": torch.ones(3), "a": torch.zeros(2, 2)}, path, LETTERS, people)
        contents.add(path.read_bytes())
    assert len(contents) == 1
    with safe_open(path, "pt") as file:
        assert json.loads(file.metadata()["classes"]) == list(LETTERS)
        assert torch.equal(file.get_tensor("b"), torch.ones(3))


def test_a_network_inherits_whom_its_first_weights_were_trained_on(pretrained, tmp_path, capsys):
    path = tmp_path / "models/custom_cnn/weights.safetensors"
    weights.save_weights({"a": torch.zeros(2)}, path, LETTERS, frozenset({hash_name("ann")}))
    weights.halve(path, pretrained / "kept.safetensors")
    split = Split(tiny_models.masks_of("A"), np.array([0]), np.array(["bo"]))
    data = Processed(split, split, ("A",))
    names = {init: weights.people_trained_on(init, data) for init in ("random", "imagenet", "kept.safetensors")}
    assert names == {
        "random": {hash_name("bo")},
        "imagenet": {hash_name("bo")},
        "kept.safetensors": {hash_name("ann"), hash_name("bo")},
    }
    assert capsys.readouterr().err == ""
    weights.save_weights({"a": torch.zeros(2)}, pretrained / "foreign.safetensors", LETTERS)
    assert weights.people_trained_on("foreign.safetensors", data) is None
    assert "pretrained/foreign.safetensors does not say on whom it was trained" in capsys.readouterr().err


def test_labels_that_both_know_keep_their_rows(pretrained):
    before, after = trained("custom_cnn"), trained("custom_cnn", ("B", "Y", "nothing"), seed=2)
    new = [layer.weight.detach().clone() for layer in output_layers(after).values()]
    weights.save_weights(before.state_dict(), pretrained / "kept.safetensors", LETTERS)
    weights.load_initial(after, "custom_cnn", "kept.safetensors", ("B", "Y", "nothing"))
    assert list(output_layers(after)) == ["by_features.layers.6", "by_landmarks.layers.13"]
    for name, own in zip(output_layers(after), new, strict=True):
        rows = before.get_submodule(name).weight
        assert torch.equal(after.get_submodule(name).weight, torch.stack([rows[1], own[1], rows[3]]))
    assert torch.equal(after.blocks[0].convolution.weight, before.blocks[0].convolution.weight)


def test_random_weights_stay_as_they_are():
    before, after = trained("custom_cnn"), trained("custom_cnn")
    weights.load_initial(after, "custom_cnn", "random", LETTERS)
    assert all(torch.equal(a, b) for a, b in zip(before.parameters(), after.parameters(), strict=True))


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("none.safetensors", "pretrained/none.safetensors is missing. Put it there"),
        ("broken.safetensors", "broken.safetensors is not a complete safetensors file"),
        ("other.safetensors", "other.safetensors holds weights of another architecture: '.+' does not fit"),
        (
            "wider.safetensors",
            "wider.safetensors holds weights of another architecture: 'by_landmarks.layers.13.weight'",
        ),
    ],
)
def test_unusable_weights_are_refused(file, message, pretrained):
    (pretrained / "broken.safetensors").write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{}")
    weights.save_weights(trained("mobilenet_v2").state_dict(), pretrained / "other.safetensors", LETTERS)
    wider = trained("custom_cnn").state_dict() | {"by_landmarks.layers.13.weight": torch.zeros(4, 300)}
    weights.save_weights(wider, pretrained / "wider.safetensors", LETTERS)
    with pytest.raises(InputError, match=message):
        weights.load_initial(trained("custom_cnn"), "custom_cnn", file, LETTERS)


def test_imagenet_weights_load_into_the_backbone_alone(monkeypatch):
    """A file in torchvision's layout replaces the download."""
    from torchvision.models import mobilenet_v2

    torch.manual_seed(3)
    theirs = mobilenet_v2(weights=None).state_dict()
    monkeypatch.setattr(type(weights.IMAGENET_WEIGHTS["mobilenet_v2"]), "get_state_dict", lambda *_, **__: theirs)
    network = trained("mobilenet_v2", seed=4)
    head, attention = last_layer(network).weight.clone(), network.attention["3"].state_dict()
    weights.load_initial(network, "mobilenet_v2", "imagenet", LETTERS)
    assert torch.equal(network.features[5].conv[0][0].weight, theirs["features.5.conv.0.0.weight"])
    assert torch.equal(last_layer(network).weight, head)
    assert all(torch.equal(tensor, attention[name]) for name, tensor in network.attention["3"].state_dict().items())


def test_without_internet_access_imagenet_weights_name_the_alternatives(tmp_path, monkeypatch):
    def unreachable(*_):
        raise socket.gaierror("Name or service not known")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    with pytest.raises(PipelineError, match=r"ImageNet weights of resnet18 cannot be downloaded .+ choose 'random'"):
        weights.load_initial(trained("resnet18"), "resnet18", "imagenet", LETTERS)


def test_a_network_unknown_to_torchvision_cannot_start_from_imagenet():
    with pytest.raises(InputError, match=r"init\.custom_cnn is 'imagenet', but torchvision has no weights for it"):
        weights.load_initial(trained("custom_cnn"), "custom_cnn", "imagenet", LETTERS)


@pytest.mark.parametrize("architecture", NETWORKS)
@pytest.mark.parametrize("frozen_epochs", [0, 2])
def test_early_layers_are_frozen_at_first(architecture, frozen_epochs, tmp_path):
    """Two epochs, so that either all of training is frozen or none; attention learns in both."""
    network = trained(architecture, ("A", "B", "C"))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    early = {id(tensor) for layer in network.early_layers() for tensor in layer.state_dict(keep_vars=True).values()}
    frozen = {name for name, tensor in network.state_dict(keep_vars=True).items() if id(tensor) in early}
    assert frozen
    assert not [name for name in frozen if "attention" in name]
    masks = tiny_models.masks_of("ABCABC")
    split = Split(masks, np.array([0, 1, 2, 0, 1, 2]), np.array([""] * 6))
    train = Train(
        seed=0, batch_size=6, lr=0.01, warmup=0.1, dropout=0.0, patience=4, frozen_epochs=frozen_epochs, fine_tuning=0.5
    )
    augment = Augment(mirror=0.0, roll=0.0, tilt=0.0, scale=0.0, shift=0.0, stretch=0.0, jitter=0.0)
    schedule = [Phase(epochs=2, image_size=224, samples=12, precision="fp32")]
    history = fit(
        network, Processed(split, split, ("A", "B", "C")), schedule, train, augment, tmp_path / "run",
        early_layers=network.early_layers(),
    )  # fmt: skip
    changed = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
    assert bool(changed & frozen) == (frozen_epochs == 0)
    assert [name for name in changed if "attention" in name]
    assert history[-1]["lr"] < 0.01 * (0.5 if frozen_epochs == 0 else 1.0)
    assert all(parameter.requires_grad for parameter in network.parameters()) == (frozen_epochs == 0)
