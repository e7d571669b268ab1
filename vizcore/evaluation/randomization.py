"""Does a picture depend on what the network has learned? Random weights, layer by layer, in private twins.

Adebayo et al., "Sanity Checks for Saliency Maps" (NeurIPS 2018); its efficient variant: Hedström et al., "Sanity Checks
Revisited" (2024).
"""

import copy
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from vizcore import methods
from vizcore.evaluation import compare
from vizcore.methods import gradients
from vizcore.models import Net
from vizcore.models import layers as model_layers

QUICK = tuple(m.name for m in methods.METHODS.values() if not m.slow)  # and so are the two controls
SLOWER: dict[str, dict[str, Any]] = {
    "smooth_grad": {"samples": 4},
    "integrated_gradients": {"steps": 8, "tolerance": 0.0},
}
SIX = ("saliency", "input_x_gradient", "deconvnet", "guided_backprop", "grad_cam", "guided_grad_cam")
CONTROLS = ("edges", "random")
MOST_STAGES = 20
WINDOW = 7  # pixels along the side of the windows of the structural similarity
BINS = 100  # of the histogram whose entropy is the complexity of a map


# Twins.


class Stage(NamedTuple):
    """A part of a network whose weights become random together.

    Attributes:
        name: of a block, or of a layer of its own. layers: its layers with weights, in the order of execution.
    """

    name: str
    layers: tuple[str, ...]


def stages(net: Net, most: int = MOST_STAGES) -> tuple[Stage, ...]:
    """The layers with weights from the input to the output, those of one block together; at most so many parts.

    A block is the outermost module on the way to a layer that is not a plain sequence. Where there are more than
    `most`, neighbours are put together.
    """
    modules = dict(net.network.named_modules())
    found: dict[str, list[str]] = {}
    for layer in model_layers.weighted_layers(net):
        parts = layer.split(".")
        paths = (".".join(parts[:depth]) for depth in range(1, len(parts) + 1))
        name = next(path for path in paths if not isinstance(modules[path], nn.Sequential))
        found.setdefault(name, []).append(layer)
    several = [Stage(name, tuple(inside)) for name, inside in found.items()]
    several.sort(key=lambda stage: model_layers.weighted_layers(net).index(stage.layers[0]))
    groups = np.array_split(np.arange(len(several)), min(most, len(several))) if several else []
    return tuple(
        Stage(several[group[0]].name, tuple(layer for at in group for layer in several[at].layers)) for group in groups
    )


def randomize(net: Net, from_layer: str, seed: int = 0) -> Net:
    """A copy of the network whose weights are random from a layer up to the output.

    Every parameter tensor of that layer and of all later ones is drawn anew from a normal distribution with
    the tensor's own mean and standard deviation, so that the signal keeps about its size; statistics of batch
    normalization stay. This is the cascading randomization of Adebayo et al. (NeurIPS 2018), section 3.1: the draw
    begins at the output, so with one seed a layer gets the same weights wherever the cascade stands.
    The tensors below the layer are shared with the original, which is never changed.

    Args:
        net: the network.
        from_layer: name of the lowest layer to randomize.
        seed: of a generator of its own; the same seed gives the same weights.

    Raises:
        ValueError: there is no such layer.
    """
    net.layer(from_layer)
    return next(twin for _, twin in cascade(net, seed, [from_layer]))


def cascade(net: Net, seed: int = 0, layers: Sequence[str] | None = None) -> Iterator[tuple[str, Net]]:
    """The network with more and more random weights: from the output layer down to the first.

    The twins share what they have in common, with one another and with `net`, which is never changed; so all of them
    together take the memory of one more network.

    Args:
        seed: of a generator of its own; the same seed gives the same weights.
        layers: where to stop; when omitted every convolution and linear layer.

    Yields:
        (layer, twin): the twin's weights are random from this layer up to the output, as in :func:`randomize`.
    """
    wanted = set(model_layers.weighted_layers(net) if layers is None else layers)
    modules, generator = dict(net.network.named_modules()), torch.Generator().manual_seed(seed)
    drawn: dict[int, nn.Parameter] = {}
    for layer in net.layers[::-1]:
        for parameter in modules[layer.name].parameters(recurse=False):
            if id(parameter) not in drawn:
                drawn[id(parameter)] = _redrawn(parameter, generator)
        if layer.name in wanted:
            yield layer.name, _twin(net, drawn, f"random from {layer.name}", seed)


def independent(net: Net, seed: int = 0, layers: Sequence[str] | None = None) -> Iterator[tuple[str, Net]]:
    """The network with random weights in one layer at a time, from the output layer down; all others are as trained.

    Independent randomization of Adebayo et al. (2018), section 3.2. Arguments and result as for :func:`cascade`.
    """
    wanted = set(model_layers.weighted_layers(net) if layers is None else layers)
    for layer in net.layers[::-1]:
        if layer.name in wanted:
            yield layer.name, randomize_only(net, [layer.name], seed)


def randomize_only(net: Net, layers: Sequence[str], seed: int = 0) -> Net:
    """A copy of the network with random weights in these layers only, drawn as by :func:`randomize`.

    Raises:
        ValueError: there is no such layer.
    """
    modules, generator = dict(net.network.named_modules()), torch.Generator().manual_seed(seed)
    own = [p for name in layers for p in modules[net.layer(name).name].parameters(recurse=False)]
    drawn = {id(parameter): _redrawn(parameter, generator) for parameter in own}
    return _twin(net, drawn, f"random in {', '.join(layers)}", seed)


def _twin(net: Net, drawn: Mapping[int, nn.Parameter], what: str, seed: int) -> Net:
    """A copy that shares all tensors with the network but those that were drawn, by the id of the original."""
    shared = (*net.network.parameters(), *net.network.buffers())
    memo = {id(tensor): drawn.get(id(tensor), tensor) for tensor in shared}
    return dataclasses.replace(
        net,
        name=f"{net.name} {what}, seed {seed}",
        title=f"{net.title}, {what}",
        network=copy.deepcopy(net.network, memo),  # a memo may begin filled
    )


def _redrawn(parameter: Tensor, generator: torch.Generator) -> nn.Parameter:
    std, mean = torch.std_mean(parameter.detach().float().cpu(), correction=0)
    noise = torch.randn(parameter.shape, generator=generator) * std + mean
    return nn.Parameter(noise.to(parameter), requires_grad=False)


# What the methods make of a twin.


def explain(
    net: Net, x: Tensor, target: int, names: Sequence[str] = QUICK, noise: int = 0
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Several methods on one picture: the results by name, and the reasons of those that cannot run.

    Under "saliency" the gradient with its signs, of which the saliency map is the size. The class activation methods
    look at the network's last maps that are not yet the classes themselves; slow methods take few samples
    (:data:`SLOWER`).

    Args:
        noise: seed of the random map. A new one for every network makes it noise that depends on nothing.

    Returns:
        Raw float32 values, (C, H, W) or (h, w), as of :func:`vizcore.methods.run`; name to a sentence.
    """
    found: dict[str, np.ndarray] = {}
    missing: dict[str, str] = {}
    for name in names:
        params = {p.name for p in methods.METHODS[name].params}
        given: dict[str, Any] = {**SLOWER.get(name, {})}
        if name == "random":
            given["seed"] = noise
        if "layer" in params:
            given["layer"] = model_layers.last_features(net)
        try:
            if name == "saliency":
                found[name] = gradients.input_gradient(net, x, target)[0].cpu().numpy()
            else:
                found[name] = methods.run(name, net, x, target, **given).values
        except ValueError as error:
            missing[name] = str(error)
    return found, missing


class Similarity(NamedTuple):
    """How alike two results of one method are; NaN where one of them is constant.

    Attributes:
        size: rank correlation of the absolute values. signed: of the values with their signs.
        ssim: structural similarity of the absolute values, as pictures scaled to 0 to 1.
    """

    size: float
    signed: float
    ssim: float


def sizes(values: np.ndarray) -> np.ndarray:
    """(h, w) absolute values of a result; those of the colours are added."""
    if values.ndim == 3:
        return np.abs(values).sum(0)
    return np.abs(values) if values.min() < 0 else values


class Reference:
    """A result for the trained network, prepared to be compared with many others of the same method and picture."""

    def __init__(self, values: np.ndarray, side: int) -> None:
        """`values`: (C, H, W) or (h, w), raw. `side`: of the picture in pixels, for the structural similarity."""
        self._side, self._signed = side, compare.Ranked(values)
        self._size, self._picture = compare.Ranked(sizes(values)), _as_picture(sizes(values), side)

    def similarity(self, values: np.ndarray) -> Similarity:
        """The measures of :class:`Similarity`."""
        size = sizes(values)
        picture = _as_picture(size, self._side)
        both = bool(np.ptp(self._picture) and np.ptp(picture)) and self._side >= WINDOW
        alike = self._size.spearman(size)
        return Similarity(
            alike,
            alike if size is values else self._signed.spearman(values),
            compare.ssim(self._picture, picture) if both else float("nan"),
        )


def _as_picture(size: np.ndarray, side: int) -> np.ndarray:
    """(side, side) from 0 to 1: a map as it is seen, enlarged bilinearly and scaled to its own range."""
    large = torch.from_numpy(np.asarray(size, np.float32))[None, None]
    if size.shape != (side, side):
        large = nn.functional.interpolate(large, (side, side), mode="bilinear", align_corners=False)
    picture = large[0, 0].double().numpy()
    picture = picture - picture.min()
    return picture / (picture.max() or 1.0)


# The efficient variant.


def complexity(values: np.ndarray, bins: int = BINS) -> float:
    r"""Entropy, in nats, of the histogram of a result's absolute values: $-\sum_b p_b \log p_b$.

    `p_b` is the share of the values in bin b of `bins` equal ones between the smallest and the largest; at most
    log(bins), 0 for a constant map.
    """
    counts = np.histogram(sizes(values), bins=bins)[0]
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum()) + 0.0


def rise(trained: np.ndarray, random: np.ndarray, bins: int = BINS) -> float:
    r"""The score of eMPRT: how much more complex an explanation is when all weights are random.

    $$\frac{\xi(\hat e) - \xi(e)}{\xi(e)}$$ with the entropy of :func:`complexity` as $\xi$; above zero is held to be
    good. NaN where one of the two maps is constant.
    """
    before, after = complexity(trained, bins), complexity(random, bins)
    return (after - before) / before if before > 0 and after > 0 else float("nan")
