"""What a gradient says of every pixel: brighter would increase the number that is explained, or decrease it.

The plain gradient shows both at once. Deconvnet and guided backpropagation let only positive numbers through a ReLU on
the way back; at the pixels there are negative ones again, since the convolutions before the first ReLU have weights of
both signs.
"""

import contextlib
from typing import NamedTuple

import numpy as np
from torch import Tensor

from vizcore.inspection.layer_gradients import Quantity, all_gradients
from vizcore.methods.relu_rules import relu_rule
from vizcore.models import Net
from vizcore.models.layers import before_relu
from vizcore.types import INPUT


class Signs(NamedTuple):
    """Shares of a gradient, each from 0 to 1.

    Attributes:
        up, down: of its numbers (one for each pixel and colour, or map) that are positive, negative; the rest is zero.
        size_up, size_down: of its size, the sum of absolute values, that is positive, negative; both 0 where all is.
    """

    up: float
    down: float
    size_up: float
    size_down: float


def signs(gradient: np.ndarray) -> Signs:
    """Count a gradient of any shape: see :class:`Signs`."""
    values = np.asarray(gradient, np.float64)
    up, down = values[values > 0].sum(), np.abs(values[values < 0]).sum()
    total = up + down or 1.0
    return Signs(float((values > 0).mean()), float((values < 0).mean()), float(up / total), float(down / total))


def parts(gradient: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two (H, W) maps of a (C, H, W) gradient: its positive and its negative part, each added up over the colours.

    Both are sizes, not below zero; their sum is the sum of absolute values.
    """
    return np.maximum(gradient, 0).sum(0), np.maximum(-gradient, 0).sum(0)


def first_relu(net: Net) -> str | None:
    """The layer right before the first ReLU, whose gradient is what that ReLU sends back; None where there is none."""
    name = next((layer.name for layer in net.layers if layer.kind == "relu"), None)
    if name is None or before_relu(net, name) == name:
        return None
    return before_relu(net, name)


def on_the_way(net: Net, x: Tensor, target: int, rule: str | None = None) -> dict[str, np.ndarray]:
    """The gradient of a class score where the first ReLU has sent it back, and at the picture.

    Args:
        x: (1, C, H, W), normalized. target: class index.
        rule: "deconvnet" or "guided" at every ReLU, None for the plain gradient.

    Returns:
        float32 arrays without the batch: of :func:`first_relu` under its name, if there is one, and under "input".
    """
    name = first_relu(net)
    with relu_rule(rule) if rule else contextlib.nullcontext():
        found = all_gradients(net, x, Quantity(target=target), [name] if name else []).gradients
    places = (name, INPUT) if name else (INPUT,)
    return {place: gradient[0].numpy(force=True) for place in places if (gradient := found[place]) is not None}
