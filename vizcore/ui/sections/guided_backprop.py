"""The figures of the page on guided backpropagation."""

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from vizcore.evaluation import compare
from vizcore.figures import bars as bar_figures
from vizcore.inspection import signs
from vizcore.inspection.signs import Signs
from vizcore.methods import relu_rules
from vizcore.types import INPUT
from vizcore.ui import blocks, cache, prose
from vizcore.ui.blocks import Panel
from vizcore.ui.view import View

words = prose.words(__file__)
GAIN = 2  # of the small pictures, and where the visitor begins


# Both signs.


@cache.per_class(entries=96, size="60MB", step="Going back to the picture, by each rule")
def _on_the_way(view: View, rule: str | None) -> dict[str, np.ndarray]:
    return signs.on_the_way(view.net, view.x, view.target, rule)


@cache.per_class(entries=256)
def _shares(view: View, rule: str | None) -> dict[str, Signs]:
    return {place: signs.signs(gradient) for place, gradient in _on_the_way(view, rule).items()}


def places(view: View) -> dict[str, str]:
    """Where the gradient can be looked at, by titles: the picture, and the first ReLU where the network has one."""
    first = signs.first_relu(view.net)
    return {"Picture": INPUT} | ({"First ReLU": first} if first else {})


def both_signs(view: View, after: str, place: str) -> None:
    """The parts of a class's gradient that increase and that decrease the score, before and after a rule.

    Args:
        after: the rule, by its title. place: "input", or the layer right before the first ReLU.
    """
    found = {title: _on_the_way(view, rule)[place] for title, rule in relu_rules.TITLES.items()}
    panels = [
        Panel(part, f"{title}: {what}", f"{title} of {view.title}: {what}", signed=False, group=title)
        for title in ("Gradient", after)
        for part, what in zip(signs.parts(found[title]), ("increases", "decreases"), strict=True)
    ]
    blocks.compare(panels, smooth=False, clip=99.5, unit="size, added up over colours or maps", room=blocks.MAIN_ROOM)


def shares(view: View) -> None:
    """How much of the gradient increases the score, by count and by size, after each rule."""
    rows = [
        (f"{title}, {where}", _shares(view, rule)[name])
        for where, name in zip(("at the picture", "at the first ReLU"), places(view).values(), strict=False)
        for title, rule in relu_rules.TITLES.items()
    ]
    st.html(bar_figures.sign_bars(rows, ("", "Numbers", "Size")))
    st.caption(words.text("what is counted", name=view.class_name))


def seen(view: View) -> str:
    """What the signs say, before and after guided backpropagation, at the first ReLU and at the picture."""
    plain, guided = (_shares(view, rule) for rule in (None, "guided"))
    down = [f"{100 * found[INPUT].size_down:.0f}" for found in (plain, guided)]
    first = signs.first_relu(view.net)
    if first is None:
        return words.text("signs at the picture", plain=down[0], guided=down[1])
    return words.text(
        "signs at the first ReLU and at the picture",
        first=f"{100 * plain[first].size_down:.0f}",
        after=f"{100 * guided[first].size_down:.0f}",
        plain=down[0],
        guided=down[1],
    )


def early(view: View) -> str:
    """How alike the plain and the guided gradient of a unit right before the first ReLU are, on this picture."""
    name = signs.first_relu(view.net)
    if name is None or not view.net.layer(name).spatial:
        return words.text("no early unit")
    unit = int(cache.feature_maps(view, name).max((1, 2)).argmax())
    alike = compare.correlation(*(cache.unit_gradient(view, name, unit, rule) for rule in (None, "guided")))
    said = "undefined" if alike is None else compare.in_words(alike)
    return words.text("an early unit", unit=unit, layer=name, alike=said)


# The three rules.


def three_rules(view: View, shared: bool, gain: float, of: tuple[str, int] | None = None) -> None:
    """The picture by the three rules, and what they cannot do here.

    Args:
        shared: one scale for all three. gain: how strong they are drawn.
        of: a layer and its unit to explain; the view's class when omitted.
    """
    if of is None:
        name = f"“{view.class_name}”"
        deconvnet, guided = (cache.attribution(view, method) for method in ("deconvnet", "guided_backprop"))
        pictures, notes = [cache.input_gradient(view), deconvnet.values, guided.values], deconvnet.meta["notes"]
    else:
        name = f"unit {of[1]}"
        pictures = [cache.unit_gradient(view, *of, rule) for rule in relu_rules.TITLES.values()]
        silent = [] if pictures[0].any() else [words.text("a silent unit")]
        notes = relu_rules.notes(view.net, "deconvnet", "unit") + silent
    titles = "Gradient", "Deconvnet", "Guided backpropagation"
    panels = [
        Panel(values, f"{title}, {name}", f"{title} of {view.title} for {name}", signed=True)
        for title, values in zip(titles, pictures, strict=True)
    ]
    blocks.compare(panels, share=shared, gain=gain)
    for note in notes:
        st.info(note, icon=":material/info:")


def two_classes(both: tuple[View, View]) -> None:
    """Guided backpropagation and, where there are maps, Grad-CAM for two classes of one picture."""
    view = both[0]
    methods = {"Guided backpropagation": "guided_backprop"}
    if view.net.cam_layer:
        methods["Grad-CAM"] = "grad_cam"
    found = {title: [cache.attribution(v, method) for v in both] for title, method in methods.items()}
    panels = []
    for title, pair in found.items():
        captions = [f"{title}, “{v.class_name}”" for v in both]
        photo = view.picture if title == "Grad-CAM" else None
        panels += [Panel(p, c, c, photo, group=title) for p, c in zip(pair, captions, strict=True)]
    blocks.compare(panels, columns=4, gain=GAIN)
    values = {title: [p.values for p in pair] for title, pair in found.items()}
    _correlations(" and ".join(f"“{v.class_name}”" for v in both), {"Gradient": _gradients(both)} | values)


def random_weights(both: tuple[View, View]) -> None:
    """The same picture and class with trained and with random weights."""
    guided = [cache.attribution(v, "guided_backprop").values for v in both]
    pairs = {"Guided backpropagation": guided, "Gradient": _gradients(both)}
    panels = [
        Panel(values, f"{title}, {weights}", f"{title} for {both[0].class_name}, {weights} weights", signed=True)
        for title, pair in pairs.items()
        for values, weights in zip(pair, ("trained", "random"), strict=True)
    ]
    blocks.compare(panels, share=False, gain=GAIN)
    trained, random = (v.net.categories[v.top(1)[0]] for v in both)
    st.caption(words.text("top predictions", trained=trained, random=random))
    _correlations("trained and random weights", pairs)


def _gradients(views: Sequence[View]) -> list[np.ndarray]:
    """The plain gradients of the views' classes."""
    return [cache.input_gradient(view) for view in views]


def _correlations(of: str, pairs: Mapping[str, Sequence[np.ndarray]]) -> None:
    """One number per method: how alike its two pictures are."""
    words.say("how alike the pictures are", of=of)
    for column, (title, (one, other)) in zip(st.columns(3), pairs.items(), strict=False):
        column.metric(title, compare.in_words(cache.rank_correlation(one, other)))
