"""How alike two maps are."""

import numpy as np
import torch

from vizcore.methods import cam


def correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    """Pearson correlation of two arrays of one shape, value by value; None where one of them is constant."""
    a, b = (np.asarray(v, dtype=np.float64).ravel() - np.mean(v, dtype=np.float64) for v in (first, second))
    size = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / size) if size > 0 else None


def share_of_variance(part: np.ndarray, whole: np.ndarray) -> float:
    """The variance of `part` as a share of that of `whole`; 1 where `whole` is constant and has none to lose."""
    variance = np.var(whole, dtype=np.float64)
    return float(np.var(part, dtype=np.float64) / variance) if variance > 0 else 1.0


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation of two arrays of equal shape, -1 to 1; equal values share their mean rank.

    NaN where one of them is constant: then there is no order to compare.

    Raises:
        ValueError: the shapes differ.
    """
    if np.shape(a) != np.shape(b):
        raise ValueError(f"The arrays must have the same shape, not {np.shape(a)} and {np.shape(b)}.")
    x, y = (_ranks(np.ravel(values)) for values in (a, b))
    x, y = x - x.mean(), y - y.mean()
    scale = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / scale) if scale > 0 else float("nan")


def in_words(correlation: float) -> str:
    """The number with two digits, three where it is nearly 1, or that there is none."""
    if np.isnan(correlation):
        return "undefined"
    if 0.9995 <= correlation < 1 - 1e-9:
        return "> 0.999"
    return f"{correlation:.3f}" if 0.99 < correlation < 1 - 1e-9 else f"{round(correlation, 2) + 0.0:.2f}"


def _ranks(values: np.ndarray) -> np.ndarray:
    """(n,) float64 ranks from 0; equal values get the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((2 * last - counts - 1) / 2)[inverse]


def likeness(first: np.ndarray, second: np.ndarray, side: int) -> float:
    """Rank correlation of two results of one picture, pixel by pixel; NaN where one of them is constant.

    Args:
        first, second: (h, w) maps, enlarged bilinearly; or (C, H, W) gradients, of which the sizes are added.
        side: of the picture, in pixels.
    """
    if not np.ptp(first) or not np.ptp(second):  # enlarged, a constant map has an order of rounding errors
        return float("nan")
    return spearman(_on_pixels(first, side), _on_pixels(second, side))


def _on_pixels(values: np.ndarray, side: int) -> np.ndarray:
    if values.ndim == 3:
        return np.abs(values).sum(0)
    return cam.upsample(torch.from_numpy(values)[None], (side, side))[0].numpy()
