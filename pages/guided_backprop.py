"""14 Guided backpropagation: what the plain gradient mixes, three ways back through a ReLU, and what two forget."""

import streamlit as st

from vizcore import ui
from vizcore.evaluation import compare, randomization
from vizcore.figures import sentences, tables
from vizcore.inspection import relu_step, signs
from vizcore.methods import relu_rules
from vizcore.models import layers as model_layers
from vizcore.ui.sections import guided_backprop as section

view, words = ui.begin(__file__), ui.words(__file__)


with ui.choices():
    offered = [title for title, rule in relu_rules.TITLES.items() if rule]
    after = ui.segmented_control("Beside the gradient", offered, default="Guided", key="after")
    names = section.places(view)
    place = ui.segmented_control("Where", list(names), default=next(iter(names)), key="at")
section.both_signs(view, after, names[place])


def what_is_wrong() -> None:
    """How much of the plain gradient increases the score and how much decreases it, before and after a rule."""
    words.part("What is wrong with the plain gradient")
    section.shares(view)


def one_relu() -> None:
    """A handful of numbers through one ReLU and back."""
    words.part("One ReLU, by hand")
    with ui.controls("step_controls"):
        stages = ["Forward", "Backprop", "Deconvnet", "Guided"]
        stage = ui.segmented_control("Step", stages, default="Forward", key="stage")
        examples = list(relu_step.EXAMPLES)
        example = ui.segmented_control("Numbers", examples, default=examples[0], key="numbers")
        seed = ui.number_input(
            "Seed of Random", 0, 9999, 0, key="numbers_seed", width=160, disabled=example != "Random"
        )
    step = relu_step.through_relu(*relu_step.example(example, seed), 6.0 if example == "ReLU6" else None)
    st.html(tables.relu_stage(step, stage.lower()))
    st.markdown(sentences.relu_step(step, stage.lower()))


def three_rules() -> None:
    """The three rules on the picture, for the class or for a unit."""
    words.part("The three on the picture")
    of = None
    with ui.controls():
        what = ui.segmented_control("Explain a", ["Class", "Unit"], default="Class", key="what")
        if what == "Unit":
            layer = ui.layer_select(view, keep=lambda layer: layer.kind not in ("dropout", "identity"))
            count = view.net.layer(layer).out_shape[0]
            of = layer, ui.index("Unit", "unit", count)
        shared = ui.toggle("One scale for all three", key="shared")
        gain = ui.gain(default=section.GAIN)
    section.three_rules(view, shared, gain, of)
    if view.net.relus:
        st.caption(words.text("how many ReLUs", network=view.net.title, relus=view.net.relus))


def two_classes() -> None:
    """Guided backpropagation and Grad-CAM for two classes."""
    words.part("Does it see the class?")
    if view.net.relus:
        words.say("what may depend on the class")
    else:
        words.say("a network without ReLU", network=view.net.title)
    with ui.controls("class_controls"):
        second = ui.class_select(view, "other", "Other class", default=view.runner_up, width=330)
    section.two_classes((view, ui.look(view, target=second)))


def random_weights() -> None:
    """The same architecture with random weights at the top."""
    words.part("Does it see the weights?")
    layers = model_layers.weighted_layers(view.net)

    def describe(name: str) -> str:
        return f"{name}: the last {len(layers) - layers.index(name)} of {len(layers)}"

    with ui.controls("sanity_controls"):
        start = ui.linked_select("Random weights from", layers[::-1], "from", format_func=describe, width=370)
        seed = ui.number_input("Seed of the weights", 0, 9999, 0, key="weights_seed", width=180)
    with ui.working("Randomizing a copy of the network"):
        random = ui.randomized(view, start, seed)
    section.random_weights((view, random))


ui.tabs(
    ("Up and down", what_is_wrong),
    ("One ReLU", one_relu),
    ("Three rules", three_rules),
    ("Which class?", two_classes),
    ("Which weights?", random_weights),
)
words.end(
    functions=[
        signs.on_the_way,
        signs.signs,
        relu_rules.relu_rule,
        relu_rules.backpropagate,
        relu_step.through_relu,
        randomization.randomize,
        compare.spearman,
    ],
    snippet=ui.snippet(view, "guided_backprop"),
    signs=section.seen(view),
    early=section.early(view),
)
