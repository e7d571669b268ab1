"""9 Gradients of every layer: one backward pass, the graph cut anywhere, and finite differences as the check."""

import numpy as np
import streamlit as st

from vizcore import ui
from vizcore.content import programs
from vizcore.figures import charts, render, sentences
from vizcore.figures import graph as graph_figures
from vizcore.figures.sprites import map_atlas
from vizcore.inspection import layer_gradients
from vizcore.inspection.layer_gradients import Quantity
from vizcore.models import graph as network_graph
from vizcore.ui import cache
from vizcore.ui.components import cells, flow
from vizcore.ui.sections import gradients

view = ui.begin(__file__)
net, number, SIDE = view.net, render.number, view.net.input_size
bound = {"bind": "query-params"}
SCALARS = {"mean of a map": "mean", "strongest cell": "strongest", "sum of the layer": "sum"}
STEPS = (3e-05, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


def shape_of(name: str) -> str:
    return " × ".join(map(str, net.layer(name).out_shape))


def as_maps(values: np.ndarray) -> np.ndarray:
    """(K, H, W); a list of numbers as maps of one cell."""
    return values if values.ndim == 3 else values.reshape(-1, 1, 1)


def take_layer(name: str) -> None:
    st.session_state["layer"] = name


def take_pixel(row: int, column: int) -> None:
    st.session_state["row"], st.session_state["column"] = row, column


names = network_graph.choices(net)
with ui.controls():
    layer = ui.linked_select(
        "Layer",
        names,
        "layer",
        default=network_graph.middle(net),
        width=280,
        format_func=lambda name: f"{name}: {shape_of(name)}",
    )
    cut = st.toggle(
        "Cut the graph at this layer",
        key="cut",
        **bound,
        help="Differentiates a number made of the layer's output instead of the class score.",
    )
    of, scalar, unit = "cut", "mean", 0
    if cut:
        choice = st.segmented_control(
            "Differentiated", list(SCALARS), default="mean of a map", key="scalar", required=True, **bound
        )
        scalar, maps = SCALARS[choice], as_maps(cache.activation(view, layer))
        unit = 0 if scalar == "sum" else ui.unit_index(maps)
    else:
        of = st.segmented_control(
            "Gradient of the", ["logit", "loss", "probability"], default="logit", key="of", required=True, **bound
        )
    detail = st.segmented_control(
        "Drawn", ["blocks", "all layers"], default="blocks", key="detail", required=True, **bound
    )
    norm = st.segmented_control(
        "Size as",
        ["RMS", "L2"],
        default="RMS",
        key="norm",
        required=True,
        **bound,
        help="RMS: of one value, typically; L2: of all together.",
    ).lower()
quantity = Quantity("cut", 0, layer, scalar, unit) if cut else Quantity(of, view.target)
words = {"mean": f"mean of map {unit}", "strongest": f"strongest cell of map {unit}", "sum": "sum"}
what = f"{words[scalar]} of {layer}" if cut else f"{of} of {view.class_name}"
sizes = gradients.sizes(view, quantity)
value, at_input = gradients.gradient(view, quantity)
whole = network_graph.trace(net)
graph = network_graph.blocks(net, layer) if detail == "blocks" else whole
end = "cut off" if cut else graph_figures.short(f"{of}: {view.class_name}")
wide, narrow = (
    graph_figures.drawing(graph, sizes, norm, layer, end, cut, width)
    for width in ((7, 3) if detail == "blocks" else (14, 6))
)
alt = f"The graph of {net.title}; {layer} is chosen"
flow("flow", wide, narrow, f"{view.model} {detail}", alt, take_layer)
st.html(
    graph_figures.legend(
        graph_figures.span(graph_figures.shown_sizes(graph, sizes, norm)),
        f"{norm.upper()} of the gradient of the {what}, logarithmic; grey: zero or none",
    )
)
st.caption(
    "Arrows show the way of the data; the gradient goes against them."
    + (" Blue: the way to the cut. Dashed: cut off, not even computed." if cut else "")
)

st.header("Size by depth", anchor=False)
known = [node for node in graph.nodes if node.names and graph_figures.size_at(node, sizes, norm) is not None]
heights = [graph_figures.size_at(node, sizes, norm) for node in known]
labels = ["picture" if node.name == "input" else node.name for node in known]
own = next((node.name for node in known if layer in node.names), None)
if not known:
    raise ValueError(f"The {what} has no gradient at any layer.")
st.plotly_chart(
    charts.gradient_chart(labels, [node.shape for node in known], heights, own, f"{norm.upper()} of the gradient"),
    key="depth",
    config={"displayModeBar": False},
)
st.markdown(sentences.gradient_by_depth(labels, heights, norm, what))
if not cut and of != "logit":
    p = float(view.probabilities[view.target])
    st.markdown(
        f"The probability is {number(p)}: "
        + (
            "the softmax is saturated, so all these gradients are small at once. That is no vanishing with depth."
            if (1 - p if of == "loss" else p * (1 - p)) < 0.01
            else "for the loss, the gradient at the class's own logit is p − 1; for the probability, p (1 − p)."
        )
    )

acts = as_maps(cache.activation(view, layer))


def sheet(key: str, title: str, stack: np.ndarray, order: np.ndarray, **options) -> None:
    """Maps as one sprite on one scale, with its colour bar."""
    signed = key == "slopes" or bool(stack.min() < 0)
    top = render.limits(stack, signed)[1]
    sprite, layout = map_atlas(stack, True, vmax=top, signed=signed)
    tips = [f"map {k}: strongest {number(m.flat[np.abs(m).argmax()])}" for k, m in zip(order, stack, strict=True)]
    ui.tiles(render.encode(sprite), layout, tips, key, alt=f"{title}; {len(order)} of {len(acts)} maps", **options)
    st.html(ui.scale(top, 2, signed, title))


if cut:
    st.header("The layer, and one number of it", anchor=False)
    order = np.argsort(-acts.reshape(len(acts), -1).mean(1), kind="stable")[:64]
    ring = int(np.flatnonzero(order == unit)[0]) if scalar != "sum" and unit in order else None
    sheet(
        "maps",
        f"Activation of {layer}; {len(order)} of {len(acts)} maps, largest mean first",
        acts[order],
        order,
        selected=ring,
        largest=72,
        height=300,
        take=lambda at: st.session_state.update(unit=int(order[at])),
    )
    st.markdown(
        f"The layer gives out {acts.size:,} numbers; differentiated is one, the {what}: {number(value)}. "
        "Click another map to choose it."
    )
elif (local := gradients.gradient(view, quantity, layer)[1]) is None:
    st.info(f"The {what} does not depend on {layer}: no gradient.", icon=":material/info:")
else:
    st.header("At the layer", anchor=False)
    slopes = as_maps(local)
    order = np.argsort(-np.abs(slopes).reshape(len(slopes), -1).max(1), kind="stable")[:64]
    first, second = st.columns(2)
    with first:
        sheet("slopes", f"∂ ({what}) / ∂ map", slopes[order], order, largest=56, height=480)
    with second:
        sheet("maps", "The maps themselves, in the same order", acts[order], order, largest=56, height=480)
    st.caption(f"{len(order)} of {len(slopes)} maps of {layer}, the strongest gradient first.")

st.header("At the picture", anchor=False)


@ui.fragment
def check() -> None:
    """The gradient at the input, and the same number from two forward passes at one pixel."""
    strongest = layer_gradients.strongest_pixel(at_input)
    with ui.controls("pixel"):
        channel = 0
        if net.channels == 3:
            default = ["red", "green", "blue"][strongest[0]]
            colour = ui.linked_select("Colour", ["red", "green", "blue"], "channel", default=default, width=120)
            channel = ["red", "green", "blue"].index(colour)
        row, column = (
            ui.index(
                f"{label}, 0 to {SIDE - 1}",
                label.lower(),
                SIDE,
                strongest[at],
                empty=f"strongest ({strongest[at]})",
                width=200,
            )
            for at, label in ((1, "Row"), (2, "Column"))
        )
        h = st.select_slider("Step h, normalized units", STEPS, 0.001, key="h", width=240, **bound)
    top = render.limits(at_input, True, 99.5)[1]
    drawn = render.gradient_image(at_input, vmax=top) if net.channels == 3 else render.colorize(at_input[0], True, top)
    for place, key, picture, words in zip(
        st.columns(2),
        ("pixel_photo", "pixel_gradient"),
        (view.picture, drawn),
        (f"{view.title}: click a pixel", f"∂ ({what}) / ∂ pixel"),
        strict=True,
    ):
        with place:
            cells(
                key,
                render.enlarge(picture, (4 * SIDE,) * 2 if SIDE < 112 else (512, 512), smooth=False),
                SIDE,
                SIDE,
                (row, column),
                take_pixel,
                caption=words,
                alt=words,
            )
    st.html(ui.scale(top, at_input.ndim if net.channels == 3 else 2, True))
    st.subheader("Is it right? Two forward passes at one pixel", anchor=False)
    found = gradients.differences(view, quantity, (channel, row, column), STEPS)
    computed = float(at_input[channel, row, column])
    floor = max(abs(computed), 1e-12)
    errors = [abs(other - computed) / floor for other in found]
    at = STEPS.index(h)
    for place, (label, text) in zip(
        st.columns(3),
        (
            ("Computed by one backward pass", f"{computed:.5g}"),
            (f"[s(x+h) − s(x−h)] / 2h, h = {number(h)}", f"{found[at]:.5g}"),
            ("Relative difference", number(errors[at]) if computed else "–"),
        ),
        strict=True,
    ):
        place.metric(label, text)
    if not computed:
        st.info(
            "The gradient at this pixel is exactly zero: no relative difference. Choose another pixel.",
            icon=":material/info:",
        )
        return
    rounding = [1.2e-7 * abs(value) / step / floor for step in STEPS]
    chart = charts.error_chart(STEPS, errors, rounding, h)
    st.plotly_chart(chart, key="errors", config={"displayModeBar": False})
    best = int(np.argmin(errors))
    st.markdown(
        f"They agree best at h = {number(STEPS[best])}, to {number(errors[best])}. Small steps drown in rounding, "
        "large ones see the curve bend, and every ReLU or max-pooling that switches within ± h adds an error."
    )


check()
formula = {"mean": r"\frac{1}{hw}\sum_{ij} A^k_{ij}", "strongest": r"\max_{ij} A^k_{ij}", "sum": r"\sum_{kij} A^k_{ij}"}
ui.explain(
    notice=[
        f"One {ui.term('backpropagation', 'backward pass')} gives every colour in the graph: the gradient of a layer "
        "is needed anyway to reach the layers before it.",
        "Where an arrow splits, as at a shortcut, the gradients of both ways are added on the way back.",
        f"With the {ui.term('cut')}, a layer takes the place of the loss. A layer is a tensor, and only of a single "
        "number is there one gradient picture: so a mean, a cell or a sum must be chosen.",
    ],
    misleads=[
        "RMS and L2 differ by the number of values: an early layer has many small gradients that make a large L2.",
        "A large gradient at a layer does not make it important: it also depends on how large its activations are.",
        "The finite difference checks one value out of many, and it is the less exact of the two numbers in float32.",
    ],
)
ui.more(
    formula=[
        r"\frac{\partial s}{\partial A^{(l)}} = \sum_{m \text{ uses } l}"
        r"\left(\frac{\partial A^{(m)}}{\partial A^{(l)}}\right)^{\!\top} \frac{\partial s}{\partial A^{(m)}}",
        rf"s = {formula[scalar]} \text{{ of the layer}}, \quad \text{{then }} \frac{{\partial s}}{{\partial x}}"
        if cut
        else r"A^{(0)} = x, \quad s = " + {"logit": "y_c", "loss": r"-\log p_c", "probability": "p_c"}[of],
        r"\frac{\partial s}{\partial x_i} = \frac{s(x + h e_i) - s(x - h e_i)}{2h} + O(h^2)",
    ],
    steps=[
        "Run the network once on the picture. At every layer note where its output stands in the graph; copy nothing.",
        "Go back once, from the number to the picture, and keep the gradient at each noted place.",
        "With a cut, stop the forward pass at the layer: what lies behind it is not even computed.",
        f"The check moves one value of the picture by ± h, for {len(STEPS)} steps h, in a few batched forward passes.",
        "The arrows of the graph are read off the same record that the backward pass follows, so shortcuts and "
        "concatenations are those that were computed.",
    ],
    exercises=[
        (
            "Switch from the logit to the probability for a class the network is sure of. What happens to all sizes?",
            "All shrink, and for a class near probability 1 by about the same factor: the gradient of p at its own "
            "logit is p (1 − p). The softmax is flat there; the layers are as they were.",
        ),
        (
            "Cut at an early layer and then at a late one, each time its strongest cell. How large is the coloured "
            "part of the gradient picture?",
            "It is never larger than the cell's receptive field: a few pixels early, up to the whole picture late.",
        ),
        (
            "Why does the error of the finite difference grow again for very small h?",
            "The two scores agree in nearly all digits. Their difference loses those, and what is left, the rounding "
            "of about 1.2e-7 of the score, is divided by 2h.",
        ),
        (
            "Numerical differentiation could replace the backward pass. At what price?",
            f"Two forward passes for each of the {net.channels * SIDE * SIDE:,} values of this picture, instead of one "
            "backward pass for all.",
        ),
    ],
    functions=[layer_gradients.all_gradients, layer_gradients.central_differences, network_graph.Graph.keep],
    snippet=programs.layer_gradients(
        view.model, cache.image_file(view), layer, quantity.of, quantity.target, quantity.unit, quantity.scalar
    ),
    sources=[
        "Rumelhart, Hinton, Williams: [Learning representations by back-propagating errors]"
        "(https://doi.org/10.1038/323533a0) (Nature 1986)",
        "Simonyan, Vedaldi, Zisserman: [Deep Inside Convolutional Networks](https://arxiv.org/abs/1312.6034) (2013)",
        "Baydin et al.: [Automatic Differentiation in Machine Learning: a Survey]"
        "(https://jmlr.org/papers/v18/17-468.html) (JMLR 2018)",
    ],
)
