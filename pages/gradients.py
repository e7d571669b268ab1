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
layer = ui.layer_select(view, default=middle, keep=lambda item: item.name in names, vectors=True)
with ui.controls():
    cut = ui.toggle("Cut the graph at this layer", key="cut", help=words.text("help: cut"))
    if cut:
        kinds = list(section.SCALARS)
        kind = ui.segmented_control("Differentiated", kinds, default="mean of a map", key="scalar")
        scalar = section.SCALARS[kind]
        unit = 0 if scalar == "sum" else ui.unit_index(section.maps_of(view, layer))
        quantity = Quantity("cut", 0, layer, scalar, unit)
    else:
        scores = ["loss", "logit", "probability"]
        of = ui.segmented_control("Gradient of the", scores, default="loss", key="of")
        quantity = Quantity(of, view.target)
    detail = ui.segmented_control("Drawn", ["blocks", "all layers"], default="blocks", key="detail")
    hint = words.text("help: size")
    norm = ui.segmented_control("Size as", ["RMS", "L2"], default="RMS", key="norm", help=hint).lower()

sizes = section.sizes(view, quantity)
at_input = section.gradient(view, quantity)[1]
graph = network_graph.blocks(net, layer) if detail == "blocks" else network_graph.trace(net)
section.draw_graph(view, graph, detail, quantity, layer, sizes, norm)
words.part("Size by depth")
section.by_depth(view, graph, quantity, layer, sizes, norm)
if cut:
    section.at_the_cut(view, quantity)
else:
    section.at_the_layer(view, quantity, layer)
words.part("At the picture")


@ui.fragment
def check() -> None:
    """The gradient at the input, and the same number from two forward passes at one pixel."""
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


check()
words.end(
    functions=[layer_gradients.all_gradients, layer_gradients.central_differences, network_graph.Graph.keep],
    snippet=programs.layer_gradients(
        view.model, cache.image_file(view), layer, quantity.of, quantity.target, quantity.unit, quantity.scalar
    ),
    formula=section.formula(quantity),
    steps=len(section.STEPS),
    values=f"{net.channels * side * side:,}",
)
