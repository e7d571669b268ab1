"""Cached computations about single cells and units: receptive fields, best patches, preferred inputs, classes."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from vizcore.ui import jobs
from vizcore.ui.cache import per_network, per_picture
from vizcore.ui.view import View

if TYPE_CHECKING:
    from vizcore.figures.sprites import Layout
    from vizcore.inspection.preferred import Preferred
    from vizcore.inspection.top_patches import Hit, Index
    from vizcore.types import Box, Cell


# Receptive fields.


@per_picture(entries=256, size="30MB", step="Following gradients from the cell to the input")
def effective(view: View, layer: str, cell: tuple[int, int], inputs: int) -> np.ndarray:
    """(H, W) effective receptive field of a cell, over the view's picture and `inputs` - 1 others of the gallery."""
    import torch

    from vizcore.images.collection import open_collection
    from vizcore.inspection import effective_field

    pictures = open_collection(channels=view.net.channels)
    others = [len(pictures.titles) * n // inputs for n in range(1, inputs)]
    batch = torch.cat([view.x, *(view.net.preprocess(pictures.open(n)) for n in others)])
    return effective_field.effective_field(view.net, batch, layer, cell)


# The pictures that excite a unit most.


def collection_select(view: View) -> str:
    """A choice of the pictures to search, as `?among=`; a network that reads digits has no choice."""
    from vizcore.images.collection import COLLECTIONS

    if view.net.channels == 1:
        return "digits"
    return st.segmented_control(
        "Pictures searched", list(COLLECTIONS), default="gallery", required=True, key="among", bind="query-params"
    )


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

    source = open_collection(collection, view.net.channels)
    crops = [cut(view.net.crop(source.open(n)), box) for n, box in zip(pictures, boxes, strict=True)]
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
    from vizcore.inspection import unit_gradients
    from vizcore.models import layers as model_layers

    source = open_collection(collection, view.net.channels)
    start = model_layers.before_relu(view.net, layer)
    inputs = [(view.net.preprocess(source.open(number)), cell) for number, cell in places]
    found = [unit_gradients.gradient(view.net, x, start, unit, cell, rule) for x, cell in inputs]
    return np.stack([one.gradients[0] for one in found])


def classes(view: View, collection: str, hits: "tuple[Hit, ...]", layer: str, unit: int) -> np.ndarray:
    """(K,) what the unit adds to each class score, on average over its best pictures."""
    return _classes(view, collection, tuple(hit.picture for hit in hits), layer, unit)


@per_network(entries=256, step="Following the unit to the class scores")
def _classes(view: View, collection: str, pictures: tuple[int, ...], layer: str, unit: int) -> np.ndarray:
    from vizcore.images.collection import open_collection
    from vizcore.inspection import unit_classes

    source = open_collection(collection, view.net.channels)
    inputs = (view.net.preprocess(source.open(number)) for number in pictures)
    return np.mean([unit_classes.contributions(view.net, x, layer, unit).cpu().numpy() for x in inputs], axis=0)


# Preferred inputs.


def preferred(view: View, layer: str, unit: int, steps: int, seed: int) -> "Preferred":
    """A synthesized input for the unit, made once for all visitors; given up when nobody waits for it."""
    from vizcore.inspection import preferred

    def work(report) -> "Preferred":
        return preferred.synthesize(view.net, layer, [unit], steps=steps, seed=seed, progress=report)

    return jobs.run(("preferred", view.model, layer, unit, steps, seed), work, f"Climbing, {steps} steps")
