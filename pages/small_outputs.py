"""3 Small output sizes: what a map of 7 x 7 cells can and cannot show, and what one cell sees."""

import numpy as np
import streamlit as st

from vizcore import ui
from vizcore.content import programs
from vizcore.figures import charts, render
from vizcore.figures import patches as patch_figures
from vizcore.inspection import effective_field
from vizcore.models import receptive_field
from vizcore.ui import cache, units
from vizcore.ui.components import cells

view = ui.begin(__file__)
SIDE = view.net.input_size
LAYERS = patch_figures.field_layers(view.net)
if not LAYERS:
    raise ValueError(f"{view.net.title} has no feature maps: every unit sees the whole picture. Choose another model.")
NAMES = {layer.name for layer in LAYERS}


@ui.fragment
def look_at_cells() -> None:
    """The controls, the map in two drawings, the fields of the chosen cell, and the chart over depth."""
    with ui.controls():
        layer = view.net.layer(ui.layer_select(view, keep=lambda layer: layer.name in NAMES))
        maps = ui.feature_maps(view, layer.name)
        unit = ui.unit_index(maps, "Map")
        _, rows, columns = layer.out_shape
        row, column = (
            ui.index(f"{name}, 0 to {size - 1}", name.lower(), size, size // 2, empty=f"middle ({size // 2})")
            for name, size in (("Row", rows), ("Column", columns))
        )
    values = maps[unit]
    cell = row, column
    draw_map(layer, unit, values, cell)
    st.header("What one cell sees", anchor=False)
    draw_fields(layer, cell)
    st.header("Resolution against depth", anchor=False)
    figure = charts.depth_chart(view.net, LAYERS, layer.name)
    st.plotly_chart(figure, key="depth", config={"displayModeBar": False})
    st.caption("The vertical scale is logarithmic. Going deeper, a map has fewer cells, and each of them sees more.")
    words(layer.name, cell)


def take(row: int, column: int) -> None:
    st.session_state["row"], st.session_state["column"] = row, column


def draw_map(layer, unit: int, values: np.ndarray, cell: tuple[int, int]) -> None:
    """The map as cells to click, smooth at the same size, and the picture."""
    rows, columns = values.shape
    signed = bool(values.min() < 0)
    top = render.limits(values, signed)[1]
    side = 512 // rows * rows or rows
    crisp = render.enlarge(render.colorize(values, signed, top), (side, side), smooth=False)
    smooth = render.colorize(render.enlarge(values, (512, 512), smooth=True), signed, top)
    labels = (
        [f"row {r}, column {c}: {render.number(values[r, c])}" for r in range(rows) for c in range(columns)]
        if values.size <= 4096
        else []
    )
    first, second, third = st.columns(3)
    with first:
        cells(
            "map_cells",
            crisp,
            rows,
            columns,
            cell,
            take,
            labels=labels,
            caption=f"All {rows * columns} numbers of map {unit}: click a cell",
            alt=f"Map {unit} of {layer.name} for {view.title}, {rows} by {columns} cells",
        )
    with second:
        ui.image(smooth, "The same numbers, bilinear", f"Map {unit} of {layer.name}, enlarged smoothly", smooth=False)
    with third:
        ui.image(view.picture, f"What the network sees: {SIDE} × {SIDE} pixels", view.alt or view.title)
    st.html(ui.scale(top, 2, signed, f"activation of map {unit} of {layer.name}"))
    value = render.number(float(values[cell]))
    per_cell = f"{SIDE / rows:.3g}"
    st.markdown(
        f"{rows} × {columns} cells for {SIDE} × {SIDE} pixels: one cell for {per_cell} × {per_cell} pixels. "
        f"The cell at row {cell[0]}, column {cell[1]} is {value}."
        + ("" if values.any() else " This map is zero everywhere for this picture; choose another.")
    )


def draw_fields(layer, cell: tuple[int, int]) -> None:
    """Theoretical and effective receptive field of the cell."""
    with ui.controls("field_controls"):
        inputs = st.select_slider("Pictures averaged", [1, 4, 8, 16], 4, key="inputs", bind="query-params", width=200)
        share = st.select_slider(
            "Share of the mass in the box, %", [50, 75, 90, 95, 99], 90, key="share", bind="query-params", width=240
        )
        opacity = ui.opacity()
    field = units.effective(view, layer.name, cell, inputs)
    effect = effective_field.mass_box(field, share / 100)
    theory = layer.receptive_field
    box = effective_field.clipped(theory.box(*cell), SIDE, SIDE) if theory else None
    boxes = [(box, patch_figures.THEORY), (effect, patch_figures.EFFECT)]
    vmax = float(np.percentile(field, 99.9)) or float(field.max()) or 1.0
    first, second, third = st.columns(3)
    alt = f"{view.title} with the receptive field of row {cell[0]}, column {cell[1]} of {layer.name}"
    with first:
        ui.image(patch_figures.with_boxes(view.picture, SIDE, boxes), "White: theoretical. Orange: effective", alt)
    with second:
        heat = render.overlay(view.picture.resize((512, 512)), field, opacity, False, vmax)
        ui.image(heat, "Effective field over the picture", f"Effective field: {alt}", smooth=False)
    with third:
        ui.image(
            render.enlarge(render.colorize(field, False, vmax), (512, 512), smooth=False),
            "Effective field alone",
            f"Effective field alone: {alt}",
            smooth=False,
        )
    st.html(ui.scale(vmax, 2, False, f"|∂ cell / ∂ pixel|, mean of {inputs} pictures; top 0.1 % clipped"))
    numbers = st.columns(4)
    if theory:
        numbers[0].metric("Theoretical field", f"{theory.size} px", help="Its side, from kernels and strides.")
        numbers[1].metric(
            "Of it in the picture",
            f"{box[2] - box[0]} × {box[3] - box[1]} px",
            help="The rest looks into the padding around the picture.",
        )
    else:
        numbers[0].metric("Theoretical field", "whole picture")
    if effect:
        numbers[2].metric(f"{share} % of the effect", f"{effect[2] - effect[0]} × {effect[3] - effect[1]} px")
        whole = (box[2] - box[0]) * (box[3] - box[1]) if box else SIDE * SIDE
        area = (effect[2] - effect[0]) * (effect[3] - effect[1])
        numbers[3].metric("Share of the field's area", f"{min(100.0, 100 * area / max(1, whole)):.3g} %")
    else:
        st.info(
            "No pixel moves this cell here: a ReLU is closed in front of it for every picture averaged. "
            "Average more pictures or choose another cell.",
            icon=":material/info:",
        )
    if theory and theory.size > SIDE:
        st.caption(
            f"The theoretical field, {theory.size} pixels wide, is larger than the picture of {SIDE}"
            + (": this cell could use every pixel." if box == (0, 0, SIDE, SIDE) else "; part of it is padding.")
        )


def words(layer: str, cell: tuple[int, int]) -> None:
    ui.explain(
        notice=[
            f"A deep {ui.term('feature map')} has few cells. Drawn smoothly it looks like a fine picture, but it holds "
            "no more numbers than cells.",
            f"Each {ui.term('cell')} belongs to a place: choose neighbours and watch the field move by one "
            f"{ui.term('stride')}.",
            "The effective field is not even: most of it lies in a part of the theoretical one. The orange box says "
            "how large that part is.",
        ],
        misleads=[
            "A bright smooth blob has no outline: within one cell, nothing says where in it the evidence lies.",
            "A cell lies over the middle of what it sees, not over all of it. What made it bright may lie beside it.",
            f"The effective field is a {ui.term('gradient')}: it says which pixels would move the cell a little, for "
            "these pictures, and nothing about large changes.",
        ],
    )
    ui.more(
        formula=[
            r"r' = r + d\,(k-1)\,j, \qquad j' = s\,j, \qquad o' = o - p\,j",
            r"E_{ij} = \frac{1}{N} \sum_n \sum_c \left| \frac{\partial\, a_{rs}(x_n)}{\partial x_{n,c,i,j}} \right|",
        ],
        steps=[
            "Follow size r, stride j and offset o through every operation: kernel k, stride s, dilation d, padding p. "
            "Where branches meet, take the smallest interval that holds both.",
            "Sum all maps of the layer at the chosen cell and differentiate with respect to the input.",
            "Take absolute values, add the colours, average over the pictures.",
            "The orange box is the smallest square around the centre of mass with the chosen share of all that.",
        ],
        exercises=[
            (
                "Two 3 × 3 convolutions in a row, stride 1. How large is the receptive field? And of one 5 × 5?",
                "5 pixels both: 1 + 2 + 2, and 1 + 4. The two small ones need fewer weights, 18 instead of 25 per "
                "pair of channels.",
            ),
            (
                "Why does the effective field fade towards its edge?",
                "A pixel in the middle reaches the cell by many paths through the kernels, one at the edge by few.",
            ),
            (
                "Grad-CAM draws the last convolutional layer over the picture. How fine can it be?",
                "As fine as the cells of that layer: the chart shows how many there are. All else is interpolation.",
            ),
        ],
        functions=[
            effective_field.effective_field,
            effective_field.mass_box,
            receptive_field.ReceptiveField.box,
            charts.depth_chart,
        ],
        snippet=programs.effective_field(view.model, cache.image_file(view), layer, cell),
        sources=[
            "Luo et al.: [The Effective Receptive Field](https://arxiv.org/abs/1701.04128) (NeurIPS 2016)",
            "Araujo et al.: [Computing Receptive Fields](https://distill.pub/2019/computing-receptive-fields) "
            "(Distill 2019)",
            "Zhou et al.: [Object Detectors Emerge in Deep Scene CNNs](https://arxiv.org/abs/1412.6856) (ICLR 2015)",
        ],
    )


look_at_cells()
