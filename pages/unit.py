"""6 Inside one unit: its map, the patches that excite it, a picture made for it, the classes it feeds."""

import numpy as np
import streamlit as st

from vizcore import ui
from vizcore.content import programs
from vizcore.figures import charts, render
from vizcore.figures import patches as patch_figures
from vizcore.figures.sprites import atlas
from vizcore.images.collection import COLLECTIONS, cut, open_collection
from vizcore.inspection import preferred, top_patches, unit_classes, unit_gradients
from vizcore.methods import relu_rules
from vizcore.models import layers as model_layers
from vizcore.ui import units

view = ui.begin(__file__)
SIDE = view.net.input_size
RULES = {"Gradient": None, "Deconvnet": "deconvnet", "Guided": "guided"}
bound = {"bind": "query-params"}

with ui.controls():
    default = next((item.name for item in view.net.layers[::-1] if item.spatial and item.kind == "relu"), None)
    layer = view.net.layer(ui.layer_select(view, default=default, keep=lambda item: item.spatial))
    maps = ui.feature_maps(view, layer.name)
    unit = ui.unit_index(maps)
    opacity = ui.opacity()
values = maps[unit]
name = f"unit {unit} of {layer.name}"

st.header("On this picture", anchor=False)
ui.heat(
    values,
    view.picture,
    signed=bool(values.min() < 0),
    opacity=opacity,
    key="map",
    caption=f"Unit {unit} of {layer.name} over {view.title}",
    alt=f"The map of {name} for {view.title}",
    unit=f"activation of {name}",
)
means = maps.reshape(len(maps), -1).mean(1)
rank = 1 + int((means > means[unit]).sum())
st.markdown(
    f"Mean {render.number(means[unit])}, strongest cell {render.number(values.max())}: rank {rank} of {len(maps)} "
    "maps of this layer by mean on this picture."
    + ("" if values.any() else f" It is zero everywhere here: a {ui.term('dead map')} for this picture."),
    unsafe_allow_html=True,
)

st.header("What excites it most", anchor=False)
with ui.controls("patch_controls"):
    searched = "digits"
    if view.net.channels == 3:
        searched = st.segmented_control(
            "Pictures searched", list(COLLECTIONS), default="gallery", required=True, key="among", **bound
        )
    back = st.segmented_control("Drawn back as", list(RULES), default="Guided", required=True, key="back", **bound)
source = open_collection(searched, view.net.channels)
climbed = model_layers.before_relu(view.net, layer.name)
hits = units.top_index(view, searched).top(view.net, climbed, unit)
boxes = [top_patches.patch_box(view.net, layer, hit.cell) for hit in hits]
labels = [
    f"{source.titles[hit.picture]}: {render.number(hit.value)} at row {hit.cell[0]}, column {hit.cell[1]}"
    for hit in hits
]


@ui.fragment
def patches() -> None:
    """The best patches, and the same boxes of the pictures drawn back from the unit."""
    crops = [cut(view.net.crop(source.open(hit.picture)), box) for hit, box in zip(hits, boxes, strict=True)]
    gradients = units.backward(view, searched, hits, layer.name, unit, RULES[back])
    first, second = st.columns(2)
    with first:
        sprite, layout = atlas(patch_figures.tiles(crops, 160))
        ui.tiles(
            render.encode(sprite, "jpeg"),
            layout,
            labels,
            "patches",
            smooth=True,
            largest=180,
            alt=f"The {len(hits)} patches that excite {name} most: " + "; ".join(labels),
        )
        before = "" if climbed == layer.name else " (before the ReLU)"
        st.caption(f"The patches, strongest first{before}: {', '.join(render.number(hit.value) for hit in hits)}")
    with second:
        drawn = patch_figures.gradient_patches(gradients, boxes)
        sprite, layout = atlas(patch_figures.tiles(drawn, 160))
        ui.tiles(
            render.encode(sprite, "png"),
            layout,
            labels,
            "drawn_back",
            smooth=True,
            largest=180,
            alt=f"{back} of {name} in the same patches",
        )
        st.caption(f"{back}: what in each patch speaks to the unit. Grey is zero; each patch has its own scale")
    side = boxes[0][2] - boxes[0][0]
    field = layer.receptive_field
    st.markdown(
        f"Each patch is {side} × {side} pixels around the strongest cell: "
        + (
            f"its whole {ui.term('receptive field')}. Grey parts lie outside the picture."
            if field and field.size == side
            else f"its {ui.term('receptive field')} is "
            + (f"{field.size} pixels wide" if field else "the whole picture")
            + ", so the patch is cut to half the picture's side."
        ),
        unsafe_allow_html=True,
    )
    for note in relu_rules.notes(view.net, RULES[back], "patch"):
        st.info(note, icon=":material/info:")


@ui.fragment
def climb() -> None:
    """A picture made for the unit by gradient ascent."""
    with ui.controls("ascent"):
        made = st.toggle("Make a picture for this unit", key="made", **bound)
        steps = st.select_slider("Steps", [32, 64, 96, 128, 192], 96, key="steps", width=220, **bound)
        seed = st.number_input("Seed", 0, 9999, 0, key="seed", width=140, **bound)
    if not made:
        st.caption("Starts from noise and climbs the gradient of the unit's mean activation; it takes some seconds.")
        return
    found = units.preferred(view, layer.name, unit, steps, seed)
    first, second = st.columns(2)
    with first:
        ui.image(patch_figures.pixels(found.images[0]), f"Made for {name}, seed {seed}", f"Preferred input of {name}")
    with second:
        chart = charts.trace_chart(found, climbed != layer.name)
        st.plotly_chart(chart, key="trace", config={"displayModeBar": False})
        noise, reached = float(found.noise[0]), float(found.activation[0])
        times = f": {reached / noise:.3g} times the noise's" if noise > 0 and reached > 0 else ""
        st.markdown(f"Mean activation: noise {render.number(noise)}, this picture {render.number(reached)}{times}.")
        if reached <= noise or not reached:
            st.info(
                "The ascent did not find a picture for this unit; try another seed or more steps.",
                icon=":material/info:",
            )


patches()
st.header("A picture made for it", anchor=False)
climb()

st.header("The classes it feeds", anchor=False)
readout = model_layers.readout(view.net)
best = hits[:4]
sums = units.classes(view, searched, best, layer.name, unit)
order = np.argsort(-sums, kind="stable")
shown = np.concatenate([order[:6], order[-4:]]) if len(order) > 10 else order
figure = charts.class_chart(
    [view.net.categories[k] for k in shown], sums[shown], f"added to the class score, mean of {len(best)} pictures"
)
st.plotly_chart(figure, key="classes", config={"displayModeBar": False})
exact = readout is not None and readout.layer == layer.name
st.markdown(
    f"Exact: behind {layer.name} come only an average and one linear layer, so each bar is weight × mean activation."
    if exact
    else f"To first order: gradient of each class score with respect to this map, times the map, summed over cells "
    f"and averaged over its {len(best)} best pictures."
)

ui.explain(
    notice=[
        "Look for what all patches share: an edge, a texture, a part. What do the drawn-back ones keep of it?",
        f"The same {ui.term('unit')} on your picture: does its map light up where such a thing is?",
        "Patches show what excites a unit among real pictures, the made picture what would excite it without limits.",
    ],
    misleads=[
        f"The best {len(hits)} of {len(source.titles)} pictures are the extremes: a unit does much of its work at "
        "middling values, and may answer to several unlike things.",
        "The made picture depends on the seed and on what keeps it smooth. It is not something the network ever saw.",
        "A unit is one axis of many. Concepts may lie between axes; a name given to a unit is a guess "
        "until it is tested.",
    ],
)
ui.more(
    formula=[
        r"x^* = \arg\max_x \; \frac{1}{hw} \sum_{ij} A^k_{ij}(T(x))",
        r"s_c = \frac{1}{N} \sum_n \sum_{ij} \frac{\partial y_c}{\partial A^k_{ij}} A^k_{ij}",
    ],
    steps=[
        f"Run all {len(source.titles)} pictures once; of every map of every layer keep the strongest cell, of every "
        f"unit the best {top_patches.COUNT} pictures. Behind a ReLU, rank by the value before it: a ReLU6 makes all "
        "strong values 6.",
        "Cut each picture to the cell's receptive field, at most half the picture's side.",
        "Go back from that cell, before its own ReLU, to the pixels, with the chosen rule at every ReLU on the way.",
        "The made picture is a sum of waves; slow waves take larger steps. At each step T moves, turns and scales it "
        "a little. Where the map comes out of a ReLU, what is climbed is the map before it: a shut ReLU has no slope.",
    ],
    exercises=[
        (
            "Choose a unit of an early layer and one of the last. How do their patches differ?",
            "Early: the same edge or colour, whatever the object. Late: often the same kind of object, in different "
            "poses; the pixels have little in common.",
        ),
        (
            "Make the picture again with two other seeds. What stays, what changes?",
            "What stays belongs to the unit; place and details belong to the noise it began with.",
        ),
    ],
    functions=[
        top_patches.build,
        top_patches.patch_box,
        preferred.synthesize,
        unit_gradients.gradient,
        unit_classes.contributions,
    ],
    snippet=programs.best_patches(view.model, climbed, unit, searched),
    sources=[
        "Yosinski et al.: [Understanding Neural Networks Through Deep Visualization](https://arxiv.org/abs/1506.06579) "
        "(ICML workshop 2015)",
        "Zeiler, Fergus: [Visualizing and Understanding](https://arxiv.org/abs/1311.2901) (ECCV 2014)",
        "Olah et al.: [Feature Visualization](https://distill.pub/2017/feature-visualization) (Distill 2017)",
        "Erhan et al.: Visualizing Higher-Layer Features of a Deep Network (technical report, 2009)",
    ],
)
