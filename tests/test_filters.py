"""Kernels, templates and contributions against plain loops and the networks' own outputs."""

import base64

import numpy as np
import pytest
import random_networks
import torch
from torch import nn

from vizcore import models
from vizcore.images import gallery, handwriting
from vizcore.inspection import filters
from vizcore.models import layers as model_layers


@pytest.fixture(scope="module")
def linear():
    return models.load("digits_linear")


@pytest.fixture(scope="module")
def mlp():
    return models.load("digits_mlp")


def digit(index: int) -> torch.Tensor:
    return torch.from_numpy(gallery.digits()[2][index] / 255).float()[None, None]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("layer", ["stem.conv", "stage2.block1.depthwise.conv", "head.conv"])
def test_bank_is_the_weights_and_grey_levels_lead_back_to_them(lite0, layer, shared):
    weight = lite0.network.get_submodule(layer).weight
    bank = filters.filter_bank(lite0, layer)
    assert np.array_equal(bank, weight.numpy())
    scaled = filters.scale(bank, shared)
    assert scaled.grey.dtype == np.uint8
    step = (scaled.high - scaled.low) / 510
    back = scaled.low + scaled.grey / 255 * (scaled.high - scaled.low)
    assert (np.abs(back - bank) <= step + 1e-6).all()
    if shared:
        assert float(scaled.low.item()) == bank.min() and float(scaled.high.item()) == bank.max()
    else:
        for index in (0, len(bank) - 1):
            assert scaled.low[index].item() == bank[index].min()
            assert scaled.high[index].item() == bank[index].max()
            assert scaled.grey[index].max() == 255 and scaled.grey[index].min() == 0


@pytest.mark.parametrize(("name", "shape"), [("resnet18", (64, 3, 7, 7)), ("squeezenet1_1", (64, 3, 3, 3))])
def test_first_layers_of_the_zoo(name, shape):
    net = random_networks.network(name)
    assert filters.filter_bank(net, model_layers.convolutions(net)[0]).shape == shape


def test_equal_weights_have_a_grey_too():
    scaled = filters.scale(np.full((2, 1, 3, 3), 0.25, np.float32))
    assert (scaled.grey == 0).all() and (scaled.low == 0.25).all() and (scaled.high == 0.25).all()


def test_the_bank_cannot_change_the_network(lite0):
    before = lite0.network.get_submodule("stem.conv").weight.clone()
    filters.filter_bank(lite0, "stem.conv")[:] = 0
    assert torch.equal(lite0.network.get_submodule("stem.conv").weight, before)


def test_norms_and_order_as_in_a_loop(lite0):
    bank = filters.filter_bank(lite0, "stem.conv")
    slow = [sum(float(w) ** 2 for w in kernel.ravel()) ** 0.5 for kernel in bank]
    assert filters.norms(bank) == pytest.approx(slow)
    assert list(filters.order(bank, "norm")) == sorted(range(32), key=lambda k: -slow[k])
    assert list(filters.order(bank, "index")) == list(range(32))
    with pytest.raises(ValueError, match="sorted by"):
        filters.order(bank, "colour")


def test_faces_are_colour_one_channel_or_the_mean(lite0):
    first, deep = (filters.filter_bank(lite0, name) for name in ("stem.conv", "stage2.block1.expand.conv"))
    assert filters.faces(first).shape == (32, 3, 3, 3)
    assert np.array_equal(filters.faces(first, 2), first[:, 2])
    assert filters.faces(deep)[5, 0, 0] == pytest.approx(deep[5, :, 0, 0].mean(), abs=1e-6)
    with pytest.raises(ValueError, match="input channels 0 to 2"):
        filters.faces(first, 3)


def test_layers_without_kernels_are_named(lite0, linear):
    with pytest.raises(ValueError, match="not a convolution"):
        filters.filter_bank(lite0, "stem.relu")
    assert model_layers.convolutions(linear) == ()
    with pytest.raises(ValueError, match="no fully connected layer on its pixels"):
        filters.templates(lite0)


@pytest.mark.parametrize("node", range(10))
def test_contributions_sum_to_the_logit_minus_the_bias(linear, node):
    x = digit(node)
    part = filters.contributions(linear, x, node)
    assert part.values.shape == (28, 28)
    assert part.output == pytest.approx(float(linear(x)[0, node]))
    assert part.values.sum() == pytest.approx(part.output - part.bias, abs=1e-4)
    assert (part.values[x[0, 0].numpy() == 0] == 0).all()
    naive = [
        [float(linear.network.linear.weight[node, 28 * r + c]) * float(x[0, 0, r, c]) for c in range(28)]
        for r in range(28)
    ]
    assert np.allclose(part.values, naive, atol=1e-7)


@pytest.mark.parametrize("node", [0, 64, 127])
def test_contributions_sum_to_the_hidden_preactivation(mlp, node):
    x = digit(7)
    part = filters.contributions(mlp, x, node)
    before = mlp.forward(x, capture=["hidden"])[1]["hidden"][0, node]
    assert part.values.sum() + part.bias == pytest.approx(float(before), abs=1e-4)


def test_contributions_of_a_layer_without_bias():
    net = models.wrap(nn.Sequential(nn.Flatten(), nn.Linear(16, 3, bias=False)), input_size=4, mean=(0,), std=(1,))
    x = torch.rand(1, 1, 4, 4)
    part = filters.contributions(net, x, 2)
    assert part.bias == 0
    assert part.values.sum() == pytest.approx(float(net(x)[0, 2]), abs=1e-6)


def test_a_node_that_does_not_exist(linear):
    with pytest.raises(ValueError, match="nodes 0 to 9"):
        filters.contributions(linear, digit(0), 10)


def test_mean_digits(mlp):
    images, labels = gallery.digits()[:2]
    assert filters.class_means(images, labels)[3] == pytest.approx(
        sum(image.astype(float) for image, name in zip(images, labels, strict=True) if name == 3) / (labels == 3).sum()
    )
    few = images[:50]
    with torch.no_grad():
        hidden = mlp.forward(torch.from_numpy(few / 255).float()[:, None], capture=["hidden"])[1]["hidden"]
    best = hidden[:, 5].argsort(descending=True)[:3].numpy()
    assert filters.node_mean(mlp, 5, few, count=3) == pytest.approx(few[best].mean(0))


def test_the_exercise_on_the_template_of_zero_is_true(linear):
    assert (filters.templates(linear)[0, 0, 11:16, 13:15] < 0).all()


# Drawn digits.


def test_a_drawing_is_sized_and_centred_as_in_mnist():
    ink = np.zeros((84, 84), np.uint8)
    ink[5:45, 60:70] = 255
    page = handwriting.normalize(ink)
    rows, columns = np.nonzero(page.max(1))[0], np.nonzero(page.max(0))[0]
    assert rows[-1] - rows[0] + 1 == 20 and columns[-1] - columns[0] + 1 == 5
    mass = page.astype(float)
    centre = [float((mass.sum(axis) @ np.arange(28)) / mass.sum()) for axis in (1, 0)]
    assert centre == pytest.approx([13.5, 13.5], abs=0.51)


def test_test_digits_survive_being_drawn_elsewhere(linear):
    images, labels = gallery.digits()[2:]
    right = 0
    for index in range(100):
        canvas = np.zeros((84, 84), np.uint8)
        canvas[40:80, 2:42] = np.kron(images[index][4:24, 4:24], np.ones((2, 2), np.uint8))
        x = torch.from_numpy(handwriting.normalize(canvas) / 255).float()[None, None]
        right += int(linear(x).argmax()) == labels[index]
    assert right >= 80


def test_only_a_whole_drawing_is_read():
    ink = np.arange(16, dtype=np.uint8).reshape(4, 4)
    sent = base64.b64encode(ink.tobytes()).decode()
    assert np.array_equal(handwriting.read(sent, 4), ink)
    for wrong in (None, "", "no base64!", sent[:-4], base64.b64encode(bytes(16)).decode()):
        assert handwriting.read(wrong, 4) is None
    assert not handwriting.normalize(np.zeros((4, 4), np.uint8)).any()
