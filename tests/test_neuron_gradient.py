"""Gradients of single neurons: against a slow implementation, finite differences, and the receptive field."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import random_networks
import torch
from torch import Tensor, nn

from vizcore import models
from vizcore.images.collection import Collection, open_collection
from vizcore.inspection import neurons
from vizcore.inspection.neurons import (
    along,
    best,
    central_box,
    default_layer,
    field_box,
    grey_level,
    holds_until,
    salient_unit,
    spread,
    strongest,
    window,
)
from vizcore.inspection.top_patches import Hit
from vizcore.inspection.unit_gradients import gradient as gradient_of
from vizcore.methods import relu_rules
from vizcore.models import Layer, Net
from vizcore.models.receptive_field import ReceptiveField

RULES = (None, "guided", "deconvnet")


def slow(net: Net, x: Tensor, layer: str, unit: int, cell: tuple[int, ...]) -> tuple[float, np.ndarray]:
    """One picture, the whole network forward, `.backward()` on one number, on an ordinary copy of the module."""
    module, kept = random_networks.plain(net), []

    def keep(part: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
        kept.append(output)
        return output.clone()  # an in-place ReLU may follow

    module.get_submodule(layer).register_forward_hook(keep)
    x = x.detach().clone().requires_grad_()
    module(x)
    neuron = kept[-1][(0, unit, *cell)]
    neuron.backward()
    return float(neuron.detach()), x.grad[0].numpy()


def deep_layers(net: Net) -> tuple[str, str]:
    """One in the middle, and the last with maps."""
    maps = [layer.name for layer in net.layers if layer.spatial and layer.kind in ("conv", "norm", "relu", "block")]
    return maps[len(maps) // 2], maps[-1]


@pytest.mark.parametrize("name", random_networks.NAMES)
def test_equals_full_forward_and_backward(name):
    net, x = random_networks.double(name), random_networks.photographs(96, 128).double()
    for layer in deep_layers(net):
        found = gradient_of(net, x, layer, 3)
        for n in range(2):
            value, expected = slow(net, x[n : n + 1], layer, 3, found.cells[n])
            assert found.values[n] == pytest.approx(value, rel=1e-10, abs=1e-12)
            scale = np.abs(expected).max()
            assert np.abs(found.gradients[n] - expected).max() <= 1e-10 * scale
            assert found.gradients[n].any() == expected.any()


def test_equals_full_forward_and_backward_in_small_networks():
    for name, layer in (("mini_vgg", "block4.relu2"), ("digits_cnn", "conv2_2"), ("digits_mlp", "hidden")):
        net = random_networks.double(name)
        shape = 1, net.channels, net.input_size, net.input_size
        x = torch.randn(shape, generator=torch.Generator().manual_seed(0)).double()
        found = gradient_of(net, x, layer, 5)
        cell = found.cells[0] if net.layer(layer).spatial else ()
        value, expected = slow(net, x, layer, 5, cell)
        assert found.values[0] == pytest.approx(value, rel=1e-10, abs=1e-12)
        assert found.gradients[0] == pytest.approx(expected, abs=1e-10 * float(np.abs(expected).max()))
        assert expected.any()


def test_equals_finite_differences_in_double_precision():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        module = nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 3, 3),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(3, 2),
        )
        x = torch.randn(1, 2, 10, 14, dtype=torch.float64)
    net = models.wrap(module, input_size=10, mean=(0, 0), std=(1, 1))
    net.network.double()
    for cell in ((0, 0), (1, 2), (2, 4)):
        found = gradient_of(net, x, "3", 1, cell)

        def neuron(moved: Tensor, cell=cell) -> float:
            return float(net.network[:4](moved)[0, 1, cell[0], cell[1]])

        expected, step = np.zeros(x.shape[1:]), 1e-6
        for at in np.ndindex(*x.shape[1:]):
            ends = [x.clone(), x.clone()]
            ends[0][(0, *at)] += step
            ends[1][(0, *at)] -= step
            expected[at] = (neuron(ends[0]) - neuron(ends[1])) / (2 * step)
        assert found.values[0] == pytest.approx(neuron(x))
        assert found.gradients[0] == pytest.approx(expected, abs=1e-7)
        assert np.abs(expected).max() > 0.01


@pytest.mark.parametrize("rule", RULES)
def test_a_batch_equals_one_at_a_time(rule):
    net, x = random_networks.double("efficientnet_lite0"), random_networks.photographs(96, 128).double()
    x = torch.cat([x, x.flip(3)[:1]])
    cells = [(0, 0), (5, 7), (2, 3)]
    together = gradient_of(net, x, "stage4.block1.expand.norm", 9, cells, rule)
    for n, cell in enumerate(cells):
        alone = gradient_of(net, x[n : n + 1], "stage4.block1.expand.norm", 9, cell, rule)
        assert alone.cells[0] == cell == together.cells[n]
        assert together.values[n] == pytest.approx(alone.values[0], rel=1e-10)
        scale = np.abs(alone.gradients).max()
        assert np.abs(together.gradients[n] - alone.gradients[0]).max() <= 1e-10 * scale


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("name", "layer"),
    [("efficientnet_lite0", "stage5.block1.expand.norm"), ("mini_vgg", "block4.conv2"), ("resnet18", "layer3.0.bn1")],
)
def test_equals_the_gradient_of_a_whole_run(name, layer, rule):
    net = random_networks.double(name)
    x = random_networks.photographs(net.input_size, net.input_size).double()
    leaf = x.clone().requires_grad_()
    with relu_rules.relu_rule(rule) if rule else contextlib.nullcontext():
        acts = net.forward(leaf, capture=[layer])[1][layer]
    expected = torch.autograd.grad(acts[:, 7, 2, 1].sum(), leaf)[0].numpy()
    found = gradient_of(net, x, layer, 7, (2, 1), rule).gradients
    assert np.abs(found - expected).max() <= 1e-10 * np.abs(expected).max()


# Nothing outside the receptive field.


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", [*random_networks.NAMES, "mini_vgg"])
def test_exactly_zero_outside_the_receptive_field(name, rule):
    net = models.load(name) if name == "mini_vgg" else random_networks.network(name)
    x = random_networks.photographs(96, 160)[:1]
    maps = [
        layer
        for layer in net.layers
        if layer.spatial
        and layer.receptive_field
        and 6 <= layer.receptive_field.size <= 120
        and layer.kind in ("conv", "norm", "relu", "pool")
    ]
    seen = 0
    for layer in (maps[0], maps[len(maps) // 2], maps[-1]):
        with torch.no_grad():
            rows, columns = net.forward(x, capture=[layer.name])[1][layer.name].shape[2:]
        for cell in ((0, 0), (rows - 1, columns - 1), (rows // 2, 0), (rows // 2, columns // 2)):
            gradient = gradient_of(net, x, layer.name, 1, cell, rule).gradients[0]
            top, left, bottom, right = field_box(layer, cell, 96, 160)
            outside = gradient.copy()
            outside[:, top:bottom, left:right] = 0
            assert not outside.any(), (layer.name, cell)
            found = spread(gradient, layer, cell)
            assert found.outside == 0 and found.inside == (1 if found.total else 0)
            assert found.pixels <= found.field_pixels == (bottom - top) * (right - left)
            seen += found.total > 0
    assert seen >= 4


def test_first_convolution_gives_its_kernel(lite0):
    x = random_networks.photographs(96, 128)
    field = lite0.layer("stem.conv").receptive_field
    found = gradient_of(lite0, x, "stem.conv", 4, (10, 20)).gradients
    top, left, bottom, right = field.box(10, 20)
    kernel = lite0.network.get_submodule("stem.conv").weight[4].numpy()
    for gradient in found:
        assert np.array_equal(gradient[:, top:bottom, left:right], kernel)


# Choosing, and the boxes.


def test_strongest_cell_is_taken_where_none_is_given(lite0):
    x = random_networks.photographs(96, 128)
    found = gradient_of(lite0, x, "stage3.block1.expand.norm", 2)
    maps = lite0.forward(x, capture=["stage3.block1.expand.norm"])[1]["stage3.block1.expand.norm"][:, 2].numpy()
    for values, cell, value in zip(maps, found.cells, found.values, strict=True):
        assert values[cell] == pytest.approx(values.max()) == pytest.approx(value)
        assert strongest(values) == cell


def test_strongest_in_a_given_row_or_column():
    values = np.array([[1.0, 9, 2], [7, 3, -8]])
    assert strongest(values) == (0, 1)
    assert strongest(values, row=1) == (1, 0)
    assert strongest(values, column=2) == (0, 2)
    assert strongest(values, 1, 2) == (1, 2)


def test_map_that_stands_out():
    flat, peak, off = np.full((2, 2), 6.0), np.array([[0, 5.0], [0, 0]]), np.full((2, 2), -9.0)
    assert salient_unit(np.stack([flat, off, peak])) == 2
    assert salient_unit(np.array([-3.0, -1, -2]).reshape(3, 1, 1)) == 1


def test_boxes_and_spread_on_a_literal_gradient():
    layer = Layer("a", "conv", (1, 4, 4), ReceptiveField(4, 2, -1))
    assert field_box(layer, (0, 1), 8, 6) == (0, 1, 3, 5)
    assert central_box(layer, (0, 1), 8, 6) == (0, 2, 2, 4)
    assert window(layer, (0, 1), 8) == (-1, 1, 3, 5)
    assert window(layer, (0, 1), 3) == (0, 1, 3, 3)
    gradient = np.zeros((2, 8, 6), np.float32)
    gradient[0, 0, 1], gradient[1, 1, 3], gradient[0, 7, 0] = -3, 4, 1
    found = spread(gradient, layer, (0, 1))
    assert found == (8, 1, 7 / 8, 0.5, 4 / 12, 3, 12)
    assert spread(0 * gradient, layer, (0, 1))[:4] == (0, 0, 0, 0)
    whole = Layer("b", "linear", (5,))
    assert field_box(whole, (0, 0), 8, 6) == (0, 0, 8, 6) and window(whole, (0, 0), 8) == (0, 0, 8, 8)
    assert central_box(whole, (0, 0), 8, 8) == (2, 2, 6, 6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("mini_vgg", "block4.relu1"), ("digits_cnn", "relu2_2"), ("digits_linear", "linear"), ("digits_mlp", "linear")],
)
def test_default_layer_sees_at_most_half_the_picture(name, expected):
    assert default_layer(models.load(name)) == expected


def test_wrong_choices_are_named(lite0):
    x = random_networks.photographs(96, 128)[:1]
    with pytest.raises(ValueError, match="no layer called"):
        gradient_of(lite0, x, "nothing", 0)
    with pytest.raises(ValueError, match="units 0 to 31, not 32"):
        gradient_of(lite0, x, "stem.relu", 32)
    with pytest.raises(ValueError, match="48 x 64 cells; there is none at row 48"):
        gradient_of(lite0, x, "stem.relu", 0, (48, 0))


# A step along the gradient.


def test_the_promise_is_exact_in_a_linear_network():
    net = models.load("digits_linear")
    x = torch.randn(1, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    found = gradient_of(net, x, "linear", 4)
    steps = (-20.0, -1.0, 0.0, 0.5, 3.0, 50.0)
    actual = along(net, x, found.gradients[0], "linear", 4, (0, 0), steps)
    assert actual == pytest.approx(found.values[0] + np.linalg.norm(found.gradients[0]) * np.array(steps), rel=1e-4)


def test_the_promise_holds_for_small_steps(lite0):
    layer, x = "stage4.block2.expand.norm", random_networks.photographs(96, 128)[:1]
    found = gradient_of(lite0, x, layer, 375)
    cell, gradient = found.cells[0], found.gradients[0]
    grey = grey_level(lite0, gradient)
    moved = grey * gradient / np.linalg.norm(gradient) * np.array(lite0.std, np.float32)[:, None, None]
    assert np.abs(moved).max() == pytest.approx(1 / 255, rel=1e-4)
    steps = (0.05 * grey, 0.1 * grey)
    actual = along(lite0, x, gradient, layer, 375, cell, steps) - found.values[0]
    assert actual == pytest.approx(np.linalg.norm(gradient) * np.array(steps), rel=0.1)
    shift = torch.from_numpy(3 * gradient / np.linalg.norm(gradient))
    expected = lite0.forward(x + shift, capture=[layer])[1][layer][0, 375][cell]
    assert along(lite0, x, gradient, layer, 375, cell, [3.0])[0] == pytest.approx(float(expected), rel=1e-4)
    assert grey_level(lite0, 0 * gradient) == 0


def test_where_the_promise_breaks():
    steps, promised = (1, 2, 4), np.array([1.0, 2, 4])
    assert holds_until(steps, promised, np.array([1.05, 1.9, 3.9]), 0.1) == 3
    assert holds_until(steps, promised, np.array([1.05, 1.7, 3.9]), 0.1) == 1
    assert holds_until(steps, promised, np.array([0.0, 2, 4]), 0.1) == 0


def test_answers_of_a_vector_layer_are_ranked():
    net = models.load("digits_mlp")
    pictures = open_collection(channels=net.channels)
    few = Collection(pictures.titles[:6], pictures.digests[:6], pictures.open)
    done = []
    found = neurons.answers(net, few, "linear", done.append)
    logits = net(torch.cat([net.preprocess(pictures.open(n)) for n in range(6)])).numpy()
    assert found == pytest.approx(logits, rel=1e-4, abs=1e-5) and done[-1] == 1
    order = np.argsort(-logits[:, 3], kind="stable")
    assert best(found, 3, 4) == tuple(Hit(int(n), float(found[n, 3]), (0, 0)) for n in order[:4])


def test_threads_do_not_disturb_each_other(lite0):
    x = random_networks.photographs(96, 96)[:1]
    jobs = [("stem.norm", 3, None), ("stage3.block1.expand.norm", 5, "guided"), ("head.norm", 7, "deconvnet")] * 3

    def work(job):
        return gradient_of(lite0, x, job[0], job[1], None, job[2]).gradients

    serial = [work(job) for job in jobs]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(work, jobs))
    assert all(np.array_equal(a, b) for a, b in zip(serial, together, strict=True))
    assert all(p.grad is None for p in lite0.network.parameters()) and not lite0.network.training
