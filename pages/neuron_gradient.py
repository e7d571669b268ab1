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

words.part("1 Pick a neuron")
with ui.choices():
    neuron = section.choose(view)
section.show_place(view, neuron)
if neuron.placed:
    words.say("one of a whole map", cells=" × ".join(map(str, neuron.layer.out_shape[1:])))
    ui.link("unit", words.text("link to the whole map"))
else:
    words.say("a neuron without a place")

words.part("2 The pictures that excite it most")
best = section.best(view, units.collection_select(view), neuron)
section.show_best(view, neuron, best)

words.part("3 The gradient of its activation")


@ui.fragment
def gradients() -> None:
    """The visitor's picture large, then the best pictures, each with the gradients that were chosen."""
    with ui.controls("back_controls"):
        chosen = ui.pills("Way back through each ReLU", RULES, default=["Gradient", "Guided"], key="back_by")
        shown = ui.slider("Best pictures", 1, top_patches.COUNT, 4, key="shown", width=180)
        zoomed = neuron.bounded and ui.toggle("Zoom to the receptive field", True, key="zoomed")
        same = ui.toggle("One scale for all pictures", key="same")
        other = section.other_unit(neuron)
    rules = [rule for rule in RULES if rule in chosen] or ["Gradient"]
    tops = section.show_own(view, neuron, rules, zoomed)
    section.show_other(view, neuron, rules, zoomed, other)
    section.show_spread(view, neuron)
    notes = (note for rule in rules for note in relu_rules.notes(view.net, relu_rules.TITLES[rule], "patch"))
    for note in dict.fromkeys(notes):
        st.info(note, icon=":material/info:")
    words.part("What increases it, what decreases it")
    section.show_parts(view, neuron, rules, zoomed)
    st.subheader("The same in the pictures that excite it most", anchor=False)
    few = best._replace(hits=best.hits[:shown])
    section.show_cards(view, neuron, few, rules, tops if same else {}, zoomed, other)
    if neuron.start != neuron.climbed:
        st.caption(words.text("taken after the ReLU"))


gradients()
words.part("One step along the gradient")


@ui.fragment
def step() -> None:
    """Is the gradient right? Move the picture a little along it, and compare."""
    if not section.gradient(view, neuron)[1].any():
        st.caption(words.text("no direction"))
        return
    label = "Largest step, in grey levels of 255"
    size = ui.select_slider(label, section.STEPS, 4, key="step", width=360)
    section.show_step(view, neuron, size)


step()
ui.link("gradients", words.text("link to the gradients of every layer"))
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
