"""Numbers about a layer's maps for one picture: how strong, how sparse, how many are dead."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vizcore.models import Net


class Statistics(NamedTuple):
    """Per map, all (K,): mean, max, min, the share of cells that are exactly zero, whether all are."""

    mean: np.ndarray
    max: np.ndarray
    min: np.ndarray
    sparsity: np.ndarray
    dead: np.ndarray


def feature_maps(net: Net, x: Tensor, layer: str) -> np.ndarray:
    """(K, H, W) float32: a layer's output for one picture.

    Raises:
        ValueError: an unknown layer, or one whose output is not a stack of maps.
    """
    if len(net.layer(layer).out_shape) != 3:
        raise ValueError(f"{layer} of {net.title} has no maps: its output is a list of numbers.")
    with torch.no_grad():
        return net.forward(x, capture=[layer])[1][layer][0].cpu().numpy()


def statistics(maps: np.ndarray) -> Statistics:
    """Of maps (K, H, W)."""
    flat = maps.reshape(len(maps), -1)
    sparsity = (flat == 0).mean(1)
    return Statistics(flat.mean(1), flat.max(1), flat.min(1), sparsity, sparsity == 1)


def order(numbers: Statistics, by: str) -> np.ndarray:
    """(K,) maps in the order shown: by "index", or by "mean" or "max", largest first."""
    if by not in ("index", "mean", "max"):
        raise ValueError(f"maps are sorted by 'mean', 'max' or 'index', not by {by!r}")
    if by == "index":
        return np.arange(len(numbers.mean))
    return np.argsort(-getattr(numbers, by), kind="stable")


class Depth(NamedTuple):
    """One layer on the way through the network; `sparsity` and `dead` (a share of the maps) from 0 to 1."""

    layer: str
    maps: int
    side: int
    sparsity: float
    dead: float


def by_depth(net: Net, x: Tensor, layers: Sequence[str]) -> tuple[Depth, ...]:
    """Sparsity and dead maps of these layers for one picture, from one forward pass."""
    with torch.no_grad():
        captured = net.forward(x, capture=layers)[1]
    rows = []
    for name in layers:
        maps = captured[name][0].flatten(1)
        zero = maps == 0
        sparsity, dead = float(zero.double().mean()), float(zero.all(1).double().mean())
        rows.append(Depth(name, len(maps), captured[name].shape[-1], sparsity, dead))
    return tuple(rows)
