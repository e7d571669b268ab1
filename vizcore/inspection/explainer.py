r"""A sequential CNN taken apart, layer by layer: every number on the way to the scores, and on the way back.

Forward $a_l = f_l(a_{l-1})$ and backward $\partial y / \partial a_{l-1}$, as in Rumelhart, Hinton & Williams (Nature
1986); the idea to show all of it, number by number, is that of CNN Explainer (Wang et al., IEEE VIS 2020), which ends
at the scores. The numbers are those of the network itself: its calls are watched, and autograd does the way back.
"""

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from vizcore.methods.relu_rules import relu_rule
from vizcore.models import Net, capture
from vizcore.models.operations import relu_ceiling
from vizcore.types import Cell, OtherNetworkError

RULES = ("backprop", "deconvnet", "guided")
DEEPEST = 12  # layers
LARGEST = 3_000_000  # numbers of all activations, gradients and weights together
_WOULD_DO = "one that runs up to a dozen layers one after the other would do, such as Digits: Tiny VGG."
Pair = tuple[int, int]


@dataclasses.dataclass(frozen=True, eq=False)
class Stage:
    """A layer, or the input, with its numbers for one picture.

    Attributes:
        name: of the module, or of the function where it is no module.
        kind: "input", "conv", "relu", "max", "average", "flatten" or "linear".
        values: its output, (C, H, W) or (K,).
        gradients: of the class's logit with respect to that output, by each of RULES; same shape.
        weight, bias: (K, C, h, w) and (K,) of a convolution, (K, M) and (K,) of a linear layer.
        kernel, stride, padding, dilation: (down, across), of a convolution or a pool.
        switches: of a max-pool, (C, H, W): the place of each maximum in its input map, row x width + column.
        ceiling: of a ReLU: infinity, or 6.
        counts_padding, divisor: of an average: whether padding counts as cells; a divisor of its own.
    """

    name: str
    kind: str
    values: np.ndarray
    gradients: dict[str, np.ndarray]
    weight: np.ndarray | None = None
    bias: np.ndarray | None = None
    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    switches: np.ndarray | None = None
    ceiling: float = math.inf
    counts_padding: bool = True
    divisor: int | None = None


class Explained(NamedTuple):
    """A picture's way through a network and the logit's way back.

    Attributes:
        stages: the input and every layer, in order. target: the class whose logit goes back.
        logits, probabilities: (K,).
    """

    stages: tuple[Stage, ...]
    target: int
    logits: np.ndarray
    probabilities: np.ndarray


def explain(net: Net, x: Tensor, target: int) -> Explained:
    """Every activation, weight, switch and gradient of a sequential network for one picture.

    Args:
        x: (1, C, H, W), as the network takes it; need not be square where the network does not mind.
        target: class index.

    Raises:
        OtherNetworkError: the network does anything but convolutions (one group), ReLUs, max- or average-pools,
            flattening and linear layers, one after the other, up to a dozen; or it has too many numbers to be drawn.
        ValueError: not one picture, or no such class.
    """
    if x.ndim != 4 or len(x) != 1:
        raise ValueError(f"One picture at a time is explained, a tensor of shape (1, C, H, W), not {tuple(x.shape)}.")
    net.check_target(target)
    ways = {rule: _run(net, x, target, rule) for rule in RULES}
    calls, _ = ways["backprop"]
    stages = tuple(
        _stage(call, before, {rule: found[1][at] for rule, found in ways.items()})
        for at, (before, call) in enumerate(zip([None, *calls], calls, strict=False))
    )
    logits = stages[-1].values
    return Explained(stages, target, logits, _array(torch.from_numpy(logits).softmax(0)))


def check(net: Net) -> None:
    """Nothing where :func:`explain` can take the network apart; else its OtherNetworkError says why not."""
    with torch.no_grad():
        _bounded(net, _watched(net, net.blank(), None).calls)


def _stage(call: "_Call", before: "_Call | None", gradients: dict[str, Tensor]) -> Stage:
    parts = [_array(part) for part in call.weights] + [None, None]
    switches = None
    if call.kind == "max" and before is not None:
        _, places = F.max_pool2d(before.output.detach(), **call.options, return_indices=True)
        switches = places[0].cpu().numpy()
    return Stage(
        call.name,
        call.kind,
        _array(call.output[0]),
        {rule: _array(gradient[0]) for rule, gradient in gradients.items()},
        weight=parts[0],
        bias=parts[1],
        switches=switches,
        **call.facts,
    )


def _array(values: Tensor) -> np.ndarray:
    return values.detach().cpu().numpy().copy()


# Watching the network's calls.


@dataclasses.dataclass
class _Call:
    """A call of a layer's function: what it gave out, its weights, its facts, and the options to repeat it."""

    kind: str
    output: Tensor
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)
    weights: tuple[Tensor, ...] = ()
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    name: str = ""


def _run(net: Net, x: Tensor, target: int, rule: str) -> tuple[list[_Call], list[Tensor]]:
    """One pass and its way back: the calls, the input first, and the logit's gradient at the output of each."""
    with torch.enable_grad():
        watch = _watched(net, x.detach().clone().requires_grad_(), None if rule == "backprop" else rule)
    _bounded(net, watch.calls)
    outputs = [call.output for call in watch.calls]
    return watch.calls, list(torch.autograd.grad(watch.current[0, target], outputs))


def _bounded(net: Net, calls: list[_Call]) -> None:
    numbers = sum(4 * call.output.numel() + sum(part.numel() for part in call.weights) for call in calls)
    if len(calls) - 1 > DEEPEST:
        raise OtherNetworkError(f"{net.title} has {len(calls) - 1} layers; {_WOULD_DO}")
    if numbers > LARGEST:
        raise OtherNetworkError(f"{net.title} has {numbers / 1e6:.1f} million numbers to draw, too many; {_WOULD_DO}")


def _watched(net: Net, x: Tensor, rule: str | None) -> "_Chain":
    """One pass, with the ReLUs of a rule, and all calls with their names."""
    names: dict[int, str] = {}
    watch = _Chain(net, x)
    leaves = {layer.name for layer in net.layers if layer.kind not in ("block", "dropout", "identity")}

    def note(name: str, output: Tensor) -> None:
        if name in leaves:
            names.setdefault(id(output), name)

    with capture.observing(note), relu_rule(rule) if rule else contextlib.nullcontext(), watch:
        logits = net(x)
    if logits is not watch.current:
        raise watch.refusal("does something between its layers that cannot be followed")
    _name(watch.calls, names)
    return watch


def _name(calls: list[_Call], names: dict[int, str]) -> None:
    """Give every call its module's name; what has none is numbered, and so is a module that runs again."""
    taken: dict[str, int] = {}
    for call in calls:
        module = names.get(id(call.output))
        name = module or call.kind
        taken[name] = taken.get(name, 0) + 1
        call.name = name if (module and taken[name] == 1) or call.kind == "input" else f"{name} {taken[name]}"


class _Chain(TorchFunctionMode):
    """Follows one picture through a network, within its block and its thread: each call must take what the last gave.

    Attributes:
        calls: the input, then every call of a layer's function. current: what the next one has to take.
    """

    def __init__(self, net: Net, x: Tensor):
        super().__init__()
        self.net, self.current = net, x
        self.calls = [_Call("input", x)]
        self._seen: dict[int, Tensor] = {id(x): x}

    def refusal(self, why: str) -> OtherNetworkError:
        return OtherNetworkError(f"{self.net.title} {why}; {_WOULD_DO}")

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        taken = [tensor for tensor in _tensors((args, kwargs)) if id(tensor) in self._seen]
        ceiling = relu_ceiling(func, args, kwargs)
        if ceiling is not None:  # never in place: what came before it is to be shown too
            kwargs |= {"inplace": False} if kwargs.get("inplace") else {}
            args = (args[0].clone(), *args[1:]) if args and func.__name__.endswith("_") else args
        out = func(*args, **kwargs)
        if not taken or not isinstance(out, Tensor) or out is self.current:
            return out
        read = _READERS.get(func)
        if ceiling is None and read is None and not _same_numbers(func, out, self.current):
            raise self.refusal(_refused(func))
        if any(tensor is not self.current for tensor in taken) or len(taken) > 1:
            raise self.refusal("hands the output of a layer to more than the next one")
        call: _Call | str | None = None
        if ceiling is not None:
            call = _Call("relu", out, {"ceiling": ceiling})
        elif read:
            call = read(*args, **kwargs)
        elif out.ndim == 2 and self.current.ndim != 2:
            call = _Call("flatten", out)
        if isinstance(call, str):
            raise self.refusal(call)
        if call:
            call.output = out
            self.calls.append(call)
        elif self.current is self.calls[-1].output and out.shape == self.current.shape:
            self.calls[-1].output = out  # a copy, or dropout, which does nothing here
        self.current = out
        self._seen[id(out)] = out
        return out


def _tensors(several: Any) -> Iterator[Tensor]:
    if isinstance(several, Tensor):
        yield several
    elif isinstance(several, dict):
        for one in several.values():
            yield from _tensors(one)
    elif isinstance(several, list | tuple):
        for one in several:
            yield from _tensors(one)


_RESHAPING = {"flatten", "view", "reshape", "squeeze"}
_COPYING = {"contiguous", "clone", "dropout", "dropout2d", "alpha_dropout", "to", "float", "double"}


def _same_numbers(func: Callable, out: Tensor, current: Tensor) -> bool:
    """Whether a call hands on all numbers as they are: flattened to one row, or in the same shape."""
    name = getattr(func, "__name__", "")
    if name in _RESHAPING:
        return out.numel() == current.numel() and (out.shape == current.shape or out.shape == (1, current.numel()))
    return name in _COPYING and out.shape == current.shape


_SAID = {
    "batch_norm": "has batch normalization",
    "cat": "puts the outputs of several layers side by side",
    "add": "adds the outputs of two layers",
    "softmax": "ends in a softmax and gives out no logits",
    "log_softmax": "ends in a softmax and gives out no logits",
    "pad": "pads its maps with a step of its own",
    "mean": "takes a mean with a function that is no pooling layer",
}


def _refused(func: Callable) -> str:
    name = getattr(func, "__name__", str(func)).strip("_").removeprefix("i")
    return _SAID.get(name, f"calls {name}, which is no convolution, ReLU, pool, flattening or linear layer")


# What each kind of call says about itself; a sentence's end where it cannot be followed.


def _pair(value: Any) -> Pair:
    several = tuple(value) if isinstance(value, list | tuple) else (value,)
    return (int(several[0]), int(several[-1]))


def _conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1) -> _Call | str:
    if groups != 1:
        return f"has a convolution in {groups} groups"
    kernel, stride, dilation = _pair(tuple(weight.shape[2:])), _pair(stride), _pair(dilation)
    if padding == "same":
        around = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        if any(total % 2 for total in around):
            return "pads one side of its maps more than the other"
        padding = [total // 2 for total in around]
    pad = _pair(0 if padding == "valid" else padding)
    facts = {"kernel": kernel, "stride": stride, "padding": pad, "dilation": dilation}
    return _Call("conv", weight, facts, (weight, bias if bias is not None else weight.new_zeros(len(weight))))


def _linear(input, weight, bias=None) -> _Call | str:
    if input.ndim != 2:
        return "has a linear layer on maps that are not flattened"
    return _Call("linear", weight, {}, (weight, bias if bias is not None else weight.new_zeros(len(weight))))


def _max_pool(
    input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False
) -> _Call | str:
    stride = stride if stride is not None and stride != [] else kernel_size
    facts = {"kernel": _pair(kernel_size), "stride": _pair(stride)}
    facts |= {"padding": _pair(padding), "dilation": _pair(dilation)}
    options = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    return _Call("max", input, facts, options=options | {"ceil_mode": ceil_mode})


def _average(
    input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
) -> _Call | str:
    facts = {"kernel": _pair(kernel_size), "padding": _pair(padding)}
    facts["stride"] = _pair(stride if stride is not None and stride != [] else kernel_size)
    return _Call("average", input, facts | {"counts_padding": count_include_pad, "divisor": divisor_override})


def _fitted(input: Tensor, output_size: Any) -> Pair | None:
    """The window of an adaptive pool that cuts its maps into equal parts; None where they are not equal."""
    sizes = output_size if isinstance(output_size, list | tuple) else (output_size, output_size)
    wanted = [size if size is not None else side for size, side in zip(sizes, input.shape[2:], strict=True)]
    if any(side % size for side, size in zip(input.shape[2:], wanted, strict=True)):
        return None
    return _pair([side // size for side, size in zip(input.shape[2:], wanted, strict=True)])


def _adaptive_average(input, output_size) -> _Call | str:
    window = _fitted(input, output_size)
    return _average(input, window) if window else "cuts its maps into parts that are not equal"


def _adaptive_max(input, output_size, return_indices=False) -> _Call | str:
    window = _fitted(input, output_size)
    return _max_pool(input, window) if window else "cuts its maps into parts that are not equal"


_READERS: dict[Callable, Callable[..., _Call | str]] = {
    torch.conv2d: _conv,
    F.linear: _linear,
    torch.max_pool2d: _max_pool,
    F.max_pool2d: _max_pool,
    F.avg_pool2d: _average,
    F.adaptive_avg_pool2d: _adaptive_average,
    F.adaptive_max_pool2d: _adaptive_max,
}


# One step, written out.


class Terms(NamedTuple):
    """A sum of products, one sheet for each map that goes in.

    Attributes:
        numbers, weights: (maps, h, w); where the kernel hangs over the edge, or no output lies, the number is 0.
        inside: (h, w), whether there is a number. bias: added to the products. total: all of it.
    """

    numbers: np.ndarray
    weights: np.ndarray
    inside: np.ndarray
    bias: float
    total: float


def products(explained: Explained, at: int, unit: int, cell: Cell) -> Terms:
    """How a cell of the convolution `at` comes about: the patch under the kernel, times the kernel, plus the bias."""
    stage, before = explained.stages[at], explained.stages[at - 1]
    if stage.kind != "conv" or stage.weight is None or stage.bias is None:
        raise ValueError(f"{stage.name} is no convolution.")
    rows, columns = (
        place * step - pad + np.arange(size) * gap
        for place, step, pad, size, gap in zip(
            cell, stage.stride, stage.padding, stage.kernel, stage.dilation, strict=True
        )
    )
    numbers, inside = _patch(before.values, rows, columns)
    bias, kernel = float(stage.bias[unit]), stage.weight[unit].astype(np.float64)
    return Terms(numbers, kernel, inside, bias, float((numbers * kernel).sum()) + bias)


def flipped_products(explained: Explained, at: int, unit: int, cell: Cell, rule: str = "backprop") -> Terms:
    """How the gradient at a cell of stage `at` comes about, where a convolution follows: the transposed convolution.

    An output at o read this cell through the weight u where o * stride - padding + u * dilation is the cell. In the
    order of the outputs the weights stand backwards: the flipped kernel. (Dumoulin & Visin, A guide to convolution
    arithmetic for deep learning, arXiv 2016, chapter 4.)
    """
    after = explained.stages[at + 1]
    if after.kind != "conv" or after.weight is None:
        raise ValueError(f"No convolution follows {explained.stages[at].name}.")
    places = []
    for place, step, pad, size, gap in zip(
        cell, after.stride, after.padding, after.kernel, after.dilation, strict=True
    ):
        reached = place + pad - np.arange(size)[::-1] * gap
        places.append(np.where(reached % step == 0, reached // step, -1))
    numbers, inside = _patch(after.gradients[rule], *places)
    kernel = after.weight[:, unit, ::-1, ::-1].astype(np.float64)
    return Terms(numbers, kernel, inside, 0.0, float((numbers * kernel).sum()))


def _patch(maps: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cells of all maps (C, H, W) at these rows and columns, 0 outside: (C, h, w), and which are inside."""
    height, width = maps.shape[1:]
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))[None]
    found = maps[:, rows.clip(0, height - 1)][:, :, columns.clip(0, width - 1)]
    return np.where(inside, found, 0.0).astype(np.float64), inside
