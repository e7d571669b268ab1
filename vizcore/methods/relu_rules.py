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

import contextlib
import math

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from vizcore.models import Net, partial


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

# Every spelling of a ReLU, and the ceiling it has: a number, or a function of the call's arguments that says
# None where the call is not a ReLU.
_FREE, _SIX = math.inf, 6.0


def _hardtanh(low=-1.0, high=1.0, *_, min_val=None, max_val=None, **__) -> float | None:
    low, high = (low if min_val is None else min_val), (high if max_val is None else max_val)
    return float(high) if low == 0 and high > 0 else None


def _clamp(low=None, high=None, *, min=None, max=None) -> float | None:
    low, high = (low if min is None else min), (high if max is None else max)
    if isinstance(low, Tensor) or isinstance(high, Tensor) or low is None or low != 0:
        return None
    return _FREE if high is None else float(high) if high > 0 else None


def _clamp_min(low=None, *, min=None) -> float | None:
    return _clamp(low if min is None else min)


def _threshold(threshold, value, *_, **__) -> float | None:
    return _FREE if threshold == 0 and value == 0 else None


_SPELLINGS = {
    torch.relu: _FREE, torch.relu_: _FREE, Tensor.relu: _FREE, Tensor.relu_: _FREE, F.relu: _FREE, F.relu6: _SIX,
    F.hardtanh: _hardtanh, F.hardtanh_: _hardtanh, F.threshold: _threshold, F.threshold_: _threshold,
    torch.threshold: _threshold, torch.threshold_: _threshold, torch.clamp: _clamp, torch.clamp_: _clamp,
    Tensor.clamp: _clamp, Tensor.clamp_: _clamp, torch.clip: _clamp, Tensor.clip: _clamp, Tensor.clip_: _clamp,
    torch.clip_: _clamp, torch.clamp_min: _clamp_min, torch.clamp_min_: _clamp_min, Tensor.clamp_min: _clamp_min,
    Tensor.clamp_min_: _clamp_min,
}  # fmt: skip


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
        ceiling = _SPELLINGS.get(func)
        if callable(ceiling):
            ceiling = ceiling(*args[1:], **{k: v for k, v in kwargs.items() if k != "input"})
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


def backpropagate_unit(
    net: Net, x: Tensor, layer: str, unit: int, cell: tuple[int, int] | None = None, rule: str | None = None
) -> Tensor:
    """The same for one unit of a layer instead of a class: its activation at a cell, or its strongest one.

    Args:
        layer: a layer's name.
        unit: the feature map's index.
        cell: (row, column) in the map; the strongest cell of each image when None.
        rule: "deconvnet", "guided", or None for the plain gradient.

    Returns:
        (N, C, H, W) values, signed.

    Raises:
        ValueError: an unknown layer, unit or cell.
    """
    count = net.layer(layer).out_shape[0]
    if not 0 <= unit < count:
        raise ValueError(f"{layer} has units 0 to {count - 1}, not {unit}.")
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        with relu_rule(rule) if rule else contextlib.nullcontext():
            activation = partial.activation(net, x, layer)
        values = activation[:, unit]  # (N,) or (N, h, w)
        if values.ndim == 1:
            chosen = values
        elif cell is None:
            chosen = _strongest(values)
        else:
            chosen = values[:, *_checked(cell, values, layer)]
        return torch.autograd.grad(chosen.sum(), x)[0]


def _checked(cell: tuple[int, int], values: Tensor, layer: str) -> tuple[int, int]:
    if not all(0 <= at < count for at, count in zip(cell, values.shape[1:], strict=True)):
        raise ValueError(f"{layer} has {values.shape[1]} x {values.shape[2]} cells, none at {cell[0]}, {cell[1]}.")
    return cell


def _strongest(values: Tensor) -> Tensor:
    """(N,) the largest of (N, h, w); of several equal cells the first."""
    flat = values.flatten(1)
    return flat.gather(1, flat.argmax(1, keepdim=True))[:, 0]


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
