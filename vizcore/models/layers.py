"""Questions about a network's layers: which have maps, kernels, neurons; which hand on the same numbers."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vizcore.models import capture
from vizcore.models.net import Layer, Net


def same_outputs(net: Net) -> dict[str, str]:
    """For every layer with maps the first layer that gives out the very same numbers; often itself.

    A block and its last layer are one tensor, and dropout and identity hand on what they got.
    """
    seen: dict[str, tuple[int, int]] = {}
    kept: list[Tensor] = []  # alive, so that no id is used twice

    def note(name: str, output: Tensor) -> None:
        kept.append(output)
        if output.ndim == 4:
            seen[name] = id(output), output._version

    with torch.no_grad(), capture.observing(note):
        net(net.blank())
    first: dict[tuple[int, int], str] = {}
    return {name: first.setdefault(tensor, name) for name, tensor in seen.items()}


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


def map_layers(net: Net) -> tuple[Layer, ...]:
    """The layers with maps that compute something of their own, in the order of execution: convolutions,
    activation functions and pooling, but neither normalization nor modules made of others, unless they join maps."""
    kinds, joined = ("conv", "relu", "activation", "pool"), joins(net)
    return tuple(item for item in net.layers if item.spatial and (item.kind in kinds or item.name in joined))


def weighted_layers(net: Net) -> tuple[str, ...]:
    """Names of the convolutions and linear layers that have weights, in the order of execution."""
    return tuple(layer.name for layer in net.layers if layer.kind in ("conv", "linear"))


def convolutions(net: Net) -> tuple[str, ...]:
    """Names of the layers that have kernels, in the order of execution."""
    return tuple(layer.name for layer in net.layers if isinstance(net.network.get_submodule(layer.name), nn.Conv2d))


def first_linear(net: Net) -> str:
    """Name of the linear layer that sees the pixels themselves.

    Raises:
        ValueError: the first layer with weights is not linear.
    """
    for layer in net.layers:
        if layer.kind == "linear":
            return layer.name
        if layer.kind not in ("flatten", "identity", "dropout"):
            break
    raise ValueError(f"{net.title} has no fully connected layer on its pixels.")


def before_relu(net: Net, layer: str) -> str:
    """The layer to climb for a ReLU, or for a block that ends in one: the one right before it.

    Where a ReLU is shut there is no gradient to follow, and above its ceiling, if it has one, none either.
    """
    names = [item.name for item in net.layers]
    at = names.index(layer)
    if at > 0 and net.layers[at].kind == "block" and net.layers[at - 1].kind == "relu":
        at -= net.layers[at].out_shape == net.layers[at - 1].out_shape
    if at > 0 and net.layers[at].kind == "relu":
        one, other = net.layers[at - 1], net.layers[at]
        if one.kind in ("conv", "norm") and one.out_shape == other.out_shape and other.calls == 1:
            return one.name
    return layer


def linear_head(net: Net) -> nn.Linear | None:
    """The network's last linear layer, in the order of execution; None where it has none."""
    linear = [layer.name for layer in net.layers if layer.kind == "linear"]
    return linear_module(net, linear[-1]) if linear else None


def linear_module(net: Net, layer: str) -> nn.Linear:
    """The module of a layer of kind "linear"."""
    module = net.network.get_submodule(layer)
    assert isinstance(module, nn.Linear), layer
    return module


class Readout(NamedTuple):
    """A network's last step: the weights (K, C) that connect the mean of each map of `layer` with the classes."""

    layer: str
    weights: Tensor


def class_maps(net: Net) -> nn.Conv2d | None:
    """The last convolution, where it makes one map for each class and the mean of a map is the score; else None.

    Lin, Chen & Yan, "Network in network" (2014); SqueezeNet ends so. Such a map is its class's activation map.
    """
    last = net.network.get_submodule(net.cam_layer) if net.cam_layer else None
    if not isinstance(last, nn.Conv2d) or last.out_channels != len(net.categories):
        return None
    return last if _averaged(net, net.layers) else None


def _averaged(net: Net, layers: Sequence[Layer]) -> bool:
    """Whether, of these layers, all that comes after the last maps is one average over each whole map."""
    names = [layer.name for layer in layers]
    after = layers[names.index(net.cam_layer or "") + 1 :]
    pools = [layer for layer in after if layer.kind == "pool"]
    return (
        all(layer.kind in ("pool", "flatten", "dropout", "identity", "block") for layer in after)
        and [layer.out_shape for layer in pools] == [(net.layer(net.cam_layer or "").out_shape[0], 1, 1)]
        and isinstance(net.network.get_submodule(pools[0].name), nn.AdaptiveAvgPool2d)
    )


def last_features(net: Net) -> str | None:
    """The last maps that are not yet the classes themselves: what the methods weigh that weigh maps.

    Mostly the network's Grad-CAM layer. Where that has one map for each class (see :func:`class_maps`), all weights
    but one are zero there, so the layer before it.
    """
    if class_maps(net) is None:
        return net.cam_layer
    names = [layer.name for layer in net.layers]
    before = net.layers[: names.index(net.cam_layer or "")]
    return next(layer.name for layer in before[::-1] if layer.spatial and layer.kind not in ("dropout", "identity"))


def readout(net: Net) -> Readout | None:
    """The weights that connect maps with the classes, where an average and these weights are all that follows."""
    if (last := class_maps(net)) is not None:
        layer = last_features(net)
        return Readout(layer, last.weight.detach()[:, :, 0, 0]) if layer and last.kernel_size == (1, 1) else None
    linear = linear_head(net)
    if net.cam_layer is None or linear is None or net.layers[-1].kind != "linear":
        return None
    if _averaged(net, net.layers[:-1]) and linear.in_features == net.layer(net.cam_layer).out_shape[0]:
        return Readout(net.cam_layer, linear.weight.detach())
    return None


def joins(net: Net) -> dict[str, tuple[str, ...]]:
    """The blocks that put the maps of several of their ReLUs side by side, and these ReLUs.

    Told by the shapes: the last ReLUs in the block have maps of its size, and together as many. SqueezeNet's fire
    modules are such blocks.
    """
    found: dict[str, tuple[str, ...]] = {}
    for at, block in enumerate(net.layers):
        if block.kind != "block" or not block.spatial:
            continue
        inside, missing = [], block.out_shape[0]
        for layer in net.layers[:at][::-1]:
            if not layer.name.startswith(f"{block.name}.") or missing <= 0:
                break
            if layer.kind == "relu" and layer.out_shape[1:] == block.out_shape[1:]:
                inside.append(layer.name)
                missing -= layer.out_shape[0]
        if missing == 0 and len(inside) > 1:
            found[block.name] = tuple(inside[::-1])
    return found


def candidates(net: Net) -> tuple[Layer, ...]:
    """The layers whose units can be shown, in order: the maps after each ReLU or other activation function.

    Where a block puts the maps of several ReLUs side by side, the block stands for them. Where a network calls ReLUs
    as functions, so that they are no layers: its blocks, or else its convolutions.

    Raises:
        ValueError: a network without maps.
    """
    joined = joins(net)
    parts = {name for inside in joined.values() for name in inside}
    rectified = {
        layer.name
        for layer in net.layers
        if layer.name in joined or (layer.kind in ("relu", "activation") and layer.name not in parts)
    }
    kinds = (rectified, {item.name for item in net.layers if item.kind == "block"}, set(convolutions(net)))
    found = [tuple(layer for layer in net.layers if layer.spatial and layer.name in kind) for kind in kinds]
    best = max(found, key=lambda layers: len(_by_scale(layers)))
    if not best:
        raise ValueError(f"{net.title} has no feature maps, so no unit of it sees a patch. Choose another network.")
    return best


def block_ends(net: Net) -> tuple[Layer, ...]:
    """The last of :func:`candidates` before each loss of resolution: in a VGG the last ReLU before each pooling.

    In a network of blocks that put ReLUs side by side: each of these, and what is before the first of them.
    """
    joined = joins(net)
    outside = [layer for layer in candidates(net) if not layer.name.startswith(tuple(f"{name}." for name in joined))]
    first = next((at for at, layer in enumerate(outside) if layer.name in joined), len(outside))
    return *_by_scale(outside[:first]).values(), *(layer for layer in outside if layer.name in joined)


def _by_scale(layers: Sequence[Layer]) -> dict[object, Layer]:
    """The last layer of each stride of the receptive field; of each map size where a field is undefined."""
    fields = [layer.receptive_field for layer in layers if layer.receptive_field]
    if len(fields) == len(layers):
        return {field.stride: layer for field, layer in zip(fields, layers, strict=True)}
    return {layer.out_shape[1:]: layer for layer in layers}
