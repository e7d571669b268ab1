"""Theoretical receptive fields, followed through the operations a network really executes.

Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural Networks" (Distill 2019). With kernel
k, stride s, dilation d and padding p, a layer turns a field of (size r, stride j, offset o) into

    r' = r + d (k - 1) j,    j' = s j,    o' = o - p j,

and where branches meet, the field is the smallest interval that contains both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor
from torch.overrides import TorchFunctionMode


class ReceptiveField(NamedTuple):
    """The input pixels a cell of a feature map can see.

    Attributes:
        size: side of the square, in input pixels.
        stride: input pixels between the fields of neighbouring cells.
        offset: first row (and column) that cell 0 sees; negative where it looks into the padding.
    """

    size: int
    stride: int
    offset: int

    def box(self, row: int, column: int) -> tuple[int, int, int, int]:
        """(top, left, bottom, right) of the field of one cell, bottom and right exclusive, not clipped."""
        top, left = self.offset + row * self.stride, self.offset + column * self.stride
        return top, left, top + self.size, left + self.size


class _Axis(NamedTuple):
    size: int
    stride: int
    start: int

    def window(self, kernel: int, stride: int, before: int, dilation: int = 1) -> _Axis:
        return _Axis(
            self.size + dilation * (kernel - 1) * self.stride, self.stride * stride, self.start - before * self.stride
        )

    def union(self, other: _Axis) -> _Axis | None:
        if self.stride != other.stride:
            return None
        start = min(self.start, other.start)
        return _Axis(max(self.start + self.size, other.start + other.size) - start, self.stride, start)


class _Field(NamedTuple):
    rows: _Axis
    columns: _Axis
    dims: tuple[int, int] = (2, 3)  # which dimensions of the tensor are rows and columns


def _same(tensor_field: _Field, out: Tensor, call: dict[str, Any]) -> _Field:
    return tensor_field


def _convolution(field: _Field, out: Tensor, call: dict[str, Any]) -> _Field | None:
    stride, dilation = _pair(call.get("stride", 1)), _pair(call.get("dilation", 1))
    kernel = tuple(call["weight"].shape[-2:])
    padding = call.get("padding", 0)
    if padding == "valid":
        padding = 0
    if padding == "same":
        padding = tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))
    return _slide(field, kernel, stride, _pair(padding), dilation)


def _pool(field: _Field, out: Tensor, call: dict[str, Any]) -> _Field | None:
    kernel = _pair(call["kernel_size"])
    stride = call.get("stride")
    stride = kernel if stride is None or stride == [] else _pair(stride)
    return _slide(field, kernel, stride, _pair(call.get("padding", 0)), _pair(call.get("dilation", 1)))


def _adaptive_pool(field: _Field, out: Tensor, call: dict[str, Any]) -> _Field | None:
    pairs = list(zip(call["input"].shape[-2:], out.shape[-2:], strict=True))
    if any(i % o for i, o in pairs) or all(o == 1 < i for i, o in pairs):
        return None  # windows of unequal size, or the whole image
    kernel = tuple(i // o for i, o in pairs)
    return _slide(field, kernel, kernel, (0, 0), (1, 1))


def _pad(field: _Field, out: Tensor, call: dict[str, Any]) -> _Field | None:
    if call.get("mode", "constant") != "constant" or field.dims != (2, 3):
        return None
    left, _, top, _ = (*call["pad"], 0, 0)[:4]
    return _slide(field, (1, 1), (1, 1), (top, left), (1, 1))


def _permute(field: _Field, out: Tensor, call: dict[str, Any]) -> _Field | None:
    order = call["dims"] if isinstance(call["dims"], tuple | list) else None
    if order is None:
        return None
    order = [d % out.ndim for d in order]
    return field._replace(dims=(order.index(field.dims[0]), order.index(field.dims[1])))


def _last_dimension(field: _Field, out: Tensor, call: dict[str, Any]) -> _Field | None:
    """Linear layers and layer normalization over the last dimension: fine where that holds the channels."""
    trailing = len(call.get("normalized_shape", (0,)))
    return field if max(field.dims) < out.ndim - trailing else None


def _concatenate(field: _Field, out: Tensor, call: dict[str, Any]) -> _Field | None:
    return field if call.get("dim", 0) % out.ndim == 1 else None


def _select(field: _Field, out: Tensor, call: dict[str, Any]) -> _Field | None:
    """`x[:, 0]` takes a channel: rows and columns move one dimension up; all else is not followed."""
    index = call["index"]
    if field.dims == (2, 3) and isinstance(index, tuple) and len(index) == 2 and index[0] == slice(None):
        return field._replace(dims=(out.ndim - 2, out.ndim - 1))
    return None


def _unsqueeze(field: _Field, out: Tensor, call: dict[str, Any]) -> _Field | None:
    at = call["dim"] % out.ndim
    return field._replace(dims=tuple(d + (d >= at) for d in field.dims))


_RULES: dict[str, tuple[Callable, tuple[str, ...]]] = {
    "conv2d": (_convolution, ("input", "weight", "bias", "stride", "padding", "dilation", "groups")),
    "max_pool2d": (_pool, ("input", "kernel_size", "stride", "padding", "dilation")),
    "avg_pool2d": (_pool, ("input", "kernel_size", "stride", "padding")),
    "adaptive_avg_pool2d": (_adaptive_pool, ("input", "output_size")),
    "adaptive_max_pool2d": (_adaptive_pool, ("input", "output_size")),
    "pad": (_pad, ("input", "pad", "mode", "value")),
    "permute": (_permute, ("input", "dims")),
    "linear": (_last_dimension, ("input", "weight")),
    "layer_norm": (_last_dimension, ("input", "normalized_shape")),
    "cat": (_concatenate, ("tensors", "dim")),
    "__getitem__": (_select, ("input", "index")),
    "unsqueeze": (_unsqueeze, ("input", "dim")),
}
_ELEMENTWISE = (
    "relu",
    "relu_",
    "relu6",
    "hardtanh",
    "hardtanh_",
    "threshold",
    "threshold_",
    "clamp",
    "clamp_",
    "clamp_min",
    "clamp_min_",
    "silu",
    "silu_",
    "gelu",
    "sigmoid",
    "sigmoid_",
    "tanh",
    "tanh_",
    "elu",
    "elu_",
    "leaky_relu",
    "leaky_relu_",
    "prelu",
    "hardswish",
    "hardswish_",
    "hardsigmoid",
    "hardsigmoid_",
    "softplus",
    "mish",
    "dropout",
    "dropout_",
    "dropout2d",
    "batch_norm",
    "local_response_norm",
    "add",
    "add_",
    "__add__",
    "__iadd__",
    "__radd__",
    "sub",
    "sub_",
    "__sub__",
    "__rsub__",
    "mul",
    "mul_",
    "__mul__",
    "__imul__",
    "__rmul__",
    "div",
    "div_",
    "__truediv__",
    "neg",
    "abs",
    "exp",
    "log",
    "maximum",
    "minimum",
    "clone",
    "contiguous",
    "detach",
    "to",
    "float",
    "type_as",
    "identity",
)
_RULES |= dict.fromkeys(_ELEMENTWISE, (_same, ("input",)))


class Follow(TorchFunctionMode):
    """While active in this thread, knows the receptive field of every tensor computed from `x`."""

    def __init__(self, x: Tensor):
        super().__init__()
        self._fields: dict[int, _Field | None] = {}
        self._alive: list[Tensor] = []  # tensors stay alive so that an id is never used twice
        self._tag(x, _Field(_Axis(1, 1, 0), _Axis(1, 1, 0)))

    def field(self, tensor: Tensor) -> ReceptiveField | None:
        """The receptive field of a tensor's cells, None where it is the whole image or not defined."""
        found = self._fields.get(id(tensor))
        if found is None or found.dims != (2, 3) or found.rows.stride != found.columns.stride:
            return None
        start = min(found.rows.start, found.columns.start)
        end = max(axis.start + axis.size for axis in (found.rows, found.columns))
        return ReceptiveField(end - start, found.rows.stride, start)

    def _tag(self, tensor: Tensor, field: _Field | None) -> None:
        self._fields[id(tensor)] = field
        self._alive.append(tensor)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tagged = [t for t in _tensors((args, kwargs)) if id(t) in self._fields]
        out = func(*args, **kwargs)
        if tagged and isinstance(out, Tensor):
            self._tag(out, self._follow(func, args, kwargs, tagged, out))
        elif tagged and isinstance(out, tuple | list):
            for part in _tensors(out):
                self._tag(part, None)
        return out

    def _follow(self, func, args, kwargs, tagged: list[Tensor], out: Tensor) -> _Field | None:
        name = getattr(func, "__name__", "")
        name = {"_max_pool2d": "max_pool2d", "boolean_dispatch": "max_pool2d", "fn": "max_pool2d"}.get(name, name)
        field = self._fields[id(tagged[0])]
        for other in tagged[1:]:
            field = _union(field, self._fields[id(other)])
        if field is None or name not in _RULES:
            return None
        rule, parameters = _RULES[name]
        if name == "permute" and len(args) > 2:
            args = (args[0], args[1:])
        call = dict(zip(parameters, args, strict=False)) | kwargs
        return rule(field, out, call)


def _union(a: _Field | None, b: _Field | None) -> _Field | None:
    if a is None or b is None or a.dims != b.dims:
        return None
    rows, columns = a.rows.union(b.rows), a.columns.union(b.columns)
    return _Field(rows, columns, a.dims) if rows and columns else None


def _slide(field: _Field, kernel, stride, padding, dilation) -> _Field | None:
    if field.dims != (2, 3):
        return None
    rows, columns = (
        axis.window(int(k), int(s), int(p), int(d))
        for axis, k, s, p, d in zip(field[:2], kernel, stride, padding, dilation, strict=True)
    )
    return _Field(rows, columns)


def _pair(value) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    return (value[0], value[0]) if len(value) == 1 else (value[0], value[1])


def _tensors(tree) -> list[Tensor]:
    if isinstance(tree, Tensor):
        return [tree]
    if isinstance(tree, dict):
        tree = tree.values()
    elif not isinstance(tree, tuple | list):
        return []
    return [tensor for part in tree for tensor in _tensors(part)]
