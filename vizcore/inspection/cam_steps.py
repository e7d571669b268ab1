r"""Grad-CAM taken apart: the steps of $\mathrm{ReLU}(\sum_k \alpha_k^c A^k)$ for one picture.

Selvaraju et al., "Grad-CAM" (ICCV 2017), equations 1 and 2. The finished maps are in :mod:`vizcore.methods.cam`.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from vizcore.methods import cam
from vizcore.models import Net
from vizcore.models import layers as model_layers


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
        activations[0],
        gradients[0],
        weights[0],
        weights[0][:, None, None] * activations[0],
        before_relu[0],
        before_relu[0].relu(),
        float(scores[0]),
    )


class LinearHead(NamedTuple):
    """What Grad-CAM amounts to where only global average pooling and one linear layer, or 1x1 convolution, follow.

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
        whose maps are the classes themselves, has weight 1 for the class's own map and 0 for the others; at the maps
        before, its last 1 x 1 convolution is the linear layer, since it may as well come after the average.
    """
    linear, classes = model_layers.linear_head(net), model_layers.class_maps(net)
    maps, height, width = steps.activations.shape
    bias = 0.0
    if linear is not None and linear.in_features == maps:
        row = linear.weight[target]
        bias = 0.0 if linear.bias is None else float(linear.bias[target])
    elif linear is None and maps == len(net.categories):
        row = torch.zeros_like(steps.weights)
        row[target] = 1
    elif classes is not None and classes.kernel_size == (1, 1) and classes.in_channels == maps:
        row = classes.weight[target, :, 0, 0]
        bias = 0.0 if classes.bias is None else float(classes.bias[target])
    else:
        return None
    error = (steps.weights - row / (height * width)).abs().max() / steps.weights.abs().max().clamp(min=1e-12)
    return LinearHead(float(error), float(steps.before_relu.sum()), bias, steps.score)
