"""What a contact sheet shows: for units of many layers, the patches that excite them most, and drawings of these.

Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks" (ECCV 2014), figure 2: layer by layer the nine
strongest patches of a unit stand beside what the unit sees in them.

One forward pass per picture serves all units and all layers: each drawing is one more backward pass through the same
graph.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from vizcore.images.collection import Collection, cut
from vizcore.inspection import top_patches
from vizcore.inspection.likeness import mean_correlation
from vizcore.inspection.squares import square
from vizcore.inspection.top_patches import Hit, Index
from vizcore.inspection.unit_gradients import Pick, draw_back
from vizcore.models import Net
from vizcore.models.layers import before_relu
from vizcore.types import Box, Progress


class Strip(NamedTuple):
    """One layer.

    Attributes:
        layer: its name.
        units: the unit numbers; hits: for each unit its strongest cells, strongest first.
        titles: the names of the pictures, as `hits`.
        patches: the parts of the pictures, as `hits`; drawings: the same parts of the gradients, (C, h, w) float32.
        alike: mean correlation of two drawings of one unit; 1 where the picture in the patch does not matter.
    """

    layer: str
    units: tuple[int, ...]
    hits: tuple[tuple[Hit, ...], ...]
    titles: tuple[tuple[str, ...], ...]
    patches: tuple[tuple[Image.Image, ...], ...]
    drawings: tuple[tuple[np.ndarray, ...], ...]
    alike: float


def gather(
    net: Net,
    pictures: Collection,
    index: Index,
    chosen: Mapping[str, Sequence[int]],
    patches: int = 9,
    rule: str | None = "deconvnet",
    progress: Progress | None = None,
) -> dict[str, Strip]:
    """The strips of the chosen units of the chosen layers.

    Every patch is the receptive field of the unit's strongest cell, at most half the picture (as
    :func:`vizcore.inspection.top_patches.patch_box` cuts it). Drawings start before the unit's own ReLU.

    Args:
        chosen: layer name to unit numbers.
        patches: pictures per unit.
        rule, progress: as for :func:`vizcore.inspection.unit_gradients.draw_back`.
    """
    starts = {layer: before_relu(net, layer) for layer in chosen}
    hits = {
        (layer, unit): index.top(net, starts[layer], unit, patches) for layer, units in chosen.items() for unit in units
    }
    places = [(layer, unit, hit) for (layer, unit), found in hits.items() for hit in found]
    boxes = [top_patches.patch_box(net, net.layer(layer), hit.cell) for layer, _, hit in places]
    picks = [Pick(starts[layer], unit, hit.picture, hit.cell) for layer, unit, hit in places]
    drawn = {n: boxed(found, boxes[n]) for n, found in draw_back(net, pictures, picks, rule, progress)}

    strips, at = {}, 0
    for layer, units in chosen.items():
        found = tuple(hits[layer, unit] for unit in units)
        parts, drawings = [], []
        for of_unit in found:
            here = range(at, at + len(of_unit))
            parts.append(tuple(cut(square(net, pictures, picks[n].picture), boxes[n]) for n in here))
            drawings.append(tuple(drawn.pop(n) for n in here))
            at += len(of_unit)
        titles = tuple(tuple(pictures.titles[hit.picture] for hit in of_unit) for of_unit in found)
        alike = np.mean([mean_correlation([values.ravel() for values in of_unit]) for of_unit in drawings])
        strips[layer] = Strip(layer, tuple(units), found, titles, tuple(parts), tuple(drawings), float(alike))
    return strips


def boxed(gradient: np.ndarray, box: Box) -> np.ndarray:
    """The box of a (C, H, W) gradient; zero where it reaches over the edge."""
    top, left, bottom, right = box
    _, height, width = gradient.shape
    inside = gradient[:, max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    edges = ((max(-top, 0), max(bottom - height, 0)), (max(-left, 0), max(right - width, 0)))
    return np.pad(inside, ((0, 0), *edges))  # a copy: the whole gradient need not be kept
