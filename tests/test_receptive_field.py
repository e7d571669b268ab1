"""Theoretical receptive fields contain the pixels whose gradient reaches a cell, and equal them in plain networks."""

import pytest
import random_networks
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vizcore import models
from vizcore.models import Net
from vizcore.models.receptive_field import ReceptiveField

SIDE = 64


def brute_force(net, layer: str, row: int, column: int, seed: int = 0) -> tuple[int, int, int, int] | None:
    """(top, left, bottom, right) of the input pixels whose gradient reaches one cell of a layer.

    The check on :class:`Follow`: the gradient of the sum of a cell over all channels, with respect to a noise
    input of the network's own size; the box contains every pixel where it is not zero.
    """
    generator = torch.Generator().manual_seed(seed)
    shape = (1, net.channels, net.input_size, net.input_size)
    x = torch.randn(shape, generator=generator).requires_grad_()
    _, acts = net.forward(x, capture=[layer])
    (gradient,) = torch.autograd.grad(acts[layer][0, :, row, column].sum(), x)
    seen = gradient[0].ne(0).any(0).nonzero()
    if len(seen) == 0:
        return None
    (top, left), (bottom, right) = seen.amin(0).tolist(), seen.amax(0).tolist()
    return top, left, bottom + 1, right + 1


def clipped(box: tuple[int, int, int, int], size: int) -> tuple[int, int, int, int]:
    """The part of a box that lies inside the image."""
    return tuple(min(max(edge, 0), size) for edge in box)


def inside(inner: tuple[int, int, int, int], outer: tuple[int, int, int, int]) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


Cells = list[tuple[tuple[int, int], tuple[int, int, int, int] | None]]


def supports(net: Net, cells: str) -> dict[str, Cells]:
    """For each layer that can change a field: cells and the box of the pixels that reach them, from one forward."""
    kinds = ("conv", "pool", "block")
    layers = [layer for layer in net.layers if layer.spatial and layer.receptive_field and layer.kind in kinds]
    x = torch.randn(1, 3, net.input_size, net.input_size, generator=torch.Generator().manual_seed(0)).requires_grad_()
    _, acts = net.forward(x, capture=[layer.name for layer in layers])
    found = {}
    for layer in layers:
        height, width = layer.out_shape[1:]
        middle = (height // 2, width // 2)
        found[layer.name] = []
        for row, column in {"corners": [(0, 0), (height - 1, width - 1)], "centre": [middle]}[cells]:
            (gradient,) = torch.autograd.grad(acts[layer.name][0, :, row, column].sum(), x, retain_graph=True)
            seen = gradient[0].ne(0).any(0).nonzero()
            box = (*seen.amin(0).tolist(), *(seen.amax(0) + 1).tolist()) if len(seen) else None
            found[layer.name].append(((row, column), box))
    return found


def one_class(name: str) -> Net:
    module = random_networks.torchvision_module(name, classes=2, size=SIDE)
    if name == "vgg16":  # only its convolutions matter here; its linear layers are half a gigabyte
        module = nn.Sequential(module.features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 2))
    return models.wrap(module, name=name, input_size=SIDE)


@pytest.mark.parametrize("cells", ["corners", "centre"])
@pytest.mark.parametrize("name", ["efficientnet_lite0", "mini_vgg", "mini_alexnet", "resnet18", "squeezenet1_1"])
def test_fields_contain_what_the_gradient_reaches(name, cells):
    if name == "efficientnet_lite0":
        net = random_networks.network(name)
    else:
        net = models.load(name) if name.startswith("mini") else one_class(name)
    checked = 0
    for layer, boxes in supports(net, cells).items():
        field = net.layer(layer).receptive_field
        for cell, box in boxes:
            if box is not None:  # a cell may be off in every channel
                assert inside(box, clipped(field.box(*cell), net.input_size)), (layer, cell)
                checked += 1
    assert checked >= {"mini_vgg": 12, "mini_alexnet": 6}.get(name, 20)  # the smallest has six such layers


@pytest.mark.parametrize("cells", ["corners", "centre"])
def test_fields_of_vgg16_equal_what_the_gradient_reaches(cells):
    """Max-pooling chooses, so one noise image reaches a part of the field: average pooling in its place."""
    module = random_networks.torchvision_module("vgg16", classes=2, size=SIDE).features
    for i, child in enumerate(module):
        if isinstance(child, nn.MaxPool2d):
            module[i] = nn.AvgPool2d(2)
        elif isinstance(child, nn.ReLU):
            module[i] = nn.Softplus()  # every path is open
    net = models.wrap(nn.Sequential(module, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 2)), input_size=SIDE)
    found = supports(net, cells)
    assert len(found) >= 17
    for layer, boxes in found.items():
        for cell, box in boxes:
            assert box == clipped(net.layer(layer).receptive_field.box(*cell), SIDE), (layer, cell)


def test_vgg16_has_the_published_fields():
    """Araujo et al., "Computing Receptive Fields" (Distill 2019), table of VGG-16: 212 pixels, 16 apart, at the end."""
    net = one_class("vgg16")
    assert net.layer("0.0").receptive_field == ReceptiveField(3, 1, -1)
    assert net.layer("0.2").receptive_field == ReceptiveField(5, 1, -2)
    assert net.layer("0.4").receptive_field == ReceptiveField(6, 2, -2)
    assert net.layer("0.29").receptive_field[:2] == (196, 16)
    assert net.layer("0.30").receptive_field[:2] == (212, 32)


@pytest.mark.parametrize("name", ["resnet18", "googlenet"])
def test_published_fields_of_deeper_networks(name):
    """ResNet-18 435 pixels, 32 apart (Distill's table); its first convolution sees 7 and begins 3 outside."""
    net = random_networks.network(name)
    first = {"resnet18": "conv1", "googlenet": "conv1.conv"}[name]
    assert net.layer(first).receptive_field == ReceptiveField(7, 2, -3)
    last = net.layer(net.cam_layer).receptive_field
    assert last.stride == 32
    assert last.size > net.input_size
    if name == "resnet18":
        assert last.size == 435


def test_field_of_lite0_depends_on_the_side_of_its_padding(lite0):
    """Its 3x3 stride-2 stem pads only below and to the right of an even-sized image: the field begins at 0."""
    assert lite0.layer("stem.conv").receptive_field == ReceptiveField(3, 2, 0)


def test_no_field_through_global_pooling(lite0):
    assert lite0.layer("head.relu").receptive_field is not None
    for name in ("pool", "flatten", "classifier"):
        assert lite0.layer(name).receptive_field is None


class Squeeze(nn.Module):
    """A convolution, a squeeze-and-excitation and another convolution."""

    def __init__(self):
        super().__init__()
        self.before = nn.Conv2d(3, 4, 3)
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 4, 1), nn.Sigmoid())
        self.after = nn.Conv2d(4, 4, 3)
        self.end = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        return self.end(self.after(x * self.gate(x)))


def test_no_field_through_squeeze_and_excitation():
    net = models.wrap(Squeeze(), input_size=32)
    assert net.layer("before").receptive_field == ReceptiveField(3, 1, 0)
    assert net.layer("gate").receptive_field is None
    assert net.layer("after").receptive_field is None
    assert brute_force(net, "after", 0, 0) == (0, 0, 32, 32)


class Branches(nn.Module):
    """Branches of different reach, dilation, stride, concatenation, a residual, a functional pad and pool."""

    def __init__(self):
        super().__init__()
        self.near = nn.Conv2d(3, 4, 1)
        self.far = nn.Conv2d(3, 4, 3, padding=2, dilation=2)
        self.same = nn.Conv2d(8, 8, 3, padding="same")
        self.joined = nn.Identity()
        self.down = nn.Conv2d(8, 8, (3, 3), stride=2)
        self.end = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.near(x), self.far(x)], 1)
        x = self.joined(x + torch.tanh(self.same(x)))
        x = self.down(F.avg_pool2d(F.pad(x, (1, 2, 1, 2)), 2))
        return self.end(x)


@pytest.mark.parametrize("cell", [(0, 0), (3, 2), (4, 4)])
@pytest.mark.parametrize("layer", ["near", "far", "joined", "down"])
def test_fields_through_branches(layer, cell):
    torch.manual_seed(0)
    net = models.wrap(Branches(), input_size=24)
    field = net.layer(layer).receptive_field
    assert brute_force(net, layer, *cell) == clipped(field.box(*cell), 24)


def test_box():
    assert ReceptiveField(7, 2, -3).box(0, 1) == (-3, -1, 4, 6)
