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

with ui.choices():
    view = section.choose_network(view)
    by = ui.segmented_control("Units", section.BY, default=section.BY[0], key="by")
net = view.net
offered = [layer.name for layer in model_layers.candidates(net)]
ends = tuple(layer.name for layer in model_layers.block_ends(net))
middle = ends[len(ends) // 2]
pictures = len(open_collection(channels=net.channels).titles)


@ui.fragment
def body() -> None:
    """The sheets, and all that follows the choice of a layer and a unit."""
    figure, side = ui.beside()
    with side:
        back = ui.segmented_control("Drawings", list(relu_rules.TITLES), default="Deconvnet", key="back")
        count = ui.segmented_control("How many", [4, 6, 8], default=6, key="how_many")
        patches = ui.segmented_control("Patches each", [4, 9], default=9, key="each")
        seed = ui.number_input("Seed", 0, 9999, 0, key="seed", width=140) if by == "random" else 0
    rule = relu_rules.TITLES[back]

    def sheets(layers: tuple[str, ...]) -> dict[str, Sheet]:
        return section.build(view, section.choose_units(view, layers, by, count, seed), patches, rule)

    made, layer = sheets(ends), st.session_state.get("of_layer")
    with figure:
        section.overview(view, made, layer if layer in offered else middle, "of_layer", back)
    st.caption(words.text("caption of the rows", units=section.which(view, by, seed, pictures)))
    for note in relu_rules.notes(net, rule, "patch"):
        st.info(note, icon=":material/info:")
    with ui.controls("sheet_controls"):
        place = ui.place("one")
        layer = ui.layer_select(view, "of_layer", default=middle, keep=lambda item: item.name in offered)
    sheet = made[layer] if layer in made else sheets((layer,))[layer]
    with place:
        unit = int(ui.linked_select("Unit", [str(unit) for unit in sheet.units], "one", width=120))
        with st.container(key="open_it", width="content"):
            section.open_unit(view, layer, unit)

    def one_layer() -> None:
        """All patches of the units of one layer."""
        words.part("One layer, unit by unit")
        section.detail(sheet, unit, "one")
        if st.session_state.get("one") != str(unit):
            st.rerun()  # a unit was clicked: its choice stands above the tabs
        shown = section.patches_shown(view, layer)
        st.caption(words.text("caption of the sheet", patches=patches, layer=layer, back=back.lower(), shown=shown))

    def whose() -> None:
        """The drawings of the unit beside those of another one."""
        words.part("Whose drawings are they?")
        section.two_units(view, sheet, unit, back)

    alike, drawings = section.alike(view, ends), {name: made[name].alike for name in ends}
    others = section.others(view, made, rule)

    def in_numbers() -> None:
        """How alike patches and drawings are, layer by layer."""
        words.part("In numbers")
        section.in_numbers(view, drawings, alike, others, back)

    ui.tabs(("One layer", one_layer), ("Whose drawings", whose), ("In numbers", in_numbers))
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
