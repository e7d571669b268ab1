"""2. Output maps: what every channel of a layer answers to the picture."""

import numpy as np
import streamlit as st

from vizcore import ui
from vizcore.content import programs
from vizcore.figures import render
from vizcore.figures.sprites import map_atlas
from vizcore.images import gallery
from vizcore.inspection import activations
from vizcore.models import layers as model_layers
from vizcore.ui.sections import output_maps as section

view, words = ui.begin(__file__), ui.words(__file__)
choices = model_layers.map_layers(view.net)
names = tuple(layer.name for layer in choices)
PICTURES = {"none": "none"} | {asset.id: asset.title for asset in gallery.records("gallery")}


@ui.fragment
def layers() -> None:
    default = next((item.name for item in choices if item.kind == "relu"), None)
    layer = ui.layer_select(view, "layer", default, keep=lambda item: item.name in names)
    above, side = ui.beside()
    with side:
        by = ui.segmented_control("Sort by", ["mean", "max", "index"], default="mean", key="sort")
        scales, said = ["shared", "each"], words.text("help: scale")
        scale = ui.segmented_control("Scale", scales, default="shared", key="scale", help=said)
        drawn = ui.segmented_control("Drawn", ["smooth", "cells"], default="cells", key="drawn")
    maps = ui.feature_maps(view, layer)
    numbers = activations.statistics(maps)
    with side:
        unit = ui.unit_index(maps)
        other = ui.linked_select("Second picture", list(PICTURES), "second", format_func=PICTURES.get)
    pair = [(view, maps)]
    if other != "none":
        second = ui.look(view, image=gallery.open_image(gallery.find("gallery", other)), title=PICTURES[other])
        pair.append((second, ui.feature_maps(second, layer)))
    top = max(render.limits(each, bool(each.min() < 0))[1] for _, each in pair)
    sheet = section.Sheet(layer, activations.order(numbers, by), unit, scale == "shared", drawn == "smooth", top)
    with above:
        section.all_maps(view, maps, numbers, sheet)

    def one_map() -> None:
        """The chosen map over the picture and alone; with a second picture all maps of both."""
        words.part("One map")
        section.one_map(pair, sheet, ui.opacity())
        if len(pair) == 2:
            section.both_sheets(pair, sheet)

    def depth() -> None:
        """Map size and zeros, layer by layer."""
        words.part("From the input to the output")
        section.depth(view, ui.sparsity(view, names), layer)

    def in_numbers() -> None:
        """The layer in numbers."""
        section.in_numbers(maps, numbers, layer)

    ui.tabs(("One map", one_map), ("From input to output", depth), ("In numbers", in_numbers))
    count, height, _ = maps.shape
    first, last = choices[0], choices[-1]
    total = np.maximum(maps, 0).mean((1, 2))
    share = 100 * np.sort(total)[::-1][: max(1, count // 10)].sum() / (total.sum() or 1)
    words.end(
        functions=[activations.feature_maps, activations.statistics, activations.order, map_atlas],
        snippet=programs.feature_maps(view.model, st.session_state.get("image", "jaguar"), layer, count),
        network=view.net.title,
        layer=layer,
        count=count,
        height=height,
        first=first.name,
        last=last.name,
        first_side=first.out_shape[1],
        last_side=last.out_shape[1],
        first_count=first.out_shape[0],
        last_count=last.out_shape[0],
        strongest=int(np.argmax(numbers.mean)),
        share=f"{share:.0f}",
        scale=words.text("misleading: one scale" if sheet.shared else "misleading: own scales"),
    )


if choices:
    layers()
else:
    ui.offer(words.text("a network without maps", network=view.net.title))
    ui.link("weights")
