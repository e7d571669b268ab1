"""SqueezeNet 1.1, written to be read: an ImageNet network with plain ReLUs and max-pooling that comes along.

Iandola, Han, Moskewicz, Ashraf, Dally & Keutzer, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and
<0.5MB model size" (2016); version 1.1 is the authors' later release, with a smaller first layer and earlier pooling.
Its last convolution gives one map for each class, and the mean of a map is the score of its class: the class
activation map of Zhou et al. (2016) needs no computation here.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn

# One row per fire module: channels of the squeeze layer, and of each of its two expand layers.
FIRES = {2: (16, 64), 3: (16, 64), 4: (32, 128), 5: (32, 128), 6: (48, 192), 7: (48, 192), 8: (64, 256), 9: (64, 256)}
POOL_AFTER = (3, 5)  # these fire modules; a third pool follows the first convolution
# Caffe's mean colour, here in the order red, green, blue, and one deviation for all three: 128 of 255, a power of two,
# so that nothing is rounded on the way from Caffe's input (blue, green, red from 0 to 255, minus the mean) to ours.
MEAN = tuple(value / 255 for value in (122.679, 116.669, 104.006))
STD = (128 / 255,) * 3


class Fire(nn.Module):
    """A 1x1 convolution to few maps (squeeze), then a 1x1 and a 3x3 convolution side by side (expand)."""

    def __init__(self, inputs: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeezed, 1)
        self.squeeze_relu = nn.ReLU()
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand1x1_relu = nn.ReLU()
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)
        self.expand3x3_relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze_relu(self.squeeze(x))
        return torch.cat([self.expand1x1_relu(self.expand1x1(x)), self.expand3x3_relu(self.expand3x3(x))], 1)


class SqueezeNet(nn.Sequential):
    """(N, 3, H, W) images, 227 pixels wide in training, normalized with MEAN and STD.

    Gives (N, 1000) logits. As in the package the weights come from, there is no ReLU after the last convolution
    (Caffe's own file has one), and pools drop an incomplete last window.
    """

    def __init__(self, classes: int = 1000) -> None:
        parts: OrderedDict[str, nn.Module] = OrderedDict(
            conv1=nn.Conv2d(3, 64, 3, stride=2), relu1=nn.ReLU(), pool1=nn.MaxPool2d(3, 2)
        )
        channels = 64
        for number, (squeezed, expanded) in FIRES.items():
            parts[f"fire{number}"] = Fire(channels, squeezed, expanded)
            channels = 2 * expanded
            if number in POOL_AFTER:
                parts[f"pool{number}"] = nn.MaxPool2d(3, 2)
        parts["conv10"] = nn.Conv2d(channels, classes, 1)
        parts["average"] = nn.AdaptiveAvgPool2d(1)
        parts["flatten"] = nn.Flatten()
        super().__init__(parts)


def build(state: dict[str, Tensor]) -> SqueezeNet:
    """The network with the weights of a state dict."""
    with torch.device("meta"):
        network = SqueezeNet()
    network.load_state_dict({key: value.float() for key, value in state.items()}, assign=True)
    return network.eval()
