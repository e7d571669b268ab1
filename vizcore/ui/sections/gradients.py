"""The cached computations of the page on gradients of every layer."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from vizcore.ui import jobs
from vizcore.ui.cache import per_picture
from vizcore.ui.view import View

if TYPE_CHECKING:
    from vizcore.inspection.layer_gradients import Quantity, Size


@per_picture(entries=256, step="One backward pass through all layers")
def sizes(view: View, quantity: "Quantity") -> dict[str, "Size | None"]:
    """The size of the gradient at every layer, from one backward pass, computed once for everyone."""
    from vizcore.inspection import layer_gradients

    return layer_gradients.sizes(view.net, view.x, quantity)


@per_picture(entries=96, size="200MB")
def gradient(view: View, quantity: "Quantity", layer: str = "input") -> tuple[float, np.ndarray | None]:
    """The quantity, and its gradient at one layer (or the picture), shaped like the layer; None where there is none."""
    from vizcore.inspection import layer_gradients

    value, gradients = layer_gradients.all_gradients(view.net, view.x, quantity, [layer])
    found = gradients.get(layer)
    return value, None if found is None else found[0].cpu().numpy()


def differences(view: View, quantity: "Quantity", pixel: tuple[int, int, int], steps: Sequence[float]) -> list[float]:
    """The central difference at one (channel, row, column) for each step, with a progress bar while it takes long."""
    from vizcore.inspection import layer_gradients

    def work(report: Callable[[float], None]) -> list[float]:
        return layer_gradients.central_differences(view.net, view.x, quantity, pixel, steps, report).tolist()

    key = ("differences", view.model, view.digest, tuple(quantity), pixel, tuple(steps))
    return jobs.run(key, work, f"{2 * len(steps)} forward passes with one pixel moved")
