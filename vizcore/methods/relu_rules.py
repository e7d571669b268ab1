r"""Deconvnet and guided backpropagation: two other ways back through a ReLU.

With input $f$ of a ReLU and gradient $R$ arriving from above,

    backprop    R * [f > 0]
    deconvnet   R * [R > 0]
    guided      R * [f > 0] * [R > 0]

Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks" (ECCV 2014); Springenberg et al.,
"Striving for Simplicity: The All Convolutional Net" (ICLR 2015 workshop), figure 1. For ReLU6, [f > 0] is
[0 < f < 6]. Max-pooling needs no rule: its own gradient goes to the maximum, which is what the deconvnet calls
switches.

The rule is put in for one thread and one computation by a :class:`torch.overrides.TorchFunctionMode`, which sees
a ReLU however the network spells it; the shared network is never touched.
"""

import math

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from vizcore.models import Net
from vizcore.models.operations import relu_ceiling


class _Deconvnet(torch.autograd.Function):
    @staticmethod
    def forward(ctx, f: Tensor, ceiling: float) -> Tensor:
        return f.clamp(0, None if math.isinf(ceiling) else ceiling)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        return gradient.clamp(min=0), None


class _Guided(torch.autograd.Function):
    @staticmethod
    def forward(ctx, f: Tensor, ceiling: float) -> Tensor:
        out = f.clamp(0, None if math.isinf(ceiling) else ceiling)
        ctx.save_for_backward(out)
        ctx.ceiling = ceiling
        return out

    @staticmethod
    def backward(ctx, gradient: Tensor):
        (out,) = ctx.saved_tensors
        if math.isinf(ctx.ceiling):
            open_only = torch.ops.aten.threshold_backward(gradient, out, 0)
        else:
            open_only = torch.ops.aten.hardtanh_backward(gradient, out, 0.0, ctx.ceiling)
        return open_only.clamp_(min=0), None


_RULES = {"deconvnet": _Deconvnet, "guided": _Guided}


class relu_rule(TorchFunctionMode):
    """Within this block, and in this thread alone, every ReLU goes back by the given rule.

    Args:
        rule: "deconvnet" or "guided".

    Attributes:
        replaced: how many calls of a ReLU were replaced so far.
    """

    def __init__(self, rule: str):
        super().__init__()
        self._function = _RULES[rule]
        self.replaced = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        ceiling = relu_ceiling(func, args, kwargs)
        if ceiling is None:
            return func(*args, **kwargs)
        self.replaced += 1
        f = args[0] if args else kwargs["input"]
        out = self._function.apply(f, ceiling)
        if func.__name__.endswith("_"):  # relu_(): the caller goes on with its own tensor
            return f.copy_(out)
        return out


def backpropagate(net: Net, x: Tensor, target: int | Tensor, rule: str) -> tuple[Tensor, int]:
    """Gradient of the class score with respect to the image, by "deconvnet" or "guided" ReLUs.

    Returns:
        (N, C, H, W) values, signed, and the number of ReLU calls that were replaced; where that is 0 the
        values are the plain gradient.
    """
    x = x.detach().requires_grad_()
    targets = net.check_target(target, len(x))[:, None]
    with torch.enable_grad(), relu_rule(rule) as mode:
        score = net(x).gather(1, targets).sum()
    return torch.autograd.grad(score, x)[0], mode.replaced


def deconvnet(net: Net, x: Tensor, target: int | Tensor) -> Tensor:
    """Deconvnet: negative gradients stop at every ReLU, whatever the forward pass did there.

    Zeiler & Fergus (ECCV 2014). Depends on the image only through max-pooling switches.

    Returns:
        (N, C, H, W), signed.
    """
    return backpropagate(net, x, target, "deconvnet")[0]


def guided_backprop(net: Net, x: Tensor, target: int | Tensor) -> Tensor:
    """Guided backpropagation: only positive gradients pass, and only where the forward pass was positive.

    Springenberg et al. (ICLR 2015 workshop).

    Returns:
        (N, C, H, W), signed.
    """
    return backpropagate(net, x, target, "guided")[0]


TITLES: dict[str, str | None] = {"Gradient": None, "Deconvnet": "deconvnet", "Guided": "guided"}
"""What people call the ways back through a ReLU, and the rule for each; None is the plain gradient."""

_NO_RELU = {
    "class": "so there is nothing to replace: this is the plain gradient.",
    "unit": "so there is nothing to replace: all three are the same.",
    "patch": "this is the plain gradient.",
}
_NO_SWITCHES = {
    "class": "Deconvnet needs max-pool switches; {net} has no max-pooling, so this picture {depends}.",
    "unit": "Deconvnet needs max-pool switches; {net} has no max-pooling, so its picture depends on the image only "
    "through the place where the unit is strongest.",
    "patch": "Deconvnet needs max-pooling to know the places; {net} has none, so the picture depends on the unit and "
    "hardly on what is in the patch.",
}


def notes(net: Net, rule: str | None, of: str = "class") -> list[str]:
    """What a rule cannot do in this network, in sentences.

    Args:
        rule: "deconvnet", "guided", or None for the plain gradient, of which nothing is to be said.
        of: what is explained: a "class", a "unit" on the picture at hand, or a unit on its best "patch".
    """
    if rule is None:
        return []
    if not net.relus:
        return [f"{net.title} has no ReLU{':' if of == 'patch' else ','} {_NO_RELU[of]}"]
    if rule == "deconvnet" and not net.max_pools:
        smooth = any(layer.kind == "activation" for layer in net.layers)
        depends = "hardly depends on the image" if smooth else "does not depend on the image, only on the class"
        return [_NO_SWITCHES[of].format(net=net.title, depends=depends)]
    return []
