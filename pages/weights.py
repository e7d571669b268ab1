"""1. Visualizing weights: templates of fully connected layers, kernels of convolutions."""

import streamlit as st

from vizcore import ui
from vizcore.content import programs
from vizcore.inspection import filters
from vizcore.models import layers as model_layers
from vizcore.ui import digits, picture
from vizcore.ui.cache import load_net
from vizcore.ui.sections import weights as section

view, words = ui.begin(__file__), ui.words(__file__)


def fully_connected() -> None:
    """The nodes' weights as pictures, and one of them times a digit."""
    with ui.controls("network_strip"):
        kind = ui.segmented_control(
            "Network", list(section.NETWORKS), default="linear", key="network", help=words.text("help: network")
        )
        scale = ui.segmented_control(
            "Grey scale", ["each", "shared"], default="each", key="greys", help=words.text("help: grey scale")
        )
        net = load_net(section.NETWORKS[kind])
        scaled = filters.scale(filters.templates(net)[:, 0], scale == "shared")
        hint = words.text("help: node of the linear network" if kind == "linear" else "help: hidden node")
        node = ui.index("Node", "node", len(scaled.grey), help=hint)
        if not picture.for_digits(view.net):
            digits.number(width=125)
    figure, side = ui.beside("templates_beside")
    section.choose_digit(view, side, lambda drawn: section.show_its_class(net, drawn))
    with figure:
        section.templates(scaled, node)
        part = section.template_times_input(net, node, scaled, scale)
    st.caption(words.text("caption of the templates", count=len(scaled.grey)))
    section.the_sum(net, node, part)


def convolutional() -> None:
    """The kernels of a layer as pictures, and one of them with its map."""
    names = model_layers.convolutions(view.net)
    if not names:
        ui.offer(words.text("a network without kernels", network=view.net.title))
        return
    with ui.controls("kernel_strip"):
        field = ui.place("kernel")
        layer = ui.linked_select(
            "Layer",
            names,
            "layer",
            default=names[0],
            width=330,
            format_func=lambda name: section.kernels_of(view.net, name),
        )
    bank = filters.filter_bank(view.net, layer)
    count, channels = bank.shape[:2]
    modes = ["colour"] * (channels == 3) + ["mean"] * (channels != 3) + ["one"] * (channels > 1)
    face, channel = modes[0], None
    figure, side = ui.beside("kernels_beside")
    with side:
        scale = ui.segmented_control("Scale", ["each", "shared"], default="each", key="scale")
        by = ui.segmented_control("Sort by", ["index", "norm"], default="index", key="order")
        if len(modes) > 1:
            hint = words.text("help: input channels")
            face = ui.segmented_control("Input channels", modes, default=modes[0], key="face", help=hint)
        if face == "one":
            channel = ui.index("Channel", "channel", channels)
    pictures, order = filters.faces(bank, channel), filters.order(bank, by)
    scaled = filters.scale(pictures, scale == "shared")
    with field:
        unit = ui.index("Kernel", "unit", count, int(order[0]), follow="First")
    with figure:
        section.kernel_sheet(layer, bank, scaled, order, unit, face, channel, scale == "shared")
    section.one_kernel(view, layer, bank, pictures, scaled, unit)


ui.own_network(words.text("networks of its own"))
ui.tabs(("Templates", fully_connected), ("Kernels", convolutional), ("First filters", section.first_layers))
words.end(
    functions=[filters.templates, filters.contributions, filters.filter_bank, filters.scale],
    snippet=programs.templates(),
)
