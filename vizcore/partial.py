"""Run a network only as far as one layer.

What lies behind the layer is never computed, which saves time, and any input size will do as long as the layers
up to there take it: a network that ends in `flatten` and `linear` can still be asked for its maps at another size.
"""

from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from vizcore import capture
from vizcore.models import Net

_calls: WeakKeyDictionary[Net, dict[str, int]] = WeakKeyDictionary()


class _Reached(Exception):
    """Leaves the forward pass: the layer has been reached."""


def calls(net: Net) -> dict[str, int]:
    """How often each layer runs in one forward pass; a ReLU module may be used several times."""
    if net not in _calls:
        count: dict[str, int] = {}

        def note(name: str, output: Tensor) -> None:
            count[name] = count.get(name, 0) + 1

        x = torch.zeros(1, net.channels, net.input_size, net.input_size, device=net.device)
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
    net.layer(layer)
    left = calls(net)[layer]
    found: Tensor | None = None

    def stop(name: str, output: Tensor) -> None:
        nonlocal left, found
        if name == layer:
            left -= 1
            if left == 0:
                found = output
                raise _Reached

    try:
        with capture.observing(stop):
            net.network(x)
    except _Reached:
        pass
    return found
