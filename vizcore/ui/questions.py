"""Cached computations of the questions page, and the choice of one question."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from vizcore.ui import cache, prose, sheet, shell, units
from vizcore.ui.cache import View
from vizcore.ui.glossary import term
from vizcore.ui.progress import working
from vizcore.ui.state import bound_value

if TYPE_CHECKING:
    from torch import Tensor

    from vizcore.chain_rule import TwoPieces
    from vizcore.models import Layer, Net
    from vizcore.questions import Question
    from vizcore.top_patches import Hit


def choose(titles: Sequence[str], key: str = "q") -> int:
    """A row of buttons; the question's number, from 1, is in the address: other pages link to `?q=4`."""
    numbers = [str(n) for n in range(1, len(titles) + 1)]
    st.session_state["pick_q"] = bound_value(key, numbers)

    def take() -> None:
        st.session_state[key] = st.session_state["pick_q"]

    return int(
        st.segmented_control(
            "Question", numbers, format_func=lambda n: f"{n} {titles[int(n) - 1]}", key="pick_q", on_change=take,
            required=True, label_visibility="collapsed",
        )
    )  # fmt: skip


class _Words(dict):
    def __missing__(self, name: str) -> str:
        return term(name)


def explained(text: str) -> str:
    """The text with every {word} of the glossary replaced by the word and its explanation, as HTML."""
    return text.format_map(_Words())


# 1. The gradient of a neuron in two pieces.


@st.cache_data(max_entries=64, max_size="200MB", show_spinner=False)
def _two_pieces(model: str, digest: str, layer: str, middle: str, _net: "Net", _x: "Tensor") -> tuple:
    from vizcore import chain_rule

    pieces = chain_rule.two_pieces(_net, _x, layer, middle)
    tensors = {name: value.cpu() for name, value in pieces._asdict().items() if hasattr(value, "cpu")}
    return tuple(pieces._replace(**tensors))


def two_pieces(view: View, layer: str, middle: str) -> "TwoPieces":
    """Gradient of the layer's strongest neuron, in one go and through the middle layer; cached for all."""
    from vizcore.chain_rule import TwoPieces

    with working("Going back in two pieces"):
        return TwoPieces(*_two_pieces(view.model, view.digest, layer, middle, view.net, view.x))


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
    from vizcore import activation_maximization, top_patches

    start = activation_maximization.before_relu(view.net, layer)
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


@st.cache_data(max_entries=64, show_spinner=False)
def _alike(places: tuple, layer: str, pair: tuple[int, int], rule: str | None, model: str, _found: Depth) -> float:
    from vizcore import sanity

    found = []
    for one, two, (top, left, bottom, right) in zip(_found.drawn, _found.beside, _found.boxes, strict=True):
        inside = slice(max(top, 0), bottom), slice(max(left, 0), right)
        found.append(sanity.spearman(one[:, *inside], two[:, *inside]))
    return float(np.nanmean(found)) if not np.isnan(found).all() else float("nan")


def alike(view: View, found: Depth, rule: str | None) -> float:
    """Mean rank correlation of what two units of a layer draw in the same patches; NaN without an order."""
    places = tuple((hit.picture, hit.cell) for hit in found.hits)
    return _alike(places, found.layer.name, (found.unit, found.other), rule, view.model, found)


def depth_column(view: View, found: Depth, stage: str, rule: str) -> None:
    """A unit's best patches and what is drawn back from it, as two sheets; `stage` and `rule` as people read them."""
    from vizcore import atlas, field_figures, render, top_patches

    source, side = top_patches.collection(view.net), found.layer.receptive_field.size
    opened = (view.net.crop(source.open(hit.picture)) for hit in found.hits)
    patches = [top_patches.cut(picture, box) for picture, box in zip(opened, found.boxes, strict=True)]
    drawn = field_figures.gradient_patches(found.drawn, found.boxes)
    labels = [f"{source.titles[hit.picture]}: {render.number(hit.value)}" for hit in found.hits]
    st.subheader(f"{stage}: sees {side} × {side} pixels", anchor=False)
    for tiles, kind in ((patches, "Patches"), (drawn, rule)):
        sprite, layout = atlas.atlas(field_figures.tiles(tiles, 160))
        alt = f"{kind} of unit {found.unit} of {found.layer.name}: {'; '.join(labels)}"
        sheet.tiles(render.encode(sprite), layout, labels, f"{stage}_{kind}", smooth=True, largest=98, alt=alt)
    shown = found.boxes[0][2] - found.boxes[0][0]
    st.caption(
        f"Unit {found.unit} of {found.layer.name}: your picture reaches {100 * found.share:.0f} % of the mean of its "
        f"nine best. Patches above, {rule.lower()} below."
        + ("" if shown == side else f" Shown: {shown} × {shown} pixels around the cell.")
    )


# The written parts.


def explain(topic: "Question") -> None:
    """What to notice, an exercise with its answer, links to the question's pages, and the folded sections."""
    prose.explain([explained(text) for text in topic.notice], [explained(text) for text in topic.misleads])
    st.header("Check yourself", anchor=False)
    question, answer = topic.check
    st.markdown(question)
    with st.expander("Answer", type="compact"):
        st.markdown(answer)
    with st.container(key="pages", horizontal=True):
        for stem, label in topic.links:
            shell.link(stem, label)
    prose.more(
        formula=topic.formula, steps=[explained(step) for step in topic.steps], functions=topic.functions,
        sources=topic.sources,
    )  # fmt: skip
