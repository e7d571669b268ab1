"""The figures of the page on small output sizes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st

from vizcore.figures import patches as patch_figures
from vizcore.figures import render
from vizcore.inspection import effective_field
from vizcore.models import Layer
from vizcore.types import Box, Cell
from vizcore.ui import blocks, prose
from vizcore.ui.blocks import Panel
from vizcore.ui.components import cells
from vizcore.ui.view import View

words = prose.words(__file__)
LABELS = 4096  # cells up to which each has its own label
SIDE = 512  # pixels of a drawing


class Boxes(NamedTuple):
    """Fields of a cell in pixels of the picture: theoretical and within it, effective; None where there is none."""

    theory: Box | None
    effect: Box | None


def draw_map(view: View, layer: Layer, unit: int, values: np.ndarray, cell: Cell) -> None:
    """The map as cells to click, smooth at the same size, and the picture."""
    (rows, columns), pixels = values.shape, view.net.input_size
    signed = bool(values.min() < 0)
    top = render.limits(values, signed)[1]
    side = SIDE // rows * rows or rows
    crisp = render.enlarge(render.colorize(values, signed, top), (side, side), smooth=False)
    labels, unit_of_map = [], f"activation of unit {unit} of {layer.name}"
    if values.size <= LABELS:
        labels = [f"row {r}, column {c}: {render.number(values[r, c])}" for r in range(rows) for c in range(columns)]
    first, rest = st.columns([1, 2], gap="small")
    with first:
        cells(
            "map_cells",
            crisp,
            rows,
            columns,
            cell,
            _take,
            labels=labels,
            caption=f"All {rows * columns} numbers of unit {unit}: click a cell",
            alt=f"Unit {unit} of {layer.name} for {view.title}, {rows} by {columns} cells",
            room=475,
        )
        st.html(blocks.scale(top, 2, signed, unit_of_map))
    panels = [
        Panel(values, "The same numbers, bilinear", f"Unit {unit} of {layer.name}, enlarged smoothly", signed=signed),
        Panel(view.picture, f"What the network sees: {pixels} × {pixels} pixels", view.alt or view.title),
    ]
    with rest:
        blocks.compare(panels, smooth=True, unit=unit_of_map, room=blocks.MAIN_ROOM)
    words.say(
        "the map in numbers",
        rows=rows,
        columns=columns,
        side=pixels,
        per_cell=f"{pixels / rows:.3g}",
        row=cell[0],
        column=cell[1],
        value=render.number(float(values[cell])),
        silent="" if values.any() else words.text("a dead map"),
    )


def _take(row: int, column: int) -> None:
    st.session_state["row"], st.session_state["column"] = row, column


def boxes(view: View, layer: Layer, cell: Cell, field: np.ndarray, share: int) -> Boxes:
    """The fields of the cell as boxes; the effective one holds `share` percent of `field`, (H, W)."""
    side, theory = view.net.input_size, layer.receptive_field
    box = effective_field.clipped(theory.box(*cell), side, side) if theory else None
    return Boxes(box, effective_field.mass_box(field, share / 100))


def draw_fields(
    view: View, layer: Layer, cell: Cell, field: np.ndarray, boxes: Boxes, opacity: float, inputs: int
) -> None:
    """Theoretical and effective receptive field of the cell: as boxes, over the picture, and alone.

    Args:
        field: (H, W), the effective one over so many `inputs`. opacity: of the field over the picture.
    """
    outlines = [(boxes.theory, patch_figures.THEORY), (boxes.effect, patch_figures.EFFECT)]
    alt = f"{view.title} with the receptive field of row {cell[0]}, column {cell[1]} of {layer.name}"
    outlined = patch_figures.with_boxes(view.picture, view.net.input_size, outlines)
    over, alone = "Effective field over the picture", "Effective field alone"
    panels = [
        Panel(outlined, "White: theoretical. Orange: effective", alt),
        Panel(field, over, f"{over}: {alt}", view.picture, False, opacity),
        Panel(field, alone, f"{alone}: {alt}", signed=False),
    ]
    blocks.compare(panels, clip=99.9, unit=f"|∂ cell / ∂ pixel|, mean of {inputs} pictures")


def sizes(view: View, layer: Layer, boxes: Boxes, share: int) -> None:
    """The two fields in numbers."""
    numbers, side, theory = st.columns(4), view.net.input_size, layer.receptive_field
    if theory and boxes.theory:
        high, wide = _extent(boxes.theory)
        numbers[0].metric("Theoretical field", f"{theory.size} px", help=words.text("help: theoretical field"))
        numbers[1].metric("Of it in the picture", f"{high} × {wide} px", help=words.text("help: in the picture"))
        whole = high * wide
    else:
        numbers[0].metric("Theoretical field", "whole picture")
        whole = side * side
    if boxes.effect:
        high, wide = _extent(boxes.effect)
        numbers[2].metric(f"{share} % of the effect", f"{high} × {wide} px")
        numbers[3].metric("Share of the field's area", f"{min(100.0, 100 * high * wide / max(1, whole)):.3g} %")
    else:
        st.info(words.text("no pixel moves the cell"), icon=":material/info:")
    if theory and theory.size > side:
        every = boxes.theory == (0, 0, side, side)
        said = words.text(
            "larger than the picture" if every else "larger than the picture, some of it padding",
            size=theory.size,
            side=side,
        )
        st.caption(said)


def growth(choices: Sequence[Layer]) -> None:
    """How many cells the first and the last of the layers have, and how much a cell of each sees."""
    first, last = choices[0], choices[-1]
    fields = ""
    if first.receptive_field and last.receptive_field:
        low, high = first.receptive_field.size, last.receptive_field.size
        fields = words.text("how the fields grow", low=low, high=high)
    sides = first.out_shape[1], last.out_shape[1]
    said = words.text(
        "caption: depth", first=first.name, last=last.name, first_side=sides[0], last_side=sides[1], fields=fields
    )
    st.caption(said)


def moves(layer: Layer) -> str:
    """How far the theoretical field moves from one cell to the next, as the end of a sentence."""
    if not layer.receptive_field:
        return ""
    return " " + words.text("how far the field moves", stride=f"{layer.receptive_field.stride:.3g}")


def uneven(view: View, boxes: Boxes, share: int) -> str:
    """On how much of the theoretical field `share` percent of the effective one lies; nothing where no pixel counts."""
    if not boxes.effect:
        return ""
    high, wide = _extent(boxes.effect)
    rows, columns = _extent(boxes.theory) if boxes.theory else (view.net.input_size,) * 2
    return words.text(
        "how uneven the field is", share=share, area=f"{min(100.0, 100 * high * wide / (rows * columns)):.3g}"
    )


def _extent(box: Box) -> tuple[int, int]:
    """Height and width of a box."""
    top, left, bottom, right = box
    return bottom - top, right - left
