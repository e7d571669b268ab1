"""The contact sheets of a network, made once for all visitors, and the page's own choice of a network."""

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from vizcore import models
from vizcore.evaluation import compare
from vizcore.figures import bars as bar_figures
from vizcore.figures import contact_sheet, sentences
from vizcore.figures.contact_sheet import Sheet
from vizcore.figures.render import number
from vizcore.images.collection import open_collection
from vizcore.inspection import contact_sheet as strips_of
from vizcore.inspection import likeness, top_patches
from vizcore.inspection import other_unit as compute
from vizcore.inspection.likeness import Likeness
from vizcore.inspection.top_patches import Index
from vizcore.methods import relu_rules
from vizcore.models import layers as model_layers
from vizcore.ui import cache, jobs, progress, prose, shell, sidebar, units, widgets
from vizcore.ui.components import Group, contact, tiles
from vizcore.ui.view import View

VGG, ALWAYS = "vgg16", ("squeezenet1_1", "mini_vgg", "efficientnet_lite0")
BY = ("fire most", "on this picture", "random")
COLLECTION = "gallery"
words = prose.words(__file__)


def choose_network(view: View) -> View:
    """The same picture under the network chosen here, as `?net=`: the best VGG there is unless told otherwise.

    The model of the sidebar is one of the options and stays as it is.
    """
    names = [VGG] if models.status(VGG) != "missing" else []
    names += [name for name in (*ALWAYS, view.model) if name not in names]
    titles = {models.spec(name).title: name for name in names if name in models.MODELS}
    chosen = widgets.linked_select("Network", list(titles), "net", width=240, help=words.text("help: network"))
    name = titles[chosen]
    if name == view.model:
        return view
    sidebar.own_network(words.text("network of its own", network=models.spec(name).title))
    with progress.working(f"Loading {models.spec(name).title}"):
        net = cache.load_net(name)
        return cache.through(view, name, net)


# The sheets.


def choose_units(view: View, layers: tuple[str, ...], by: str, count: int, seed: int) -> dict[str, tuple[int, ...]]:
    """The units to show of each layer: see BY."""
    if by == "random":
        return {name: top_patches.at_random(view.net.layer(name), count, seed) for name in layers}
    if by == "on this picture":
        return _on_picture(view, layers, count)
    index = units.top_index(view, COLLECTION)
    return {name: top_patches.firing_most(view.net, index, name, count) for name in layers}


@cache.per_picture(entries=256)
def _on_picture(view: View, layers: tuple[str, ...], count: int) -> dict[str, tuple[int, ...]]:
    return top_patches.firing_on(view.net, view.x, layers, count)


def which(view: View, by: str, seed: int, pictures: int) -> str:
    """Which units are shown, in words."""
    if by == "random":
        return words.text("units by lot", seed=seed)
    if by == "on this picture":
        return words.text("the units that are strong on this picture", title=view.title)
    return words.text("the units that fire most", pictures=pictures)


def build(view: View, chosen: dict[str, tuple[int, ...]], patches: int, rule: str | None) -> dict[str, Sheet]:
    """The contact sheets of the chosen units; given up when nobody waits for them any more."""
    index = units.top_index(view, COLLECTION)

    def work(report) -> dict[str, Sheet]:
        pictures = open_collection(COLLECTION, view.net.channels)
        strips = strips_of.gather(view.net, pictures, index, chosen, patches, rule, report)
        return {name: contact_sheet.draw(strip, patches) for name, strip in strips.items()}

    count = sum(len(of_layer) for of_layer in chosen.values())
    label = f"Drawing the patches of {count} units of {view.net.title}"
    return jobs.run(("contact sheets", view.model, tuple(chosen.items()), patches, rule), work, label)


def overview(view: View, sheets: Mapping[str, Sheet], chosen: str, key: str, rule: str) -> None:
    """One row per layer: the best patch of each unit, and its drawing. A click writes the layer to `key`."""
    groups = []
    for place, (name, sheet) in enumerate(sheets.items()):
        text = f"{view.net.layer(name).out_shape[0]} units, {sees(view, name)}"
        firsts = [labels(sheet, n)[0] for n in range(len(sheet.units))]
        groups.append(Group(heading(view, place, name), text, firsts, place, 0, len(sheet.units), contact_sheet.FIRST))
    names = list(sheets)
    contact(
        "contact_rows",
        [sheet.first for sheet in sheets.values()],
        groups,
        ("Strongest patch of each unit", f"Its drawing ({rule.lower()})"),
        lambda place: st.session_state.update({key: names[place], "part": "One layer"}),
        rows=True,
        chosen=names.index(chosen) if chosen in names else None,
        alt="One row for each layer, from input to output: the strongest patch of each unit and its drawing",
    )


def detail(sheet: Sheet, unit: int, key: str) -> None:
    """All patches of the units of one layer. A click writes the unit to `key`."""
    groups, top = [], 0
    for n, (name, hits) in enumerate(zip(sheet.units, sheet.hits, strict=True)):
        text = f"strongest {number(hits[0].value)}" if hits and hits[0].value > 0 else "never fires in these pictures"
        groups.append(Group(f"Unit {name}", text, labels(sheet, n), 0, top, sheet.columns, sheet.side))
        top += sheet.rows
    contact(
        "contact_units",
        [sheet.sprite],
        groups,
        ("", ""),
        lambda place: st.session_state.update({key: str(sheet.units[place])}),
        chosen=sheet.units.index(unit),
        alt=f"The strongest patches of units of {sheet.layer}, and their drawings",
    )


def two_units(view: View, sheet: Sheet, unit: int, back: str) -> None:
    """The patches of one unit, its drawings, and those of another unit in the same patches.

    Args:
        back: the rule of the drawings, by its title.
    """
    layer, at = view.net.layer(sheet.layer), sheet.units.index(unit)
    hits = sheet.hits[at]
    if layer.out_shape[0] < 2 or not hits:
        return
    other = units.other_unit(layer, unit, words.text("help: other unit"))
    boxes = tuple(top_patches.patch_box(view.net, layer, hit.cell) for hit in hits)
    found = units.drawn(view, COLLECTION, hits, boxes, layer.name, unit, relu_rules.TITLES[back], other)
    said, alike = labels(sheet, at), [compare.in_words(value) for value in found.alike]
    which = sentences.units_by_lot(found.others, other is not None)
    rows = (
        (units.patches(view, COLLECTION, hits, boxes, 160), said, words.text("caption of its patches", unit=unit)),
        (found.own, said, words.text("caption of its drawings", unit=unit, back=back)),
        (
            found.other,
            [f"Unit {k}: correlation {value}" for k, value in zip(found.others, alike, strict=True)],
            words.text("caption of the other unit's drawings", which=which),
        ),
    )
    for n, (column, (sprite, of_tiles, caption)) in enumerate(zip(st.columns(3), rows, strict=True)):
        with column:
            tiles(
                *sprite, of_tiles, f"two_units_{n}", smooth=True, largest=108, alt=f"{caption}: {'; '.join(of_tiles)}"
            )
            st.caption(caption)
    words.say("whose drawings", alike=compare.in_words(found.mean), said=sentences.whose(found.mean))


def labels(sheet: Sheet, position: int) -> list[str]:
    """A sentence for each patch of the unit at this position: unit, picture, value."""
    return [
        f"Unit {sheet.units[position]}: {title}, {number(hit.value)}"
        for title, hit in zip(sheet.titles[position], sheet.hits[position], strict=True)
    ]


def heading(view: View, place: int, layer: str) -> str:
    """What to call the layer in this place: a VGG has blocks, a SqueezeNet fire modules, others have resolutions."""
    if "vgg" in view.model:
        return f"Block {place + 1}"
    _, height, width = view.net.layer(layer).out_shape
    return layer if model_layers.joins(view.net) else f"{height} × {width} cells"


def sees(view: View, layer: str) -> str:
    """The size of the receptive field in words."""
    field = view.net.layer(layer).receptive_field
    return f"{field.size} × {field.size} px" if field and field.size <= view.net.input_size else "the whole picture"


def patches_shown(view: View, layer: str) -> str:
    """How much of the receptive field the patches of a layer show."""
    field = view.net.layer(layer).receptive_field
    if not field or field.size > view.net.input_size // 2:
        return words.text("patches that are cut")
    return words.text("patches that are whole", size=field.size)


def open_unit(view: View, layer: str, unit: int) -> None:
    """A link to the page of this unit, with the network of this page as the sidebar's."""
    other = st.session_state.get("model") != view.model
    hint = words.text("help: open the unit", network=view.net.title) if other else None
    label = f"Unit {unit} of {layer}: inside this unit"
    shell.link("unit", label, hint, layer=layer, unit=str(unit), model=view.model)


# In numbers.


def alike(view: View, layers: tuple[str, ...]) -> dict[str, Likeness]:
    """How alike the best patches of a layer's units are, computed once for all."""
    return _alike(view, layers, units.top_index(view, COLLECTION))


@cache.per_network(entries=32, step="Comparing the patches")
def _alike(view: View, layers: tuple[str, ...], _index: Index) -> dict[str, Likeness]:
    return likeness.likeness(view.net, open_collection(COLLECTION, view.net.channels), _index, layers)


def others(view: View, sheets: Mapping[str, Sheet], rule: str | None) -> dict[str, float]:
    """For each layer how alike the drawings of a unit and of another one are, over the first patches of the sheets."""
    chosen = tuple((name, sheet.units) for name, sheet in sheets.items())

    def work(report) -> dict[str, float]:
        pictures, index = open_collection(COLLECTION, view.net.channels), units.top_index(view, COLLECTION)
        return compute.by_layer(view.net, pictures, index, dict(chosen), rule, progress=report)

    return jobs.run(("other units", view.model, chosen, rule), work, "Drawing another unit in the first patches")


def in_numbers(
    view: View, drawings: Mapping[str, float], patches: Mapping[str, Likeness], others: Mapping[str, float], back: str
) -> None:
    """How alike patches and drawings are, layer by layer.

    Args:
        drawings: of each layer, `Sheet.alike`. patches: of each layer. others: of each layer, see :func:`others`.
        back: the rule of the drawings, by its title.
    """
    rows = [
        (heading(view, place, name), sees(view, name), patches[name], drawings[name], others[name])
        for place, name in enumerate(drawings)
    ]
    st.html(bar_figures.likeness_bars(rows))
    kinds = "digit" if view.net.channels == 1 else "mammals, birds, monuments, …"
    st.caption(words.text("caption of the numbers", sample=likeness.SAMPLE, kinds=kinds, back=back.lower()))


def seen(
    view: View,
    drawings: Mapping[str, float],
    patches: Sequence[Likeness],
    others: Mapping[str, float],
    rule: str | None,
) -> list[str]:
    """What the numbers say: of the drawings, of the patches' pixels, of their kinds, and of other units.

    Args:
        patches: from the first layer to the last.
    """
    first, last, said = patches[0], patches[-1], []
    median = sorted(drawings.values())[len(drawings) // 2]
    if rule == "deconvnet" and not view.net.max_pools and median > 0.8:
        said.append(words.text("drawings that do not depend on the patch", median=f"{median:.2f}"))
    else:
        said.append(words.text("drawings that keep something"))
    if first.pixels - first.pixels_chance > last.pixels - last.pixels_chance + 0.05:
        pixels, chance = f"{last.pixels:.2f}", f"{last.pixels_chance:.2f}"
        said.append(words.text("patches become less alike", first=f"{first.pixels:.2f}", last=pixels, chance=chance))
    else:
        said.append(words.text("patches do not become less alike"))
    gathers = last.kind > 1.2 * last.kind_chance
    kind, chance = f"{100 * last.kind:.0f}", f"{100 * last.kind_chance:.0f}"
    said.append(
        words.text("deep units gather one kind" if gathers else "deep units gather no kind", kind=kind, chance=chance)
    )
    known = [f"{value:.2f}" for value in others.values() if not np.isnan(value)]
    if known:
        said.append(words.text("one patch, two units", first=known[0], last=known[-1]))
    return said


def whose(view: View, others: Mapping[str, float], back: str) -> str:
    """In which layers the drawings depend on the unit, in words."""
    own = [place for place, name in enumerate(others) if others[name] < 0.5]
    shared = [place for place, name in enumerate(others) if others[name] >= 0.9]
    names = list(others)

    def listed(places: Sequence[int]) -> str:
        return ", ".join(heading(view, place, names[place]) for place in places) or "no layer"

    return words.text("in which layers a drawing is the unit's own", back=back, own=listed(own), shared=listed(shared))


def doubts(view: View, by: str, rule: str | None) -> list[str]:
    """Where these very sheets mislead."""
    known = view.model == "mini_vgg"
    return [
        words.text("extremes of units by lot" if by == "random" else "extremes twice"),
        words.text("a sharp drawing is no proof" if rule else "what the plain gradient says"),
        words.text(
            "every drawing has its own scale, and the network knows the pictures"
            if known
            else "every drawing has its own scale"
        ),
    ]
