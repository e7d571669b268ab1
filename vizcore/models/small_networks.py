"""The small networks that come trained with the dashboard: their architectures, nothing else.

Every layer is a module with a name, activations are not in place, and there are no shortcuts, so that each can be
read, hooked and drawn. The weights lie in assets/weights; training/ holds the scripts that made them.
"""

from collections import OrderedDict

from torch import nn

DIGIT_NAMES = tuple("0123456789")
DIGITS_MEAN, DIGITS_STD = 0.0, 1.0  # pixels from 0 (ground) to 1 (ink) go in as they are, so that ground adds nothing
MINI_VGG_BLOCKS = ((32, 1), (64, 1), (128, 2), (256, 2), (256, 2))  # (channels, convolutions) of each block
MINI_ALEXNET_LAYERS = (
    (48, 11, 3, 4),
    (96, 5, 1, 2),
    (160, 3, 1, 1),
    (192, 3, 1, 1),
)  # channels, kernel, stride, padding


def digits_linear() -> nn.Sequential:
    """One linear layer from (N, 1, 28, 28) to (N, 10): each class has one template, its row of weights."""
    return nn.Sequential(OrderedDict(flatten=nn.Flatten(), linear=nn.Linear(28 * 28, 10)))


def digits_mlp(hidden: int = 128) -> nn.Sequential:
    """Two linear layers with a ReLU between them, from (N, 1, 28, 28) to (N, 10)."""
    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(), hidden=nn.Linear(28 * 28, hidden), relu=nn.ReLU(), linear=nn.Linear(hidden, 10)
        )
    )


def digits_cnn(channels: int = 10) -> nn.Sequential:
    """The layout of CNN Explainer's Tiny VGG, from (N, 1, 28, 28) to (N, 10).

    Twice: 3x3 convolution, ReLU, 3x3 convolution, ReLU, 2x2 max-pooling, all without padding (28, 26, 24, 12 and
    12, 10, 8, 4 pixels); then one linear layer on the flattened maps.
    Source: Wang et al., CNN Explainer, 2020 (there 64x64 colour pictures of ten classes).
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    incoming = 1
    for block in (1, 2):
        for step in (1, 2):
            layers[f"conv{block}_{step}"] = nn.Conv2d(incoming, channels, 3)
            layers[f"relu{block}_{step}"] = nn.ReLU()
            incoming = channels
        layers[f"pool{block}"] = nn.MaxPool2d(2)
    layers["flatten"] = nn.Flatten()
    layers["linear"] = nn.Linear(channels * 4 * 4, 10)
    return nn.Sequential(layers)


def mini_vgg(batch_norm: bool = False) -> nn.Sequential:
    """A miniature VGG, from (N, 3, 112, 112) to (N, 1000): five blocks of 3x3 convolutions, each with a ReLU.

    Every block ends in 2x2 max-pooling; the maps of the last (256 x 3 x 3) are averaged and classified by one
    linear layer. `batch_norm` puts a normalization between convolution and ReLU: for training only, the shipped
    weights have it folded into the convolutions.
    Source: Simonyan & Zisserman, Very deep convolutional networks, 2015 (there 13 convolutions, 138 million weights).
    """
    blocks: OrderedDict[str, nn.Module] = OrderedDict()
    incoming = 3
    for number, (channels, convolutions) in enumerate(MINI_VGG_BLOCKS, start=1):
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for step in range(1, convolutions + 1):
            layers[f"conv{step}"] = nn.Conv2d(incoming, channels, 3, padding=1)
            if batch_norm:
                layers[f"norm{step}"] = nn.BatchNorm2d(channels)
            layers[f"relu{step}"] = nn.ReLU()
            incoming = channels
        layers["pool"] = nn.MaxPool2d(2)
        blocks[f"block{number}"] = nn.Sequential(layers)
    blocks["average"] = nn.AdaptiveAvgPool2d(1)
    blocks["flatten"] = nn.Flatten()
    blocks["classifier"] = nn.Linear(incoming, 1000)
    return nn.Sequential(blocks)


def mini_alexnet(batch_norm: bool = False) -> nn.Sequential:
    """A miniature AlexNet, from (N, 3, 112, 112) to (N, 1000): large first filters, four convolutions with ReLUs.

    11x11 filters with stride 3 (37 x 37 maps), 5x5, then twice 3x3; overlapping 3x3 max-pooling with stride 2 after
    the first two; the last maps (192 x 8 x 8) are averaged and classified by one linear layer. `batch_norm` puts a
    normalization between convolution and ReLU: for training only, the shipped weights have it folded in.
    Source: Krizhevsky et al., ImageNet classification with deep convolutional neural networks, 2012 (there five
    convolutions and three linear layers, 61 million weights, stride 4 on 224 x 224 pixels).
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    incoming = 3
    for number, (channels, kernel, stride, padding) in enumerate(MINI_ALEXNET_LAYERS, start=1):
        layers[f"conv{number}"] = nn.Conv2d(incoming, channels, kernel, stride, padding)
        if batch_norm:
            layers[f"norm{number}"] = nn.BatchNorm2d(channels)
        layers[f"relu{number}"] = nn.ReLU()
        if number <= 2:
            layers[f"pool{number}"] = nn.MaxPool2d(3, 2)
        incoming = channels
    layers["average"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["classifier"] = nn.Linear(incoming, 1000)
    return nn.Sequential(layers)
