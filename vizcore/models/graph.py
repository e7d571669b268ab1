"""The data flow of a network as a graph: which layer's output goes into which, with shortcuts and concatenations.

The edges are read off autograd's own graph of one forward pass: from each layer's output it is followed back to the
layers before. So it shows what was computed, whatever the module tree looks like: a residual addition written as `+`,
a `torch.cat`, a ReLU in place. Nothing is traced and the network is not changed.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import nn
from torch.autograd.graph import Node as AutogradNode

from vizcore.models.layers import class_maps
from vizcore.models.net import Layer, Net
from vizcore.models.partial import noting
from vizcore.types import INPUT, SCORE

_JOINS = {
    "AddBackward0": "+",
    "CatBackward0": "concat",
    "MulBackward0": "×",
    "SubBackward0": "−",
    "StackBackward0": "concat",
    "DivBackward0": "÷",
    "BmmBackward0": "×",
}
_QUIET = ("flatten", "dropout", "identity")  # they hand on the numbers they got
_graphs: WeakKeyDictionary[Net, "Graph"] = WeakKeyDictionary()


@dataclass(frozen=True)
class Node:
    """A tensor on its way through the network.

    Attributes:
        names: the layers whose output it is, innermost first; empty where no module gives it out. The picture is
            "input", the number at the end "score".
        inputs: positions of the nodes it is computed from, in order, none twice.
        join: "+", "concat", "×" or "joined" where several of them meet in the last operation, else "".
        shape: without the batch.
        kinds: of the layers drawn as this node, in the order of execution.
    """

    names: tuple[str, ...]
    inputs: tuple[int, ...]
    join: str = ""
    shape: tuple[int, ...] = ()
    kinds: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The layer's name; "" for a join without one."""
        return self.names[0] if self.names else ""


@dataclass(frozen=True)
class Graph:
    """Nodes in an order in which each comes after its inputs; the picture is first, the score last."""

    nodes: tuple[Node, ...] = field(repr=False)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: number for number, node in enumerate(self.nodes) for name in node.names}

    def find(self, name: str) -> int | None:
        """Position of the node a layer gives out; None where it is not on the way from the picture."""
        return self._index.get(name)

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """(from, to), as positions."""
        return tuple((source, number) for number, node in enumerate(self.nodes) for source in node.inputs)

    def before(self, number: int) -> frozenset[int]:
        """The node and all that it is computed from."""
        seen, waiting = {number}, [number]
        while waiting:
            for source in self.nodes[waiting.pop()].inputs:
                if source not in seen:
                    seen.add(source)
                    waiting.append(source)
        return frozenset(seen)

    def after(self, number: int) -> frozenset[int]:
        """The node and all that is computed from it."""
        seen = {number}
        for at in range(number + 1, len(self.nodes)):
            if seen.intersection(self.nodes[at].inputs):
                seen.add(at)
        return frozenset(seen)

    def keep(self, shown: Collection[int], joins: bool = True) -> "Graph":
        """The same flow with only these nodes, the picture and the score.

        Args:
            joins: keep nodes without a name too, where different kept nodes meet.
        """
        wanted = {0, len(self.nodes) - 1, *shown}
        place: dict[int, int] = {}
        sources: list[tuple[int, ...]] = []
        nodes: list[Node] = []
        for number, node in enumerate(self.nodes):
            found = tuple(dict.fromkeys(at for source in node.inputs for at in sources[source]))
            meets = joins and not node.names and node.join and len(found) > 1
            if number in wanted or meets:
                place[number] = len(nodes)
                nodes.append(replace(node, inputs=found, join=node.join if len(found) > 1 else ""))
                sources.append((place[number],))
            else:
                sources.append(found)
        return Graph(tuple(nodes))


class _Step(NamedTuple):
    """An autograd node: what it is called, and its inputs (node, output number)."""

    node: AutogradNode
    inputs: tuple[tuple[AutogradNode, int], ...]


def trace(net: Net) -> Graph:
    """The whole graph: every layer's (last) output, and every place where two of them meet. Kept for each network."""
    if net not in _graphs:
        _graphs[net] = _trace(net)
    return _graphs[net]


def _trace(net: Net) -> Graph:
    x = net.blank().requires_grad_()
    with torch.enable_grad(), noting(net) as edges:
        logits = net(x)
    assert logits.grad_fn is not None  # the picture requires gradients
    names: dict[tuple[int, int], list[str]] = {}
    for name, edge in edges.items():
        if edge is not None:
            names.setdefault((id(edge.node), edge.output_nr), []).append(name)
    layers = {layer.name: layer for layer in net.layers}
    ends = [edge.node for edge in edges.values() if edge is not None]
    found: dict[tuple[int, int], tuple[int, ...]] = {}  # (autograd node, output) -> the nodes it stands for
    nodes = [Node((INPUT,), (), "", tuple(x.shape[1:]), (INPUT,))]
    for step in _in_order([logits.grad_fn, *ends]):
        if not step.inputs and hasattr(step.node, "variable"):
            found[id(step.node), 0] = (0,)
            continue
        sources = tuple(
            dict.fromkeys(at for source, number in step.inputs for at in found.get((id(source), number), ()))
        )
        join = _JOINS.get(step.node.name(), "joined") if len(sources) > 1 else ""
        outputs = {number for key, number in names if key == id(step.node)} or {0}
        for number in range(max(outputs) + 1):
            here = names.get((id(step.node), number), [])
            if here or join:
                layer = layers[here[0]] if here else None
                shape, kinds = (layer.out_shape, (layer.kind,)) if layer else ((), ())
                nodes.append(Node(tuple(here), sources, join, shape, kinds))
                found[id(step.node), number] = (len(nodes) - 1,)
            else:
                found[id(step.node), number] = sources
        for number in range(max(outputs) + 1, 64):  # the other parts of a split
            if (id(step.node), number) in found:
                break
            found[id(step.node), number] = found[id(step.node), 0]
    last = found[id(logits.grad_fn), logits.output_nr]
    return Graph((*nodes, Node((SCORE,), last, "", (), (SCORE,))))


def _in_order(ends: Iterable[AutogradNode]) -> list[_Step]:
    """All autograd nodes that lead to these, each after what it is computed from."""
    done: dict[int, _Step] = {}
    for end in ends:
        waiting = [end]
        while waiting:
            node = waiting[-1]
            if id(node) in done:
                waiting.pop()
                continue
            inputs = tuple((source, number) for source, number in node.next_functions if source is not None)
            missing = [source for source, _ in inputs if id(source) not in done]
            if missing:
                waiting += missing[::-1]
            else:
                done[id(node)] = _Step(node, inputs)
                waiting.pop()
    return list(done.values())


# What to show of it.


def blocks(net: Net, chosen: str | None = None) -> Graph:
    """The graph with a residual, inception or dense block as one node, and a convolution with its normalization and
    its activation function as one.

    Args:
        chosen: a layer that is shown in any case: the block it lies in is opened.
    """
    graph = trace(net)
    closed = {
        name
        for name, module in net.network.named_modules()
        if name
        and next(module.children(), None) is not None
        and not isinstance(module, nn.Sequential)
        and not _inside(chosen, name)
    }
    layers = {layer.name: layer.kind for layer in net.layers}
    shown, nodes = [], list(graph.nodes)
    for number, node in enumerate(graph.nodes):
        free = [name for name in node.names if not any(name.startswith(f"{block}.") for block in closed)]
        if free:
            shown.append(number)
            kinds = node.kinds if free[0] == node.name or free[0] not in layers else (layers[free[0]],)
            rest = tuple(name for name in node.names if name not in free)
            nodes[number] = replace(node, names=(*free, *rest), kinds=kinds)  # a closed block goes by its own name
    at = graph.find(chosen) if chosen else None
    return _merge(Graph(tuple(nodes)).keep(shown), () if at is None else nodes[at].names)


def _inside(name: str | None, block: str) -> bool:
    return name is not None and (name == block or name.startswith(f"{block}."))


def _merge(graph: Graph, chosen: tuple[str, ...]) -> Graph:
    """Draw a normalization or activation function together with the layer before it, where nothing else uses that."""
    uses = [0] * len(graph.nodes)
    for source, _ in graph.edges:
        uses[source] += 1
    hidden: set[int] = set()
    kinds: dict[int, tuple[str, ...]] = {}
    for number, node in enumerate(graph.nodes):
        if len(node.inputs) != 1 or not node.kinds or node.kinds[0] in (SCORE, INPUT):
            continue
        (source,) = node.inputs
        before = graph.nodes[source]
        light = set(node.kinds) <= {"norm", "relu", "activation", *_QUIET}
        if light and uses[source] == 1 and before.names and before.names != chosen and source and not before.join:
            hidden.add(source)
            kinds[number] = (*kinds.get(source, before.kinds), *node.kinds)
    merged = tuple(replace(node, kinds=kinds.get(number, node.kinds)) for number, node in enumerate(graph.nodes))
    return Graph(merged).keep([number for number in range(len(merged)) if number not in hidden])


def choices(net: Net, keep: Callable[[Layer], bool] | None = None) -> tuple[str, ...]:
    """The layers on the way from the picture to the score, in the order of execution."""
    graph = trace(net)
    reached = graph.before(len(graph.nodes) - 1)
    names = {name for number, node in enumerate(graph.nodes) if number in reached for name in node.names}
    return tuple(layer.name for layer in net.layers if layer.name in names and (keep is None or keep(layer)))


def middle(net: Net, side: int = 12) -> str:
    """A layer to begin with: the last block (or layer, where there are none) with maps of at least `side` cells."""
    classes = net.cam_layer if class_maps(net) is not None else ""  # a map for each class is no layer in the middle
    shapes = [(node.name, node.shape) for node in blocks(net).nodes if node.name not in (INPUT, SCORE, classes)]
    large = [name for name, shape in shapes if name and len(shape) == 3 and min(shape[1:]) >= side]
    return (large or [name for name, _ in shapes if name])[-1]
