r"""Cover parts of the picture and watch the score: no gradients, no layers, any network.

What is covered takes the values of a baseline picture; "mean" is the mean colour, zero after normalization.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from vizcore.methods.gradients import make_baseline
from vizcore.models import Net
from vizcore.types import Progress, report

_AT_ONCE = 4  # pictures in one forward pass, as in vizcore.methods.cam


def windows(size: tuple[int, int], side: int, step: int) -> list[tuple[slice, slice]]:
    """Rows and columns of every position of a square window; the last ones are cut off at the edge.

    Args:
        size: (H, W) in pixels. side: of the window. step: from one position to the next.
    """
    starts = [range(0, step * (max(0, math.ceil((length - side) / step)) + 1), step) for length in size]
    return [(slice(top, top + side), slice(left, left + side)) for top in starts[0] for left in starts[1]]


def places(size: tuple[int, int], patch: float, stride: float) -> list[tuple[slice, slice]]:
    """The positions of :func:`occlusion`'s patch on a picture of (H, W): see there for the shares."""
    side = max(1, round(patch * min(size)))
    return windows(size, side, max(1, round(stride * side)))


def occlusion(
    net: Net,
    x: Tensor,
    target: int | Tensor,
    patch: float = 0.15,
    stride: float = 0.5,
    fill: str = "mean",
    progress: Progress | None = None,
) -> Tensor:
    r"""Occlusion sensitivity: how much the score falls when a patch is covered, $S_c(x) - S_c(x_{\setminus p})$.

    Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks" (ECCV 2014), section 4.2. Each pixel
    gets the mean over the patches that cover it.

    Args:
        patch: side of the square, as a share of the picture's shorter side.
        stride: from one position to the next, as a share of the patch.
        fill: "mean", "black", "white" or "blur", as for :func:`vizcore.methods.gradients.make_baseline`.
        progress: called with the share done; what it raises cancels.

    Returns:
        (N, H, W), signed: below zero where covering raises the score. One forward pass per position.

    Raises:
        ValueError: patch or stride out of range, or an unknown filling.
    """
    if not 0 < patch <= 1 or not 0 < stride <= 1:
        raise ValueError("Patch and stride are shares above 0 and up to 1.")
    x, targets, cover = x.detach(), net.check_target(target, len(x)), make_baseline(net, x.detach(), fill)
    height, width = x.shape[-2:]
    positions = places((height, width), patch, stride)
    total, count = torch.zeros_like(x[:, 0]), torch.zeros_like(x[0, 0])
    for place in positions:
        count[place] += 1
    for n, c in enumerate(targets):
        with torch.no_grad():
            score = net(x[n : n + 1])[0, c]
            for start in range(0, len(positions), _AT_ONCE):
                part = positions[start : start + _AT_ONCE]
                covered = x[n].repeat(len(part), 1, 1, 1)
                for picture, place in zip(covered, part, strict=True):
                    picture[:, *place] = cover[n][:, *place]
                for place, after in zip(part, net(covered)[:, c], strict=True):
                    total[n][place] += score - after
                report(progress, (n + (start + len(part)) / len(positions)) / len(x))
    return total / count


def rise_masks(
    samples: int, cells: int, keep: float, size: tuple[int, int], seed: int = 0, dtype: torch.dtype = torch.float32
) -> list[Tensor]:
    r"""RISE's masks, in parts of (B, H, W), from 0 to 1: random coarse grids, enlarged and shifted.

    Petsiuk et al. (BMVC 2018), section 3.2: a grid of `cells` x `cells` zeros and ones (one with probability
    `keep`) is enlarged bilinearly to one cell more than the picture, and a random crop is taken.

    Args:
        size: (H, W) in pixels.
        seed: of a generator of its own.
        dtype: of the masks; the same seed gives the same ones, only rounded otherwise.
    """
    generator = torch.Generator().manual_seed(seed)
    grids = (torch.rand(samples, cells, cells, generator=generator) < keep).to(dtype)
    cell = [math.ceil(length / cells) for length in size]
    tops, lefts = (torch.randint(0, length, (samples,), generator=generator).tolist() for length in cell)
    large = tuple((cells + 1) * length for length in cell)
    return [
        torch.stack(
            [
                F.interpolate(grids[None, None, i], large, mode="bilinear", align_corners=False)[
                    0, 0, tops[i] : tops[i] + size[0], lefts[i] : lefts[i] + size[1]
                ]
                for i in range(start, min(start + _AT_ONCE, samples))
            ]
        )
        for start in range(0, samples, _AT_ONCE)
    ]


def rise(
    net: Net,
    x: Tensor,
    target: int | Tensor,
    samples: int = 256,
    cells: int = 7,
    keep: float = 0.5,
    seed: int = 0,
    progress: Progress | None = None,
) -> Tensor:
    r"""RISE, $\frac{1}{n p} \sum_i p_c(x \odot M_i)\, M_i$: the mean of random masks, weighted by what they leave.

    Petsiuk, Das & Saenko, "RISE" (BMVC 2018), equation 6, with the softmax probability $p_c$. The paper takes 4000
    to 8000 masks; fewer leave speckles.

    Args:
        samples: masks n. cells: of the coarse grid's side. keep: p, the share of the picture that stays.
        seed: of a generator of its own; the same seed gives the same picture.
        progress: called with the share done; what it raises cancels.

    Returns:
        (N, H, W), at least zero.
    """
    x, targets = x.detach(), net.check_target(target, len(x))
    total = torch.zeros_like(x[:, 0])
    height, width = x.shape[-2:]
    parts = rise_masks(samples, cells, keep, (height, width), seed, x.dtype)
    for n, c in enumerate(targets):
        for done, masks in enumerate(parts, start=1):
            masks = masks.to(x)
            with torch.no_grad():
                left = net(x[n] * masks[:, None]).softmax(1)[:, c]
            total[n] += torch.einsum("b,bhw->hw", left, masks)
            report(progress, (n + done / len(parts)) / len(x))
    return total / (samples * keep)
