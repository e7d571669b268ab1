r"""Grad-CAM taken apart: the steps of $\mathrm{ReLU}(\sum_k \alpha_k^c A^k)$ for one picture.

Selvaraju et al., "Grad-CAM" (ICCV 2017), equations 1 and 2. The finished maps are in :mod:`vizcore.methods.cam`.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from vizcore.methods import cam
from vizcore.models import Net


class Unrolled(NamedTuple):
    r"""The steps of one Grad-CAM map, in order.

    Attributes:
        activations: (K, h, w) feature maps $A^k$.
        gradients: (K, h, w) $\partial y^c / \partial A^k$; negated for a counterfactual.
        weights: (K,) $\alpha_k^c$, the mean of each gradient map.
        contributions: (K, h, w) $\alpha_k^c A^k$.
        before_relu: (h, w) their sum, signed. map: (h, w) its positive part.
        score: the class's logit $y^c$.
    """

    activations: Tensor
    gradients: Tensor
    weights: Tensor
    contributions: Tensor
    before_relu: Tensor
    map: Tensor
    score: float

    @property
    def totals(self) -> Tensor:
        r"""(K,) $\alpha_k^c$ times the mean of $A^k$: what each map adds to the mean of the sum."""
        return self.contributions.mean((1, 2))

    @property
    def shares(self) -> Tensor:
        """(K,) |totals| as a share of their sum over all maps; zero where every map adds nothing."""
        strength = self.totals.abs()
        return strength / strength.sum().clamp(min=torch.finfo(strength.dtype).tiny)

    def strongest(self, count: int) -> list[int]:
        """The maps with the largest shares, largest first."""
        return self.shares.argsort(descending=True, stable=True)[:count].tolist()


def unroll(net: Net, x: Tensor, target: int, layer: str | None = None, counterfactual: bool = False) -> Unrolled:
    """All steps of Grad-CAM for one picture.

    Args:
        x: (1, C, H, W), normalized.
        layer: the last convolutional map when omitted.
        counterfactual: negate the gradient: evidence against the class.

    Raises:
        ValueError: the layer has no feature maps, or the score does not depend on them.
    """
    activations, gradients, scores = cam.activations_and_gradients(net, x, target, layer)
    gradients = -gradients if counterfactual else gradients
    weights = cam.grad_cam_weights(gradients)
    before_relu = cam.weighted_sum(weights, activations)
    return Unrolled(
        activations[0], gradients[0], weights[0], weights[0][:, None, None] * activations[0],
        before_relu[0], before_relu[0].relu(), float(scores[0]),
    )  # fmt: skip


class LinearHead(NamedTuple):
    """What Grad-CAM amounts to where only global average pooling and one linear layer follow.

    Attributes:
        weight_error: largest difference between the alphas and w_k / (h w), as a share of the largest alpha.
        total: sum of the map before the ReLU. bias: the linear layer's. score: the class's logit.
    """

    weight_error: float
    total: float
    bias: float
    score: float

    @property
    def holds(self) -> bool:
        """Both identities within one per cent."""
        gap = abs(self.total + self.bias - self.score)
        return self.weight_error < 0.01 and gap <= 0.01 * max(abs(self.score), 1e-6)


def linear_head(net: Net, steps: Unrolled, target: int) -> LinearHead | None:
    r"""Compare $\alpha_k^c$ with $w_k^c / (h w)$, and the map's sum before the ReLU, plus bias, with the logit.

    Args:
        steps: of the class itself, not of the counterfactual.

    Returns:
        None where the network's last linear layer does not take one number per map. A network without any,
        whose maps are the classes themselves, has weight 1 for the class's own map and 0 for the others.
    """
    linear = [m for m in net.network.modules() if isinstance(m, nn.Linear)]
    maps, height, width = steps.activations.shape
    bias = 0.0
    if linear and linear[-1].in_features == maps:
        row = linear[-1].weight[target]
        bias = 0.0 if linear[-1].bias is None else float(linear[-1].bias[target])
    elif not linear and maps == len(net.categories):
        row = torch.zeros_like(steps.weights)
        row[target] = 1
    else:
        return None
    error = (steps.weights - row / (height * width)).abs().max() / steps.weights.abs().max().clamp(min=1e-12)
    return LinearHead(float(error), float(steps.before_relu.sum()), bias, steps.score)


def stops(net: Net) -> tuple[str, ...]:
    """Layers worth a stop on the way through a network: one name for each map handed on from block to block.

    Plain sequences are opened, so a residual or inception block counts as one layer; of a convolution, its
    normalization and its ReLU only the last is kept. The network's Grad-CAM layer is always among them.
    """
    spatial = {layer.name: layer for layer in net.layers if layer.spatial}
    found: list[str] = []

    def visit(module: nn.Module, name: str) -> None:
        for child_name, child in module.named_children():
            path = f"{name}.{child_name}" if name else child_name
            inner = next(child.children(), None) is not None
            if inner and (isinstance(child, nn.Sequential) or path not in spatial):
                visit(child, path)
            elif path in spatial and spatial[path].kind not in ("pool", "dropout", "identity", "flatten"):
                found.append(path)

    visit(net.network, "")
    order = {name: index for index, name in enumerate(spatial)}
    found.sort(key=order.__getitem__)
    kept = [
        name
        for name, after in zip(found, [*found, None][1:], strict=True)
        if not (
            after is not None
            and spatial[name].kind in ("conv", "norm")
            and spatial[after].kind in ("norm", "relu", "activation")
            and spatial[after].out_shape == spatial[name].out_shape
        )
    ]
    if net.cam_layer in order and net.cam_layer not in kept:
        kept.append(net.cam_layer)
    return tuple(sorted(kept, key=order.__getitem__))


def correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    """Pearson correlation of two arrays of one shape, value by value; None where one of them is constant."""
    a, b = (np.asarray(v, dtype=np.float64).ravel() - np.mean(v, dtype=np.float64) for v in (first, second))
    size = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / size) if size > 0 else None


def zoom_box(values: np.ndarray, factor: int) -> tuple[int, int, int, int]:
    """The square, 1 / `factor` of the picture, with most |value| in it; (left, top, right, bottom).

    Args:
        values: (C, H, W) or (H, W).

    Raises:
        ValueError: a factor below 1.
    """
    if factor < 1:
        raise ValueError(f"The zoom factor is at least 1, not {factor}.")
    strength = np.abs(np.asarray(values, dtype=np.float64))
    strength = strength.sum(0) if strength.ndim == 3 else strength
    high, wide = (max(1, side // factor) for side in strength.shape)
    sums = np.pad(strength.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    windows = sums[high:, wide:] - sums[:-high, wide:] - sums[high:, :-wide] + sums[:-high, :-wide]
    top, left = np.unravel_index(windows.argmax(), windows.shape)
    return int(left), int(top), int(left) + wide, int(top) + high
