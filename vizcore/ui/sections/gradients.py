"""The cached computations of the page on gradients of every layer."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from vizcore.ui.cache import View
from vizcore.ui.jobs import Job, shared
from vizcore.ui.progress import working

if TYPE_CHECKING:
    from torch import Tensor

    from vizcore.inspection.layer_gradients import Quantity, Size
    from vizcore.models import Net


@st.cache_data(max_entries=256, show_spinner=False)
def _sizes(model: str, digest: str, quantity: "Quantity", _net: "Net", _x: "Tensor") -> dict[str, tuple | None]:
    from vizcore.inspection import layer_gradients

    found = layer_gradients.sizes(_net, _x, quantity)
    return {name: None if value is None else tuple(value) for name, value in found.items()}


def sizes(view: View, quantity: "Quantity") -> dict[str, "Size | None"]:
    """The size of the gradient at every layer, from one backward pass, computed once for everyone."""
    from vizcore.inspection.layer_gradients import Size

    with working("One backward pass through all layers"):
        found = _sizes(view.model, view.digest, quantity, view.net, view.x)
    return {name: None if value is None else Size(*value) for name, value in found.items()}


@st.cache_data(max_entries=96, max_size="200MB", show_spinner=False)
def _gradient(
    model: str, digest: str, quantity: "Quantity", layer: str, _net: "Net", _x: "Tensor"
) -> tuple[float, np.ndarray | None]:
    from vizcore.inspection import layer_gradients

    value, gradients = layer_gradients.all_gradients(_net, _x, quantity, [layer])
    gradient = gradients.get(layer)
    return value, None if gradient is None else gradient[0].cpu().numpy()


def gradient(view: View, quantity: "Quantity", layer: str = "input") -> tuple[float, np.ndarray | None]:
    """The quantity, and its gradient at one layer (or the picture), shaped like the layer; None where there is none."""
    return _gradient(view.model, view.digest, quantity, layer, view.net, view.x)


@st.cache_resource(max_entries=128, show_spinner=False)
def _differences(
    model: str, digest: str, quantity: "Quantity", pixel: tuple[int, int, int], steps: tuple[float, ...]
) -> Job:
    return Job()


def differences(view: View, quantity: "Quantity", pixel: tuple[int, int, int], steps: Sequence[float]) -> list[float]:
    """The central difference at one (channel, row, column) for each step, with a progress bar while it takes long."""
    from vizcore.inspection import layer_gradients

    def work(report: Callable[[float], None]) -> list[float]:
        return layer_gradients.central_differences(view.net, view.x, quantity, pixel, steps, report).tolist()

    job = _differences(view.model, view.digest, quantity, pixel, tuple(steps))
    return shared(job, work, f"{2 * len(steps)} forward passes with one pixel moved")
