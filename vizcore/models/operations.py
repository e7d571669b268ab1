"""The operations a forward pass calls: every spelling of a ReLU, and max-pooling."""

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

MAX_POOLS = {
    F.max_pool2d, torch.max_pool2d, F.max_pool2d_with_indices, F.adaptive_max_pool2d,
    F.adaptive_max_pool2d_with_indices,
}  # fmt: skip

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


# The functions that `F` calls `relu_` and `threshold_` are those of `torch`.
_SPELLINGS: dict[Callable, float | Callable[..., float | None]] = {
    torch.relu: _FREE, torch.relu_: _FREE, Tensor.relu: _FREE, Tensor.relu_: _FREE, F.relu: _FREE, F.relu6: _SIX,
    F.hardtanh: _hardtanh, F.hardtanh_: _hardtanh, F.threshold: _threshold, torch.threshold: _threshold,
    torch.threshold_: _threshold, torch.clamp: _clamp, torch.clamp_: _clamp,
    Tensor.clamp: _clamp, Tensor.clamp_: _clamp, torch.clip: _clamp, Tensor.clip: _clamp, Tensor.clip_: _clamp,
    torch.clip_: _clamp, torch.clamp_min: _clamp_min, torch.clamp_min_: _clamp_min, Tensor.clamp_min: _clamp_min,
    Tensor.clamp_min_: _clamp_min,
}  # fmt: skip


def relu_ceiling(func: Callable, args: tuple, kwargs: dict[str, Any]) -> float | None:
    """The ceiling of a call that is a ReLU (infinity, or 6 for ReLU6); None where the call is no ReLU."""
    ceiling = _SPELLINGS.get(func)
    if callable(ceiling):
        return ceiling(*args[1:], **{name: value for name, value in kwargs.items() if name != "input"})
    return ceiling


class Counting(TorchFunctionMode):
    """Counts, within its block and in its thread, the calls of ReLUs and of max-pooling, however they are spelled.

    Attributes:
        relus, max_pools: how many calls there were so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.relus = self.max_pools = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        self.relus += relu_ceiling(func, args, kwargs) is not None
        self.max_pools += func in MAX_POOLS
        return func(*args, **kwargs)
