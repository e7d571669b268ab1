"""13 Gradient of an activation: one neuron, the pictures it answers most, and which pixels would change its answer."""

import numpy as np
import streamlit as st

from vizcore import ui
from vizcore.content import programs
from vizcore.figures import bars as bar_figures
from vizcore.figures import patches as patch_figures
from vizcore.figures import render
from vizcore.figures.patches import Card, boxed
from vizcore.figures.sprites import atlas
from vizcore.images.collection import COLLECTIONS, cut, open_collection
from vizcore.inspection import neurons as neuron_gradient
from vizcore.inspection import top_patches, unit_gradients
from vizcore.methods import relu_rules
from vizcore.ui import cache
from vizcore.ui.sections import neuron_gradient as neurons

view = ui.begin(__file__)
SIDE, number = view.net.input_size, render.number
RULES = {"Gradient": None, "Guided": "guided", "Deconvnet": "deconvnet"}
STEPS = (0.125, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64)
bound = {"bind": "query-params"}

st.header("1 Pick a neuron", anchor=False)
with ui.controls():
    neuron = neurons.choose(view)
layer, unit, cell, box = neuron.layer, neuron.unit, neuron.cell, neuron.box
patch = neuron_gradient.window(layer, cell, SIDE)
neurons.show_place(view, neuron)
if neuron.placed:
    cells = " × ".join(map(str, layer.out_shape[1:]))
    st.markdown(
        f"One {ui.term('unit')} is a whole map: {cells} neurons with the same weights, each at its own place. "
        "This page is about one of them.",
        unsafe_allow_html=True,
    )
    ui.link("unit", "The whole map: 6 Inside one unit")
else:
    st.markdown("A neuron of this layer has no row and no column: it belongs to no place in the picture.")

st.header("2 The pictures it answers most", anchor=False)
searched = "digits"
if view.net.channels == 3:
    searched = st.segmented_control(
        "Pictures searched", list(COLLECTIONS), default="gallery", required=True, key="among", **bound
    )
source = open_collection(searched, view.net.channels)
hits = neurons.hits(view, searched, neuron)
windows = [neuron_gradient.window(layer, hit.cell, SIDE) for hit in hits]
titles = [source.titles[hit.picture] for hit in hits]
said = [number(hit.value) + (f" at row {hit.cell[0]}, column {hit.cell[1]}" if neuron.placed else "") for hit in hits]
crops = [cut(view.net.crop(source.open(hit.picture)), box) for hit, box in zip(hits, windows, strict=True)]
labels = [f"{title}: {text}" for title, text in zip(titles, said, strict=True)]
sprite, layout = atlas(patch_figures.tiles(crops, 192))
ui.tiles(
    render.encode(sprite, "jpeg"),
    layout,
    labels,
    "patches",
    smooth=True,
    largest=188,
    gap=6,
    alt=f"The {len(hits)} patches with the strongest answers: " + "; ".join(labels),
)
st.caption(
    f"Strongest first{', before the ReLU' if neuron.climbed != layer.name else ''}: "
    f"{', '.join(number(hit.value) for hit in hits)}. "
    + (
        f"The neurons of map {unit} share their weights, so each of {len(source.titles)} pictures is searched at every "
        "place; a patch is what the strongest one can see."
        if neuron.placed
        else f"The best of {len(source.titles)} pictures, whole: this neuron can see all of them."
    )
)

st.header("3 The gradient of its activation", anchor=False)


@ui.fragment
def gradients() -> None:
    """The visitor's picture large, then the best pictures, each with the gradients that were chosen."""
    with ui.controls("back_controls"):
        chosen = st.pills(
            "Way back through each ReLU",
            list(RULES),
            selection_mode="multi",
            default=["Gradient", "Guided"],
            key="back_by",
            **bound,
        )
        shown = st.slider("Best pictures", 1, top_patches.COUNT, 4, key="shown", width=180, **bound)
        zoomed = neuron.bounded and st.toggle("Zoom to the receptive field", True, key="zoomed", **bound)
        same = st.toggle("One scale for all pictures", key="same", **bound)
    rules = [rule for rule in RULES if rule in chosen] or ["Gradient"]
    value, plain = neurons.gradient(view, neuron)
    own = {rule: neurons.gradient(view, neuron, RULES[rule])[1] for rule in rules}
    tops = {rule: patch_figures.top_of(own[rule], box) for rule in rules}
    panels = st.columns(max(3, 1 + len(rules)))
    with panels[0]:
        ui.image(
            boxed(view.picture, box, patch if zoomed else None, False),
            f"{view.title}: {number(value)}" + (" before its ReLU" if neuron.start != layer.name else ""),
            f"{view.title}, where {neuron.name} looks",
        )
    for panel, rule in zip(panels[1:], rules, strict=False):
        with panel:
            drawn = patch_figures.gradient_patch(own[rule], tops[rule])
            ui.image(
                boxed(drawn, box, patch if zoomed else None, True), rule, f"{rule} of {neuron.name} for {view.title}"
            )
            st.html(ui.scale(tops[rule], 3 if len(plain) == 3 else 2, True, "per unit of input; grey is zero"))
    neurons.show_spread(view, neuron, plain)
    for note in dict.fromkeys(n for rule in rules for n in relu_rules.notes(view.net, RULES[rule], "patch")):
        st.info(note, icon=":material/info:")
    st.subheader("The same in the pictures it answers most", anchor=False)
    st.html(patch_figures.cards([card(n, rules, tops if same else {}, zoomed) for n in range(len(hits[:shown]))]))
    if neuron.start != neuron.climbed:
        st.caption("Taken behind the ReLU: where it is shut or at a ceiling, the gradient is zero everywhere.")


def card(n: int, rules: list[str], tops: dict[str, float], zoomed: bool) -> Card:
    """One of the best pictures, its gradients below it, on their own scales or on those given."""
    seen, window, below = neuron_gradient.field_box(layer, hits[n].cell, SIDE, SIDE), windows[n] if zoomed else None, []
    for rule in rules:
        found = neurons.gradient_at(view, searched, hits[n], neuron, RULES[rule])
        top = tops.get(rule) or patch_figures.top_of(found, seen)
        label = f"{rule}, ± {number(top)}" if found.any() else f"{rule}: zero everywhere"
        below.append((label, boxed(patch_figures.gradient_patch(found, top), seen, window, True)))
    return Card(boxed(view.net.crop(source.open(hits[n].picture)), seen, window, False), titles[n], said[n], below)


gradients()
st.header("One step along the gradient", anchor=False)


@ui.fragment
def step() -> None:
    """Is the gradient right? Move the picture a little along it, and compare."""
    value, plain = neurons.gradient(view, neuron)
    grey = neuron_gradient.grey_level(view.net, plain)
    if not grey:
        st.caption("The gradient is zero: there is no direction to step in.")
        return
    size = st.select_slider("Largest step, in grey levels of 255", STEPS, 4, key="step", width=360, **bound)
    slope = float(np.linalg.norm(plain.astype(np.float64))) * grey
    grid = size * np.linspace(-1, 1, 17)
    actual = neurons.along(view, neuron, tuple((grid * grey).tolist()))
    changes = neurons.along(view, neuron, tuple(grey * s for s in STEPS)) - value
    held = neuron_gradient.holds_until(STEPS, slope * np.array(STEPS), changes, 0.1)
    first, second = st.columns([2, 1], gap="large")
    with first:
        st.html(bar_figures.step_chart(grid, value + slope * grid, actual))
    with second:
        st.metric(f"Promised for a step of {number(size)}", f"{slope * size:+.3g}", help="Step times slope.")
        st.metric("What happens", f"{actual[-1] - value:+.3g}", help=f"{number(value)} becomes {number(actual[-1])}.")
        reach = f"kept up to a step of {number(STEPS[held - 1])}" if held else "broken at every step tried"
        breaks = f"; at {number(STEPS[held])} it breaks" if 0 < held < len(STEPS) else ""
        st.markdown(f"Upwards, to one part in ten, the promise is {reach}{breaks}.")


step()

spread = neuron_gradient.spread(neurons.gradient(view, neuron)[1], layer, cell)
stride = f"by {layer.receptive_field.stride} pixels" if layer.receptive_field else "with it"
notice = ["This neuron belongs to no place. Does its gradient still gather on something in the picture?"]
if neuron.placed:
    notice = [
        f"The gradient is exactly zero outside what the neuron can see, its {ui.term('receptive field')}"
        + ("." if neuron.bounded else "; here that is the whole picture. Choose an earlier layer to see an edge."),
        f"Choose a neighbouring cell: what it can see moves {stride}, and the gradient goes along.",
    ]
    if spread.central > spread.central_area:
        notice.append(
            f"The gradient gathers in the middle: the central half of the field has "
            f"{100 * spread.central:.3g} % of it; an even one would have {100 * spread.central_area:.3g} %."
        )
ui.explain(
    notice=notice,
    misleads=[
        f"A {ui.term('gradient')} says which small change would move the neuron, not what made it answer. The step "
        "above shows how small.",
        "Where a network has ReLUs, Guided and Deconvnet are no derivatives: at each one they leave out what is "
        "negative. No step can be predicted from them.",
        f"The best of {len(source.titles)} pictures are extremes; at middling values the neuron may answer to "
        "other things.",
    ],
)
ui.link("gradients", "How is the gradient of any layer with respect to the input calculated? See page 9")
place = (unit, *cell) if len(layer.out_shape) == 3 else (unit,)
ui.more(
    formula=[
        r"g = \frac{\partial A^k_{ij}}{\partial x} = J_1^\top J_2^\top \cdots J_l^\top \, e^k_{ij}, \qquad "
        r"J_m = \frac{\partial\, a_m}{\partial\, a_{m-1}}, \quad a_0 = x",
        r"A^k_{ij}\left(x + \epsilon \, g / \lVert g \rVert\right) \approx A^k_{ij}(x) + \epsilon \lVert g \rVert",
    ],
    steps=[
        f"Run the network as far as {neuron.start}; what lies behind it is never computed.",
        "At that layer the gradient of the chosen neuron is 1 at its own cell and 0 at all others: the vector e.",
        "Go back one layer at a time, each time multiplying by the transpose of that layer's derivatives J: a "
        "convolution spreads each number over its kernel, a ReLU lets through where it was open, a max-pool hands it "
        "to the maximum, an addition copies it to both branches.",
        "Stop at any layer and you hold the gradient with respect to that layer; go on to the end for the pixels.",
        "Guided and Deconvnet change only what a ReLU does on the way back.",
        "For the check, move the picture along g by growing steps, run the network again and compare.",
    ],
    exercises=[
        (
            "Choose the first layer that has weights and look at several pictures. How do their gradients differ?",
            "Not at all, if nothing but that layer stands between pixels and neuron: it is linear, so its gradient is "
            "its own kernel, whatever the picture shows.",
        ),
        (
            "Take a neuron in a corner of a map. What happens to its field?",
            "Where the layers pad their input, part of it looks into the padding. Those pixels do not exist, so fewer "
            "pixels have a gradient.",
        ),
        (
            "Choose a layer that ends in a ReLU, a neuron whose activation is 0, and switch “Before its ReLU” off.",
            "The gradient becomes zero: a shut ReLU does not notice a small change. Before the ReLU the number is not "
            "positive, but it can still change.",
        ),
        (
            "Make the largest step smaller and smaller. What happens to the curve, and why?",
            "It approaches the straight line: a gradient is exact in the limit. ReLUs that open or shut on the way "
            "bend it.",
        ),
    ],
    functions=[unit_gradients.gradient, neuron_gradient.spread, neuron_gradient.along, relu_rules.relu_rule],
    snippet=programs.neuron_gradient(view.model, cache.image_file(view), neuron.start, place),
    sources=[
        "Zeiler, Fergus: [Visualizing and Understanding](https://arxiv.org/abs/1311.2901) (ECCV 2014)",
        "Simonyan et al.: [Deep Inside Convolutional Networks](https://arxiv.org/abs/1312.6034) (arXiv 2013)",
        "Erhan et al.: Visualizing Higher-Layer Features of a Deep Network (technical report, 2009)",
        "Luo et al.: [The Effective Receptive Field](https://arxiv.org/abs/1701.04128) (NeurIPS 2016)",
        "Springenberg et al.: [Striving for Simplicity](https://arxiv.org/abs/1412.6806) (ICLR workshop 2015)",
    ],
)
