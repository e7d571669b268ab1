"""Another unit beside the unit: the pair against a slow way of its own, lots, correlations, and cases known by hand."""

import copy

import numpy as np
import pytest
import random_networks
import torch
from torch import nn

from vizcore import models
from vizcore.images.collection import open_collection
from vizcore.inspection import other_unit, top_patches
from vizcore.models import layers as model_layers

PLACES = {  # network: a layer, a unit and another, a cell
    "squeezenet1_1": ("fire4", 200, 17, (9, 14)),
    "efficientnet_lite0": ("stage3.block1.expand.norm", 3, 90, (20, 31)),
    "mini_vgg": ("block4.conv2", 5, 111, (6, 7)),
    "vgg11": ("features.8", 4, 9, (5, 2)),
}


def slowly(net, x, layer: str, unit: int, cell, rule: str | None) -> np.ndarray:
    """One drawing, by hooks on a private copy whose every activation function is a module."""

    def guided(module, into, out):
        return (into[0].clamp(min=0),)

    def deconvnet(module, into, out):
        return (out[0].clamp(min=0),)

    network, found = copy.deepcopy(net.network), {}
    for module in network.modules():
        if isinstance(module, nn.ReLU | nn.ReLU6 | nn.Hardtanh):
            module.inplace = False
            if rule:
                module.register_full_backward_hook(guided if rule == "guided" else deconvnet)
    network.get_submodule(layer).register_forward_hook(lambda module, into, out: found.update(out=out))
    x = x.detach().clone().requires_grad_()
    network(x)
    found["out"][0, unit, *cell].backward()
    return x.grad[0].numpy()


@pytest.mark.parametrize("rule", [None, "deconvnet", "guided"])
@pytest.mark.parametrize("name", PLACES)
def test_pair_equals_two_slow_drawings(name, rule):
    net, (layer, unit, other, cell) = random_networks.double(name), PLACES[name]
    x = net.preprocess(open_collection().open(3))
    pair = other_unit.beside(net, x, layer, unit, cell, rule, other)
    one, two = (slowly(net, x, layer, k, cell, rule) for k in (unit, other))
    assert one.any() or two.any()
    assert pair.units == (unit, other)
    for drawn, slow in zip(pair.drawings, (one, two), strict=True):
        assert np.abs(drawn - slow).max() <= 1e-9 * max(np.abs(slow).max(), 1e-30)
    box = (-4, 10, 60, 90)
    if one[:, :60, 10:90].any() and two[:, :60, 10:90].any():
        expected = np.corrcoef(one[:, :60, 10:90].ravel(), two[:, :60, 10:90].ravel())[0, 1]
        assert pair.correlation(box) == pytest.approx(expected, abs=1e-9)


def test_a_drawing_is_like_itself_whichever_comes_first():
    net = random_networks.double("mini_vgg")
    x = net.preprocess(open_collection().open(0))
    pair = other_unit.beside(net, x, "block3.conv2", 7, (5, 6), "guided", 7)
    assert pair.correlation() == pytest.approx(1, abs=1e-12)
    there = other_unit.beside(net, x, "block3.conv2", 7, (5, 6), "guided", 90)
    back = other_unit.beside(net, x, "block3.conv2", 90, (5, 6), "guided", 7)
    assert there.correlation() == pytest.approx(back.correlation(), abs=1e-12)
    assert np.array_equal(there.drawings, back.drawings[::-1])


def test_a_unit_with_the_opposite_and_one_with_other_weights():
    """Four kernels of 1 x 2 pixels: (1, 0), (-1, 0), (0, 1) and nothing; the drawing is the kernel at its place."""
    network = nn.Sequential(nn.Conv2d(1, 4, (1, 2), bias=False), nn.Flatten(), nn.Linear(4 * 4 * 3, 2))
    with torch.no_grad():
        network[0].weight[:] = torch.tensor([[1, 0], [-1, 0], [0, 1], [0, 0]]).float()[:, None, None]
    net = models.wrap(network, "hand", input_size=4, mean=(0,), std=(1,))
    x = torch.arange(1.0, 17).view(1, 1, 4, 4)
    pair = other_unit.beside(net, x, "0", 0, (2, 1), None, 1)
    assert pair.values.tolist() == [10, -10]
    assert pair.drawings[:, 0, 2, 1].tolist() == [1, -1] and np.abs(pair.drawings).sum() == 2
    assert pair.correlation() == pytest.approx(-1)
    # Of 16 numbers one is 1 in each, at different places: means 1/16, so (0 - 16/256) / (1 - 16/256) = -1/15.
    assert other_unit.beside(net, x, "0", 0, (2, 1), None, 2).correlation() == pytest.approx(-1 / 15)
    assert np.isnan(other_unit.beside(net, x, "0", 0, (2, 1), None, 3).correlation())
    assert np.isnan(pair.correlation((0, 0, 2, 4)))  # there both are zero everywhere
    assert np.isnan(pair.correlation((-3, -3, 0, 0)))  # outside the picture there is nothing


def test_the_lot_falls_on_another_active_unit_and_stays():
    values = np.array([5, 0, -1, 2, 0, 3, 0, 1.0])
    for unit in range(8):
        drawn = [other_unit.by_lot(values, unit, seed) for seed in range(60)]
        assert set(drawn) == {0, 3, 5, 7} - {unit}
        assert drawn == [other_unit.by_lot(values, unit, seed) for seed in range(60)]
    assert {other_unit.by_lot(-np.abs(values), 2, seed) for seed in range(90)} == set(range(8)) - {2}
    first = other_unit.by_lot(np.ones(8), 4)
    assert other_unit.by_lot(np.where(np.arange(8) == first, 1, -1.0), 4) == first
    with pytest.raises(ValueError, match="only one unit"):
        other_unit.by_lot(np.ones(1), 0)


def test_what_is_wrong_is_a_sentence():
    net = models.load("mini_vgg")
    for layer, unit, cell, other in (
        ("nothing", 0, (0, 0), None),
        ("block3.conv2", 128, (0, 0), None),
        ("block3.conv2", 0, (28, 0), None),
        ("block3.conv2", 0, (0, 0), -1),
    ):
        with pytest.raises(ValueError):
            other_unit.beside(net, net.blank(), layer, unit, cell, None, other)


def test_by_layer_is_the_mean_over_the_first_patches():
    net, pictures = random_networks.double("mini_vgg"), open_collection()
    few = pictures._replace(titles=pictures.titles[:6], digests=pictures.digests[:6])
    index = top_patches.build(net, few, 2)
    chosen, shares = {"block2.relu1": (3, 9, 20), "block5.relu2": (1, 2)}, []
    found = other_unit.by_layer(net, few, index, chosen, "guided", seed=5, progress=shares.append)
    for layer, units in chosen.items():
        start, alike = model_layers.before_relu(net, layer), []
        for unit in units:
            (hit,) = index.top(net, start, unit, 1)
            x = net.preprocess(few.open(hit.picture))
            pair = other_unit.beside(net, x, start, unit, hit.cell, "guided", seed=5)
            assert pair.units[1] != unit and pair.values[1] > 0
            top, left, bottom, right = top_patches.patch_box(net, net.layer(layer), hit.cell)
            one, two = pair.drawings[:, :, max(top, 0) : bottom, max(left, 0) : right].reshape(2, -1)
            alike.append(np.corrcoef(one, two)[0, 1])
        assert found[layer] == pytest.approx(np.mean(alike), abs=1e-9)
    assert shares == sorted(shares) and shares[-1] == 1


def test_late_guided_drawings_are_hardly_the_units_own_and_early_ones_are():
    """The sentence of the pages, on real weights; measured 0.98 to 1.00 late, 0.13 to 0.43 early, 0.1 for the plain."""
    pictures = open_collection()
    few = pictures._replace(titles=pictures.titles[:8], digests=pictures.digests[:8])
    for name in ("squeezenet1_1", "mini_vgg"):
        net = models.load(name)
        index = top_patches.build(net, few, 1)
        ends = [layer.name for layer in model_layers.block_ends(net)]
        chosen = {layer: top_patches.firing_most(net, index, layer, 6) for layer in (ends[0], ends[-1])}
        guided, plain = (other_unit.by_layer(net, few, index, chosen, rule) for rule in ("guided", None))
        assert guided[ends[-1]] > 0.9 and guided[ends[0]] < 0.75 and abs(plain[ends[-1]]) < 0.6
