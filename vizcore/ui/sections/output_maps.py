"""The figures of the page on output maps."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st

from vizcore.figures import bars as bar_figures
from vizcore.figures import render
from vizcore.figures.render import number
from vizcore.figures.sprites import Layout, map_atlas
from vizcore.inspection.activations import Depth, Statistics
from vizcore.ui import blocks, cache, prose
from vizcore.ui.components import tiles
from vizcore.ui.view import View

words = prose.words(__file__)

Pair = Sequence[tuple[View, np.ndarray]]  # one picture or two, each with the (K, H, W) maps of the layer


class Sheet(NamedTuple):
    """How the maps of a layer are drawn.

    Attributes:
        order: (K,) the maps as they stand in the sheet. unit: the chosen one.
        shared: one scale for all, up to `top`; otherwise each map has its own.
        smooth: enlarged bilinearly; otherwise cells stay squares.
    """

    layer: str
    order: np.ndarray
    unit: int
    shared: bool
    smooth: bool
    top: float


def all_maps(view: View, maps: np.ndarray, numbers: Statistics, sheet: Sheet) -> None:
    """Every map of the layer as one sheet of tiles, and its scale."""
    count = len(maps)
    layer, signed = sheet.layer, bool(maps.min() < 0)
    labels = [f"unit {k}: mean {number(numbers.mean[k])}, max {number(numbers.max[k])}" for k in sheet.order]
    alt = f"The {count} maps of {layer} for {view.title}. Arrow keys move, Enter chooses."
    _tiles(view, maps, sheet, signed, labels, "maps", alt, 0)
    if sheet.shared:
        st.html(blocks.scale(sheet.top, 2, signed, f"activation of {layer}, one scale for all {count} maps"))
    else:
        st.caption(words.text("caption: own scales"))


def in_numbers(maps: np.ndarray, numbers: Statistics, layer: str) -> None:
    """How many maps the layer (K, H, W) has, how many are dead, and how many zeros there are."""
    count, height, width = maps.shape
    dead = int(numbers.dead.sum())
    some = words.text("some maps are dead", dead=dead, count=count)
    silent = some if dead else words.text("no map is dead", count=count)
    words.part(
        "The layer in numbers",
        layer=layer,
        count=count,
        height=height,
        width=width,
        silent=silent,
        zeros=f"{100 * numbers.sparsity.mean():.3g}",
        below=words.text("values below zero") if maps.min() < 0 else "",
    )


def _tiles(
    view: View, maps: np.ndarray, sheet: Sheet, signed: bool, labels: Sequence[str], key: str, alt: str, height: int
) -> None:
    """The sheet of one picture; a click chooses the map."""
    order = cache.digest(sheet.order)
    sprite, layout = _sprite(view, sheet.layer, order, sheet.shared, sheet.top, signed, maps, sheet)

    def take(position: int) -> None:
        st.session_state["unit"] = int(sheet.order[position])

    tiles(
        sprite,
        layout,
        labels,
        key,
        smooth=sheet.smooth,
        height=height,
        smallest=16,
        take=take,
        selected=int(np.flatnonzero(sheet.order == sheet.unit)[0]),
        alt=alt,
    )


@cache.per_picture(entries=128, size="40MB")
def _sprite(
    view: View, layer: str, order: str, shared: bool, top: float, signed: bool, _maps: np.ndarray, _sheet: Sheet
) -> tuple[bytes, Layout]:
    sprite, layout = map_atlas(_maps[_sheet.order], shared, vmax=top, signed=signed)
    return render.encode(sprite, "png"), layout


def one_map(pair: Pair, sheet: Sheet, opacity: float) -> None:
    """The chosen map over the picture and bare, and the same map of the second picture, on one scale."""
    panels: list[blocks.Panel] = []
    unit, layer = sheet.unit, sheet.layer
    signed = bool(min(maps[unit].min() for _, maps in pair) < 0)
    for look, maps in pair:
        values = maps[unit]
        said = f"mean {number(values.mean())}, max {number(values.max())}"
        panels += [
            blocks.Panel(values, f"Unit {unit} over {look.title}", "", look.picture, signed, opacity),
            blocks.Panel(values, said, f"Unit {unit} of {layer} for {look.title}: {said}", signed=signed),
        ]
    what = f"activation of unit {unit} of {layer}"
    blocks.compare(panels, smooth=sheet.smooth, unit=what, columns=2 * len(pair))
    if not any(maps[unit].any() for _, maps in pair):
        st.info(words.text("a dead map", unit=unit), icon=":material/info:")


def both_sheets(pair: Pair, sheet: Sheet) -> None:
    """All maps of the second picture in the order of the first, and how alike the two mean answers are."""
    (first, mine), (second, theirs) = pair
    words.part("The same maps for {{title}}", title=second.title)
    signed, layer = bool(min(mine.min(), theirs.min()) < 0), sheet.layer
    both = np.stack([mine.mean((1, 2)), theirs.mean((1, 2))])
    labels = [f"unit {k}: mean {number(both[1][k])}, for {first.title} {number(both[0][k])}" for k in sheet.order]
    alt = f"The maps of {layer} for {second.title}, in the order of {first.title}"
    _tiles(second, theirs, sheet, signed, labels, "maps_second", alt, 360)
    if sheet.shared:
        st.html(blocks.scale(sheet.top, 2, signed, f"activation of {layer}, the same scale as above"))
    if both.std(1).min() > 0:
        same = f"{np.corrcoef(both)[0, 1]:.2f}"
        words.say("how alike the answers are", title=first.title, count=both.shape[1], same=same)


def depth(view: View, rows: Sequence[Depth], layer: str) -> None:
    """Map size, sparsity and dead maps from the input to the output; the bars of `layer` are marked."""
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
