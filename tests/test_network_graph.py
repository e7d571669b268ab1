"""The data flow of networks whose shape is known, and the drawing of it."""

import pytest
import random_networks
import torch
from torch import nn

from vizcore import models
from vizcore.figures import graph as graph_figures
from vizcore.figures import sentences
from vizcore.inspection import layer_gradients
from vizcore.inspection.layer_gradients import Quantity
from vizcore.models import graph as network_graph


class Small(nn.Module):
    """One shortcut, one ReLU used twice and in place, one concatenation, one block that is its last layer."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.second = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4))
        self.left, self.right = nn.Conv2d(4, 2, 1), nn.Conv2d(4, 3, 1)
        self.drop, self.head = nn.Dropout(), nn.Linear(5, 3)

    def forward(self, x):
        x = self.relu(self.first(x))
        y = self.second(x)
        y += x
        y = self.relu(y)
        y = torch.cat([self.left(y), self.right(y)], 1).mean((2, 3))
        return self.head(self.drop(y))


def net_of(name):
    embedded = name in models.MODELS and models.status(name) == "embedded"
    return models.load(name) if embedded else random_networks.network(name)


def named_edges(graph: network_graph.Graph) -> set[tuple[str, str]]:
    """(from, to) by name, joins without a name left out: their inputs go on to what follows."""
    shown = [number for number, node in enumerate(graph.nodes) if node.names]
    kept = graph.keep(shown, joins=False)
    return {(kept.nodes[a].name, kept.nodes[b].name) for a, b in kept.edges}


def test_edges_of_a_small_network():
    net = models.wrap(Small(), input_size=8, mean=(0.0,), std=(1.0,))
    graph = network_graph.trace(net)
    joins = [node.join for node in graph.nodes if node.join]
    assert joins == ["+", "concat"]
    assert named_edges(graph) == {
        ("input", "first"),
        ("first", "second.0"),
        ("second.0", "second.1"),
        ("second.1", "relu"),
        ("first", "relu"),
        ("relu", "left"),
        ("relu", "right"),
        ("left", "drop"),
        ("right", "drop"),
        ("drop", "head"),
        ("head", "score"),
    }
    assert graph.nodes[graph.find("second")].names == ("second.1", "second")
    cut = graph.find("second.1")
    before = {name for at in graph.before(cut) for name in graph.nodes[at].names}
    assert before == {"input", "first", "second.0", "second.1", "second"}
    assert {graph.nodes[at].name for at in graph.after(graph.find("left"))} >= {"left", "head", "score"}
    assert graph.find("right") not in graph.after(graph.find("left"))


EDGES = {
    "efficientnet_lite0": {
        ("stage2.block1.project.norm", "stage2.block2"),
        ("stage2.block2.project.norm", "stage2.block2"),
        ("stage2.block1.project.norm", "stage2.block2.expand.conv"),
    },
    "resnet18": {
        ("layer1.0.bn2", "layer1.0.relu"),
        ("maxpool", "layer1.0.relu"),
        ("layer2.0.downsample.1", "layer2.0.relu"),
        ("layer1.1.relu", "layer2.0.downsample.0"),
    },
    "vgg11": {("features.0", "features.1"), ("features.18", "features.19")},
    "digits_mlp": {
        ("input", "flatten"),
        ("flatten", "hidden"),
        ("hidden", "relu"),
        ("relu", "linear"),
        ("linear", "score"),
    },
}


@pytest.mark.parametrize("name", EDGES)
def test_known_edges(name):
    net = net_of(name)
    edges = named_edges(network_graph.trace(net))
    assert edges >= EDGES[name]
    if name == "digits_mlp":
        assert edges == EDGES[name]


def test_four_branches_meet_in_an_inception_block():
    graph = network_graph.trace(net_of("googlenet"))
    block = graph.nodes[graph.find("inception3a")]
    assert block.join == "concat"
    names = {name for source in block.inputs for name in graph.nodes[source].names}
    assert names >= {"inception3a.branch1", "inception3a.branch2.1", "inception3a.branch3.1", "inception3a.branch4.1"}


@pytest.mark.parametrize(
    "name",
    [
        "efficientnet_lite0",
        "mini_vgg",
        "mini_alexnet",
        "digits_linear",
        "resnet18",
        "googlenet",
        "densenet121",
        "mobilenet_v2",
        "squeezenet1_1",
    ],
)
def test_a_path_in_the_graph_is_a_gradient_and_the_reverse(name):
    """Independent of autograd's record: cut at a layer, and see which of the earlier ones get a gradient."""
    net = net_of(name)
    graph = network_graph.trace(net)
    names = network_graph.choices(net)
    assert set(names) == {layer.name for layer in net.layers}
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, net.channels, net.input_size, net.input_size, generator=generator)
    for layer in names[:: max(1, len(names) // 6)]:
        found = layer_gradients.all_gradients(net, x, Quantity("cut", 0, layer, "sum")).gradients
        reached = {n for at in graph.before(graph.find(layer)) for n in graph.nodes[at].names}
        for other, gradient in found.items():
            assert (gradient is not None) == (other in reached), (layer, other)


@pytest.mark.parametrize("name", random_networks.NAMES)
def test_blocks_are_few_and_show_the_chosen_layer(name):
    net = net_of(name)
    assert len(network_graph.blocks(net).nodes) <= 40
    assert net.layer(network_graph.middle(net)).spatial
    for layer in network_graph.choices(net)[::17]:
        graph = network_graph.blocks(net, layer)
        assert graph.find(layer) is not None
        if name != "densenet121":  # a dense block opened is long
            assert len(graph.nodes) <= 60
        assert all(source < at for source, at in graph.edges)


@pytest.mark.parametrize("per_row", graph_figures.PER_ROW)
@pytest.mark.parametrize("name", ["efficientnet_lite0", "googlenet", "digits_mlp"])
def test_nothing_lies_on_anything_else(name, per_row):
    net = net_of(name)
    for graph in (network_graph.blocks(net, network_graph.middle(net)), network_graph.trace(net)):
        places = graph_figures.place(graph, per_row)
        boxes = sorted(places.nodes)
        for number, (x, y) in enumerate(boxes):
            assert 51 <= x <= places.width - 51 and 21 <= y <= places.height - 21
            for other in boxes[number + 1 : number + 40]:
                assert abs(other[0] - x) >= 30 or abs(other[1] - y) >= 42
        for (source, to), way in zip(graph.edges, places.edges, strict=True):
            assert way[0][1] == places.nodes[source][1] and way[-1][1] == places.nodes[to][1]


def test_drawing_dims_what_is_cut_off_and_colours_by_size():
    net = net_of("efficientnet_lite0")
    layer = "stage5.block3"
    sizes = {name: layer_gradients.Size(10.0**-at, 1.0, 1) for at, name in enumerate(["input", "stem.relu"])}
    graph = network_graph.blocks(net, layer)
    drawn = graph_figures.drawing(graph, sizes, "rms", layer, ("score", "cut off"), True)
    by_name = {node["name"]: node for node in drawn["nodes"]}
    assert [node["name"] for node in drawn["nodes"] if node["chosen"]] == [layer]
    assert by_name[layer]["join"] == "+" and not by_name[layer]["off"]
    assert by_name["classifier"]["off"] and not by_name["stage4.block1"]["off"]
    assert by_name["stem.relu"]["fill"] == graph_figures.colour(0.1, (0.1, 1.0))[0] != drawn["nodes"][0]["fill"]
    assert by_name["stage4.block1"]["fill"] == graph_figures.NO_GRADIENT
    alive = sum(edge["on"] for edge in drawn["edges"])
    assert 0 < alive < len(drawn["edges"]) and all(edge["on"] != edge["off"] for edge in drawn["edges"])
    assert not any(
        node["off"] for node in graph_figures.drawing(graph, sizes, "rms", layer, ("loss", "s"), False)["nodes"]
    )
    assert [len(layout["at"]) for layout in drawn["layouts"]] == [len(graph.nodes)] * len(graph_figures.PER_ROW)
    assert [len(layout["ways"]) for layout in drawn["layouts"]] == [len(drawn["edges"])] * len(graph_figures.PER_ROW)


def test_words_about_the_sizes():
    says = sentences.gradient_by_depth
    assert "30 times smaller" in says(["picture", "a", "b"], [1.0, 5.0, 30.0], "rms", "logit")
    assert "neither" in says(["picture", "a", "b"], [1.0, 5.0, 30.0], "rms", "logit")
    assert "vanishes" in says(["picture", "b"], [1e-9, 1.0], "rms", "logit")
    assert "explodes" in says(["picture", "b"], [1e9, 1.0], "rms", "logit")
    assert "does not reach" in says(["picture", "b"], [0.0, 1.0], "rms", "logit")
    assert "<script>" not in graph_figures.legend((1, 10), "<script>")
