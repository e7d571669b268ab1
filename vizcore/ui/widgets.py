"""The controls of the pages: Streamlit's, with their settings in the address."""

import dataclasses
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import streamlit as st

from vizcore.figures.bars import percent
from vizcore.types import OtherNetworkError
from vizcore.ui import address
from vizcore.ui.address import AUTO, Texts

if TYPE_CHECKING:
    from vizcore.methods import Method, Param
    from vizcore.models import Layer
    from vizcore.ui.view import View

T = TypeVar("T")
GAINS = (1, 2, 4, 8)


row: ContextVar[st.delta_generator.DeltaGenerator | None] = ContextVar("row", default=None)


def choices() -> st.delta_generator.DeltaGenerator:
    """The row on top of the page that says what is shown: the picture, the class, and after them the page's own."""
    return row.get() or controls("choices")


def controls(key: str = "controls") -> st.delta_generator.DeltaGenerator:
    """A strip of controls: `with ui.controls(): ...`, directly above what they change."""
    return st.container(key=key, horizontal=True, vertical_alignment="bottom", gap="small")


def place(key: str) -> st.delta_generator.DeltaGenerator:
    """A place in a row for a control that is drawn later, since it depends on one that stands after it."""
    return st.container(key=f"place_{key}", horizontal=True, vertical_alignment="bottom", gap="small", width="content")


class Beside(NamedTuple):
    """Two places side by side: the figure, and the controls that say how it is drawn."""

    figure: st.delta_generator.DeltaGenerator
    side: st.delta_generator.DeltaGenerator


def beside(key: str = "beside") -> Beside:
    """A figure with its controls to the right of it, or below it in a narrow window."""
    with st.container(key=key, horizontal=True, gap="medium"):
        return Beside(st.container(key=f"{key}_figure"), st.container(key=f"{key}_side", width=190))


# One for each kind. A key is the name in the address, and means one kind of control on all pages.


def toggle(label: str, default: bool = False, *, key: str, **kwargs: Any) -> bool:
    """A switch; as `?key=true` or `false`."""
    known = {"true": True, "false": False}
    address.begin(key, default, lambda texts: _known(known, texts[0].lower()), lambda value: value in (True, False))
    value = st.toggle(label, key=key, **kwargs)
    address.note(key, value, default, (str(value).lower(),))
    return value


def slider(label: str, low: float, high: float, default: float, step: float = 1, *, key: str, **kwargs: Any) -> Any:
    """A slider of whole numbers, or of others where one of the four is not whole."""
    kind, fits = _number((low, high, default, step)), _between(low, high)
    address.begin(key, kind(default), lambda texts: kind(float(texts[0])), fits)
    value = st.slider(label, kind(low), kind(high), step=kind(step), key=key, **kwargs)
    address.note(key, value, default, (_text(value),))
    return value


def number_input(
    label: str, low: float | None, high: float | None, default: float, step: float | None = None, *, key: str, **kw: Any
) -> Any:
    """A number field."""
    kind, fits = _number((low, high, default, step)), _between(low, high)
    address.begin(key, kind(default), lambda texts: kind(float(texts[0])), fits)
    low, high, step = (None if one is None else kind(one) for one in (low, high, step))
    value: Any = st.number_input(label, low, high, step=step, key=key, **kw)
    address.note(key, value, default, (_text(value),))
    return value


def select_slider(label: str, options: Sequence[T], default: T, *, key: str, **kwargs: Any) -> T:
    """A slider through options; each stands in the address as `str` writes it."""
    return _one(st.select_slider, label, options, default, key, kwargs)


def segmented_control(label: str, options: Sequence[T], default: T | None = None, *, key: str, **kwargs: Any) -> T:
    """A row of options of which one is chosen; the first when no default is named."""
    default = options[0] if default is None else default
    return _one(st.segmented_control, label, options, default, key, {"required": True} | kwargs)


def one_pill(label: str, options: Sequence[T], default: T, *, key: str, **kwargs: Any) -> T:
    """Pills of which one is chosen: for options that do not fit in one row."""
    return _one(st.pills, label, options, default, key, {"required": True} | kwargs)


def _one(widget: Callable[..., T], label: str, options: Sequence[T], default: T, key: str, kwargs: dict[str, Any]) -> T:
    known = {str(option): option for option in options}
    address.begin(key, default, lambda texts: _known(known, texts[0]), lambda value: value in options)
    value = widget(label, options, key=key, **kwargs)
    address.note(key, value, default, (str(value),))
    return value


def pills(label: str, options: Sequence[str], default: Sequence[str], *, key: str, **kwargs: Any) -> list[str]:
    """Several of some options; none is `?key=` alone."""

    def read(texts: Texts) -> list[str]:
        return [text for text in texts if text in options]

    address.begin(key, list(default), read, lambda value: set(value) <= set(options))
    value = st.pills(label, options, selection_mode="multi", key=key, **kwargs)
    address.note(key, value, list(default), value or ("",))
    return value


def linked_select(
    label: str,
    options: Sequence[str],
    key: str,
    *,
    default: str | None = None,
    format_func: Callable[[str], str] = str,
    order: Sequence[str] | None = None,
    **kwargs: Any,
) -> str:
    """A select box: `?key=` holds the plain option, people read `format_func(option)`.

    Args:
        default: what a link without `?key=` means. It may differ from model to model and picture to picture.
        order: the options in the order shown, when it differs from `options`.
        kwargs: passed on to `st.selectbox`.
    """
    default = default or options[0]
    address.follow_option(key, options, default)
    value = st.selectbox(label, order or options, format_func=format_func, key=key, **kwargs)
    address.note(key, value, default, (value,))
    return value


def _known(options: dict[str, T], text: str) -> T:
    if text not in options:
        raise ValueError(text)
    return options[text]


def _number(several: Sequence[float | None]) -> type[int] | type[float]:
    """The kind of a control's numbers."""
    return int if all(isinstance(one, int) for one in several if one is not None) else float


def _text(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:.10g}"


def _between(low: float | None, high: float | None) -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        return value is not None and (low is None or value >= low) and (high is None or value <= high)

    return fits


# What the pages have in common.


def opacity(key: str = "opacity", default: float = 0.5) -> float:
    """A slider for the opacity of an overlay."""
    return slider("Opacity of the map", 0.0, 1.0, default, 0.05, key=key, width=220)


def class_select(
    view: "View", key: str, label: str = "Class", default: int | None = None, hidden: bool = False, **kwargs: Any
) -> int:
    """A searchable class picker, the picture's top five first; the class index is in the address.

    Args:
        default: class index; the view's target when omitted. hidden: without the picker, where no class is explained.
        kwargs: as for :func:`linked_select`.
    """
    names, probabilities, top = view.net.categories, view.probabilities, view.top(5)

    def describe(option: str) -> str:
        index = int(option)
        return f"{names[index]} ({percent(probabilities[index])})" if index in top else names[index]

    options = [str(index) for index in range(len(names))]
    first = str(view.target if default is None else default)
    if hidden:
        return int(address.setting(key, options, first))
    rest = (index for index in range(len(names)) if index not in top)
    return int(
        linked_select(
            label,
            options,
            key,
            default=first,
            format_func=describe,
            order=[str(index) for index in (*top, *rest)],
            **kwargs,
        )
    )


def layer_select(
    view: "View",
    key: str = "layer",
    default: str | None = None,
    kinds: Sequence[str] | None = None,
    label: str = "Layer",
    keep: Callable[["Layer"], bool] | None = None,
    vectors: bool = False,
) -> str:
    """A picker of layers whose output is a stack of maps, as a strip of blocks in the order of execution.

    Args:
        default: layer name; the network's last feature maps when omitted or not offered, else the last one.
        kinds: only these kinds of layer ("conv", "relu", "pool", "block", ...).
        keep: a further condition on the layer.
        vectors: also layers whose output is a list of numbers.
    """
    from vizcore.models.layers import last_features
    from vizcore.ui.components import Cell, layer_strip

    def offered(layer: "Layer") -> bool:
        shaped = vectors or len(layer.out_shape) == 3
        return shaped and (kinds is None or layer.kind in kinds) and (keep is None or keep(layer))

    def cell(layer: "Layer") -> Cell:
        channels, height, width = (*layer.out_shape, 1, 1)[:3]
        text = f"{channels} maps of {height} × {width}" if len(layer.out_shape) == 3 else f"{channels} numbers"
        return Cell(layer.name, text, layer.kind, height, width, channels)

    def take(name: str) -> None:
        st.session_state[key] = name

    cells = [cell(layer) for layer in view.net.layers if offered(layer)]
    names = [found.name for found in cells]
    if not names:
        raise OtherNetworkError(f"{view.net.title} has no layer of this kind.")
    usual = next((name for name in (default, last_features(view.net)) if name in names), names[-1])
    chosen = address.setting(key, names, usual)
    layer_strip(f"strip_{key}", cells, chosen, take, label)
    return chosen


def gain(key: str = "gain", default: int = 1) -> int:
    """A choice of how many times as strong signed pictures are drawn."""
    return select_slider("Gain", GAINS, default, key=key, format_func="{}×".format, width=130)


def param_widgets(method: "Method", key: str, without: Sequence[str] = (), **defaults: Any) -> dict[str, Any]:
    """One widget per parameter of a method (layers excepted), in the address as `<key>_<name>`.

    Args:
        without: parameters that the page chooses in another way.
        defaults: where a page starts with another value than the method does.
    """
    return {
        param.name: _param_widget(
            dataclasses.replace(param, default=defaults.get(param.name, param.default)), f"{key}_{param.name}"
        )
        for param in method.params
        if param.kind != "layer" and param.name not in without
    }


def _param_widget(param: "Param", key: str) -> Any:
    label = param.name.replace("_", " ").capitalize()
    common = {"key": key, "help": param.help}
    if param.kind == "bool":
        return toggle(label, bool(param.default), **common)
    if param.kind == "choice":
        return segmented_control(label, list(param.choices), param.default, **common)
    kind = int if param.kind == "int" else float
    low, high, step = (None if limit is None else kind(limit) for limit in (param.low, param.high, param.step))
    if low is None or high is None or (param.kind == "int" and high - low > 200):
        return number_input(label, low, high, kind(param.default), step, width=160, **common)
    if step is None:
        step = 1 if kind is int else (high - low) / 100
    return slider(label, low, high, kind(param.default), step, width=220, **common)


def index(label: str, key: str, count: int, default: int = 0, *, follow: str = "", help: str | None = None) -> int:
    """A number field for one of `count` things, as `?<key>=`.

    Until somebody sets it, it shows the default, whatever that is for the picture and the layer at hand; plus and minus
    step on from there.

    Args:
        follow: the label of a button that goes back to the default; without it there is none.
    """
    if isinstance(known := st.session_state.get(key), int) and known >= count:
        st.session_state[key] = count - 1  # kept from where there were more
    address.follow(key, default, lambda texts: min(int(texts[0]), count - 1), _between(0, count - 1))
    with st.container(key=f"{key}_field", horizontal=True, vertical_alignment="bottom", gap="xxsmall", width="content"):
        value = st.number_input(f"{label}, 0 to {count - 1}", 0, count - 1, step=1, key=key, width=125, help=help)
        if follow:
            st.button(
                follow,
                key=f"{key}_default",
                on_click=address.forget,
                args=(key,),
                type="primary" if value == default else "secondary",
                help=f"{label} {default}: {follow.lower()}",
            )
    address.note(key, value, default, (str(value),))
    return value


def unit_index(maps: np.ndarray) -> int:
    """A number field for one of these maps (K, H, W), as `?unit=`; until set, the one with the largest mean."""
    strongest = int(maps.reshape(len(maps), -1).mean(1).argmax())
    return index(
        "Unit",
        "unit",
        len(maps),
        strongest,
        follow="Strongest",
        help="The strongest: the largest mean on this picture.",
    )


# The picture with two objects, for the pages that compare two classes.

DEMO, CLASSES = "dog_bicycle_car", ("malamute", "bicycle-built-for-two")


def demo_button(view: "View") -> None:
    """Offers the picture with two objects, and the way back from it; the pages' second class is `?versus=`."""
    if st.session_state["image"] != DEMO or st.session_state.get("use_own"):
        st.button("Try the dog and the bicycle", icon=":material/pets:", key="demo", on_click=_show, args=(view,))
    elif "before_demo" in st.session_state:
        st.button("Back to your picture", icon=":material/undo:", key="demo_back", on_click=_back)


def _show(view: "View") -> None:
    """Choose the picture, and two classes whose maps differ in it, where the network has them.

    Of the dogs, bicycles and cars that the picture may be said to show, Grad-CAM's maps of these two have a
    correlation of 0.02 with SqueezeNet 1.1 and 0.03 with EfficientNet-Lite0, and each lies on its object.
    """
    names = list(view.net.categories)
    known = all(name in names for name in CLASSES)
    chosen = [str(names.index(name)) for name in CLASSES] if known else [AUTO, AUTO]
    settings = {"image": DEMO, "use_own": False, "class": chosen[0], "versus": chosen[1]}
    before = {"image": st.session_state["image"], "use_own": st.session_state.get("use_own", False)}
    classes = {key: address.asked(key) or AUTO for key in ("class", "versus")}
    st.session_state["before_demo"] = before | classes
    st.session_state.update(settings)


def _back() -> None:
    """Choose what was chosen before."""
    st.session_state.update(st.session_state.pop("before_demo"))
