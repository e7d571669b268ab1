"""The neuron of the page: choosing it, what excites it, its cached gradients, and how they are shown."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st
from PIL import Image
from streamlit.delta_generator import DeltaGenerator
from torch import Tensor

from vizcore.evaluation import compare
from vizcore.figures import bars as bar_figures
from vizcore.figures import patches as patch_figures
from vizcore.figures import render, sentences
from vizcore.figures.patches import Card, boxed
from vizcore.figures.render import number
from vizcore.images.collection import open_collection
from vizcore.inspection import neurons, signs, squares, top_patches, unit_gradients
from vizcore.inspection import other_unit as compute
from vizcore.inspection.top_patches import Hit
from vizcore.methods import relu_rules
from vizcore.models import Layer, Net
from vizcore.models import layers as model_layers
from vizcore.types import Box, Cell
from vizcore.ui import address, jobs, prose, units, widgets
from vizcore.ui.blocks import MAIN_ROOM, Panel, bar, scale
from vizcore.ui.blocks import compare as compare_panels
from vizcore.ui.cache import activation, feature_maps, once, per_network, per_picture
from vizcore.ui.components import cells, tiles
from vizcore.ui.progress import working
from vizcore.ui.view import View

STEPS = (0.125, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64)  # grey levels
words = prose.words(__file__)
PLACE = "row", "column"  # in the address


# Choosing a neuron.


def _layer_name(view: View) -> str:
    """A strip of the layers with neurons, maps and vectors alike, as `?layer=`."""
    names = [layer.name for layer in neurons.layers(view.net)]
    return widgets.layer_select(
        view, default=neurons.default_layer(view.net), keep=lambda item: item.name in names, vectors=True
    )


def maps(view: View, layer: str) -> np.ndarray:
    """(K, h, w) float32: the layer's answer to the view's picture; (K, 1, 1) for a vector."""
    if len(view.net.layer(layer).out_shape) == 3:
        return feature_maps(view, layer)
    return activation(view, layer)[:, None, None]


@dataclasses.dataclass(frozen=True)
class Neuron:
    """What the visitor chose.

    Attributes:
        layer: its layer. unit: the map, or the number in a vector. cell: its row and column there.
        climbed: the layer right before its ReLU, by whose numbers neurons are ranked; or the layer itself.
        start: the layer whose number is differentiated: one of the two.
        values, before: (h, w) float32, its map in the layer and in `climbed`.
        count: neurons in the layer.
        box: the part of the picture it sees. bounded: whether that is less than all of it.
        window: what to cut out to look closer.
    """

    layer: Layer
    unit: int
    cell: Cell
    climbed: str
    start: str
    values: np.ndarray = dataclasses.field(repr=False)
    before: np.ndarray = dataclasses.field(repr=False)
    count: int
    box: Box
    bounded: bool
    window: Box

    @property
    def placed(self) -> bool:
        """Whether it has a place: a row and a column."""
        return self.layer.spatial

    @property
    def place(self) -> tuple[int, ...]:
        """The indices of its number in what `start` puts out."""
        return (self.unit, *self.cell) if len(self.layer.out_shape) == 3 else (self.unit,)

    @property
    def name(self) -> str:
        row, column = self.cell
        return (f"unit {self.unit}, row {row}, column {column} of " if self.placed else f"neuron {self.unit} of ") + (
            self.layer.name
        )


def choose(view: View, side: DeltaGenerator) -> Neuron:
    """The controls for layer, unit, row and column in the row on top, and "Before its ReLU" at the figure's side."""
    with widgets.choices():
        fields = widgets.place("place")
        layer = view.net.layer(_layer_name(view))
    climbed = model_layers.before_relu(view.net, layer.name)
    found, below = maps(view, layer.name), maps(view, climbed)
    count, rows, columns = found.shape
    salient = neurons.salient_unit(below)
    hint = words.text("help: map" if layer.spatial else "help: neuron")
    with fields:
        unit = widgets.index("Unit", "unit", count, salient, follow="Auto", help=hint)
        cell, pixels = _cell(below[unit], layer), view.net.input_size
    start, hint = layer.name, words.text("help: before its ReLU")
    with side:
        if climbed != start and widgets.toggle("Before its ReLU", True, key="before", help=hint):
            start = climbed
    box, window = neurons.field_box(layer, cell, pixels, pixels), neurons.window(layer, cell, pixels)
    bounded, size = box != (0, 0, pixels, pixels), count * rows * columns
    return Neuron(layer, unit, cell, climbed, start, found[unit], below[unit], size, box, bounded, window)


def _cell(before: np.ndarray, layer: Layer) -> Cell:
    """Fields for the row and the column of a cell, where the layer has any; until set, the map's strongest.

    Where one of the two is set, the other shows the strongest cell there.
    """
    if not layer.spatial:
        return neurons.strongest(before)
    asked = [_whole(address.asked(key), size) for key, size in zip(PLACE, before.shape, strict=True)]
    row, column = asked
    best = neurons.strongest(before, column=column)[0], neurons.strongest(before, row=row)[1]
    hint = words.text("help: place")
    first, second = (
        widgets.index(key.capitalize(), key, size, at, follow="Auto", help=hint)
        for key, size, at in zip(PLACE, before.shape, best, strict=True)
    )
    return first, second


def _whole(text: str | None, count: int) -> int | None:
    """The number of one of `count` things, where the text is one."""
    return int(text) if text and text.isdecimal() and int(text) < count else None


def _take(row: int, column: int) -> None:
    st.session_state["row"], st.session_state["column"] = row, column


def show_place(view: View, neuron: Neuron) -> None:
    """The map over the picture, to click a neuron; what the neuron can see; its numbers."""
    seen = "What this neuron can see, bright" if neuron.bounded else "This neuron can see the whole picture"
    alt = f"{view.title}; the receptive field of {neuron.name}"
    panels = [Panel(boxed(view.picture, neuron.box, None, False), seen, alt)]
    if neuron.bounded:
        over = "; grey is outside the picture" if neuron.window != neuron.box else ""
        alt = f"The part of {view.title} that {neuron.name} can see"
        part = boxed(view.picture, neuron.box, neuron.window, False)
        panels.append(Panel(part, f"The same, enlarged{over}", alt))
    rest = st.container()
    if neuron.placed:
        first, rest = st.columns([1, 2], gap="small")
        with first:
            _map(view, neuron)
    with rest:
        compare_panels(panels, columns=2 if neuron.placed else 3, room=MAIN_ROOM)


def _map(view: View, neuron: Neuron) -> None:
    """The map over the picture; a click chooses a cell."""
    values, (rows, columns) = neuron.values, neuron.values.shape
    signed, photo = bool(values.min() < 0), view.picture.convert("RGB").resize((patch_figures.SIDE,) * 2)
    top = render.limits(values, signed)[1]
    places = [(r, c) for r in range(rows) for c in range(columns)] if values.size <= 4096 else []
    cells(
        "map_cells",
        render.overlay(photo, values, 0.6, signed, top),
        rows,
        columns,
        neuron.cell,
        _take,
        labels=[f"row {r}, column {c}: {number(values[r, c])}" for r, c in places],
        caption=f"Unit {neuron.unit} over the picture: click a neuron",
        alt=f"Unit {neuron.unit} of {neuron.layer.name} over {view.title}, {rows} by {columns} neurons",
        room=400,
    )
    st.html(scale(top, 2, signed, f"activation of unit {neuron.unit}"))


def facts(view: View, neuron: Neuron) -> None:
    """Its activation, how much of the picture it can see, and how many there are."""
    field, (top, left, bottom, right) = neuron.layer.receptive_field, neuron.box
    about = words.text(
        "help: it can see", side=view.net.input_size, field=f"is {field.size} pixels wide" if field else "has no bounds"
    )
    facts: list[tuple[str, str, str | None]] = [("Its activation", number(neuron.values[neuron.cell]), None)]
    if neuron.climbed != neuron.layer.name:
        facts.append(("Before its ReLU", number(neuron.before[neuron.cell]), None))
    facts.append(("It can see", f"{bottom - top} × {right - left} px", about))
    facts.append(("Neurons in this layer", f"{neuron.count:,}", None))
    for column, (label, value, help) in zip(st.columns(4), facts, strict=False):
        column.metric(label, value, help=help)


# The pictures that excite it most.


class Best(NamedTuple):
    """The pictures with the strongest cells of the neuron's map, best first.

    Attributes:
        searched: the name of the collection. pictures: how many it has.
        hits: picture, cell and value of each. windows: what to cut out of each.
        titles: what the pictures are called. said: the values, and where they are.
    """

    searched: str
    pictures: int
    hits: tuple[Hit, ...]
    windows: tuple[Box, ...]
    titles: list[str]
    said: list[str]


def best(view: View, searched: str, neuron: Neuron) -> Best:
    """The pictures of a collection that excite the neuron most."""
    source, hits = open_collection(searched, view.net.channels), _hits(view, searched, neuron)
    windows = tuple(neurons.window(neuron.layer, hit.cell, view.net.input_size) for hit in hits)
    places = [f" at row {hit.cell[0]}, column {hit.cell[1]}" if neuron.placed else "" for hit in hits]
    said = [number(hit.value) + place for hit, place in zip(hits, places, strict=True)]
    return Best(searched, len(source.titles), hits, windows, [source.titles[hit.picture] for hit in hits], said)


def _hits(view: View, collection: str, neuron: Neuron) -> tuple[Hit, ...]:
    """The cells of the best pictures, searched once for all visitors."""
    layer, unit = neuron.climbed, neuron.unit
    if len(view.net.layer(layer).out_shape) == 3:
        return units.top_index(view, collection).top(view.net, layer, unit)

    def work(report) -> np.ndarray:
        source = open_collection(collection, view.net.channels)
        return neurons.answers(view.net, source, layer, report)

    found = jobs.run(("answers", view.model, collection, layer), work, f"Asking {layer} about every picture", keep=True)
    return neurons.best(found, unit, top_patches.COUNT)


def show_best(view: View, neuron: Neuron, found: Best) -> None:
    """What the neuron saw in its best pictures, side by side, with the values."""
    labels = [f"{title}: {text}" for title, text in zip(found.titles, found.said, strict=True)]
    sheet = units.patches(view, found.searched, found.hits, found.windows, 192)
    alt = f"The {len(found.hits)} patches that excite it most: " + "; ".join(labels)
    tiles(*sheet, labels, "patches", smooth=True, largest=150, gap=6, alt=alt)
    if neuron.placed:
        searched = words.text("every place is searched", unit=neuron.unit, count=found.pictures)
    else:
        searched = words.text("whole pictures are searched", count=found.pictures)
    before = ", before the ReLU" if neuron.climbed != neuron.layer.name else ""
    values = ", ".join(number(hit.value) for hit in found.hits)
    st.caption(words.text("caption of the patches", before=before, values=values, searched=searched))


# Gradients.


def gradient(view: View, neuron: Neuron, rule: str | None = None) -> tuple[float, np.ndarray]:
    """The neuron's number on the view's picture and its (C, H, W) gradient, computed once for everyone."""
    with working("Going back from the neuron to the picture"):
        return _gradient(view.model, view.digest, neuron.start, neuron.unit, neuron.cell, rule, view.net, view.x)


def _gradient_at(view: View, collection: str, hit: Hit, neuron: Neuron, rule: str | None) -> np.ndarray:
    """(C, H, W): the same for the strongest neuron of the map in a picture that was searched."""
    with working("Going back from the neuron to the pictures"):
        source = open_collection(collection, view.net.channels)
        name = f"{source.digests[hit.picture]} searched"
        x = squares.prepared(view.net, source, hit.picture)
        return _gradient(view.model, name, neuron.start, neuron.unit, hit.cell, rule, view.net, x)[1]


@once(entries=384, size="80MB")
def _gradient(
    model: str, picture: str, layer: str, unit: int, cell: Cell, rule: str | None, _net: Net, _x: Tensor
) -> tuple[float, np.ndarray]:
    found = unit_gradients.gradient(_net, _x, layer, unit, cell, rule)
    return float(found.values[0]), found.gradients[0]


def tops(view: View, neuron: Neuron, rules: Sequence[str]) -> dict[str, float]:
    """Where the scale of the view's gradient ends, for each rule."""
    found = {rule: gradient(view, neuron, relu_rules.TITLES[rule])[1] for rule in rules}
    return {rule: patch_figures.top_of(one, neuron.box) for rule, one in found.items()}


def show_own(view: View, neuron: Neuron, rules: Sequence[str], zoomed: bool) -> None:
    """The view's picture and its gradients by the rules, in one row.

    Args:
        rules: by their titles. zoomed: only what the neuron can see.
    """
    window = neuron.window if zoomed else None
    value = gradient(view, neuron)[0]
    said = f"{view.title}: {number(value)}" + (" before its ReLU" if neuron.start != neuron.layer.name else "")
    own = boxed(view.picture, neuron.box, window, False)
    panels = [Panel(own, said, f"{view.title}, where {neuron.name} looks")]
    for rule in rules:
        found = gradient(view, neuron, relu_rules.TITLES[rule])[1]
        panels.append(_drawn(found, neuron, window, rule, f"{rule} of {neuron.name} for {view.title}"))
    compare_panels(panels, columns=max(3, len(panels)))


def _drawn(found: np.ndarray, neuron: Neuron, window: Box | None, caption: str, alt: str) -> Panel:
    """A gradient (C, H, W) with the box of what the neuron can see, or the window alone, and its scale."""
    top = patch_figures.top_of(found, neuron.box)
    said = "ends at the 99.5th percentile of the absolute value in the box"
    read = bar(top, 3 if len(found) == 3 else 2, True, "per unit of input", said)
    return Panel(boxed(patch_figures.gradient_patch(found, top), neuron.box, window, True), caption, alt, bars=(read,))


# Another neuron at the same place.


class Other(NamedTuple):
    """Another neuron of the layer at one place of one picture.

    Attributes:
        unit: its map, or its number in a vector. value: its number there.
        gradient: (C, H, W). alike: correlation with the neuron's own, over what the two can see; NaN without one.
    """

    unit: int
    value: float
    gradient: np.ndarray
    alike: float


def other_unit(neuron: Neuron) -> int | None:
    """A number field for the unit to compare with; None for one drawn by lot, or where there is none."""
    return units.other_unit(neuron.layer, neuron.unit, words.text("help: other unit"))


def _other(
    view: View, neuron: Neuron, rule: str | None, other: int | None, hit: Hit | None = None, of: str = ""
) -> Other:
    """The other neuron on the view's picture; or, with `hit` and the collection `of`, in a searched picture."""
    name, x, cell = view.digest, view.x, neuron.cell
    if hit is not None:
        source, cell = open_collection(of, view.net.channels), hit.cell
        name, x = f"{source.digests[hit.picture]} searched", squares.prepared(view.net, source, hit.picture)
    with working("Going back from another neuron"):
        return _beside(view.model, name, neuron.start, neuron.unit, cell, rule, other, view.net, x, neuron)


@once(entries=384, size="80MB")
def _beside(
    model: str,
    picture: str,
    layer: str,
    unit: int,
    cell: Cell,
    rule: str | None,
    other: int | None,
    _net: Net,
    _x: Tensor,
    _neuron: Neuron,
) -> Other:
    pair = compute.beside(_net, _x, layer, unit, cell, rule, other)
    box = neurons.field_box(_neuron.layer, cell, *pair.drawings.shape[-2:])
    return Other(pair.units[1], float(pair.values[1]), pair.drawings[1], pair.correlation(box))


def show_other(view: View, neuron: Neuron, rules: Sequence[str], zoomed: bool, other: int | None) -> None:
    """The gradients of another neuron at the same place, below the neuron's own, and how alike the two are."""
    if neuron.layer.out_shape[0] < 2:
        return
    window = neuron.window if zoomed else None
    found = {rule: _other(view, neuron, relu_rules.TITLES[rule], other) for rule in rules}
    unit = next(iter(found.values()))
    kind = "Unit" if neuron.placed else "Neuron"
    about, pictures = st.columns([1, max(2, len(rules))], gap="small")
    with about:
        lot = "" if other is not None else words.text("drawn by lot")
        words.say("another neuron", kind=kind, unit=unit.unit, value=number(unit.value), lot=lot)
        for rule, one in found.items():
            said = sentences.whose(one.alike, "gradient")
            words.say("how alike the two are", rule=rule, alike=compare.in_words(one.alike), said=said)
    panels = []
    for rule, one in found.items():
        caption = f"{rule}, {kind.lower()} {one.unit}: correlation {compare.in_words(one.alike)}"
        alt = f"{caption} with that of {neuron.name} for {view.title}"
        panels.append(_drawn(one.gradient, neuron, window, caption, alt))
    with pictures:
        compare_panels(panels)


# What increases the number, and what decreases it.


def show_parts(view: View, neuron: Neuron, rules: Sequence[str], zoomed: bool) -> None:
    """The positive and the negative part of the plain gradient, on one scale; their shares, and those by the rules."""
    plain = gradient(view, neuron)[1]
    if not plain.any():
        words.say("no parts")
        return
    top, left, bottom, right = neuron.box if zoomed else (0, 0, *plain.shape[1:])
    titles = words.text("caption of what increases"), words.text("caption of what decreases")
    panels = [
        Panel(part[top:bottom, left:right], title, f"{title}, {neuron.name}, {view.title}", signed=False)
        for part, title in zip(signs.parts(plain), titles, strict=True)
    ]
    first, second = st.columns([2, 1], gap="medium")
    with first:
        compare_panels(panels, unit="size, added up over the colours", smooth=False, clip=99.5)
    with second:
        shown = dict.fromkeys(("Gradient", *rules))
        rows = [(rule, signs.signs(gradient(view, neuron, relu_rules.TITLES[rule])[1])) for rule in shown]
        st.html(bar_figures.sign_bars(rows, ("", "Numbers", "Size")))
        st.caption(words.text("what is counted"))


def show_spread(view: View, neuron: Neuron) -> None:
    """Where the plain gradient lies, in four numbers; or why there is none."""
    found = neurons.spread(gradient(view, neuron)[1], neuron.layer, neuron.cell)
    if not found.total:
        own = neuron.start != neuron.climbed
        why = words.text("no gradient: its own ReLU is shut" if own else "no gradient: a ReLU on the way is shut")
        st.info(why, icon=":material/info:")
        return
    inside = "100 %" if found.outside == 0 else f"{100 * found.inside:.4g} %"
    hint = words.text("help: gradient inside the field", outside=number(found.outside))
    columns = st.columns(4)
    columns[0].metric("Gradient inside the field", inside, help=hint)
    hint = words.text("help: in its central half")
    columns[1].metric("In its central half", f"{100 * found.central:.3g} %", help=hint)
    hint = words.text("help: an even one would have")
    columns[2].metric("An even one would have", f"{100 * found.central_area:.3g} %", help=hint)
    side = view.net.input_size
    hint = words.text("help: pixels with a gradient", field=f"{found.field_pixels:,}", pixels=f"{side**2:,}")
    columns[3].metric("Pixels with a gradient", f"{found.pixels:,}", help=hint)


def show_cards(
    view: View,
    neuron: Neuron,
    found: Best,
    rules: Sequence[str],
    tops: Mapping[str, float],
    zoomed: bool,
    other: int | None,
) -> None:
    """The best pictures; below each the gradients of the neuron and of another one, side by side.

    The neuron's are on the scales `tops` or, where it has none, on their own; the other one's always on their own.
    """
    gradients = [
        [_gradient_at(view, found.searched, hit, neuron, relu_rules.TITLES[rule]) for rule in rules]
        for hit in found.hits
    ]
    others = [
        [_other(view, neuron, relu_rules.TITLES[rule], other, hit, found.searched) for rule in rules]
        if neuron.layer.out_shape[0] > 1
        else []
        for hit in found.hits
    ]
    shared, numbers = tuple((rule, tops.get(rule)) for rule in rules), (neuron.start, neuron.unit, other)
    layer = neuron.layer.name
    st.html(_cards(view, found.searched, found.hits, layer, numbers, shared, zoomed, found, gradients, others))
    if others[0]:
        st.caption(words.text("caption of the pairs", kind="map" if neuron.placed else "neuron", unit=neuron.unit))


@per_network(entries=96, size="60MB")
def _cards(
    view: View,
    searched: str,
    hits: tuple[Hit, ...],
    layer: str,
    numbers: tuple[str, int, int | None],
    tops: tuple[tuple[str, float | None], ...],
    zoomed: bool,
    _best: Best,
    _gradients: Sequence[Sequence[np.ndarray]],
    _others: Sequence[Sequence[Other]],
) -> str:
    """HTML of the cards; `numbers` names what was differentiated and the other one that was chosen, `tops` the rules
    and the ends of their scales."""
    source, side, cards = open_collection(searched, view.net.channels), view.net.input_size, []
    kind = "unit" if view.net.layer(layer).spatial else "neuron"
    for n, (hit, gradients, others) in enumerate(zip(hits, _gradients, _others, strict=True)):
        seen, window = neurons.field_box(view.net.layer(layer), hit.cell, side, side), _best.windows[n]
        cut, below = window if zoomed else None, list[tuple[str, list[Image.Image]]]()
        for (rule, shared), values in zip(tops, gradients, strict=True):
            top = shared or patch_figures.top_of(values, seen)
            label = f"{rule}, ± {number(top)}" if values.any() else f"{rule}: zero everywhere"
            row = [boxed(patch_figures.gradient_patch(values, top), seen, cut, True)]
            for beside in others[len(below) : len(below) + 1]:
                end = patch_figures.top_of(beside.gradient, seen)
                row.append(boxed(patch_figures.gradient_patch(beside.gradient, end), seen, cut, True))
                label += f"; {kind} {beside.unit} ± {number(end)}; correlation {compare.in_words(beside.alike)}"
            below.append((label, row))
        picture = boxed(squares.square(view.net, source, hit.picture), seen, cut, False)
        cards.append(Card(picture, _best.titles[n], _best.said[n], below))
    return patch_figures.cards(cards)


# One step along the gradient.


def show_step(view: View, neuron: Neuron, size: float) -> None:
    """What the gradient promises and what happens, up to a step of `size` grey levels."""
    value, plain = gradient(view, neuron)
    grey = neurons.grey_level(view.net, plain)
    slope = float(np.linalg.norm(plain.astype(np.float64))) * grey
    grid = size * np.linspace(-1, 1, 17)
    actual = _along(view, neuron.start, neuron.unit, neuron.cell, tuple((grid * grey).tolist()), plain)
    after = _along(view, neuron.start, neuron.unit, neuron.cell, tuple(grey * step for step in STEPS), plain)
    held = neurons.holds_until(STEPS, slope * np.array(STEPS), after - value, 0.1)
    first, second = st.columns([2, 1], gap="large")
    with first:
        st.html(bar_figures.step_chart(grid, value + slope * grid, actual))
    with second:
        promised, happens = f"{slope * size:+.3g}", f"{actual[-1] - value:+.3g}"
        st.metric(f"Promised for a step of {number(size)}", promised, help=words.text("help: promised"))
        hint = words.text("help: what happens", value=number(value), after=number(actual[-1]))
        st.metric("What happens", happens, help=hint)
        kept = f"kept up to a step of {number(STEPS[held - 1])}" if held else "broken at every step tried"
        kept += f"; at {number(STEPS[held])} it breaks" if 0 < held < len(STEPS) else ""
        words.say("how far the promise is kept", kept=kept)


@per_picture(entries=256, step="Stepping along the gradient")
def _along(
    view: View, layer: str, unit: int, cell: Cell, steps: tuple[float, ...], _direction: np.ndarray
) -> np.ndarray:
    """The neuron's number after steps of these lengths along its own gradient."""
    return neurons.along(view.net, view.x, _direction, layer, unit, cell, steps)


def seen(view: View, neuron: Neuron) -> list[str]:
    """What there is to notice about this neuron's gradient."""
    if not neuron.placed:
        return [words.text("gathers on something")]
    bounded, field = neuron.bounded, neuron.layer.receptive_field
    stride = f"by {field.stride} pixels" if field else "with it"
    said = [
        words.text("zero outside the field" if bounded else "zero outside the field, which is the whole picture"),
        words.text("a neighbouring cell", stride=stride),
    ]
    spread = neurons.spread(gradient(view, neuron)[1], neuron.layer, neuron.cell)
    if spread.central > spread.central_area:
        shares = f"{100 * spread.central:.3g}", f"{100 * spread.central_area:.3g}"
        said.append(words.text("gathers in the middle", central=shares[0], even=shares[1]))
    if spread.total:
        found = signs.signs(gradient(view, neuron)[1])
        shares = f"{100 * found.size_up:.0f}", f"{100 * found.size_down:.0f}"
        said.append(words.text("increase and decrease", up=shares[0], down=shares[1]))
    return said


def whose(view: View, neuron: Neuron) -> list[str]:
    """How much of the plain and of the guided gradient is the neuron's own; nothing where there is no other."""
    if neuron.layer.out_shape[0] < 2:
        return []
    plain, guided = (_other(view, neuron, rule, None) for rule in (None, "guided"))
    alike = compare.in_words(plain.alike), compare.in_words(guided.alike)
    said = sentences.whose(guided.alike, "guided gradient")
    return [words.text("whose gradients", plain=alike[0], guided=alike[1], said=said)]
