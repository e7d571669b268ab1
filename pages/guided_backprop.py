"""14 Guided backpropagation: three ways back through a ReLU, and what two of them forget."""

import math

import streamlit as st

from vizcore import methods, relu_rules, relu_step, sanity, ui

view = ui.begin(__file__)
RELUS = methods.count_relus(view.net)


def correlations(pairs: dict) -> None:
    """One number per method: the rank correlation of its two pictures."""
    for column, (title, (a, b)) in zip(st.columns(3), pairs.items(), strict=False):
        value = sanity.spearman(getattr(a, "values", a), getattr(b, "values", b))
        column.metric(title, "undefined" if math.isnan(value) else f"{value:.3f}")


@ui.fragment
def one_relu() -> None:
    """A handful of numbers through one ReLU and back."""
    with ui.controls("step_controls"):
        stage = st.segmented_control(
            "Step", ["Forward", "Backprop", "Deconvnet", "Guided"], default="Forward", required=True,
            key="step", bind="query-params",
        )  # fmt: skip
        example = st.segmented_control(
            "Numbers", list(relu_step.EXAMPLES), default=next(iter(relu_step.EXAMPLES)), required=True,
            key="numbers", bind="query-params",
        )  # fmt: skip
        seed = st.number_input(
            "Seed of Random", 0, 9999, 0, key="numbers_seed", bind="query-params", width=160,
            disabled=example != "Random",
        )  # fmt: skip
    step = relu_step.through_relu(*relu_step.example(example, seed), 6.0 if example == "ReLU6" else None)
    with st.container(key="grid"):
        st.html(relu_step.picture(step, stage.lower()))
    st.markdown(relu_step.sentence(step, stage.lower()))


@ui.fragment
def three_rules() -> None:
    """The three rules on the picture, for the class or for a unit."""
    with ui.controls():
        what = st.segmented_control(
            "Explain a", ["Class", "Unit"], default="Class", required=True, key="what", bind="query-params"
        )
        if what == "Unit":
            layer = ui.layer_select(view, keep=lambda layer: layer.kind not in ("dropout", "identity"))
            top = view.net.layer(layer).out_shape[0] - 1
            unit = st.number_input(f"Unit, 0 to {top}", 0, top, 0, key="unit", bind="query-params", width=160)
        shared = st.toggle("One scale for all three", key="shared", bind="query-params")
    if what == "Class":
        name, plain = f"“{view.class_name}”", ui.input_gradient(view)
        deconvnet, guided = (ui.attribution(view, m) for m in ("deconvnet", "guided_backprop"))
    else:
        name = f"unit {unit} of {layer}"
        plain, deconvnet, guided = (
            ui.unit_gradient(view, layer, unit, rule) for rule in (None, "deconvnet", "guided")
        )
    found = {"Gradient": plain, "Deconvnet": deconvnet, "Guided backpropagation": guided}
    ui.compare(
        [
            ui.Panel(values, f"{title}, {name}", f"{title} of {view.title} for {name}", signed=True)
            for title, values in found.items()
        ],
        share=shared,
    )
    if what == "Class":
        ui.notes(deconvnet)
    for note in relu_step.unit_notes(view.net, plain) if what == "Unit" else ():
        st.info(note, icon=":material/info:")
    if RELUS:
        st.caption(f"One forward pass of {view.net.title} calls a ReLU {RELUS} times; the rules replace them all.")


@ui.fragment
def two_classes() -> None:
    """Guided backpropagation and Grad-CAM for two classes."""
    runner_up = next(c for c in view.top(2) if c != view.target)
    with ui.controls("class_controls"):
        other = ui.look(view, target=ui.class_select(view, "other", "Other class", default=runner_up, width=330))
    both = (view, other)
    pairs = {"Guided backpropagation": [ui.attribution(v, "guided_backprop") for v in both]}
    if view.net.cam_layer:
        pairs["Grad-CAM"] = [ui.attribution(v, "grad_cam") for v in both]
    for column, (title, pair) in zip(st.columns(2), pairs.items(), strict=False):
        with column:
            captions = [f"{title}, “{v.class_name}”" for v in both]
            photo = view.picture if title == "Grad-CAM" else None
            ui.compare([ui.Panel(p, c, c, photo) for p, c in zip(pair, captions, strict=True)])
    st.markdown(f"Rank correlation of “{view.class_name}” with “{other.class_name}” (1: the same picture)")
    correlations({"Gradient": [ui.input_gradient(v) for v in both]} | pairs)


@ui.fragment
def random_weights() -> None:
    """The same architecture with random weights at the top."""
    layers = sanity.weighted_layers(view.net)
    with ui.controls("sanity_controls"):
        start = ui.linked_select(
            "Random weights from", layers[::-1], "from", width=330,
            format_func=lambda name: f"{name}: last {len(layers) - layers.index(name)} of {len(layers)} layers",
        )  # fmt: skip
        seed = st.number_input("Seed of the weights", 0, 9999, 0, key="weights_seed", bind="query-params", width=180)
    with ui.working("Randomizing a copy of the network"):
        both = view, ui.randomized(view, start, seed)
    pairs = {
        "Guided backpropagation": [ui.attribution(v, "guided_backprop") for v in both],
        "Gradient": [ui.input_gradient(v) for v in both],
    }
    panels = []
    for title, pair in pairs.items():
        for values, weights in zip(pair, ("trained", f"random from {start}"), strict=True):
            panels.append(ui.Panel(values, f"{title}, {weights}", f"{title}, {view.class_name}, {weights}", signed=True))
    ui.compare(panels, share=False)
    said = " and ".join(f"{v.net.categories[v.top(1)[0]]}" for v in both)
    st.markdown(f"Top predictions: {said}. Rank correlation of trained with random (1: the same picture)")
    correlations(pairs)


st.header("One ReLU, by hand", anchor=False)
one_relu()
st.header("The three on the picture", anchor=False)
three_rules()
st.header("Does it see the class?", anchor=False)
st.markdown("Only positive gradients pass, at every ReLU: whichever class one starts from, much the same arrives.")
two_classes()
st.header("Does it see the weights?", anchor=False)
st.markdown("A picture that explains the network must change when the network forgets what it learned.")
random_weights()

ui.explain(
    notice=[
        f"Guided backpropagation asks twice at every {ui.term('ReLU')}: did the number pass on the way forward, "
        "and is the gradient positive?",
        "It looks sharp because what would cancel is thrown away: edges that any later unit likes are left.",
        "Compare the correlation numbers before the pictures: they tell how much the class and the top weights "
        "count.",
    ],
    misleads=[
        "It is not the gradient of anything: the numbers do not say how the score would change.",
        "Sharp edges are taken for understanding. Nie et al. show that it tends to restore the image, whatever "
        "the class; Adebayo et al. that random top weights hardly change it.",
        "Passing the randomization test does not make a method right, and the test cannot rank methods "
        "(Binder et al. 2023).",
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
            "Take the paper's figure. Which numbers of R does guided backpropagation send on that deconvnet "
            "does not, and the other way round?",
            "None of the first kind: guided keeps a part of what deconvnet keeps. Deconvnet also sends on the "
            "positive numbers of R where f was not positive; step through both to see them.",
        ),
        (
            "Randomize more and more layers. When does guided backpropagation change?",
            "Look at its number: with a deep network it hardly moves until the early layers are random too, since "
            "those make the edges. The plain gradient changes with the first random layer.",
        ),
        (
            "Choose a unit of an early layer and compare gradient and guided. Why are they so alike there?",
            "Few ReLUs lie between an early unit and the picture, so few numbers can be dropped.",
        ),
    ],
    functions=[relu_rules.relu_rule, relu_rules.backpropagate, relu_step.through_relu, sanity.randomize, sanity.spearman],
    snippet=ui.snippet(view, "guided_backprop"),
    sources=[
        "Springenberg et al.: [Striving for Simplicity](https://arxiv.org/abs/1412.6806) (ICLR 2015 workshop)",
        "Zeiler, Fergus: [Visualizing and Understanding Convolutional Networks](https://arxiv.org/abs/1311.2901) "
        "(ECCV 2014)",
        "Nie, Zhang, Patel: [A Theoretical Explanation for Perplexing Behaviors of Backpropagation-based "
        "Visualizations](https://arxiv.org/abs/1805.07039) (ICML 2018)",
        "Adebayo et al.: [Sanity Checks for Saliency Maps](https://arxiv.org/abs/1810.03292) (NeurIPS 2018)",
        "Binder et al.: [Shortcomings of Top-Down Randomization-Based Sanity Checks]"
        "(https://arxiv.org/abs/2211.12486) (CVPR 2023)",
    ],
)
