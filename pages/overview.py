"""Start: given a trained model, what did it learn?"""

import streamlit as st

from vizcore import ui
from vizcore.ui.sections import overview

view = ui.begin(__file__)


def words(of: ui.View) -> str:
    best = of.top(1)[0]
    return f"{of.net.categories[best]}, {100 * of.probabilities[best]:.3g} %"


shaken = ui.look(view, picture=overview.noisy(view), title="With noise")
cards = [
    ("Weights", overview.filters(view), "The first filters", "weights"),
    ("Activations", overview.maps(view), "What they answer to this picture", "output_maps"),
    ("Gradients", ui.attribution(view, "saliency"), f"Pixels that matter for {view.class_name}", "saliency"),
    ("Robustness", shaken.picture, f"With noise: {words(shaken)}. Without: {words(view)}", "robustness"),
]
for column, (title, content, caption, page) in zip(st.columns(4), cards, strict=True):
    with column:
        st.header(title, anchor=False)
        ui.compare([ui.Panel(content, caption, f"{title}: {caption}")], columns=1, scale_bar=False)
        ui.link(page)

st.header("The lesson", anchor=False)
ui.lesson_map()

st.header("How to read the dashboard", anchor=False)
st.markdown(
    f"""
- The **sidebar** holds what all pages share: the picture as the network sees it, its five most probable
  classes, and your choice of {ui.term("target", "class")}, picture and model. Everything is computed live.
- Each page begins with its own controls. The address in the browser holds every choice: copy it to share
  exactly what you see. Your own pictures stay in your session and are not part of the address.
- A {ui.term("heat map")} is numbers drawn in colour. Read the colour bar before you compare two of them.
- Under each figure stands what to notice and where the method misleads; the formula, exercises, the code that
  ran, and the papers are folded below.
""",
    unsafe_allow_html=True,
)
