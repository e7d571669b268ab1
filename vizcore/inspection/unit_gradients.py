r"""The gradient of single cells of feature maps with respect to the picture, $\partial A^k_{ij} / \partial x$.

Erhan et al., "Visualizing Higher-Layer Features of a Deep Network" (technical report, 2009); Zeiler & Fergus (ECCV
2014), section 4. The network runs as far as the layer, then back from one number, through its ReLUs by any of the
rules of :mod:`vizcore.methods.relu_rules`.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor

from vizcore.images.collection import Collection
from vizcore.inspection.squares import in_order, prepared
from vizcore.methods.relu_rules import relu_rule
from vizcore.models import Net, partial
from vizcore.types import Cell, Progress, report

AT_ONCE = 2  # pictures: the graph of many would need much memory


class Gradients(NamedTuple):
    """One neuron, N pictures.

    Attributes:
        values: (N,) float32, the neuron's activation in each picture.
        cells: (row, column) of the neuron in each picture; (0, 0) in a layer without positions.
        gradients: (N, C, H, W) float32, signed: activation per unit of normalized input.
    """

    values: np.ndarray
    cells: tuple[Cell, ...]
    gradients: np.ndarray


def gradient(
    net: Net, x: Tensor, layer: str, unit: int, cells: Cell | Sequence[Cell] | None = None, rule: str | None = None
) -> Gradients:
    r"""One neuron in N pictures.

    Args:
        x: (N, C, H, W), normalized.
        layer: a layer's name. unit: the map k, or the number in a vector.
        cells: (row, column), the same for all pictures; one for each; or None for each picture's strongest (of
            several equal ones the first).
        rule: "deconvnet" or "guided" for the ReLUs on the way, None for the plain gradient.

    Raises:
        ValueError: an unknown layer, unit or cell.
    """
    net.check_unit(layer, unit)
    wanted = cast("list[Cell | None]", [cells] * len(x) if cells is None or isinstance(cells[0], int) else list(cells))
    values, places, gradients = [], [], []
    for start in range(0, len(x), AT_ONCE):
        part = x[start : start + AT_ONCE].detach().clone().requires_grad_()
        acts = forward(net, part, (layer,), rule)[layer]
        maps = acts[:, unit].reshape(len(part), *map_shape(net, layer, acts))
        here = [_cell(net, layer, m, c) for m, c in zip(maps, wanted[start : start + AT_ONCE], strict=True)]
        neurons = torch.stack([m[cell] for m, cell in zip(maps, here, strict=True)])
        (found,) = torch.autograd.grad(neurons.sum(), part)  # pictures do not mix, so one sum will do
        values.append(neurons.detach())
        places.extend(here)
        gradients.append(found)
    return Gradients(torch.cat(values).numpy(force=True), tuple(places), torch.cat(gradients).numpy(force=True))


class Pick(NamedTuple):
    """One cell of one unit in one picture: where a drawing starts. `layer` may be any layer with maps."""

    layer: str
    unit: int
    picture: int
    cell: Cell


def draw_back(
    net: Net, pictures: Collection, picks: Sequence[Pick], rule: str | None, progress: Progress | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """Many neurons of many layers, picture by picture: :func:`gradient` of each pick, from fewer forward passes.

    Each picture runs forward only once, and only as far as the deepest layer it is needed for.

    Args:
        rule: as for :func:`gradient`.
        progress: called with the share done; what it raises ends the work.

    Yields:
        The pick's position and its (C, H, W) gradient, signed.
    """
    of_picture: dict[int, list[int]] = {}
    for n, pick in enumerate(picks):
        of_picture.setdefault(pick.picture, []).append(n)

    def draw(picture: int) -> list[tuple[int, np.ndarray]]:
        mine, drawn = of_picture[picture], []
        x = prepared(net, pictures, picture).requires_grad_()
        acts = forward(net, x, tuple({picks[n].layer for n in mine}), rule)
        for n in mine:
            level = acts[picks[n].layer][0, picks[n].unit, *picks[n].cell]
            (found,) = torch.autograd.grad(level, x, retain_graph=n != mine[-1])
            drawn.append((n, found[0].numpy(force=True)))
        return drawn

    done = 0
    for drawn in in_order(draw, sorted(of_picture)):
        done += len(drawn)
        report(progress, done / len(picks))
        yield from drawn


def forward(net: Net, x: Tensor, layers: tuple[str, ...], rule: str | None) -> dict[str, Tensor]:
    """The layers' outputs for (N, C, H, W) with their graph, the ReLUs on the way by the rule of :func:`gradient`."""
    with torch.enable_grad(), relu_rule(rule) if rule else contextlib.nullcontext():
        return partial.activations(net, x, layers)


def map_shape(net: Net, layer: str, acts: Tensor) -> tuple[int, int]:
    """Rows and columns of a layer's output: (1, 1) for a vector."""
    if acts.ndim not in (2, 4):
        raise ValueError(f"{layer} of {net.title} has an output of shape {tuple(acts.shape[1:])}, not maps.")
    return (acts.shape[2], acts.shape[3]) if acts.ndim == 4 else (1, 1)


def _cell(net: Net, layer: str, values: Tensor, cell: Cell | None) -> Cell:
    rows, columns = values.shape
    if cell is None:
        row, column = divmod(int(values.argmax()), columns)
        return row, column
    return net.layer(layer).check_cell(cell, (rows, columns))
