"""Whose drawing is it? The control beside the drawing of a unit: another unit of its layer, at the same place.

What a unit's gradient, deconvnet or guided drawing shows may be the unit's own, or what any unit would show there.
Mahendran & Vedaldi, "Salient Deconvolutional Networks" (ECCV 2016), found that deconvnet's drawings hardly depend on
the unit they start from; Nie et al. (ICML 2018) say why. Here the two are drawn from one forward pass and compared.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vizcore.images.collection import Collection
from vizcore.inspection.likeness import mean_correlation
from vizcore.inspection.squares import in_order, prepared
from vizcore.inspection.top_patches import Index, patch_box
from vizcore.inspection.unit_gradients import forward, map_shape
from vizcore.models import Net
from vizcore.models.layers import before_relu
from vizcore.types import Box, Cell, Progress, report


class Pair(NamedTuple):
    """Two units of a layer at one cell of one picture.

    Attributes:
        units: the unit's number and the other's.
        values: (2,) float32, their activations there.
        drawings: (2, C, H, W) float32, their gradients, signed.
    """

    units: tuple[int, int]
    values: np.ndarray
    drawings: np.ndarray

    def correlation(self, box: Box | None = None) -> float:
        """Of the two drawings, over the pixels and colours of the box (all without one): see :func:`correlation`."""
        return correlation(self.drawings[0], self.drawings[1], box)


def by_lot(values: np.ndarray, unit: int, seed: int = 0) -> int:
    """Another unit than this one, drawn by lot among those whose value is positive; among all where none is.

    Args:
        values: (K,) the activation of each unit of the layer at one place.
        seed: of a generator of its own. The lots of one unit are drawn in one order, so that at several places it
            meets the same other unit where that is active.

    Raises:
        ValueError: there is no other unit.
    """
    if len(values) < 2:
        raise ValueError("This layer has only one unit: there is no other to compare it with.")
    order = np.random.default_rng((seed, unit)).permutation(len(values))
    others = order[order != unit]
    active = others[values[others] > 0]
    return int(active[0] if len(active) else others[0])


def beside(
    net: Net,
    x: Tensor,
    layer: str,
    unit: int,
    cell: Cell,
    rule: str | None = None,
    other: int | None = None,
    seed: int = 0,
) -> Pair:
    """Draw a unit and another one of its layer from the same cell: one forward pass, two backward passes.

    Args:
        x: (1, C, H, W), normalized.
        layer: a layer's name. unit: the map, or the number in a vector. cell: its row and column; (0, 0) in a vector.
        rule: "deconvnet" or "guided" for the ReLUs on the way, None for the plain gradient.
        other: the other unit; drawn :func:`by_lot` with `seed` when omitted.

    Raises:
        ValueError: an unknown layer, unit or cell; or a layer of one unit, when `other` is omitted.
    """
    net.check_unit(layer, unit)
    if other is not None:
        net.check_unit(layer, other)
    x = x.detach().clone().requires_grad_()
    return _pair(net, x, forward(net, x, (layer,), rule)[layer], Start(layer, unit, cell), other, seed)


class Start(NamedTuple):
    """Where a drawing starts: a layer, a unit of it, and a cell of its map."""

    layer: str
    unit: int
    cell: Cell


def _pair(net: Net, x: Tensor, acts: Tensor, start: Start, other: int | None, seed: int) -> Pair:
    """The two drawings, from a layer's output (1, K, ...) that has its graph to `x`; the graph is kept."""
    shape = map_shape(net, start.layer, acts)
    row, column = net.layer(start.layer).check_cell(start.cell, shape)
    here = acts[0].reshape(-1, *shape)[:, row, column]
    values = here.numpy(force=True)
    units = start.unit, by_lot(values, start.unit, seed) if other is None else other
    drawings = [torch.autograd.grad(here[n], x, retain_graph=True)[0][0].numpy(force=True) for n in units]
    return Pair(units, values[list(units)], np.stack(drawings))


def correlation(one: np.ndarray, other: np.ndarray, box: Box | None = None) -> float:
    """Pearson correlation of two (C, H, W) drawings; NaN where one of them is even (a silent unit draws nothing).

    Args:
        box: (top, left, bottom, right), only these pixels; what lies over the picture's edge is left out.
    """
    if box is not None:
        inside = np.s_[:, max(box[0], 0) : max(box[2], 0), max(box[1], 0) : max(box[3], 0)]
        one, other = one[inside], other[inside]
    pair = [np.asarray(values, np.float64).ravel() for values in (one, other)]
    if not pair[0].size or any(np.ptp(values) == 0 for values in pair):
        return float("nan")
    return mean_correlation(pair)


def by_layer(
    net: Net,
    pictures: Collection,
    index: Index,
    chosen: Mapping[str, Sequence[int]],
    rule: str | None,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, float]:
    """For each layer the mean correlation of a unit's drawing with that of another unit at the same place.

    Only the strongest patch of each chosen unit is drawn; units without a correlation are left out (NaN where all are).

    Args:
        chosen: layer name to unit numbers.
        rule, seed: as for :func:`beside`. progress: called with the share done; what it raises ends the work.
    """
    of_picture: dict[int, list[tuple[str, Start]]] = {}
    for layer in (layer for layer in chosen if net.layer(layer).out_shape[0] > 1):
        start = before_relu(net, layer)
        for unit in chosen[layer]:
            for hit in index.top(net, start, unit, 1):
                of_picture.setdefault(hit.picture, []).append((layer, Start(start, unit, hit.cell)))

    def compared(picture: int) -> list[tuple[str, float]]:
        x = prepared(net, pictures, picture).requires_grad_()
        mine = of_picture[picture]
        acts, drawn = forward(net, x, tuple({start.layer for _, start in mine}), rule), []
        for layer, start in mine:
            pair = _pair(net, x, acts[start.layer], start, None, seed)
            drawn.append((layer, pair.correlation(patch_box(net, net.layer(layer), start.cell))))
        return drawn

    found: dict[str, list[float]] = {layer: [] for layer in chosen}
    for done, values in enumerate(in_order(compared, sorted(of_picture)), 1):
        for layer, value in values:
            found[layer].append(value)
        report(progress, done / len(of_picture))
    return {layer: mean(values) for layer, values in found.items()}


def mean(values: Sequence[float]) -> float:
    """The mean of the correlations that are known; NaN where none is."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
