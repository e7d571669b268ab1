"""14 Guided backpropagation: three ways back through a ReLU, and what two of them forget."""

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from vizcore import ui
from vizcore.evaluation import compare, randomization
from vizcore.figures import sentences, tables
from vizcore.inspection import relu_step
from vizcore.methods import relu_rules
from vizcore.models import layers as model_layers

view = ui.begin(__file__)
RELUS = view.net.relus
bound = {"bind": "query-params"}


def plain(views: Sequence[ui.View]) -> list[np.ndarray]:
    """The plain gradients of the views' classes."""
    return [ui.input_gradient(v) for v in views]


def correlations(of: str, pairs: Mapping[str, Sequence]) -> None:
    """One number per method: how alike its two pictures are."""
    title = ui.term("rank correlation", "Rank correlation")
    st.markdown(f"{title} of the pictures for {of}; 1 is the same picture.", unsafe_allow_html=True)
    for column, (title, pair) in zip(st.columns(3), pairs.items(), strict=False):
        column.metric(title, compare.in_words(ui.rank_correlation(*(getattr(p, "values", p) for p in pair))))


@ui.fragment
def one_relu() -> None:
    """A handful of numbers through one ReLU and back."""
    with ui.controls("step_controls"):
        stages = ["Forward", "Backprop", "Deconvnet", "Guided"]
        stage = st.segmented_control("Step", stages, default="Forward", required=True, key="step", **bound)
        examples = list(relu_step.EXAMPLES)
        example = st.segmented_control("Numbers", examples, default=examples[0], required=True, key="numbers", **bound)
        seed = st.number_input(
            "Seed of Random", 0, 9999, 0, key="numbers_seed", **bound, width=160, disabled=example != "Random"
        )
    step = relu_step.through_relu(*relu_step.example(example, seed), 6.0 if example == "ReLU6" else None)
    st.html(tables.relu_stage(step, stage.lower()))
    st.markdown(sentences.relu_step(step, stage.lower()))


@ui.fragment
def three_rules() -> None:
    """The three rules on the picture, for the class or for a unit."""
    with ui.controls():
        what = st.segmented_control("Explain a", ["Class", "Unit"], default="Class", required=True, key="what", **bound)
        if what == "Unit":
            layer = ui.layer_select(view, keep=lambda layer: layer.kind not in ("dropout", "identity"))
            count = view.net.layer(layer).out_shape[0]
            unit = ui.index(f"Unit, 0 to {count - 1}", "unit", count, 0, width=160)
        shared = st.toggle("One scale for all three", key="shared", **bound)
    if what == "Class":
        name, gradient = f"“{view.class_name}”", ui.input_gradient(view)
        deconvnet, guided = (ui.attribution(view, m) for m in ("deconvnet", "guided_backprop"))
    else:
        name = f"unit {unit}"
        gradient, deconvnet, guided = (
            ui.unit_gradient(view, layer, unit, rule) for rule in (None, "deconvnet", "guided")
        )
    found = {"Gradient": gradient, "Deconvnet": deconvnet, "Guided backpropagation": guided}
    ui.compare(
        [
            ui.Panel(values, f"{title}, {name}", f"{title} of {view.title} for {name}", signed=True)
            for title, values in found.items()
        ],
        share=shared,
    )
    if what == "Class":
        ui.notes(deconvnet)
    else:
        silent = "The plain gradient of this unit is exactly zero: it is silent here. Choose another one."
        for note in relu_rules.notes(view.net, "deconvnet", "unit") + ([] if gradient.any() else [silent]):
            st.info(note, icon=":material/info:")
    if RELUS:
        st.caption(f"One forward pass of {view.net.title} calls a ReLU {RELUS} times; each rule replaces them all.")


@ui.fragment
def two_classes() -> None:
    """Guided backpropagation and Grad-CAM for two classes."""
    with ui.controls("class_controls"):
        second = ui.class_select(view, "other", "Other class", default=view.runner_up, width=330)
    both = view, ui.look(view, target=second)
    pairs = {"Guided backpropagation": [ui.attribution(v, "guided_backprop") for v in both]}
    if view.net.cam_layer:
        pairs["Grad-CAM"] = [ui.attribution(v, "grad_cam") for v in both]
    for column, (title, pair) in zip(st.columns(2), pairs.items(), strict=False):
        captions = [f"{title}, “{v.class_name}”" for v in both]
        photo = view.picture if title == "Grad-CAM" else None
        with column:
            ui.compare([ui.Panel(p, c, c, photo) for p, c in zip(pair, captions, strict=True)])
    correlations(" and ".join(f"“{v.class_name}”" for v in both), {"Gradient": plain(both)} | pairs)


@ui.fragment
def random_weights() -> None:
    """The same architecture with random weights at the top."""
    layers = model_layers.weighted_layers(view.net)

    def describe(name: str) -> str:
        return f"{name}: the last {len(layers) - layers.index(name)} of {len(layers)}"

    with ui.controls("sanity_controls"):
        start = ui.linked_select("Random weights from", layers[::-1], "from", format_func=describe, width=370)
        seed = st.number_input("Seed of the weights", 0, 9999, 0, key="weights_seed", **bound, width=180)
    with ui.working("Randomizing a copy of the network"):
        both = view, ui.randomized(view, start, seed)
    pairs = {"Guided backpropagation": [ui.attribution(v, "guided_backprop") for v in both], "Gradient": plain(both)}
    panels = []
    for title, pair in pairs.items():
        for values, weights in zip(pair, ("trained", "random"), strict=True):
            alt = f"{title} for {view.class_name}, {weights} weights"
            panels.append(ui.Panel(values, f"{title}, {weights}", alt, signed=True))
    ui.compare(panels, share=False, unit="grey is zero")
    trained, random = (v.net.categories[v.top(1)[0]] for v in both)
    st.caption(f"Top prediction with the trained weights: {trained}; with the random ones: {random}.")
    correlations("trained and random weights", pairs)


st.header("One ReLU, by hand", anchor=False)
one_relu()
st.header("The three on the picture", anchor=False)
three_rules()
st.header("Does it see the class?", anchor=False)
st.markdown(
    "Only positive gradients pass at every ReLU. Does what arrives still depend on the class one starts from?"
    if RELUS
    else f"{view.net.title} has no ReLU: here guided backpropagation is the plain gradient."
)
two_classes()
st.header("Does it see the weights?", anchor=False)
st.markdown("A picture that explains the network must change when the network forgets what it learned.")
random_weights()

ui.explain(
    notice=[
        f"Guided backpropagation asks twice at every {ui.term('ReLU')}: did the number pass on the way "
        "forward, and is the gradient positive?",
        "It looks sharp because what would cancel is thrown away: what is left are edges that some later unit likes.",
        "Read the numbers before the pictures: they tell how much the class and the top weights count.",
    ],
    misleads=[
        "It is not the gradient: its numbers do not say how the score would change.",
        "Sharp edges are taken for understanding. Nie et al. show that it tends to restore the image, "
        "whatever the class; Adebayo et al., that random top weights hardly change it.",
        "Passing the randomization test does not make a method right, and the test cannot rank methods "
        "(Binder et al.).",
    ],
)
ui.more(
    formula=[
        r"\text{backprop: } R^{l} = [f^{l} > 0] \odot R^{l+1}",
        r"\text{deconvnet: } R^{l} = [R^{l+1} > 0] \odot R^{l+1}",
        r"\text{guided: } R^{l} = [f^{l} > 0] \odot [R^{l+1} > 0] \odot R^{l+1}",
    ],
    steps=[
        "Run the picture forward; at every ReLU remember where f was positive (ReLU6: between 0 and 6).",
        "Start at the class score, or at a unit's strongest cell, with gradient 1.",
        "Go back by the chain rule; at every ReLU take the chosen rule instead of its derivative.",
    ],
    exercises=[
        (
            "Take the paper's figure. Which numbers does guided backpropagation send on that deconvnet does "
            "not, and the other way round?",
            "None of the first kind: guided keeps a part of what deconvnet keeps. Deconvnet also sends on the "
            "positive numbers of R where f was not positive: 3 at the top, and 1 and 2 below.",
        ),
        (
            "Randomize more and more layers. When does guided backpropagation change?",
            "Watch its number: with EfficientNet-Lite0 it hardly moves until early layers, which make the "
            "edges, are random too. The plain gradient's drops with the first random layer.",
        ),
        (
            "Explain a unit of the first layers. Why are gradient and guided alike there?",
            "Few ReLUs lie between an early unit and the picture, so little can be dropped on the way.",
        ),
    ],
    functions=[
        relu_rules.relu_rule,
        relu_rules.backpropagate,
        relu_step.through_relu,
        randomization.randomize,
        compare.spearman,
    ],
    snippet=ui.snippet(view, "guided_backprop"),
    sources=[
        "Springenberg et al.: [Striving for Simplicity](https://arxiv.org/abs/1412.6806) (ICLR 2015 workshop)",
        "Zeiler, Fergus: [Visualizing and Understanding](https://arxiv.org/abs/1311.2901) (ECCV 2014)",
        "Nie et al.: [A Theoretical Explanation](https://arxiv.org/abs/1805.07039) (ICML 2018)",
        "Adebayo et al.: [Sanity Checks for Saliency Maps](https://arxiv.org/abs/1810.03292) (NeurIPS 2018)",
        "Binder et al.: [Shortcomings of Sanity Checks](https://arxiv.org/abs/2211.12486) (CVPR 2023)",
    ],
)
