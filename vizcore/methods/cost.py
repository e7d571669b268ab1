"""What can be said about a method beside its picture: how often the network runs, how alike two results are."""

from typing import Any, NamedTuple

import numpy as np
import torch

from vizcore.evaluation import randomization
from vizcore.methods import cam, occlusion
from vizcore.models import Net


class Cost(NamedTuple):
    """Pictures that go through the network forwards, and of these back again.

    Attributes:
        forward, backward: their numbers. exact: otherwise it is at least so many.
        partial: the forward runs begin at the layer, not at the picture.
    """

    forward: int
    backward: int = 0
    exact: bool = True
    partial: int = 0

    def sentence(self) -> str:
        """In words."""
        parts = [_count(self.forward, "forward pass")] if self.forward else []
        parts += [_count(self.backward, "backward pass")] if self.backward else []
        parts += [f"{_count(self.partial, 'run')} of what lies behind the layer, in batches"] if self.partial else []
        if not parts:
            return "The network does not run at all."
        return f"{'' if self.exact else 'At least '}{' and '.join(parts) if len(parts) < 3 else ', '.join(parts)}."


def cost(method: str, net: Net, params: dict[str, Any], maps: np.ndarray | None = None) -> Cost | None:
    """The cost of one picture and one class; None for a method that is not known here.

    Args:
        params: the method's parameters, layer excepted.
        maps: (K, h, w), the layer's maps for the picture; needed by "score_cam" and "ablation_cam".
    """
    side = net.input_size
    if method in ("edges", "random"):
        return Cost(0)
    if method == "eigen_cam":
        return Cost(1)
    if method == "cam":  # one to see that the network ends as CAM needs it
        return Cost(2)
    if method == "guided_grad_cam":
        return Cost(2, 2)
    if method == "smooth_grad":
        return Cost(params["samples"], params["samples"])
    if method == "integrated_gradients":  # two more to know the sum that is wanted
        return Cost(params["steps"] + 2, params["steps"], exact=not params["tolerance"])
    if method == "occlusion":
        return Cost(1 + len(occlusion.places((side, side), params["patch"], params["stride"])))
    if method == "rise":
        return Cost(params["samples"])
    if method in ("score_cam", "ablation_cam") and maps is not None:
        flat = maps.reshape(len(maps), -1)
        if method == "score_cam":  # the maps themselves, the empty mask, one for every map that is not constant
            return Cost(2 + int((np.ptp(flat, axis=1) > 0).sum()))
        return Cost(1, partial=int(flat.any(1).sum()))
    if method in ("saliency", "input_x_gradient", "deconvnet", "guided_backprop", "grad_cam", "grad_cam_pp",
                  "hires_cam", "layer_cam", "xgrad_cam"):  # fmt: skip
        return Cost(1, 1)
    return None


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}{'es' if what.endswith('s') else 's'}"


def likeness(first: np.ndarray, second: np.ndarray, side: int) -> float:
    """Rank correlation of two results of one picture, pixel by pixel; NaN where one of them is constant.

    Args:
        first, second: (h, w) maps, enlarged bilinearly; or (C, H, W) gradients, of which the sizes are added.
        side: of the picture, in pixels.
    """
    if not np.ptp(first) or not np.ptp(second):  # enlarged, a constant map has an order of rounding errors
        return float("nan")
    return randomization.spearman(_on_pixels(first, side), _on_pixels(second, side))


def _on_pixels(values: np.ndarray, side: int) -> np.ndarray:
    if values.ndim == 3:
        return np.abs(values).sum(0)
    return cam.upsample(torch.from_numpy(values)[None], (side, side))[0].numpy()
