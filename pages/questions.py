"""21 Questions and answers: the six the lesson leaves open, each with something to try."""

import numpy as np
import streamlit as st
import torch

from vizcore import methods, ui
from vizcore.content import papers
from vizcore.content import questions as content
from vizcore.evaluation import compare
from vizcore.figures import chain as chain_figures
from vizcore.figures import render, tables
from vizcore.inspection import cam_steps, chain_rule, relu_step, top_patches, unit_gradients
from vizcore.methods import cam, relu_rules
from vizcore.models import layers as model_layers
from vizcore.ui.components import graph
from vizcore.ui.sections import questions

view = ui.begin(__file__)
bound = {"bind": "query-params"}
number = render.number
F, R = (-3, -1, 1, 2, 4, -2, 3, -4, 1, 5), (2, -1, 3, -2, 1, 1, -3, -2, 2, -1)
NO_MAPS = f"{view.net.title} has no feature maps that could be weighted. Choose another model in the sidebar."
RULES = {"Deconvnet": "deconvnet", "Guided": "guided", "Gradient": None}


def choose_cut(node: str) -> None:
    st.session_state["cut"] = node


@ui.fragment
def small_network() -> None:
    """A network of nine numbers, forward and back."""
    with ui.controls("graph_controls"):
        x1 = st.slider("x₁", -3.0, 3.0, 1.0, 0.5, key="x1", width=140, **bound)
        x2 = st.slider("x₂", -3.0, 3.0, 1.0, 0.5, key="x2", width=140, **bound)
        weight = st.slider("Weight from x₁ to z₂", -3.0, 3.0, 2.0, 0.5, key="weight", width=150, **bound)
        targets = list(chain_rule.TARGETS)
        target = st.segmented_control("Cut behind", targets, default="s", required=True, key="cut", **bound)
    numbers = chain_rule.forward(x1, x2, weight)
    gradients = chain_rule.backward(numbers, target)
    graph(chain_figures.chain_graph(numbers, gradients, target), "graph", targets, choose_cut)
    st.caption(
        f"Boxes: the value; below it, in colour, the gradient of {chain_figures.symbol(target)} with respect to it. "
        "Edges: their slope. Click a box to cut the graph behind it."
    )
    for column, node in zip(st.columns(2), ("x1", "x2"), strict=True):
        column.latex(chain_figures.paths(numbers, gradients, target, node))


@ui.fragment
def real_network() -> None:
    """The same on the visitor's network: the strongest neuron of a layer, in one go and in two pieces."""
    stops = chain_rule.layers(view.net)
    with ui.controls("real_controls"):
        default = chain_rule.default_layer(view.net)
        layer = ui.layer_select(view, default=default, keep=lambda item: item.name in stops[1:], label="Neuron in")
        before = stops[: stops.index(layer)]
        middle = ui.linked_select("Middle layer", before, "middle", default=before[len(before) // 2], width=330)
    questions.pieces(view, questions.two_pieces(view, layer, middle), middle)


def any_layer() -> None:
    st.subheader("By hand", anchor=False)
    small_network()
    st.subheader(f"In {view.net.title}", anchor=False)
    real_network()


@ui.fragment
def guided() -> None:
    """One row of numbers through a ReLU, and the three pictures."""
    with ui.controls("row_controls"):
        moves = (
            st.slider(f"Add to every {name}", -4, 4, 0, key=key, width=220, **bound)
            for name, key in (("f", "add_f"), ("R", "add_r"))
        )
        inputs = [torch.tensor([numbers]).float() + move for numbers, move in zip((F, R), moves, strict=True)]
    step = relu_step.through_relu(*inputs)
    st.html(tables.relu_row(step))
    passed = {rule: int((sent != 0).sum()) for rule, sent in step.back.items()}
    negative = int((step.back["backprop"] < 0).sum())
    st.caption(
        f"Numbers that are not zero: backprop sends on {passed['backprop']}, {negative} of them negative; "
        f"deconvnet {passed['deconvnet']}; guided {passed['guided']}."
    )
    results = [ui.attribution(view, name) for name in ("deconvnet", "guided_backprop")]
    panels = [ui.Panel(ui.input_gradient(view), f"Gradient, {view.class_name}", signed=True)]
    panels += [ui.Panel(r, methods.METHODS[r.meta["method"]].title, signed=True) for r in results]
    ui.compare(panels, share=False)
    for note in dict.fromkeys(note for result in results for note in result.meta["notes"]):
        st.info(note, icon=":material/info:")


def layer_by_layer() -> None:
    """Three depths of a VGG: patches above, what is drawn back below."""
    with ui.controls():
        rank = st.segmented_control(
            "Unit, by rank on your picture", ["1", "2", "3", "4", "5"], default="1", required=True, key="rank", **bound
        )
        rule = st.segmented_control(
            "Drawn back as", list(RULES), default="Deconvnet", required=True, key="back", **bound
        )
    vgg = questions.vgg(view)
    stops = model_layers.stops(vgg.net)
    chosen = stops[1], stops[len(stops) // 2], stops[-1]
    found = [questions.depth(vgg, layer, int(rank) - 1, RULES[rule]) for layer in chosen]
    for column, one, stage in zip(st.columns(3, gap="medium"), found, ("Early", "Middle", "Late"), strict=True):
        with column:
            questions.depth_column(vgg, one, stage, rule)
    same = [questions.alike(vgg, one, RULES[rule]) for one in found]
    st.markdown(
        f"**Whose sketch is it?** Drawn back from another unit in the same places (units "
        f"{', '.join(str(one.other) for one in found)}), the sketches keep a "
        f"{ui.term('rank correlation')} of {', '.join(map(compare.in_words, same))}: 1 would mean that the unit does "
        f"not matter. The network is {vgg.net.title}, {vgg.net.input_size} × {vgg.net.input_size} pixels.",
        unsafe_allow_html=True,
    )


@ui.fragment
def grad_cam() -> None:
    """The four steps in one row; how many maps are added is the visitor's choice."""
    steps = ui.unrolled(view)
    count = len(steps.weights)
    options = [*(n for n in (1, 4, 16, 64, 256, 1024) if n < count), "all"]
    with ui.controls("sum_controls"):
        some = st.select_slider(
            "Maps added, strongest first", [str(n) for n in options], "all", key="added", width=420, **bound
        )
        opacity = ui.opacity()
    order = steps.strongest(count)
    total = steps.contributions[order[: count if some == "all" else int(some)]].sum(0).cpu().numpy()
    whole = steps.before_relu.cpu().numpy()
    questions.four_steps(view, steps, order, total, opacity)
    alike = compare.correlation(total, whole)
    close = "." if alike is None or some == "all" else f": correlation {alike:.2f} with the sum of all."
    st.markdown(
        f"Layer {view.net.cam_layer}: {count} maps of {whole.shape[0]} × {whole.shape[1]} cells. "
        f"{'All' if some == 'all' else some} added{close}"
        + ("" if total.max() > 0 else f" Nothing is positive: no evidence for {view.class_name} here.")
    )


def guided_grad_cam() -> None:
    """Factor, factor, product; one row for each class."""
    with ui.controls():
        other = ui.class_select(view, "versus", "Second class", default=view.runner_up, width=330)
        linked = st.toggle("Same scale for both", True, key="linked", **bound)
        ui.demo_button(view)
    both = view, ui.look(view, target=other)
    titles = {"guided_backprop": "Guided backpropagation", "grad_cam": "× Grad-CAM", "guided_grad_cam": "= the product"}
    for column, (method, title) in zip(st.columns(3), titles.items(), strict=True):
        pair = [ui.attribution(one, method) for one in both]
        values = [np.asarray(result.values) for result in pair]
        if method == "grad_cam":
            size = (view.net.input_size,) * 2
            values = [cam.upsample(torch.from_numpy(v)[None], size)[0].numpy() for v in values]
        photo = view.picture if method == "grad_cam" else None
        panels = [
            ui.Panel(v, f"{title}, {one.class_name}", photo=photo, signed=photo is None)
            for v, one in zip(values, both, strict=True)
        ]
        with column:
            ui.compare(panels, columns=1, share=linked, unit="raw value of the map" if photo else "")
            same = compare.correlation(*values)
            st.markdown(f"Correlation of the two classes: **{'not defined' if same is None else f'{same:.2f}'}**")
            if method == "guided_backprop":
                ui.notes(pair[0])


def newest() -> None:
    """The table of works, and the newest that run here side by side."""
    families = ("gradient", "relu rule", "cam", "propagation", "attention")
    known = [work for work in papers.WORKS if work.family in families]
    runnable = sorted((w for w in known if w.method in methods.METHODS), key=lambda work: -work.year)
    with ui.controls():
        since = st.segmented_control(
            "Published since", ["2013", "2017", "2020", "2021"], default="2021", required=True, key="since", **bound
        )
    shown = [work for work in known if work.year >= int(since)]
    st.html(tables.papers_table(shown, [work.key for work in runnable]))
    names = {work.name: work for work in runnable if work.family == "cam"}
    quick = [name for name, work in names.items() if not methods.METHODS[work.method].slow]
    st.subheader("Run them on your picture", anchor=False)
    picked = st.pills(
        "Methods, newest first",
        list(names),
        selection_mode="multi",
        key="run",
        default=[*quick[:3], *(name for name in quick[3:] if name == "Grad-CAM")],
        **bound,
    )
    if view.net.cam_layer is None:
        st.info(NO_MAPS, icon=":material/info:")
        return
    questions.side_by_side(view, [names[name] for name in picked])
    if not picked:
        st.caption("Choose a method above to see its map.")
    with st.container(key="timeline_links", horizontal=True):
        for name in picked:
            ui.link("timeline", label=f"{name} on the timeline", method=names[name].method)


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
chosen = questions.choose([question.short for question in asked])
topic, (figure, functions, method) = asked[chosen - 1], FIGURES[chosen - 1]
st.header(topic.question, anchor=False)
st.markdown(topic.answer, unsafe_allow_html=True)
if chosen in (4, 5) and view.net.cam_layer is None:
    st.info(NO_MAPS, icon=":material/info:")
else:
    figure()
questions.explain(view, topic, functions, method)
