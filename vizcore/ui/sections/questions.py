"""The figures of the questions page, and the choice of one question."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st
import torch

from vizcore import methods, models
from vizcore.content import papers
from vizcore.content.papers import Work
from vizcore.content.questions import Question
from vizcore.evaluation import compare
from vizcore.figures import bars as bar_figures
from vizcore.figures import chain as chain_figures
from vizcore.figures import patches as patch_figures
from vizcore.figures import render, sprites, tables
from vizcore.figures.render import number
from vizcore.figures.sprites import Layout
from vizcore.images.collection import open_collection
from vizcore.inspection import chain_rule, relu_step, top_patches
from vizcore.inspection.cam_steps import Unrolled
from vizcore.inspection.chain_rule import TwoPieces
from vizcore.inspection.top_patches import Hit
from vizcore.methods import cam, relu_rules
from vizcore.models import Layer
from vizcore.models import layers as model_layers
from vizcore.types import Box
from vizcore.ui import blocks, cache, prose, shell, units, widgets
from vizcore.ui.blocks import Panel
from vizcore.ui.components import graph, tiles
from vizcore.ui.view import View

F, R = (-3, -1, 1, 2, 4, -2, 3, -4, 1, 5), (2, -1, 3, -2, 1, 1, -3, -2, 2, -1)
FAMILIES = ("gradient", "relu rule", "cam", "propagation", "attention")
words = prose.words(__file__)


def choose(titles: Sequence[str], key: str = "q") -> int:
    """A select box; the question's number, from 1, is in the address: other pages link to `?q=4`."""
    numbers = [str(n) for n in range(1, len(titles) + 1)]
    chosen = widgets.linked_select(
        "Question", numbers, key, width=230, format_func=lambda n: f"{n} {titles[int(n) - 1]}"
    )
    return int(chosen)


# 1. The gradient of a neuron in two pieces.


def small_network(x1: float, x2: float, weight: float, target: str) -> None:
    """A network of nine numbers, forward and back to its two inputs; a click on a box writes it to `?behind=`."""
    numbers = chain_rule.forward(x1, x2, weight)
    gradients = chain_rule.backward(numbers, target)
    drawn = chain_figures.chain_graph(numbers, gradients, target)
    graph(drawn, "graph", list(chain_rule.TARGETS), _choose_cut)
    st.caption(words.text("caption of the small network", target=chain_figures.symbol(target)))
    for column, node in zip(st.columns(2), ("x1", "x2"), strict=True):
        column.latex(chain_figures.paths(numbers, gradients, target, node))


def _choose_cut(node: str) -> None:
    st.session_state["behind"] = node


@cache.per_picture(entries=64, size="60MB", step="Going back in two pieces")
def _two_pieces(view: View, layer: str, middle: str) -> TwoPieces:
    """Gradient of the layer's strongest neuron, in one go and through the middle layer; cached for all."""
    pieces = chain_rule.two_pieces(view.net, view.x, layer, middle)
    return pieces._replace(**{name: v.cpu() for name, v in pieces._asdict().items() if hasattr(v, "cpu")})


def pieces(view: View, layer: str, middle: str) -> None:
    """What the neuron sees, the first piece, the second, and the gradient in one go; then how far they agree."""
    found = _two_pieces(view, layer, middle)
    field = view.net.layer(found.layer).receptive_field
    whole = field is None or field.size > view.net.input_size
    box = None if field is None or whole else field.box(*found.cell)
    picture = patch_figures.with_boxes(view.picture, view.net.input_size, [(box, patch_figures.THEORY)])
    length = np.sqrt((found.middle.numpy() ** 2).sum(0))
    sees = "the whole picture" if field is None or whole else f"{field.size} × {field.size} pixels: the box"
    panels = [
        Panel(picture, f"The neuron can see {sees}"),
        Panel(length, f"First piece: its gradient at {middle}, length over the maps", signed=False),
        Panel(found.chained.numpy(), "Second piece: from there to the picture", signed=True),
        Panel(found.direct.numpy(), "In one go", signed=True),
    ]
    blocks.compare(panels, smooth=False, room=blocks.MAIN_ROOM)
    equal = words.text("the two ways are equal")
    if found.gap != 0:
        equal = words.text("the two ways differ", gap=number(found.gap))
    through = found.around is None
    words.say(
        "all paths lead through the middle layer" if through else "some paths avoid the middle layer",
        layer=found.layer,
        map=found.channel,
        row=found.cell[0],
        column=found.cell[1],
        value=number(found.value),
        equal=equal,
    )


# 2. One row of numbers through a ReLU.


def relu_row(add_f: int, add_r: int) -> None:
    """What each rule sends back of the same row, moved by these numbers."""
    step = relu_step.through_relu(torch.tensor([F]).float() + add_f, torch.tensor([R]).float() + add_r)
    st.html(tables.relu_row(step))
    passed = {rule: int((sent != 0).sum()) for rule, sent in step.back.items()}
    st.caption(
        words.text(
            "caption of the row of numbers",
            backprop=passed["backprop"],
            negative=int((step.back["backprop"] < 0).sum()),
            deconvnet=passed["deconvnet"],
            guided=passed["guided"],
        )
    )


def three_ways(view: View) -> None:
    """Gradient, deconvnet and guided backpropagation of the view's class, each on its own scale."""
    results = [cache.attribution(view, name) for name in ("deconvnet", "guided_backprop")]
    panels = [Panel(cache.input_gradient(view), f"Gradient, {view.class_name}", signed=True)]
    panels += [Panel(r, methods.METHODS[r.meta["method"]].title, signed=True) for r in results]
    blocks.compare(panels, share=False, room=blocks.MAIN_ROOM)
    for note in dict.fromkeys(note for result in results for note in result.meta["notes"]):
        st.info(note, icon=":material/info:")


# 3. Units of three depths of a VGG, or of a network like it.


class Depth(NamedTuple):
    """One unit of one layer, with the pictures that excite it most.

    Attributes:
        layer: what the unit belongs to. unit, other: its number, and that of the next best one.
        share: its strongest cell on the visitor's picture, as a share of the mean of its best pictures.
        hits, boxes: the best pictures and the patch of each.
        drawn: (N, C, H, W) gone back from the unit. beside: the same cells, gone back from `other`.
    """

    layer: Layer
    unit: int
    other: int
    share: float
    hits: tuple[Hit, ...]
    boxes: tuple[Box, ...]
    drawn: np.ndarray
    beside: np.ndarray


def vgg(view: View) -> View:
    """The visitor's picture in VGG-16 where its weights are here, else in a network with the same kinds of layer."""
    if models.MODELS["vgg16"].file():
        model = "vgg16"
    elif view.net.relus and view.net.max_pools and view.net.channels == 3:
        return view
    else:
        model = "squeezenet1_1"
    net = cache.load_net(model)
    return cache.through(view, model, net)


def depths(view: View, rank: int, back: str) -> None:
    """A unit early, in the middle and late in a VGG; and whether another one draws the same.

    Args:
        rank: 0 for the unit that the picture excites most, 1 for the next. back: the rule at each ReLU, by its title.
    """
    shown, rule = {layer.name for layer in model_layers.candidates(view.net)}, relu_rules.TITLES[back]
    stops = [name for name in model_layers.stops(view.net) if name in shown]
    found = [_depth(view, layer, rank, rule) for layer in (stops[1], stops[len(stops) // 2], stops[-1])]
    for column, one, stage in zip(st.columns(3, gap="medium"), found, ("Early", "Middle", "Late"), strict=True):
        with column:
            _depth_column(view, one, stage, back)
    words.say(
        "whose drawing it is",
        units=", ".join(str(one.other) for one in found),
        alike=", ".join(compare.in_words(_alike(view, one, rule)) for one in found),
        network=view.net.title,
        side=view.net.input_size,
    )


def _depth(view: View, layer: str, rank: int, rule: str | None) -> Depth:
    """The unit of a layer that the picture excites most, measured by the unit's own best pictures."""
    start = model_layers.before_relu(view.net, layer)
    index = units.top_index(view, "gallery")
    best = index.rankings[start].values.mean(1)
    own = cache.feature_maps(view, start).max((1, 2))
    shares = np.where(best > 0, own / np.maximum(best, 1e-12), 0)
    order = np.argsort(-shares, kind="stable")
    unit, other = int(order[rank]), int(order[rank + 1])
    item, hits = view.net.layer(layer), index.top(view.net, start, unit)
    boxes = tuple(top_patches.patch_box(view.net, item, hit.cell) for hit in hits)
    drawn, beside = (units.backward(view, "gallery", hits, layer, k, rule) for k in (unit, other))
    return Depth(item, unit, other, float(shares[unit]), hits, boxes, drawn, beside)


def _alike(view: View, found: Depth, rule: str | None) -> float:
    """Mean rank correlation of what two units of a layer draw in the same patches; NaN without an order."""
    places = tuple((hit.picture, hit.cell) for hit in found.hits)
    return _mean_correlation(view, places, found.layer.name, (found.unit, found.other), rule, found)


@cache.per_network(entries=64)
def _mean_correlation(
    view: View, places: tuple, layer: str, pair: tuple[int, int], rule: str | None, _found: Depth
) -> float:
    found = []
    for one, two, (top, left, bottom, right) in zip(_found.drawn, _found.beside, _found.boxes, strict=True):
        inside = slice(max(top, 0), bottom), slice(max(left, 0), right)
        found.append(compare.spearman(one[:, *inside], two[:, *inside]))
    return float(np.nanmean(found)) if not np.isnan(found).all() else float("nan")


def _depth_column(view: View, found: Depth, stage: str, back: str) -> None:
    """A unit's best patches and its drawings, as two sheets; `stage` and `back` as people read them."""
    titles, field = open_collection(channels=view.net.channels).titles, found.layer.receptive_field
    side = field.size if field else view.net.input_size
    labels = [f"{titles[hit.picture]}: {number(hit.value)}" for hit in found.hits]
    st.subheader(f"{stage}: sees {side} × {side} pixels", anchor=False)
    patches = units.patches(view, "gallery", found.hits, found.boxes, 160)
    drawings = _drawings(view, found.layer.name, found.unit, found.hits, relu_rules.TITLES[back], found)
    for sheet, kind in ((patches, "Patches"), (drawings, back)):
        alt = f"{kind} of unit {found.unit} of {found.layer.name}: {'; '.join(labels)}"
        tiles(*sheet, labels, f"{stage}_{kind}", smooth=True, largest=98, height=118, alt=alt)
    shown = found.boxes[0][2] - found.boxes[0][0]
    st.caption(
        words.text(
            "caption of a depth",
            unit=found.unit,
            layer=found.layer.name,
            share=f"{100 * found.share:.0f}",
            rule=back.lower(),
            cut="" if shown == side else words.text("a depth that is cut", shown=shown),
        )
    )


@cache.per_network(entries=64, size="20MB")
def _drawings(
    view: View, layer: str, unit: int, hits: tuple[Hit, ...], rule: str | None, _found: Depth
) -> tuple[bytes, Layout]:
    """The drawings of a unit in its best patches, in one file, and where each lies there."""
    drawn = patch_figures.gradient_patches(_found.drawn, _found.boxes)
    sprite, layout = sprites.atlas(patch_figures.tiles(drawn, 160))
    return render.encode(sprite), layout


# 4. Grad-CAM in one row.


def four_steps(view: View, steps: Unrolled, some: int | None, opacity: float) -> None:
    """Maps, weights, the sum of `some` maps, strongest first (all without a number), and the overlay, side by side."""
    count, whole = len(steps.weights), steps.before_relu.cpu().numpy()
    order = steps.strongest(count)
    total = steps.contributions[order[:some]].sum(0).cpu().numpy()
    columns = st.columns(4)
    with columns[0]:
        st.subheader("1 Maps", anchor=False)
        _strongest_maps(steps, order)
    with columns[1]:
        st.subheader("2 Weights", anchor=False)
        st.html(bar_figures.weight_column(order[:6], steps.weights[order[:6]].cpu().numpy()))
        st.caption(words.text("caption of the weights"))
    above = f"Grad-CAM, {view.class_name}"
    drawn = (
        ("3 Weighted sum", Panel(total, "Red for it, blue against it", "Weighted sum", None, True)),
        ("4 ReLU, enlarged", Panel(total.clip(0), above, above, view.picture, False, opacity)),
    )
    for column, (title, panel) in zip(columns[2:], drawn, strict=True):
        with column:
            st.subheader(title, anchor=False)
            blocks.compare(
                [panel], columns=1, smooth=panel.photo is not None, room=blocks.MAIN_ROOM, key=f"step_{title[0]}"
            )
    alike = compare.correlation(total, whole)
    words.say(
        "how many maps are added",
        layer=model_layers.last_features(view.net),
        count=count,
        height=whole.shape[0],
        width=whole.shape[1],
        added=some or "All",
        close="." if alike is None or some is None else f": correlation {alike:.2f} with the sum of all.",
        found="" if total.max() > 0 else words.text("nothing is positive", name=view.class_name),
    )


def _strongest_maps(steps: Unrolled, order: Sequence[int]) -> None:
    """The four maps that weigh most, on one scale; `order` has the strongest first."""
    maps, names = steps.activations[order[:4]].cpu().numpy(), ", ".join(str(k) for k in order[:4])
    signed = bool(maps.min() < 0)
    sprite, _ = sprites.sprite(maps, columns=2, cell=252, gap=8, shared=True, signed=signed)
    read = blocks.bar(float(np.abs(maps).max()), 2, signed)
    strongest = Panel(sprite, f"The strongest of {len(order)}: {names}", f"Feature maps {names}", bars=(read,))
    blocks.compare([strongest], smooth=False, columns=1, room=blocks.MAIN_ROOM)


# 5. Guided Grad-CAM for two classes.


def factors(view: View, other: int, linked: bool) -> None:
    """Factor, factor, product; each for the view's class and beside it for the class `other`.

    Args:
        linked: one scale for both classes.
    """
    both = view, cache.look(view, target=other)
    titles = {"guided_backprop": "Guided", "grad_cam": "× Grad-CAM", "guided_grad_cam": "= the product"}
    panels, alike, said = list[Panel](), [], []
    for method, title in titles.items():
        pair = [cache.attribution(one, method) for one in both]
        values = [np.asarray(result.values) for result in pair]
        if method == "grad_cam":
            size = (view.net.input_size,) * 2
            values = [cam.upsample(torch.from_numpy(v)[None], size)[0].numpy() for v in values]
        photo = view.picture if method == "grad_cam" else None
        unit = "raw value of the map" if photo else ""
        for v, one in zip(values, both, strict=True):
            caption = f"{title}, {one.class_name}"
            panels.append(Panel(v, caption, photo=photo, signed=photo is None, group=method, unit=unit))
        alike.append(compare.correlation(*values))
        said += [pair[0]] if method == "guided_backprop" else []
    blocks.compare(panels, columns=6, share=linked, gain=2, room=blocks.MAIN_ROOM)
    for column, same in zip(st.columns(3), alike, strict=True):
        with column:
            words.say("how alike the two classes are", same="not defined" if same is None else f"{same:.2f}")
    for result in said:
        prose.notes(result)


# 6. Methods side by side.


def works_table(since: int) -> None:
    """The works since that year; those that run here are marked."""
    known = [work for work in papers.WORKS if work.family in FAMILIES and work.year >= since]
    st.html(tables.papers_table(known, [work.key for work in known if work.method in methods.METHODS]))


def runnable() -> dict[str, Work]:
    """The works whose class activation maps can be made here, by name, newest first."""
    known = [work for work in papers.WORKS if work.family == "cam" and work.method in methods.METHODS]
    return {work.name: work for work in sorted(known, key=lambda work: -work.year)}


def side_by_side(view: View, works: Sequence[Work]) -> None:
    """The maps of the works' methods for the view's class, each on its own scale; a sentence where one cannot run."""
    panels, runs = [], [(work, work.method) for work in works if work.method]
    for work, method in runs:
        try:
            result = cache.attribution(view, method, layer=_layer(view, method))
        except ValueError as error:
            st.info(f"{work.name}: {error}", icon=":material/info:")
            continue
        caption = f"{work.name} ({work.year}), up to {number(float(result.values.max()))}"
        alt = f"{caption}: {view.class_name} in {view.title}"
        panels.append(Panel(result, caption, alt, view.picture))
    if panels:
        blocks.compare(panels, share=False, columns=min(4, max(2, len(panels))), room=blocks.MAIN_ROOM)
    if not runs:
        st.caption(words.text("no method is chosen"))
    with st.container(key="timeline_links", horizontal=True):
        for work, method in runs:
            shell.link("timeline", words.text("link to the timeline", name=work.name), method=method)


def _layer(view: View, method: str) -> str | None:
    """The layer a method looks at here: the last maps that are not yet the classes; None for a method that has none."""
    takes = any(param.kind == "layer" for param in methods.METHODS[method].params)
    return model_layers.last_features(view.net) if takes else None


# The written parts.


def explain(view: View, topic: Question, functions: Sequence[Callable], method: str | None) -> None:
    """The answer, what to notice, an exercise with its answer, links to the question's pages, and the folded sections.

    Args:
        functions: what computed the figure. method: the registered one whose short program is shown, if any.
    """
    st.header("The answer", anchor=False)
    st.markdown(topic.answer, unsafe_allow_html=True)
    prose.explain(topic.notice, topic.misleads)
    question, answer = topic.check
    words.part("Check yourself", question=question)
    with st.expander("Answer", type="compact"):
        st.markdown(answer)
    with st.container(key="pages", horizontal=True):
        for stem in topic.pages:
            shell.link(stem)
    snippet = ""
    if method and (view.net.cam_layer or method == "guided_backprop"):
        snippet = prose.snippet(view, method, layer=_layer(view, method))
    prose.more(formula=topic.formula, steps=topic.steps, functions=functions, snippet=snippet, sources=topic.sources)
