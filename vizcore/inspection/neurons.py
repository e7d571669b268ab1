r"""The gradient of one neuron's activation with respect to the picture.

A neuron is one cell of one feature map, $A^k_{ij}$. It sees the pixels of its receptive field and no others, so its
gradient is exactly zero everywhere else. Erhan et al., "Visualizing Higher-Layer Features of a Deep Network"
(technical report, 2009); Simonyan et al. (arXiv 2013), section 3; Zeiler & Fergus (ECCV 2014), section 4.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vizcore.images.collection import Collection
from vizcore.inspection.effective_field import clipped
from vizcore.inspection.squares import prepared
from vizcore.inspection.top_patches import Hit
from vizcore.inspection.unit_gradients import map_shape
from vizcore.models import Layer, Net, partial
from vizcore.models.layers import joins
from vizcore.types import Box, Cell, OtherNetworkError


class Spread(NamedTuple):
    """Where the size of a gradient, |g| summed over the channels, lies.

    Attributes:
        total: the sum over all pixels.
        outside: the part of it outside the receptive field; 0 where all is right.
        inside, central: shares of the sum in the receptive field and in its central half (half its side); 0 where
            the gradient is zero everywhere.
        central_area: share of the field's area, in the picture, that the central half has: `central` for an even
            gradient.
        pixels, field_pixels: pixels whose gradient is not zero; pixels of the picture in the field.
    """

    total: float
    outside: float
    inside: float
    central: float
    central_area: float
    pixels: int
    field_pixels: int


def layers(net: Net) -> tuple[Layer, ...]:
    """The layers that have neurons of their own: stacks of maps, and vectors behind them."""
    passed_on = ("flatten", "dropout", "identity")
    return tuple(
        layer
        for layer in net.layers
        if len(layer.out_shape) == 3 or (len(layer.out_shape) == 1 and layer.kind not in passed_on)
    )


def default_layer(net: Net) -> str:
    """The deepest ReLU, or block that joins several, that sees at most half the picture's side; else the last maps."""
    found = layers(net)
    if not found:
        raise OtherNetworkError(f"{net.title} has no layer with neurons to choose.")
    maps = [layer for layer in found if layer.spatial]
    joined = joins(net)
    small = [
        layer
        for layer in maps
        if (layer.name in joined if joined else layer.kind == "relu")
        and layer.receptive_field
        and 2 * layer.receptive_field.size <= net.input_size
    ]
    return (small or maps or found)[-1].name


def strongest(values: np.ndarray, row: int | None = None, column: int | None = None) -> Cell:
    """The strongest cell of a map (h, w), in the given row or column where one is given."""
    open_cells = np.full(values.shape, -np.inf)
    part = np.s_[slice(None) if row is None else row, slice(None) if column is None else column]
    open_cells[part] = values[part]
    at = np.unravel_index(open_cells.argmax(), values.shape)
    return int(at[0]), int(at[1])


def salient_unit(maps: np.ndarray) -> int:
    """The map of (K, h, w) whose strongest cell stands out most from its mean, both counted from zero; of maps of one
    cell the strongest. A map that is large everywhere says little about a place."""
    positive = np.maximum(maps, 0).reshape(len(maps), -1)
    if positive.shape[1] == 1:
        return int(maps.reshape(-1).argmax())
    return int((positive.max(1) - positive.mean(1)).argmax())


# What the neuron sees, and where its gradient lies.


def field_box(layer: Layer, cell: Cell, height: int, width: int) -> Box:
    """The part of a neuron's receptive field that lies in a picture; all of it where the field has no bounds."""
    if layer.receptive_field is None:
        return 0, 0, height, width
    return clipped(layer.receptive_field.box(*cell), height, width)


def central_box(layer: Layer, cell: Cell, height: int, width: int) -> Box:
    """The middle of the receptive field, half its side long, clipped to the picture."""
    top, left, bottom, right = layer.receptive_field.box(*cell) if layer.receptive_field else (0, 0, height, width)
    down, across = (bottom - top) // 4, (right - left) // 4
    return clipped((top + down, left + across, bottom - down, right - across), height, width)


def window(layer: Layer, cell: Cell, side: int) -> Box:
    """What to cut out to look closer: the receptive field, over the edge too; if wider than the picture, clipped."""
    if layer.receptive_field and layer.receptive_field.size <= side:
        return layer.receptive_field.box(*cell)
    return field_box(layer, cell, side, side)


def spread(gradient: np.ndarray, layer: Layer, cell: Cell) -> Spread:
    """Where a (C, H, W) gradient of a neuron lies, against its receptive field. See :class:`Spread`."""
    strength = np.abs(gradient).sum(0, dtype=np.float64)
    field, middle = (_mask(box(layer, cell, *strength.shape), strength.shape) for box in (field_box, central_box))
    total, outside = float(strength.sum()), float(strength[~field].sum())
    return Spread(
        total,
        outside,
        1 - outside / total if total else 0.0,
        float(strength[middle].sum()) / total if total else 0.0,
        float(middle.sum() / max(1, field.sum())),
        int((strength > 0).sum()),
        int(field.sum()),
    )


def _mask(box: Box, shape: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[box[0] : box[2], box[1] : box[3]] = True
    return mask


# A step along the gradient: what the gradient promises, and what happens.


def grey_level(net: Net, gradient: np.ndarray) -> float:
    """Length (Euclidean, normalized input) of the step along a (C, H, W) gradient that moves the pixel value it
    moves most by one grey level of 255. Zero where the gradient is."""
    norm = float(np.linalg.norm(gradient.astype(np.float64)))
    if not norm:
        return 0.0
    return norm / (255 * float(np.abs(gradient * np.array(net.std, np.float32)[:, None, None]).max()))


def along(
    net: Net, x: Tensor, gradient: np.ndarray, layer: str, unit: int, cell: Cell, steps: Sequence[float]
) -> np.ndarray:
    r"""The activation after each step, $A(x + \epsilon\, g / \lVert g \rVert)$; pixels may leave 0 to 255.

    Args:
        x: (1, C, H, W). gradient: (C, H, W), the direction g.
        steps: lengths $\epsilon$, Euclidean, in normalized input; negative ones go back.

    Returns:
        (len(steps),) float32. To first order it is $A(x) + \epsilon \lVert g \rVert$.
    """
    direction = torch.from_numpy(gradient).to(x)
    direction = direction / direction.norm().clamp(min=1e-30)
    found = []
    with torch.no_grad():
        for part in torch.tensor(list(steps), dtype=x.dtype, device=x.device).split(8):
            acts = partial.activation(net, x + part[:, None, None, None] * direction, layer)
            maps = acts[:, unit].reshape(len(part), *map_shape(net, layer, acts))
            found.append(maps[:, cell[0], cell[1]])
    return torch.cat(found).numpy(force=True)


def holds_until(steps: Sequence[float], predicted: np.ndarray, actual: np.ndarray, tolerance: float) -> int:
    """How many of the rising steps, from the first on, the change comes as predicted, up to a share `tolerance`."""
    for n in range(len(steps)):
        if abs(actual[n] - predicted[n]) > tolerance * abs(predicted[n]):
            return n
    return len(steps)


# Layers without maps: the index of patches does not have them.


def answers(net: Net, pictures: Collection, layer: str, progress: Callable[[float], None] | None = None) -> np.ndarray:
    """(P, K) float32: what each number of a vector layer answers to each picture."""
    rows = []
    for number in range(len(pictures.titles)):
        with torch.no_grad():
            rows.append(partial.activation(net, prepared(net, pictures, number), layer)[0].numpy(force=True))
        if progress:
            progress((number + 1) / len(pictures.titles))
    return np.stack(rows)


def best(found: np.ndarray, unit: int, count: int) -> tuple[Hit, ...]:
    """The pictures with the largest answers (P, K) of one number, best first; equal ones in their order."""
    order = np.argsort(-found[:, unit], kind="stable")[:count]
    return tuple(Hit(int(n), float(found[n, unit]), (0, 0)) for n in order)
