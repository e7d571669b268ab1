"""Cached computations of the questions page, and the choice of one question."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from vizcore.ui import blocks, cache, prose, shell, units
from vizcore.ui.address import bound_value
from vizcore.ui.components import tiles
from vizcore.ui.view import View

if TYPE_CHECKING:
    from vizcore.content.papers import Work
    from vizcore.content.questions import Question
    from vizcore.inspection.cam_steps import Unrolled
    from vizcore.inspection.chain_rule import TwoPieces
    from vizcore.inspection.top_patches import Hit
    from vizcore.models import Layer


def choose(titles: Sequence[str], key: str = "q") -> int:
    """A row of buttons; the question's number, from 1, is in the address: other pages link to `?q=4`."""
    numbers = [str(n) for n in range(1, len(titles) + 1)]
    st.session_state["pick_q"] = bound_value(key, numbers)

    def take() -> None:
        st.session_state[key] = st.session_state["pick_q"]

    return int(
        st.segmented_control(
            "Question",
            numbers,
            format_func=lambda n: f"{n} {titles[int(n) - 1]}",
            key="pick_q",
            on_change=take,
            required=True,
            label_visibility="collapsed",
        )
    )


# 1. The gradient of a neuron in two pieces.


@cache.per_picture(entries=64, size="60MB", step="Going back in two pieces")
def two_pieces(view: View, layer: str, middle: str) -> "TwoPieces":
    """Gradient of the layer's strongest neuron, in one go and through the middle layer; cached for all."""
    from vizcore.inspection import chain_rule

    pieces = chain_rule.two_pieces(view.net, view.x, layer, middle)
    return pieces._replace(**{name: v.cpu() for name, v in pieces._asdict().items() if hasattr(v, "cpu")})


def pieces(view: View, found: "TwoPieces", middle: str) -> None:
    """What the neuron sees, the first piece, the second, and the gradient in one go; then how far they agree."""
    from vizcore.figures import patches as patch_figures
    from vizcore.figures.render import number

    field = view.net.layer(found.layer).receptive_field
    whole = field is None or field.size > view.net.input_size
    box = None if whole else field.box(*found.cell)
    seen = patch_figures.with_boxes(view.picture, view.net.input_size, [(box, patch_figures.THEORY)])
    length = np.sqrt((found.middle.numpy() ** 2).sum(0))
    sees = "the whole picture" if whole else f"{field.size} × {field.size} pixels: the box"
    blocks.compare(
        [
            blocks.Panel(seen, f"The neuron can see {sees}"),
            blocks.Panel(length, f"First piece: its gradient at {middle}, length over the maps", signed=False),
            blocks.Panel(found.chained.numpy(), "Second piece: from there to the picture", signed=True),
            blocks.Panel(found.direct.numpy(), "In one go", signed=True),
        ],
        smooth=False,
    )
    paths = "All paths lead through the middle layer."
    if found.around is not None:
        paths = "Some paths avoid the middle layer; what they carry is added to the second piece."
    equal = f"The two ways differ by at most {number(found.gap)} of the largest gradient."
    if found.gap == 0:
        equal = "The two ways give the same numbers, to the last bit."
    st.markdown(
        f"The strongest neuron of {found.layer} is in map {found.channel}, row {found.cell[0]}, column "
        f"{found.cell[1]}: {number(found.value)}. {paths} **{equal}**"
    )


# 3. Units of three depths of a VGG.


class Depth(NamedTuple):
    """One unit of one layer, with the pictures that excite it most.

    Attributes:
        layer: what the unit belongs to. unit, other: its number, and that of the next best one.
        share: its strongest cell on the visitor's picture, as a share of the mean of its best pictures.
        hits, boxes: the best pictures and the patch of each; boxes are (top, left, bottom, right).
        drawn: (N, C, H, W) gone back from the unit. beside: the same cells, gone back from `other`.
    """

    layer: "Layer"
    unit: int
    other: int
    share: float
    hits: "tuple[Hit, ...]"
    boxes: list[tuple[int, int, int, int]]
    drawn: np.ndarray
    beside: np.ndarray


def vgg(view: View) -> View:
    """The visitor's picture in VGG-16 where its weights are on this computer, else in the miniature VGG."""
    from vizcore import models

    model = "vgg16" if models.MODELS["vgg16"].file() else "mini_vgg"
    net = cache.load_net(model)
    return cache.make_view(model, net, view.image, view.digest, view.title, view.alt)


def depth(view: View, layer: str, rank: int, rule: str | None) -> Depth:
    """The unit of a layer that the picture excites most, measured by the unit's own best pictures.

    Args:
        rank: 0 for the best such unit, 1 for the next.
        rule: "deconvnet", "guided", or None for the plain gradient.
    """
    from vizcore.inspection import top_patches
    from vizcore.models import layers as model_layers

    start = model_layers.before_relu(view.net, layer)
    index = units.top_index(view, "gallery")
    best = index.rankings[start].values.mean(1)
    own = cache.feature_maps(view, start).max((1, 2))
    shares = np.where(best > 0, own / np.maximum(best, 1e-12), 0)
    order = np.argsort(-shares, kind="stable")
    unit, other = int(order[rank]), int(order[rank + 1])
    item, hits = view.net.layer(layer), index.top(view.net, start, unit)
    boxes = [top_patches.patch_box(view.net, item, hit.cell) for hit in hits]
    drawn, beside = (units.backward(view, "gallery", hits, layer, k, rule) for k in (unit, other))
    return Depth(item, unit, other, float(shares[unit]), hits, boxes, drawn, beside)


def alike(view: View, found: Depth, rule: str | None) -> float:
    """Mean rank correlation of what two units of a layer draw in the same patches; NaN without an order."""
    places = tuple((hit.picture, hit.cell) for hit in found.hits)
    return _alike(view, places, found.layer.name, (found.unit, found.other), rule, found)


@cache.per_network(entries=64)
def _alike(view: View, places: tuple, layer: str, pair: tuple[int, int], rule: str | None, _found: Depth) -> float:
    from vizcore.evaluation import compare

    found = []
    for one, two, (top, left, bottom, right) in zip(_found.drawn, _found.beside, _found.boxes, strict=True):
        inside = slice(max(top, 0), bottom), slice(max(left, 0), right)
        found.append(compare.spearman(one[:, *inside], two[:, *inside]))
    return float(np.nanmean(found)) if not np.isnan(found).all() else float("nan")


def depth_column(view: View, found: Depth, stage: str, rule: str) -> None:
    """A unit's best patches and what is drawn back from it, as two sheets; `stage` and `rule` as people read them."""
    from vizcore.figures import patches as patch_figures
    from vizcore.figures import render, sprites
    from vizcore.images.collection import cut, open_collection

    source, side = open_collection(channels=view.net.channels), found.layer.receptive_field.size
    opened = (view.net.crop(source.open(hit.picture)) for hit in found.hits)
    patches = [cut(picture, box) for picture, box in zip(opened, found.boxes, strict=True)]
    drawn = patch_figures.gradient_patches(found.drawn, found.boxes)
    labels = [f"{source.titles[hit.picture]}: {render.number(hit.value)}" for hit in found.hits]
    st.subheader(f"{stage}: sees {side} × {side} pixels", anchor=False)
    for pictures, kind in ((patches, "Patches"), (drawn, rule)):
        sprite, layout = sprites.atlas(patch_figures.tiles(pictures, 160))
        alt = f"{kind} of unit {found.unit} of {found.layer.name}: {'; '.join(labels)}"
        tiles(render.encode(sprite), layout, labels, f"{stage}_{kind}", smooth=True, largest=98, alt=alt)
    shown = found.boxes[0][2] - found.boxes[0][0]
    st.caption(
        f"Unit {found.unit} of {found.layer.name}: your picture reaches {100 * found.share:.0f} % of the mean of its "
        f"nine best. Patches above, {rule.lower()} below."
        + ("" if shown == side else f" Shown: {shown} × {shown} pixels around the cell.")
    )


# 4. Grad-CAM in one row.


def four_steps(view: View, steps: "Unrolled", order: Sequence[int], total: np.ndarray, opacity: float) -> None:
    """Maps, weights, their (h, w) sum and the overlay, side by side; `order` has the strongest map first."""
    from vizcore.figures import bars as bar_figures
    from vizcore.figures import sprites as sprites_

    columns = st.columns(4)
    maps = steps.activations[order[:4]].cpu().numpy()
    signed = bool(maps.min() < 0)
    with columns[0]:
        st.subheader("1 Maps", anchor=False)
        sprite, _ = sprites_.sprite(maps, columns=2, cell=252, gap=8, shared=True, signed=signed)
        numbers = ", ".join(str(k) for k in order[:4])
        blocks.image(sprite, f"The strongest of {len(order)}: {numbers}", f"Feature maps {numbers}", smooth=False)
        st.html(blocks.scale(float(np.abs(maps).max()), 2, signed))
    with columns[1]:
        st.subheader("2 Weights", anchor=False)
        st.html(bar_figures.weight_column(order[:6], steps.weights[order[:6]].cpu().numpy()))
        st.caption("α of the strongest maps; a map's number stands at the left")
    above = f"Grad-CAM, {view.class_name}"
    drawn = (
        ("3 Weighted sum", blocks.Panel(total, "Red speaks for the class, blue against", "Weighted sum", None, True)),
        ("4 ReLU, enlarged", blocks.Panel(total.clip(0), above, above, view.picture, False, opacity)),
    )
    for column, (title, panel) in zip(columns[2:], drawn, strict=True):
        with column:
            st.subheader(title, anchor=False)
            blocks.compare([panel], columns=1, smooth=panel.photo is not None)


# 6. Methods side by side.


def side_by_side(view: View, works: "Sequence[Work]") -> None:
    """The maps of the works' methods for the view's class, each on its own scale; a sentence where one cannot run."""
    from vizcore.figures.render import number

    panels = []
    for work in works:
        try:
            result = cache.attribution(view, work.method)
        except ValueError as error:
            st.info(f"{work.name}: {error}", icon=":material/info:")
            continue
        caption = f"{work.name} ({work.year}), up to {number(float(result.values.max()))}"
        alt = f"{caption}: {view.class_name} in {view.title}"
        panels.append(blocks.Panel(result, caption, alt, view.picture))
    if panels:
        blocks.compare(panels, share=False, columns=min(4, max(2, len(panels))))


# The written parts.


def explain(view: View, topic: "Question", functions: Sequence[Callable], method: str | None) -> None:
    """What to notice, an exercise with its answer, links to the question's pages, and the folded sections.

    Args:
        functions: what computed the figure. method: the registered one whose short program is shown, if any.
    """
    prose.explain(topic.notice, topic.misleads)
    st.header("Check yourself", anchor=False)
    question, answer = topic.check
    st.markdown(question)
    with st.expander("Answer", type="compact"):
        st.markdown(answer)
    with st.container(key="pages", horizontal=True):
        for stem in topic.pages:
            shell.link(stem)
    snippet = ""
    if method and (view.net.cam_layer or method == "guided_backprop"):
        snippet = prose.snippet(view, method)
    prose.more(formula=topic.formula, steps=topic.steps, functions=functions, snippet=snippet, sources=topic.sources)
