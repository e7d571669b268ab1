"""Which classes a unit feeds: how the scores would change without what the unit says."""

import torch
from torch import Tensor

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
    net.check_unit(layer, unit)
    with torch.enable_grad():
        logits, acts = net.forward(x.detach(), capture=[layer], cut=layer)
        v = torch.ones_like(logits, requires_grad=True)
        (gradient,) = torch.autograd.grad((v * logits).sum(), acts[layer], create_graph=True, allow_unused=True)
        if gradient is None:
            raise ValueError(f"The scores of {net.title} do not depend on {layer}.")
        total = (gradient[:, unit] * acts[layer][:, unit].detach()).sum()
        (result,) = torch.autograd.grad(total, v)
    return result.mean(0)
