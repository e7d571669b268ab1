"""One neuron on a page: choosing it, and its cached gradients."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from vizcore.ui import units
from vizcore.ui.cache import View, feature_maps
from vizcore.ui.jobs import Job, shared
from vizcore.ui.progress import working
from vizcore.ui.state import linked_select

if TYPE_CHECKING:
    from torch import Tensor

    from vizcore.models import Net
    from vizcore.neuron_gradient import Cell
    from vizcore.top_patches import Hit


def layer_name(view: View) -> str:
    """A select box for a layer with neurons, maps and vectors alike, as `?layer=`."""
    from vizcore import neuron_gradient

    default = neuron_gradient.default_layer(view.net)
    names = [layer.name for layer in neuron_gradient.layers(view.net)]

    def describe(name: str) -> str:
        count, *cells = view.net.layer(name).out_shape
        return f"{name}: {count} maps of {cells[0]} × {cells[1]}" if cells else f"{name}: {count} neurons"

    return linked_select("Layer", names, "layer", default=default, format_func=describe, width=330)


def cell_number(label: str, key: str, count: int, strongest: int) -> int | None:
    """A number field for a row or column, as `?<key>=`; None when it is empty."""
    typed = st.session_state.get(key)
    if isinstance(typed, int) and typed >= count:
        st.session_state[key] = count - 1
    return st.number_input(
        f"{label}, 0 to {count - 1}", 0, count - 1, None, 1, key=key, bind="query-params", width=165,
        placeholder=f"strongest ({strongest})", help="Empty: where the map is strongest on this picture.",
    )  # fmt: skip


@st.cache_data(max_entries=96, max_size="60MB", show_spinner=False)
def _vector(model: str, digest: str, layer: str, _net: "Net", _x: "Tensor") -> np.ndarray:
    import torch

    from vizcore import partial

    with torch.no_grad():
        return partial.activation(_net, _x, layer)[0].numpy(force=True)[:, None, None]


def maps(view: View, layer: str) -> np.ndarray:
    """(K, h, w) float32: the layer's answer to the view's picture; (K, 1, 1) for a vector."""
    if len(view.net.layer(layer).out_shape) == 3:
        return feature_maps(view, layer)
    return _vector(view.model, view.digest, layer, view.net, view.x)


# The pictures it answers most.


@st.cache_resource(max_entries=16, show_spinner=False)
def _answers_job(model: str, collection: str, layer: str) -> Job:
    return Job()


def hits(view: View, collection: str, layer: str, unit: int) -> "tuple[Hit, ...]":
    """The pictures with the strongest cell of a unit, best first; the search is made once for all visitors."""
    from vizcore import neuron_gradient, top_patches

    if len(view.net.layer(layer).out_shape) == 3:
        return units.top_index(view, collection).top(view.net, layer, unit)

    def work(report) -> np.ndarray:
        source = top_patches.collection(view.net, collection)
        return neuron_gradient.answers(view.net, source, layer, report)

    found = shared(_answers_job(view.model, collection, layer), work, f"Asking {layer} about every picture", keep=True)
    return neuron_gradient.best(found, unit, top_patches.COUNT)


# Gradients.


@st.cache_data(max_entries=384, max_size="240MB", show_spinner=False)
def _gradient(
    model: str, picture: str, layer: str, unit: int, cell: "Cell", rule: str | None, _net: "Net", _x: "Tensor"
) -> "tuple[float, np.ndarray]":
    from vizcore import neuron_gradient

    found = neuron_gradient.neuron_gradient(_net, _x, layer, unit, cell, rule)
    return float(found.values[0]), found.gradients[0]


def gradient(view: View, layer: str, unit: int, cell: "Cell", rule: str | None) -> tuple[float, np.ndarray]:
    """The neuron's activation on the view's picture and its (C, H, W) gradient, computed once for everyone."""
    with working("Going back from the neuron to the picture"):
        return _gradient(view.model, view.digest, layer, unit, cell, rule, view.net, view.x)


def gradient_at(
    view: View, collection: str, hit: "Hit", layer: str, unit: int, rule: str | None
) -> tuple[float, np.ndarray]:
    """The same for a picture that was searched, at its strongest cell."""
    from vizcore import top_patches

    with working("Going back from the neuron to the pictures"):
        source = top_patches.collection(view.net, collection)
        x = view.net.preprocess(source.open(hit.picture))
        name = f"{source.digests[hit.picture]} searched"
        return _gradient(view.model, name, layer, unit, hit.cell, rule, view.net, x)


@st.cache_data(max_entries=256, show_spinner=False)
def _along(
    model: str, digest: str, layer: str, unit: int, cell: "Cell", steps: tuple[float, ...], _gradient: np.ndarray,
    _net: "Net", _x: "Tensor",
) -> np.ndarray:  # fmt: skip
    from vizcore import neuron_gradient

    return neuron_gradient.along(_net, _x, _gradient, layer, unit, cell, steps)


def along(view: View, layer: str, unit: int, cell: "Cell", steps: tuple[float, ...]) -> np.ndarray:
    """The neuron's activation after steps of these lengths along its own gradient."""
    direction = gradient(view, layer, unit, cell, None)[1]
    with working("Stepping along the gradient"):
        return _along(view.model, view.digest, layer, unit, cell, steps, direction, view.net, view.x)
