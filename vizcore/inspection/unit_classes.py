"""Which classes a unit feeds: how the scores would change without what the unit says."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from vizcore.models import Net


def contributions(net: Net, x: Tensor, layer: str, unit: int) -> Tensor:
    r"""What one feature map adds to each class score, to first order, averaged over the pictures.

    $$s_k = \frac{1}{N} \sum_n \sum_{ij} \frac{\partial y_k}{\partial A_{ij}} A_{ij}$$

    All classes come from one forward and two backward passes: the gradient of $v \cdot y$ is linear in $v$, so its
    gradient with respect to $v$ has all of them.

    Args:
        x: (N, C, H, W), normalized.

    Returns:
        (K,), signed, in units of the logits. For maps that only an average pooling and one linear layer follow,
        exactly weight times mean activation.

    Raises:
        ValueError: an unknown layer or unit, or scores that do not depend on the layer.
    """
    shape = net.layer(layer).out_shape
    if not 0 <= unit < shape[0]:
        raise ValueError(f"{layer} has units 0 to {shape[0] - 1}, not {unit}.")
    with torch.enable_grad():
        logits, acts = net.forward(x.detach(), capture=[layer], cut=layer)
        v = torch.ones_like(logits, requires_grad=True)
        (gradient,) = torch.autograd.grad((v * logits).sum(), acts[layer], create_graph=True, allow_unused=True)
        if gradient is None:
            raise ValueError(f"The scores of {net.title} do not depend on {layer}.")
        total = (gradient[:, unit] * acts[layer][:, unit].detach()).sum()
        (result,) = torch.autograd.grad(total, v)
    return result.mean(0)


class Readout(NamedTuple):
    """A network's last step: the weights (K, C) of the linear layer behind the averaged last maps."""

    layer: str
    weights: Tensor


def readout(net: Net) -> Readout | None:
    """The weights that connect the last maps with the classes, where only an average lies between them."""
    modules = dict(net.network.named_modules())
    last = net.layers[-1].name if net.layers else ""
    linear = modules.get(last)
    if net.cam_layer is None or not isinstance(linear, nn.Linear):
        return None
    names = [layer.name for layer in net.layers]
    between = net.layers[names.index(net.cam_layer) + 1 : -1]
    channels = net.layer(net.cam_layer).out_shape[0]
    averaged = any(
        layer.kind == "pool" and layer.out_shape == (channels, 1, 1)
        and isinstance(modules[layer.name], nn.AdaptiveAvgPool2d) for layer in between
    )  # fmt: skip
    plain = all(layer.kind in ("pool", "flatten", "dropout", "identity", "block") for layer in between)
    pools = sum(layer.kind == "pool" for layer in between)
    if averaged and plain and pools == 1 and linear.in_features == channels:
        return Readout(net.cam_layer, linear.weight.detach())
    return None
