"""1. Visualizing weights: templates of fully connected layers, kernels of convolutions."""

import streamlit as st

from vizcore import ui
from vizcore.content import programs
from vizcore.inspection import filters
from vizcore.models import layers as model_layers
from vizcore.ui.cache import load_net
from vizcore.ui.sections import weights as section

view, words = ui.begin(__file__), ui.words(__file__)


@ui.fragment
def fully_connected() -> None:
    with ui.controls("network_strip"):
        kind = ui.segmented_control(
            "Network", list(section.NETWORKS), default="linear", key="network", help=words.text("help: network")
        )
        scale = ui.segmented_control(
            "Grey scale", ["each", "shared"], default="each", key="greys", help=words.text("help: grey scale")
        )
    net = load_net(section.NETWORKS[kind])
    scaled = filters.scale(filters.templates(net)[:, 0], scale == "shared")
    count = len(scaled.grey)
    sheet = st.container(key="templates_sheet", gap="small")
    with ui.controls("node_strip"):
        hint = words.text("help: node of the linear network" if kind == "linear" else "help: hidden node")
        node = ui.index("Node", "node", count, help=hint)
    with sheet:
        section.templates(scaled, node, scale)
    words.part("Template × input")
    section.template_times_input(view, net, node, scaled)


@ui.fragment
def convolutional() -> None:
    names = model_layers.convolutions(view.net)
    if not names:
        ui.offer(words.text("a network without kernels", network=view.net.title))
        end([])
        return
    with ui.controls("kernel_strip"):
        layer = ui.linked_select(
            "Layer",
            names,
            "layer",
            default=names[0],
            width=420,
            format_func=lambda name: section.kernels_of(view.net, name),
        )
        bank = filters.filter_bank(view.net, layer)
        count, channels = bank.shape[:2]
        modes = ["colour"] * (channels == 3) + ["mean"] * (channels != 3) + ["one"] * (channels > 1)
        face, channel = modes[0], None
        if len(modes) > 1:
            hint = words.text("help: input channels")
            face = ui.segmented_control("Input channels", modes, default=modes[0], key="face", help=hint)
        if face == "one":
            channel = ui.index("Channel", "channel", channels)
        scale = ui.segmented_control("Scale", ["each", "shared"], default="each", key="scale")
        by = ui.segmented_control("Sort by", ["index", "norm"], default="index", key="order")
    pictures, order = filters.faces(bank, channel), filters.order(bank, by)
    scaled = filters.scale(pictures, scale == "shared")
    sheet = st.container(key="kernel_sheet", gap="small")
    with ui.controls("kernel_pick"):
        unit = ui.index("Kernel", "unit", count, int(order[0]), follow="First")
    with sheet:
        section.kernel_sheet(layer, bank, scaled, order, unit, face, channel, scale == "shared")
    section.one_kernel(view, layer, bank, pictures, scaled, unit)
    end([section.weak_kernels(layer, bank), words.text("the kernel and its map", unit=unit)])


def end(seen: list[str]) -> None:
    """The first layers of several networks and the written parts; `seen` is what the kernels showed."""
    section.first_layers()
    words.end(
        functions=[filters.templates, filters.contributions, filters.filter_bank, filters.scale],
        snippet=programs.templates(),
        seen=seen,
    )


ui.own_network(words.text("networks of its own"))
words.part("Fully connected layers")
fully_connected()
words.part("Convolutional layers")
convolutional()
