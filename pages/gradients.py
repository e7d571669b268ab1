"""9 Gradients of every layer: one backward pass, the graph cut anywhere, and finite differences as the check."""

import streamlit as st

from vizcore import ui
from vizcore.content import programs
from vizcore.inspection import layer_gradients
from vizcore.inspection.layer_gradients import Quantity
from vizcore.models import graph as network_graph
from vizcore.ui import cache
from vizcore.ui.sections import gradients as section

view, words = ui.begin(__file__), ui.words(__file__)
net, side = view.net, view.net.input_size

names, middle = network_graph.choices(net), network_graph.middle(net)
with ui.choices():
    number = ui.place("number")
    layer = ui.layer_select(view, default=middle, keep=lambda item: item.name in names, vectors=True)
with number:
    if cut := ui.toggle("Cut at the layer", key="cut", help=words.text("help: cut")):
        kind = ui.linked_select("Gradient of the", list(section.SCALARS), "scalar", width=180)
    else:
        of = ui.segmented_control("Gradient of the", ["loss", "logit", "probability"], default="loss", key="of")
graph_place, row = st.container(), ui.controls()
with row:
    bar = st.container(width=340)
    detail = ui.segmented_control("Drawn", ["blocks", "all layers"], default="blocks", key="detail")
    hint = words.text("help: size")
    norm = ui.segmented_control("Size as", ["RMS", "L2"], default="RMS", key="norm", help=hint).lower()
    if cut:
        scalar = section.SCALARS[kind]
        unit = 0 if scalar == "sum" else ui.unit_index(section.maps_of(view, layer))
        quantity = Quantity("cut", 0, layer, scalar, unit)
    else:
        quantity = Quantity(of, view.target)

sizes = section.sizes(view, quantity)
at_input = section.gradient(view, quantity)[1]
graph = network_graph.blocks(net, layer) if detail == "blocks" else network_graph.trace(net)
with graph_place:
    section.draw_graph(view, graph, detail, quantity, layer, sizes, norm)
with bar:
    section.draw_bar(view, graph, quantity, sizes, norm)
section.about_the_graph(quantity)


def by_depth() -> None:
    """The curve from the picture to the score."""
    words.part("Size by depth")
    section.by_depth(view, graph, quantity, layer, sizes, norm)


def at_the_layer() -> None:
    """The maps of the layer and their gradients."""
    if cut:
        section.at_the_cut(view, quantity)
    else:
        section.at_the_layer(view, quantity, layer)


def check() -> None:
    """The gradient at the input, and the same number from two forward passes at one pixel."""
    words.part("At the picture")
    strongest = layer_gradients.strongest_pixel(at_input)
    channel = 0
    with ui.controls("pixel"):
        if net.channels == 3:
            colours = ["red", "green", "blue"]
            colour = ui.linked_select("Colour", colours, "colour", default=colours[strongest[0]], width=120)
            channel = colours.index(colour)
        row, column = (
            ui.index(label, label.lower(), side, at, follow="Strongest")
            for label, at in zip(("Row", "Column"), strongest[1:], strict=True)
        )
        h = ui.select_slider("Step h, normalized units", section.STEPS, 0.001, key="h", width=240)
    section.at_the_picture(view, quantity, at_input, (row, column))
    st.subheader("Is it right? Two forward passes at one pixel", anchor=False)
    section.two_passes(view, quantity, at_input, (channel, row, column), h)


ui.tabs(("Size by depth", by_depth), ("At the layer", at_the_layer), ("At the picture", check))
words.end(
    functions=[layer_gradients.all_gradients, layer_gradients.central_differences, network_graph.Graph.keep],
    snippet=programs.layer_gradients(
        view.model, cache.image_file(view), layer, quantity.of, quantity.target, quantity.unit, quantity.scalar
    ),
    formula=section.formula(quantity),
    steps=len(section.STEPS),
    values=f"{net.channels * side * side:,}",
)
