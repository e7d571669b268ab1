"""16. Grad-CAM, unrolled: maps, gradients, weights, weighted sum, ReLU, enlargement."""

import streamlit as st

from vizcore import ui
from vizcore.figures.render import number
from vizcore.inspection import cam_steps
from vizcore.methods import cam
from vizcore.models import layers as model_layers
from vizcore.ui.blocks import MAIN_ROOM, scale
from vizcore.ui.sections import grad_cam as section

view, words = ui.begin(__file__), ui.words(__file__)
stops = model_layers.stops(view.net)
with ui.choices():
    against = ui.toggle("Counterfactual", key="counterfactual", help=words.text("help of the counterfactual"))
    layer = ui.layer_select(view, "layer", keep=lambda item: item.name in stops)
steps = ui.unrolled(view, layer, against)
maps, height, width = steps.activations.shape
heat, stance = steps.map.cpu().numpy(), "against" if against else "for"


@ui.fragment
def overlay() -> None:
    figure, side = ui.beside()
    with side:
        opacity = ui.opacity()
        drawn = ui.segmented_control("Drawn", ["smooth", "cells"], key="drawn")
    with figure:
        ui.heat(
            heat,
            view.picture,
            signed=False,
            smooth=drawn == "smooth",
            opacity=opacity,
            key="grad_cam",
            caption=f"Evidence {stance} {view.class_name} at {layer}",
            unit="raw value of the map",
            room=MAIN_ROOM,
            alt=f"Grad-CAM of {view.class_name} over {view.title}; strongest {number(heat.max())}",
        )


overlay()
if not heat.any():
    st.info(words.text("nothing is left", stance=stance, name=view.class_name), icon=":material/info:")

strongest = steps.strongest(8)


@ui.fragment
def one_map() -> None:
    ranks = [str(rank) for rank in range(1, len(strongest) + 1)]
    label = "Enlarge one of them, by rank"
    rank = ui.segmented_control(label, ranks, default="1", key="rank")
    section.one_map(view, steps, strongest[int(rank) - 1])


def one_weight_for_each_map() -> None:
    words.part("Step 1. One weight for each map", maps=maps, count=len(strongest))
    top = float(steps.contributions[strongest].abs().max())
    st.html(section.tiles(view, layer, against, steps, strongest, top))
    st.html(scale(top, 2, True, "α times the map. Under each: unit, α, share of all |α × mean|"))
    one_map()


def all_weights() -> None:
    positive, negative = int((steps.weights > 0).sum()), int((steps.weights < 0).sum())
    ends = "The 14 largest and the 14 smallest. " if maps > 28 else ""
    words.part("Step 2. All weights", maps=maps, positive=positive, negative=negative, ends=ends)
    st.html(section.weights(view, layer, against, steps))


def enlargement() -> None:
    words.part("Step 3. Sum, ReLU, enlargement")
    section.stages(view, steps)
    if not against:
        section.check(view, steps)


def two_classes() -> None:
    words.part("Two classes in one picture")
    with ui.controls("pair"):
        other = ui.class_select(view, "versus", "Second class", default=view.runner_up, width=330)
        linked = ui.toggle("Same scale for both", True, key="linked")
        ui.demo_button(view)
    second = ui.attribution(view, "grad_cam", other, layer, counterfactual=against).values
    section.two_classes(view, layer, against, other, linked, (heat, second))


def variants() -> None:
    words.part("Other ways to weight the maps")
    if ui.toggle("Compute them for this layer", key="variants"):
        section.variants(view, layer)


ui.tabs(
    ("Step 1", one_weight_for_each_map),
    ("Step 2", all_weights),
    ("Step 3", enlargement),
    ("Two classes", two_classes),
    ("Other weightings", variants),
)
field, side = view.net.layer(layer).receptive_field, view.net.input_size
words.end(
    functions=[cam.activations_and_gradients, cam.grad_cam, cam_steps.unroll, cam_steps.linear_head],
    snippet=ui.snippet(view, "grad_cam", layer=layer, counterfactual=against),
    network=view.net.title,
    layer=layer,
    maps=maps,
    count=len(strongest),
    share=f"{100 * float(steps.shares[strongest].sum()):.0f}",
    height=height,
    width=width,
    cells=height * width,
    cell_height=f"{side / height:.3g}",
    cell_width=f"{side / width:.3g}",
    reach=f"; its [[receptive field]] is {field.size} pixels wide" if field else "",
    below=int((steps.before_relu < 0).sum()),
    classes="" if against else section.class_maps(view, layer, steps),
)
