"""How much of a class hangs on single units? Units switched off, and random directions of the same layer taken out.

Szegedy et al., "Intriguing Properties of Neural Networks" (ICLR 2014), section 3: inspected by the pictures that excite
it most, a random direction of a layer looks as meaningful as a unit. Morcos et al., "On the Importance of Single
Directions for Generalization" (ICLR 2018) switch units off.
"""

from collections.abc import Callable, Sequence
from functools import partial as partial_of
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vizcore.models import Net, partial
from vizcore.types import Mean, Progress, report

KINDS = ("most", "units", "directions")  # the k most important units, k random units, k random directions
AT_ONCE = 16  # variants of an activation in one batch


def without_units(activation: Tensor, units: Sequence[int]) -> Tensor:
    """The activation, (N, C, ...), with these units zero everywhere."""
    changed = activation.clone()
    changed[:, list(units)] = 0
    return changed


def without_directions(activation: Tensor, directions: Tensor) -> Tensor:
    r"""The activation, (N, C, ...), without its part in the span of orthonormal directions, at every place.

    $$A' = A - Q\,Q^\top A$$

    Args:
        directions: Q, (C, k) with orthonormal columns. The unit vectors of k units give :func:`without_units`.
    """
    flat = activation.flatten(2) if activation.ndim > 2 else activation[:, :, None]
    return (flat - directions @ (directions.T @ flat)).reshape(activation.shape)


def random_directions(channels: int, count: int, seed: int = 0) -> Tensor:
    """(C, count) orthonormal columns that span a random subspace, each of them as likely as any other.

    Raises:
        ValueError: more directions than channels.
    """
    if not 0 <= count <= channels:
        raise ValueError(f"A layer of {channels} units has up to {channels} directions, not {count}.")
    noise = torch.randn(channels, count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.linalg.qr(noise)[0]


def importance(net: Net, x: Tensor, target: int, layer: str) -> Tensor:
    """(C,) what each unit of a layer adds to a class's logit, to first order: gradient times activation, added up.

    x: (1, C, H, W). For maps that only an average and one linear layer follow, exactly weight times mean.

    Raises:
        ValueError: no such layer, or a score that does not depend on it.
    """
    net.check_target(target)
    with torch.enable_grad():
        logits, acts = net.forward(x.detach(), capture=[layer], cut=layer)
        (gradient,) = torch.autograd.grad(logits[0, target], acts[layer], allow_unused=True)
    if gradient is None:
        raise ValueError(f"The scores of {net.title} do not depend on {layer}.")
    product = (gradient * acts[layer].detach())[0]
    return product.flatten(1).sum(1) if product.ndim > 1 else product


def counts(channels: int) -> tuple[int, ...]:
    """How many of so many units are taken away, step by step: 1, 2, 5, 10, ... up to half of them, at most 200."""
    return tuple(step for step in (1, 2, 5, 10, 20, 50, 100, 200) if step <= max(1, channels // 2))


class Ablated(NamedTuple):
    """What is left of a class on one picture.

    Attributes:
        before: its probability. alone: (C,) or fewer, its probability without one unit, for those asked for.
        after: kind to (len(ks), draws) probabilities without k of a kind; "most" has one draw.
    """

    before: float
    alone: np.ndarray
    after: dict[str, np.ndarray]


def ablate(
    net: Net,
    x: Tensor,
    target: int,
    layer: str,
    ks: Sequence[int],
    draws: int = 5,
    seed: int = 0,
    alone: Sequence[int] = (),
    progress: Progress | None = None,
) -> Ablated:
    """The class's probability without k units, or k directions, of a layer, for one picture.

    Args:
        x: (1, C, H, W), normalized. target: class index.
        ks: how many are taken away. draws: of random units and of random directions, for each k.
        seed: the same seed takes the same units and directions.
        alone: units that are switched off one at a time as well.
        progress: called with the share done.

    Raises:
        ValueError: no such layer, class or unit.
    """
    with torch.no_grad():
        activation = partial.activation(net, x, layer)
    channels = activation.shape[1]
    rank = importance(net, x, target, layer).argsort(descending=True).tolist()
    picks = np.random.default_rng(seed)
    variants: list[Callable[[], Tensor]] = [partial_of(activation.clone)]
    for unit in alone:
        net.check_unit(layer, unit)
        variants.append(partial_of(without_units, activation, [unit]))
    for k in ks:
        variants.append(partial_of(without_units, activation, rank[:k]))
        for _ in range(draws):
            lot = picks.choice(channels, k, replace=False).tolist()
            variants.append(partial_of(without_units, activation, lot))
            variants.append(partial_of(_turned, activation, k, int(picks.integers(2**31))))
    found = []
    for start in range(0, len(variants), AT_ONCE):
        batch = torch.cat([make() for make in variants[start : start + AT_ONCE]])
        found.append(partial.logits_with(net, x, layer, batch).softmax(1)[:, target].double().cpu())
        report(progress, min(1.0, (start + AT_ONCE) / len(variants)))
    flat = torch.cat(found).numpy()
    table = flat[1 + len(alone) :].reshape(len(ks), 1 + 2 * draws)
    after = {"most": table[:, :1], "units": table[:, 1::2], "directions": table[:, 2::2]}
    return Ablated(float(flat[0]), flat[1 : 1 + len(alone)], after)


def _turned(activation: Tensor, k: int, seed: int) -> Tensor:
    """The activation without k random directions."""
    return without_directions(activation, random_directions(activation.shape[1], k, seed).to(activation))


class Left(NamedTuple):
    """Over many pictures: the class's probability, a mean with its interval, before and for each kind and k."""

    before: Mean
    after: dict[str, list[Mean]]


def over(ablated: Sequence[Ablated]) -> Left:
    """The means over pictures, each with its 95 % bootstrap interval; the draws of one picture count as their mean."""
    after = {
        kind: [Mean.of([one.after[kind][at].mean() for one in ablated]) for at in range(len(ablated[0].after[kind]))]
        for kind in KINDS
    }
    return Left(Mean.of([one.before for one in ablated]), after)


def top(features: np.ndarray, direction: np.ndarray, count: int) -> list[int]:
    """The rows of features, (N, C), that lie farthest along a direction (C,), the farthest first."""
    return np.argsort(-(features @ direction), kind="stable")[:count].tolist()
