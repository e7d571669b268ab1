"""Effective receptive fields: the pixels that really move a cell, among all those that could.

Luo, Li, Urtasun & Zemel, "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks"
(NeurIPS 2016): the gradient of a cell with respect to the input falls off like a Gaussian from the middle of the
theoretical field, whose outer part hardly counts.
"""

import numpy as np
import torch
from torch import Tensor

from vizcore.models import Net, partial


def effective_field(net: Net, x: Tensor, layer: str, cell: tuple[int, int], unit: int | None = None) -> np.ndarray:
    r"""How much each input pixel moves one cell of a layer, on average over some inputs.

    $$E_{ij} = \frac{1}{N} \sum_n \sum_c \left| \frac{\partial a_{rs}(x_n)}{\partial x_{n,c,i,j}} \right|$$

    Args:
        x: (N, C, H, W), normalized inputs; the paper averages over many.
        cell: row r and column s of the layer's maps.
        unit: the map; when None, a is the sum over all maps at that cell.

    Returns:
        (H, W) float32, not negative, zero outside the theoretical receptive field.

    Raises:
        ValueError: an unknown layer, or a cell or unit it does not have.
    """
    if len(net.layer(layer).out_shape) != 3:
        raise ValueError(f"{layer} of {net.title} has no maps, so none of its cells has a receptive field.")
    row, column = net.layer(layer).check_cell(cell)
    if unit is not None:
        net.check_unit(layer, unit)
    total = torch.zeros(x.shape[2:], device=x.device)
    for part in x.detach().split(2):  # two pictures at a time: the graph of many would need much memory
        part.requires_grad_()
        with torch.enable_grad():
            values = partial.activation(net, part, layer)[:, :, row, column]
            chosen = values.sum() if unit is None else values[:, unit].sum()
            (gradient,) = torch.autograd.grad(chosen, part)
        total += gradient.abs().sum((0, 1))
    return (total / len(x)).cpu().numpy()


def mass_box(field: np.ndarray, share: float = 0.9) -> tuple[int, int, int, int] | None:
    """The smallest square around the centre of mass that holds a share of the whole mass, clipped to the picture.

    Args:
        field: (H, W), not negative.
        share: between 0 and 1.

    Returns:
        (top, left, bottom, right), bottom and right exclusive; None where the field is zero everywhere.
    """
    total = float(field.sum(dtype=np.float64))
    if total <= 0:
        return None
    height, width = field.shape
    rows, columns = np.arange(height) + 0.5, np.arange(width) + 0.5
    middle = float(field.sum(1) @ rows) / total, float(field.sum(0) @ columns) / total
    sums = np.pad(field.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    for side in range(1, 2 * max(height, width) + 1):
        top, left = (round(centre - side / 2) for centre in middle)
        bottom, right = min(height, top + side), min(width, left + side)
        top, left = max(0, top), max(0, left)
        if sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left] >= share * total * (1 - 1e-9):
            return top, left, bottom, right
    return 0, 0, height, width


def clipped(box: tuple[int, int, int, int], height: int, width: int) -> tuple[int, int, int, int]:
    """The part of a (top, left, bottom, right) box that lies in the picture; it may be empty."""
    top, left, bottom, right = box
    top, left = min(max(top, 0), height), min(max(left, 0), width)
    return top, left, max(top, min(bottom, height)), max(left, min(right, width))
