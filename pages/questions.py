"""21 Questions and answers: the six the lesson leaves open, each with something to try."""

import streamlit as st

from vizcore import methods, ui
from vizcore.content import questions as content
from vizcore.inspection import cam_steps, chain_rule, relu_step, top_patches, unit_gradients
from vizcore.methods import cam, relu_rules
from vizcore.models import layers as model_layers
from vizcore.ui.sections import questions as section

view, words = ui.begin(__file__), ui.words(__file__)
NO_MAPS = words.text("a network without maps", network=view.net.title)


@ui.fragment
def small_network() -> None:
    """A network of nine numbers, forward and back."""
    with ui.controls("graph_controls"):
        x1 = ui.slider("x₁", -3.0, 3.0, 1.0, 0.5, key="x1", width=140)
        x2 = ui.slider("x₂", -3.0, 3.0, 1.0, 0.5, key="x2", width=140)
        weight = ui.slider("Weight from x₁ to z₂", -3.0, 3.0, 2.0, 0.5, key="weight", width=150)
        target = ui.segmented_control("Cut after", chain_rule.TARGETS, default="s", key="behind")
    section.small_network(x1, x2, weight, target)


@ui.fragment
def real_network() -> None:
    """The same on the visitor's network: the strongest neuron of a layer, in one go and in two pieces."""
    stops = chain_rule.layers(view.net)
    with ui.controls("real_controls"):
        default = chain_rule.default_layer(view.net)
        layer = ui.layer_select(view, default=default, keep=lambda item: item.name in stops[1:], label="Neuron in")
        before = stops[: stops.index(layer)]
        middle = ui.linked_select("Middle layer", before, "middle", default=before[len(before) // 2], width=330)
    section.pieces(view, layer, middle)


def any_layer() -> None:
    ui.tabs(("By hand", small_network), ("In a network", real_network))


@ui.fragment
def row_of_numbers() -> None:
    """One row of numbers through a ReLU."""
    with ui.controls("row_controls"):
        add_f = ui.slider("Add to every f", -4, 4, 0, key="add_f", width=220)
        add_r = ui.slider("Add to every R", -4, 4, 0, key="add_r", width=220)
    section.relu_row(add_f, add_r)


def guided() -> None:
    ui.tabs(("A row of numbers", row_of_numbers), ("On your picture", lambda: section.three_ways(view)))


def layer_by_layer() -> None:
    """Three depths of a VGG: patches above, their drawings below."""
    with ui.controls():
        ranks, rules = ["1", "2", "3", "4", "5"], ["Deconvnet", "Guided", "Gradient"]
        rank = ui.segmented_control("Unit, by rank on your picture", ranks, default="1", key="rank")
        back = ui.segmented_control("Drawings", rules, default="Deconvnet", key="back")
    section.depths(section.vgg(view), int(rank) - 1, back)


@ui.fragment
def grad_cam() -> None:
    """The four steps in one row; how many maps are added is the visitor's choice."""
    steps = ui.unrolled(view, model_layers.last_features(view.net))
    options = [*(str(n) for n in (1, 4, 16, 64, 256, 1024) if n < len(steps.weights)), "all"]
    with ui.controls("sum_controls"):
        label = "Maps added, strongest first"
        some = ui.select_slider(label, options, "all", key="added", width=420)
        opacity = ui.opacity()
    section.four_steps(view, steps, None if some == "all" else int(some), opacity)


def guided_grad_cam() -> None:
    """Factor, factor, product; each for both classes."""
    with ui.controls():
        other = ui.class_select(view, "versus", "Second class", default=view.runner_up, width=330)
        linked = ui.toggle("Same scale for both", True, key="linked")
        ui.demo_button(view)
    section.factors(view, other, linked)


def run_them() -> None:
    """The newest that run here, side by side."""
    works = section.runnable()
    quick = [name for name, work in works.items() if not methods.METHODS[work.method].slow]
    first = [*quick[:3], *(name for name in quick[3:] if name == "Grad-CAM")]
    figure, side = ui.beside()
    with side:
        picked = ui.pills("Methods, newest first", works, key="run", default=first)
    with figure:
        if view.net.cam_layer is None:
            ui.offer(NO_MAPS)
        else:
            section.side_by_side(view, [works[name] for name in picked])


def table_of_works() -> None:
    """The table of works."""
    with ui.controls():
        years = ["2013", "2017", "2020", "2021"]
        since = ui.segmented_control("Published since", years, default="2021", key="since")
    section.works_table(int(since))


def newest() -> None:
    ui.tabs(("On your picture", run_them), ("The table", table_of_works))


# For each question: its figure, the functions that made it, and the registered method whose program is shown.
FIGURES = (
    (any_layer, [chain_rule.backward, chain_rule.two_pieces], None),
    (guided, [relu_step.through_relu, relu_rules.relu_rule, relu_rules.backpropagate], "guided_backprop"),
    (layer_by_layer, [top_patches.build, unit_gradients.gradient], None),
    (grad_cam, [cam_steps.unroll, cam.grad_cam_weights], "grad_cam"),
    (guided_grad_cam, [cam.guided_grad_cam, cam.grad_cam, relu_rules.guided_backprop], "guided_grad_cam"),
    (newest, [cam.layer_cam, cam.hires_cam], "layer_cam"),
)
asked = content.questions()
with ui.choices():
    chosen = section.choose([question.short for question in asked])
topic, (figure, functions, method) = asked[chosen - 1], FIGURES[chosen - 1]
st.header(topic.question, anchor=False)
if chosen in (4, 5) and view.net.cam_layer is None:
    ui.offer(NO_MAPS)
else:
    figure()
section.explain(view, topic, functions, method)
