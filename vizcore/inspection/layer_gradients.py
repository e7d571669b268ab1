r"""The gradient of one number with respect to every layer at once, and the same by cutting the graph.

Reverse-mode differentiation visits every layer on its way from the number back to the image:

$$\frac{\partial s}{\partial A^{(l)}} = \sum_{m\,\text{uses}\,l}
  \Big(\frac{\partial A^{(m)}}{\partial A^{(l)}}\Big)^{\!\top} \frac{\partial s}{\partial A^{(m)}}$$

so the gradients of all layers come out of one backward pass (Rumelhart, Hinton & Williams, Nature 1986; Baydin et
al., JMLR 2018, section 3.2). While the network runs, only the place of each layer's output in the graph is noted
(a `GradientEdge`): nothing is copied, and an in-place operation behind the layer cannot change what is meant.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from vizcore.methods.gradients import check_score, score
from vizcore.models import Net, partial
from vizcore.models.partial import noting
from vizcore.types import INPUT, Progress

SCALARS = ("mean", "strongest", "sum")


class Quantity(NamedTuple):
    """The number that is differentiated.

    Attributes:
        of: "logit", "loss" (cross-entropy) or "probability" of the class `target`; or "cut", a number made of the
            output of `layer`, behind which the graph is cut off.
        scalar: how a layer's output becomes one number: the "mean" of map `unit`, its "strongest" cell, or the "sum"
            over the whole layer.
    """

    of: str = "logit"
    target: int = 0
    layer: str = ""
    scalar: str = "mean"
    unit: int = 0


class Found(NamedTuple):
    """Gradients by layer name, "input" first; None where the number does not depend on the layer.

    Layers behind a cut did not run and are left out.
    """

    value: float
    gradients: dict[str, Tensor | None]


@dataclass(frozen=True)
class Size:
    """How large a gradient is: root mean square, L2 norm, number of values."""

    rms: float
    l2: float
    count: int


def scalar_of(activation: Tensor, scalar: str, unit: int) -> Tensor:
    """(N,) one number per image from a layer's output (N, K, ...): see :class:`Quantity`.

    Raises:
        ValueError: another name, or a unit the layer does not have.
    """
    if scalar not in SCALARS:
        raise ValueError(f"A layer is made one number by mean, strongest or sum, not by '{scalar}'.")
    if scalar == "sum":
        return activation.flatten(1).sum(1)
    if not 0 <= unit < activation.shape[1]:
        raise ValueError(f"This layer has units 0 to {activation.shape[1] - 1}, not {unit}.")
    cells = activation[:, unit].reshape(len(activation), -1)
    return cells.mean(1) if scalar == "mean" else cells.amax(1)


def values(net: Net, x: Tensor, quantity: Quantity) -> Tensor:
    """(N,) the quantity for each image of an (N, C, H, W) batch; with a cut, nothing behind it is run."""
    if quantity.of == "cut":
        return scalar_of(partial.activation(net, x, quantity.layer), quantity.scalar, quantity.unit)
    return score(net(x), net.check_target(quantity.target, len(x)), quantity.of)


def all_gradients(net: Net, x: Tensor, quantity: Quantity, layers: Iterable[str] | None = None) -> Found:
    """Gradients of a quantity with respect to every layer it passes: one forward, one backward pass.

    Layers that give out the same tensor (a block and its last layer) share one gradient tensor. Where a layer runs
    more than once, its last output counts.

    Args:
        x: (N, C, H, W), normalized; of a batch the quantities are summed, which keeps the images apart.
        layers: only these; all when omitted.

    Raises:
        ValueError: an unknown layer, class, unit or quantity.
    """
    names = None if layers is None else {net.layer(name).name for name in layers if name != INPUT}
    x = x.detach().requires_grad_()
    cut = net.layer(quantity.layer).name if quantity.of == "cut" else None
    targets = None if cut else net.check_target(quantity.target, len(x))
    with torch.enable_grad(), noting(net, cut) as edges:
        try:
            logits = net(x)
        except partial.Reached as reached:
            number = scalar_of(reached.args[0], quantity.scalar, quantity.unit).sum()
        else:
            assert targets is not None  # None only with a cut, and behind a cut nothing runs
            number = score(logits, targets, quantity.of).sum()
    kept = {name: edge for name, edge in edges.items() if names is None or name in names}
    places = {_key(edge): edge for edge in kept.values() if edge is not None}
    wanted: list[Tensor | GradientEdge] = [x, *places.values()]
    # The stub takes tensors or edges, the function both together.
    gradients = torch.autograd.grad(number, wanted, allow_unused=True)  # type: ignore[arg-type]
    by_place = dict(zip(places, gradients[1:], strict=True))
    ordered: dict[str, Tensor | None] = {
        name: by_place[_key(edge)] if edge is not None else None for name, edge in kept.items()
    }
    return Found(float(number.detach()), {INPUT: gradients[0], **ordered})


def _key(edge: GradientEdge) -> tuple[int, int]:
    return id(edge.node), edge.output_nr


def layer_gradients(
    net: Net, x: Tensor, target: int, of: str = "logit", layers: Iterable[str] | None = None
) -> dict[str, Tensor | None]:
    r"""$\partial S_c / \partial A^{(l)}$ for every layer $l$, and for the image under the key "input".

    Args:
        x: (N, C, H, W), normalized.
        of: "logit", "loss" or "probability" of the class.
        layers: only these; all when omitted.

    Returns:
        Tensors shaped like the layers' outputs, in the order of execution; None where the score does not depend on
        the layer.

    Raises:
        ValueError: an unknown layer, class or score.
    """
    check_score(of)
    return all_gradients(net, x, Quantity(of, target), layers).gradients


def size(gradient: Tensor) -> Size:
    """The size of a gradient, all its values taken together."""
    l2, count = float(torch.linalg.vector_norm(gradient)), gradient.numel()
    return Size(l2 / math.sqrt(count), l2, count)


def sizes(net: Net, x: Tensor, quantity: Quantity) -> dict[str, Size | None]:
    """The size of the gradient at every layer, "input" first, from one backward pass."""
    found = all_gradients(net, x, quantity).gradients
    seen: dict[int, Size] = {}
    return {
        name: None if gradient is None else seen.setdefault(id(gradient), size(gradient))
        for name, gradient in found.items()
    }


def strongest_pixel(gradient: np.ndarray) -> tuple[int, int, int]:
    """(channel, row, column) of the largest |gradient| of one image (C, H, W); the first of equal ones."""
    channel, row, column = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
    return int(channel), int(row), int(column)


def central_differences(
    net: Net,
    x: Tensor,
    quantity: Quantity,
    pixel: tuple[int, int, int],
    steps: Sequence[float],
    progress: Progress | None = None,
    batch: int = 6,
) -> Tensor:
    r"""$\frac{s(x + h e) - s(x - h e)}{2h}$ for each step $h$ at one (channel, row, column): no backward pass.

    The error is $O(h^2)$ where the network is smooth between the two points, and grows as $\epsilon |s| / h$ for
    small steps, because $s$ is rounded. A ReLU that opens or closes between them adds an error of its own.

    Args:
        x: (1, C, H, W). steps: in normalized units.
        progress: called with the share done; what it raises cancels.
        batch: images per forward pass.

    Returns:
        (steps,) in the dtype of x.

    Raises:
        ValueError: no such pixel, or a step that is not above zero.
    """
    if any(not 0 <= at < length for at, length in zip(pixel, x.shape[1:], strict=True)):
        raise ValueError(f"The picture is {tuple(x.shape[1:])} (channels, rows, columns); there is no value {pixel}.")
    if min(steps) <= 0:
        raise ValueError("A step of the finite difference is above zero.")
    moves = [sign * step for step in steps for sign in (1, -1)]
    results = []
    with torch.no_grad():
        for start in range(0, len(moves), batch):
            part = moves[start : start + batch]
            moved = x.repeat(len(part), 1, 1, 1)
            moved[(slice(None), *pixel)] += torch.tensor(part, dtype=x.dtype, device=x.device)
            results.append(values(net, moved, quantity))
            if progress:
                progress(min(1.0, (start + batch) / len(moves)))
    pairs = torch.cat(results).reshape(-1, 2)
    return (pairs[:, 0] - pairs[:, 1]) / (2 * torch.tensor(steps, dtype=x.dtype, device=x.device))
