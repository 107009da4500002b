"""The three networks: shapes, torchvision's names, and that every attention layer contributes."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn
from torch.nn.functional import linear

from stages.models.attention import ChannelAttention
from stages.models.build import build_network
from stages.models.custom_cnn import WIDTHS, Block
from stages.models.landmark_maps import LandmarkMaps
from stages.models.masks import IMAGENET_MEAN, IMAGENET_STD, average_down, normalise, normalise_small
from stages.models.mobilenet_v2 import CustomMobileNetV2
from stages.models.resnet18 import CustomResNet18
from stages.params import ARCHITECTURES

ATTENTIONS = {"custom_cnn": 4, "mobilenet_v2": 6, "resnet18": 3}


def pictures(count, size, seed=0):
    """Strokes on black, as masks are: (N, 3, S, S) float32."""
    masks = torch.zeros(count, size, size, 3, dtype=torch.uint8)
    generator = torch.Generator().manual_seed(seed)
    for mask in masks:
        row, column = torch.randint(0, size // 2, (2,), generator=generator).tolist()
        mask[row : row + size // 3, column : column + size // 8] = torch.tensor([255, 64, 64], dtype=torch.uint8)
        mask[row : row + size // 8, column : column + size // 3] = torch.tensor([64, 255, 64], dtype=torch.uint8)
    return normalise(masks)


@pytest.fixture(scope="module", params=ARCHITECTURES)
def architecture(request):
    return request.param


@pytest.fixture(scope="module")
def network(architecture):
    torch.manual_seed(0)
    return settle(build_network(architecture, classes=24, dropout=0.2))


def settle(network):
    """Give batch norm statistics of some pictures: without them, signals vanish on their way."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        network.train()(pictures(16, 64, seed=2))
    return network.eval()


def attentions(network):
    return [module for module in network.modules() if isinstance(module, ChannelAttention)]


@pytest.mark.parametrize("size", [56, 64, 128, 224])
def test_any_size_of_mask_gives_finite_logits(network, size):
    with torch.inference_mode():
        logits = network(pictures(2, size))
    assert logits.shape == (2, 24)
    assert logits.dtype == torch.float32
    assert torch.isfinite(logits).all()
    assert (logits[0] - logits[1]).abs().max() > 0, "another picture gives other logits"


@pytest.mark.parametrize("classes", [2, 29])
def test_the_number_of_classes_is_the_data_sets(architecture, classes):
    with torch.inference_mode():
        assert build_network(architecture, classes, dropout=0.0).eval()(pictures(1, 64)).shape == (1, classes)


def test_every_attention_runs_and_learns(network, architecture):
    seen = []
    hooks = [
        module.register_forward_hook(lambda module, _, output: seen.append((module, output)))
        for module in attentions(network)
    ]
    network.zero_grad()
    # Targets that no network gives, so that every class pulls.
    nn.functional.mse_loss(network(pictures(8, 64)), torch.randn(8, 24, generator=torch.manual_seed(1))).backward()
    for hook in hooks:
        hook.remove()
    assert len(hooks) == ATTENTIONS[architecture]
    assert [module for module, _ in seen] == list(attentions(network)), "each runs once, in order"
    for module, output in seen:
        assert output.shape[1] == module.excite.out_channels, "a real channel count, not its neighbour's"
    for name, parameter in network.named_parameters():
        if any(f"{part}." in name for part in ("attention", "classifier", "by_features", "by_landmarks")):
            assert parameter.grad.abs().max() > 0, f"{name} learns nothing"


def test_every_parameter_is_reached(network):
    network.zero_grad()
    network(pictures(4, 64)).square().sum().backward()
    assert [name for name, parameter in network.named_parameters() if parameter.grad is None] == []


def test_attention_changes_what_comes_out(network):
    masks = pictures(2, 64)
    with torch.inference_mode():
        before = network(masks)
        for module in attentions(network):
            kept = module.excite.bias.clone()
            module.excite.bias += 3.0
            assert (network(masks) - before).abs().max() > 0
            module.excite.bias.copy_(kept)
        torch.testing.assert_close(network(masks), before)


def test_attention_weights_each_channel_by_the_whole_picture():
    torch.manual_seed(0)
    attention = ChannelAttention(32)
    maps = torch.rand(2, 32, 5, 7) + 0.1
    with torch.inference_mode():
        weights = attention(maps) / maps
        squeezed, excited = attention.squeeze, attention.excite
        hidden = torch.relu(linear(maps.mean((2, 3)), squeezed.weight.flatten(1), squeezed.bias))
        expected = torch.sigmoid(linear(hidden, excited.weight.flatten(1), excited.bias))
    torch.testing.assert_close(weights, expected[:, :, None, None].expand_as(weights))
    assert ((weights > 0) & (weights < 1)).all()
    assert weights[0].flatten(1).std(dim=1).max() < 1e-5, "one weight a channel"
    assert weights[0, :, 0, 0].std() > 0, "channels differ"
    assert attention.squeeze.out_channels == 32 // 8


def test_attention_keeps_a_hidden_channel_where_there_are_few():
    maps = torch.rand(1, 4, 3, 3)
    assert ChannelAttention(4)(maps).shape == maps.shape


@pytest.mark.parametrize("size", [56, 57])
def test_pooling_before_weighting_equals_weighting_before_pooling(size):
    torch.manual_seed(0)
    block = Block(3, WIDTHS[0]).eval()
    with torch.inference_mode():
        maps = torch.relu(block.norm(block.convolution(pictures(2, size))))
        torch.testing.assert_close(block(pictures(2, size)), block.pool(block.attention(maps)))


def test_landmarks_are_the_centre_of_mass_of_their_heat():
    maps = LandmarkMaps((21, 1))
    nn.init.dirac_(maps.layers[0].weight)  # landmark k is where channel k is hot
    nn.init.zeros_(maps.layers[1].weight)
    heat = torch.zeros(2, 21, 28, 28)
    heat[0, 3, 4, 10] = heat[0, 4, 4, 10] = heat[0, 4, 6, 10] = 100.0
    located = maps([heat, torch.zeros(2, 1, 14, 14)])
    torch.testing.assert_close(located[0, 3], torch.tensor([10.5, 4.5]) / 28)
    torch.testing.assert_close(located[0, 4], torch.tensor([10.5, 5.5]) / 28)
    torch.testing.assert_close(located[1], torch.full((21, 2), 0.5))


def test_coarse_features_move_landmarks_too():
    maps = LandmarkMaps((1, 21))
    nn.init.zeros_(maps.layers[0].weight)
    nn.init.dirac_(maps.layers[1].weight)
    coarse = torch.zeros(1, 21, 4, 4)
    coarse[0, 7, 3, 0] = 100.0
    found = maps([torch.zeros(1, 1, 28, 28), coarse])[0, 7]
    assert found[0] < 0.15
    assert found[1] > 0.85


def test_the_landmark_head_ignores_place_and_size_of_a_hand():
    torch.manual_seed(0)
    network = settle(build_network("custom_cnn", classes=24, dropout=0.1))
    maps, landmarks = torch.rand(3, 256, 4, 4), torch.rand(3, 21, 2)
    with torch.inference_mode():
        network.see = lambda _: (maps, landmarks)
        before = network.run_heads(maps)[1]
        network.see = lambda _: (maps, landmarks * 0.5 + 0.2)
        torch.testing.assert_close(network.run_heads(maps)[1], before)


def test_custom_cnn_returns_the_weighted_mean_of_its_two_heads():
    torch.manual_seed(0)
    network = settle(build_network("custom_cnn", classes=24, dropout=0.1))
    with torch.inference_mode():
        by_features, by_landmarks, landmarks = network.run_heads(pictures(2, 64))
        assert (by_features - by_landmarks).abs().max() > 0.01
        assert landmarks.shape == (2, 21, 2)
        torch.testing.assert_close(network(pictures(2, 64)), 0.3 * by_features + 0.7 * by_landmarks)


def test_dropout_is_on_in_training_only(architecture):
    network = build_network(architecture, classes=3, dropout=0.5)
    drops = [module for module in network.modules() if isinstance(module, nn.Dropout)]
    assert drops
    assert {drop.p for drop in drops} == {0.5}
    network.eval()
    with torch.inference_mode():
        torch.testing.assert_close(network(pictures(2, 64)), network(pictures(2, 64)), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("network", "torchvisions", "ours", "left_over"),
    [
        (CustomMobileNetV2, torchvision.models.mobilenet_v2, ("attention.", "classifier."), ("classifier.",)),
        (CustomResNet18, torchvision.models.resnet18, ("attention.", "classifier."), ("fc.",)),
    ],
)
def test_torchvisions_weights_load_by_their_names(network, torchvisions, ours, left_over):
    torch.manual_seed(1)
    published = torchvisions(weights=None)
    weights = {name: value for name, value in published.state_dict().items() if not name.startswith(left_over)}
    custom = network(24, 0.2)
    missing, unexpected = custom.load_state_dict(weights, strict=False)
    assert unexpected == []
    assert missing
    assert all(name.startswith(ours) for name in missing), "everything else came from torchvision"
    assert next(iter(custom.parameters())).equal(next(iter(published.parameters())))


def test_recovered_imagenet_weights_load(shared):
    path = shared / "data/weights/mobilenet_v2_imagenet_approx_features.pth"
    _, unexpected = CustomMobileNetV2(24, 0.2).load_state_dict(torch.load(path, weights_only=True), strict=False)
    assert unexpected == []


def test_normalise_is_torchvisions():
    masks = torch.randint(0, 256, (2, 8, 8, 3), dtype=torch.uint8, generator=torch.manual_seed(0))
    expected = torchvision.transforms.functional.normalize(
        masks.permute(0, 3, 1, 2) / 255.0, mean=IMAGENET_MEAN, std=IMAGENET_STD
    )
    torch.testing.assert_close(normalise(masks), expected)
    assert normalise(masks).is_contiguous(memory_format=torch.channels_last)


def test_masks_that_are_made_small_first_are_the_same_to_a_network():
    masks = torch.randint(0, 256, (3, 224, 224, 3), dtype=torch.uint8, generator=torch.manual_seed(0))
    torch.testing.assert_close(normalise_small(masks), average_down(normalise(masks)), atol=1e-5, rtol=1e-5)
    assert normalise_small(masks).shape == (3, 3, 56, 56)
    assert normalise(masks).is_contiguous(memory_format=torch.channels_last), "nothing is copied"
