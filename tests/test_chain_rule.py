"""The chain rule: on nine numbers against hand and autograd, on networks against one pass with plain hooks."""

import pytest
import torch
from random_networks import double, network, photographs, plain

from vizcore import models
from vizcore.figures import chain as chain_figures
from vizcore.inspection import chain_rule


def by_autograd(x1, x2, weight, target):
    """The same network as matrices."""
    x = torch.tensor([x1, x2], dtype=torch.float64, requires_grad=True)
    z = torch.tensor([[1, 2], [weight, -1]], dtype=torch.float64) @ x
    a = z.relu()
    m = torch.tensor([[1.0, -2], [1, 1]], dtype=torch.float64) @ a
    nodes = {"z1": z[0], "z2": z[1], "a1": a[0], "a2": a[1], "m1": m[0], "m2": m[1], "s": 2 * m[0] + m[1]}
    return nodes[target].item(), torch.autograd.grad(nodes[target], x)[0].tolist()


@pytest.mark.parametrize("numbers", [(1, 1, 2), (1, 2.5, 2), (-3, 1, -1.5), (0, 0, 2), (2, 1, 0)])
@pytest.mark.parametrize("target", chain_rule.TARGETS)
def test_small_network_equals_autograd(numbers, target):
    graph = chain_rule.forward(*numbers)
    gradients = chain_rule.backward(graph, target)
    value, expected = by_autograd(*numbers, target)
    assert graph.values[target] == pytest.approx(value)
    assert [gradients.get("x1", 0), gradients.get("x2", 0)] == pytest.approx(expected)


def test_small_network_by_hand():
    graph = chain_rule.forward(1, 1)
    assert graph.values == {"x1": 1, "x2": 1, "z1": 3, "z2": 1, "a1": 3, "a2": 1, "m1": 1, "m2": 4, "s": 6}
    assert chain_rule.backward(graph, "s") == {
        "s": 1,
        "m1": 2,
        "m2": 1,
        "a1": 3,
        "a2": -3,
        "z1": 3,
        "z2": -3,
        "x1": -3,
        "x2": 9,
    }
    assert set(chain_rule.backward(graph, "a2")) == {"a2", "z2", "x1", "x2"}


def test_graph_shows_every_number_and_the_cut():
    graph = chain_rule.forward(1, 2.5)
    gradients = chain_rule.backward(graph, "m1")
    svg = chain_figures.chain_graph(graph, gradients, "m1")
    assert svg.count('class="node') == 9 and svg.count("shut, 0") == 1 and svg.count("open, 1") == 1
    assert "z₂ = −0.5" in svg and svg.count('class="back"') == len(gradients) == 7
    assert svg.count("node away") == 2 and svg.count("data-node") == len(chain_rule.TARGETS)
    assert chain_figures.paths(graph, gradients, "m1", "x2").endswith(r"2 \cdot 1 + (-1) \cdot 0 = 2")


def with_hooks(net, x, layer, index):
    """The neuron's gradient by one backward pass through an ordinary copy of the network."""
    module, kept = plain(net), {}
    module.get_submodule(layer).register_forward_hook(lambda m, i, out: kept.update(out=out.clone()))
    x = x.clone().requires_grad_()
    module(x)
    return torch.autograd.grad(kept["out"][0].flatten()[index], x)[0][0]


@pytest.mark.parametrize("name", ["efficientnet_lite0", "vgg11", "resnet18", "densenet121", "squeezenet1_1"])
def test_two_pieces_equal_one_pass_and_plain_hooks(name):
    net, x = double(name), photographs(96, 128)[:1].double()
    stops = chain_rule.layers(net)
    layer = stops[len(stops) // 2]
    for middle in (stops[0], stops[len(stops) // 2 - 1]):
        found = chain_rule.two_pieces(net, x, layer, middle)
        assert found.around is None and found.gap < 1e-10
        with torch.no_grad():
            maps = net.forward(x, capture=[found.layer])[1][found.layer][0]
        index = maps.argmax()
        assert (found.channel, *found.cell) == tuple(int(i) for i in torch.unravel_index(index, maps.shape))
        expected = with_hooks(net, x, found.layer, index)
        assert (found.chained - expected).abs().max() < 1e-10 * expected.abs().max()
        assert found.middle.ndim == 3 and found.middle.any()


def test_paths_around_the_middle_layer_are_added():
    net, x = double("resnet18"), photographs(96, 96)[:1].double()
    found = chain_rule.two_pieces(net, x, "layer2.1", "layer2.1.conv1")
    assert found.around is not None and found.gap < 1e-10
    assert (found.direct - found.chained).abs().max() > 0.01 * found.direct.abs().max()


def test_middle_layer_behind_the_neuron_is_a_sentence():
    net, x = network("vgg11"), photographs(96, 96)[:1]
    with pytest.raises(ValueError, match="does not depend on"):
        chain_rule.two_pieces(net, x, "features.1", "features.7")


def test_default_layer_sees_a_part_only():
    net = models.load("mini_vgg")
    assert chain_rule.default_layer(net) == "block4.relu2"
    assert chain_rule.default_layer(models.load("digits_linear")) is None
