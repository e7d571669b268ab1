"""Cached computations about single cells and units: receptive fields, best patches, preferred inputs, classes."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from vizcore.ui.cache import View
from vizcore.ui.jobs import Job, shared
from vizcore.ui.progress import working

if TYPE_CHECKING:
    from torch import Tensor

    from vizcore.inspection.preferred import Preferred
    from vizcore.inspection.top_patches import Hit, Index
    from vizcore.models import Net


def unit_number(view: View, layer: str, maps: np.ndarray, label: str = "Unit") -> int:
    """A number field for a unit of the layer, as `?unit=`; empty means the map with the largest mean."""
    count = len(maps)
    strongest = int(maps.reshape(count, -1).mean(1).argmax())
    typed = st.session_state.get("unit")
    if isinstance(typed, int) and typed >= count:
        st.session_state["unit"] = count - 1
    typed = st.number_input(
        f"{label}, 0 to {count - 1}", 0, count - 1, None, 1, key="unit", bind="query-params",
        placeholder=f"strongest ({strongest})", width=190,
        help="Empty: the one with the largest mean on this picture.",
    )  # fmt: skip
    return strongest if typed is None else typed


def index_number(label: str, key: str, count: int) -> int:
    """A number field for a row or column; the middle one when it is empty."""
    typed = st.session_state.get(key)
    if isinstance(typed, int) and typed >= count:
        st.session_state[key] = count - 1
    typed = st.number_input(
        f"{label}, 0 to {count - 1}", 0, count - 1, None, 1, key=key, bind="query-params", width=150,
        placeholder=f"middle ({count // 2})",
    )  # fmt: skip
    return count // 2 if typed is None else typed


# Receptive fields.


@st.cache_data(max_entries=256, max_size="100MB", show_spinner=False)
def _effective(
    model: str, digest: str, layer: str, cell: tuple[int, int], inputs: int, _net: "Net", _x: "Tensor"
) -> np.ndarray:
    import torch

    from vizcore.images.collection import open_collection
    from vizcore.inspection import effective_field

    pictures = open_collection(channels=_net.channels)
    others = [len(pictures.titles) * n // inputs for n in range(1, inputs)]
    batch = torch.cat([_x, *(_net.preprocess(pictures.open(n)) for n in others)])
    return effective_field.effective_field(_net, batch, layer, cell)


def effective(view: View, layer: str, cell: tuple[int, int], inputs: int) -> np.ndarray:
    """(H, W) effective receptive field of a cell, over the view's picture and `inputs` - 1 others of the gallery."""
    with working("Following gradients from the cell to the input"):
        return _effective(view.model, view.digest, layer, cell, inputs, view.net, view.x)


# The pictures that excite a unit most.


@st.cache_resource(max_entries=8, show_spinner=False)
def _index_job(model: str, collection: str) -> Job:
    return Job()


def top_index(view: View, collection: str) -> "Index":
    """The best patches of all units, searched once for all visitors."""
    from vizcore.images.collection import open_collection
    from vizcore.inspection import top_patches

    def work(report) -> "Index":
        return top_patches.load_or_build(view.net, open_collection(collection, view.net.channels), progress=report)

    count = len(open_collection(collection, view.net.channels).titles)
    label = f"Searching {count} pictures for every unit of {view.net.title}"
    return shared(_index_job(view.model, collection), work, label, keep=True)


@st.cache_data(max_entries=128, max_size="300MB", show_spinner=False)
def _backward(
    model: str,
    collection: str,
    places: "tuple[tuple[int, tuple[int, int]], ...]",
    layer: str,
    unit: int,
    rule: str | None,
    _net: "Net",
) -> np.ndarray:
    from vizcore.images.collection import open_collection
    from vizcore.inspection import unit_gradients
    from vizcore.models import layers as model_layers

    source = open_collection(collection, _net.channels)
    start = model_layers.before_relu(_net, layer)
    gradients = [
        unit_gradients.gradient(_net, _net.preprocess(source.open(number)), start, unit, cell, rule).gradients[0]
        for number, cell in places
    ]
    return np.stack(gradients)


def backward(
    view: View, collection: str, hits: "tuple[Hit, ...]", layer: str, unit: int, rule: str | None
) -> np.ndarray:
    """(N, C, H, W) gradient of the unit's strongest cell for each picture; `rule` as in `unit_gradients.gradient`.

    It starts before the unit's own ReLU, which at its ceiling would let nothing through.
    """
    with working("Going back from the unit to the pictures"):
        places = tuple((hit.picture, hit.cell) for hit in hits)
        return _backward(view.model, collection, places, layer, unit, rule, view.net)


@st.cache_data(max_entries=256, show_spinner=False)
def _classes(
    model: str, collection: str, pictures: tuple[int, ...], layer: str, unit: int, _net: "Net"
) -> np.ndarray:
    from vizcore.images.collection import open_collection
    from vizcore.inspection import unit_classes

    source = open_collection(collection, _net.channels)
    inputs = (_net.preprocess(source.open(number)) for number in pictures)
    return np.mean([unit_classes.contributions(_net, x, layer, unit).cpu().numpy() for x in inputs], axis=0)


def classes(view: View, collection: str, hits: "tuple[Hit, ...]", layer: str, unit: int) -> np.ndarray:
    """(K,) what the unit adds to each class score, on average over its best pictures."""
    with working("Following the unit to the class scores"):
        pictures = tuple(hit.picture for hit in hits)
        return _classes(view.model, collection, pictures, layer, unit, view.net)


# Preferred inputs.


@st.cache_resource(max_entries=128, show_spinner=False)
def _preferred_job(model: str, layer: str, unit: int, steps: int, seed: int) -> Job:
    return Job()


def preferred(view: View, layer: str, unit: int, steps: int, seed: int) -> "Preferred":
    """A synthesized input for the unit, made once for all visitors; given up when nobody waits for it."""
    from vizcore.inspection import preferred

    def work(report) -> "Preferred":
        return preferred.synthesize(
            view.net, layer, [unit], steps=steps, seed=seed, progress=report
        )

    return shared(_preferred_job(view.model, layer, unit, steps, seed), work, f"Climbing, {steps} steps")
