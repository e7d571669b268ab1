r"""Object segmentation for free: a class's heat map becomes seeds, and a classical graph cut completes them.

Simonyan, Vedaldi & Zisserman, "Deep Inside Convolutional Networks" (arXiv 2013), section 3.2: the pixels with the
largest saliency give a colour model of the object, those with the smallest one of the background; a graph cut
(Boykov & Jolly, ICCV 2001) divides the picture between the two. GrabCut (Rother, Kolmogorov & Blake, SIGGRAPH 2004)
repeats it: new colour models from the last division, and again.
"""

from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from vizcore.methods import cam
from vizcore.types import BACKGROUND, CORE, FOREGROUND, UNDECIDED

CORE_FROM = 99  # percentile from which a seed of the object stays object


class Settings(NamedTuple):
    """How a map becomes a mask.

    Attributes:
        sigma: standard deviation of the Gaussian that smooths the map, in percent of the picture's side.
        foreground: percentile; pixels at or above it are seeds of the object.
        background: percentile; pixels at or below it are seeds of the background.
        iterations: graph cuts; the first with colour models of the seeds alone, as Simonyan et al. did, each
            further one with models of the division before it, as in GrabCut.
        threshold: percentile of the naive threshold of the same map.
    """

    sigma: float = 4.0
    foreground: int = 95
    background: int = 30
    iterations: int = 3
    threshold: int = 75


# From a map to seeds.


def strength(values: np.ndarray, size: tuple[int, int], sigma: float = 0.0) -> np.ndarray:
    """One non-negative number per pixel: how much of the evidence lies there.

    Image-shaped values lose their sign and are summed over the channels, as for a saliency map; a map keeps what is
    above zero. Small maps are enlarged bilinearly; then a Gaussian smooths.

    Args:
        values: (C, H, W) or (h, w).
        size: (H, W) of the picture.
        sigma: of the Gaussian, in percent of the longer side.

    Returns:
        (H, W) float32.
    """
    import cv2

    values = np.asarray(values, dtype=np.float32)
    values = np.abs(values).sum(0) if values.ndim == 3 else np.maximum(values, 0)
    if values.shape != tuple(size):
        values = cam.upsample(torch.from_numpy(np.ascontiguousarray(values))[None], size)[0].numpy()
    if sigma > 0:
        values = cv2.GaussianBlur(values, (0, 0), sigma / 100 * max(size), borderType=cv2.BORDER_REFLECT)
    return values


def seeds(strength: np.ndarray, foreground: float = 95, background: float = 30) -> np.ndarray:
    """Which pixels are taken for object and which for background.

    Args:
        strength: (H, W), at least zero.
        foreground, background: percentiles of `strength`. Where both are the same value (many pixels are zero),
            those above it are foreground and the rest is background.

    Returns:
        (H, W) uint8 of FOREGROUND, BACKGROUND and UNDECIDED; the strongest foreground pixels, from percentile
        CORE_FROM, are CORE.

    Raises:
        ValueError: the map is the same everywhere, so nothing stands out; or the percentiles are out of order.
    """
    if not 0 < background < foreground < 100:
        raise ValueError(f"The background percentile ({background}) must lie below the foreground one ({foreground}).")
    low, high, core = np.percentile(strength, [background, foreground, max(foreground, CORE_FROM)])
    labels = np.full(strength.shape, UNDECIDED, np.uint8)
    labels[strength <= low] = BACKGROUND
    labels[(strength >= high) & (strength > low)] = FOREGROUND
    labels[(strength >= core) & (strength > low)] = CORE
    if not (labels == CORE).any():
        raise ValueError("The map is the same everywhere: no pixel stands out, so there are no seeds to cut from.")
    return labels


# From seeds to a mask.


def cut(picture: Image.Image, labels: np.ndarray, iterations: int = 3) -> np.ndarray:
    r"""Divide a picture by graph cuts that start from seeds.

    The seeds give the colours of both sides. Background seeds stay background, and CORE stays object; other object
    seeds may change sides, since strong pixels of a map often lie a little beside the object.

    Each cut minimizes $\sum_p -\log P(z_p \mid a_p) + 50 \sum_{pq} [a_p \ne a_q] e^{-\beta \lVert z_p - z_q \rVert^2}$
    with a mixture of five Gaussians of colour per side. OpenCV starts the mixtures from k-means with random centres;
    its generator belongs to the thread and is seeded here, so equal seeds give equal masks in every thread.

    Args:
        picture: (W, H) in any mode; the colours count as RGB.
        labels: (H, W) of :func:`seeds`.
        iterations: at least 1.

    Returns:
        (H, W) bool, True for the object.

    Raises:
        ValueError: no seed of one of the two kinds.
    """
    import cv2

    pixels = np.asarray(picture.convert("RGB"))
    if pixels.shape[:2] != labels.shape:
        raise ValueError(f"The picture has {pixels.shape[:2]} pixels, the seeds have {labels.shape}.")
    for values, name in (((FOREGROUND, CORE), "object"), ((BACKGROUND,), "background")):
        if not np.isin(labels, values).any():
            raise ValueError(f"There is no seed of the {name}, so its colours are not known.")
    chosen = labels != UNDECIDED
    below, above = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(1)
    no_box = (0, 0, 0, 0)  # the seeds stand in its place
    known = np.ascontiguousarray(labels[chosen][None])
    cv2.grabCut(np.ascontiguousarray(pixels[chosen][None]), known, no_box, below, above, 0, cv2.GC_INIT_WITH_MASK)
    mask = labels.copy()
    cv2.grabCut(pixels, mask, no_box, below, above, 1, cv2.GC_EVAL_FREEZE_MODEL)
    if iterations > 1:
        cv2.grabCut(pixels, mask, no_box, below, above, iterations - 1, cv2.GC_EVAL)
    return (mask == FOREGROUND) | (mask == CORE)


# What it is compared with.


def threshold(strength: np.ndarray, percentile: float) -> np.ndarray:
    """(H, W) bool: the pixels above a percentile; nothing else is asked."""
    return strength > np.percentile(strength, percentile)


def centre_box(size: tuple[int, int], share: float) -> np.ndarray:
    """(H, W) bool: a box in the middle, its sides `share` (0 to 1) of the picture's."""
    box = np.zeros(size, bool)
    top, left = (round(side * (1 - share) / 2) for side in size)
    box[top : size[0] - top, left : size[1] - left] = True
    return box


def box_seeds(size: tuple[int, int], inner: float, outer: float) -> np.ndarray:
    """Seeds without any network: the inside of a small centred box is object, the outside of a large one is not."""
    labels = np.full(size, UNDECIDED, np.uint8)
    labels[~centre_box(size, outer)] = BACKGROUND
    labels[centre_box(size, inner)] = FOREGROUND
    return labels


def iou(mask: np.ndarray, truth: np.ndarray) -> float:
    """Intersection over union of two (H, W) bool masks, 0 to 1; 1 when both are empty."""
    union = np.logical_or(mask, truth).sum()
    return float(np.logical_and(mask, truth).sum() / union) if union else 1.0
