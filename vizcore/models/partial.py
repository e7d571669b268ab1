"""Run a network only as far as one layer, or from one layer on.

What lies behind the layer is never computed, which saves time, and any input size will do as long as the layers
up to there take it: a network that ends in `flatten` and `linear` can still be asked for its maps at another size.
Going on from a layer, many variants of its activation cost one pass through what comes before it.
"""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from vizcore.models import capture
from vizcore.models.net import Net

_calls: WeakKeyDictionary[Net, dict[str, int]] = WeakKeyDictionary()
_spreads: WeakKeyDictionary[Net, dict[tuple, bool]] = WeakKeyDictionary()


class _Reached(Exception):
    """Leaves the forward pass: the layer has been reached."""


def calls(net: Net) -> dict[str, int]:
    """How often each layer runs in one forward pass; a ReLU module may be used several times."""
    if net not in _calls:
        count: dict[str, int] = {}

        def note(name: str, output: Tensor) -> None:
            count[name] = count.get(name, 0) + 1

        dtype = next((p.dtype for p in net.network.parameters()), None)
        x = torch.zeros(1, net.channels, net.input_size, net.input_size, dtype=dtype, device=net.device)
        with torch.no_grad(), capture.observing(note):
            net(x)
        _calls[net] = count
    return _calls[net]


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
    left = {net.layer(name).name: calls(net)[name] for name in layers}
    found: dict[str, Tensor] = {}

    def keep(name: str, output: Tensor) -> Tensor | None:
        if name not in left:
            return None
        left[name] -= 1
        if left[name]:
            return None
        found[name] = output
        if len(found) == len(left):
            raise _Reached
        return output.clone()

    try:
        with capture.observing(keep):
            net(x)
    except _Reached:
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
    net.layer(layer)
    left = calls(net)[layer]

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
