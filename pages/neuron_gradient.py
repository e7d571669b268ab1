"""13 Gradient of an activation: one neuron, the pictures it answers most, and which pixels would change its answer."""

import numpy as np
import streamlit as st

from vizcore import (
    activation_maximization,
    effective_field,
    field_figures,
    methods,
    neuron_figures,
    neuron_gradient,
    relu_rules,
    render,
    top_patches,
    ui,
)  # fmt: skip
from vizcore.atlas import atlas
from vizcore.ui import cache, neurons, units
from vizcore.ui.cells import cells

view = ui.begin(__file__)
SIDE, number = view.net.input_size, render.number
RULES = {"Gradient": None, "Guided": "guided", "Deconvnet": "deconvnet"}
bound = {"bind": "query-params"}


def take(row: int, column: int) -> None:
    st.session_state["row"], st.session_state["column"] = row, column


st.header("1 Pick a neuron", anchor=False)
with ui.controls():
    layer = view.net.layer(neurons.layer_name(view))
    maps = neurons.maps(view, layer.name)
    unit = units.unit_number(view, layer.name, maps, "Map" if layer.spatial else "Neuron")
    count, rows, columns = maps.shape
    climbed = activation_maximization.before_relu(view.net, layer.name)
    ranked = neurons.maps(view, climbed)[unit]
    row = column = None
    if layer.spatial:
        best = neuron_gradient.strongest(ranked)
        row, column = (neurons.cell_number(*field) for field in (
            ("Row", "row", rows, best[0]), ("Column", "column", columns, best[1])))  # fmt: skip
    start = layer.name
    if climbed != layer.name and st.toggle(
        "Before its ReLU", True, key="before", **bound,
        help="Start from the number that goes into the neuron's own ReLU. Behind it, a neuron that is off, or at the "
        "ceiling of a ReLU6, has no gradient at all.",
    ):  # fmt: skip
        start = climbed
cell = neuron_gradient.strongest(ranked, row, column)
values, place = maps[unit], f", row {cell[0]}, column {cell[1]}" if layer.spatial else ""
name = f"{'map' if layer.spatial else 'neuron'} {unit}{place} of {layer.name}"
box = neuron_gradient.field_box(layer, cell, SIDE, SIDE)
patch = neuron_gradient.window(layer, cell, SIDE)
field = layer.receptive_field
bounded = field is not None and box != (0, 0, SIDE, SIDE)

first, second, third = st.columns(3)
if layer.spatial:
    with first:
        signed = bool(values.min() < 0)
        photo = view.picture.convert("RGB").resize((neuron_figures.SIDE,) * 2)
        top = render.limits(values, signed)[1]
        labels = [f"row {r}, column {c}: {number(values[r, c])}" for r in range(rows) for c in range(columns)]
        cells(
            "map_cells", render.overlay(photo, values, 0.6, signed, top), rows, columns, cell, take,
            labels=labels if len(labels) <= 4096 else [], caption=f"Map {unit} over the picture: click a neuron",
            alt=f"Map {unit} of {layer.name} over {view.title}, {rows} by {columns} neurons",
        )  # fmt: skip
        st.html(ui.scale(top, 2, signed, f"activation of map {unit}"))
with second if layer.spatial else first:
    ui.image(neuron_figures.placed(view.picture, box, None, False),
             "What this neuron can see, outlined" if bounded else "This neuron can see the whole picture",
             f"{view.title} with the receptive field of {name}")  # fmt: skip
if bounded:
    with third:
        ui.image(neuron_figures.placed(view.picture, box, patch, False), "The same part, enlarged",
                 f"The part of {view.title} that {name} can see")  # fmt: skip
numbers = st.columns(4)
numbers[0].metric("Its activation", number(values[cell]))
if climbed != layer.name:
    numbers[1].metric("Before its ReLU", number(ranked[cell]))
numbers[2].metric("It can see", f"{box[2] - box[0]} × {box[3] - box[1]} px",
                  help=f"Of {SIDE} × {SIDE}. Its receptive field "
                  + (f"is {field.size} pixels wide; the rest is padding." if field else "has no bounds."))  # fmt: skip
numbers[3].metric("Neurons in this layer", f"{maps.size:,}")
if layer.spatial:
    st.markdown(f"One {ui.term('unit')} is a whole map: {rows} × {columns} neurons with the same weights, each at its "
                "own place. This page is about one of them.", unsafe_allow_html=True)  # fmt: skip
    ui.link("unit", "The whole map: 6 Inside one unit")
else:
    st.markdown("A neuron of this layer has no row and no column: it belongs to no place, and all pixels reach it.")

st.header("2 The pictures it answers most", anchor=False)
searched = "digits"
if view.net.channels == 3:
    searched = st.segmented_control(
        "Pictures searched", list(top_patches.COLLECTIONS), default="gallery", required=True, key="among", **bound
    )
source = top_patches.collection(view.net, searched)
hits = neurons.hits(view, searched, climbed, unit)
windows = [neuron_gradient.window(layer, hit.cell, SIDE) for hit in hits]
said = [f"{source.titles[hit.picture]}: {number(hit.value)}"
        + (f" at row {hit.cell[0]}, column {hit.cell[1]}" if layer.spatial else "") for hit in hits]  # fmt: skip
crops = [top_patches.cut(view.net.crop(source.open(hit.picture)), cut) for hit, cut in zip(hits, windows, strict=True)]
sprite, layout = atlas(field_figures.tiles(crops, 160))
ui.tiles(render.encode(sprite, "jpeg"), layout, said, "patches", smooth=True, largest=132, gap=4,
         alt=f"The {len(hits)} patches with the strongest answers: " + "; ".join(said))  # fmt: skip
st.caption(
    f"Strongest first{', before the ReLU' if climbed != layer.name else ''}: "
    f"{', '.join(number(hit.value) for hit in hits)}. "
    + (f"All neurons of map {unit} share their weights, so each of {len(source.titles)} pictures is searched at every "
       "place; a patch is what the strongest one can see." if layer.spatial
       else f"The best of {len(source.titles)} pictures, whole: this neuron can see all of them.")
)  # fmt: skip

st.header("3 The gradient of its activation", anchor=False)


@ui.fragment
def gradients() -> None:
    """The visitor's picture large, then the best pictures, each with the gradients that were chosen."""
    with ui.controls("back_controls"):
        chosen = st.pills("Way back through each ReLU", list(RULES), selection_mode="multi",
                          default=["Gradient", "Guided"], key="back_by", **bound)  # fmt: skip
        shown = st.slider("Best pictures", 1, top_patches.COUNT, 4, key="shown", width=180, **bound)
        zoomed = st.toggle("Zoom to the receptive field", key="zoomed", disabled=not bounded, **bound)
        same = st.toggle("One scale for all pictures", key="same", **bound)
    rules = [rule for rule in RULES if rule in chosen] or ["Gradient"]
    value, plain = neurons.gradient(view, start, unit, cell, None)
    own = {rule: neurons.gradient(view, start, unit, cell, RULES[rule])[1] for rule in rules}
    tops = {rule: neuron_figures.top_of(own[rule], box) for rule in rules}
    cut = patch if zoomed and bounded else None
    columns = st.columns(max(3, 1 + len(rules)))
    with columns[0]:
        ui.image(neuron_figures.placed(view.picture, box, cut, False), f"{view.title}: activation {number(value)}",
                 f"{view.title}, where {name} looks")  # fmt: skip
    for column, rule in zip(columns[1:], rules, strict=False):
        with column:
            drawn = neuron_figures.drawn(own[rule], tops[rule])
            ui.image(neuron_figures.placed(drawn, box, cut, True), rule, f"{rule} of {name} for {view.title}")
            st.html(ui.scale(tops[rule], 3 if len(plain) == 3 else 2, True, "activation per unit of input"))
    report(plain)
    for note in {note for rule in rules
                 for note in field_figures.rule_notes(view.net, RULES[rule], methods.count_relus(view.net))}:  # fmt: skip
        st.info(note, icon=":material/info:")
    st.subheader("The same in the pictures it answers most", anchor=False)
    st.html(neuron_figures.sheet([card(n, rules, tops if same else None, zoomed and bounded) for n in range(shown)
                                  if n < len(hits)]))  # fmt: skip


def report(plain: np.ndarray) -> None:
    """Where the plain gradient lies, in numbers."""
    found = neuron_gradient.spread(plain, layer, cell)
    if not found.total:
        st.info("The gradient is zero at every pixel: "
                + ("this neuron's ReLU is shut here, or at its ceiling. Switch “Before its ReLU” on."
                   if start != climbed else "on the way to this neuron every ReLU is shut. Choose another cell."),
                icon=":material/info:")  # fmt: skip
        return
    inside = "100 %" if found.outside == 0 else f"{100 * found.inside:.4g} %"
    numbers = st.columns(4)
    numbers[0].metric("Gradient inside the field", inside,
                      help=f"Share of Σ|g|. Outside, the sum is {number(found.outside)}.")  # fmt: skip
    numbers[1].metric("In its central half", f"{100 * found.central:.3g} %",
                      help="Half the field's side, in its middle.")  # fmt: skip
    numbers[2].metric("An even gradient would have", f"{100 * found.central_area:.3g} %",
                      help="The share of the field's area in the picture that the central half covers.")  # fmt: skip
    numbers[3].metric("Pixels with a gradient", f"{found.pixels:,} of {SIDE * SIDE:,}",
                      help=f"{found.field_pixels:,} pixels lie in the receptive field.")  # fmt: skip


def card(n: int, rules: list[str], tops: dict[str, float] | None, zoomed: bool) -> neuron_figures.Card:
    hit, place = hits[n], neuron_gradient.field_box(layer, hits[n].cell, SIDE, SIDE)
    cut = windows[n] if zoomed else None
    pictures = [("", neuron_figures.placed(view.net.crop(source.open(hit.picture)), place, cut, False))]
    for rule in rules:
        _, gradient = neurons.gradient_at(view, searched, hit, start, unit, RULES[rule])
        top = tops[rule] if tops else neuron_figures.top_of(gradient, place)
        ends = f"{rule}, ± {number(top)}" if gradient.any() else f"{rule}: zero everywhere"
        pictures.append((ends, neuron_figures.placed(neuron_figures.drawn(gradient, top), place, cut, True)))
    return neuron_figures.Card(pictures, source.titles[hit.picture], said[n].removeprefix(source.titles[hit.picture] + ": "))


gradients()
st.header("4 One step along the gradient", anchor=False)


@ui.fragment
def step() -> None:
    """Is the number right? Move the picture a little along the gradient and compare."""
    value, plain = neurons.gradient(view, start, unit, cell, None)
    unit_step = neuron_gradient.grey_level(view.net, plain)
    if not unit_step:
        st.caption("The gradient is zero: there is no direction to step in.")
        return
    sizes = (0.125, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64)
    size = st.select_slider("Largest step, in grey levels of 255", sizes, 4, key="step", width=360, **bound)
    slope = float(np.linalg.norm(plain.astype(np.float64))) * unit_step
    grid = size * np.linspace(-1, 1, 17)
    actual = neurons.along(view, start, unit, cell, tuple((grid * unit_step).tolist()))
    all_steps = neurons.along(view, start, unit, cell, tuple(unit_step * s for s in sizes))
    held = neuron_gradient.holds_until(sizes, slope * np.array(sizes), all_steps - value, 0.1)
    first, second = st.columns([2, 1], gap="large")
    with first:
        st.html(neuron_figures.step_chart(grid, value + slope * grid, actual))
    with second:
        promised, found = slope * size, float(actual[-1]) - value
        st.metric(f"Promised for {number(size)} grey levels", f"{promised:+.3g}")
        st.metric("What happens", f"{found:+.3g}", help=f"From {number(value)} to {number(actual[-1])}.")
        reach = f"up to {number(sizes[held - 1])} grey levels" if held else "at none of the steps tried"
        st.markdown(f"The promise is kept, to one part in ten, {reach}"
                    + (f"; at {number(sizes[held])} it breaks." if held < len(sizes) else ", the largest tried."))  # fmt: skip


step()

ui.explain(
    notice=[
        "The gradient is exactly zero outside the outlined part" + (
            "." if bounded else "; here that part is the whole picture. Choose an earlier layer to see an edge.")
        + f" That is what {ui.term('receptive field')} means.",
        "Towards the edge of the field it fades: compare the share in the central half with what an even gradient "
        "would have there.",
        "Choose a neighbouring cell: the outline moves by one stride, and the gradient goes with it.",
    ],
    misleads=[
        f"A {ui.term('gradient')} says which small change would move the neuron, not what made it answer. Section 4 "
        "shows how small.",
        "Guided and Deconvnet are not derivatives: they leave out what would lower the neuron, and look cleaner for it. "
        "No step can be predicted from them.",
        f"The best of {len(source.titles)} pictures are extremes; at middling values the neuron may answer to "
        "other things.",
    ],
)
ui.link("gradients", "How is the gradient of any layer with respect to the input calculated? 9 Gradients of every layer")
at = f"0, {unit}, {cell[0]}, {cell[1]}" if len(layer.out_shape) == 3 else f"0, {unit}"
ui.more(
    formula=[
        r"g = \frac{\partial A^k_{ij}}{\partial x} = J_1^\top J_2^\top \cdots J_l^\top \, e^k_{ij}, \qquad "
        r"J_m = \frac{\partial\, a_m}{\partial\, a_{m-1}}, \quad a_0 = x",
        r"A^k_{ij}\left(x + \epsilon \, \frac{g}{\lVert g \rVert}\right) \approx A^k_{ij}(x) + \epsilon \lVert g \rVert",
    ],
    steps=[
        f"Run the network as far as {start}; what lies behind it is never computed.",
        "At that layer the gradient of the chosen neuron is 1 at its own cell and 0 at all others: the vector e.",
        "Go back one layer at a time, each time multiplying by the transpose of that layer's derivatives J: a "
        "convolution spreads each number over its kernel, a ReLU lets through where it was open, a max-pool hands it "
        "to the maximum, an addition copies it to both branches.",
        "Stop at any layer and you hold the gradient with respect to that layer; go on to the end for the pixels.",
        "Guided and Deconvnet change only what a ReLU does on the way back.",
        "Section 4 moves the picture along g by growing steps, runs the network again and compares.",
    ],
    exercises=[
        (
            "Choose the first layer that has weights and look at several pictures. How do their gradients differ?",
            "Not at all, if nothing but that layer stands between pixels and neuron: it is linear, so its gradient is "
            "its own kernel, whatever the picture shows.",
        ),
        (
            "Take a neuron in a corner of a map. What happens to its field?",
            "Part of it looks into the padding. Those pixels do not exist, so fewer pixels have a gradient.",
        ),
        (
            "Choose a layer that ends in a ReLU, a neuron whose activation is 0, and switch “Before its ReLU” off.",
            "The gradient becomes zero: a shut ReLU does not notice a small change. Before the ReLU the number is "
            "negative, and has a gradient.",
        ),
        (
            "Make the largest step in section 4 smaller and smaller. What happens to the curve, and why?",
            "It approaches the straight line: a gradient is exact in the limit. ReLUs that open or shut on the way "
            "bend it.",
        ),
    ],
    functions=[
        neuron_gradient.neuron_gradient, neuron_gradient.spread, neuron_gradient.along, relu_rules.relu_rule,
        effective_field.clipped,
    ],
    snippet=f"""
import torch
from vizcore import images, models

net = models.load("{view.model}")
x = net.preprocess(images.load("{cache.image_file(view)}")).requires_grad_()
_, acts = net.forward(x, capture=["{start}"])
neuron = acts["{start}"][{at}]
result = torch.autograd.grad(neuron, x)[0][0]  # (C, H, W)
""",
    sources=[
        "Zeiler, Fergus: [Visualizing and Understanding](https://arxiv.org/abs/1311.2901) (ECCV 2014)",
        "Simonyan et al.: [Deep Inside Convolutional Networks](https://arxiv.org/abs/1312.6034) (arXiv 2013)",
        "Erhan et al.: Visualizing Higher-Layer Features of a Deep Network (technical report, 2009)",
        "Luo et al.: [The Effective Receptive Field](https://arxiv.org/abs/1701.04128) (NeurIPS 2016)",
        "Springenberg et al.: [Striving for Simplicity](https://arxiv.org/abs/1412.6806) (ICLR workshop 2015)",
    ],
)  # fmt: skip
