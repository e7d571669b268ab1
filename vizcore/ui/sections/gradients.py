"""The computations and the figures of the page on gradients of every layer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from vizcore.figures import charts, render, sentences
from vizcore.figures import graph as graph_figures
from vizcore.figures.render import number
from vizcore.figures.sprites import map_atlas
from vizcore.inspection import layer_gradients
from vizcore.inspection.layer_gradients import Quantity, Size
from vizcore.models.graph import Graph
from vizcore.types import INPUT
from vizcore.ui import blocks, cache, jobs, prose
from vizcore.ui.cache import per_picture
from vizcore.ui.charts import chart
from vizcore.ui.components import cells, flow, tiles
from vizcore.ui.view import View

SCALARS = {"mean of a map": "mean", "strongest cell": "strongest", "sum of the layer": "sum"}
STEPS = (3e-05, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
SHOWN = 64  # maps in a sheet
_SYMBOLS = {
    "logit": "y_c",
    "loss": r"-\log p_c",
    "probability": "p_c",
    "mean": r"\frac{1}{hw}\sum_{ij} A^k_{ij}",
    "strongest": r"\max_{ij} A^k_{ij}",
    "sum": r"\sum_{kij} A^k_{ij}",
}
words = prose.words(__file__)


# What is differentiated.


def called(view: View, quantity: Quantity) -> str:
    """What to call it in a sentence."""
    if quantity.of != "cut":
        return f"{quantity.of} of {view.class_name}"
    unit = quantity.unit
    of = {"mean": f"mean of unit {unit}", "strongest": f"strongest cell of unit {unit}", "sum": "sum"}
    return f"{of[quantity.scalar]} of {quantity.layer}"


def formula(quantity: Quantity) -> str:
    """It as LaTeX."""
    if quantity.of == "cut":
        return words.text("formula of a cut", number=_SYMBOLS[quantity.scalar])
    return words.text("formula of a score", number=_SYMBOLS[quantity.of])


def maps_of(view: View, layer: str) -> np.ndarray:
    """(K, H, W): the layer's output for the view's picture; a list of numbers as maps of one cell."""
    return _as_maps(cache.activation(view, layer))


def _as_maps(values: np.ndarray) -> np.ndarray:
    return values if values.ndim == 3 else values.reshape(-1, 1, 1)


# Computations.


@per_picture(entries=256, step="One backward pass through all layers")
def sizes(view: View, quantity: Quantity) -> dict[str, Size | None]:
    """The size of the gradient at every layer, from one backward pass, computed once for everyone."""
    return layer_gradients.sizes(view.net, view.x, quantity)


@per_picture(entries=96, size="200MB")
def gradient(view: View, quantity: Quantity, layer: str = INPUT) -> tuple[float, np.ndarray | None]:
    """The quantity, and its gradient at one layer (or the picture), shaped like the layer; None where there is none."""
    value, gradients = layer_gradients.all_gradients(view.net, view.x, quantity, [layer])
    found = gradients.get(layer)
    return value, None if found is None else found[0].cpu().numpy()


def differences(view: View, quantity: Quantity, pixel: tuple[int, int, int], steps: Sequence[float]) -> list[float]:
    """The central difference at one (channel, row, column) for each step, with a progress bar while it takes long."""

    def work(report: Callable[[float], None]) -> list[float]:
        return layer_gradients.central_differences(view.net, view.x, quantity, pixel, steps, report).tolist()

    key = ("differences", view.model, view.digest, tuple(quantity), pixel, tuple(steps))
    return jobs.run(key, work, f"{2 * len(steps)} forward passes with one pixel moved")


# The graph.


def draw_graph(
    view: View, graph: Graph, detail: str, quantity: Quantity, layer: str, found: Mapping[str, Size | None], norm: str
) -> None:
    """The network with the size of the gradient at each layer; a click chooses the layer.

    Args:
        detail: "blocks" or "all layers", as `graph` shows them. found: of :func:`sizes`. norm: "rms" or "l2".
    """

    def take(name: str) -> None:
        st.session_state["layer"] = name

    cut = quantity.of == "cut"
    end = ("score", "cut off") if cut else (quantity.of, view.class_name)
    drawn = graph_figures.drawing(graph, found, norm, layer, end, cut)
    alt = f"The graph of {view.net.title}; {layer} is chosen"
    flow("flow", drawn, f"{view.model} {detail}", alt, take)


def draw_bar(view: View, graph: Graph, quantity: Quantity, found: Mapping[str, Size | None], norm: str) -> None:
    """The colour bar of the graph; arguments as for :func:`draw_graph`."""
    ends = graph_figures.span(graph_figures.shown_sizes(graph, found, norm))
    unit = f"{norm.upper()} of the gradient of the {called(view, quantity)}, logarithmic; grey: zero or none"
    st.html(graph_figures.legend(ends, unit))


def about_the_graph(quantity: Quantity) -> None:
    """How the graph is read."""
    changed = words.text("what the cut changes in the graph") if quantity.of == "cut" else ""
    st.caption(words.text("caption of the graph", cut=changed))


def by_depth(
    view: View, graph: Graph, quantity: Quantity, layer: str, found: Mapping[str, Size | None], norm: str
) -> None:
    """The same sizes as a curve from the picture to the score, and what it says; arguments as for `draw_graph`."""
    what = called(view, quantity)
    known = [
        (node, height)
        for node in graph.nodes
        if node.names and (height := graph_figures.size_at(node, found, norm)) is not None
    ]
    if not known:
        raise ValueError(f"The {what} has no gradient at any layer.")
    heights = [height for _, height in known]
    labels = ["picture" if node.name == INPUT else node.name for node, _ in known]
    own = next((node.name for node, _ in known if layer in node.names), None)
    shapes, title = [node.shape for node, _ in known], f"{norm.upper()} of the gradient"
    chart(
        charts.gradient_chart(labels, shapes, heights, own, title),
        "depth",
        f"The {title} of the {what}, layer by layer from the picture to the score",
    )
    st.markdown(sentences.gradient_by_depth(labels, heights, norm, what))
    if quantity.of in ("loss", "probability"):
        p = float(view.probabilities[view.target])
        slope = 1 - p if quantity.of == "loss" else p * (1 - p)
        words.say("a saturated softmax" if slope < 0.01 else "how the softmax enters", p=number(p))


# The layer.


def at_the_cut(view: View, quantity: Quantity) -> None:
    """The maps of the layer at which the graph is cut, and the one number made of them; a click chooses the map."""
    words.part("The layer, and one number of it")
    layer, unit, maps = quantity.layer, quantity.unit, maps_of(view, quantity.layer)
    order = np.argsort(-maps.reshape(len(maps), -1).mean(1), kind="stable")[:SHOWN]

    def take(position: int) -> None:
        st.session_state["unit"] = int(order[position])

    ring = int(np.flatnonzero(order == unit)[0]) if quantity.scalar != "sum" and unit in order else None
    title = f"Activation of {layer}; {len(order)} of {len(maps)} maps, largest mean first"
    _sheet("maps", title, maps, order, selected=ring, largest=72, height=300, take=take)
    value = number(gradient(view, quantity)[0])
    words.say("one number of the layer", count=f"{maps.size:,}", what=called(view, quantity), value=value)


def at_the_layer(view: View, quantity: Quantity, layer: str) -> None:
    """The gradient at the layer, map by map, beside the maps themselves."""
    what, local = called(view, quantity), gradient(view, quantity, layer)[1]
    if local is None:
        st.info(words.text("no gradient at the layer", what=what, layer=layer), icon=":material/info:")
        return
    words.part("At the layer")
    slopes = _as_maps(local)
    order = np.argsort(-np.abs(slopes).reshape(len(slopes), -1).max(1), kind="stable")[:SHOWN]
    first, second = st.columns(2)
    with first:
        _sheet("slopes", f"∂ ({what}) / ∂ map", slopes, order, signed=True, largest=56, height=480)
    with second:
        title = "The maps themselves, in the same order"
        _sheet("maps", title, maps_of(view, layer), order, largest=56, height=480)
    st.caption(words.text("caption of the gradient maps", shown=len(order), count=len(slopes), layer=layer))


def _sheet(key: str, title: str, maps: np.ndarray, order: np.ndarray, signed: bool = False, **options: Any) -> None:
    """The maps of `order` as one sprite on one scale, with its colour bar; `options` as for `tiles`."""
    stack = maps[order]
    signed = signed or bool(stack.min() < 0)
    top = render.limits(stack, signed)[1]
    sprite, layout = map_atlas(stack, True, vmax=top, signed=signed)
    tips = [f"unit {k}: strongest {number(m.flat[np.abs(m).argmax()])}" for k, m in zip(order, stack, strict=True)]
    tiles(render.encode(sprite), layout, tips, key, alt=f"{title}; {len(order)} of {len(maps)} maps", **options)
    st.html(blocks.scale(top, 2, signed, title))


# The picture.


def at_the_picture(view: View, quantity: Quantity, at_input: np.ndarray, cell: tuple[int, int]) -> None:
    """The picture and the gradient (C, H, W) at it, with a frame around one pixel; a click chooses another."""

    def take(row: int, column: int) -> None:
        st.session_state["row"], st.session_state["column"] = row, column

    side, colour = view.net.input_size, view.net.channels == 3
    size = (4 * side, 4 * side) if side < 112 else (512, 512)
    top = render.limits(at_input, True, 99.5)[1]
    drawn = render.gradient_image(at_input, vmax=top) if colour else render.colorize(at_input[0], True, top)
    pictures = {
        "pixel_photo": (view.picture, f"{view.title}: click a pixel"),
        "pixel_gradient": (drawn, f"∂ ({called(view, quantity)}) / ∂ pixel"),
    }
    for column, (key, (picture, caption)) in zip(st.columns(2), pictures.items(), strict=True):
        with column:
            enlarged = render.enlarge(picture, size, smooth=False)
            cells(key, enlarged, side, side, cell, take, caption=caption, alt=caption, room=520)
    st.html(
        blocks.scale(
            top, 3 if colour else 2, True, "slope per normalized unit of colour; grey is zero" if colour else ""
        )
    )


def two_passes(view: View, quantity: Quantity, at_input: np.ndarray, pixel: tuple[int, int, int], h: float) -> None:
    """The gradient at one (channel, row, column) beside the central difference there, and its error for each step.

    Args:
        at_input: (C, H, W), the gradient at the picture. h: one of `STEPS`, in normalized units.
    """
    found, computed = differences(view, quantity, pixel, STEPS), float(at_input[pixel])
    floor = max(abs(computed), 1e-12)
    errors = [abs(other - computed) / floor for other in found]
    at = STEPS.index(h)
    numbers = {
        "Computed by one backward pass": f"{computed:.5g}",
        f"[s(x+h) − s(x−h)] / 2h, h = {number(h)}": f"{found[at]:.5g}",
        "Relative difference": number(errors[at]) if computed else "–",
    }
    for column, (label, text) in zip(st.columns(3), numbers.items(), strict=True):
        column.metric(label, text)
    if not computed:
        st.info(words.text("no gradient at the pixel"), icon=":material/info:")
        return
    value = abs(gradient(view, quantity)[0])
    rounding = [1.2e-7 * value / step / floor for step in STEPS]
    chart(
        charts.error_chart(STEPS, errors, rounding, h),
        "errors",
        "The relative difference between the two numbers against the step, and the rounding to expect",
    )
    best = int(np.argmin(errors))
    words.say("where both agree", best=number(STEPS[best]), error=number(errors[best]))
