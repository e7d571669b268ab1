"""Widgets whose value is in the page's address, so that a link shows the same view.

Streamlit's `bind="query-params"` writes the label a person reads into the address. Where that label is not
a good name (for a class index, a file), a second, hidden select box holds the plain value and is bound.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from vizcore.methods import Method
    from vizcore.models import Layer
    from vizcore.ui.cache import View


def bound_value(key: str, options: Sequence[str], default: str) -> str:
    """The value of `key` in the address, or the default where it is missing or not an option."""
    with st.container(key=f"address_{key}"):
        return st.selectbox(
            key, options, options.index(default), key=key, bind="query-params", label_visibility="collapsed"
        )


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
        order: the options in the order shown, when it differs from `options`.
        kwargs: passed on to `st.selectbox`.
    """
    value = bound_value(key, options, default or options[0])
    shown = f"pick_{key}"

    def take() -> None:
        st.session_state[key] = st.session_state[shown]

    st.session_state[shown] = value
    return st.selectbox(label, order or options, format_func=format_func, key=shown, on_change=take, **kwargs)


def class_options(view: "View") -> list[str]:
    """All class indices as strings, the five most probable first."""
    top = view.top(5)
    rest = (index for index in range(len(view.net.categories)) if index not in top)
    return [str(index) for index in (*top, *rest)]


def class_select(
    view: "View", key: str, label: str = "Class", default: int | None = None, **kwargs: Any
) -> int:
    """A searchable class picker, the picture's top five first; the class index is in the address.

    Args:
        default: class index; the view's target when omitted.
    """
    names = view.net.categories
    probabilities = view.probabilities
    top = view.top(5)

    def describe(option: str) -> str:
        index = int(option)
        return f"{names[index]} ({percent(probabilities[index])})" if index in top else names[index]

    options = [str(index) for index in range(len(names))]
    default = view.target if default is None else default
    return int(
        linked_select(
            label,
            options,
            key,
            default=str(default),
            format_func=describe,
            order=class_options(view),
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
        default: layer name; the network's Grad-CAM layer when omitted or not offered.
        kinds: only these kinds of layer ("conv", "relu", "pool", "block", ...).
        slider: a slider through the network instead of a select box.
        keep: a further condition on the layer.
    """
    layers = [
        layer
        for layer in view.net.layers
        if len(layer.out_shape) == 3
        and (kinds is None or layer.kind in kinds)
        and (keep is None or keep(layer))
    ]
    if not layers:
        raise ValueError(f"{view.net.title} has no layer of this kind. Choose another model in the sidebar.")
    names = [layer.name for layer in layers]
    default = next((name for name in (default, view.net.cam_layer) if name in names), names[-1])

    def size(name: str) -> str:
        channels, height, width = view.net.layer(name).out_shape
        return f"{channels} maps of {height} × {width}"

    if slider and len(names) > 1:
        with st.container(gap=None, width="stretch"):
            name = st.select_slider(label, names, default, key=key, bind="query-params")
            st.caption(size(name))
        return name
    return linked_select(
        label, names, key, default=default, format_func=lambda n: f"{n}: {size(n)}", width=330
    )


def param_widgets(method: "Method", key: str) -> dict[str, Any]:
    """One widget per parameter of a method (layers excepted), in the address as `<key>_<name>`."""
    return {
        param.name: _param_widget(param, f"{key}_{param.name}")
        for param in method.params
        if param.kind != "layer"
    }


def _param_widget(param: Any, key: str) -> Any:
    label = param.name.replace("_", " ").capitalize()
    common = {"key": key, "help": param.help, "bind": "query-params"}
    if param.kind == "bool":
        return st.toggle(label, bool(param.default), **common)
    if param.kind == "choice":
        return st.segmented_control(
            label, list(param.choices), default=param.default, required=True, **common
        )
    number = int if param.kind == "int" else float
    low, high = (None if bound is None else number(bound) for bound in (param.low, param.high))
    if low is None or high is None:
        return st.number_input(label, low, high, number(param.default), **common)
    return st.slider(label, low, high, number(param.default), **common)


def percent(probability: float) -> str:
    """Three significant digits at most."""
    return "< 0.01 %" if probability < 1e-4 else f"{100 * probability:.3g} %"
