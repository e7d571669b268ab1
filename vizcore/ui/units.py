"""Cached computations about single cells and units: receptive fields, best patches, preferred inputs, classes."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vizcore.ui import jobs
from vizcore.ui.cache import per_network, per_picture
from vizcore.ui.view import View
from vizcore.ui.widgets import index, segmented_control

if TYPE_CHECKING:
    from vizcore.figures.sprites import Layout
    from vizcore.inspection.preferred import Preferred
    from vizcore.inspection.top_patches import Hit, Index
    from vizcore.models import Layer
    from vizcore.types import Box, Cell


# Receptive fields.


@per_picture(entries=256, size="30MB", step="Following gradients from the cell to the input")
def effective(view: View, layer: str, cell: tuple[int, int], inputs: int) -> np.ndarray:
    """(H, W) effective receptive field of a cell, over the view's picture and `inputs` - 1 others of the gallery."""
    import torch

    from vizcore.images.collection import open_collection
    from vizcore.inspection import effective_field, squares

    pictures = open_collection(channels=view.net.channels)
    others = [len(pictures.titles) * n // inputs for n in range(1, inputs)]
    batch = torch.cat([view.x, *(squares.prepared(view.net, pictures, n) for n in others)])
    return effective_field.effective_field(view.net, batch, layer, cell)


# The pictures that excite a unit most.


def collection_select(view: View) -> str:
    """A choice of the pictures to search, as `?among=`; a network that reads digits has no choice."""
    from vizcore.images.collection import COLLECTIONS

    if view.net.channels == 1:
        return "digits"
    return segmented_control("Pictures searched", list(COLLECTIONS), "gallery", key="among")


def top_index(view: View, collection: str) -> "Index":
    """The best patches of all units, searched once for all visitors."""
    from vizcore.images.collection import open_collection
    from vizcore.inspection import top_patches

    def work(report) -> "Index":
        return top_patches.load_or_build(view.net, open_collection(collection, view.net.channels), progress=report)

    count = len(open_collection(collection, view.net.channels).titles)
    label = f"Searching {count} pictures for every unit of {view.net.title}"
    return jobs.run(("top patches", view.model, collection), work, label, keep=True)


def patches(
    view: View, collection: str, hits: "tuple[Hit, ...]", boxes: "tuple[Box, ...]", side: int
) -> "tuple[bytes, Layout]":
    """A box of each picture, enlarged to `side` pixels, in one JPEG; and where each lies there."""
    return _patches(view, collection, tuple(hit.picture for hit in hits), boxes, side)


@per_network(entries=256, size="40MB")
def _patches(
    view: View, collection: str, pictures: tuple[int, ...], boxes: "tuple[Box, ...]", side: int
) -> "tuple[bytes, Layout]":
    from vizcore.figures import patches as patch_figures
    from vizcore.figures import render, sprites
    from vizcore.images.collection import cut, open_collection
    from vizcore.inspection import squares

    source = open_collection(collection, view.net.channels)
    crops = [cut(squares.square(view.net, source, n), box) for n, box in zip(pictures, boxes, strict=True)]
    sprite, layout = sprites.atlas(patch_figures.tiles(crops, side))
    return render.encode(sprite, "jpeg"), layout


def backward(
    view: View, collection: str, hits: "tuple[Hit, ...]", layer: str, unit: int, rule: str | None
) -> np.ndarray:
    """(N, C, H, W) gradient of the unit's strongest cell for each picture; `rule` as in `unit_gradients.gradient`.

    It starts before the unit's own ReLU, which at its ceiling would let nothing through.
    """
    return _backward(view, collection, tuple((hit.picture, hit.cell) for hit in hits), layer, unit, rule)


@per_network(entries=128, size="80MB", step="Going back from the unit to the pictures")
def _backward(
    view: View, collection: str, places: "tuple[tuple[int, Cell], ...]", layer: str, unit: int, rule: str | None
) -> np.ndarray:
    from vizcore.images.collection import open_collection
    from vizcore.inspection import squares, unit_gradients
    from vizcore.models import layers as model_layers

    source = open_collection(collection, view.net.channels)
    start = model_layers.before_relu(view.net, layer)
    inputs = [(squares.prepared(view.net, source, number), cell) for number, cell in places]
    found = [unit_gradients.gradient(view.net, x, start, unit, cell, rule) for x, cell in inputs]
    return np.stack([one.gradients[0] for one in found])


# The same from another unit.


def other_unit(layer: "Layer", unit: int, help: str) -> int | None:
    """A number field for the unit to compare with, as `?other_unit=`; until it is set, one drawn by lot: None.

    It shows the first of the lots then.
    """
    from vizcore.inspection import other_unit

    count = layer.out_shape[0]
    if count < 2:
        return None
    lot = other_unit.by_lot(np.ones(count), unit)
    chosen = index("Other unit", "other_unit", count, lot, follow="By lot", help=help)
    return None if chosen == lot else chosen


class Drawn(NamedTuple):
    """A unit and another one of its layer, drawn in the same patches.

    Attributes:
        own, other: their drawings, each sheet one PNG with the place of each drawing there.
        others: which unit the other is in each patch. alike: the correlation of the two there; NaN without one.
    """

    own: "tuple[bytes, Layout]"
    other: "tuple[bytes, Layout]"
    others: tuple[int, ...]
    alike: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean correlation over the patches that have one; NaN where none has."""
        from vizcore.inspection.other_unit import mean

        return mean(self.alike)


@per_network(entries=128, size="60MB", step="Drawing the unit, and another one, in its patches")
def drawn(
    view: View,
    collection: str,
    hits: "tuple[Hit, ...]",
    boxes: "tuple[Box, ...]",
    layer: str,
    unit: int,
    rule: str | None,
    other: int | None,
) -> Drawn:
    """The boxes of two units' drawings, from the unit's strongest cell in each picture, before its own ReLU.

    Args:
        rule: as for :func:`vizcore.inspection.other_unit.beside`. other: the other unit; by lot when None.
    """
    from vizcore.figures import patches as patch_figures
    from vizcore.figures import render, sprites
    from vizcore.images.collection import open_collection
    from vizcore.inspection import other_unit, squares
    from vizcore.models import layers as model_layers

    source, start = open_collection(collection, view.net.channels), model_layers.before_relu(view.net, layer)
    pairs = [
        other_unit.beside(view.net, squares.prepared(view.net, source, hit.picture), start, unit, hit.cell, rule, other)
        for hit in hits
    ]
    sheets = []
    for which in (0, 1):
        cut = patch_figures.gradient_patches([pair.drawings[which] for pair in pairs], boxes)
        sprite, layout = sprites.atlas(patch_figures.tiles(cut, 160))
        sheets.append((render.encode(sprite, "png"), layout))
    alike = tuple(pair.correlation(box) for pair, box in zip(pairs, boxes, strict=True))
    return Drawn(sheets[0], sheets[1], tuple(pair.units[1] for pair in pairs), alike)


def classes(view: View, collection: str, hits: "tuple[Hit, ...]", layer: str, unit: int) -> np.ndarray:
    """(K,) what the unit adds to each class score, on average over its best pictures."""
    return _classes(view, collection, tuple(hit.picture for hit in hits), layer, unit)


@per_network(entries=256, step="Following the unit to the class scores")
def _classes(view: View, collection: str, pictures: tuple[int, ...], layer: str, unit: int) -> np.ndarray:
    from vizcore.images.collection import open_collection
    from vizcore.inspection import squares, unit_classes

    source = open_collection(collection, view.net.channels)
    inputs = (squares.prepared(view.net, source, number) for number in pictures)
    return np.mean([unit_classes.contributions(view.net, x, layer, unit).cpu().numpy() for x in inputs], axis=0)


# Preferred inputs.


def preferred(view: View, layer: str, unit: int, steps: int, seed: int) -> "Preferred":
    """A synthesized input for the unit, made once for all visitors; given up when nobody waits for it."""
    from vizcore.inspection import preferred

    def work(report) -> "Preferred":
        return preferred.synthesize(view.net, layer, [unit], steps=steps, seed=seed, progress=report)

    return jobs.run(("preferred", view.model, layer, unit, steps, seed), work, f"Climbing, {steps} steps")
