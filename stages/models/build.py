"""A network by the name of its architecture."""

from __future__ import annotations

from torch import nn

from stages.models.custom_cnn import CustomCNN
from stages.models.mobilenet_v2 import CustomMobileNetV2
from stages.models.resnet18 import CustomResNet18

Network = CustomCNN | CustomMobileNetV2 | CustomResNet18
"""Each has `early_layers()`, `training_loss(masks, classes, landmarks)`, and its forward pass in two parts: `embed(x)`,
the features that its last linear layers read, and `classify(features)`, the logits."""
NETWORKS: dict[str, type[Network]] = {
    "custom_cnn": CustomCNN,
    "mobilenet_v2": CustomMobileNetV2,
    "resnet18": CustomResNet18,
}


def build_network(architecture: str, classes: int, dropout: float) -> Network:
    """Build a network with random weights.

    Args:
        architecture: `custom_cnn`, `mobilenet_v2` or `resnet18`.
        classes: number of labels, the width of the logits.
        dropout: probability of dropping a feature before a fully connected layer.
    """
    return NETWORKS[architecture](classes, dropout)


def output_layers(network: nn.Module) -> dict[str, nn.Linear]:
    """Name the linear layers whose rows are labels: the last one, and any other as wide."""
    linear = {name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Linear)}
    widths = [layer.out_features for layer in linear.values()]
    return {name: layer for name, layer in linear.items() if layer.out_features == widths[-1]}
