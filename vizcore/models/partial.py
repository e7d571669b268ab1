"""Run a network only as far as one layer, or from one layer on.

What lies behind the layer is never computed, which saves time, and any input size will do as long as the layers
up to there take it: a network that ends in `flatten` and `linear` can still be asked for its maps at another size.
Going on from a layer, many variants of its activation cost one pass through what comes before it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge

from vizcore.models import capture
from vizcore.models.net import Net

_spreads: WeakKeyDictionary[Net, dict[tuple, bool]] = WeakKeyDictionary()


class Reached(Exception):
    """Leaves the forward pass: the layer that was wanted has been reached."""


def activation(net: Net, x: Tensor, layer: str) -> Tensor:
    """The (last) output of a layer for an (N, C, H, W) batch; the graph is kept when `x` requires gradients.

    Equal to `net.forward(x, capture=[layer])[1][layer]` where the whole network takes such an input.

    Raises:
        ValueError: an unknown layer.
    """
    return activations(net, x, [layer])[layer]


def activations(net: Net, x: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """The (last) outputs of several layers, by name; nothing behind the deepest of them is computed.

    What goes on through the network are clones, so that no later in-place operation overwrites what is kept.

    Raises:
        ValueError: an unknown layer.
    """
    left = {net.layer(name).name: net.layer(name).calls for name in layers}
    found: dict[str, Tensor] = {}

    def keep(name: str, output: Tensor) -> Tensor | None:
        if name not in left:
            return None
        left[name] -= 1
        if left[name]:
            return None
        found[name] = output
        if len(found) == len(left):
            raise Reached
        return output.clone()

    try:
        with capture.observing(keep):
            net(x)
    except Reached:
        pass
    return found


def logits_with(net: Net, x: Tensor, layer: str, variants: Tensor) -> Tensor:
    """The logits of one image if the layer had given out something else.

    Args:
        x: (1, C, H, W).
        variants: (B, ...), B activations for the layer's (last) output, which has the shape (1, ...).

    Returns:
        (B, K). What comes before the layer runs once for all B variants, unless the network joins it with what
        comes after in a way that needs B equal copies (a concatenation).

    Raises:
        ValueError: an unknown layer.
    """
    shapes = _spreads.setdefault(net, {})
    key = layer, tuple(x.shape)
    if key not in shapes:
        shapes[key] = _spreads_out(net, x, layer, variants[:1])
    return _replaced(net, x if shapes[key] else x.expand(len(variants), -1, -1, -1), layer, variants)


def _replaced(net: Net, x: Tensor, layer: str, activation: Tensor) -> Tensor:
    left = net.layer(layer).calls

    def replace(name: str, output: Tensor) -> Tensor | None:
        nonlocal left
        if name == layer:
            left -= 1
            if left == 0:
                return activation.clone()
        return None

    with torch.no_grad(), capture.observing(replace):
        return net(x)


def _spreads_out(net: Net, x: Tensor, layer: str, variant: Tensor) -> bool:
    """Whether one image before the layer may meet several after it."""
    pair = torch.cat([variant, torch.zeros_like(variant)])
    try:
        found = _replaced(net, x, layer, pair)
    except RuntimeError:
        return False
    wanted = _replaced(net, x.expand(2, -1, -1, -1), layer, pair)
    return found.shape == wanted.shape and torch.allclose(found, wanted, rtol=1e-4, atol=1e-5)


@contextmanager
def noting(net: Net, end: str | None = None) -> Iterator[dict[str, GradientEdge | None]]:
    """Within this block, in this thread, note where each layer's last output is in the graph; None: not in it.

    Args:
        end: the forward pass is left when this layer has given out its last output.
    """
    found: dict[str, GradientEdge | None] = {}
    left = {layer.name: layer.calls for layer in net.layers}

    def note(name: str, output: Tensor) -> None:
        left[name] -= 1
        if left[name] == 0:
            found[name] = get_gradient_edge(output) if output.requires_grad else None
            if name == end:
                raise Reached(output)

    with capture.observing(note):
        yield found
