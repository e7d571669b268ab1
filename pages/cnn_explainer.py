"""4. CNN explainer: a small network number by number, forward and back to the pixel."""

import streamlit as st

from vizcore import ui
from vizcore.content import programs
from vizcore.inspection import explainer
from vizcore.methods import relu_rules
from vizcore.ui.components import playground
from vizcore.ui.sections import cnn_explainer as section

view, words = ui.begin(__file__), ui.words(__file__)
shown, refusal, place = section.choose(view)
if refusal:
    ui.own_network(words.text("a network of its own", refusal=refusal, network=shown.net.title))
with ui.choices():
    hint = words.text("help: whose logit goes back")
    shown = ui.look(shown, target=ui.class_select(shown, "logit", "Class of the way back", help=hint, width=200))
with place:
    section.figure(shown)
st.caption(words.text("how to read it", title=shown.title, network=shown.net.title, name=shown.class_name))
if refusal:
    st.caption(words.text("why not the chosen network", refusal=refusal))
explained = section.explained(shown)


def geometry() -> None:
    """A convolution's sizes, in the browser."""
    words.part("Size, padding, stride, dilation")
    section.keep_playground()
    playground("playground")


def rules() -> None:
    """How many numbers each rule lets through each ReLU, and numbers about which they differ."""
    words.part("Where the three rules differ", name=shown.class_name)
    section.rules(explained)


def controls() -> None:
    """The gradient at the pixels for the class, for another one, and with random weights."""
    words.part("Does the way back know the class?")
    section.controls(shown)


def questions() -> None:
    """Three answers to type or to choose, checked."""
    words.part("Check yourself")
    section.questions(explained)


def on_paper() -> None:
    """The figure as pictures and tables, without the browser's part."""
    words.part("On paper", title=shown.title, name=shown.class_name)
    section.on_paper(explained)


ui.tabs(
    ("Playground", geometry),
    ("Three rules", rules),
    ("Which class?", controls),
    ("Check yourself", questions),
    ("On paper", on_paper),
)
facts = section.facts(explained)
words.end(
    functions=[explainer.explain, explainer.products, explainer.flipped_products, relu_rules.relu_rule],
    snippet=programs.explained(section.place_of_digit(), shown.target % 10),
    prediction=section.prediction(shown),
    zeros=facts.zeros,
    switches=facts.switches,
    name=shown.class_name,
    pixels=facts.pixels,
    sum=facts.sum,
    disagree=facts.disagree,
)
