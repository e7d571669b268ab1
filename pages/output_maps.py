"""2. Output maps: what every channel of a layer answers to the picture."""

import numpy as np
import streamlit as st

from vizcore import ui
from vizcore.content import programs
from vizcore.figures import bars as bar_figures
from vizcore.figures import render
from vizcore.figures.sprites import map_atlas
from vizcore.images import gallery
from vizcore.inspection import activations
from vizcore.models import layers as model_layers

view = ui.begin(__file__)
number = render.number
choices = model_layers.map_layers(view.net)
names = tuple(layer.name for layer in choices)


@ui.fragment
def layers() -> None:
    default = next((item.name for item in choices if item.kind == "relu"), None)
    layer = ui.layer_select(view, "layer", default, keep=lambda item: item.name in names, slider=True)
    with ui.controls():
        by = st.segmented_control(
            "Sort by", ["mean", "max", "index"], default="mean", key="sort", required=True, bind="query-params"
        )
        scale = st.segmented_control(
            "Scale",
            ["shared", "each"],
            default="shared",
            key="scale",
            required=True,
            bind="query-params",
            help="shared: equal colours are equal numbers, faint maps stay faint. each: every map uses the "
            "whole scale, so its shape can be seen, but colours of two maps cannot be compared.",
        )
        drawn = st.segmented_control(
            "Drawn", ["cells", "smooth"], default="cells", key="drawn", required=True, bind="query-params"
        )
    shared, smooth = scale == "shared", drawn == "smooth"
    maps = ui.feature_maps(view, layer)
    numbers = activations.statistics(maps)
    order = activations.order(numbers, by)
    sheet = st.container(key="sheet", gap="small")

    st.header("One map", anchor=False)
    with ui.controls("one"):
        unit = ui.unit_index(maps, "Map")
        other_id = ui.linked_select(
            "Second picture",
            ["none", *(asset.id for asset in gallery.records("gallery"))],
            "second",
            format_func=title_of,
            width=280,
        )
        opacity = ui.opacity()
    pair = [(view, maps)]
    if other_id != "none":
        asset = gallery.find("gallery", other_id)
        second = ui.look(view, image=gallery.open_image(asset), title=asset.title)
        pair.append((second, ui.feature_maps(second, layer)))
    top = max(render.limits(each, bool(each.min() < 0))[1] for _, each in pair)
    with sheet:
        all_maps(layer, maps, numbers, order, unit, shared, smooth, top)
    one_map(pair, layer, unit, opacity, smooth)
    if len(pair) == 2:
        both_sheets(pair, order, unit, layer, shared, smooth, top)
    depth(layer)
    words(layer, maps, numbers, unit, shared)


def all_maps(
    layer: str,
    maps: np.ndarray,
    numbers: activations.Statistics,
    order: np.ndarray,
    unit: int,
    shared: bool,
    smooth: bool,
    top: float,
) -> None:
    """Every map of the layer as one sheet of tiles, its scale, and the layer in numbers."""
    count, height, width = maps.shape
    signed = bool(maps.min() < 0)

    sprite, layout = map_atlas(maps[order], shared, vmax=top)
    labels = [f"map {k}: mean {number(numbers.mean[k])}, max {number(numbers.max[k])}" for k in order]

    ui.tiles(
        render.encode(sprite, "png"),
        layout,
        labels,
        "maps",
        smooth=smooth,
        take=lambda position: choose(order[position]),
        selected=int(np.flatnonzero(order == unit)[0]),
        alt=f"The {count} maps of {layer} for {view.title}. Arrow keys move, Enter chooses.",
    )
    if shared:
        st.html(ui.scale(top, 2, signed, f"activation of {layer}, one scale for all {count} maps"))
    else:
        st.caption("Each map has its own scale here, from its own zero to its own strongest value.")
    dead = int(numbers.dead.sum())
    silent = f"{dead} of {count} maps are zero everywhere" if dead else f"None of the {count} maps is zero everywhere"
    st.markdown(
        f"**{layer}**: {count} maps of {height} × {width} {ui.term('cell', 'cells')}. {silent} in this "
        "picture; "
        f"{100 * numbers.sparsity.mean():.3g} % of all values are exactly zero."
        + ("" if not signed else " This layer has negative values: blue is below zero, red above."),
        unsafe_allow_html=True,
    )


def choose(unit: int) -> None:
    st.session_state["unit"] = int(unit)


def title_of(option: str) -> str:
    return "none" if option == "none" else gallery.find("gallery", option).title


def one_map(pair: list, layer: str, unit: int, opacity: float, smooth: bool) -> None:
    """The chosen map over the picture and bare, and the same map of the second picture, on one scale."""
    panels = []
    for look, maps in pair:
        values = maps[unit]
        signed = bool(min(m[unit].min() for _, m in pair) < 0)
        said = f"mean {number(values.mean())}, max {number(values.max())}"
        panels += [
            ui.Panel(values, f"Map {unit} over {look.title}", "", look.picture, signed, opacity),
            ui.Panel(values, said, f"Map {unit} of {layer} for {look.title}: {said}", signed=signed),
        ]
    ui.compare(panels, smooth=smooth, unit=f"activation of map {unit} of {layer}", columns=4 if len(pair) == 2 else 2)
    if not any(maps[unit].any() for _, maps in pair):
        st.info(f"Map {unit} is zero everywhere here: a dead map for this picture.", icon=":material/info:")


def both_sheets(pair: list, order: np.ndarray, unit: int, layer: str, shared: bool, smooth: bool, top: float) -> None:
    """All maps of the second picture in the order of the first, and how alike the two mean answers are."""
    (first, mine), (second, theirs) = pair
    st.header(f"The same maps for {second.title}", anchor=False)
    signed = bool(min(mine.min(), theirs.min()) < 0)
    sprite, layout = map_atlas(theirs[order], shared, vmax=top, signed=signed)
    means = theirs.mean((1, 2))
    labels = [f"map {k}: mean {number(means[k])}, for {first.title} {number(mine[k].mean())}" for k in order]
    ui.tiles(
        render.encode(sprite, "png"),
        layout,
        labels,
        "maps_second",
        smooth=smooth,
        height=360,
        selected=int(np.flatnonzero(order == unit)[0]),
        take=lambda position: choose(order[position]),
        alt=f"The maps of {layer} for {second.title}, in the order of {first.title}",
    )
    if shared:
        st.html(ui.scale(top, 2, signed, f"activation of {layer}, the same scale as above"))
    both = np.stack([mine.mean((1, 2)), means])
    if both.std(1).min() > 0:
        same = np.corrcoef(both)[0, 1]
        st.markdown(
            f"The tiles stand in the order of {first.title}. Over the {len(means)} maps, the mean answers "
            "to the two "
            f"pictures have a correlation of {same:.2f} (1: the same maps are strong)."
        )


def depth(layer: str) -> None:
    """Map size, sparsity and dead maps from the input to the output."""
    st.header("From the input to the output", anchor=False)
    rows = ui.sparsity(view, names)
    side = max(row.side for row in rows)
    sizes = [
        bar_figures.Column(
            row.side / side, f"{row.layer}: {row.maps} maps of {row.side} × {row.side}", row.layer == layer
        )
        for row in rows
    ]
    rectified = [row for row in rows if view.net.layer(row.layer).kind in ("relu", "pool")] or list(rows)
    zeros = [
        bar_figures.Column(
            row.sparsity,
            f"{row.layer}: {100 * row.sparsity:.3g} % zeros, {100 * row.dead:.3g} % of its maps dead",
            row.layer == layer,
            row.dead,
        )
        for row in rectified
    ]
    left, right = st.columns(2, gap="large")
    with left:
        st.html(bar_figures.columns(sizes, "Side of the maps, layer by layer", f"{side} cells", ("input", "output")))
    with right:
        title = "Share of zeros after each ReLU and pooling; the stronger part: dead maps"
        st.html(bar_figures.columns(zeros, title, "100 %", ("input", "output")))


def words(layer: str, maps: np.ndarray, numbers: activations.Statistics, unit: int, shared: bool) -> None:
    """What to notice, where it misleads, and the folded sections, for what is shown."""
    count, height, _ = maps.shape
    first, last = choices[0], choices[-1]
    strongest = int(np.argmax(numbers.mean))
    total = np.maximum(maps, 0).mean((1, 2))
    share = 100 * np.sort(total)[::-1][: max(1, count // 10)].sum() / (total.sum() or 1)
    ui.explain(
        notice=[
            f"The maps go from {first.out_shape[1]} × {first.out_shape[1]} ({first.name}) to "
            f"{last.out_shape[1]} × {last.out_shape[1]} ({last.name}); their number goes from "
            f"{first.out_shape[0]} to {last.out_shape[0]}.",
            f"Map {strongest} has the largest mean. The strongest tenth of the maps holds {share:.0f} % of "
            "all "
            "that is above zero.",
            "Choose another picture: the same channel looks for the same thing, and finds it elsewhere or not at all.",
        ],
        misleads=[
            "A dead map is dead for this picture, not for every one. Choose a second picture to see.",
            "A large mean is not importance: what a map does to the class depends on all layers behind it. "
            "Grad-CAM weighs the maps for a class.",
            "On one scale for all, a few strong maps make the others look empty."
            if shared
            else "On its own scale even the faintest map looks strong.",
            f"A cell is not a pixel: each of the {height} × {height} cells speaks for a part of the picture.",
        ],
    )
    ui.more(
        formula=r"A^k = f\Big(\sum_{c} W^{k,c} * A'^{\,c} + b^k\Big), \qquad"
        r" \mathrm{sparsity}(A^k) = \frac{\#\{(i,j): A^k_{ij} = 0\}}{h\,w}",
        steps=[
            f"Run the picture through {view.net.title} once and keep the {count} maps of {layer}.",
            "Take the mean and the maximum of each map and sort.",
            "Colour the values, put all maps into one picture, and let the browser cut it into tiles.",
        ],
        exercises=[
            (
                "Move the slider from the first layer to the last. When can you no longer name what a map shows?",
                "Early maps look like filtered photographs: edges, colours. Deep maps have few cells; they "
                "say that "
                "something is there and roughly where, not how it looks.",
            ),
            (
                "Sort by max, then by mean. Which kind of map moves up?",
                "Maps with a few strong cells: they found something small. A large mean needs many "
                "cells, or very strong ones.",
            ),
            (
                "Put a second picture beside this one. Compare the correlation early and late in the network.",
                "Early filters answer to edges that every photograph has; deep maps answer to what differs "
                "between "
                "the pictures, so the correlation usually falls. Measure it here.",
            ),
        ],
        functions=[activations.feature_maps, activations.statistics, activations.order, map_atlas],
        snippet=programs.feature_maps(view.model, st.session_state.get("image", "jaguar"), layer, count),
        sources=[
            "Yosinski et al., [Understanding Neural Networks Through Deep Visualization]"
            "(https://arxiv.org/abs/1506.06579), ICML Deep Learning Workshop 2015",
            "Zeiler & Fergus, [Visualizing and Understanding Convolutional Networks]"
            "(https://arxiv.org/abs/1311.2901), ECCV 2014",
            "Glorot et al., Deep Sparse Rectifier Neural Networks, AISTATS 2011: why many zeros are wanted",
        ],
    )


if choices:
    layers()
else:
    st.info(
        f"{view.net.title} has no maps: it looks at the pixels once, with fully connected layers. Choose "
        "another "
        "model in the sidebar, or look at its weights.",
        icon=":material/info:",
    )
    ui.link("weights")
