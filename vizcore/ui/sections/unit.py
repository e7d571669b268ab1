"""The figures of the page Inside one unit."""

from typing import NamedTuple

import numpy as np
import streamlit as st

from vizcore.evaluation import compare
from vizcore.figures import charts, sentences
from vizcore.figures import patches as patch_figures
from vizcore.figures.render import number
from vizcore.images.collection import open_collection
from vizcore.inspection import likeness, top_patches
from vizcore.inspection.top_patches import Hit, Index
from vizcore.methods import relu_rules
from vizcore.models import Layer
from vizcore.models import layers as model_layers
from vizcore.types import Box
from vizcore.ui import blocks, prose, units
from vizcore.ui.cache import per_network
from vizcore.ui.charts import chart
from vizcore.ui.components import tiles
from vizcore.ui.units import Drawn
from vizcore.ui.view import View

BEST = 4  # pictures over which the classes are averaged
words = prose.words(__file__)


class Unit(NamedTuple):
    """What the visitor chose, and the pictures that excite it most.

    Attributes:
        layer: its layer. number: its map there.
        climbed: the layer right before its ReLU, by whose values pictures are ranked; or the layer itself.
        searched: the collection of the pictures; pictures: how many it has.
        hits: picture, cell and value of the best, strongest first. boxes: the patch of each.
    """

    layer: Layer
    number: int
    climbed: str
    searched: str
    pictures: int
    hits: tuple[Hit, ...]
    boxes: tuple[Box, ...]

    @property
    def name(self) -> str:
        return f"unit {self.number} of {self.layer.name}"


def find(view: View, layer: Layer, number: int, searched: str) -> Unit:
    """The unit with the pictures of a collection that excite it most."""
    climbed = model_layers.before_relu(view.net, layer.name)
    hits = units.top_index(view, searched).top(view.net, climbed, number)
    boxes = tuple(top_patches.patch_box(view.net, layer, hit.cell) for hit in hits)
    pictures = len(open_collection(searched, view.net.channels).titles)
    return Unit(layer, number, climbed, searched, pictures, hits, boxes)


def on_picture(view: View, layer: Layer, maps: np.ndarray, unit: int, opacity: float) -> None:
    """The unit's map over the view's picture, and its rank among the maps (K, h, w) of its layer."""
    values, means = maps[unit], maps.reshape(len(maps), -1).mean(1)
    name = f"unit {unit} of {layer.name}"
    blocks.heat(
        values,
        view.picture,
        signed=bool(values.min() < 0),
        opacity=opacity,
        key="map",
        caption=f"Unit {unit} of {layer.name} over {view.title}",
        alt=f"The map of {name} for {view.title}",
        unit=f"activation of {name}",
        room=blocks.MAIN_ROOM,
    )
    words.say(
        "mean and rank" if values.any() else "mean and rank of a dead map",
        mean=number(means[unit]),
        strongest=number(values.max()),
        rank=1 + int((means > means[unit]).sum()),
        maps=len(maps),
    )


# The best patches.


def other_unit(layer: Layer, number: int) -> int | None:
    """A number field for the unit to compare with; None for one drawn by lot, and in a layer of one unit."""
    return units.other_unit(layer, number, words.text("help: other unit"))


def patches(view: View, unit: Unit, back: str, other: int | None) -> None:
    """The best patches, the unit's drawing of each, and another unit's.

    Args:
        back: the rule at each ReLU, by its title. other: the other unit; by lot when None.
    """
    titles = open_collection(unit.searched, view.net.channels).titles
    labels = [
        f"{titles[hit.picture]}: {number(hit.value)} at row {hit.cell[0]}, column {hit.cell[1]}" for hit in unit.hits
    ]
    first, second, third = st.columns(3)
    with first:
        alt = f"The {len(labels)} patches that excite {unit.name} most: {'; '.join(labels)}"
        sheet = units.patches(view, unit.searched, unit.hits, unit.boxes, 160)
        tiles(*sheet, labels, "patches", smooth=True, largest=180, alt=alt)
        before = "" if unit.climbed == unit.layer.name else " (before the ReLU)"
        values = ", ".join(number(hit.value) for hit in unit.hits)
        st.caption(words.text("caption of the patches", before=before, values=values))
    with second:
        found = _drawn(view, unit, back, other)
        alt = f"{back}, drawings of {unit.name} in the same patches"
        tiles(*found.own, labels, "drawings", smooth=True, largest=180, alt=alt)
        st.caption(words.text("caption of the drawings", back=back, unit=unit.number))
    if unit.layer.out_shape[0] > 1:
        with third:
            _others(found, back, other)
        words.say("whose drawings", alike=compare.in_words(found.mean), said=sentences.whose(found.mean))
    top, _, bottom, _ = unit.boxes[0]
    side, field = bottom - top, unit.layer.receptive_field
    if field and field.size == side:
        words.say("patches of the whole receptive field", side=side)
    else:
        words.say(
            "patches that are cut", side=side, field=f"{field.size} pixels wide" if field else "the whole picture"
        )


def _drawn(view: View, unit: Unit, back: str, other: int | None) -> Drawn:
    """The drawings of the unit and of the other one in its patches; of itself, where it is the layer's only one."""
    other = 0 if unit.layer.out_shape[0] == 1 else other
    rule = relu_rules.TITLES[back]
    return units.drawn(view, unit.searched, unit.hits, unit.boxes, unit.layer.name, unit.number, rule, other)


def _others(found: Drawn, back: str, other: int | None) -> None:
    """The drawings of the other unit, and how each is like the unit's own."""
    values = zip(found.others, found.alike, strict=True)
    labels = [f"Unit {k}: correlation {compare.in_words(alike)}" for k, alike in values]
    alt = f"{back}, drawings of another unit in the same patches: {'; '.join(labels)}"
    tiles(*found.other, labels, "other_drawings", smooth=True, largest=180, alt=alt)
    which = sentences.units_by_lot(found.others, other is not None)
    st.caption(words.text("caption of the other unit's drawings", which=which))


@per_network(entries=32)
def _same_kind(view: View, layers: tuple[str, ...], searched: str, _index: Index) -> list[tuple[float, float]]:
    pictures = open_collection(searched, view.net.channels)
    return [likeness.same_kind(view.net, pictures, _index, layer) for layer in layers]


def kinds(view: View, unit: Unit) -> str:
    """How often two of the best patches of one unit are of one kind, in the first and in the last block."""
    ends = model_layers.block_ends(view.net)
    first, last = ends[0].name, ends[-1].name
    index = units.top_index(view, unit.searched)
    (early, _), (late, chance) = _same_kind(view, (first, last), unit.searched, index)
    gathers = late > 1.2 * chance
    return words.text(
        "late units gather one kind" if gathers else "late units gather no kind",
        early=f"{100 * early:.0f}",
        late=f"{100 * late:.0f}",
        chance=f"{100 * chance:.0f}",
        network=view.net.title,
        first=first,
        last=last,
    )


# The picture made for it.


def preferred(view: View, unit: Unit, steps: int, seed: int) -> None:
    """A picture made for the unit by gradient ascent, and how the ascent went."""
    found = units.preferred(view, unit.layer.name, unit.number, steps, seed)
    first, second = st.columns(2)
    with first:
        caption, alt = f"Made for {unit.name}, seed {seed}", f"Preferred input of {unit.name}"
        blocks.image(patch_figures.pixels(found.images[0]), caption, alt)
    with second:
        climbed = charts.trace_chart(found, unit.climbed != unit.layer.name)
        chart(climbed, "trace", f"The mean of the map of {unit.name} at each step of the ascent")
        noise, reached = float(found.noise[0]), float(found.activation[0])
        times = f": {reached / noise:.3g} times the noise's" if noise > 0 and reached > 0 else ""
        words.say("how far the ascent came", noise=number(noise), reached=number(reached), times=times)
        if reached <= noise or not reached:
            st.info(words.text("the ascent found nothing"), icon=":material/info:")


# The classes it feeds.


def classes(view: View, unit: Unit) -> None:
    """What the unit adds to the class scores: those it raises and those it lowers most."""
    best = unit.hits[:BEST]
    sums = units.classes(view, unit.searched, best, unit.layer.name, unit.number)
    order = np.argsort(-sums, kind="stable")
    shown = np.concatenate([order[:6], order[-4:]]) if len(order) > 10 else order
    title = f"added to the class score, mean of {len(best)} pictures"
    drawn = charts.class_chart([view.net.categories[k] for k in shown], sums[shown], title)
    chart(drawn, "classes", f"What {unit.name} adds to the scores of the classes that it raises and lowers most")
    readout = model_layers.readout(view.net)
    if readout is not None and readout.layer == unit.layer.name:
        words.say("the bars are exact", layer=unit.layer.name)
    else:
        words.say("the bars are true to first order", best=len(best))
