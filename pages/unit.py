"""6 Inside one unit: its map, the patches that excite it, a picture made for it, the classes it feeds."""

import streamlit as st

from vizcore import ui
from vizcore.content import programs
from vizcore.inspection import other_unit, preferred, top_patches, unit_classes
from vizcore.methods import relu_rules
from vizcore.ui import units
from vizcore.ui.sections import unit as section

view, words = ui.begin(__file__), ui.words(__file__)

with ui.choices():
    field = ui.place("unit")
    layer = view.net.layer(ui.layer_select(view, keep=lambda item: item.spatial))
with field:
    maps = ui.feature_maps(view, layer.name)
    number = ui.unit_index(maps)
    searched = units.collection_select(view)
figure, side = ui.beside()
with side:
    opacity = ui.opacity()
with figure:
    section.on_picture(view, layer, maps, number, opacity)
unit = section.find(view, layer, number, searched)


def patches() -> None:
    """The best patches, and the drawings of the unit, and of another one, in them."""
    words.part("What excites it most")
    with ui.controls("patch_controls"):
        rules = list(relu_rules.TITLES)
        back = ui.segmented_control("Drawings", rules, default="Guided", key="back")
        other = section.other_unit(layer, number)
    section.patches(view, unit, back, other)
    for note in relu_rules.notes(view.net, relu_rules.TITLES[back], "patch"):
        st.info(note, icon=":material/info:")


def climb() -> None:
    """A picture made for the unit by gradient ascent."""
    words.part("A picture made for it")
    with ui.controls("ascent"):
        made = ui.toggle("Make a picture for this unit", key="made")
        steps = ui.select_slider("Steps", [32, 64, 96, 128, 192], 96, key="steps", width=220)
        seed = ui.number_input("Seed", 0, 9999, 0, key="seed", width=140)
    if made:
        section.preferred(view, unit, steps, seed)
    else:
        st.caption(words.text("before a picture is made"))


def classes() -> None:
    """What the unit adds to the classes' scores."""
    words.part("The classes it feeds")
    section.classes(view, unit)


ui.tabs(("What excites it", patches), ("Made for it", climb), ("Classes it feeds", classes))
words.end(
    functions=[
        top_patches.build,
        top_patches.patch_box,
        preferred.synthesize,
        other_unit.beside,
        unit_classes.contributions,
    ],
    snippet=programs.best_patches(view.model, unit.climbed, number, searched),
    hits=len(unit.hits),
    pictures=unit.pictures,
    kept=top_patches.COUNT,
    kinds=section.kinds(view, unit),
)
