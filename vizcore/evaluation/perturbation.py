"""Take pixels away and watch the score: does a map name the pixels that matter?

Samek et al., "Evaluating the Visualization of What a Deep Neural Network Has Learned" (IEEE TNNLS 2017);
Petsiuk et al., "RISE" (BMVC 2018), call the curve for the most salient pixels "deletion".
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vizcore.methods.gradients import make_baseline
from vizcore.models import Net

FILLS = ("mean", "blur")
SHARES = (0.0, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3)  # of the curve


def ranking(values: np.ndarray) -> np.ndarray:
    """(H*W,) flat pixel indices of an (H, W) map, the largest value first; ties in reading order."""
    return np.argsort(-np.asarray(values).ravel(), kind="stable")


def orders(values: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """Three orders of an (H, W) map's pixels: "most" salient first, "random", and "least" salient first.

    Args:
        seed: of a generator of its own, for the random order.
    """
    most = ranking(values)
    return {"most": most, "random": np.random.default_rng(seed).permutation(most.size), "least": most[::-1]}


def filling(net: Net, x: Tensor, how: str = "mean") -> Tensor:
    """What is put where pixels are taken away, shaped like `x`: the picture's own "mean" colour, or a "blur".

    Raises:
        ValueError: any other name.
    """
    if how == "mean":
        return x.mean((2, 3), keepdim=True).expand_as(x)
    if how == "blur":
        return make_baseline(net, x, "blur")
    raise ValueError(f"There is no filling '{how}': choose {' or '.join(FILLS)}.")


def remove(x: Tensor, order: np.ndarray, share: float, fill: Tensor) -> Tensor:
    """The batch with the first `share` of the pixels in `order` replaced by those of `fill`; all channels.

    Args:
        x: (N, C, H, W).
        order: (H*W,) flat pixel indices.
        share: 0 to 1; rounded to whole pixels.
        fill: shaped like x.

    Raises:
        ValueError: the share is out of range or the order is not one of this picture's pixels.
    """
    pixels = x.shape[-2] * x.shape[-1]
    if not 0 <= share <= 1 or order.shape != (pixels,):
        raise ValueError(f"Expected a share from 0 to 1 and an order of {pixels} pixels.")
    gone = torch.zeros(pixels, dtype=torch.bool)
    gone[torch.from_numpy(order[: round(share * pixels)].copy())] = True
    return torch.where(gone.view(x.shape[-2:]).to(x.device), fill, x)


def curve(
    net: Net,
    x: Tensor,
    target: int,
    order: np.ndarray | Mapping[str, np.ndarray],
    shares: Sequence[float],
    fill: Tensor,
    at_once: int = 4,
) -> dict[str, np.ndarray]:
    """The class score after removing growing shares of the pixels.

    Args:
        x: (1, C, H, W), normalized.
        order: (H*W,) flat pixel indices, or several orders by name.
        shares: 0 to 1, as for :func:`remove`.
        at_once: pictures per forward pass, to bound the memory.

    Returns:
        "logit" and "probability", each (orders, shares) float32 in the order given; one row for one order.
    """
    several = list(order.values()) if isinstance(order, Mapping) else [order]
    batch = torch.cat([remove(x, one, share, fill) for one in several for share in shares])
    with torch.no_grad():
        logits = torch.cat([net(part) for part in batch.split(at_once)])
    shape = len(several), len(shares)
    return {
        "logit": logits[:, target].reshape(shape).cpu().numpy(),
        "probability": logits.softmax(1)[:, target].reshape(shape).cpu().numpy(),
    }


def to_picture(net: Net, x: Tensor) -> Image.Image:
    """The first image of a normalized batch (N, C, H, W) as pixels: the inverse of the network's scaling."""
    mean, std = (torch.tensor(v, dtype=x.dtype, device=x.device)[:, None, None] for v in (net.mean, net.std))
    pixels = ((x[0] * std + mean).clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    return Image.fromarray(pixels.squeeze(-1) if net.channels == 1 else pixels)
