"""13 Gradient of an activation: one neuron, the pictures that excite it most, and which pixels would change it."""

import streamlit as st

from vizcore import ui
from vizcore.content import programs
from vizcore.inspection import neurons, other_unit, signs, top_patches, unit_gradients
from vizcore.methods import relu_rules
from vizcore.ui import cache, units
from vizcore.ui.sections import neuron_gradient as section

view, words = ui.begin(__file__), ui.words(__file__)
RULES = ("Gradient", "Guided", "Deconvnet")

figure, side = ui.beside()
neuron = section.choose(view, side)
with figure:
    section.show_place(view, neuron)
with side:
    best = section.best(view, units.collection_select(view), neuron)
    chosen = ui.pills("Way back through each ReLU", RULES, default=["Gradient", "Guided"], key="back_by")
    rules = [rule for rule in RULES if rule in chosen] or ["Gradient"]
    zoomed = neuron.bounded and ui.toggle("Zoom to what it sees", True, key="zoomed")
    other = section.other_unit(neuron)


def gradients() -> None:
    """The visitor's picture and the gradients that were chosen, the neuron's and another one's."""
    words.part("The gradient of its activation")
    section.show_own(view, neuron, rules, zoomed)
    section.show_other(view, neuron, rules, zoomed, other)
    section.show_spread(view, neuron)
    notes = (note for rule in rules for note in relu_rules.notes(view.net, relu_rules.TITLES[rule], "patch"))
    for note in dict.fromkeys(notes):
        st.info(note, icon=":material/info:")
    if neuron.start != neuron.climbed:
        st.caption(words.text("taken after the ReLU"))


def parts() -> None:
    """The parts of the gradient that increase the activation and that decrease it."""
    words.part("What increases it, what decreases it")
    section.show_parts(view, neuron, rules, zoomed)


def pictures() -> None:
    """The pictures of a collection that excite the neuron most, each with the gradients that were chosen."""
    words.part("The pictures that excite it most")
    section.show_best(view, neuron, best)
    with ui.controls("card_controls"):
        shown = ui.slider("With their gradients", 1, top_patches.COUNT, 1, key="shown", width=180)
        same = ui.toggle("One scale for all pictures", key="same")
    tops = section.tops(view, neuron, rules) if same else {}
    section.show_cards(view, neuron, best._replace(hits=best.hits[:shown]), rules, tops, zoomed, other)


def numbers() -> None:
    """The neuron in numbers."""
    words.part("The neuron in numbers")
    section.facts(view, neuron)
    if neuron.placed:
        words.say("one of a whole map", cells=" × ".join(map(str, neuron.layer.out_shape[1:])))
        ui.link("unit", words.text("link to the whole map"))
    else:
        words.say("a neuron without a place")


def step() -> None:
    """Is the gradient right? Move the picture a little along it, and compare."""
    words.part("One step along the gradient")
    if not section.gradient(view, neuron)[1].any():
        st.caption(words.text("no direction"))
        return
    label = "Largest step, in grey levels of 255"
    size = ui.select_slider(label, section.STEPS, 4, key="step", width=360)
    section.show_step(view, neuron, size)
    ui.link("gradients", words.text("link to the gradients of every layer"))


ui.tabs(
    ("Its gradient", gradients),
    ("Up and down", parts),
    ("What excites it", pictures),
    ("One step", step),
    ("In numbers", numbers),
)
words.end(
    functions=[
        unit_gradients.gradient,
        other_unit.beside,
        signs.signs,
        neurons.spread,
        neurons.along,
        relu_rules.relu_rule,
    ],
    snippet=programs.neuron_gradient(view.model, cache.image_file(view), neuron.start, neuron.place),
    seen=section.seen(view, neuron),
    whose=section.whose(view, neuron),
    pictures=best.pictures,
    start=neuron.start,
)
