r"""The chain rule, twice: on a network of nine numbers, and on a real one taken apart at a middle layer.

$\frac{\partial s}{\partial x} = \sum_{\text{paths}} \prod_{\text{edges}} \text{local slope}$, computed from the end to
the beginning: Rumelhart, Hinton & Williams, "Learning representations by back-propagating errors" (Nature 1986).
"""

from typing import NamedTuple

import torch
from torch import Tensor

from vizcore.models import Net, partial
from vizcore.models.layers import before_relu, stops

# A network of nine numbers.

TARGETS = ("s", "m1", "m2", "a1", "a2", "z1", "z2")


class Graph(NamedTuple):
    """A computation of numbers.

    Attributes:
        values: number of each node, in the order of execution.
        slopes: for each edge (from, to) the local derivative of `to` with respect to `from`.
    """

    values: dict[str, float]
    slopes: dict[tuple[str, str], float]


def forward(x1: float, x2: float, weight: float = 2.0) -> Graph:
    """Two inputs, two units with a ReLU, two more units, one score; `weight` leads from x1 to z2."""
    z1, z2 = x1 + 2 * x2, weight * x1 - x2
    a1, a2 = max(0.0, z1), max(0.0, z2)
    m1, m2 = a1 - 2 * a2, a1 + a2
    s = 2 * m1 + m2
    values = {"x1": x1, "x2": x2, "z1": z1, "z2": z2, "a1": a1, "a2": a2, "m1": m1, "m2": m2, "s": s}
    slopes = {
        ("x1", "z1"): 1.0,
        ("x2", "z1"): 2.0,
        ("x1", "z2"): weight,
        ("x2", "z2"): -1.0,
        ("z1", "a1"): float(z1 > 0),
        ("z2", "a2"): float(z2 > 0),
        ("a1", "m1"): 1.0,
        ("a2", "m1"): -2.0,
        ("a1", "m2"): 1.0,
        ("a2", "m2"): 1.0,
        ("m1", "s"): 2.0,
        ("m2", "s"): 1.0,
    }
    return Graph(values, slopes)


def backward(graph: Graph, target: str) -> dict[str, float]:
    """Gradient of `target` with respect to every node it depends on: what lies behind it is cut off."""
    gradients = {target: 1.0}
    for node in reversed(graph.values):
        for (source, to), slope in graph.slopes.items():
            if to == node and node in gradients:  # complete: all that follows `node` came before
                gradients[source] = gradients.get(source, 0.0) + slope * gradients[node]
    return gradients


# A real network, taken apart.


class TwoPieces(NamedTuple):
    r"""The gradient of one neuron with respect to the image, in one go and in two pieces.

    Attributes:
        layer: the neuron's layer; the one before its ReLU, which could be shut or at its ceiling.
        channel, cell: the neuron: the layer's strongest for this image.
        value: its activation.
        direct: (C, H, W) gradient in one go.
        middle: (K, h, w) first piece, the gradient with respect to the middle layer.
        chained: (C, H, W) second piece: `middle` pulled back through the first half of the network.
        around: (C, H, W) what reaches the image on paths that avoid the middle layer; None without such paths.
    """

    layer: str
    channel: int
    cell: tuple[int, int]
    value: float
    direct: Tensor
    middle: Tensor
    chained: Tensor
    around: Tensor | None

    @property
    def gap(self) -> float:
        """Largest difference of the two ways, as a share of the largest gradient; 0 where all is zero."""
        both = self.chained if self.around is None else self.chained + self.around
        largest = self.direct.abs().max()
        return float((self.direct - both).abs().max() / largest) if largest > 0 else float(both.abs().max())


def layers(net: Net) -> tuple[str, ...]:
    """Layers to take a network apart at: maps handed on from block to block, each made once."""
    return tuple(name for name in stops(net) if net.layer(name).calls == 1)


def default_layer(net: Net) -> str | None:
    """The last of these layers, the first excepted, whose neurons see at most 0.6 of the picture's side."""
    fields = [(name, net.layer(name).receptive_field) for name in layers(net)[1:]]
    small = [name for name, field in fields if field and field.size <= 0.6 * net.input_size]
    return small[-1] if small else None


def two_pieces(net: Net, x: Tensor, layer: str, middle: str) -> TwoPieces:
    r"""$\partial n / \partial x$ in one go, and as $(\partial n / \partial h) (\partial h / \partial x)$.

    Args:
        x: (1, C, H, W), normalized.
        layer: where the neuron is. middle: a layer before it, of which h is the output.

    Raises:
        ValueError: an unknown layer, or a neuron that does not depend on the middle layer.
    """
    start = before_relu(net, layer)
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        maps = partial.activation(net, x, start)
        index = int(maps[0].argmax())
        direct = torch.autograd.grad(maps[0].flatten()[index], x)[0][0]

        _, cut = net.forward(x, capture=[start], cut=middle)
        ends = torch.autograd.grad(cut[start][0].flatten()[index], (cut[middle], x), allow_unused=True)
        if ends[0] is None:
            raise ValueError(f"{layer} does not depend on {middle}: choose a middle layer before it.")

        half = partial.activation(net, x, middle)
        chained = torch.autograd.grad(half, x, grad_outputs=ends[0])[0][0]
    _, height, width = maps.shape[1:]
    channel, place = divmod(index, height * width)
    around = None if ends[1] is None else ends[1][0]
    value = float(maps.detach()[0].flatten()[index])
    return TwoPieces(start, channel, divmod(place, width), value, direct, ends[0][0], chained, around)
