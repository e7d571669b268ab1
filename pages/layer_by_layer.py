"""15 VGG layer by layer: the strongest patches of a network's units and a drawing of each, from edges to parts."""

import streamlit as st

from vizcore import ui
from vizcore.content import programs
from vizcore.figures.contact_sheet import Sheet
from vizcore.images.collection import open_collection
from vizcore.inspection import likeness, other_unit, top_patches, unit_gradients
from vizcore.methods import relu_rules
from vizcore.models import layers as model_layers
from vizcore.ui.sections import layer_by_layer as section

view, words = ui.begin(__file__), ui.words(__file__)

with ui.controls():
    view = section.choose_network(view)
    back = ui.segmented_control("Drawings", list(relu_rules.TITLES), default="Deconvnet", key="back")
    by = ui.segmented_control("Units", section.BY, default=section.BY[0], key="by")
    count = ui.segmented_control("How many", [4, 6, 8], default=6, key="how_many")
    patches = ui.segmented_control("Patches each", [4, 9], default=9, key="each")
    seed = ui.number_input("Seed", 0, 9999, 0, key="seed", width=140) if by == "random" else 0

net, rule = view.net, relu_rules.TITLES[back]
offered = [layer.name for layer in model_layers.candidates(net)]
ends = tuple(layer.name for layer in model_layers.block_ends(net))
middle = ends[len(ends) // 2]
pictures = len(open_collection(channels=net.channels).titles)


def sheets(layers: tuple[str, ...]) -> dict[str, Sheet]:
    """The sheets of these layers, with the units that were chosen."""
    return section.build(view, section.choose_units(view, layers, by, count, seed), patches, rule)


def all_blocks() -> dict[str, Sheet]:
    """The first patch of each unit, block by block."""
    made, layer = sheets(ends), st.session_state.get("of_layer")
    section.overview(view, made, layer if layer in offered else middle, "of_layer", back)
    st.caption(words.text("caption of the rows", units=section.which(view, by, seed, pictures)))
    for note in relu_rules.notes(net, rule, "patch"):
        st.info(note, icon=":material/info:")
    return made


def one_layer(made: dict[str, Sheet]) -> tuple[str, int]:
    """All patches of the units of one layer; the layer and the unit chosen there."""
    strip = ui.controls("sheet_controls")
    with strip:
        layer = ui.layer_select(view, "of_layer", default=middle, keep=lambda item: item.name in offered)
    sheet = made[layer] if layer in made else sheets((layer,))[layer]
    with strip:
        unit = int(ui.linked_select("Unit", [str(unit) for unit in sheet.units], "one", width=120))
        with st.container(key="open_it", width="content"):
            section.open_unit(view, layer, unit)
    section.detail(sheet, unit, "one")
    shown = section.patches_shown(view, layer)
    st.caption(words.text("caption of the sheet", patches=patches, layer=layer, back=back.lower(), shown=shown))
    section.two_units(view, sheet, unit, back)
    return layer, unit


@ui.fragment
def body() -> None:
    """All that follows the choice of a layer and a unit."""
    words.part("From edges to parts")
    made = all_blocks()
    words.part("One layer, unit by unit")
    layer, unit = one_layer(made)
    words.part("In numbers")
    alike, drawings = section.alike(view, ends), {name: made[name].alike for name in ends}
    others = section.others(view, made, rule)
    section.in_numbers(view, drawings, alike, others, back)
    words.end(
        functions=[
            model_layers.block_ends,
            top_patches.firing_most,
            unit_gradients.draw_back,
            likeness.likeness,
            other_unit.by_layer,
        ],
        snippet=programs.drawn_back(view.model, model_layers.before_relu(net, layer), unit, rule, patches),
        first=section.sees(view, ends[0]),
        last=section.sees(view, ends[-1]),
        seen=section.seen(view, drawings, [alike[name] for name in ends], others, rule),
        doubts=section.doubts(view, by, rule),
        whose=section.whose(view, others, back),
        pictures=pictures,
    )


body()
