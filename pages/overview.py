"""Start: given a trained model, what did it learn?"""

import streamlit as st

from vizcore import ui
from vizcore.ui.sections import overview as section

view, words = ui.begin(__file__), ui.words(__file__)
with st.container(key="welcome", horizontal=True, vertical_alignment="center", gap="medium"):
    words.say("what this is")
    ui.link("weights", "Begin")
filters, maps = section.filters(view), section.maps(view)
columns = iter(st.columns(4))
with next(columns):
    words.part("Weights")
    section.card("Weights", filters, words.text("caption of the weights"), "weights", part="Kernels")
with next(columns):
    words.part("Activations")
    section.card("Activations", maps, words.text("caption of the activations"), "output_maps")
with next(columns):
    words.part("Gradients")
    caption = words.text("caption of the gradients", name=view.class_name, clip=section.CLIP)
    section.card("Gradients", ui.attribution(view, "saliency"), caption, "saliency")
with next(columns):
    words.part("Robustness")
    shaken = ui.look(view, picture=section.noisy(view), title="With noise")
    caption = words.text("caption of the robustness", shaken=section.best(shaken), calm=section.best(view))
    section.card("Robustness", shaken.picture, caption, "robustness", severity=str(section.SEVERITY))

words.part("The lesson")
ui.lesson_map()
words.part("How to read the dashboard")
