"""What the page of the CNN explainer shows: the network to show, its figure, and the parts that Python draws."""

from typing import NamedTuple

import numpy as np
import streamlit as st

from vizcore import images
from vizcore.evaluation import compare
from vizcore.figures import tables
from vizcore.figures.bars import percent
from vizcore.figures.render import colorize, data_uri, number, signed
from vizcore.inspection import explainer
from vizcore.inspection.explainer import RULES, Explained, Stage
from vizcore.types import OtherNetworkError
from vizcore.ui import address, blocks, cache, components, digits, picture, prose, widgets
from vizcore.ui.components.explainer import KEYS, encode
from vizcore.ui.components.playground import KEYS as OF_PLAYGROUND
from vizcore.ui.view import View

OWN = "digits_cnn"
TITLES = {"backprop": "Backprop", "deconvnet": "Deconvnet", "guided": "Guided"}
words = prose.words(__file__)


# The network, the digit, the numbers.


@cache.per_network(entries=64)
def _refusal(view: View) -> str:
    try:
        explainer.check(view.net)
    except OtherNetworkError as error:
        return str(error)
    return ""


class Chosen(NamedTuple):
    """What is shown: a network on a picture, why it is not the sidebar's network, and the place of the figure."""

    view: View
    refusal: str
    place: st.delta_generator.DeltaGenerator


def choose(view: View) -> Chosen:
    """The sidebar's network, or where that cannot be taken apart the digit network; with a pad beside the figure."""
    refusal = _refusal(view)
    with st.container(key="explainer_row", horizontal=True, gap="small"):
        if refusal or picture.for_digits(view.net):
            _pad(own=bool(refusal))
        place = st.container(key="explainer_figure")
    if not refusal:
        return Chosen(view, "", place)
    digit = digits.chosen()
    image = digits.picture(digit)
    net, alt = cache.load_net(OWN), f"Handwritten: {digit.title}"
    return Chosen(cache.make_view(OWN, net, image, images.digest(image), digit.title, alt), refusal, place)


def _pad(own: bool) -> None:
    """A pad to draw on; and where the sidebar has no digit (`own`), the number of a test digit."""
    with st.container(key="explainer_pad", width=130):
        place = st.container(key="explainer_draw")
        if own:
            digits.number()  # before the pad, which shows a ring while the drawing is what is chosen
        with place:
            st.caption(words.text("draw one"))
            digits.pad("pad")


def place_of_digit() -> int:
    """Where the digit stands among the test digits; for a drawing the first."""
    return digits.chosen().place or 0


@cache.per_class(entries=48, size="60MB", step="Taking the network apart")
def explained(view: View) -> Explained:
    """All numbers of the view's network for its picture and class."""
    return explainer.explain(view.net, view.x, view.target)


@cache.per_class(entries=48, size="60MB")
def _buffer(view: View) -> bytes:
    return encode(explained(view), tuple(view.net.categories), view.title)


# The figure.


def figure(view: View) -> None:
    """The network; where it stands is in the address, and nothing is asked of the server."""
    address.leave_to_the_browser(*KEYS)
    count, settings = st.session_state.get("explainer_show", (0, {}))
    components.explainer("explainer", _buffer(view), settings, count)


def keep_playground() -> None:
    """What the playground shows stands in the address, written by itself."""
    address.leave_to_the_browser(*OF_PLAYGROUND)


def show_me(key: str, focus: str, way: str) -> None:
    """A button that brings the figure to a place."""
    if st.button(words.text("show me"), key=key, icon=":material/visibility:"):
        count, _ = st.session_state.get("explainer_show", (0, {}))
        st.session_state["explainer_show"] = count + 1, {"focus": focus, "way": way}
        st.rerun()


# The three rules, counted.


class Meeting(NamedTuple):
    """A number at a ReLU about which the rules differ: its input, and the gradient that arrives."""

    at: int
    unit: int
    row: int
    column: int
    value: float
    gradient: float


def _relus(data: Explained) -> list[int]:
    return [at for at, stage in enumerate(data.stages) if stage.kind == "relu"]


def _open(data: Explained, at: int) -> np.ndarray:
    """Where the ReLU of this stage lets its input through."""
    inputs = data.stages[at - 1].values
    return (inputs > 0) & (inputs < data.stages[at].ceiling)


def meeting(data: Explained, closed: bool) -> Meeting | None:
    """The strongest number that deconvnet sends on and backprop does not (`closed`), or the other way round."""
    best: Meeting | None = None
    for at in _relus(data):
        arriving, through = data.stages[at].gradients["backprop"], _open(data, at)
        strength = np.where(~through & (arriving > 0), arriving, 0) if closed else np.where(through, -arriving, 0)
        if strength.max() > (abs(best.gradient) if best else 0):
            index = np.unravel_index(int(strength.argmax()), strength.shape)
            unit, row, column = (*map(int, index), 0, 0)[:3]
            best = Meeting(at, unit, row, column, float(data.stages[at - 1].values[index]), float(arriving[index]))
    return best


def rules(data: Explained) -> None:
    """A table of what each rule sends on at each ReLU, and two numbers about which they differ."""
    rows = []
    for at in _relus(data):
        arriving, through = data.stages[at].gradients["backprop"], _open(data, at)
        there = arriving != 0
        sent = {"backprop": there & through, "deconvnet": arriving > 0, "guided": through & (arriving > 0)}
        row: dict[str, str | int] = {"ReLU": data.stages[at].name, "gradients that arrive": int(there.sum())}
        rows.append(row | {TITLES[rule]: int(sent[rule].sum()) for rule in RULES})
    if not rows:
        words.say("no kernel to ask about")
        return
    st.table({name: [row[name] for row in rows] for name in rows[0]}, width="content")
    for column, closed in zip(st.columns(2, gap="large"), (True, False), strict=True):
        with column:
            _one_meeting(data, closed)


def _one_meeting(data: Explained, closed: bool) -> None:
    found = meeting(data, closed)
    if not found:
        words.say("no such number")
        return
    before = data.stages[found.at - 1]
    words.say(
        "the rules at a number",
        layer=data.stages[found.at].name,
        unit=found.unit,
        row=found.row,
        column=found.column,
        value=signed(found.value),
        gradient=signed(found.gradient),
        who="deconvnet alone sends it on" if closed else "backprop alone sends it on",
    )
    focus = f"{before.name}:{found.unit}:{found.row}:{found.column}:-1"
    show_me(f"show_{'closed' if closed else 'negative'}", focus, "backprop")


# Controls: another class, and random weights.


def controls(view: View) -> None:
    """The three gradients at the pixels: of the class, of the runner-up, and with random weights."""
    other = cache.look(view, target=view.runner_up)
    random = cache.randomized(view, next(layer.name for layer in view.net.layers if layer.kind in ("conv", "linear")))
    several = {
        f"“{view.class_name}”": explained(view),
        f"“{other.class_name}”, the runner-up": explained(other),
        f"“{view.class_name}”, random weights": explained(random),
    }
    pictures = {(title, rule): data.stages[0].gradients[rule] for title, data in several.items() for rule in RULES}
    shown = widgets.segmented_control("Way back through each ReLU", list(TITLES.values()), key="sent_by")
    rule = next(rule for rule, title in TITLES.items() if title == shown)
    panels = [blocks.Panel(pictures[title, rule], f"{shown}: {title}", signed=True) for title in several]
    blocks.compare(panels, smooth=False, share=False, unit="gradient of the logit", room=560)
    mine, its, by_chance = several

    def alike(title: str, rule: str) -> str:
        found = compare.correlation(pictures[mine, rule], pictures[title, rule])
        return "no number" if found is None else f"{found:.2f}".replace("-", "−")

    words.say(
        "how alike they are",
        other=other.class_name,
        plain=alike(its, "backprop"),
        random=alike(by_chance, "backprop"),
        deconvnet=alike(its, "deconvnet"),
        deconvnet_random=alike(by_chance, "deconvnet"),
        guided=alike(its, "guided"),
        guided_random=alike(by_chance, "guided"),
    )


# Questions with answers that are checked.


def questions(data: Explained) -> None:
    """A size, a number of weights, and a rule."""
    words.say("question: size")
    answer = widgets.number_input("Rows of the output", 0, 99, 0, key="answer_size", width=180)
    if answer == 14:
        st.success(words.text("size right"))
    elif answer == 13:
        st.warning(words.text("size without the last one"))
    elif answer == 28:
        st.warning(words.text("size without the stride"))
    elif answer:
        st.warning(words.text("size wrong", answer=answer))
    convolutions = [stage for stage in data.stages if stage.kind == "conv"]
    found = meeting(data, closed=True)
    if not convolutions or not found:
        words.say("no kernel to ask about")
        return
    _weights_question(convolutions[min(1, len(convolutions) - 1)])
    _rules_question(data, found)


def _weights_question(stage: Stage) -> None:
    assert stage.weight is not None
    maps, incoming, height, width = stage.weight.shape
    name, weights = stage.name, stage.weight.size
    words.say("question: weights", layer=name, incoming=incoming, maps=maps, height=height, width=width)
    answer = widgets.number_input("Numbers learned", 0, 9_999_999, 0, key="answer_weights", width=180)
    if answer == weights + maps:
        said = words.text("weights right", maps=maps, incoming=incoming, height=height, width=width, weights=weights)
        st.success(said)
    elif answer == weights:
        st.warning(words.text("weights without biases", maps=maps))
    elif answer in (maps * height * width, maps * height * width + maps) and incoming > 1:
        st.warning(words.text("weights of one sheet", height=height, width=width, incoming=incoming))
    elif answer:
        st.warning(words.text("weights wrong", answer=answer))


def _rules_question(data: Explained, found: Meeting) -> None:
    name, value, gradient = data.stages[found.at].name, signed(found.value), signed(found.gradient)
    words.say("question: rules", layer=name, value=value, gradient=gradient)
    options = ["no answer yet", "all three", "Backprop alone", "Deconvnet alone", "Guided alone", "none"]
    answer = widgets.segmented_control("Who sends it on", options, key="answer_rules")
    why = f"the input {value} is not above 0, so backprop and guided stop; deconvnet asks only for a gradient above 0"
    if answer == "Deconvnet alone":
        st.success(words.text("rules right", why=why))
    elif answer != options[0]:
        st.warning(words.text("rules wrong", why=why))


# On paper: without the browser's part.


def on_paper(data: Explained) -> None:
    """A table of all layers with their maps and gradients, and one convolution forward and back in numbers."""
    st.html(_sheet(data))
    at = next((at for at, stage in enumerate(data.stages) if stage.kind == "conv"), None)
    if at is None:
        words.say("no kernel to ask about")
        return
    place = asked(data)
    at, unit, row, column = place or (at, *_strongest(data.stages[at].values))
    for column_of_page, step in zip(st.columns(2, gap="large"), (_step_forward, _step_back), strict=True):
        with column_of_page:
            step(data, at, unit, row, column)


def asked(data: Explained) -> tuple[int, int, int, int] | None:
    """The cell of a convolution that the address names, as (stage, map, row, column); None where it names none."""
    name, *numbers = (address.asked("focus") or "").rsplit(":", 4)
    at = next((at for at, stage in enumerate(data.stages) if stage.name == name and stage.kind == "conv"), None)
    if at is None or len(numbers) != 4 or not all(text.lstrip("-").isdigit() for text in numbers):
        return None
    unit, row, column = map(int, numbers[:3])
    sides = data.stages[at].values.shape
    inside = all(0 <= place < count for place, count in zip((unit, row, column), sides, strict=True))
    return (at, unit, row, column) if inside else None


def _strongest(maps: np.ndarray) -> tuple[int, int, int]:
    unit, row, column = map(int, np.unravel_index(int(maps.argmax()), maps.shape))
    return unit, row, column


def _step_forward(data: Explained, at: int, unit: int, row: int, column: int) -> None:
    stage, terms = data.stages[at], explainer.products(data, at, unit, (row, column))
    sheets = (terms.numbers * terms.weights).sum((1, 2))
    best = int(np.abs(sheets).argmax())
    words.say(
        "the step forward",
        layer=stage.name,
        unit=unit,
        row=row,
        column=column,
        maps=len(sheets),
        sum=signed(float(sheets.sum())),
        bias=signed(terms.bias),
        total=signed(terms.total),
        real=signed(float(stage.values[unit, row, column])),
        source=best,
    )
    _grids(terms.numbers[best], terms.weights[best], "Input", "Kernel")


def _step_back(data: Explained, at: int, unit: int, row: int, column: int) -> None:
    stage, before = data.stages[at], data.stages[at - 1]
    forward = explainer.products(data, at, unit, (row, column))
    best = int(np.abs((forward.numbers * forward.weights).sum((1, 2))).argmax())
    middle = [
        min(max(place * step - pad + (size - 1) * gap // 2, 0), side - 1)
        for place, step, pad, size, gap, side in zip(
            (row, column),
            stage.stride,
            stage.padding,
            stage.kernel,
            stage.dilation,
            before.values.shape[1:],
            strict=True,
        )
    ]
    terms = explainer.flipped_products(data, at - 1, best, (middle[0], middle[1]))
    words.say(
        "the step back",
        row=middle[0],
        column=middle[1],
        before=before.name,
        layer=stage.name,
        maps=len(terms.numbers),
        unit=unit,
        total=signed(terms.total),
        real=signed(float(before.gradients["backprop"][best, middle[0], middle[1]])),
        source=best,
    )
    _grids(terms.numbers[unit], terms.weights[unit], "Gradient", "Flipped kernel")


def _grids(numbers: np.ndarray, weights: np.ndarray, first: str, second: str) -> None:
    def short(values: np.ndarray) -> np.ndarray:
        return np.array([[float(f"{value:.3g}") + 0.0 for value in line] for line in values])

    parts = [(first, numbers), ("×", weights), ("=", numbers * weights)]
    titles = (first, second, "Products")
    html = "".join(
        (f'<span class="sign">{mark}</span>' if mark in "×=" else "") + tables.number_grid(short(values), title)
        for (mark, values), title in zip(parts, titles, strict=True)
    )
    st.html(f'<div class="viz-grid viz-small">{html}</div>')


def _sheet(data: Explained) -> str:
    """A table of layers as HTML: name, size, the maps and the gradients as strips, each with its scale."""
    rows = []
    for stage in data.stages:
        shape = " × ".join(map(str, stage.values.shape))
        cells = [f"<th scope='row'>{_escaped(stage.name)}</th><td>{shape}</td>"]
        for values, back in ((stage.values, False), (stage.gradients["backprop"], True)):
            is_signed = back or bool(values.min() < 0)
            top = float(np.abs(values).max()) or 1.0
            word = "gradients" if back else "maps"
            alt = f"The {word} of {stage.name}"
            strip = data_uri(colorize(_strip(values, top), is_signed, top))
            ends = f"{'±' if is_signed else '0 to '}{number(top)}"
            cells.append(f"<td><span>{ends}</span><img src='{strip}' alt='{_escaped(alt)}'></td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    head = "<tr><th>layer</th><th>size</th><th>what it gives out</th><th>gradient of the logit</th></tr>"
    return f"<table class='viz-layers'><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def _escaped(text: str) -> str:
    import html

    return html.escape(text, quote=True)


def _strip(values: np.ndarray, top: float) -> np.ndarray:
    """Up to sixteen maps side by side, or a list of numbers as one row."""
    if values.ndim == 1:
        return np.repeat(values[None], 2, 0)
    gap = np.zeros((values.shape[1], 1), values.dtype)
    return np.concatenate([part for one in values[:16] for part in (one, gap)][:-1], axis=1)


# Sentences from the numbers.


class Facts(NamedTuple):
    """Sentences for the written parts."""

    zeros: str
    switches: str
    disagree: str
    pixels: str
    sum: str


def prediction(view: View) -> str:
    """What the network says about the picture."""
    first, second = view.top(2)
    names, shares = view.net.categories, view.probabilities
    told = f"“{names[first]}” with {percent(shares[first])}, then “{names[second]}” with {percent(shares[second])}"
    return f"For {view.title} the network says {told}: draw a stroke more and watch which maps change."


def facts(data: Explained) -> Facts:
    """What stands in the numbers of this picture and class."""
    shut = [(data.stages[at].name, float((data.stages[at].values == 0).mean())) for at in _relus(data)]
    zeros = "; ".join(f"{100 * share:.0f} % of {name}" for name, share in shut)
    pool = next((stage for stage in data.stages if stage.kind == "max"), None)
    switches = ""
    if pool is not None:
        before = data.stages[data.stages.index(pool) - 1].values.size
        switches = (
            f"{pool.name} takes {pool.values.size} winners out of {before} numbers: on the way back the "
            f"{before - pool.values.size} others get no gradient from it."
        )
    picture, gradient = data.stages[0].values, data.stages[0].gradients["backprop"]
    found = meeting(data, closed=True)
    disagree = ""
    if found:
        disagree = (
            f"At {data.stages[found.at].name}, map {found.unit}, the input {signed(found.value)} shut the ReLU, and "
            f"the gradient {signed(found.gradient)} arrives: deconvnet sends it on, backprop and guided do not."
        )
    first = data.stages[1]
    added = f"The bias: {signed(float(first.bias[0]))} for map 0." if first.bias is not None else "The bias."
    return Facts(
        f"A [[ReLU]] makes zeros: {zeros} are 0 here." if shut else "",
        switches,
        disagree,
        f"{int((gradient != 0).sum())} of {gradient.size} have a gradient, {int((picture > picture.min()).sum())} "
        "are brighter than the ground.",
        added,
    )
