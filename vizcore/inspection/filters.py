"""What the weights of a layer look like: kernels and templates as pictures, and what they add to a score."""

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from vizcore.models import Net
from vizcore.models.layers import first_linear, linear_module


def filter_bank(net: Net, layer: str) -> np.ndarray:
    """(K, C, kh, kw) float32: the kernels of a convolution, C input channels each (1 where depthwise).

    Raises:
        ValueError: an unknown layer, or one that is not a convolution.
    """
    module = net.network.get_submodule(net.layer(layer).name)
    if not isinstance(module, nn.Conv2d):
        raise ValueError(f"{layer} of {net.title} is not a convolution: it has no kernels.")
    return module.weight.detach().cpu().numpy().copy()


class Scaled(NamedTuple):
    """Weights as grey levels: `low` is drawn as 0, `high` as 255; both broadcast against `grey`."""

    grey: np.ndarray
    low: np.ndarray
    high: np.ndarray


def scale(weights: np.ndarray, shared: bool = False) -> Scaled:
    """Weights (K, ...) as grey levels 0 to 255 (uint8), linearly.

    Args:
        shared: one minimum and maximum for all, so that kernels can be compared; otherwise each of the K has
            its own, so that each can be seen. Weights that are all equal become 0.
    """
    axes = tuple(range(0 if shared else 1, weights.ndim))
    low, high = (end(axis=axes, keepdims=True) for end in (weights.min, weights.max))
    span = np.where(high > low, high - low, 1).astype(np.float64)
    return Scaled(np.rint(255 * (weights - low) / span).astype(np.uint8), low, high)


def norms(bank: np.ndarray) -> np.ndarray:
    """(K,) Euclidean length of each kernel: the root of the sum of its squared weights."""
    return np.sqrt(np.square(bank, dtype=np.float64).reshape(len(bank), -1).sum(1))


def order(bank: np.ndarray, by: str) -> np.ndarray:
    """(K,) kernels in the order shown: by "index", or by "norm", longest first."""
    if by not in ("index", "norm"):
        raise ValueError(f"kernels are sorted by 'index' or 'norm', not by {by!r}")
    return np.arange(len(bank)) if by == "index" else np.argsort(-norms(bank), kind="stable")


def faces(bank: np.ndarray, channel: int | None = None) -> np.ndarray:
    """One picture per kernel: (K, 3, kh, kw) for colour, else (K, kh, kw).

    Args:
        channel: the input channel drawn; when omitted all three where there are three, and else their mean.
    """
    if channel is not None:
        if not 0 <= channel < bank.shape[1]:
            raise ValueError(f"these kernels have input channels 0 to {bank.shape[1] - 1}, not {channel}.")
        return bank[:, channel]
    return bank if bank.shape[1] == 3 else bank.mean(1)


# Fully connected layers.


def templates(net: Net) -> np.ndarray:
    """(K, C, H, W) float32: the weights of each node of the first linear layer, reshaped to the picture."""
    weight = linear_module(net, first_linear(net)).weight.detach().cpu().numpy()
    return weight.reshape(len(weight), net.channels, net.input_size, net.input_size).copy()


class Contribution(NamedTuple):
    """What each input adds to a node: `values` (H, W) sum to `output` - `bias`."""

    values: np.ndarray
    bias: float
    output: float


def contributions(net: Net, x: torch.Tensor, node: int) -> Contribution:
    """Template x input: every pixel's share in a node of the first linear layer (a logit, or a hidden node).

    Args:
        x: (1, C, H, W), normalized; channels are added up.
        node: which row of the weights.

    Returns:
        float64 values (H, W); `output` is what the network itself computes, before any ReLU.
    """
    layer = first_linear(net)
    module = linear_module(net, layer)
    if not 0 <= node < module.out_features:
        raise ValueError(f"{layer} has nodes 0 to {module.out_features - 1}, not {node}.")
    with torch.no_grad():
        output = net.forward(x, capture=[layer])[1][layer][0, node]
    values = (templates(net)[node].astype(np.float64) * x[0].cpu().numpy()).sum(0)
    bias = 0.0 if module.bias is None else float(module.bias[node])
    return Contribution(values, bias, float(output))


def class_means(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(classes, H, W) float64: the mean picture of each class, in the units of the pictures."""
    return np.stack([images[labels == name].mean(0) for name in range(int(labels.max()) + 1)])


def node_mean(net: Net, node: int, images: np.ndarray, count: int = 100) -> np.ndarray:
    """(H, W) float64: the mean of the `count` pictures a first-layer node answers most.

    Args:
        images: (N, H, W) grey, 0 to 255.
    """
    mean, std = net.mean[0], net.std[0]
    answers = ((images / 255 - mean) / std).reshape(len(images), -1) @ templates(net)[node].reshape(-1)
    return images[np.argsort(-answers, kind="stable")[:count]].mean(0)
