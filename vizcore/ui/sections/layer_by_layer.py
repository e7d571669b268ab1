"""The contact sheets of a network, made once for all visitors, and the page's own choice of a network."""

from typing import TYPE_CHECKING

import streamlit as st

from vizcore.ui import cache, jobs, progress, units
from vizcore.ui.components import Group, contact
from vizcore.ui.view import View

if TYPE_CHECKING:
    from vizcore.figures.contact_sheet import Sheet
    from vizcore.inspection.likeness import Likeness
    from vizcore.inspection.top_patches import Index

VGG, ALWAYS = "vgg16", ("mini_vgg", "efficientnet_lite0")
FIRST = 112  # as in vizcore.figures.contact_sheet, which is not imported before it is needed
BY = ("fire most", "on this picture", "random")
COLLECTION = "gallery"


def choose_network(view: View) -> View:
    """The same picture under the network chosen here, as `?net=`: the best VGG there is unless told otherwise.

    The model of the sidebar is one of the options and stays as it is.
    """
    from vizcore import models

    names = [VGG] if models.status(VGG) != "missing" else []
    names += [name for name in (*ALWAYS, view.model) if name not in names]
    titles = {models.spec(name).title: name for name in names if name in models.MODELS}
    chosen = st.segmented_control(
        "Network",
        list(titles),
        default=next(iter(titles)),
        required=True,
        key="net",
        bind="query-params",
        help="For this page only; the model in the sidebar stays.",
    )
    name = titles.get(chosen, next(iter(titles.values())))
    if name == view.model:
        return view
    with progress.working(f"Loading {models.spec(name).title}"):
        net = cache.load_net(name)
        return cache.make_view(name, net, view.image, view.digest, view.title, view.alt)


def choose_units(view: View, layers: tuple[str, ...], by: str, count: int, seed: int) -> dict[str, tuple[int, ...]]:
    """The units to show of each layer: see BY."""
    from vizcore.inspection import top_patches

    if by == "random":
        return {name: top_patches.at_random(view.net.layer(name), count, seed) for name in layers}
    if by == "on this picture":
        return _on_picture(view, layers, count)
    index = units.top_index(view, COLLECTION)
    return {name: top_patches.firing_most(view.net, index, name, count) for name in layers}


@cache.per_picture(entries=256)
def _on_picture(view: View, layers: tuple[str, ...], count: int) -> dict[str, tuple[int, ...]]:
    from vizcore.inspection import top_patches

    return top_patches.firing_on(view.net, view.x, layers, count)


def build(view: View, chosen: dict[str, tuple[int, ...]], patches: int, rule: str | None) -> "dict[str, Sheet]":
    """The contact sheets of the chosen units; given up when nobody waits for them any more."""
    from vizcore.figures import contact_sheet
    from vizcore.images.collection import open_collection
    from vizcore.inspection import contact_sheet as strips_of

    index = units.top_index(view, COLLECTION)

    def work(report) -> "dict[str, Sheet]":
        pictures = open_collection(COLLECTION, view.net.channels)
        strips = strips_of.gather(view.net, pictures, index, chosen, patches, rule, report)
        return {name: contact_sheet.draw(strip, patches) for name, strip in strips.items()}

    count = sum(len(of_layer) for of_layer in chosen.values())
    label = f"Drawing the patches of {count} units of {view.net.title} back"
    return jobs.run(("contact sheets", view.model, tuple(chosen.items()), patches, rule), work, label)


def likeness(view: View, layers: tuple[str, ...]) -> "dict[str, Likeness]":
    """How alike the best patches of a layer's units are, computed once for all."""
    return _likeness(view, layers, units.top_index(view, COLLECTION))


@cache.per_network(entries=32, step="Comparing the patches")
def _likeness(view: View, layers: tuple[str, ...], _index: "Index") -> "dict[str, Likeness]":
    from vizcore.images.collection import open_collection
    from vizcore.inspection import likeness as likeness_

    return likeness_.likeness(view.net, open_collection(COLLECTION, view.net.channels), _index, layers)


def overview(view: View, sheets: "dict[str, Sheet]", chosen: str, key: str, rule: str) -> None:
    """One row per layer: the best patch of each unit, and the same drawn back. A click writes the layer to `key`."""
    groups = []
    for number, (name, sheet) in enumerate(sheets.items()):
        channels = view.net.layer(name).out_shape[0]
        groups.append(
            Group(
                heading(view, number, name),
                f"{channels} units, each sees {seen(view, name)}",
                [labels(sheet, n)[0] for n in range(len(sheet.units))],
                number,
                0,
                len(sheet.units),
                FIRST,
            )
        )
    names = list(sheets)
    contact(
        "contact_rows",
        [sheet.first for sheet in sheets.values()],
        groups,
        ("The strongest patch of each unit", f"The same, drawn back ({rule.lower()})"),
        lambda number: st.session_state.update({key: names[number]}),
        rows=True,
        chosen=names.index(chosen) if chosen in names else None,
        alt="One row for each layer, from input to output: the strongest patch of each unit and its drawing",
    )


def detail(sheet: "Sheet", unit: int, key: str) -> None:
    """All patches of the units of one layer. A click writes the unit to `key`."""
    from vizcore.figures.render import number

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
        lambda number: st.session_state.update({key: str(sheet.units[number])}),
        chosen=sheet.units.index(unit),
        alt=f"The strongest patches of units of {sheet.layer}, and their drawings",
    )


def labels(sheet: "Sheet", position: int) -> list[str]:
    """A sentence for each patch of the unit at this position: unit, picture, value."""
    from vizcore.figures.render import number

    return [
        f"Unit {sheet.units[position]}: {title}, {number(hit.value)}"
        for title, hit in zip(sheet.titles[position], sheet.hits[position], strict=True)
    ]


def heading(view: View, number: int, layer: str) -> str:
    """What to call the layer in this place: a VGG has blocks, other networks have resolutions."""
    _, height, width = view.net.layer(layer).out_shape
    return f"Block {number + 1}" if "vgg" in view.model else f"{height} × {width} cells"


def seen(view: View, layer: str) -> str:
    """The size of the receptive field in words."""
    field = view.net.layer(layer).receptive_field
    return f"{field.size} × {field.size} px" if field and field.size <= view.net.input_size else "the whole picture"


def open_unit(view: View, layer: str, unit: int) -> None:
    """A way to the page of this unit; where the sidebar has another model, a button that changes it first."""
    targets, label = st.session_state["targets"], f"Unit {unit} of {layer}: inside this unit"
    if "unit" not in targets:
        return
    address = {"layer": layer, "unit": str(unit)}

    def change() -> None:
        st.session_state["model"] = view.model

    current = st.session_state.get("pick_model")
    if current == view.model:
        st.page_link(targets["unit"], label=label, query_params=address)
    elif st.button(
        label,
        icon=":material/psychology:",
        on_click=change,
        key="open_unit",
        help=f"Changes the model in the sidebar to {view.net.title}.",
    ):
        st.switch_page(targets["unit"], query_params=address)
