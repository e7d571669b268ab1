"""7 Caveats: which pictures survive random weights, what the test cannot say, and what one unit is worth."""

import streamlit as st

from vizcore import ui
from vizcore.evaluation import ablation, compare, randomization
from vizcore.ui.sections import caveats as section

view, words = ui.begin(__file__), ui.words(__file__)
stages = section.parts(view)
names = [section.TRAINED, *(stage.name for stage in stages)]

with ui.choices():
    chosen = ui.segmented_control("Methods", list(section.SETS), key="method_set")
    orders = [section.CASCADE, section.ALONE]
    order = ui.segmented_control("Random weights in a", orders, key="random_in", help=words.text("help of the order"))
    label = "Random from the output down to" if order == section.CASCADE else "Random only in"
    depth = ui.select_slider(label, names, names[-(-len(stages) // 3)], key="down_to", width=330)
    hint = words.text("help of the measure")
    by = ui.segmented_control("Number and picture", list(section.MEASURES), key="alike_by", help=hint)
at, measure, choice = names.index(depth), section.MEASURES[by], section.Choice(order, 0)
found = section.methods_side_by_side(view, choice, at, chosen, measure)
if missing := section.missing(found):
    st.caption(missing)


section.ahead(view, choice, chosen)


def curves() -> None:
    """Similarity against depth."""
    words.part("How alike, against depth")
    with ui.controls("curve_controls"):
        source = ui.segmented_control("Over", section.sources(view), key="curve_over")
        seeds = ui.select_slider(
            "Seeds", section.SEEDS, 1, key="weight_seeds", width=130, disabled=source != "This picture"
        )
    lines = ui.pills("Lines", section.LINES, section.USUAL, key="curve_lines")
    wanted = [name for name in randomization.QUICK if section.TITLES[name] in lines]
    section.curves(view, choice, at, wanted, measure, source, seeds)
    st.markdown(section.guided_against_gradient(view, measure))


def two_tests() -> None:
    """MPRT beside eMPRT."""
    words.part("Two tests of the same pictures")
    source = ui.segmented_control("Measured on", section.sources(view), key="measured_on")
    section.two_tests(view, choice, measure, source)


def distributed() -> None:
    """Units switched off and directions taken out; or the pictures that excite them most."""
    words.part("Is a unit the network's own alphabet?")
    layer, unit = section.layer_and_unit(view)
    with ui.controls("unit_controls"):
        kinds = ["Taken away", "Looked at"]
        kind = ui.segmented_control("Units and directions are", kinds, key="units_are")
        if kind == kinds[0]:
            ks = ablation.counts(view.net.layer(layer).out_shape[0])
            k = ui.select_slider("How many, k", ks, ks[min(4, len(ks) - 1)], key="taken_away", width=200)
        else:
            seed = ui.number_input("Seed of the direction", 0, 9999, 0, key="direction_seed", width=170)
            reveal = ui.toggle("Which row is the unit?", key="which_row")
    if kind == kinds[0]:
        section.over_pictures(view, layer)
        section.on_this_picture(view, layer, unit, k)
    else:
        section.unit_or_direction(view, layer, unit, seed, reveal)


def users() -> None:
    """What user studies found."""
    with st.container(key="studies"):
        words.part("Does it help people?")
    section.door()


ui.tabs(
    ("Curves", curves),
    ("Two tests", two_tests),
    ("Distributed representations", distributed),
    ("Why user studies", users),
)
words.end(
    functions=[
        randomization.cascade,
        compare.ssim,
        randomization.complexity,
        randomization.rise,
        ablation.importance,
        ablation.without_directions,
    ],
    snippet=section.program(view, stages[max(at, 1) - 1].layers[0]),
    noticed=section.noticed(at, found, measure),
    guided=section.guided_against_gradient(view, measure) if len(section.sources(view)) > 1 else "",
    signs=section.signs(view),
    both=section.guided_in_both(),
    network=view.net.title,
    stages=len(stages),
    bins=randomization.BINS,
)
