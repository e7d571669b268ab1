"""One neuron on a page: choosing it, and its cached gradients."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from vizcore.ui import jobs, units
from vizcore.ui.address import index, linked_select
from vizcore.ui.blocks import image, scale
from vizcore.ui.cache import activation, feature_maps, once, per_picture
from vizcore.ui.components import cells
from vizcore.ui.progress import working
from vizcore.ui.view import View

if TYPE_CHECKING:
    from torch import Tensor

    from vizcore.inspection.top_patches import Hit
    from vizcore.models import Layer, Net
    from vizcore.types import Cell


def _layer_name(view: View) -> str:
    """A select box for a layer with neurons, maps and vectors alike, as `?layer=`."""
    from vizcore.inspection import neurons

    default = neurons.default_layer(view.net)
    names = [layer.name for layer in neurons.layers(view.net)]

    def describe(name: str) -> str:
        count, *cells = view.net.layer(name).out_shape
        return f"{name}: {count} maps of {cells[0]} × {cells[1]}" if cells else f"{name}: {count} neurons"

    return linked_select("Layer", names, "layer", default=default, format_func=describe, width=330)


def maps(view: View, layer: str) -> np.ndarray:
    """(K, h, w) float32: the layer's answer to the view's picture; (K, 1, 1) for a vector."""
    if len(view.net.layer(layer).out_shape) == 3:
        return feature_maps(view, layer)
    return activation(view, layer)[:, None, None]


@dataclasses.dataclass(frozen=True)
class Neuron:
    """What the visitor chose.

    Attributes:
        layer: its layer. unit: the map, or the number in a vector. cell: its row and column there.
        climbed: the layer right before its ReLU, by whose numbers neurons are ranked; or the layer itself.
        start: the layer whose number is differentiated: one of the two.
        values, before: (h, w) float32, its map in the layer and in `climbed`.
        count: neurons in the layer.
        box: the part of the picture it sees. bounded: whether that is less than all of it.
    """

    layer: "Layer"
    unit: int
    cell: "Cell"
    climbed: str
    start: str
    values: np.ndarray = dataclasses.field(repr=False)
    before: np.ndarray = dataclasses.field(repr=False)
    count: int
    box: tuple[int, int, int, int]
    bounded: bool

    @property
    def placed(self) -> bool:
        """Whether it has a place: a row and a column."""
        return self.layer.spatial

    @property
    def name(self) -> str:
        row, column = self.cell
        return (f"map {self.unit}, row {row}, column {column} of " if self.placed else f"neuron {self.unit} of ") + (
            self.layer.name
        )


def choose(view: View) -> Neuron:
    """The strip of controls for layer, map, row, column and "Before its ReLU"; empty fields mean the strongest."""
    from vizcore.inspection import neurons
    from vizcore.models import layers as model_layers

    layer = view.net.layer(_layer_name(view))
    climbed = model_layers.before_relu(view.net, layer.name)
    found, below = maps(view, layer.name), maps(view, climbed)
    count, rows, columns = found.shape
    salient = neurons.salient_unit(below)
    unit = index(
        f"{'Map' if layer.spatial else 'Neuron'}, 0 to {count - 1}",
        "unit",
        count,
        salient,
        empty=f"auto ({salient})",
        width=190,
        help="Empty: the map whose strongest neuron stands out most from its mean on this picture."
        if layer.spatial
        else "Empty: the strongest on this picture.",
    )
    before = below[unit]
    place: dict[str, int | None] = {"row": None, "column": None}
    if layer.spatial:
        best = neurons.strongest(before)
        for (key, size), strongest in zip((("row", rows), ("column", columns)), best, strict=True):
            typed = index(
                f"{key.capitalize()}, 0 to {size - 1}",
                key,
                size,
                strongest,
                empty=f"auto ({strongest})",
                help="Empty: where the map is strongest on this picture.",
            )
            place[key] = None if st.session_state[key] is None else typed
    start = layer.name
    if climbed != layer.name and st.toggle(
        "Before its ReLU",
        True,
        key="before",
        bind="query-params",
        help="Start from the number that goes into the neuron's own ReLU. Behind it, a neuron that is off, or at the "
        "ceiling of a ReLU6, has no gradient at all.",
    ):
        start = climbed
    cell, side = neurons.strongest(before, **place), view.net.input_size
    box = neurons.field_box(layer, cell, side, side)
    return Neuron(
        layer, unit, cell, climbed, start, found[unit], before, count * rows * columns, box, box != (0, 0, side, side)
    )


def _take(row: int, column: int) -> None:
    st.session_state["row"], st.session_state["column"] = row, column


def show_place(view: View, neuron: Neuron) -> None:
    """The map over the picture, to click a neuron; what the neuron can see; its numbers."""
    from vizcore.figures import patches as patch_figures
    from vizcore.figures import render
    from vizcore.inspection import neurons

    values, box, layer, side = neuron.values, neuron.box, neuron.layer, view.net.input_size
    panels = iter(st.columns(3))
    if neuron.placed:
        rows, columns = values.shape
        signed, photo = bool(values.min() < 0), view.picture.convert("RGB").resize((patch_figures.SIDE,) * 2)
        top = render.limits(values, signed)[1]
        numbers = (
            [f"row {r}, column {c}: {render.number(values[r, c])}" for r in range(rows) for c in range(columns)]
            if values.size <= 4096
            else []
        )
        with next(panels):
            cells(
                "map_cells",
                render.overlay(photo, values, 0.6, signed, top),
                rows,
                columns,
                neuron.cell,
                _take,
                labels=numbers,
                caption=f"Map {neuron.unit} over the picture: click a neuron",
                alt=f"Map {neuron.unit} of {layer.name} over {view.title}, {rows} by {columns} neurons",
            )
            st.html(scale(top, 2, signed, f"activation of map {neuron.unit}"))
    with next(panels):
        seen = "What this neuron can see, bright" if neuron.bounded else "This neuron can see the whole picture"
        image(
            patch_figures.boxed(view.picture, box, None, False),
            seen,
            f"{view.title}; the receptive field of {neuron.name}",
        )
    if neuron.bounded:
        patch = neurons.window(layer, neuron.cell, side)
        over = patch != box
        with next(panels):
            image(
                patch_figures.boxed(view.picture, box, patch, False),
                "The same, enlarged" + ("; grey is outside the picture" if over else ""),
                f"The part of {view.title} that {neuron.name} can see",
            )
    field = layer.receptive_field
    about = f"Of the picture's {side} × {side}. Its receptive field "
    about += f"is {field.size} pixels wide." if field else "has no bounds."
    facts = [("Its activation", render.number(values[neuron.cell]), None)]
    if neuron.climbed != layer.name:
        facts.append(("Before its ReLU", render.number(neuron.before[neuron.cell]), None))
    facts.append(("It can see", f"{box[2] - box[0]} × {box[3] - box[1]} px", about))
    facts.append(("Neurons in this layer", f"{neuron.count:,}", None))
    for column, (label, value, help) in zip(st.columns(4), facts, strict=False):
        column.metric(label, value, help=help)


# The pictures it answers most.


def hits(view: View, collection: str, neuron: Neuron) -> "tuple[Hit, ...]":
    """The pictures with the strongest cells of the neuron's map, best first; searched once for all visitors."""
    from vizcore.images.collection import open_collection
    from vizcore.inspection import neurons, top_patches

    layer, unit = neuron.climbed, neuron.unit
    if len(view.net.layer(layer).out_shape) == 3:
        return units.top_index(view, collection).top(view.net, layer, unit)

    def work(report) -> np.ndarray:
        source = open_collection(collection, view.net.channels)
        return neurons.answers(view.net, source, layer, report)

    found = jobs.run(("answers", view.model, collection, layer), work, f"Asking {layer} about every picture", keep=True)
    return neurons.best(found, unit, top_patches.COUNT)


# Gradients.


def gradient(view: View, neuron: Neuron, rule: str | None = None) -> tuple[float, np.ndarray]:
    """The neuron's number on the view's picture and its (C, H, W) gradient, computed once for everyone."""
    with working("Going back from the neuron to the picture"):
        return _gradient(view.model, view.digest, neuron.start, neuron.unit, neuron.cell, rule, view.net, view.x)


def gradient_at(view: View, collection: str, hit: "Hit", neuron: Neuron, rule: str | None) -> np.ndarray:
    """(C, H, W): the same for the strongest neuron of the map in a picture that was searched."""
    from vizcore.images.collection import open_collection

    with working("Going back from the neuron to the pictures"):
        source = open_collection(collection, view.net.channels)
        name = f"{source.digests[hit.picture]} searched"
        x = view.net.preprocess(source.open(hit.picture))
        return _gradient(view.model, name, neuron.start, neuron.unit, hit.cell, rule, view.net, x)[1]


@once(entries=384, size="80MB")
def _gradient(
    model: str, picture: str, layer: str, unit: int, cell: "Cell", rule: str | None, _net: "Net", _x: "Tensor"
) -> "tuple[float, np.ndarray]":
    from vizcore.inspection import unit_gradients

    found = unit_gradients.gradient(_net, _x, layer, unit, cell, rule)
    return float(found.values[0]), found.gradients[0]


def along(view: View, neuron: Neuron, steps: tuple[float, ...]) -> np.ndarray:
    """The neuron's number after steps of these lengths along its own gradient."""
    return _along(view, neuron.start, neuron.unit, neuron.cell, steps, gradient(view, neuron)[1])


@per_picture(entries=256, step="Stepping along the gradient")
def _along(
    view: View, layer: str, unit: int, cell: "Cell", steps: tuple[float, ...], _direction: np.ndarray
) -> np.ndarray:
    from vizcore.inspection import neurons

    return neurons.along(view.net, view.x, _direction, layer, unit, cell, steps)


def show_spread(view: View, neuron: Neuron, plain: np.ndarray) -> None:
    """Where the plain gradient lies, in four numbers; or why there is none."""
    from vizcore.figures import render
    from vizcore.inspection import neurons

    found = neurons.spread(plain, neuron.layer, neuron.cell)
    if not found.total:
        st.info(
            "The gradient is zero at every pixel: "
            + (
                "this neuron's ReLU is shut here, or at its ceiling. Switch “Before its ReLU” on."
                if neuron.start != neuron.climbed
                else "on every way to this neuron a ReLU is shut. Choose another neuron."
            ),
            icon=":material/info:",
        )
        return
    inside = "100 %" if found.outside == 0 else f"{100 * found.inside:.4g} %"
    columns = st.columns(4)
    columns[0].metric(
        "Gradient inside the field",
        inside,
        help=f"Share of the sum of absolute values. Outside, the sum is {render.number(found.outside)}.",
    )
    columns[1].metric(
        "In its central half",
        f"{100 * found.central:.3g} %",
        help="The middle of the receptive field, half its side long.",
    )
    columns[2].metric(
        "An even one would have",
        f"{100 * found.central_area:.3g} %",
        help="The share of the field's area, in the picture, that the central half covers.",
    )
    columns[3].metric(
        "Pixels with a gradient",
        f"{found.pixels:,}",
        help=f"Not zero. The receptive field holds {found.field_pixels:,} of the {view.net.input_size**2:,} pixels.",
    )
