"""Widgets whose value is in the page's address, so that a link shows the same view.

Streamlit's `bind="query-params"` writes the label a person reads into the address. Where that label is not
a good name (for a class index, a file), a second, hidden select box holds the plain value and is bound.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import numpy as np
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from vizcore.figures.bars import percent

if TYPE_CHECKING:
    from vizcore.methods import Method
    from vizcore.models import Layer
    from vizcore.ui.view import View


AUTO = "auto"  # stands for the default, whatever it is for the model and picture at hand


_rewrite = st.components.v2.component(
    "vizcore.address", js="export default ({ data }) => history.replaceState(history.state, '', data)"
)


def restore(here: str) -> None:
    """Let the address say what the widgets show, after Back or Forward in the browser. Call before the first widget.

    When a visitor goes on by a link, Streamlit 1.67 first puts the address of the page being left, without the
    settings of that page's own widgets, into the browser's history: that is where Back leads. So each page's settings
    are noted on leaving, and looked up on return. It also drops a setting when a widget of the other page has its name.

    Args:
        here: the page that is about to run.
    """
    run = get_script_run_ctx()
    assert run is not None  # a page runs inside Streamlit
    slot = st.container(key="address_restored")
    left, before = st.session_state.setdefault("left", {}), st.session_state.get("here")
    st.session_state["here"] = here
    if not run.is_history_navigation:
        if before not in (None, here):
            left[before] = run.query_string  # of a first run on another page: still the address that was left
        return
    query, noted = run.query_string, left.get(here, "")
    if set(parse_qsl(query)) < set(parse_qsl(noted)):
        query = noted
        with slot:
            _rewrite(key="address_rewrite", data=f"?{query}")
    with run.session_state.query_params() as known:
        known.set_initial_query_params(query)
        known.populate_from_query_string(query)


def controls(key: str = "controls") -> st.delta_generator.DeltaGenerator:
    """The strip of a page's own controls: `with ui.controls(): ...`, directly above what they change."""
    return st.container(key=key, horizontal=True, vertical_alignment="top", gap="medium")


def opacity(key: str = "opacity", default: float = 0.5) -> float:
    """A slider for the opacity of an overlay, in the address."""
    return st.slider("Opacity of the map", 0.0, 1.0, default, 0.05, key=key, bind="query-params", width=220)


def bound_value(key: str, options: Sequence[str]) -> str:
    """The value of `key` in the address; the first option where it is missing or not an option."""
    with st.container(key=f"address_{key}"):
        return st.selectbox(key, options, key=key, bind="query-params", label_visibility="collapsed")


def linked_select(
    label: str,
    options: Sequence[str],
    key: str,
    *,
    default: str | None = None,
    format_func: Callable[[str], str] = str,
    order: Sequence[str] | None = None,
    slider: bool = False,
    **kwargs: Any,
) -> str:
    """A select box: `?key=` holds the plain option, people read `format_func(option)`.

    Args:
        default: what a link without `?key=` means. It may differ from model to model and picture to picture.
        order: the options in the order shown, when it differs from `options`.
        slider: a select slider instead of a box.
        kwargs: passed on to `st.selectbox` or `st.select_slider`.
    """
    default = default or options[0]
    value = bound_value(key, [AUTO, *options])
    shown = f"pick_{key}"

    def take() -> None:
        chosen = st.session_state[shown]
        st.session_state[key] = AUTO if chosen == default else chosen

    st.session_state[shown] = default if value == AUTO else value
    widget: Callable[..., str] = st.selectbox
    if slider:
        widget = st.select_slider
    return widget(label, order or options, format_func=format_func, key=shown, on_change=take, **kwargs)


def class_select(view: "View", key: str, label: str = "Class", default: int | None = None, **kwargs: Any) -> int:
    """A searchable class picker, the picture's top five first; the class index is in the address.

    Args:
        default: class index; the view's target when omitted.
        kwargs: as for :func:`linked_select`.
    """
    names, probabilities, top = view.net.categories, view.probabilities, view.top(5)

    def describe(option: str) -> str:
        index = int(option)
        return f"{names[index]} ({percent(probabilities[index])})" if index in top else names[index]

    rest = (index for index in range(len(names)) if index not in top)
    return int(
        linked_select(
            label,
            [str(index) for index in range(len(names))],
            key,
            default=str(view.target if default is None else default),
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
    slider: bool = False,
    keep: Callable[["Layer"], bool] | None = None,
) -> str:
    """A picker of layers whose output is a stack of maps, in the order of execution.

    Args:
        default: layer name; the network's last feature maps when omitted or not offered, else the last one.
        kinds: only these kinds of layer ("conv", "relu", "pool", "block", ...).
        slider: a slider through the network instead of a select box.
        keep: a further condition on the layer.
    """
    from vizcore.models.layers import last_features

    names = [
        layer.name
        for layer in view.net.layers
        if len(layer.out_shape) == 3 and (kinds is None or layer.kind in kinds) and (keep is None or keep(layer))
    ]
    if not names:
        raise ValueError(f"{view.net.title} has no layer of this kind. Choose another model in the sidebar.")
    default = next((name for name in (default, last_features(view.net)) if name in names), names[-1])

    def describe(name: str) -> str:
        channels, height, width = view.net.layer(name).out_shape
        return f"{name}: {channels} maps of {height} × {width}"

    slider = slider and len(names) > 1
    width = "stretch" if slider else 330
    return linked_select(label, names, key, default=default, format_func=describe, slider=slider, width=width)


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


def _param_widget(param: Any, key: str) -> Any:
    label = param.name.replace("_", " ").capitalize()
    common = {"key": key, "help": param.help, "bind": "query-params"}
    if param.kind == "bool":
        return st.toggle(label, bool(param.default), **common)
    if param.kind == "choice":
        return st.segmented_control(label, list(param.choices), default=param.default, required=True, **common)
    number = int if param.kind == "int" else float
    low, high, step = (None if limit is None else number(limit) for limit in (param.low, param.high, param.step))
    if low is None or high is None or (param.kind == "int" and high - low > 200):
        return st.number_input(label, low, high, number(param.default), step, width=160, **common)
    return st.slider(label, low, high, number(param.default), step, width=220, **common)


def index(
    label: str,
    key: str,
    count: int,
    default: int,
    *,
    empty: str | None = None,
    width: int = 150,
    help: str | None = None,
) -> int:
    """A number field for one of `count` things, as `?<key>=`.

    A number kept from where there were more becomes the last one here.

    Args:
        default: what an empty field means. empty: what stands in it then; without it the field is never empty and
            begins with 0.
    """
    if (st.session_state.get(key) or 0) >= count:
        st.session_state[key] = count - 1
    first = {"value": 0} if empty is None else {"value": None, "placeholder": empty}
    typed = st.number_input(label, 0, count - 1, step=1, key=key, bind="query-params", width=width, help=help, **first)
    return default if typed is None else typed


def unit_index(maps: np.ndarray, label: str = "Unit") -> int:
    """A number field for one of these maps (K, H, W), as `?unit=`; empty means the one with the largest mean."""
    strongest = int(maps.reshape(len(maps), -1).mean(1).argmax())
    return index(
        f"{label}, 0 to {len(maps) - 1}",
        "unit",
        len(maps),
        strongest,
        empty=f"strongest ({strongest})",
        width=190,
        help="Empty: the one with the largest mean on this picture.",
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
    st.session_state["before_demo"] = {key: st.session_state[key] for key in settings if key in st.session_state}
    st.session_state.update(settings)


def _back() -> None:
    """Choose what was chosen before."""
    st.session_state.update({"class": AUTO, "versus": AUTO} | st.session_state.pop("before_demo"))
